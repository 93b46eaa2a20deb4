"""The picture without the subject, and how far each pixel of a frame is from it.

A subject that walks through the picture leaves its background free most of the time: the median over time is it.
A subject that stays in place (treadmill, cage) hides it: its still part is then found in the median picture (enclosed
by motion, unlike its surroundings, refined by GrabCut, Rother et al. 2004), and what is behind is filled from around.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ubam.filling import fill


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


def reduced(picture: np.ndarray, times: int) -> np.ndarray:
    """A picture uint8 [H,W,3] made `times` smaller by area; a remainder at the right and bottom is left out."""
    height, width = picture.shape[0] // times, picture.shape[1] // times
    whole = picture[: height * times, : width * times]
    return whole if times == 1 else cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)


def enlarged(region: np.ndarray, times: int, width: int, height: int) -> np.ndarray:
    """A region bool [h,w] of a reduced picture at the full size, uint8 [H,W] 0..255 with soft borders."""
    large = cv2.resize(region.astype(np.uint8) * 255, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR)
    return np.pad(large, ((0, height - large.shape[0]), (0, width - large.shape[1])), mode="edge")


def median_background(frames: np.ndarray) -> np.ndarray:
    """The median picture: uint8 [N,H,W,...] -> uint8 [H,W,...] (the lower median when N is even)."""
    background = np.empty_like(frames[0])
    rows = max(1, 1_000_000 // frames[0, 0].size)
    for top in range(0, len(background), rows):
        background[top : top + rows] = _median(frames[:, top : top + rows])
    return background


def _median(stack: np.ndarray) -> np.ndarray:
    """Batcher's merge exchange (Knuth, volume 3, algorithm 5.2.2M) on whole pictures: far faster than np.median."""
    pictures: list[np.ndarray] = list(stack)
    count = len(pictures)
    top = 1 << max(0, (count - 1).bit_length() - 1)
    p = top if count > 1 else 0
    while p > 0:
        q, r, d = top, 0, p
        while True:
            for i in range(count - d):
                if i & p == r:
                    low, high = pictures[i], pictures[i + d]
                    pictures[i], pictures[i + d] = np.minimum(low, high), np.maximum(low, high)
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return pictures[(count - 1) // 2]


def free_median(frames: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """The median picture over the frames in which a pixel is free.

    Covered pixels turn black and white by turns, which leaves the median of the others in the middle.

    Args:
        frames: uint8 [N,H,W,...].
        covered: bool [N,H,W], where the subject hides the background.
    """
    turns = np.zeros(covered.shape[1:], bool)
    pushed = []
    for frame, hidden in zip(frames, covered, strict=True):
        frame = frame.copy()
        frame[hidden & turns] = 255
        frame[hidden & ~turns] = 0
        turns ^= hidden
        pushed.append(frame)
    return median_background(np.stack(pushed))


def free_background(frames: np.ndarray, covered: np.ndarray, least: float = 0.1) -> np.ndarray:
    """`free_median`, filled from around where a pixel is free in less than a share `least` of the frames."""
    return fill(free_median(frames, covered), covered.mean(axis=0) > 1 - least)


def steadiest_background(frames: np.ndarray, share: float = 0.2) -> np.ndarray:
    """The picture that each pixel shows most steadily: the median over the narrowest `share` of its grey levels.

    A slow subject may cover a pixel most of the time and be in the median; but its moving fur or cloth
    varies more than the background (the shorth of Andrews et al. 1972, with a smaller share).

    Args:
        frames: uint8 [N,H,W,3].
        share: of the frames, in which the background is surely seen.
    """
    grey = np.stack([cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (0, 0), 1.0) for frame in frames])
    ordered = np.sort(grey, axis=0)
    span = min(len(frames), max(5, round(share * len(frames))))
    widths = ordered[span - 1 :] - ordered[: len(frames) - span + 1]
    lowest = widths.argmin(axis=0)[None]
    low = np.take_along_axis(ordered, lowest, axis=0)
    high = np.take_along_axis(ordered, lowest + span - 1, axis=0)
    return free_median(frames, (grey < low) | (grey > high))


def steadiest_seen(frames: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """`steadiest_background` over the frames that show a pixel; the others take their turns instead.

    Args:
        frames: uint8 [N,H,W,3].
        outside: bool [N,H,W], where a frame shows nothing.
    """
    picture = np.empty_like(frames[0])
    rows = max(1, 2_000_000 // frames[:, 0].size)
    turns = np.arange(len(frames))[:, None, None]
    for top in range(0, len(picture), rows):
        hidden = outside[:, top : top + rows]
        shown = np.maximum((~hidden).sum(axis=0), 1)
        instead = np.take_along_axis(np.argsort(hidden, axis=0, kind="stable"), turns % shown, axis=0)
        source = np.where(hidden, instead, turns)[..., None]
        picture[top : top + rows] = steadiest_background(
            np.take_along_axis(frames[:, top : top + rows], source, axis=0)
        )
    return picture


def without_rest(frames: np.ndarray, background: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """A background freed of a subject that rested, or was slow: its place shows in the other frames what is behind it.

    Where pixels often differ from the background, there are two pictures: the background so far and what the differing
    frames show. The one that is more like the surroundings is kept.

    Args:
        frames: uint8 [N,H,W,3].
        background: uint8 [H,W,3].
        noise: float32 [H,W].
    """
    differs = np.stack([_distance(frame, background, noise) > 0.5 for frame in frames])
    region = grown(differs.mean(axis=0) > 0.25)
    if not region.any() or region.mean() > 0.6:
        return background
    other, around = free_median(frames, ~differs), fill(background, region)
    apart = [cv2.GaussianBlur(cv2.absdiff(picture, around), (0, 0), 2).max(axis=2) for picture in (background, other)]
    swapped = region & (apart[0] > apart[1].astype(int) + 6)
    return np.where(swapped[..., None], other, background)


def noise_map(frames: np.ndarray, background: np.ndarray, covered: np.ndarray | None = None) -> np.ndarray:
    """Standard deviation of each pixel in grey levels, float32 [H,W], from the median distance to the background.

    Leaves, a running belt or a flickering lamp show as noise; a subject that passes by does not.
    """
    distances = np.stack([cv2.absdiff(frame, background).max(axis=2) for frame in frames])
    middle = median_background(distances) if covered is None else free_median(distances, covered)
    return np.maximum(1.4826 * cv2.GaussianBlur(middle.astype(np.float32), (0, 0), 1.5), 1.0)


def noise_level(frames: np.ndarray, background: np.ndarray) -> float:
    """One number for the camera's noise, in grey levels, at least 1: the median of `noise_map`."""
    return float(np.median(noise_map(frames, background)))


def saliency(
    frame: np.ndarray,
    background: np.ndarray,
    noise: np.ndarray | float,
    still: np.ndarray | None = None,
    least: float = 5.0,
) -> np.ndarray:
    """Soft foreground in 0..1, float32 [H,W]: how far each pixel of a frame is from the background, in units of noise.

    Args:
        frame: uint8 [H,W,3].
        background: uint8 [H,W,3].
        noise: grey levels, one number or float32 [H,W].
        still: uint8 [H,W,4], a subject in place: its median picture and where its still part is; a pixel there that
            looks as usual is foreground.
        least: differences of fewer grey levels are never foreground.
    """
    salient = _distance(frame, background, noise, least)
    if still is None:
        return salient
    usual = 1.0 - _distance(frame, np.ascontiguousarray(still[..., :3]), noise)
    return np.maximum(salient, usual * still[..., 3] * np.float32(1 / 255))


def _distance(frame: np.ndarray, background: np.ndarray, noise: np.ndarray | float, least: float = 5.0) -> np.ndarray:
    red, green, blue = cv2.split(cv2.absdiff(frame, background))
    widest = cv2.medianBlur(cv2.max(cv2.max(red, green), blue), 3).astype(np.float32)
    lit = exposure(background)
    low = np.maximum(least * lit, 2.5 * noise)
    return np.clip((widest - low) / (low + 8.0 * lit), 0.0, 1.0, dtype=np.float32)


def exposure(background: np.ndarray) -> np.ndarray:
    """How strong differences are before a background uint8 [H,W,3], float32 [H,W] from 0.5 in the dark to 1."""
    bright = cv2.blur(cv2.cvtColor(background, cv2.COLOR_RGB2GRAY), (5, 5)).astype(np.float32)
    return np.clip(0.3 + bright / 150, 0.5, 1.0)


def restless(frames: np.ndarray, background: np.ndarray, least: float, floor: np.ndarray | float = 0.0) -> np.ndarray:
    """Where frames are further from a picture at rest than three times what their rows and the picture vary anyway.

    So a dark trunk that heaves before a dark wall is found like a light one.

    Args:
        frames: uint8 [N,H,W,3].
        background: uint8 [H,W,3].
        least: grey levels that are nothing, half of that in the dark.
        floor: grey levels of clutter, one number or float32 [H,W].

    Returns:
        float32 [N,H,W] in 0..1.
    """
    still = cv2.GaussianBlur(background, (0, 0), 0.8)
    apart = np.stack([cv2.absdiff(cv2.GaussianBlur(frame, (0, 0), 0.8), still).max(axis=2) for frame in frames])
    usual = median_background(apart).astype(np.float32)
    usual = np.maximum(np.percentile(usual, 10, axis=1, keepdims=True), np.percentile(usual, 25))
    low = np.maximum(least * exposure(background), 3 * 1.4826 * usual)
    low = np.maximum(low, 2.5 * floor).astype(np.float32)
    return np.clip((apart - low) / (2 * low), 0.0, 1.0, dtype=np.float32)


def mask(
    frame: np.ndarray, background: np.ndarray, noise: np.ndarray | float, still: np.ndarray | None = None
) -> np.ndarray:
    """The cleaned subject mask of a frame, bool [H,W]; arguments as for `saliency`."""
    return clean_mask(saliency(frame, background, noise, still))


def clean_mask(salient: np.ndarray) -> np.ndarray:
    """Soft foreground float32 [H,W] -> bool [H,W]: gaps closed, specks removed."""
    raw = cv2.medianBlur((salient > 0.3).astype(np.uint8), 3)
    return cv2.morphologyEx(raw, cv2.MORPH_CLOSE, _disc(0.01 * min(salient.shape))).astype(bool)


def without_strays(salient: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Soft foreground float32 [H,W] without parts that lie apart and have less than `share` of the heaviest's mass."""
    near = cv2.dilate((salient > 0.3).astype(np.uint8), _disc(0.03 * min(salient.shape)))
    count, labels = cv2.connectedComponents(near)
    if count < 3:
        return salient * near
    mass = np.bincount(labels.ravel(), salient.ravel(), minlength=count)
    mass[0] = 0
    return salient * (mass >= share * mass.max())[labels] * near


def _disc(radius: float) -> np.ndarray:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def in_place_noise(noise: np.ndarray) -> np.ndarray:
    """The noise map when the subject itself moves in place: of each row what most of its pixels have (a belt runs)."""
    rows = np.percentile(noise, 30, axis=1, keepdims=True).astype(np.float32)
    return np.repeat(rows, noise.shape[1], axis=1)


def still_part(median: np.ndarray, region: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Where the median picture shows a subject that stays in place, bool [H,W].

    Args:
        median: uint8 [H,W,3].
        region: bool [H,W], the region that the subject's motion encloses (`often_enclosed` or `hull`).
        noise: float32 [H,W].
    """
    hole = grown(region)
    behind = fill(median, hole)
    unlike = (_distance(median, behind, np.maximum(noise, 3.0 * exposure(behind))) > 0.5) & region
    found = (_grab(median, unlike, grown(region, 3.0)) & hole).astype(np.uint8)
    closed = cv2.morphologyEx(found, cv2.MORPH_CLOSE, _disc(0.015 * min(region.shape)))
    return _without_holes(_large_parts(cv2.morphologyEx(closed, cv2.MORPH_OPEN, _disc(2))))


def _without_holes(region: np.ndarray) -> np.ndarray:
    """A region bool [H,W] with its small holes filled: a coat may be like the wall in places."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~region).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.1 * region.sum()
    return region | small[labels]


def grown(region: np.ndarray, times: float = 1.0) -> np.ndarray:
    """A region bool [H,W] with a rim of 1.5 % of the picture's shorter side, or `times` that."""
    return cv2.dilate(region.astype(np.uint8), _disc(times * 0.015 * min(region.shape))) > 0


def hull(core: np.ndarray) -> np.ndarray:
    """The convex hull of a region bool [H,W] that is not empty."""
    filled = np.zeros(core.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(np.argwhere(core)[:, ::-1].astype(np.int32)), 1)
    return filled > 0


def main_part(activity: np.ndarray) -> np.ndarray:
    """The connected region, small gaps allowed, that holds most of the activity float32 [H,W]; bool [H,W]."""
    active = activity > max(0.06, 0.2 * float(np.percentile(activity, 99)))
    joined = cv2.morphologyEx(active.astype(np.uint8), cv2.MORPH_CLOSE, _disc(0.025 * min(activity.shape)))
    count, labels = cv2.connectedComponents(joined)
    weight = np.bincount(labels.ravel(), (activity * active).ravel(), minlength=count)
    weight[0] = 0
    return (labels == weight.argmax()) & active & (weight.max() > 0)


def often_enclosed(salient: np.ndarray) -> np.ndarray:
    """Pixels that moving parts enclose in most frames, bool [H,W], from soft foregrounds float32 [N,H,W]."""
    border = _border(main_part(salient.mean(axis=0)))
    often = np.zeros(salient.shape[1:], np.float32)
    for one in salient:
        joined = cv2.morphologyEx(clean_mask(one).astype(np.uint8), cv2.MORPH_CLOSE, _disc(0.025 * min(one.shape)))
        count, labels = cv2.connectedComponents(joined)
        mass = np.bincount(labels.ravel(), one.ravel(), minlength=count)
        mass[0] = 0
        often += _enclosed((mass > 0.1 * mass.max())[labels] | border)
    return often > 0.5 * len(salient)


def _border(core: np.ndarray) -> np.ndarray:
    """The border of the picture between the places where the core reaches it, bool [H,W]."""
    border = np.zeros(core.shape, bool)
    for line, turned in (
        (border, core),
        (border[::-1], core[::-1]),
        (border.T, core.T),
        (border.T[::-1], core.T[::-1]),
    ):
        places = np.flatnonzero(turned[: max(2, len(turned) // 40)].any(axis=0))
        if len(places) > 1:
            line[0, places[0] : places[-1] + 1] = True
    return border


def _enclosed(core: np.ndarray) -> np.ndarray:
    """Pixels with core on both sides in their row and in their column."""
    rows = np.maximum.accumulate(core, 1) & np.maximum.accumulate(core[:, ::-1], 1)[:, ::-1]
    columns = np.maximum.accumulate(core, 0) & np.maximum.accumulate(core[::-1], 0)[::-1]
    return rows & columns


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
