"""Where the subject is: a background model, soft foreground, and one smooth track of square boxes of constant size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from ubam.tracking.blobs import find_blobs, follow, step_lengths
from ubam.tracking.foreground import FEET, without_shadow
from ubam.tracking.scene import Scene


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


NO_MOTION = "nothing moves: no subject was found, and the whole picture is used; give a box in the study"
SEVERAL = "several subjects are in view: the heaviest is followed; give a box per subject in the study"

UNSTEADY = "much besides the subject moves: does the camera move, or the light change?"


def track_subject(frames: Iterable[np.ndarray], scene: Scene, *, scale: float = 1.0, fps: float = 25.0) -> Track:
    """Follow the subject through small frames uint8 [h,w,3]; the track comes out in pixels of the recording.

    Parameters
    ----------
    frames
        Small pictures of every frame.
    scene
        At the size of the frames.
    scale
        Pixels of the recording per pixel of the small pictures.
    fps
        Frames per second, for the smoothing.
    """
    blobs, beside = [], []
    for frame in frames:
        salient = scene.saliency(frame)
        blobs.append(_without_shadow(find_blobs(salient), salient, frame, scene.background))
        beside.append(float(salient.sum()) - float(blobs[-1][0, 0]))
    return track_blobs(np.stack(blobs), np.array(beside), scene, scale, fps)


def track_saliency(salient: Iterable[np.ndarray], scene: Scene, *, scale: float = 1.0, fps: float = 25.0) -> Track:
    """Follow the subject through soft foregrounds float32 [h,w]; otherwise as `track_subject`."""
    blobs, beside = [], []
    for one in salient:
        blobs.append(find_blobs(one))
        beside.append(float(one.sum()) - float(blobs[-1][0, 0]))
    return track_blobs(np.stack(blobs), np.array(beside), scene, scale, fps)


def _without_shadow(blobs: np.ndarray, salient: np.ndarray, frame: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The blobs of a frame without the heaviest one's shadow, which pulls the box sideways, away from the lamp.

    On a rendered walker the box was 15 of 120 px beside the body, now 1. Its height stays: grey shoes look like shadow.
    """
    mass, _, _, _, y0, _, y1 = blobs[0, :7]
    floor = (y1 - FEET * (y1 - y0)) / len(salient)
    cleaned = without_shadow(salient, frame, background, floor) if mass > 0 else salient
    if cleaned is salient:
        return blobs
    upright = find_blobs(cleaned)
    upright[0, [2, 4, 6]] = blobs[0, [2, 4, 6]]
    return upright if upright[0, 0] > 0.3 * mass else blobs


def track_blobs(blobs: np.ndarray, beside: np.ndarray, scene: Scene, scale: float, fps: float) -> Track:
    """The track from the blobs [T,CANDIDATES,14] of all frames and the summed saliency beside the heaviest one, [T]."""
    path = follow(blobs)
    found = path >= 0
    height, width = scene.background.shape[:2]
    if not found.any():
        return full_frame_track(len(blobs), round(width * scale), round(height * scale), (NO_MOTION,))
    chosen = blobs[np.arange(len(blobs)), np.maximum(path, 0)]
    warnings = []
    if _several(blobs, path):
        warnings.append(SEVERAL)
    if np.median(beside) > 0.1 * height * width:
        warnings.append(UNSTEADY)
    return _smooth_track(chosen * scale, found, fps, tuple(warnings))


def _several(blobs: np.ndarray, path: np.ndarray) -> bool:
    """Whether another blob of at least 0.4 of the subject's mass is there in a third of the frames, well apart."""
    seen = np.flatnonzero(path >= 0)
    own = blobs[seen, path[seen]]
    size = np.sqrt(np.median(own[:, 0]))
    apart = np.hypot(*(blobs[seen, :, 1:3] - own[:, None, 1:3]).transpose(2, 0, 1)) > size
    return bool(((blobs[seen, :, 0] > 0.4 * own[:, None, 0]) & apart).any(axis=1).mean() > 0.33)


def full_frame_track(count: int, width: int, height: int, warnings: tuple[str, ...]) -> Track:
    """The whole picture as the subject's box, padded to a square, in every frame."""
    return fixed_track(count, (0.0, 0.0, float(width), float(height)), warnings)


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


def _smooth_track(chosen: np.ndarray, found: np.ndarray, fps: float, warnings: tuple[str, ...]) -> Track:
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
    """`smooth`, each run of frames (positions) by itself: between them the subject is suddenly elsewhere."""
    return np.concatenate([smooth(values[run], found[run], sigma) for run in runs])


def smooth(values: np.ndarray, found: np.ndarray, sigma: float) -> np.ndarray:
    """values [T,C] held where not found, freed of single outliers, then smoothed by a Gaussian of sigma frames."""
    known = np.flatnonzero(found)
    nearest = known[np.clip(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0, None)]
    held = median_filter(values[nearest].astype(np.float64), size=(5, 1), mode="nearest")
    reach = max(1, int(3 * sigma))
    return np.asarray(gaussian_filter1d(held, max(sigma, 1e-3), axis=0, mode="nearest", radius=reach))
