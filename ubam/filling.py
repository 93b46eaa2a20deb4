"""A hole in a picture, filled from what lies around it."""

import numpy as np


def fill(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill a hole bool [H,W] in a picture uint8 [H,W,3] from the nearest pixels left, right, above and below.

    Weights fall with the square of the distance; left and right count double, as walls and floors run that way.
    """
    if not hole.any() or hole.all():
        return picture.copy()
    rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
    part = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    filled = picture.copy()
    filled[part][hole[part]] = _from_around(picture[part], hole[part])
    return filled


def _from_around(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Colours uint8 [n,3] of the hole's pixels, in the order of np.nonzero."""
    total = np.zeros((int(hole.sum()), 3), np.float32)
    weights = np.full((len(total), 1), 1e-9, np.float32)
    for turned, strength in ((False, 2.0), (True, 1.0)):
        known, colours = (~hole.T, picture.transpose(1, 0, 2)) if turned else (~hole, picture)
        places = np.arange(known.shape[1])
        before = np.maximum.accumulate(np.where(known, places, -1), axis=1)
        after = np.minimum.accumulate(np.where(known, places, len(places))[:, ::-1], axis=1)[:, ::-1]
        for nearest in (before, after):
            valid = (nearest >= 0) & (nearest < len(places))
            weight = np.where(valid, strength / np.maximum(np.abs(places - nearest), 1) ** 2, 0).astype(np.float32)
            colour = np.take_along_axis(colours, np.clip(nearest, 0, len(places) - 1)[..., None], axis=1)
            weight, colour = (weight.T, colour.transpose(1, 0, 2)) if turned else (weight, colour)
            total += weight[hole][:, None] * colour[hole]
            weights += weight[hole][:, None]
    return np.round(total / weights).astype(np.uint8)
