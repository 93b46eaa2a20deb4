"""The manifold of a study's real postures, and whether a posture lies outside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array

BANK_SIZE = 2000  # postures that are kept, over all recordings


@dataclass(frozen=True)
class Manifold:
    """Real postures `bank` float32 [N, D], and the distance from the nearest one that is still normal."""

    bank: Array
    limit: float

    def outside(self, postures: Array) -> NDArray[np.bool_]:
        """Whether each posture [n, D] is further than `limit` from every real one, bool [n]."""
        return _nearest(postures, self.bank) > self.limit


def real_postures(postures: Sequence[Array], size: int = BANK_SIZE) -> Manifold | None:
    """Return the manifold of real postures [T, D] of every recording; None when there are fewer than two recordings.

    The limit is the 99th percentile of the distance from a posture to its nearest in another recording.
    """
    each = max(1, size // max(len(postures), 1))
    parts = [np.asarray(p, np.float32)[np.linspace(0, len(p) - 1, min(each, len(p))).astype(int)] for p in postures]
    if len(parts) < 2:
        return None
    distances = [_nearest(part, np.concatenate(parts[:i] + parts[i + 1 :])) for i, part in enumerate(parts)]
    return Manifold(np.concatenate(parts), float(np.percentile(np.concatenate(distances), 99)))


def _nearest(postures: Array, bank: Array) -> Array:
    squared = (postures**2).sum(1)[:, None] + (bank**2).sum(1)[None] - 2 * postures @ bank.T
    return np.sqrt(np.maximum(squared.min(1), 0)).astype(np.float32)
