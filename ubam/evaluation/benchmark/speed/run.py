"""All lines of the table of `ubam benchmark --speed`, one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ubam.core.typing import StageProgress
from ubam.evaluation.benchmark.speed import growth, rows
from ubam.evaluation.benchmark.speed.measuring import Measured, alone
from ubam.evaluation.benchmark.speed.study import Place

TESTED = 24  # subjects of the study whose tests are a row
LAYOUTS = ("magnified", "side-by-side")


@dataclass(frozen=True)
class Sizes:
    """What grows: frames of films that are cropped, views that are embedded, recordings, subjects, workers.

    compared: subjects that are scored by each number of workers.
    """

    cropped: tuple[int, ...] = (250, 1000, 3000)
    embedded: tuple[int, ...] = (1000, 10_000, 100_000)
    recordings: tuple[int, ...] = (10, 100, 1000)
    subjects: tuple[int, ...] = (10, 100, 1000)
    workers: tuple[int, ...] = (1, 2)
    compared: int = 100


def measure_speed(place: Place, sizes: Sizes, workers: int, progress: StageProgress) -> list[Measured]:
    """Make the study and its run, and measure every line; subjects are scored by so many `workers`.

    Decoding alone is measured first and last: what else the machine did shows between the two. UbamError when a run or
    a clip failed.
    """
    place.make()
    work = list(_lines(place, sizes, workers))
    found = []
    for done, one in enumerate(work, 1):
        found += one()
        progress("measuring", done, len(work))
    return found


def _lines(place: Place, sizes: Sizes, workers: int) -> Iterator[Callable[[], list[Measured]]]:
    """What measures each line, or several of one run."""
    for one in _single_lines(place, sizes, workers):
        yield partial(_listed, one)
    yield from (partial(growth.stages_by, place, count) for count in sizes.workers)
    yield partial(_listed, partial(alone, rows.decoding, place))


def _listed(one: Callable[[], Measured]) -> list[Measured]:
    return [one()]


def _single_lines(place: Place, sizes: Sizes, workers: int) -> Iterator[Callable[[], Measured]]:
    yield from (partial(alone, row, place) for row in rows.ROWS)
    yield partial(alone, growth.scored_recordings, 2 * TESTED, "rows")
    yield partial(alone, growth.tested, TESTED)
    yield partial(rows.command_line, place)
    yield from (partial(rows.clip, place, layout) for layout in LAYOUTS)
    yield from (partial(alone, growth.cropped_length, place, frames) for frames in sizes.cropped)
    yield from (partial(alone, growth.embedded_length, place, frames) for frames in sizes.embedded)
    yield from (partial(alone, growth.scored_recordings, count) for count in sizes.recordings)
    yield from (partial(alone, growth.scored_subjects, count, workers) for count in sizes.subjects)
    yield from (partial(growth.arithmetic_by, count) for count in sizes.workers)
    yield from (partial(growth.embedded_by, place, count) for count in sizes.workers)
    yield from (partial(alone, growth.scored_subjects, sizes.compared, count, "workers") for count in sizes.workers)
