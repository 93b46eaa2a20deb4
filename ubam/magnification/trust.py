"""Frames of which no picture can be trusted, and why: codes of reasons, each with its own measurement.

A frame is marked for what makes its picture wrong, never for what a magnified deviation is by definition: unlike the
reference.
"""

import numpy as np

from ubam.core.typing import Array
from ubam.magnification.registration.register import FIELD
from ubam.magnification.warping import splat
from ubam.tracking.crop_store import CropStore

INSIDE = 0.5  # weight from which a cell is of the subject
TORN_SHARE = 0.1  # of the subject's area, without a source pixel or folded or stretched beyond use
FOLDED, STRETCHED = 0.1, 3.0  # area and length of a cell after the move, against before
OVER_SHARE = 0.05  # of the subject's area, on which parts come to lie that were apart
APART = 3.0  # cells (5 % of the box) between the sources of one target that make them different parts
SOFT_SHARE = 0.5  # of an outline that is neither in nor out
AREA_CHANGE = 0.4  # of the outline's area, within a second
BESIDE_S = 1.0
WEAKEST = 0.01  # shares of the box; a smaller displacement shows nothing


def hardly_deviates(flow: Array, weight: Array) -> bool:
    """Whether a frame has nothing to magnify: no part of the subject moves by 1 % of the box; as in `Field`."""
    inside = weight > INSIDE
    return not inside.any() or float(np.linalg.norm(flow[inside], axis=-1).max()) < WEAKEST


def is_unsure(flow: Array, weight: Array, spread: Array, references: int) -> bool:
    """Whether the references disagree, where something is shown to move, by more than what is shown.

    spread: their standard deviation, as in `Field`; that of their mean counts.
    """
    length = np.linalg.norm(flow, axis=-1)
    shown, error = weight * length**2, weight * length * spread / np.sqrt(max(references, 1))
    return float(error.sum()) > float(shown.sum())


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


def outline_lost(query: CropStore, position: int) -> bool:
    """Whether the outline of a frame is missing, more soft than firm, or suddenly of another size."""
    if not query.found[position]:
        return True
    reach = max(1, round(BESIDE_S * query.fps))
    near = np.arange(max(0, position - reach), min(len(query.time_s), position + reach + 1))
    near = near[query.found[near]]
    own = np.asarray(query.views[position][..., 0], np.float32) / 255
    soft = float(((own > 0.2) & (own < 0.8)).sum()) / max(float((own > 0.2).sum()), 1.0)
    areas = np.asarray(query.views[near][..., 0], np.float32).sum((1, 2)) / 255
    usual = max(float(np.median(areas)), 1e-6)
    return soft > SOFT_SHARE or abs(float(own.sum()) / usual - 1) > AREA_CHANGE
