"""How far each moment, recording and subject is from the reference, in units of the reference's own variation.

A moment's residual is its posture minus its twin's (twins.py), the twin made from the reference subjects without the
one that is scored. Residuals are measured in units of the residuals that the reference subjects have among
themselves. Calibration is leave-one-out conformal (jackknife+, Barber et al., Annals of Statistics 2021): a query is
scored against each reference that lacks one subject, and is compared there with exactly that subject, so that both are
judged by the same references.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ubam.errors import ModelError
from ubam.files import read_arrays, write_arrays, write_json
from ubam.twins import Moments, describe_moments, match_subject, spread_to_frames, widest_reach

TRIM = 0.2  # share of the reference subjects left out on either side of the twin's mean
FOLDS = 20  # at most so many reduced references; beyond, subjects are left out in groups
MOMENTS_PER_SECOND = 25
SIGNATURE_DIM = 16  # principal directions of movement that choose the moment


@dataclass(frozen=True)
class Code:
    """The postures [T, D] of one recording and whose they are; `stride` frames lie between postures of a window."""

    recording_id: str
    subject: str
    group: str
    posture: np.ndarray
    stride: int


@dataclass(frozen=True)
class Match:
    """One reference subject's moments beside a query recording's: recording id and frame [M], posture [M, D]."""

    recording_ids: tuple[str, ...]
    recording: np.ndarray
    frame: np.ndarray
    posture: np.ndarray


@dataclass(frozen=True)
class Score:
    """Deviation of one recording.

    frame int64 [M]: the moments' centres; moment float64 [F, M]: their deviation from each of F reduced references;
    static, dynamic float64 [F]: deviation of the recording's mean residual, and of what varies around it.
    """

    frame: np.ndarray
    moment: np.ndarray
    static: np.ndarray
    dynamic: np.ndarray


@dataclass(frozen=True)
class Twin:
    """The twin of a recording: posture [T, D], and for each reference subject the recording and its frame [T] shown."""

    posture: np.ndarray
    references: list[tuple[str, np.ndarray]]


class Matcher:
    """Finds and remembers the moments of every subject that correspond to those of a recording."""

    def __init__(self, codes: Sequence[Code], basis: np.ndarray) -> None:
        self.codes = {code.recording_id: code for code in codes}
        self.by_subject: dict[str, list[Code]] = {}
        for code in codes:
            self.by_subject.setdefault(code.subject, []).append(code)
        self.basis = basis
        self._reach = min(widest_reach(len(code.posture), code.stride) for code in codes)
        self._moments: dict[tuple[str, int], Moments] = {}
        self._matches: dict[tuple[str, str], Match] = {}

    def moments(self, code: Code, reach: int | None = None) -> Moments:
        """The windows of a recording, one every `stride` frames, `reach` postures to either side."""
        reach = self.reach(code) if reach is None else reach
        key = (code.recording_id, reach)
        if key not in self._moments:
            self._moments[key] = describe_moments(code.posture, self.basis, code.stride, code.stride, reach)
        return self._moments[key]

    def reach(self, code: Code) -> int:
        """The reach of windows at which this recording is matched: the shortest recording decides."""
        return min(self._reach, widest_reach(len(code.posture), code.stride))

    def match(self, code: Code, subject: str) -> Match:
        """The moments of `subject` that correspond to those of `code`."""
        key = (code.recording_id, subject)
        if key not in self._matches:
            references = self.by_subject[subject]
            recording, frame, _ = match_subject(
                self.moments(code), [self.moments(other, self.reach(code)) for other in references]
            )
            posture = np.empty((len(frame), code.posture.shape[1]), np.float32)
            for index, other in enumerate(references):
                posture[recording == index] = other.posture[frame[recording == index]]
            self._matches[key] = Match(tuple(other.recording_id for other in references), recording, frame, posture)
        return self._matches[key]

    def twin(self, code: Code, limit: int = 8) -> Twin:
        """The reference posture at every frame of a recording, from at most `limit` reference subjects.

        Each subject is shown by its one recording that moves most like the query; subjects that move most like it come
        first. A recording's own subject is never taken, unless the reference has no other.
        """
        subjects = [subject for subject in self.by_subject if subject != code.subject] or list(self.by_subject)
        found = sorted((self._shown(code, subject) for subject in subjects), key=lambda item: item[0])[:limit]
        stack = np.stack([self.codes[name].posture[frame] for _, name, frame in found])
        posture = gaussian_filter1d(trimmed_mean(stack), code.stride, axis=0, mode="nearest")
        return Twin(posture.astype(np.float32), [(name, frame) for _, name, frame in found])

    def _shown(self, code: Code, subject: str) -> tuple[float, str, np.ndarray]:
        """Mean distance, recording and its frames [T] for the recording of `subject` that moves most like `code`."""
        moments, total = self.moments(code), len(code.posture)
        choices = []
        others = [other for other in self.by_subject[subject] if other.recording_id != code.recording_id]
        for other in others or self.by_subject[subject]:
            _, frame, distance = match_subject(moments, [self.moments(other, self.reach(code))])
            lengths = np.full(len(frame), len(other.posture))
            path = spread_to_frames(moments, frame, total, lengths)
            choices.append((float(distance.mean()), other.recording_id, path))
        return min(choices, key=lambda item: item[0])

    def residual(self, code: Code, subjects: Iterable[str]) -> np.ndarray:
        """Posture minus twin [M, D], the twin made of `subjects`, never of the recording's own."""
        matched = [self.match(code, subject).posture for subject in subjects if subject != code.subject]
        return code.posture[self.moments(code).frame] - trimmed_mean(np.stack(matched))


class Deviation:
    """Deviation from a reference group: `fit` on the reference, `score` anybody, itself included.

    A reference subject is scored against the others; a query against each reference that lacks one subject (or one of
    20 groups of subjects when there are more).
    """

    def __init__(self) -> None:
        self.codes: list[Code] = []
        self.subjects: list[str] = []

    def fit(self, reference: Sequence[Code], everyone: Sequence[Code] | None = None) -> "Deviation":
        """Learn the reference; the directions of movement come from `everyone` (default: the reference)."""
        return self._fit(list(reference), movement_basis(everyone or reference))

    def _fit(self, reference: list[Code], basis: np.ndarray) -> "Deviation":
        self.codes = reference
        self.subjects = list(dict.fromkeys(code.subject for code in reference))
        self.matcher = Matcher(reference, basis)
        self.folds = [list(fold) for fold in np.array_split(np.array(self.subjects), min(FOLDS, len(self.subjects)))]
        self._variations = [self._variation(self._without(fold)) for fold in self.folds]
        return self

    def save(self, folder: Path) -> None:
        """Freeze the reference: postures.npz, basis.npz and, last, reference.json in `folder`."""
        write_arrays(folder / "postures.npz", **{code.recording_id: code.posture for code in self.codes})
        write_arrays(folder / "basis.npz", basis=self.matcher.basis)
        rows = [
            {"recording_id": code.recording_id, "subject": code.subject, "group": code.group, "stride": code.stride}
            for code in self.codes
        ]
        write_json(folder / "reference.json", {"format": 1, "recordings": rows})

    @classmethod
    def load(cls, folder: Path) -> "Deviation":
        """The reference that `save` froze: it gives the same scores as on the day it was made."""
        try:
            rows = json.loads((folder / "reference.json").read_text(encoding="utf-8"))["recordings"]
            postures, basis = read_arrays(folder / "postures.npz"), read_arrays(folder / "basis.npz")["basis"]
            codes = [Code(posture=postures[row["recording_id"]], **row) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder} holds no frozen reference or a damaged one; score the run again.") from error
        return cls()._fit(codes, basis)

    def _without(self, fold: Sequence[str]) -> list[str]:
        return [subject for subject in self.subjects if subject not in fold]

    def _variation(self, subjects: Sequence[str]) -> np.ndarray:
        """Matrix [D, D] that brings the residuals that `subjects` have among themselves to unit covariance."""
        if len(subjects) < 2:
            subjects = self.subjects
        residuals = [
            np.concatenate([self.matcher.residual(code, subjects) for code in self.matcher.by_subject[subject]])
            for subject in subjects
        ]
        moment = pooled(residuals)
        seconds = sum(len(residual) for residual in residuals) / MOMENTS_PER_SECOND
        return whiten(shrink(moment, max(seconds, len(subjects))))

    def score(self, code: Code) -> Score:
        """Score one recording against every reduced reference; a reference subject's only against those without it."""
        folds = [
            index for index, fold in enumerate(self.folds) if code.subject not in self.subjects or code.subject in fold
        ]
        scores = [self._score(code, index) for index in folds]
        moment, static, dynamic = (np.stack(part) for part in zip(*scores, strict=True))
        return Score(self.matcher.moments(code).frame, moment, static, dynamic)

    def _score(self, code: Code, fold: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        residual = smooth(self.matcher.residual(code, self._without(self.folds[fold])))
        units = self._variations[fold]
        mean = residual.mean(0)
        return (
            length(residual, units),
            length(mean[None], units)[0],
            np.sqrt((length(residual - mean, units) ** 2).mean()),
        )

    def fold_of(self, subject: str) -> int:
        """Index of the reduced reference that lacks `subject`."""
        return next(index for index, fold in enumerate(self.folds) if subject in fold)

    def spread(
        self, codes: Sequence[Code], resamples: int, block: int, rng: np.random.Generator
    ) -> tuple[float, float]:
        """How far below and above its deviation the 95 % interval of one subject reaches (low <= 0 <= high).

        Reference subjects are drawn with replacement, and moments in blocks of `block`. The draws are taken relative to
        their median, because a twin of fewer different subjects is rougher and would shift them upwards.
        """
        fold = [self.fold_of(codes[0].subject)] if codes[0].subject in self.subjects else slice(None)
        units = np.mean(np.stack(self._variations)[fold], axis=0)
        paths = [(own @ units, stack @ units) for own, stack in map(self._paths, codes)]
        draws = np.empty(resamples)
        for draw in range(resamples):
            lengths = [_drawn_length(own, stack, rng) for own, stack in paths]
            draws[draw] = summarise(np.concatenate([values[_blocks(len(values), block, rng)] for values in lengths]))
        low, high = np.percentile(draws - np.median(draws), [2.5, 97.5])
        return float(low), float(high)

    def _paths(self, code: Code) -> tuple[np.ndarray, np.ndarray]:
        """Smoothed postures [M, D] and matched postures [R, M, D], thinned to about 32 moments."""
        moments = self.matcher.moments(code).frame
        thin = slice(None, None, max(1, len(moments) // 32))
        subjects = [subject for subject in self.subjects if subject != code.subject]
        stack = np.stack([smooth(self.matcher.match(code, subject).posture)[thin] for subject in subjects])
        return smooth(code.posture[moments])[thin], stack


def _drawn_length(own: np.ndarray, stack: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _norm(own - trimmed_mean(stack[rng.integers(len(stack), size=len(stack))]))


def _norm(residual: np.ndarray) -> np.ndarray:
    return np.linalg.norm(residual, axis=-1) / np.sqrt(residual.shape[-1])


def _blocks(total: int, block: int, rng: np.random.Generator) -> np.ndarray:
    """Positions [total] drawn in blocks of neighbours."""
    block = min(block, total)
    starts = rng.integers(total - block + 1, size=-(-total // block))
    return (starts[:, None] + np.arange(block)).ravel()[:total]


def movement_basis(codes: Sequence[Code]) -> np.ndarray:
    """Principal directions [D, K] in which postures move within recordings."""
    moving = [code.posture - code.posture.mean(0) for code in codes]
    covariance = np.mean([m.T @ m / len(m) for m in moving], axis=0)
    _, vectors = np.linalg.eigh(covariance)
    return vectors[:, ::-1][:, :SIGNATURE_DIM].astype(np.float32)


def pooled(residuals: Sequence[np.ndarray]) -> np.ndarray:
    """Second moment [D, D] of the residuals [M, D] of several subjects.

    A subject whose residuals are larger than the median subject's counts as much less, so that one unusual reference
    subject does not widen the normal range for everybody.
    """
    moments = np.stack([residual.T @ residual / len(residual) for residual in residuals]).astype(np.float64)
    sizes = np.maximum(np.trace(moments, axis1=1, axis2=2), 1e-12)
    weights = np.minimum(1.0, np.median(sizes) / sizes)
    mean: np.ndarray = np.tensordot(weights, moments, axes=1) / len(moments)
    return mean


def whiten(covariance: np.ndarray) -> np.ndarray:
    """Matrix [D, D] that brings rows with this covariance to unit covariance when they are multiplied by it."""
    return np.linalg.inv(np.linalg.cholesky(covariance).astype(np.float64)).T


def trimmed_mean(stack: np.ndarray) -> np.ndarray:
    """Mean over the first axis without the lowest and highest fifth of each entry."""
    cut = int(TRIM * len(stack))
    if cut == 0:
        return stack.mean(0)
    return np.partition(stack, (cut, len(stack) - cut - 1), axis=0)[cut : len(stack) - cut].mean(0)


def summarise(moments: np.ndarray) -> np.ndarray:
    """Root mean square of the moments [..., M] of a recording or subject, the highest tenth held down.

    A deviation that comes and goes with the gait cycle is missed by the median (rendered walkers and rodents, true
    keypoints: AUC 0.95 against 0.97, rho 0.79 against 0.84); holding down the highest tenth keeps a lost box from
    deciding.
    """
    bounded = np.minimum(moments, np.quantile(moments, 0.9, axis=-1, keepdims=True))
    return np.sqrt((bounded**2).mean(-1))


def shrink(covariance: np.ndarray, samples: float) -> np.ndarray:
    """Oracle approximating shrinkage towards a sphere (Chen et al., IEEE TSP 2010) for `samples` independent samples.

    Seconds, not frames, are the samples: neighbouring frames repeat each other.
    """
    dim = len(covariance)
    sphere = np.trace(covariance) / dim
    square = (covariance**2).sum()
    numerator = (1 - 2 / dim) * square + (dim * sphere) ** 2
    denominator = (samples + 1 - 2 / dim) * (square - dim * sphere**2)
    weight = min(1.0, numerator / denominator) if denominator > 0 else 1.0
    return (1 - weight) * covariance + (weight * sphere + 1e-9) * np.eye(dim)


def length(residual: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Length [M] of residuals [M, D] times `units` [D, D] per dimension: about 1 for a reference subject."""
    return _norm(residual @ units)


def smooth(residual: np.ndarray, width: int = 8) -> np.ndarray:
    """Running mean over a window of `width` moments, shorter at the ends, [M, D]."""
    total = np.concatenate([np.zeros((1, residual.shape[1])), np.cumsum(residual, 0, dtype=np.float64)])
    low = np.maximum(np.arange(len(residual)) - width // 2, 0)
    high = np.minimum(low + width, len(residual))
    return (total[high] - total[low]) / (high - low)[:, None]
