"""Displacements of a whole picture, float32 [S, S, 2]: read at places, agreed on, shrunk, smoothed."""

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SPACE_SIGMA = 1.0  # of 64 pixels


def read_at(field: Array, place: Array) -> Array:
    """Return a field [h, w] or [h, w, C] read at places [h, w, 2] (x, y in its pixels), its border carried on."""
    x, y = np.ascontiguousarray(place[..., 0]), np.ascontiguousarray(place[..., 1])
    found = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def consensus(flows: Array) -> tuple[Array, Array]:
    """Return the median [S, S, 2] of flows [R, S, S, 2], one per reference subject, and their spread [S, S].

    The spread is the standard deviation around the median; a median of distances is too small with few subjects.
    """
    median = np.median(flows, axis=0)
    squared = ((flows - median) ** 2).sum(-1)
    spread = np.sqrt(squared.sum(0) / max(len(flows) - 1, 1))
    return median.astype(np.float32), spread.astype(np.float32)


def shrink(flow: Array, spread: Array, strength: float) -> Array:
    """Return `flow` with what lies within `strength` spreads drawn to zero (positive part, James and Stein 1961)."""
    length = np.maximum(np.linalg.norm(flow, axis=-1), 1e-9)
    return (flow * np.maximum(0, 1 - (strength * spread / length) ** 2)[..., None]).astype(np.float32)


def smooth_inside(weighted: Array, weight: Array, sigma: float) -> Array:
    """Return flow [S, S, 2] from `weighted` (flow times `weight`), smoothed inside the subject, carried on outside."""
    stacked = np.dstack([weighted, weight])
    total = cv2.GaussianBlur(stacked, (0, 0), sigma) + 0.02 * cv2.GaussianBlur(stacked, (0, 0), 4 * sigma)
    return (total[..., :2] / np.maximum(total[..., 2:], 1e-4)).astype(np.float32)
