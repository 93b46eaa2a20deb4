"""Affine maps of the plane, float64 [2, 3]: making, composing and inverting them."""

import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array


def similarity(
    source_box: Array, target_box: Array, source_ground: float, target_ground: float, scale: float
) -> NDArray[np.float64]:
    """Return the float64 [2, 3] map from recording to recording: box centre to box centre, ground line to ground line.

    `scale` is the target's body height over the source's, both in pixels of their own recordings.
    """
    source_x, target_x = (source_box[0] + source_box[2]) / 2, (target_box[0] + target_box[2]) / 2
    return np.array([[scale, 0, target_x - scale * source_x], [0, scale, target_ground - scale * source_ground]], float)


def box_map(box: Array, size: int) -> NDArray[np.float64]:
    """Return the [2, 3] map from pixels of the recording to those of a square box at `size`, between pixel centres."""
    scale = size / float(box[2] - box[0])
    offset = 0.5 * scale - 0.5
    return np.array([[scale, 0, offset - scale * box[0]], [0, scale, offset - scale * box[1]]], float)


def compose(second: NDArray[np.floating], first: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the affine map [2, 3] that applies `first`, then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]]).astype(float)


def centred(move: np.ndarray) -> np.ndarray:
    """Return the map [2, 3] for points whose whole numbers are pixel centres, as OpenCV has them."""
    return np.column_stack([move[:, :2], move[:, 2] + move[:, :2].sum(axis=1) / 2 - 0.5])


def inverse(move: np.ndarray) -> np.ndarray:
    """Return the inverse map [2, 3]; zeros for a map that has none."""
    (a, b, x), (c, d, y) = np.asarray(move, np.float64)
    scale = 1 / (a * d - b * c) if a * d != b * c else 0.0
    turned = np.array([[d * scale, -b * scale], [-c * scale, a * scale]])
    return np.column_stack([turned, -turned[:, 0] * x - turned[:, 1] * y])
