"""Permutations of group labels: every one when they are few, else 2,000 drawn at random.

Labels are permuted within blocks (cage, litter, site), because subjects of different blocks differ to begin with.
Where every block holds one group only, whole blocks are permuted, and the block is the unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial, prod

import numpy as np

MOST = 2000  # arrangements


@dataclass(frozen=True)
class Permutations:
    """labels int [A, N]: the group of each of N units under each arrangement, the real one first; exact: all there are.

    use: how blocks were respected: `none` there are, `within` blocks, or `whole` ones were exchanged.
    """

    labels: np.ndarray
    exact: bool
    use: str = "none"

    def __len__(self) -> int:
        return len(self.labels)


def permute_labels(
    labels: Sequence[int] | np.ndarray, blocks: Sequence[str] | None = None, seed: int = 0, most: int = MOST
) -> Permutations:
    """All arrangements of `labels` [N] if there are at most `most`, else `most` random ones; the real one first.

    blocks [N]: the block of each unit. Blocks that hold more than one group have their labels exchanged within; where
    none does, whole blocks change their label. One arrangement only means that nothing can be exchanged.
    """
    real = np.asarray(labels)
    names = np.zeros(len(real), int) if blocks is None else np.unique(np.asarray(blocks), return_inverse=True)[1]
    members = [np.flatnonzero(names == name) for name in range(names.max() + 1)]
    mixed = [block for block in members if len(np.unique(real[block])) > 1]
    if mixed or blocks is None:
        return _within(real, mixed, "none" if blocks is None else "within", seed, most)
    held = _within(np.array([real[block[0]] for block in members]), [np.arange(len(members))], "whole", seed, most)
    return Permutations(held.labels[:, names], held.exact, "whole")


def _within(real: np.ndarray, blocks: Sequence[np.ndarray], use: str, seed: int, most: int) -> Permutations:
    total = prod(_count(real[block]) for block in blocks)
    if total <= most:
        found = _all(real, blocks, total)
    else:
        rng = np.random.default_rng(seed)
        found = np.repeat(real[None], most, axis=0)
        for row in found[1:]:
            for block in blocks:
                row[block] = rng.permutation(row[block])
    return Permutations(found, total <= most, use)


def _count(labels: np.ndarray) -> int:
    _, sizes = np.unique(labels, return_counts=True)
    return factorial(len(labels)) // prod(factorial(int(size)) for size in sizes)


def _all(real: np.ndarray, blocks: Sequence[np.ndarray], total: int) -> np.ndarray:
    found, repeat = np.repeat(real[None], total, axis=0), 1
    for block in blocks:
        orders = _orders(real[block])
        found[:, block] = orders[np.arange(total) // repeat % len(orders)]
        repeat *= len(orders)
    first = int(np.flatnonzero((found == real).all(1))[0])
    return np.concatenate([found[first : first + 1], found[:first], found[first + 1 :]])


def _orders(labels: np.ndarray) -> np.ndarray:
    """Every different order of `labels` [n], one to a row."""
    first = labels.min()
    rest = labels[labels != first]
    if not len(rest):
        return labels[None]
    others = _orders(rest)
    places = np.array(list(combinations(range(len(labels)), len(rest))))
    found = np.full((len(places), len(others), len(labels)), first)
    rows, columns = np.arange(len(places))[:, None, None], np.arange(len(others))[None, :, None]
    found[rows, columns, places[:, None]] = others
    return found.reshape(-1, len(labels))


def two_sided(values: np.ndarray) -> float:
    """Two-sided p of the first of the statistics [A] among all of them: twice the smaller tail, at most 1."""
    tolerance = 1e-6 * max(1.0, abs(float(values[0])))
    above, below = np.mean(values >= values[0] - tolerance), np.mean(values <= values[0] + tolerance)
    return float(min(1.0, 2 * min(above, below)))


def one_sided(values: np.ndarray) -> float:
    """One-sided p of the first of the statistics [A] among all of them: the share that is as large."""
    return float(np.mean(values >= values[0] - 1e-6 * max(1.0, abs(float(values[0])))))


def mirrored(arrangements: Permutations) -> np.ndarray | None:
    """Where each arrangement of two groups stands with both groups exchanged [A]; None where not all do."""
    labels = arrangements.labels
    if not arrangements.exact or labels.max() != 1 or 2 * labels[0].sum() != labels.shape[1]:
        return None
    place = {row.tobytes(): number for number, row in enumerate(labels)}
    found = [place.get(row.tobytes()) for row in np.ascontiguousarray(1 - labels)]
    return None if None in found else np.array(found)


def divisions(arrangements: Permutations, fixed: int | None = None) -> int:
    """How many arrangements divide the units as the real one does: groups exchanged as a whole, but for `fixed`."""
    labels = arrangements.labels
    same = np.ones(len(labels), bool)
    for group in np.unique(labels[0]):
        mine = labels[:, labels[0] == group]
        same &= (mine == mine[:, :1]).all(1) & ((mine[:, 0] == group) | (group != fixed))
    return int(same.sum())
