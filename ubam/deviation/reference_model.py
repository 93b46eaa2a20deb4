"""How far each moment, recording and subject is from the reference, in units of the reference's own variation.

A moment's residual is its posture minus its twin's (time_alignment.py), the twin made from the reference subjects
without the
one that is scored. Residuals are measured in units of the residuals that the reference subjects have among
themselves. Calibration is leave-one-out conformal (jackknife+, Barber et al., Annals of Statistics 2021): a query is
scored against each reference that lacks one subject, and is compared there with exactly that subject, so that both are
judged by the same references.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ubam.core.errors import ModelError
from ubam.core.files import read_arrays, write_arrays, write_json
from ubam.deviation.normal_variation import length, mean_looks, normal_units, pooled, running_mean, trimmed_mean
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.twin import Matcher, matched_subjects, movement_basis
from ubam.results.run_folder import ReferenceFolder

FORMAT = 2  # of a frozen reference
ARRAYS = ("posture", "looks")  # of a code
FOLDS = 20  # reduced references at most; more subjects are left out in 10 groups
MOMENTS_PER_SECOND = 25
THINNED = 64  # moments of a recording from which normal variation is read


@dataclass(frozen=True)
class RecordingDeviation:
    """Deviation of one recording.

    frame int64 [M]: the moments' centres; moment float64 [F, M]: their deviation from each of F reduced references;
    static, dynamic float64 [F]: deviation of the recording's mean residual, and of what varies around it.
    """

    frame: np.ndarray
    moment: np.ndarray
    static: np.ndarray
    dynamic: np.ndarray


class FrozenFacts(TypedDict):
    """reference.json: hash of all that decides a score, seed of the intervals, `usual` values of the reference."""

    format: int
    ubam: str
    hash: str
    model: str
    seed: int
    usual: Mapping[str, Sequence[float]]
    groups: list[str]
    n_subjects: int


class ReferenceModel:
    """What is normal in a reference group: `fit` learns it, `score` measures how far anybody deviates from it.

    A reference subject is scored against the others; a query against each reference that lacks one subject (or one of
    10 groups of subjects where there are more than 20). Where there are more than MATCHED subjects, twins are made of
    that many of them; units, folds and p-values are of all.
    """

    def __init__(self) -> None:
        self.codes: list[PostureSeries] = []
        self.subjects: list[str] = []
        self.own: dict[str, float] = {}  # deviation of each reference subject from the others, once scored

    def fit(
        self, reference: Sequence[PostureSeries], everyone: Sequence[PostureSeries] | None = None
    ) -> "ReferenceModel":
        """Learn the reference; the directions of movement come from `everyone` (default: the reference)."""
        return self._fit(list(reference), movement_basis(everyone or reference))

    def _fit(
        self, reference: list[PostureSeries], basis: np.ndarray, variations: np.ndarray | None = None
    ) -> "ReferenceModel":
        self.codes = reference
        self.subjects = list(dict.fromkeys(code.subject for code in reference))
        self.looks = looks_of_subjects(reference)
        self.matcher = Matcher(reference, basis, matched_subjects(self.subjects))
        count = len(self.subjects) if len(self.subjects) <= FOLDS else FOLDS // 2
        self.folds = [list(fold) for fold in np.array_split(np.array(self.subjects), count)]
        self._variations = self._fit_variations() if variations is None else variations
        return self

    def save(
        self, folder: Path, model: str = "", seed: int = 0, usual: Mapping[str, Sequence[float]] | None = None
    ) -> FrozenFacts:
        """Freeze the reference, made with the networks of the fingerprint `model`: arrays and, last, reference.json.

        usual: the reference's own values as `score_tables.usual_values` gives them, kept for reports.
        Returns what reference.json says.
        """
        arrays = {"postures": {code.recording_id: code.posture for code in self.codes}}
        own = np.array([self.own[subject] for subject in self.subjects if subject in self.own])
        arrays["units"] = {"basis": self.matcher.basis, "variations": self._variations, "own": own}
        if self.looks is not None:
            arrays["units"]["looks"] = self.looks
        rows = [{name: value for name, value in vars(code).items() if name not in ARRAYS} for code in self.codes]
        place = ReferenceFolder(folder)
        facts: FrozenFacts = {
            "format": FORMAT, "ubam": version("ubam"), "hash": _hash(arrays, rows), "model": model, "seed": seed,
            "usual": usual or {}, "groups": list(dict.fromkeys(code.group for code in self.codes)),
            "n_subjects": len(self.subjects),
        }  # fmt: skip
        for name, values in arrays.items():
            write_arrays(place.arrays(name), **values)
        write_json(place.description, {**facts, "recordings": rows})
        return facts

    @classmethod
    def load(cls, folder: Path) -> "ReferenceModel":
        """The reference that `save` froze: nothing is fitted again, so it gives the scores of the day it was made.

        Raises
        ------
        ModelError
            Nothing frozen is there, an older version froze it, or a file is not the one that was frozen.
        """
        place = ReferenceFolder(folder)
        try:
            facts = json.loads(place.description.read_text(encoding="utf-8"))
            if facts["format"] != FORMAT:
                raise ModelError(f"{folder} was frozen by another version of ubam; score its run again: ubam score RUN")
            arrays = {name: read_arrays(place.arrays(name)) for name in ("postures", "units")}
            codes = [
                PostureSeries(posture=arrays["postures"][row["recording_id"]], **row) for row in facts["recordings"]
            ]
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
        names = [name for name in self.matcher.matched if name != subject] or [subject]
        for code in self.matcher.by_subject[subject]:
            thin = slice(None, None, max(1, len(self.matcher.moments(code).frame) // THINNED))
            own = code.posture[self.matcher.moments(code).frame][thin]
            stack = self.matcher.beside(code, names)[:, thin]
            for part, kept in zip(parts, references, strict=True):
                chosen = np.isin(names, kept)
                part.append(own - trimmed_mean(stack[chosen] if chosen.any() else stack))
        return [np.concatenate(part) for part in parts]

    def score(self, code: PostureSeries) -> RecordingDeviation:
        """Score one recording against every reduced reference; a reference subject's only against those without it."""
        known = code.subject in self.subjects
        folds = [index for index, fold in enumerate(self.folds) if not known or code.subject in fold]
        names = np.array([name for name in self.matcher.matched if name != code.subject] or self.subjects)
        stack, own = self.matcher.beside(code, names), code.posture[self.matcher.moments(code).frame]
        scores = []
        for fold, units in zip(folds, self._variations[folds], strict=True):
            kept = np.isin(names, self.folds[fold], invert=True)
            scores.append(_parts(running_mean(own - trimmed_mean(stack[kept] if kept.any() else stack)), units))
        moment, static, dynamic = (np.stack(part) for part in zip(*scores, strict=True))
        return RecordingDeviation(self.matcher.moments(code).frame, moment, static, dynamic)

    def fold_of(self, subject: str) -> int:
        """Index of the reduced reference that lacks `subject`."""
        return next(index for index, fold in enumerate(self.folds) if subject in fold)


def _parts(residual: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length of each moment's residual [M], of their mean, and of what varies around it."""
    mean = residual.mean(0)
    static, varying = length(mean[None], units)[0], length(residual - mean, units)
    return length(residual, units), static, np.sqrt((varying**2).mean())


def looks_of_subjects(codes: Sequence[PostureSeries]) -> np.ndarray | None:
    """What changes of appearance do to the postures of each subject, float64 [S, D, D]; None where one is unknown."""
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
