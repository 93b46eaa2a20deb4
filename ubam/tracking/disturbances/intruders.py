"""Something much larger than the subject in view for a while: an arm, a person, a door."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import binary_closing, binary_opening

LASTS_S = 0.3  # seconds that it is in view at least; it is not gone for less


def steadied(larger: np.ndarray, fps: float) -> np.ndarray:
    """Frames bool [T] with something larger, without gaps and moments shorter than `LASTS_S`."""
    reach = max(1, round(LASTS_S * fps))
    padded = np.pad(larger, reach, mode="edge")
    return np.asarray(binary_opening(binary_closing(padded, np.ones(reach)), np.ones(reach))[reach:-reach])


def without_light(larger: np.ndarray, changes: Sequence[int], fps: float) -> np.ndarray:
    """Frames bool [T] with something larger, without the spans that begin or end where the light changes."""
    near = round(LASTS_S * fps)
    kept = larger.copy()
    edges = np.flatnonzero(np.diff(np.pad(larger.astype(np.int8), 1)))
    for start, stop in edges.reshape(-1, 2):
        if any(abs(edge - change) <= near for edge in (start, stop) for change in changes):
            kept[start:stop] = False
    return kept
