"""Frames of which no picture can be trusted, and why: codes of reasons, each with its own measurement.

A frame is marked for what makes its picture wrong, never for what a magnified deviation is by definition: unlike the
reference.
"""

import cv2
import numpy as np

from ubam.core.typing import Array, Picture
from ubam.magnification.registration.register import FIELD
from ubam.magnification.warping import splat
from ubam.tracking.crop_store import CropStore

INSIDE = 0.5  # weight from which a cell is of the subject
DOUBT = 0.5  # what is shown is less than twice the error to expect of it
TORN_SHARE = 0.1  # of the subject's area, without a source pixel or folded or stretched beyond use
FOLDED, STRETCHED = 0.1, 3.0  # area and length of a cell after the move, against before
OVER_SHARE = 0.05  # of the subject's area, on which parts come to lie that were apart
APART = 3.0  # cells (5 % of the box) between the sources of one target that make them different parts
SOFT_SHARE = 0.5  # of an outline that is neither in nor out
AREA_CHANGE = 0.4  # of the outline's area, within a second
BESIDE_S = 1.0
BENT_SHARE = 0.02  # of the subject's area, on which edges of the background move along
EDGE, ALIKE = 24, 8  # grey levels: an edge of the background, and a picture that shows the background
BENT_BY = 1.0  # pixels
WEAKEST = 0.02  # body heights; a smaller displacement is neither coloured nor judged


def hardly_moves(flow: Array, weight: Array, amount: float) -> bool:
    """Whether a frame has nothing to show: no part of the subject goes by 2 % of the body height.

    flow, weight: as in `Field`. amount: by which the flow is multiplied, and the box's side in body heights.
    """
    inside = weight > INSIDE
    return not inside.any() or abs(amount) * float(np.linalg.norm(flow[inside], axis=-1).max()) < WEAKEST


def doubt(flow: Array, weight: Array, error: Array) -> float:
    """The error to expect of what a frame shows, over what it shows, as in `Field`; 0 where nothing is shown."""
    shown, off = (float((weight * length**2).sum()) for length in (np.linalg.norm(flow, axis=-1), error))
    return float(np.sqrt(off / shown)) if shown > 0 else 0.0


def torn_share(flow: Array, weight: Array, amount: float) -> float:
    """Share of the subject's cells that fold over or are stretched threefold when moved `amount` times."""
    moved = np.float32(amount * FIELD) * flow
    uy, ux = np.gradient(moved[..., 0])
    vy, vx = np.gradient(moved[..., 1])
    area = (1 + ux) * (1 + vy) - uy * vx
    longest = np.sqrt(np.maximum((1 + ux) ** 2 + vx**2, uy**2 + (1 + vy) ** 2))
    inside = weight > INSIDE
    return float(((area < FOLDED) | (longest > STRETCHED))[inside].mean()) if inside.any() else 0.0


def overlaid_share(flow: Array, weight: Array, amount: float) -> float:
    """Share of the subject's cells that come to lie, moved `amount` times, where cells from elsewhere come to lie."""
    inside = (weight > INSIDE).astype(np.float32)
    place = np.mgrid[:FIELD, :FIELD][::-1].transpose(1, 2, 0).astype(np.float32)
    values = np.dstack([place, place**2, np.ones((FIELD, FIELD))]) * inside[..., None]
    summed = splat(values.astype(np.float32), np.float32(amount * FIELD) * flow)
    count = np.maximum(summed[..., 4:], 1e-6)
    variance = (summed[..., 2:4] / count - (summed[..., :2] / count) ** 2).sum(-1)
    both = (variance > (APART / 2) ** 2) & (summed[..., 4] > INSIDE)
    return float(both.sum() / max(float(inside.sum()), 1.0))


def outline_lost(query: CropStore, position: int) -> float:
    """How far the outline of a frame is missing, soft, or suddenly of another size; above 1 it is lost."""
    if not query.found[position]:
        return float("inf")
    reach = max(1, round(BESIDE_S * query.fps))
    near = slice(max(0, position - reach), position + reach + 1)
    own = np.asarray(query.views[position][..., 0], np.float32) / 255
    soft = float(((own > 0.2) & (own < 0.8)).sum()) / max(float((own > 0.2).sum()), 1.0)
    areas = query.views[near][..., 0].sum((1, 2), dtype=np.int64)[query.found[near]].astype(np.float32) / 255
    usual = max(float(np.median(areas)), 1e-6)
    return max(soft / SOFT_SHARE, abs(float(own.sum()) / usual - 1) / AREA_CHANGE)


def bent_share(frame: Picture, background: Picture, opacity: Array, flow: Array) -> float:
    """Share of the subject's area on which edges of the known background are moved along with it.

    frame, background: uint8 [H, W, 3]. opacity [H, W]: the layer that is moved. flow [h, w, 2]: by how many pixels, on
    a grid over it.
    """
    inside = opacity > INSIDE
    x, y, width, height = cv2.boundingRect(inside.astype(np.uint8))
    part = np.s_[y : y + height, x : x + width]
    length = cv2.resize(np.linalg.norm(flow, axis=-1), opacity.shape[::-1], interpolation=cv2.INTER_LINEAR)[part]
    moved = inside[part] & (length > BENT_BY)
    if not moved.any():
        return 0.0
    grey = cv2.cvtColor(np.ascontiguousarray(background[part]), cv2.COLOR_RGB2GRAY)
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > EDGE
    alike = cv2.absdiff(frame[part], background[part]).max(-1) < ALIKE
    return float((moved & edges & alike).sum() / inside.sum())
