"""Evidence beside a magnified clip: the peaks of deviation, the nearest reference moments, and an occlusion map."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ubam.core.typing import Array
from ubam.deviation.twin import Twin
from ubam.tracking.crop_store import CropStore

SHOWN_REFERENCES = 3
PREVIEW_WIDTH = 480
PREVIEW_FRAMES = 15_000  # ten minutes at 25 frames a second


def gather_evidence(
    store: CropStore,
    twin: Twin,
    open_store: Callable[[str], CropStore],
    windows: np.ndarray,
    embed: Callable[[np.ndarray], np.ndarray],
) -> dict[str, np.ndarray]:
    """Arrays of evidence/<recording_id>.npz: the most deviant stretches, with their crops and those of references.

    Parameters
    ----------
    store, twin
        Of the recording.
    open_store
        Opens the store of another recording, by id.
    windows
        float [W, 3], start and end (s) and deviation of every window.
    embed
        Maps views uint8 [n, V, V, 3] to postures float32 [n, D], for the occlusion map.
    """
    found = peaks(windows[:, 2], windows[:, :2].mean(1))
    times = np.array([peak for _, peak, _ in found])
    frames = np.abs(store.time_s[:, None] - times[None]).argmin(0)
    shown = twin.references[:SHOWN_REFERENCES]
    nearest = [np.stack([open_store(name).crops([path[frame]])[0] for name, path in shown]) for frame in frames]
    moments = [[open_store(name).time_s[path[frame]] for name, path in shown] for frame in frames]
    views = np.array(store.views[frames])
    return {
        "peak_time_s": times,
        "peak_start_s": np.array([start for start, _, _ in found]),
        "peak_end_s": np.array([end for _, _, end in found]),
        "query_crop": store.crops(frames),
        "nearest_crop": np.stack(nearest),
        "nearest_recording": np.array([[name for name, _ in shown]] * len(frames)),
        "nearest_time_s": np.array(moments),
        "region_map": occlusion_map(embed, views, twin.posture[frames], grid=(12, 12), smoothing=0.0),
    }


def occlusion_map(
    embed: Callable[[NDArray[np.uint8]], Array],
    views: NDArray[np.uint8],
    twin: Array,
    *,
    grid: tuple[int, int] = (8, 6),
    smoothing: float = 2.0,
) -> Array:
    """Return how much hiding each region of the view lowers the distance to the twin, as shares [T, rows, columns].

    Parameters
    ----------
    embed
        Maps uint8 [n, V, V, 3] views to float32 [n, D] postures.
    views
        uint8 [T, V, V, 3] of the recording.
    twin
        float32 [T, D] postures of its twin.

    A region counts 0 if hiding it raises the distance. Occlusion sensitivity: Zeiler and Fergus 2014.
    """
    base = np.linalg.norm(embed(views) - twin, axis=1)
    drop = np.zeros((len(views), *grid), np.float32)
    rows, columns = (np.linspace(0, views.shape[axis], grid[axis - 1] + 1).astype(int) for axis in (1, 2))
    for row in range(grid[0]):
        for column in range(grid[1]):
            hidden = views.copy()
            hidden[:, rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = (0, 128, 128)
            drop[:, row, column] = base - np.linalg.norm(embed(hidden) - twin, axis=1)
    drop = gaussian_filter1d(drop, smoothing, axis=0, mode="nearest") if smoothing > 0 else drop
    return shares(np.maximum(drop, 0))


def shares(cells: Array) -> Array:
    """Return non-negative `cells` [T, rows, columns] divided by their sum in each frame (0 stays 0)."""
    total = cells.sum((1, 2), keepdims=True)
    return np.where(total > 1e-9, cells / np.maximum(total, 1e-9), 0).astype(np.float32)


def peaks(
    deviation: NDArray[np.floating],
    time_s: NDArray[np.floating],
    *,
    count: int = 3,
    shortest_s: float = 1.0,
    longest_s: float = 4.0,
) -> list[tuple[float, float, float]]:
    """Return up to `count` stretches (start, peak, end) in seconds, the most deviant first, without overlap.

    Parameters
    ----------
    deviation
        [W], one number per window; numbers that are not finite are left out.
    time_s
        [W], the middle of each window, increasing.
    shortest_s, longest_s
        Bounds of a stretch, where the recording is long enough. A stretch spreads from its peak
        while the deviation stays above the mean of the peak and the recording's median.
    """
    finite = np.isfinite(deviation)
    values, times = np.asarray(deviation, float)[finite], np.asarray(time_s, float)[finite]
    found: list[tuple[float, float, float]] = []
    if not len(values):
        return found
    half = np.median(values) + (values - np.median(values)) / 2
    for peak in np.argsort(-values, kind="stable"):
        start, end = _spread(values, times, int(peak), half[peak], shortest_s, longest_s)
        if all(end <= other[0] or start >= other[2] for other in found):
            found.append((start, float(times[peak]), end))
        if len(found) == count:
            break
    return found


def _spread(
    values: NDArray[np.float64], times: NDArray[np.float64], peak: int, level: float, shortest: float, longest: float
) -> tuple[float, float]:
    low = high = peak
    while low > 0 and values[low - 1] >= level and times[high] - times[low - 1] <= longest:
        low -= 1
    while high + 1 < len(values) and values[high + 1] >= level and times[high + 1] - times[low] <= longest:
        high += 1
    start, end = times[low], times[high]
    missing = max(0.0, shortest - (end - start)) / 2
    start, end = start - missing, end + missing
    start, end = start - max(0.0, end - times[-1]), end + max(0.0, times[0] - start)
    return float(max(start, times[0])), float(min(end, times[-1]))
