"""The variance of a whole study, with one recording in memory at a time."""

from collections.abc import Iterable, Iterator

import numpy as np


def total_variance(parts: Iterable[np.ndarray]) -> float:
    """Variance of the rows of all parts [T, D] together, summed over columns; without parts that are not all numbers.

    The parts are gone through twice, and their sums go on from one to the next, so that the number is that of all rows
    in one array, to the last digit where D is more than 1.
    """
    count, total = 0, None
    for part in _numbers(parts):
        count, total = count + len(part), _sum_on(total, part.astype(np.float64))
    if total is None:
        raise ValueError("no parts, no variance")
    mean, squares = total / count, None
    for part in _numbers(parts):
        squares = _sum_on(squares, (part.astype(np.float64) - mean) ** 2)
    return float((np.asarray(squares) / count).sum())


def _numbers(parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    return (part for part in parts if np.isfinite(part).all())


def _sum_on(before: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """The sum of rows [T, D] and of what was summed before."""
    return np.asarray((rows if before is None else np.vstack([before[None], rows])).sum(0))
