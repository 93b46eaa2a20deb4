"""Blocks: the cage, litter or site of each subject, within which group labels may be exchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ubam.core.errors import StudyError
from ubam.recordings.study_table import Recording

COLUMN = "block"  # taken without being asked for
LIKELY = ("cage", "litter", "site", "batch", "cohort")


@dataclass(frozen=True)
class Blocks:
    """The block of every subject, from the study's column `column`."""

    column: str
    of: Mapping[str, str]


def find_blocks(recordings: Sequence[Recording], column: str | None) -> tuple[Blocks | None, list[str]]:
    """The blocks that the study's `column` (or a column `block`) names, None without, and what must be said of them.

    Raises:
        StudyError: the study has no such column.
    """
    columns = {name.casefold(): name for name in recordings[0].extra} | {"session": "session"}
    named = columns.get((column or COLUMN).casefold())
    if named is None and column is None:
        likely = next((columns[name] for name in LIKELY if name in columns), None)
        words = f"No test looks at the study's column '{likely}': --block {likely} compares within each {likely}."
        return None, [words] if likely else []
    if named is None:
        raise StudyError(f"--block {column}: the study has no such column, only {', '.join(columns.values())}.")
    of: dict[str, set[str]] = {}
    for recording in recordings:
        cell = recording.session if named == "session" else recording.extra.get(named, "")
        of.setdefault(recording.subject, set()).add(cell)
    wrong = next((subject for subject, cells in of.items() if len(cells) > 1 or not all(cells)), None)
    if wrong is not None:
        cells = of[wrong]
        why = f"stands in several ({', '.join(sorted(cells))})" if len(cells) > 1 else "has an empty cell there"
        words = f"Blocks are not respected: {wrong} {why} in the column '{named}'; give every subject one {named}."
        return None, [words]
    return Blocks(named, {subject: next(iter(cells)) for subject, cells in of.items()}), []


def how_respected(blocks: Blocks | None, use: str) -> dict[str, Any]:
    """What a row of statistics.json says of blocks, by the `use` of its arrangements."""
    if blocks is None or use == "none":
        return {"blocks": None}
    if use == "within":
        words = f"labels are exchanged within {blocks.column} only"
        return {"blocks": {"column": blocks.column, "use": use, "words": words}}
    words = f"every {blocks.column} holds one group only, so each is exchanged whole and is the unit"
    row = {"unit": f"block ({blocks.column})", "downgraded": words}
    return row | {"blocks": {"column": blocks.column, "use": use, "words": words}}


def describe_blocks(blocks: Blocks, groups: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """How groups (their subjects) lie in the blocks: `use` within, whole or ignored, a table, and plain words."""
    table: dict[str, dict[str, int]] = {}
    for group, subjects in groups.items():
        for subject in subjects:
            counts = table.setdefault(blocks.of[subject], {})
            counts[group] = counts.get(group, 0) + 1
    mixed = sum(len(counts) > 1 for counts in table.values())
    described = {"column": blocks.column, "blocks": table}
    if mixed:
        words = f"{mixed} of {len(table)} blocks ({blocks.column}) hold several groups; labels change within them."
        return described | {"use": "within", "words": words}
    if len(groups) > 1 and len(table) > len(groups):
        words = (
            f"Every block ({blocks.column}) holds one group only: whole blocks are compared, and the block is the unit."
        )
        return described | {"use": "whole", "words": words}
    words = f"Groups and blocks ({blocks.column}) are the same: nothing can tell a difference of one from the other."
    return described | {"use": "ignored", "words": words}
