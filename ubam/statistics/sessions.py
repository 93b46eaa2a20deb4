"""The sessions of each subject: before and after, days, doses; one deviation for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ubam.deviation.intervals import Variation, interval, measure_variation
from ubam.deviation.normal_variation import summarise
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import StudyScores
from ubam.recordings.study_table import Recording

ORDERED = ("day", "dose")  # columns that are numbers


@dataclass(frozen=True)
class Session:
    """All recordings of one subject in one group at one session, day and dose, as if they were one."""

    subject: str
    group: str
    session: str
    day: float | None
    dose: float | None
    recordings: tuple[str, ...]
    deviation: float
    low: float
    high: float
    static: float
    dynamic: float

    def value(self, column: str) -> float | str | None:
        """The value in the column `day`, `dose` or `session`."""
        found: float | str | None = getattr(self, column)
        return found


def repeated_columns(recordings: Sequence[Recording]) -> list[str]:
    """The columns of `day`, `dose` and `session` in which some subject of some group has more than one value.

    `session` only where neither day nor dose is such a column, as it would say the same again.
    """
    found = [name for name in ORDERED if _repeats(recordings, name)]
    return found or (["session"] if _repeats(recordings, "session") else [])


def _repeats(recordings: Sequence[Recording], column: str) -> bool:
    values: dict[tuple[str, str], set[object]] = {}
    for recording in recordings:
        value = getattr(recording, column)
        if value not in (None, ""):
            values.setdefault((recording.subject, recording.group), set()).add(value)
    return any(len(seen) > 1 for seen in values.values())


def score_sessions(
    recordings: Sequence[Recording], codes: Sequence[PostureSeries], scores: StudyScores, seed: int
) -> list[Session]:
    """The deviation of every session, in the order of the study, with the interval of a subject that had no other."""
    by_name = {code.recording_id: code for code in codes}
    together: dict[tuple[str, str, str, float | None, float | None], list[str]] = {}
    for recording in recordings:
        if recording.recording_id in by_name:
            key = (recording.subject, recording.group, recording.session, recording.day, recording.dose)
            together.setdefault(key, []).append(recording.recording_id)
    variation = measure_variation(scores.fitted)
    return [_score(key, names, by_name, scores, variation, seed) for key, names in together.items()]


def _score(
    key: tuple[str, str, str, float | None, float | None],
    names: Sequence[str],
    codes: Mapping[str, PostureSeries],
    scores: StudyScores,
    variation: Variation,
    seed: int,
) -> Session:
    mine = [scores.recordings[name] for name in names]
    deviation = float(summarise(np.concatenate([score.moment for score in mine], axis=1)).mean())
    rng = np.random.default_rng([seed, crc32(repr(key).encode())])
    low, high = interval(scores.fitted, variation, [codes[name] for name in names], deviation, rng)
    for name in names:
        scores.fitted.matcher.forget(codes[name])
    return Session(
        *key, tuple(names), deviation, low, high,
        float(np.mean([score.static.mean() for score in mine])),
        float(np.mean([score.dynamic.mean() for score in mine])),
    )  # fmt: skip
