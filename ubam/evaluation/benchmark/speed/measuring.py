"""What one line of the table holds, and how its numbers are taken: each in a process of its own, with one thread."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import torch

from ubam.core.parallel import processes
from ubam.evaluation.benchmark.speed.study import Spent

Work = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """One line: what was measured, in which part of the table, at which size, and what one `unit` of it took.

    part: `rows`, or what grows (`length`, `recordings`, `subjects`, `workers`). cpu_ms, wall_ms: of one unit, medians
    of `repeats`. peak_mb: the most memory that the process held.
    """

    part: str
    row: str
    size: int
    unit: str
    cpu_ms: float
    wall_ms: float
    peak_mb: float
    repeats: int = 1


def alone(work: Callable[..., Measured], *given: Any) -> Measured:
    """Do `work` in a new process with one thread, so that its memory and libraries are its own."""
    with processes(1) as pool:
        return pool.submit(_with_one_thread, work, *given).result()


def _with_one_thread(work: Callable[..., Measured], *given: Any) -> Measured:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return work(*given)


def timed(work: Work, repeats: int = 1) -> Spent:
    """Medians of what `work` takes in this process and the workers that it has ended; memory is that of this one."""
    spent = []
    for _ in range(repeats):
        cpu, wall = _cpu_s(), time.perf_counter()
        work()
        spent.append((_cpu_s() - cpu, time.perf_counter() - wall))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Spent(statistics.median(cpu for cpu, _ in spent), statistics.median(wall for _, wall in spent), peak)


def _cpu_s() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def line(part: str, row: str, size: int, unit: str, spent: Spent, units: int = 1, repeats: int = 1) -> Measured:
    """A line of what `units` of something took together."""
    each = 1000 / units
    return Measured(part, row, size, unit, spent.cpu_s * each, spent.wall_s * each, spent.peak_mb, repeats)
