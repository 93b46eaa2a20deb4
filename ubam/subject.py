"""Where the subject is: a background model, soft foreground, and one smooth track of square boxes of constant size."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ubam.background import (
    Scene,
    clean_mask,
    enlarged,
    free_background,
    grown,
    hull,
    in_place_noise,
    main_part,
    mask,
    median_background,
    noise_level,
    noise_map,
    often_enclosed,
    reduced,
    restless,
    saliency,
    steadiest_background,
    still_part,
    without_rest,
)
from ubam.filling import fill
from ubam.shadows import FEET, without_shadow
from ubam.smoothing import smooth_runs

__all__ = [
    "Scene",
    "Track",
    "find_blobs",
    "fixed_track",
    "follow",
    "full_frame_track",
    "learn_scene",
    "mask",
    "median_background",
    "noise_level",
    "saliency",
    "track_saliency",
    "track_subject",
]

WAY = 2.0  # grey levels: faint trunks must be seen with their legs, else a rat in place is taken for one that travels
REMAINING = 0.04  # of all that stands out: shoes of walkers in place were at most 0.016, subjects by curtains 0.09
REGION = 5.0  # grey levels; 1.5 took in the wall around swinging arms: overlap of light walkers 0.73, now 0.78
LIVELY = 0.2  # of the hull of all that moves, in a typical frame
ENCLOSED = 0.5  # of that hull by motion: less of it does not show a body (dark rats: overlap 0.84, with 0.4 of it 0.34)
WALKING = 0.25  # mice that sat had at most 0.21 enclosed, rats on a belt in the dark 0.19 to 0.63
CANDIDATES = 4
COLUMNS = 14


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


def find_blobs(salient: np.ndarray) -> np.ndarray:
    """The heaviest blobs of a soft foreground float32 [H,W], heaviest first, float32 [CANDIDATES,14].

    Columns: mass (summed saliency, 0 where there is no such blob), centre x, y, then x0, y0, x1, y1; then its shape,
    central moments per mass: xx, xy, yy, xxx, xxy, xyy, yyy.
    """
    if salient.mean() > 0.6:  # a flash, a fade, a knocked camera: the subject cannot be told
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


def follow(blobs: np.ndarray) -> np.ndarray:
    """Which blob is the subject in each frame: the path of most mass and least jumping; -1 where it is absent, int [T].

    Args:
        blobs: float32 [T,CANDIDATES,14] from `find_blobs`.
    """
    mass = blobs[:, :, 0]
    present = mass[:, 0] > 0
    if not present.any():
        return np.full(len(blobs), -1)
    typical = float(np.percentile(mass[present, 0], 60))
    size = np.sqrt(typical) + 1e-6
    # In pictures of single moments, or one a minute, it is elsewhere every time: a usual way is then no jump.
    size *= max(1.0, 2 * float(np.median(_steps(blobs[present, 0, 1:3]))) / size) if present.sum() > 1 else 1.0
    share = np.maximum(mass / typical, 1e-6)
    gain = np.where(mass > 0, np.minimum(np.minimum(share, 1.2), 2.4 / share) - 0.25, -9.0)
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


def _steps(centres: np.ndarray) -> np.ndarray:
    """How far [N - 1] it is from each of the places [N, 2] to the next."""
    found: np.ndarray = np.hypot(*np.diff(centres, axis=0).T)
    return found


IN_PLACE = "the subject stays in one place, so that the picture behind it was never seen: its outline is estimated"
NEARLY_STILL = "the subject hardly moves: there may be too little motion to learn from"
NO_MOTION = "nothing moves: no subject was found, and the whole picture is used; give a box in the study"
SEVERAL = "several subjects are in view: the heaviest is followed; give a box per subject in the study"
CLUTTER = (
    "something besides the subject keeps moving or flickering at the same places: it is taken for background there"
)
UNSTEADY = "much besides the subject moves: does the camera move, or the light change?"


def learn_scene(samples: np.ndarray, times: int = 1) -> tuple[Scene, Scene, tuple[str, ...]]:
    """The scene at full size and `times` smaller (as `reduced` does it), and what must be said about it.

    Args:
        samples: uint8 [N,H,W,3], frames spread over the recording.
        times: how many pixels of the recording make one of the small scene; about 200 px across are enough.
    """
    height, width = samples.shape[1:3]
    small = np.stack([reduced(frame, times) for frame in samples])
    median = steadiest_background(small)
    rough = in_place_noise(noise_map(small, median))
    clutter = _clutter(small, median, rough)
    floor = np.zeros_like(rough) if clutter is None else clutter
    if clutter is not None:
        rough = np.maximum(rough, floor)
    elif (_way(small, median) + _way(small, median_background(small))) / 2 < 0.48:
        return _scene_in_place(samples, small, times)
    median = without_rest(small, without_rest(small, median, rough), rough)
    blobs = np.stack([find_blobs(saliency(frame, median, rough)) for frame in small])
    path = follow(blobs)
    covered = _covered(small, median, rough, blobs, path)
    for _ in range(2):
        median = without_rest(small, free_background(small, covered), rough)
        rough = np.maximum(noise_map(small, median, covered), floor)
        blobs = np.stack([find_blobs(saliency(frame, median, rough)) for frame in small])
        covered = _covered(small, median, rough, blobs, follow(blobs))
    whole = np.stack([enlarged(hidden, times, width, height) > 0 for hidden in covered])
    background = free_background(samples, whole)
    noise = np.maximum(noise_map(samples, background, whole), cv2.resize(floor, (width, height)))
    small_noise = np.maximum(noise_map(small, median, covered), floor)
    return _open_scene(background, noise), _open_scene(median, small_noise), (CLUTTER,) * (clutter is not None)


def _clutter(small: np.ndarray, background: np.ndarray, noise: np.ndarray) -> np.ndarray | None:
    """Grey levels by which a curtain or a lamp keeps changing places of the picture, float32 [h,w]; None without such.

    Clutter comes and goes again and again at the same places; so do the limbs of a subject in place. Clutter is only
    believed where a subject remains that is more than a shoe and goes its way step by step, mostly outside the hull of
    the places that change.
    """
    salient = np.stack([saliency(frame, background, noise) for frame in small])
    differs = salient > 0.5
    busy = grown((differs[1:] != differs[:-1]).sum(axis=0) >= max(6, 0.25 * len(small)))
    if busy.mean() < 0.01:
        return None
    distances = np.stack([cv2.absdiff(frame, background).max(axis=2) for frame in small])
    level = np.percentile(distances, 90, axis=0).astype(np.float32) / 2.5  # as `saliency` counts noise
    floor = np.where(busy, cv2.dilate(level, np.ones((5, 5))), 0)
    louder = np.maximum(noise, floor)
    blobs = np.stack([find_blobs(saliency(frame, background, louder)) for frame in small])
    path = follow(blobs)
    seen = np.flatnonzero(path >= 0)
    if len(seen) < 0.8 * len(small) or _way(small, background, floor) < 0.6:
        return None
    remaining = blobs[seen, path[seen]]
    if np.median(remaining[:, 0]) < REMAINING * np.median(salient.sum(axis=(1, 2))):
        return None
    way = remaining[:, 1:3]
    x, y = way.astype(int).T
    steps = _steps(way)
    spread = np.hypot(*(np.percentile(way, 90, axis=0) - np.percentile(way, 10, axis=0)))
    travels = spread > 0.2 * min(background.shape[:2]) and np.median(steps) < 0.15 * spread
    travels &= bool(hull(busy)[y, x].mean() < 0.75)
    return floor if travels else None


def _open_scene(background: np.ndarray, noise: np.ndarray) -> Scene:
    return Scene(background, noise, np.dstack([background, np.zeros(noise.shape, np.uint8)]), False)


def _way(small: np.ndarray, background: np.ndarray, clutter: np.ndarray | float = 0.0) -> float:
    """How far the subject travels, in units of its own size; 0 where it is not found, or where only a speck moves.

    All of it must be seen: the legs alone of a rat in place go a longer way than their size. Measured, as the mean over
    the median and the steadiest background: 20 rendered subjects in place 0.03 to 0.06, 16 walking through 0.77
    and more; six real ones in place 0.05 to 0.34, three that travel 0.66 and more. With fewer than about 30 frames
    the two overlap.
    """
    blobs = np.stack([find_blobs(salient) for salient in restless(small, background, WAY, clutter)])
    path = follow(blobs)
    found = path >= 0
    if not found.any():
        return 0.0
    chosen = blobs[np.flatnonzero(found), path[found]]
    size = np.median(chosen[:, 0]) / background[..., 0].size
    if size < 1.5e-3 or (size < 3e-3 and found.mean() < 0.2):
        return 0.0
    spread = np.percentile(chosen[:, 1:3], 90, axis=0) - np.percentile(chosen[:, 1:3], 10, axis=0)
    return float(spread.max() / np.median(np.maximum(chosen[:, 5] - chosen[:, 3], chosen[:, 6] - chosen[:, 4])))


def _covered(
    small: np.ndarray, median: np.ndarray, noise: np.ndarray, blobs: np.ndarray, path: np.ndarray
) -> np.ndarray:
    """Where the subject hides the background in each frame, bool [N,h,w], with a margin."""
    covered = np.zeros(small.shape[:3], bool)
    margin = max(2, round(0.015 * min(median.shape[:2])))
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    for t in np.flatnonzero(path >= 0):
        x0, y0, x1, y1 = blobs[t, path[t], 3:7].astype(int)
        part = np.s_[max(y0 - margin, 0) : y1 + margin, max(x0 - margin, 0) : x1 + margin]
        hidden = mask(small[t], median, noise)[part].astype(np.uint8)
        covered[t][part] = cv2.dilate(hidden, kernel) > 0
    return covered


def _scene_in_place(samples: np.ndarray, small: np.ndarray, times: int) -> tuple[Scene, Scene, tuple[str, ...]]:
    median = median_background(small)
    noise = in_place_noise(noise_map(small, median))
    for least in (5.0, 3.0):  # faint motion is looked for only where there is no other
        salient = np.stack([saliency(frame, median, noise, least=least) for frame in small])
        core = main_part(salient.mean(axis=0))
        if core.mean() > 0.0015:
            break
    if core.sum() < 12:
        nearly_still, still = False, np.ones(median.shape[:2], bool)
    else:
        around, region = hull(core), often_enclosed(restless(small, median, REGION))
        enclosed = float(region[around].mean())
        lively = bool(np.median(salient[:, around].mean(axis=1)) >= LIVELY)
        nearly_still = not lively and enclosed < WALKING
        still = still_part(median, region if lively or enclosed > ENCLOSED else around, noise)
    whole = enlarged(still, times, samples.shape[2], samples.shape[1])
    seen = median_background(samples)
    background = fill(seen, grown(whole > 127))
    scene = Scene(background, in_place_noise(noise_map(samples, seen)), np.dstack([seen, whole]), True)
    small_still = np.dstack([median, still.astype(np.uint8) * 255])
    warnings = () if still.all() else (IN_PLACE, NEARLY_STILL) if nearly_still else (IN_PLACE,)
    return scene, Scene(fill(median, grown(still)), noise, small_still, True), warnings


def track_subject(frames: Iterable[np.ndarray], scene: Scene, *, scale: float = 1.0, fps: float = 25.0) -> Track:
    """Follow the subject through small frames uint8 [h,w,3]; the track comes out in pixels of the recording.

    Args:
        frames: small pictures of every frame.
        scene: at the size of the frames.
        scale: pixels of the recording per pixel of the small pictures.
        fps: frames per second, for the smoothing.
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
    elsewhere = known[1:][_steps(chosen[known, 1:3]) > half]
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
