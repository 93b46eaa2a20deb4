"""Without a reference: each subject against all others, the most unusual first, with its most unusual windows."""

from collections.abc import Sequence

import numpy as np

from ubam.deviation.scores import SubjectScore
from ubam.results.records.scores import WindowRow
from ubam.results.records.study import Mutual, Unusual, Window

SHOWN = 3  # windows of each subject
APART_S = 0.5  # between two windows of one recording that are both shown


def describe_without_reference(subjects: Sequence[SubjectScore], windows: Sequence[WindowRow]) -> Mutual:
    """Rank all subjects by their deviation from the others, each with its most unusual `windows`."""
    order = np.argsort([-score.deviation for score in subjects], kind="stable")
    rows = [
        Unusual(
            subject=score.subject,
            group=score.group,
            deviation=score.deviation,
            rank=rank,
            p_value=score.p_value,
            smallest_p=score.smallest_p,
            windows=unusual([row for row in windows if (row.subject, row.group) == (score.subject, score.group)]),
        )
        for rank, score in enumerate((subjects[index] for index in order), 1)
    ]
    words = (
        f"Each of {len(rows)} subjects was compared with all others; the smallest p that one can have is "
        f"{rows[0].smallest_p:.2g}, and the first of {len(rows)} is expected to have it: look at its windows."
    )
    return Mutual(rows, words)


def unusual(windows: Sequence[WindowRow], shown: int = SHOWN) -> list[Window]:
    """The most deviant of a subject's windows, at least half a second apart, the most deviant one first."""
    found: list[WindowRow] = []
    for row in sorted(windows, key=lambda row: -row.deviation):
        if all(_apart(row, other) for other in found):
            found.append(row)
        if len(found) == shown:
            break
    return [Window(row.recording_id, row.t_start_s, row.t_end_s, row.deviation) for row in found]


def _apart(one: WindowRow, other: WindowRow) -> bool:
    later, earlier = one.t_start_s >= other.t_end_s + APART_S, one.t_end_s <= other.t_start_s - APART_S
    return one.recording_id != other.recording_id or later or earlier
