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

    centres float32 [K, 3]: in body coordinates. constant float32 [R, K, 2]: mean displacement of the contour to each
    reference over the recording. steady float32 [K, 2]: what of the constant displacement is more than normal.
    keep_moving float32 [K] in 0..1: the share of the rest that is.
    """

    centres: Array
    constant: Array
    steady: Array
    keep_moving: Array

    @classmethod
    def of(cls, bodies: Sequence[Array], moves: Sequence[Array], wholes: Sequence[Array]) -> "NormalParts":
        """Parts from frames: of each the body coordinates [n, 3] of points and their displacements [R, n, 2].

        moves: of the contour; wholes: as the network sees them. Of what the two find constant and abnormal each part
        takes the longer. Cosine with the truth, two rendered clips of each: leans .82 (.63 with contours alone, .84
        with the network alone), hunches .44 (.28, .41), dragged limbs .51 (.51, .17).
        """
        centres = _centres(np.concatenate(list(bodies)))
        shares = [_shares(body, centres) for body in bodies]
        weight = np.maximum(np.sum([share.sum(0) for share in shares], axis=0), 1e-9)
        constant, whole = (_means(shares, found, weight) for found in (moves, wholes))
        moving = [m - np.einsum("nk,rkc->rnc", s, constant) for s, m in zip(shares, moves, strict=True)]
        energy, variance = (
            sum(share.T @ measure(move) for share, move in zip(shares, moving, strict=True)) / weight
            for measure in (_energy, _variance)
        )
        parts, references = weight / weight.sum(), len(constant)
        found, told = _abnormal(constant, parts), _abnormal(whole, parts)
        longer = (found**2).sum(1, keepdims=True) > (told**2).sum(1, keepdims=True)
        return cls(centres, constant, np.where(longer, found, told), _kept(energy, variance, parts, references))

    def abnormal(self, body: Array, moves: Array) -> Array:
        """What of the displacements [R, n, 2] of points with body coordinates [n, 3] is deviation, float32 [n, 2]."""
        share = _shares(body, self.centres)
        moving = trimmed_mean(moves - np.einsum("nk,rkc->rnc", share, self.constant))
        return np.asarray((share @ self.keep_moving)[:, None] * moving + share @ self.steady, np.float32)


def _means(shares: Sequence[Array], moves: Sequence[Array], weight: Array) -> Array:
    """The mean displacement of every part to every reference over all frames, float32 [R, K, 2]."""
    total = sum(np.einsum("nk,rnc->rkc", *pair) for pair in zip(shares, moves, strict=True))
    return np.asarray(total / weight[:, None], np.float32)


def _abnormal(constant: Array, parts: Array) -> Array:
    """What of constant displacements [R, K, 2] is more than normal, [K, 2]; parts [K]: shares of the body."""
    kept = _kept(_energy(constant), _variance(constant), parts, len(constant))
    return np.asarray(kept[:, None] * trimmed_mean(constant), np.float32)


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


def _kept(energy: Array, variance: Array, share: Array, references: int) -> Array:
    """The share of a displacement that stays, by its squared length and the variance of each part (James, Stein 1961).

    share [K]: of the body that each part is; the variance is that of the whole body, since few references estimate it
    badly part by part. A normal subject is as far from the mean of R references as one of them, and the mean itself is
    uncertain, so that 1 + 1 / R times the variance is normal.
    """
    normal = (1 + 1 / references) * float(share @ variance)
    return np.maximum(0, 1 - normal / np.maximum(energy, 1e-12)).astype(np.float32)
