"""Views of animals seen from above turned to point the same way, picture by picture and all recordings at once.

The trunk (what stays of the subject when limbs and tail are worn away by an opening) gives the long axis. Which end is
which is the sign of the first principal component of what changes in a view when it is turned by half: over many views
head and tail are the strongest such difference. So no movement is needed, and the same end points right in every
recording; which one it is stays open.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from ubam.tracking.views import turned

WORN = 0.7  # radius of the opening, in radii of the largest circle in the subject; 0.5 to 0.85 did not differ
SEEN = 0.25  # standard deviation of the weight around the middle of the view, where the subject is, in sides
SMALL = 32  # side at which the ends are compared
SAMPLE = 2000  # views from which the component is learnt
BOTH_WAYS = 0.05  # least share of views that point up, and that point down
WIDE = 0.75  # length of the mean doubled axis below which a subject points everywhere, as in heading.py


def align_views(views: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """How much to turn back each view, radians, clockwise as seen, float32 [T] for each recording's uint8 [T, V, V, 3].

    None when the long axis is much the same everywhere, or the same end always up: a walker seen from the side.
    """
    lengths = [len(item) for item in views]
    axis = trunk_axis(views)
    if abs(np.exp(2j * axis).mean()) >= WIDE:
        return None
    level = (turned(view, angle) for view, angle in zip((v for item in views for v in item), axis, strict=True))
    odd = np.stack([_odd_part(view) for view in level])
    sample = odd[:: max(1, len(odd) // SAMPLE)]
    _, _, components = np.linalg.svd(sample, full_matrices=False)
    heading = np.where(odd @ components[0] > 0, axis, axis + np.pi)
    steep = np.sin(heading)
    if min((steep > 0.5).mean(), (steep < -0.5).mean()) < BOTH_WAYS:
        return None
    return np.split(np.angle(np.exp(1j * heading)).astype(np.float32), np.cumsum(lengths)[:-1])


def trunk_axis(views: Sequence[np.ndarray]) -> np.ndarray:
    """Angle of the long axis of the subject's trunk in every view, float64 [sum of T], radians modulo pi."""
    side = views[0].shape[1]
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    weight = np.exp(-(rows**2 + columns**2) / (2 * (SEEN * side) ** 2)).astype(np.float32)
    radius = round(WORN * _inscribed(views))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    moments = []
    for view in (view for item in views for view in item):
        salient = np.clip(view[..., 0].astype(np.float32) / 255 - 0.35, 0, 1)
        moments.append(cv2.moments(cv2.morphologyEx(salient, cv2.MORPH_OPEN, disc) * weight))
    xx, xy, yy = np.array([[m["mu20"], m["mu11"], m["mu02"]] for m in moments]).T
    return np.asarray(np.arctan2(2 * xy, xx - yy) / 2)


def _inscribed(views: Sequence[np.ndarray]) -> float:
    """Radius in pixels of the largest circle in the subject, in the middle of the view; the median over views."""
    every = max(1, sum(map(len, views)) // 200)
    masks = [(view[..., 0] > 110).astype(np.uint8) for item in views for view in item[::every]]
    quarter = masks[0].shape[0] // 4
    middle = np.s_[quarter:-quarter, quarter:-quarter]
    return float(np.median([cv2.distanceTransform(mask, cv2.DIST_L2, 5)[middle].max() for mask in masks]))


def _odd_part(view: np.ndarray) -> np.ndarray:
    """What changes when a view is turned by half, float32, of unit length: saliency and grey around the middle."""
    small = cv2.resize(view, (SMALL, SMALL), interpolation=cv2.INTER_AREA)[..., :2].astype(np.float32) - (0, 128)
    rows, columns = np.mgrid[:SMALL, :SMALL] - (SMALL - 1) / 2
    small *= np.exp(-(rows**2 + columns**2) / (2 * (SEEN * SMALL) ** 2))[..., None]
    odd = (small - small[::-1, ::-1]).ravel()
    return np.asarray(odd / max(float(np.linalg.norm(odd)), 1e-6), np.float32)
