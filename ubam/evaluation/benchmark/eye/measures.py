"""What an eye is measured by, one function each with its formula: outlines, points inside them, landmarks.

Masks are bool [H, W] in pixels of the recording; errors of landmarks are found minus true, in body heights.
"""

from collections.abc import Sequence

import cv2
import numpy as np


def overlap(found: np.ndarray, true: np.ndarray) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = (found | true).sum()
    return float((found & true).sum() / union) if union else 1.0


def missed_share(found: np.ndarray, true: np.ndarray) -> float:
    """Share of the subject that is not in the outline; not a number where there is no subject."""
    return float((true & ~found).sum() / true.sum()) if true.any() else float("nan")


def foreign_share(found: np.ndarray, true: np.ndarray) -> float:
    """Share of the outline that is not the subject; not a number where the outline is empty."""
    return float((found & ~true).sum() / found.sum()) if found.any() else float("nan")


def pieces(found: np.ndarray, smallest: float = 0.01) -> int:
    """Connected parts of an outline that hold at least the share `smallest` of it; a whole subject is one."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    return int((stats[1:, cv2.CC_STAT_AREA] >= smallest * max(found.sum(), 1)).sum())


def inside(found: np.ndarray, points: np.ndarray, reach: float) -> np.ndarray:
    """Whether points [K, 2] px lie in the outline or at most `reach` px beside; of those in the picture, bool [n]."""
    height, width = found.shape
    column, row = np.floor(points[np.isfinite(points).all(1)]).astype(int).T
    framed = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = column[framed], row[framed]
    if not found.any():
        return np.zeros(len(row), bool)
    beside = cv2.distanceTransform((~found).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(beside[row, column] <= reach)


def over_hull(found: np.ndarray, points: np.ndarray) -> float:
    """Area of the outline over that of the convex hull of points [K, 2] px: an outline of everything holds all points.

    Not a number for fewer than 3 points.
    """
    known = points[np.isfinite(points).all(1)].astype(np.float32)
    area = cv2.contourArea(cv2.convexHull(known)) if len(known) > 2 else 0.0
    return float(found.sum() / area) if area > 0 else float("nan")


def near_share(errors: np.ndarray, near: float, chosen: np.ndarray | None = None) -> float:
    """PCK: share of the errors [N, K, 2] no longer than `near`, of those `chosen` [N, K], all without it.

    What was not found (NaN) is wrong. Not a number where nothing is chosen.
    """
    hit = np.nan_to_num(np.linalg.norm(errors, axis=-1), nan=np.inf) <= near
    hit = hit if chosen is None else hit[chosen]
    return float(hit.mean()) if hit.size else float("nan")


def without_definitions(errors: np.ndarray, subject: Sequence[str] | np.ndarray) -> np.ndarray:
    """Errors [N, K, 2] less the mean error of each landmark over the other subjects.

    Two skeletons may mean different places by one name, the same in everybody; that is no error of the eye. Only for
    subjects that are seen from the same side.
    """
    names, who = np.unique(np.asarray(subject), return_inverse=True)
    means = np.stack([np.nanmean(errors[who == number], 0) for number in range(len(names))])
    others = (np.nansum(means, 0) - np.nan_to_num(means)) / max(len(names) - 1, 1)
    return np.asarray(errors - others[who])


def constant_error(errors: np.ndarray, subject: Sequence[str] | np.ndarray) -> float:
    """Mean over subjects and landmarks of the length of the subject's own mean error, definitions taken away."""
    own, subject = without_definitions(errors, subject), np.asarray(subject)
    means = [np.nanmean(own[subject == name], 0) for name in np.unique(subject)]
    return float(np.nanmean(np.linalg.norm(np.stack(means), axis=-1)))
