"""The picture without the subject, and the noise of each pixel.

A subject that walks through the picture leaves its background free most of the time, so that the median over time shows
it. A subject that stays in place (treadmill, cage) hides it, so that it is filled in from around.
"""

import cv2
import numpy as np


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

    Covered pixels are made black and white in turns, which leaves the median of the others in the middle.

    Parameters
    ----------
    frames
        uint8 [N,H,W,...].
    covered
        bool [N,H,W], where the subject hides the background.
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


def steadiest_background(frames: np.ndarray, share: float = 0.2) -> np.ndarray:
    """What each pixel shows most steadily: the median over the narrowest interval with `share` of its grey levels.

    A slow subject may cover a pixel most of the time and so be in the median, but its moving fur or cloth varies more
    than the background (the shorth of Andrews et al. 1972, with a smaller share).

    Parameters
    ----------
    frames
        uint8 [N,H,W,3].
    share
        Of the frames, in which the background is surely seen.
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
    """`steadiest_background` over the frames that show a pixel; other frames repeat the values of these.

    Parameters
    ----------
    frames
        uint8 [N,H,W,3].
    outside
        bool [N,H,W], where a frame shows nothing.
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


def noise_map(frames: np.ndarray, background: np.ndarray, covered: np.ndarray | None = None) -> np.ndarray:
    """Standard deviation of each pixel in grey levels, float32 [H,W], from the median distance to the background.

    Leaves, a running belt or a flickering lamp show as noise; a subject that passes by does not.
    """
    distances = np.stack([cv2.absdiff(frame, background).max(axis=2) for frame in frames])
    middle = median_background(distances) if covered is None else free_median(distances, covered)
    return np.maximum(1.4826 * cv2.GaussianBlur(middle.astype(np.float32), (0, 0), 1.5), 1.0)


def in_place_noise(noise: np.ndarray) -> np.ndarray:
    """The noise map of a subject that moves in place: each row takes the value of most of its pixels (a belt runs)."""
    rows = np.percentile(noise, 30, axis=1, keepdims=True).astype(np.float32)
    return np.repeat(rows, noise.shape[1], axis=1)


def fill(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill a hole bool [H,W] in a picture uint8 [H,W,3] from the nearest pixels left, right, above and below.

    Weights fall with the square of the distance; left and right count double, as walls and floors run that way.
    """
    if not hole.any() or hole.all():
        return picture.copy()
    rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
    part = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    filled = picture.copy()
    filled[part][hole[part]] = _from_around(picture[part], hole[part])
    return filled


def _from_around(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Colours uint8 [n,3] of the hole's pixels, in the order of np.nonzero."""
    total = np.zeros((int(hole.sum()), 3), np.float32)
    weights = np.full((len(total), 1), 1e-9, np.float32)
    for turned, strength in ((False, 2.0), (True, 1.0)):
        known, colours = (~hole.T, picture.transpose(1, 0, 2)) if turned else (~hole, picture)
        places = np.arange(known.shape[1])
        before = np.maximum.accumulate(np.where(known, places, -1), axis=1)
        after = np.minimum.accumulate(np.where(known, places, len(places))[:, ::-1], axis=1)[:, ::-1]
        for nearest in (before, after):
            valid = (nearest >= 0) & (nearest < len(places))
            weight = np.where(valid, strength / np.maximum(np.abs(places - nearest), 1) ** 2, 0).astype(np.float32)
            colour = np.take_along_axis(colours, np.clip(nearest, 0, len(places) - 1)[..., None], axis=1)
            weight, colour = (weight.T, colour.transpose(1, 0, 2)) if turned else (weight, colour)
            total += weight[hole][:, None] * colour[hole]
            weights += weight[hole][:, None]
    return np.round(total / weights).astype(np.uint8)
