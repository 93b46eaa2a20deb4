"""Blocks: the cage, litter or site of each subject, within which group labels may be exchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ubam.core.errors import StudyError
from ubam.recordings.study_table import Recording
from ubam.results.records.study import BlockDesign
from ubam.results.records.tests import BlocksUsed

COLUMN = "block"  # used unless another column is named
LIKELY = ("cage", "litter", "site", "batch", "cohort")


@dataclass(frozen=True)
class Blocks:
    """The block of every subject, from the study's column `column`."""

    column: str
    of: Mapping[str, str]


def find_blocks(recordings: Sequence[Recording], column: str | None) -> tuple[Blocks | None, list[str]]:
    """Read the blocks from the study's `column` (by default `block`); None without one, and notes for the report.

    Raises
    ------
    StudyError
        The study has no such column.
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


@dataclass(frozen=True)
class Respected:
    """How a test respects blocks, its unit, and what it loses where the block is the unit."""

    blocks: BlocksUsed | None = None
    unit: str = "subject"
    downgraded: str | None = None


def how_respected(blocks: Blocks | None, use: str) -> Respected:
    """Describe how a test with arrangements of this `use` respects the blocks."""
    if blocks is None or use == "none":
        return Respected()
    if use == "within":
        return Respected(BlocksUsed(blocks.column, use, f"labels are exchanged within {blocks.column} only"))
    words = f"every {blocks.column} holds one group only, so each is exchanged whole and is the unit"
    return Respected(BlocksUsed(blocks.column, use, words), f"block ({blocks.column})", words)


def describe_blocks(blocks: Blocks, groups: Mapping[str, Sequence[str]]) -> BlockDesign:
    """Describe how the subjects of each group are spread over the blocks; `use` is within, whole or ignored."""
    table: dict[str, dict[str, int]] = {}
    for group, subjects in groups.items():
        for subject in subjects:
            counts = table.setdefault(blocks.of[subject], {})
            counts[group] = counts.get(group, 0) + 1
    mixed = sum(len(counts) > 1 for counts in table.values())
    if mixed:
        words = f"{mixed} of {len(table)} blocks ({blocks.column}) hold several groups; labels change within them."
        return BlockDesign(blocks.column, table, "within", words)
    if len(groups) > 1 and len(table) > len(groups):
        words = (
            f"Every block ({blocks.column}) holds one group only: whole blocks are compared, and the block is the unit."
        )
        return BlockDesign(blocks.column, table, "whole", words)
    words = f"Groups and blocks ({blocks.column}) are the same: nothing can tell a difference of one from the other."
    return BlockDesign(blocks.column, table, "ignored", words)
