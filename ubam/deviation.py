"""How far each moment, recording and subject is from the reference, in units of the reference's own variation.

A moment's residual is its posture minus its twin's (twins.py), the twin made from the reference subjects without the
one that is scored. Residuals are measured in units of the residuals that the reference subjects have among
themselves. Calibration is leave-one-out conformal (jackknife+, Barber et al., Annals of Statistics 2021): a query is
scored against each reference that lacks one subject, and is compared there with exactly that subject, so that both are
judged by the same references.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ubam.errors import ModelError
from ubam.files import read_arrays, write_arrays, write_json
from ubam.matching import match_agreeing, match_subjects
from ubam.twins import Moments, describe_moments, spread_to_frames, widest_reach
from ubam.units import length, mean_looks, normal_units, pooled, smooth, trimmed_mean

FORMAT = 2  # of a frozen reference
ARRAYS = ("posture", "looks")  # of a code
FOLDS = 20  # at most so many reduced references; with more subjects 10, and they are left out in groups
MOMENTS_PER_SECOND = 25
THINNED = 64  # moments of a recording from which normal variation is read
SIGNATURE_DIM = 16  # principal directions of movement that choose the moment
TWIN_DIM = 32  # the same for twins that are shown
EVENED = 0.5  # of the logarithm of their variances is taken away; see `twin_basis`


@dataclass(frozen=True)
class Code:
    """The postures [T, D] of one recording and whose they are; `stride` frames lie between postures of a window.

    fps: frames per second of the recording, by which moments are placed in time. looks: second moment [D, D] of what
    imagined changes of looks do to its postures (looks.py); None where that is not known, as of true keypoints.
    """

    recording_id: str
    subject: str
    group: str
    posture: np.ndarray
    stride: int
    fps: float = 25.0
    looks: np.ndarray | None = None


@dataclass(frozen=True)
class Match:
    """One reference subject's moments beside a query recording's: which of its recordings and which frame [M]."""

    recordings: tuple[Code, ...]
    recording: np.ndarray
    frame: np.ndarray

    @property
    def posture(self) -> np.ndarray:
        """The reference subject's postures float32 [M, D] at those moments."""
        found = np.empty((len(self.frame), self.recordings[0].posture.shape[1]), np.float32)
        for index, code in enumerate(self.recordings):
            mine = self.recording == index
            found[mine] = code.posture[self.frame[mine]]
        return found


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
        """The moments of `subject` that correspond to those of `code`; those of all others are found with them."""
        if (code.recording_id, subject) not in self._matches:
            others = [name for name in self.by_subject if (name != code.subject) == (subject != code.subject)]
            reach = self.reach(code)
            found = match_subjects(
                self.moments(code), [[self.moments(o, reach) for o in self.by_subject[name]] for name in others]
            )
            for name, (recording, frame) in zip(others, found, strict=True):
                self._matches[code.recording_id, name] = Match(tuple(self.by_subject[name]), recording, frame)
        return self._matches[code.recording_id, subject]

    def forget(self, code: Code) -> None:
        """Free what is remembered of a recording that is not asked for again."""
        self._matches = {key: match for key, match in self._matches.items() if key[0] != code.recording_id}
        if code.recording_id not in self.codes:
            self._moments = {key: moments for key, moments in self._moments.items() if key[0] != code.recording_id}

    def twin(self, code: Code, limit: int = 8) -> Twin:
        """The reference posture at every frame of a recording, from at most `limit` reference subjects.

        Each subject is shown by its one recording that moves most like the query; subjects that move most like it come
        first. A recording's own subject is never taken, unless the reference has no other.
        """
        subjects = [subject for subject in self.by_subject if subject != code.subject] or list(self.by_subject)
        found = sorted(self._shown(code, subjects), key=lambda item: item[0])[:limit]
        stack = np.stack([self.codes[name].posture[frame] for _, name, frame in found])
        posture = gaussian_filter1d(trimmed_mean(stack), code.stride, axis=0, mode="nearest")
        return Twin(posture.astype(np.float32), [(name, frame) for _, name, frame in found])

    def _shown(self, code: Code, subjects: Sequence[str]) -> list[tuple[float, str, np.ndarray]]:
        """Of each subject the recording that moves most like `code`: mean distance, name and its frames [T]."""
        moments, reach, found = self.moments(code), self.reach(code), []
        own = [[o for o in self.by_subject[subject] if o.recording_id != code.recording_id] for subject in subjects]
        others = [rest or self.by_subject[subject] for rest, subject in zip(own, subjects, strict=True)]
        agreed = match_agreeing(moments, [[self.moments(other, reach) for other in subject] for subject in others])
        for subject, (distance, recording, frame) in zip(others, agreed, strict=True):
            other = subject[recording]
            path = spread_to_frames(moments, frame, len(code.posture), np.full(len(frame), len(other.posture)))
            found.append((distance, other.recording_id, path))
        return found

    def beside(self, code: Code, subjects: Iterable[str]) -> np.ndarray:
        """The matching postures [S, M, D] of `subjects`, never of the recording's own (but where there is no other)."""
        others = [subject for subject in subjects if subject != code.subject] or [code.subject]
        return np.stack([self.match(code, subject).posture for subject in others])

    def residual(self, code: Code, subjects: Iterable[str]) -> np.ndarray:
        """Posture minus twin [M, D], the twin made of `subjects`, never of the recording's own."""
        return code.posture[self.moments(code).frame] - trimmed_mean(self.beside(code, subjects))


class Deviation:
    """Deviation from a reference group: `fit` on the reference, `score` anybody, itself included.

    A reference subject is scored against the others; a query against each reference that lacks one subject (or one of
    10 groups of subjects where there are more than 20).
    """

    def __init__(self) -> None:
        self.codes: list[Code] = []
        self.subjects: list[str] = []
        self.own: dict[str, float] = {}  # deviation of each reference subject from the others, once scored

    def fit(self, reference: Sequence[Code], everyone: Sequence[Code] | None = None) -> "Deviation":
        """Learn the reference; the directions of movement come from `everyone` (default: the reference)."""
        return self._fit(list(reference), movement_basis(everyone or reference))

    def _fit(self, reference: list[Code], basis: np.ndarray, variations: np.ndarray | None = None) -> "Deviation":
        self.codes = reference
        self.subjects = list(dict.fromkeys(code.subject for code in reference))
        self.looks = looks_of_subjects(reference)
        self.matcher = Matcher(reference, basis)
        count = len(self.subjects) if len(self.subjects) <= FOLDS else FOLDS // 2
        self.folds = [list(fold) for fold in np.array_split(np.array(self.subjects), count)]
        self._variations = self._fit_variations() if variations is None else variations
        return self

    def save(
        self, folder: Path, model: str = "", seed: int = 0, usual: Mapping[str, Sequence[float]] | None = None
    ) -> dict[str, Any]:
        """Freeze the reference, made with the networks of the fingerprint `model`: arrays and, last, reference.json.

        usual: the reference's own values as `tables.usual_values` gives them, kept for reports.
        Returns what reference.json says: version of ubam, hash of all that decides a score, seed of the intervals.
        """
        arrays = {"postures": {code.recording_id: code.posture for code in self.codes}}
        own = np.array([self.own[subject] for subject in self.subjects if subject in self.own])
        arrays["units"] = {"basis": self.matcher.basis, "variations": self._variations, "own": own}
        if self.looks is not None:
            arrays["units"]["looks"] = self.looks
        rows = [{name: value for name, value in vars(code).items() if name not in ARRAYS} for code in self.codes]
        facts = {"format": FORMAT, "ubam": version("ubam"), "hash": _hash(arrays, rows), "model": model}
        facts |= {"seed": seed, "usual": usual or {}}
        facts |= {"groups": list(dict.fromkeys(code.group for code in self.codes)), "n_subjects": len(self.subjects)}
        for name, values in arrays.items():
            write_arrays(folder / f"{name}.npz", **values)
        write_json(folder / "reference.json", facts | {"recordings": rows})
        return facts

    @classmethod
    def load(cls, folder: Path) -> "Deviation":
        """The reference that `save` froze: nothing is fitted again, so it gives the scores of the day it was made.

        Raises:
            ModelError: nothing frozen is there, an older version froze it, or a file is not the one that was frozen.
        """
        try:
            facts = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
            if facts["format"] != FORMAT:
                raise ModelError(f"{folder} was frozen by another version of ubam; score its run again: ubam score RUN")
            arrays = {name: read_arrays(folder / f"{name}.npz") for name in ("postures", "units")}
            codes = [Code(posture=arrays["postures"][row["recording_id"]], **row) for row in facts["recordings"]]
            whole = facts["hash"] == _hash(arrays, facts["recordings"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder} holds no frozen reference or a damaged one; score the run again.") from error
        if not whole:
            raise ModelError(f"{folder}: a file is not the one that was frozen (wrong hash); copy the folder again.")
        loaded = cls()._fit(codes, arrays["units"]["basis"], arrays["units"]["variations"])
        loaded.looks = arrays["units"].get("looks")
        loaded.own = dict(zip(loaded.subjects, arrays["units"]["own"].tolist(), strict=False))
        return loaded

    def _without(self, fold: Sequence[str]) -> list[str]:
        return [subject for subject in self.subjects if subject not in fold]

    def _fit_variations(self) -> np.ndarray:
        """For each reduced reference the matrix [D, D] that brings its subjects' residuals to unit covariance."""
        kept = [self._without(fold) if len(self.subjects) > 2 else self.subjects for fold in self.folds]
        residuals = {subject: self._residuals_in(subject, kept) for subject in self.subjects}
        seconds = {
            subject: sum(len(self.matcher.moments(code).frame) for code in codes) / MOMENTS_PER_SECOND
            for subject, codes in self.matcher.by_subject.items()
        }
        found = []
        for index, subjects in enumerate(kept):
            moment = pooled([residuals[subject][index] for subject in subjects])
            samples = max(sum(seconds[subject] for subject in subjects), len(subjects))
            # Looks of the subject that is scored would count as normal, those of a query never do.
            looks = None if self.looks is None else self.looks[np.isin(self.subjects, subjects)].mean(0)
            found.append(normal_units(moment, samples, looks))
        return np.ascontiguousarray(np.stack(found))  # as it is read back: the order of sums shows in the last digits

    def _residuals_in(self, subject: str, references: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Residuals [M, D] of one subject, thinned to about 64 moments a recording, in each reference that holds it."""
        parts: list[list[np.ndarray]] = [[] for _ in references]
        names = [name for name in self.subjects if name != subject] or [subject]
        for code in self.matcher.by_subject[subject]:
            thin = slice(None, None, max(1, len(self.matcher.moments(code).frame) // THINNED))
            own = code.posture[self.matcher.moments(code).frame][thin]
            stack = self.matcher.beside(code, names)[:, thin]
            for part, kept in zip(parts, references, strict=True):
                chosen = np.isin(names, kept)
                part.append(own - trimmed_mean(stack[chosen] if chosen.any() else stack))
        return [np.concatenate(part) for part in parts]

    def score(self, code: Code) -> Score:
        """Score one recording against every reduced reference; a reference subject's only against those without it."""
        known = code.subject in self.subjects
        folds = [index for index, fold in enumerate(self.folds) if not known or code.subject in fold]
        names = np.array([subject for subject in self.subjects if subject != code.subject] or self.subjects)
        stack, own = self.matcher.beside(code, names), code.posture[self.matcher.moments(code).frame]
        scores = []
        for fold, units in zip(folds, self._variations[folds], strict=True):
            kept = np.isin(names, self.folds[fold], invert=True)
            scores.append(_parts(smooth(own - trimmed_mean(stack[kept] if kept.any() else stack)), units))
        moment, static, dynamic = (np.stack(part) for part in zip(*scores, strict=True))
        return Score(self.matcher.moments(code).frame, moment, static, dynamic)

    def fold_of(self, subject: str) -> int:
        """Index of the reduced reference that lacks `subject`."""
        return next(index for index, fold in enumerate(self.folds) if subject in fold)


def _parts(residual: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length of each moment's residual [M], of their mean, and of what varies around it."""
    mean = residual.mean(0)
    static, varying = length(mean[None], units)[0], length(residual - mean, units)
    return length(residual, units), static, np.sqrt((varying**2).mean())


def looks_of_subjects(codes: Sequence[Code]) -> np.ndarray | None:
    """What looks do to the postures of each subject, float64 [S, D, D]; None where it is unknown of any."""
    found: dict[str, list[np.ndarray | None]] = {}
    for code in codes:
        found.setdefault(code.subject, []).append(code.looks)
    means = [mean_looks(looks) for looks in found.values()]
    known = [mean for mean in means if mean is not None]
    return np.stack(known) if known and len(known) == len(means) else None


def _hash(arrays: Mapping[str, Mapping[str, np.ndarray]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Fingerprint of arrays and rows: 16 hexadecimal digits of a SHA-256."""
    digest = hashlib.sha256(json.dumps(list(rows), sort_keys=True).encode())
    for values in arrays.values():
        for name, value in sorted(values.items()):
            digest.update(f"{name} {value.dtype.str} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:16]


def movement_basis(codes: Sequence[Code]) -> np.ndarray:
    """Principal directions [D, K] in which postures move within recordings."""
    return movement_directions(codes, SIGNATURE_DIM)[1]


def twin_basis(codes: Sequence[Code]) -> np.ndarray:
    """Directions [D, K] to find the twin's moments by, which is shown; the strong ones held down.

    Opening and closing the legs is what moves most, and is the same half a cycle later; which of them is in front shows
    in weaker directions. So a direction counts by the square root of its standard deviation (reference frames half a
    cycle out, two rendered studies coded by `standard`: 13 and 20 % with 16 directions as they are, 9 and 15 % so).
    Scores gain nothing by it, and a deviation of a second reaches further beyond it.
    """
    values, vectors = movement_directions(codes, TWIN_DIM)
    share = values / max(float(values[0]), 1e-12)
    return (vectors * np.maximum(share, 1e-6) ** (-EVENED / 2)).astype(np.float32)


def movement_directions(codes: Sequence[Code], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Variances [K] and principal directions [D, K] in which postures move within recordings, at most `count`."""
    moving = [code.posture - code.posture.mean(0) for code in codes]
    covariance = np.mean([m.T @ m / len(m) for m in moving], axis=0)
    values, vectors = np.linalg.eigh(covariance)
    return values[::-1][:count], np.ascontiguousarray(vectors[:, ::-1][:, :count], np.float32)
