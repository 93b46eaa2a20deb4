"""From deviations of moments to those of recordings and subjects, with intervals and conformal p-values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from ubam.deviation.intervals import interval, measure_variation
from ubam.deviation.normal_variation import summarise
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import RecordingDeviation, ReferenceModel
from ubam.encoding.encoders import WINDOW


@dataclass(frozen=True)
class SubjectScore:
    """One subject: deviation over its windows, interval, place in the reference, and conformal p.

    low, high: 95 % interval (intervals.py). percentile: share of reference subjects that deviate
    less, in percent. p_value is at least `smallest_p`, 1 / (1 + number of subjects compared with).
    """

    subject: str
    group: str
    deviation: float
    low: float
    high: float
    static: float
    dynamic: float
    percentile: float
    p_value: float
    smallest_p: float


@dataclass(frozen=True)
class StudyScores:
    """Scores of every recording and subject, and the fitted reference they come from."""

    recordings: dict[str, RecordingDeviation]
    subjects: list[SubjectScore]
    fitted: ReferenceModel


def score_study(
    codes: Sequence[PostureSeries],
    reference: str | None,
    *,
    seed: int = 0,
    intervals: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> StudyScores:
    """Score all recordings against the group `reference`, or each subject against all others when it is None.

    Every subject of the reference is scored without itself. A reference of one subject is cut into consecutive parts,
    which say how much that subject varies but nothing of others: no p-value is given then. Subjects come in the order
    of the study.
    """
    members = [code for code in codes if reference is None or code.group == reference]
    alone = len({code.subject for code in members}) == 1
    parts = [part for code in members for part in cut_in_parts(code)] if alone else members
    fitted = ReferenceModel().fit(parts, codes)
    scores = {}
    for done, code in enumerate(codes, 1):
        mine = [
            part
            for part in parts
            if alone and code in members and part.recording_id.startswith(f"{code.recording_id}#")
        ]
        scores[code.recording_id] = _joined(fitted, code, mine) if mine else fitted.score(code)
        if progress is not None:
            progress(done, len(codes))
    fitted.own = {} if alone else reference_scores(fitted, scores)
    subjects = score_subjects(fitted, codes, scores, fitted.own, seed=seed, intervals=intervals)
    return StudyScores(scores, subjects, fitted)


def reference_scores(fitted: ReferenceModel, scores: Mapping[str, RecordingDeviation]) -> dict[str, float]:
    """Deviation of every reference subject from the reference without it, from the scores of its recordings."""
    return {
        subject: float(summarise(np.concatenate([scores[code.recording_id].moment[0] for code in codes])))
        for subject, codes in fitted.matcher.by_subject.items()
    }


def score_subjects(
    fitted: ReferenceModel,
    codes: Sequence[PostureSeries],
    scores: Mapping[str, RecordingDeviation],
    own: Mapping[str, float],
    *,
    seed: int,
    intervals: bool = True,
) -> list[SubjectScore]:
    """The scores of every subject in each of its groups, from those of its recordings; own: as `reference_scores`.

    The interval of a subject is drawn by its own name, so that it does not depend on who else is scored.
    """
    subjects, variation = [], measure_variation(fitted) if intervals else None
    for subject, group in dict.fromkeys((code.subject, code.group) for code in codes):
        mine = [code for code in codes if (code.subject, code.group) == (subject, group)]
        scored = _subject_score(fitted, scores, mine, own)
        if variation is not None:
            rng = np.random.default_rng([seed, crc32(f"{subject}\n{group}".encode())])
            low, high = interval(fitted, variation, mine, scored.deviation, rng)
            scored = replace(scored, low=low, high=high)
        subjects.append(scored)
        for code in mine:
            fitted.matcher.forget(code)
    return subjects


def cut_in_parts(code: PostureSeries, count: int = 4) -> list[PostureSeries]:
    """Consecutive parts of a recording, as if each were a subject; fewer when they would be shorter than a window."""
    count = max(1, min(count, len(code.posture) // (WINDOW * code.stride)))
    parts = np.array_split(code.posture, count)
    return [
        replace(
            code,
            recording_id=f"{code.recording_id}#{k}",
            subject=f"{code.subject} {code.recording_id} part {k}",
            posture=part,
        )
        for k, part in enumerate(parts)
    ]


def _joined(fitted: ReferenceModel, code: PostureSeries, parts: Sequence[PostureSeries]) -> RecordingDeviation:
    """The parts' scores as one recording's."""
    scores = [fitted.score(part) for part in parts]
    offsets = np.cumsum([0, *(len(part.posture) for part in parts[:-1])])
    frame = np.concatenate([score.frame + offset for score, offset in zip(scores, offsets, strict=True)])
    static, dynamic = (np.array([np.mean([getattr(s, name) for s in scores])]) for name in ("static", "dynamic"))
    return RecordingDeviation(frame, np.concatenate([score.moment for score in scores], axis=1), static, dynamic)


def _subject_score(
    fitted: ReferenceModel,
    scores: Mapping[str, RecordingDeviation],
    codes: Sequence[PostureSeries],
    own: Mapping[str, float],
) -> SubjectScore:
    mine = [scores[code.recording_id] for code in codes]
    by_fold = summarise(np.concatenate([score.moment for score in mine], axis=1))
    subject = codes[0].subject
    if not own:
        others = compared = np.empty(0)
    elif subject in own:
        others = np.array([value for name, value in own.items() if name != subject])
        compared = np.full(len(others), by_fold[0])
    else:
        others = np.array(list(own.values()))
        compared = by_fold[[fitted.fold_of(name) for name in own]]
    return SubjectScore(
        subject=subject,
        group=codes[0].group,
        deviation=float(by_fold.mean()),
        low=np.nan,
        high=np.nan,
        static=float(np.mean([score.static.mean() for score in mine])),
        dynamic=float(np.mean([score.dynamic.mean() for score in mine])),
        percentile=float(100 * np.mean(others < compared)) if len(others) else np.nan,
        p_value=float((1 + np.sum(others >= compared)) / (1 + len(others))) if len(others) else np.nan,
        smallest_p=1 / (1 + len(others)) if len(others) else np.nan,
    )
