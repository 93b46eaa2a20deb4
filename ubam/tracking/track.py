"""Where the subject is: a background model, soft foreground, and one smooth track of square boxes of constant size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from ubam.tracking.blobs import enlarged_blobs, find_blobs, follow, step_lengths


@dataclass(frozen=True)
class Track:
    """The subject over time, in pixels of the recording.

    box float32 [T,4] (x0, y0, x1, y1): square, one size for the whole recording, may reach outside the picture;
    found bool [T]; body_height: median vertical extent of the subject; ground_y float32 [T]: its lowest point, smooth;
    centre float32 [T,2] (x, y), smoothed; warnings: sentences for the user; shape float32 [T,7]: the moments of the
    subject's blob as `find_blobs` has them; extent: its typical longer side as seen.
    """

    box: np.ndarray
    found: np.ndarray
    body_height: float
    ground_y: np.ndarray
    centre: np.ndarray
    warnings: tuple[str, ...]
    shape: np.ndarray
    extent: float

    def saying(self, *warnings: str) -> "Track":
        """The same track with further warnings."""
        return replace(self, warnings=self.warnings + warnings)


NO_MOTION = "nothing moves: no subject was found, and the whole picture is used; give a box in the study"
SEVERAL = "several subjects are in view: the heaviest is followed; give a box per subject in the study"

UNSTEADY = "much besides the subject moves: does the camera move, or the light change?"


@dataclass(frozen=True)
class Motion:
    """What moves in small frames, and which blob is followed.

    blobs float32 [T,CANDIDATES,14] as `find_blobs` has them; path int [T]: the blob that is followed, -1 for none;
    beside float [T]: summed saliency beside the heaviest blob; size: (width, height) of the frames.
    """

    blobs: np.ndarray
    path: np.ndarray
    beside: np.ndarray
    size: tuple[int, int]

    def track(self, scale: float, fps: float) -> Track:
        """The track of what moves, in pixels of the recording; a small pixel is `scale` of them wide."""
        found = self.path >= 0
        if not found.any():
            width, height = (float(round(side * scale)) for side in self.size)
            return fixed_track(len(self.path), (0.0, 0.0, width, height), (NO_MOTION,))
        chosen = self.blobs[np.arange(len(self.path)), np.maximum(self.path, 0)]
        return smooth_track(enlarged_blobs(chosen, scale), found, fps, ())

    def remarks(self, track: Track, scale: float) -> tuple[str, ...]:
        """Warnings about movement besides a subject whose track is known."""
        several = (SEVERAL,) * self._several(track.box / scale)
        return several + (UNSTEADY,) * bool(np.median(self.beside) > 0.1 * self.size[0] * self.size[1])

    def _several(self, box: np.ndarray) -> bool:
        """Whether a blob of at least 0.4 of the subject's mass is outside its box in a third of the frames."""
        seen = np.flatnonzero(self.path >= 0)
        own = self.blobs[seen, self.path[seen]]
        x, y = self.blobs[seen, :, 1].T, self.blobs[seen, :, 2].T
        x0, y0, x1, y1 = box[seen].T
        outside = (x < x0) | (x > x1) | (y < y0) | (y > y1)
        return bool(len(seen) and ((0.4 * own[:, 0] < self.blobs[seen, :, 0].T) & outside).any(axis=0).mean() > 0.33)


def motion_of(salient: Iterable[np.ndarray]) -> Motion:
    """What moves in soft foregrounds float32 [h,w], one for each frame."""
    blobs, beside, size = [], [], (0, 0)
    for one in salient:
        blobs.append(find_blobs(one))
        beside.append(float(one.sum()) - float(blobs[-1][0, 0]))
        size = (one.shape[1], one.shape[0])
    held = np.stack(blobs)
    return Motion(held, follow(held), np.array(beside), size)


def fixed_track(count: int, box: tuple[float, float, float, float], warnings: tuple[str, ...]) -> Track:
    """One given box, made square around its centre, in every frame."""
    x0, y0, x1, y1 = box
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2], np.float32)
    half = max(x1 - x0, y1 - y0) / 2
    boxes = np.concatenate([centre - half, centre + half]).astype(np.float32)
    return Track(
        np.repeat(boxes[None], count, 0), np.ones(count, bool), y1 - y0, np.full(count, y1, np.float32),
        np.repeat(centre[None], count, 0), warnings, np.zeros((count, 7), np.float32), 2 * float(half),
    )  # fmt: skip


def smooth_track(chosen: np.ndarray, found: np.ndarray, fps: float, warnings: tuple[str, ...]) -> Track:
    """The track along one blob per frame [T,14] (`find_blobs`, pixels of the recording), where it was found [T]."""
    x0, y0, x1, y1 = chosen[:, 3:7].T
    extent = np.maximum(x1 - x0, y1 - y0)[found]
    half = 0.5 * 1.25 * float(np.median(extent))
    known = np.flatnonzero(found)
    elsewhere = known[1:][step_lengths(chosen[known, 1:3]) > half]
    runs = np.split(np.arange(len(found)), elsewhere)
    middle = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, y1], 1)
    quick = smooth_runs(chosen[:, 1:3], found, 0.12 * fps, runs)
    slow = smooth_runs(np.concatenate([chosen[:, 1:3], middle], 1), found, 0.5 * fps, runs)
    centre = (quick + slow[:, 2:4] - slow[:, :2]).astype(np.float32)
    ground = slow[:, 4].astype(np.float32)
    box = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return Track(
        box, found, float(np.median((y1 - y0)[found])), ground, centre, warnings, chosen[:, 7:],
        float(np.percentile(extent, 90)),
    )  # fmt: skip


def smooth_runs(values: np.ndarray, found: np.ndarray, sigma: float, runs: Sequence[np.ndarray]) -> np.ndarray:
    """`smooth` each run of frames (positions) by itself, as the subject jumps between runs."""
    return np.concatenate([smooth(values[run], found[run], sigma) for run in runs])


def smooth(values: np.ndarray, found: np.ndarray, sigma: float) -> np.ndarray:
    """Values [T,C], held where not found, without single outliers, smoothed by a Gaussian of sigma frames."""
    known = np.flatnonzero(found)
    nearest = known[np.clip(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0, None)]
    held = median_filter(values[nearest].astype(np.float64), size=(5, 1), mode="nearest")
    reach = max(1, int(3 * sigma))
    return np.asarray(gaussian_filter1d(held, max(sigma, 1e-3), axis=0, mode="nearest", radius=reach))
