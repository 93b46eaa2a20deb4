"""Find the connected parts that stand out in a frame, and follow one of them over the frames."""

import cv2
import numpy as np

from ubam.tracking.scene.foreground import clean_mask

CANDIDATES = 4
COLUMNS = 14


def find_blobs(salient: np.ndarray) -> np.ndarray:
    """The heaviest blobs of a soft foreground float32 [H,W], heaviest first, float32 [CANDIDATES,14].

    Columns: mass (summed saliency, 0 where there is no such blob), centre x, y, then x0, y0, x1, y1; then its shape,
    central moments per mass: xx, xy, yy, xxx, xxy, xyy, yyy.
    """
    if salient.mean() > 0.6:  # a flash, a fade or a knocked camera: the subject cannot be recognised
        return np.zeros((CANDIDATES, COLUMNS), np.float32)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(clean_mask(salient).astype(np.uint8), connectivity=8)
    blobs = np.zeros((CANDIDATES, COLUMNS), np.float32)
    flat, weight = labels.ravel(), salient.ravel().astype(np.float64)
    mass = np.bincount(flat, weight, minlength=count)
    mass[0] = 0
    for row, label in enumerate(np.argsort(-mass)[: min(CANDIDATES, count - 1)]):
        x, y, w, h, area = stats[label]
        if area < 12:
            continue
        part = np.where(labels[y : y + h, x : x + w] == label, salient[y : y + h, x : x + w], 0)
        total = max(float(part.sum()), 1e-6)
        cx = float((part.sum(axis=0) * np.arange(w)).sum()) / total + x
        cy = float((part.sum(axis=1) * np.arange(h)).sum()) / total + y
        moments = cv2.moments(part)
        shape = [moments[name] / total for name in ("mu20", "mu11", "mu02", "mu30", "mu21", "mu12", "mu03")]
        blobs[row] = (mass[label], cx + 0.5, cy + 0.5, x, y, x + w, y + h, *shape)
    return blobs


def enlarged_blobs(blobs: np.ndarray, zoom: float) -> np.ndarray:
    """Blobs [n,14] scaled to a picture that is `zoom` times larger; their mass is an area and scales with it."""
    powers = np.array([2, *[1] * 6, *[2] * 3, *[3] * 4])
    return (blobs * zoom**powers).astype(np.float32)


def follow(blobs: np.ndarray, worth: np.ndarray | float = 1.0) -> np.ndarray:
    """Which blob is the subject in each frame, int [T]: the path of largest mass and smallest jumps; -1 where absent.

    Parameters
    ----------
    blobs
        float32 [T,CANDIDATES,14] from `find_blobs`.
    worth
        Float [T,CANDIDATES] in 0..1: how much each looks like a subject.
    """
    mass = blobs[:, :, 0]
    present = mass[:, 0] > 0
    if not present.any():
        return np.full(len(blobs), -1)
    worth = np.broadcast_to(worth, mass.shape)
    likeliest = np.where(mass > 0, worth, -1).argmax(axis=1)  # the heaviest of those that look alike
    typical = float(np.percentile(mass[np.arange(len(mass)), likeliest][present], 60))
    size = np.sqrt(typical) + 1e-6
    # In pictures taken far apart in time, the subject is elsewhere every time. A usual distance is then no jump.
    places = blobs[np.arange(len(mass)), likeliest, 1:3][present]
    size *= max(1.0, 2 * float(np.median(step_lengths(places))) / size) if present.sum() > 1 else 1.0
    share = np.maximum(mass / typical, 1e-6)
    gain = np.where(mass > 0, worth * np.minimum(np.minimum(share, 1.2), 2.4 / share) - 0.25, -9.0)
    absent = CANDIDATES
    score = np.append(gain[0], 0.0)
    back = np.zeros((len(blobs), absent + 1), np.int64)
    for t in range(1, len(blobs)):
        step = np.hypot(*(blobs[t, :, None, 1:3] - blobs[t - 1, None, :, 1:3]).transpose(2, 0, 1)) / size
        cost = np.full((absent + 1, absent + 1), 0.6)
        cost[:absent, :absent] = np.minimum(0.5 * step**2, 3.0)
        cost[absent, absent] = 0.0
        total = score[None, :] - cost
        back[t] = total.argmax(axis=1)
        score = total.max(axis=1) + np.append(gain[t], 0.0)
    path = np.empty(len(blobs), np.int64)
    path[-1] = int(score.argmax())
    for t in range(len(blobs) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return np.where(path == absent, -1, path)


def step_lengths(centres: np.ndarray) -> np.ndarray:
    """Distances [N - 1] between successive places [N, 2]."""
    found: np.ndarray = np.hypot(*np.diff(centres, axis=0).T)
    return found
