"""The scene of a recording without its subject: background, noise, and what of the subject never moves."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ubam.tracking.background import (
    enlarged,
    fill,
    free_background,
    free_median,
    in_place_noise,
    median_background,
    noise_map,
    reduced,
    steadiest_background,
)
from ubam.tracking.blobs import find_blobs, follow, step_lengths
from ubam.tracking.foreground import (
    disc,
    distance_from,
    exposure,
    grown,
    hull,
    main_part,
    mask,
    often_enclosed,
    restless,
    saliency,
)


@dataclass(frozen=True)
class Scene:
    """What stays the same in a recording, all at one picture size.

    background uint8 [H,W,3]: without the subject; noise float32 [H,W]: grey levels (standard deviation) per pixel;
    still uint8 [H,W,4]: the median picture with, as fourth channel, where the subject's still part is (0 or 255);
    hidden: whether the subject stays in place, so that the background behind it is filled in, never seen.
    """

    background: np.ndarray
    noise: np.ndarray
    still: np.ndarray
    hidden: bool

    def saliency(self, frame: np.ndarray) -> np.ndarray:
        """Soft foreground of a frame uint8 [H,W,3], float32 [H,W] in 0..1."""
        return saliency(frame, self.background, self.noise, self.still if self.hidden else None)

    def resized(self, size: tuple[int, int]) -> "Scene":
        """The same scene at another size (width, height)."""
        pictures = {
            name: cv2.resize(getattr(self, name), size, interpolation=cv2.INTER_AREA)
            for name in ("background", "noise", "still")
        }
        return replace(self, **pictures)


def without_rest(frames: np.ndarray, background: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """A background freed of a subject that rested, or was slow: its place shows in the other frames what is behind it.

    Where pixels often differ from the background, there are two pictures: the background so far and what the differing
    frames show. The one that is more like the surroundings is kept.

    Parameters
    ----------
    frames
        uint8 [N,H,W,3].
    background
        uint8 [H,W,3].
    noise
        float32 [H,W].
    """
    differs = np.stack([distance_from(frame, background, noise) > 0.5 for frame in frames])
    region = grown(differs.mean(axis=0) > 0.25)
    if not region.any() or region.mean() > 0.6:
        return background
    other, around = free_median(frames, ~differs), fill(background, region)
    apart = [cv2.GaussianBlur(cv2.absdiff(picture, around), (0, 0), 2).max(axis=2) for picture in (background, other)]
    swapped = region & (apart[0] > apart[1].astype(int) + 6)
    return np.where(swapped[..., None], other, background)


def still_part(median: np.ndarray, region: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Where the median picture shows a subject that stays in place, bool [H,W].

    Parameters
    ----------
    median
        uint8 [H,W,3].
    region
        bool [H,W], the region that the subject's motion encloses (`often_enclosed` or `hull`).
    noise
        float32 [H,W].
    """
    hole = grown(region)
    behind = fill(median, hole)
    unlike = (distance_from(median, behind, np.maximum(noise, 3.0 * exposure(behind))) > 0.5) & region
    found = (_grab(median, unlike, grown(region, 3.0)) & hole).astype(np.uint8)
    closed = cv2.morphologyEx(found, cv2.MORPH_CLOSE, disc(0.015 * min(region.shape)))
    return _without_holes(_large_parts(cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc(2))))


def _without_holes(region: np.ndarray) -> np.ndarray:
    """A region bool [H,W] with its small holes filled: a coat may be like the wall in places."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~region).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.1 * region.sum()
    return region | small[labels]


def _grab(median: np.ndarray, probable: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """GrabCut from a probable foreground; the probable foreground itself where GrabCut loses or floods it."""
    if probable.sum() < 30 or allowed.all():
        return probable
    seeds = np.where(allowed, np.uint8(cv2.GC_PR_BGD), np.uint8(cv2.GC_BGD))
    seeds[probable] = cv2.GC_PR_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    rectangle = (0, 0, 1, 1)  # not used when seeds are given
    cv2.grabCut(np.ascontiguousarray(median), seeds, rectangle, *models, 4, cv2.GC_INIT_WITH_MASK)
    found = (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)
    return found & probable if 0.4 < found.sum() / probable.sum() < 1.6 else probable


def _large_parts(region: np.ndarray) -> np.ndarray:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.isin(labels, np.flatnonzero((areas > 0) & (areas > 0.15 * areas.max())))


WAY = 2.0  # grey levels: faint trunks must be seen with their legs, else a rat in place is taken for one that travels
REMAINING = 0.04  # of all that stands out: shoes of walkers in place were at most 0.016, subjects by curtains 0.09
REGION = 5.0  # grey levels; 1.5 took in the wall around swinging arms: overlap of light walkers 0.73, now 0.78
LIVELY = 0.2  # of the hull of all that moves, in a typical frame
ENCLOSED = 0.5  # of that hull by motion: less of it does not show a body (dark rats: overlap 0.84, with 0.4 of it 0.34)
WALKING = 0.25  # mice that sat had at most 0.21 enclosed, rats on a belt in the dark 0.19 to 0.63

IN_PLACE = "the subject stays in one place, so that the picture behind it was never seen: its outline is estimated"
NEARLY_STILL = "the subject hardly moves: there may be too little motion to learn from"

CLUTTER = (
    "something besides the subject keeps moving or flickering at the same places: it is taken for background there"
)


def learn_scene(samples: np.ndarray, times: int = 1) -> tuple[Scene, Scene, tuple[str, ...]]:
    """The scene at full size and `times` smaller (as `reduced` does it), and what must be said about it.

    Parameters
    ----------
    samples
        uint8 [N,H,W,3], frames spread over the recording.
    times
        How many pixels of the recording make one of the small scene; about 200 px across are enough.
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
    steps = step_lengths(way)
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
