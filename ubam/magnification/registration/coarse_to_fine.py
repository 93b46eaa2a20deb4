"""Coarse-to-fine registration: whole animals first, then their parts at twice the resolution.

The coarse pass gives one displacement per reference. Each reference is then carried back along the median of them, and
the mean of the carried pictures is an atlas: several builds in one posture, which is nearly the query's. The same
network finds what is left between atlas and query in windows at twice the resolution, where a foot is wider than three
pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array, View
from ubam.encoding.encoders import LandmarkFeatures
from ubam.magnification.registration.flow_fields import SPACE_SIGMA, smooth_inside
from ubam.magnification.registration.network import SIDE, displacements, displacements_of_pairs, features_of
from ubam.tracking.crop_store import CLOSE
from ubam.tracking.views import EMPTY

REST_SIGMA = 2.0  # of 64 pixels: the fine displacement is rougher than the coarse one
FEWEST = 3  # references for the fine pass; with a single one it missed the factor in 18 of 76 frames of a real mouse,
# the coarse pass alone in 2
EDGE = 16  # pixels of a window beyond the subject
APART = 32  # pixels between the middles of windows, at most
LEAST = 60  # pixels of the subject in a window


@dataclass(frozen=True)
class CanvasReferences:
    """The references of one frame on its canvas: views uint8 [R, CLOSE, CLOSE, 3], and features of the coarse pass."""

    views: View
    whole: LandmarkFeatures

    @classmethod
    def of(cls, views: Sequence[View]) -> "CanvasReferences":
        """References from their views uint8 [CLOSE, CLOSE, 3] on the query's canvas."""
        return cls(np.stack(views), features_of(np.stack([halved(view) for view in views])))


def halved(view: View) -> View:
    """A view at the size of the coarse pass, uint8 [SIDE, SIDE, 3]."""
    return np.asarray(cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def towards(query: View, references: CanvasReferences) -> Array:
    """The displacement of a query [CLOSE, CLOSE, 3] towards each reference, float32 [R, SIDE, SIDE, 2] in widths.

    With fewer than three references there is no fine pass.
    """
    whole = halved(query)
    found, weight = displacements(whole, references.whole), np.asarray(whole[..., :1], np.float32) / np.float32(255)
    if len(found) < FEWEST:
        return found
    common: Array = np.median(found, axis=0).astype(np.float32)
    way = smooth_inside(common * weight, weight[..., 0], SPACE_SIGMA)
    rest = in_windows(query, mean_reference(references.views, way))
    return found + smooth_inside(rest * weight, weight[..., 0], REST_SIGMA)


def mean_reference(views: View, way: Array) -> View:
    """The mean of references [R, CLOSE, CLOSE, 3], each carried back to the query along `way` [SIDE, SIDE, 2]."""
    way = np.asarray(cv2.resize(way, (CLOSE, CLOSE), interpolation=cv2.INTER_LINEAR), np.float32) * CLOSE
    x, y = (np.mgrid[:CLOSE, :CLOSE][::-1].transpose(1, 2, 0) + way).transpose(2, 0, 1).astype(np.float32)
    nothing = [int(value) for value in EMPTY]
    total = np.zeros((CLOSE, CLOSE, 3), np.float32)
    for view in views:
        total += cv2.remap(view, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=nothing)
    return (total / len(views)).round().astype(np.uint8)


def in_windows(query: View, atlas: View) -> Array:
    """The displacement [SIDE, SIDE, 2], in widths, that is found in windows over the subject; 0 outside them."""
    corners = windows(query[..., 0])
    total, weights = np.zeros((CLOSE, CLOSE, 2), np.float32), np.full((CLOSE, CLOSE, 1), 1e-6, np.float32)
    if corners:
        parts = [np.stack([view[y : y + SIDE, x : x + SIDE] for x, y in corners]) for view in (query, atlas)]
        for (x, y), found in zip(corners, displacements_of_pairs(*parts), strict=True):
            total[y : y + SIDE, x : x + SIDE] += HAT * found * np.float32(SIDE / CLOSE)
            weights[y : y + SIDE, x : x + SIDE] += HAT
    return np.asarray(cv2.resize(total / weights, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def windows(salient: View) -> list[tuple[int, int]]:
    """Corners (x, y) of overlapping windows of SIDE pixels over a subject; saliency uint8 [CLOSE, CLOSE]."""
    inside = salient > 127
    if not inside.any():
        return []
    columns, rows = (_spread(np.flatnonzero(inside.any(axis))) for axis in (0, 1))
    corners = [(x, y) for y in rows for x in columns]
    return [(x, y) for x, y in corners if inside[y : y + SIDE, x : x + SIDE].sum() >= LEAST]


def _spread(taken: NDArray[np.int64]) -> list[int]:
    """First pixels, along one side, of the windows that cover the pixels `taken` and an edge beyond them."""
    low, high = max(0, int(taken[0]) - EDGE), min(CLOSE, int(taken[-1]) + 1 + EDGE)
    if high - low <= SIDE:
        return [int(np.clip((low + high - SIDE) // 2, 0, CLOSE - SIDE))]
    count = 1 + -(-(high - low - SIDE) // APART)
    return [round(place) for place in np.linspace(low, high - SIDE, count)]


def _hat() -> Array:
    """Weight of each pixel of a window, [SIDE, SIDE, 1]: it falls towards the edge."""
    from_edge = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]) + 0.5
    share = np.clip(from_edge / (SIDE / 2), 0.02, 1).astype(np.float32)
    return np.asarray((share[:, None] * share[None])[..., None], np.float32)


HAT = _hat()
