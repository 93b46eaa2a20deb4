"""Scores as rows of the tables, and the numbers of statistics.json."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ubam.deviation.normal_variation import summarise
from ubam.deviation.reference_model import RecordingDeviation
from ubam.deviation.scores import StudyScores, SubjectScore
from ubam.encoding.embedding import moment_times
from ubam.recordings.study_table import Recording

SCORE_COLUMNS = (
    "n_windows", "deviation", "deviation_low", "deviation_high", "static", "dynamic", "reference_percentile",
    "p_value", "smallest_p",
)  # fmt: skip
Table = tuple[list[dict[str, Any]], list[str]]


def score_tables(
    recordings: Sequence[Recording],
    embeddings: Sequence[Mapping[str, np.ndarray]],
    scores: StudyScores,
    controls: Mapping[str, StudyScores],
) -> dict[str, Table]:
    """The tables windows, recordings and subjects: rows in the order of the study, and their columns."""
    windows: list[dict[str, Any]] = []
    for recording, arrays in zip(recordings, embeddings, strict=True):
        windows += _window_rows(recording, arrays, scores.recordings[recording.recording_id])
    count = {key: sum(1 for row in windows if (row["subject"], row["group"]) == key) for key in _keys(recordings)}
    subjects = [_subject_row(subject, count) for subject in scores.subjects]
    for name, control in controls.items():
        for row, subject in zip(subjects, control.subjects, strict=True):
            row[f"deviation_{name}"] = subject.deviation
    by_subject = {(subject.subject, subject.group): row for subject, row in zip(scores.subjects, subjects, strict=True)}
    rows = [_recording_row(recording, windows, scores, by_subject) for recording in recordings]
    extra = [f"deviation_{name}" for name in controls]
    return {
        "windows": (windows, ["recording_id", "subject", "group", "t_start_s", "t_end_s", "deviation"]),
        "recordings": (rows, ["recording_id", "subject", "group", *SCORE_COLUMNS]),
        "subjects": (subjects, ["subject", "group", *SCORE_COLUMNS, *extra]),
    }


def usual_values(scores: StudyScores, windows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """What the reference itself has, each subject beside the others: deviation, static and dynamic of every subject.

    windows: the 5th and 95th percentile of the deviation of the windows (rows as in `score_tables`).
    """
    held = {(code.subject, code.group) for code in scores.fitted.codes}
    own = [subject for subject in scores.subjects if (subject.subject, subject.group) in held]
    found = {name: [float(getattr(one, name)) for one in own] for name in ("deviation", "static", "dynamic")}
    values = np.array([row["deviation"] for row in windows if (row["subject"], row["group"]) in held])
    values = values[np.isfinite(values)]
    return found | {"windows": np.percentile(values, (5, 95)).tolist() if len(values) else []}


def _keys(recordings: Sequence[Recording]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((recording.subject, recording.group) for recording in recordings))


def _window_rows(
    recording: Recording, arrays: Mapping[str, np.ndarray], score: RecordingDeviation
) -> list[dict[str, Any]]:
    """A window's deviation is that of the moment at its middle, which averages over a window's length."""
    moment_s = arrays["time_s"][score.frame]
    deviation = score.moment.mean(0)
    middle = moment_times(arrays, "behaviour")
    nearest = np.abs(middle[:, None] - moment_s[None]).argmin(1) if len(middle) else []
    shared = {"recording_id": recording.recording_id, "subject": recording.subject, "group": recording.group}
    return [
        shared | {"t_start_s": float(start), "t_end_s": float(end), "deviation": float(deviation[index])}
        for start, end, index in zip(arrays["window_start_s"], arrays["window_end_s"], nearest, strict=True)
    ]


def _subject_row(score: SubjectScore, count: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "subject": score.subject, "group": score.group, "n_windows": count[score.subject, score.group],
        "deviation": score.deviation, "deviation_low": score.low, "deviation_high": score.high,
        "static": score.static, "dynamic": score.dynamic, "reference_percentile": score.percentile,
        "p_value": score.p_value, "smallest_p": score.smallest_p,
    }  # fmt: skip


def _recording_row(
    recording: Recording,
    windows: Sequence[Mapping[str, Any]],
    scores: StudyScores,
    by_subject: Mapping[tuple[str, str], Mapping[str, Any]],
) -> dict[str, Any]:
    """A recording's own deviation; interval, percentile and p are those of its subject, the unit that they speak of."""
    score = scores.recordings[recording.recording_id]
    row = dict(by_subject[recording.subject, recording.group])
    shift = float(summarise(score.moment).mean()) - row["deviation"]
    row |= {"deviation": row["deviation"] + shift, "static": score.static.mean(), "dynamic": score.dynamic.mean()}
    row |= {"deviation_low": max(0.0, row["deviation_low"] + shift), "deviation_high": row["deviation_high"] + shift}
    row["n_windows"] = sum(1 for window in windows if window["recording_id"] == recording.recording_id)
    return row | {"recording_id": recording.recording_id}
