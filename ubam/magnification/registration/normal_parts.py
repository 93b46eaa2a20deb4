"""What of a displacement is more than normal variation: the body in parts, each shrunk by what references differ.

The displacement of a part is split into its mean over the recording (a lean, a hunch, a build) and what comes and goes
(a limb that is dragged). References differ in both, and not alike: builds differ most in the constant share, so that it
must not hide what a limb does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2

from ubam.core.typing import Array
from ubam.deviation.normal_variation import trimmed_mean

PARTS = 16
WIDTH = 0.15  # units of body coordinates over which parts blend
SAMPLES = 3000  # points from which the parts are found


@dataclass(frozen=True)
class NormalParts:
    """Parts of the body and what is shown of their displacement.

    centres float32 [K, 3]: in body coordinates. constant float32 [R, K, 2]: the mean displacement to each reference
    over the recording, as the network sees it. steady float32 [K, 2]: what of the mean displacement is more than
    normal. keep float32 [K] in 0..1: the share of the rest that is. doubt float32 [K]: squared error to expect of
    `steady`.
    """

    centres: Array
    constant: Array
    steady: Array
    keep: Array
    doubt: Array

    @classmethod
    def of(cls, bodies: Sequence[Array], contours: Sequence[Array], network: Sequence[Array]) -> "NormalParts":
        """Parts from frames: of each the body coordinates [n, 3] of points and their displacements [R, n, 2].

        contours, network: the displacements as each of the two finds them. Of what they find constant and abnormal each
        part takes the longer; what comes and goes is the network's. Cosine and gain at true keypoints: six clips of
        walkers .65, .48 (both by contours .59, .38), five of rats .45, .32 (.41, .29 with what moves by contours).
        """
        centres = _centres(np.concatenate(list(bodies)))
        shares = [_shares(body, centres) for body in bodies]
        found, told = (_Split.of(shares, moves) for moves in (contours, network))
        longer = (found.steady**2).sum(1) > (told.steady**2).sum(1)
        steady = np.where(longer[:, None], found.steady, told.steady)
        keep = told.kept(told.energy, told.variance)
        return cls(centres, told.constant, steady, keep, np.where(longer, found.doubt, told.doubt))

    def abnormal(self, body: Array, moves: Array) -> tuple[Array, Array]:
        """What of the displacements [R, n, 2] of points with body coordinates [n, 3] is deviation, and its error.

        moves: the network's. float32 [n, 2], and the error to expect of its length, float32 [n].
        """
        share = _shares(body, self.centres)
        rest = moves - np.einsum("nk,rkc->rnc", share, self.constant)
        keep = share @ self.keep
        shown = keep[:, None] * trimmed_mean(rest) + share @ self.steady
        error = keep * (1 + 1 / len(moves)) * _variance(rest) + share @ self.doubt
        return np.asarray(shown, np.float32), np.sqrt(error).astype(np.float32)


@dataclass(frozen=True)
class _Split:
    """What one of the two finds, split: constant [R, K, 2]; squared length and variance [K] of the rest.

    parts [K]: share of the body that each part is. steady [K, 2]: what of the constant displacement is more than
    normal; doubt [K]: the squared error to expect of it.
    """

    constant: Array
    energy: Array
    variance: Array
    parts: Array

    @classmethod
    def of(cls, shares: Sequence[Array], moves: Sequence[Array]) -> "_Split":
        weight = np.maximum(np.sum([share.sum(0) for share in shares], axis=0), 1e-9)
        constant = _means(shares, moves, weight)
        rest = [m - np.einsum("nk,rkc->rnc", s, constant) for s, m in zip(shares, moves, strict=True)]
        energy, variance = (
            sum(share.T @ measure(move) for share, move in zip(shares, rest, strict=True)) / weight
            for measure in (_energy, _variance)
        )
        return cls(constant, energy, variance, weight / weight.sum())

    @property
    def steady(self) -> Array:
        kept = self.kept(_energy(self.constant), _variance(self.constant))
        return np.asarray(kept[:, None] * trimmed_mean(self.constant), np.float32)

    @property
    def doubt(self) -> Array:
        variance = _variance(self.constant)
        return self.kept(_energy(self.constant), variance) * np.float32(self.normal(variance))

    def normal(self, variance: Array) -> float:
        """The squared length that is normal of a displacement with this variance of the parts.

        It is that of the whole body, since few references tell it badly part by part. A normal subject is as far from
        the mean of R references as one of them, and the mean itself is uncertain, so that 1 + 1 / R times the variance
        is normal.
        """
        return (1 + 1 / len(self.constant)) * float(self.parts @ variance)

    def kept(self, energy: Array, variance: Array) -> Array:
        """The share of a displacement that stays, of each part (James and Stein 1961)."""
        return np.maximum(0, 1 - self.normal(variance) / np.maximum(energy, 1e-12)).astype(np.float32)


def _means(shares: Sequence[Array], moves: Sequence[Array], weight: Array) -> Array:
    """The mean displacement of every part to every reference over all frames, float32 [R, K, 2]."""
    total = sum(np.einsum("nk,rnc->rkc", *pair) for pair in zip(shares, moves, strict=True))
    return np.asarray(total / weight[:, None], np.float32)


def _centres(body: Array) -> Array:
    """Centres [K, 3] of the parts into which points with body coordinates [N, 3] fall."""
    if not len(body):
        return np.zeros((1, 3), np.float32)
    some = body[:: max(1, len(body) // SAMPLES)].astype(np.float64)
    count = min(PARTS, len(np.unique(some, axis=0)))
    return np.asarray(kmeans2(some, count, minit="++", seed=1)[0], np.float32)


def _shares(body: Array, centres: Array) -> Array:
    """How much each point [n, 3] belongs to each part, float32 [n, K], rows of sum 1."""
    apart = ((body[:, None] - centres[None]) ** 2).sum(-1) / (2 * WIDTH**2)
    share = np.exp(apart.min(1, keepdims=True) - apart)
    return np.asarray(share / share.sum(1, keepdims=True), np.float32)


def _energy(moves: Array) -> Array:
    """Squared length of the mean over references of displacements [R, n, 2], [n]."""
    return np.asarray((trimmed_mean(moves) ** 2).sum(-1), np.float32)


def _variance(moves: Array) -> Array:
    """Variance over references of displacements [R, n, 2], both directions together, [n]; 0 with one reference."""
    apart = ((moves - moves.mean(0)) ** 2).sum((0, 2))
    return np.asarray(apart / max(len(moves) - 1, 1), np.float32)
