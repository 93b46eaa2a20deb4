"""Without a reference: each subject against all others, the most unusual first, with its most unusual windows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ubam.deviation.scores import SubjectScore

SHOWN = 3  # windows of each subject
APART_S = 0.5  # between two windows of one recording that are both shown


def describe_without_reference(
    subjects: Sequence[SubjectScore], windows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What statistics.json says under `mutual`; windows: the rows of deviation/windows.csv."""
    order = np.argsort([-score.deviation for score in subjects], kind="stable")
    rows = [
        {"subject": score.subject, "group": score.group, "deviation": score.deviation, "rank": int(rank),
         "p_value": score.p_value, "smallest_p": score.smallest_p,
         "windows": unusual([row for row in windows if (row["subject"], row["group"]) == (score.subject, score.group)])}
        for rank, score in enumerate((subjects[index] for index in order), 1)
    ]  # fmt: skip
    return {
        "subjects": rows,
        "words": (
            f"Each of {len(rows)} subjects was compared with all others; the smallest p that one can have is "
            f"{rows[0]['smallest_p']:.2g}, and the first of {len(rows)} is expected to have it: look at its windows."
        ),
    }


def unusual(windows: Sequence[Mapping[str, Any]], shown: int = SHOWN) -> list[dict[str, Any]]:
    """The most deviant of a subject's windows, at least half a second apart, the most deviant one first."""
    found: list[dict[str, Any]] = []
    for row in sorted(windows, key=lambda row: -row["deviation"]):
        if all(
            other["recording_id"] != row["recording_id"]
            or row["t_start_s"] >= other["t_end_s"] + APART_S
            or row["t_end_s"] <= other["t_start_s"] - APART_S
            for other in found
        ):
            found.append({name: row[name] for name in ("recording_id", "t_start_s", "t_end_s", "deviation")})
        if len(found) == shown:
            break
    return found
