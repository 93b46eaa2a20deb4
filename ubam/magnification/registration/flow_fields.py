"""Displacement fields of a picture, float32 [S, S, 2]: reading, optical flow, smoothing."""

import cv2
import numpy as np

from ubam.core.typing import Array, View
from ubam.tracking.crop_store import CropStore

CANVAS = 128  # pixels a side of the saliency whose outlines are registered

TRUNCATION = 0.12  # of the canvas: distances to the outline beyond it are alike


def saliency_of(store: CropStore, position: int) -> Array:
    """Return the saliency of one frame of a recording on its own canvas, float32 [CANVAS, CANVAS] in 0..1."""
    return saliency_in(store.views[position])


def saliency_in(view: View) -> Array:
    """Return the saliency of a view [V, V, 3] on its own canvas, float32 [CANVAS, CANVAS] in 0..1."""
    salient = np.asarray(view[..., 0], np.float32) / 255
    return np.asarray(cv2.resize(salient, (CANVAS, CANVAS), interpolation=cv2.INTER_LINEAR), np.float32)


def outline(saliency: Array) -> View:
    """Return the signed distance to the subject's outline, cut at 12 % of the canvas, as uint8 [S, S] around 127."""
    inside = (saliency > 0.5).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    return (np.clip(distance / (TRUNCATION * len(saliency)), -1, 1) * 127 + 127).astype(np.uint8)


def dense_flow(source: View, target: View) -> Array:
    """Return the flow float32 [S, S, 2] in pixels: target(p + flow(p)) is like source(p); DIS (Kroeger et al. 2016)."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(search.calc(source, target, np.zeros((*source.shape, 2), np.float32)), np.float32)


SPACE_SIGMA = 1.0  # of a field of 64 pixels


def read_at(field: Array, place: Array) -> Array:
    """Return a field [h, w] or [h, w, C] read at places [h, w, 2] (x, y in its pixels); the border is repeated."""
    if not place.size:  # where nothing is seen, there is nothing to read
        return np.zeros((*place.shape[:-1], *field.shape[2:]), np.float32)
    x, y = np.ascontiguousarray(place[..., 0]), np.ascontiguousarray(place[..., 1])
    found = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def smooth_inside(weighted: Array, weight: Array, sigma: float) -> Array:
    """Return flow [S, S, 2] smoothed inside the subject and continued outside; `weighted` is flow times `weight`."""
    stacked = np.dstack([weighted, weight])
    total = cv2.GaussianBlur(stacked, (0, 0), sigma) + 0.02 * cv2.GaussianBlur(stacked, (0, 0), 4 * sigma)
    return (total[..., :2] / np.maximum(total[..., 2:], 1e-4)).astype(np.float32)
