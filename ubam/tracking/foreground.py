"""What stands out from the background in a frame: soft saliency, masks without specks, holes and shadows."""

import cv2
import numpy as np

from ubam.tracking.background import median_background


def saliency(
    frame: np.ndarray,
    background: np.ndarray,
    noise: np.ndarray | float,
    still: np.ndarray | None = None,
    least: float = 5.0,
) -> np.ndarray:
    """Soft foreground in 0..1, float32 [H,W]: how far each pixel of a frame is from the background, in units of noise.

    Parameters
    ----------
    frame
        uint8 [H,W,3].
    background
        uint8 [H,W,3].
    noise
        Grey levels, one number or float32 [H,W].
    still
        uint8 [H,W,4], a subject in place: its median picture and where its still part is; a pixel there that
        looks as usual is foreground.
    least
        Differences of fewer grey levels are never foreground.
    """
    salient = distance_from(frame, background, noise, least)
    if still is None:
        return salient
    usual = 1.0 - distance_from(frame, np.ascontiguousarray(still[..., :3]), noise)
    return np.maximum(salient, usual * still[..., 3] * np.float32(1 / 255))


def distance_from(
    frame: np.ndarray, background: np.ndarray, noise: np.ndarray | float, least: float = 5.0
) -> np.ndarray:
    """How far a frame is from the background, in units of noise, float32 [H,W] in 0..1; arguments as for `saliency`."""
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

    Parameters
    ----------
    frames
        uint8 [N,H,W,3].
    background
        uint8 [H,W,3].
    least
        Grey levels that are nothing, half of that in the dark.
    floor
        Grey levels of clutter, one number or float32 [H,W].

    Returns
    -------
    float32 [N, H, W] in 0..1
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
    return cv2.morphologyEx(raw, cv2.MORPH_CLOSE, disc(0.01 * min(salient.shape))).astype(bool)


def without_strays(salient: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Soft foreground float32 [H,W] without parts that lie apart and have less than `share` of the heaviest's mass."""
    near = cv2.dilate((salient > 0.3).astype(np.uint8), disc(0.03 * min(salient.shape)))
    count, labels = cv2.connectedComponents(near)
    if count < 3:
        return salient * near
    mass = np.bincount(labels.ravel(), salient.ravel(), minlength=count)
    mass[0] = 0
    return salient * (mass >= share * mass.max())[labels] * near


def disc(radius: float) -> np.ndarray:
    """The smallest disc of at least that radius (px) that OpenCV's morphology takes, uint8 [side,side]."""
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def grown(region: np.ndarray, times: float = 1.0) -> np.ndarray:
    """A region bool [H,W] with a rim of 1.5 % of the picture's shorter side, or `times` that."""
    return cv2.dilate(region.astype(np.uint8), disc(times * 0.015 * min(region.shape))) > 0


def hull(core: np.ndarray) -> np.ndarray:
    """The convex hull of a region bool [H,W] that is not empty."""
    filled = np.zeros(core.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(np.argwhere(core)[:, ::-1].astype(np.int32)), 1)
    return filled > 0


def main_part(activity: np.ndarray) -> np.ndarray:
    """The connected region, small gaps allowed, that holds most of the activity float32 [H,W]; bool [H,W]."""
    active = activity > max(0.06, 0.2 * float(np.percentile(activity, 99)))
    joined = cv2.morphologyEx(active.astype(np.uint8), cv2.MORPH_CLOSE, disc(0.025 * min(activity.shape)))
    count, labels = cv2.connectedComponents(joined)
    weight = np.bincount(labels.ravel(), (activity * active).ravel(), minlength=count)
    weight[0] = 0
    return (labels == weight.argmax()) & active & (weight.max() > 0)


def often_enclosed(salient: np.ndarray) -> np.ndarray:
    """Pixels that moving parts enclose in most frames, bool [H,W], from soft foregrounds float32 [N,H,W]."""
    border = _border(main_part(salient.mean(axis=0)))
    often = np.zeros(salient.shape[1:], np.float32)
    for one in salient:
        joined = cv2.morphologyEx(clean_mask(one).astype(np.uint8), cv2.MORPH_CLOSE, disc(0.025 * min(one.shape)))
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


FEET = 0.14  # share of the body's height above the ground line in which a shadow on the floor may lie
COLOURFUL = 4.0  # mean spread of the three channels, in grey levels, below which a recording counts as grey


def cast_shadow(frame: np.ndarray, background: np.ndarray) -> np.ndarray:
    """How much each pixel looks like background in shadow, float32 [H,W] in 0..1.

    A shadow dims all channels alike (to 35-97 %) and leaves the floor's texture (Cucchiara et al., PAMI 2003).

    Parameters
    ----------
    frame, background
        uint8 [H,W,3].
    """
    seen, empty = (cv2.GaussianBlur(x.astype(np.float32), (0, 0), 1.0) for x in (frame, background))
    ratios = (seen + 4) / (empty + 4)
    dimmed = ratios.mean(axis=2)
    tint = ratios.max(axis=2) - ratios.min(axis=2)
    alike = np.clip(1.5 - tint / (0.10 * dimmed + 0.03), 0, 1)
    texture = cv2.GaussianBlur(dimmed * dimmed, (0, 0), 1.5) - cv2.GaussianBlur(dimmed, (0, 0), 1.5) ** 2
    smooth = np.clip(1.5 - np.sqrt(np.maximum(texture, 0)) / 0.16, 0, 1)
    return np.clip(1.6 * alike * smooth, 0, 1) * ((dimmed > 0.35) & (dimmed < 0.97))


def without_shadow(salient: np.ndarray, frame: np.ndarray, background: np.ndarray, floor: float) -> np.ndarray:
    """Soft foreground float32 [H,W] of a crop without the shadow below `floor`, a share of the crop's height.

    A grey recording cannot tell a shadow from a grey subject: it stays as it is.
    """
    top = int(np.clip(floor, 0, 1) * len(salient))
    spread = background.max(axis=2).astype(np.float32) - background.min(axis=2)
    if top >= len(salient) - 2 or float(spread.mean()) < COLOURFUL:
        return salient
    cleaned = salient.copy()
    start = max(0, top - 4)  # room for the smoothing
    cleaned[top:] *= 1 - cast_shadow(frame[start:], background[start:])[top - start :]
    return cleaned
