"""Scores as rows of the tables, and the numbers of statistics.json."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ubam.deviation.normal_variation import summarise
from ubam.deviation.reference_model import RecordingDeviation
from ubam.deviation.scores import StudyScores, SubjectScore
from ubam.encoding.embedding import moment_times
from ubam.recordings.study_table import Recording
from ubam.results.records.scores import SCORE_COLUMNS, WINDOW_COLUMNS, ScoreRow, WindowRow

Table = tuple[list[dict[str, object]], list[str]]


@dataclass(frozen=True)
class ScoreTables:
    """The rows of deviation/*.csv in the order of the study, and of every subject its deviation by each control."""

    windows: list[WindowRow]
    recordings: list[ScoreRow]
    subjects: list[ScoreRow]
    controls: dict[str, list[float]]

    def tables(self) -> dict[str, Table]:
        """The cells of each table, by its name, and its columns."""
        subjects = [row.to_row() for row in self.subjects]
        for name, deviations in self.controls.items():
            for row, deviation in zip(subjects, deviations, strict=True):
                row[f"deviation_{name}"] = deviation
        extra, recordings = [f"deviation_{name}" for name in self.controls], [row.to_row() for row in self.recordings]
        return {
            "windows": ([vars(row) for row in self.windows], [*WINDOW_COLUMNS]),
            "recordings": (recordings, ["recording_id", "subject", "group", *SCORE_COLUMNS]),
            "subjects": (subjects, ["subject", "group", *SCORE_COLUMNS, *extra]),
        }


def score_tables(
    recordings: Sequence[Recording],
    embeddings: Sequence[Mapping[str, np.ndarray]],
    scores: StudyScores,
    controls: Mapping[str, StudyScores],
) -> ScoreTables:
    """The rows of windows, recordings and subjects; embeddings: of `recordings`, in the same order."""
    windows: list[WindowRow] = []
    for recording, arrays in zip(recordings, embeddings, strict=True):
        windows += _window_rows(recording, arrays, scores.recordings[recording.recording_id])
    count = Counter((row.subject, row.group) for row in windows)
    subjects = [_subject_row(subject, count[subject.subject, subject.group]) for subject in scores.subjects]
    by_subject = {(row.subject, row.group): row for row in subjects}
    of_recording = Counter(row.recording_id for row in windows)
    rows = [
        _recording_row(one.recording_id, scores, by_subject[one.subject, one.group], of_recording[one.recording_id])
        for one in recordings
    ]
    told = {name: [subject.deviation for subject in control.subjects] for name, control in controls.items()}
    return ScoreTables(windows, rows, subjects, told)


def usual_values(scores: StudyScores, windows: Sequence[WindowRow]) -> dict[str, list[float]]:
    """What the reference itself has, each subject beside the others: deviation, static and dynamic of every subject.

    windows: the 5th and 95th percentile of the deviation of the windows (rows as in `score_tables`).
    """
    held = {(code.subject, code.group) for code in scores.fitted.codes}
    own = [subject for subject in scores.subjects if (subject.subject, subject.group) in held]
    found = {name: [float(getattr(one, name)) for one in own] for name in ("deviation", "static", "dynamic")}
    values = np.array([row.deviation for row in windows if (row.subject, row.group) in held])
    values = values[np.isfinite(values)]
    return found | {"windows": np.percentile(values, (5, 95)).tolist() if len(values) else []}


def _window_rows(recording: Recording, arrays: Mapping[str, np.ndarray], score: RecordingDeviation) -> list[WindowRow]:
    """A window's deviation is that of the moment at its middle, which averages over a window's length."""
    moment_s = arrays["time_s"][score.frame]
    deviation = score.moment.mean(0)
    middle = moment_times(arrays, "behaviour")
    nearest = np.abs(middle[:, None] - moment_s[None]).argmin(1) if len(middle) else []
    who = recording.recording_id, recording.subject, recording.group
    return [
        WindowRow(*who, t_start_s=float(start), t_end_s=float(end), deviation=float(deviation[index]))
        for start, end, index in zip(arrays["window_start_s"], arrays["window_end_s"], nearest, strict=True)
    ]


def _subject_row(score: SubjectScore, windows: int) -> ScoreRow:
    return ScoreRow(
        subject=score.subject, group=score.group, n_windows=windows, deviation=score.deviation, low=score.low,
        high=score.high, static=score.static, dynamic=score.dynamic, percentile=score.percentile, p=score.p_value,
        smallest_p=score.smallest_p,
    )  # fmt: skip


def _recording_row(recording_id: str, scores: StudyScores, subject: ScoreRow, windows: int) -> ScoreRow:
    """A recording's own deviation; interval, percentile and p are those of its subject, the unit that they speak of."""
    score, (deviation, low, high) = scores.recordings[recording_id], _known(subject)
    shift = float(summarise(score.moment).mean()) - deviation
    return replace(
        subject, recording_id=recording_id, n_windows=windows, deviation=deviation + shift, low=max(0.0, low + shift),
        high=high + shift, static=float(score.static.mean()), dynamic=float(score.dynamic.mean()),
    )  # fmt: skip


def _known(row: ScoreRow) -> tuple[float, float, float]:
    """Deviation and interval of a row that was just made; what could not be computed is not a number."""
    deviation, low, high = (np.nan if value is None else value for value in (row.deviation, row.low, row.high))
    return deviation, low, high
