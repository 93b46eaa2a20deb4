"""Moves a subject in its picture: two layers, the moved subject over its background."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array, Picture

RIM = 8  # pixels around a subject that its move may touch
LONGEST_ROW = 4096  # of a picture that OpenCV makes; it takes no list of pixels


@dataclass(frozen=True)
class Carried:
    """The subject's layer after its move, before it is placed over the background.

    colour: uint8 [H, W, 3]. opacity: float32 [H, W] in 0..1. gap: float32 [H, W] in 0..1, 1 where the subject should be
    but no source pixel landed, and where it left a background that was never seen. length: [H, W], how far each pixel
    moved, in pixels. torn: share (0..1) of the subject's area on which no source pixel landed.
    """

    colour: Picture
    opacity: Array
    gap: Array
    length: Array
    torn: float = 0.0


@dataclass(frozen=True)
class Moved:
    """A picture after the move of its subject.

    picture: uint8 [H, W, 3]. opacity, source_opacity: [H, W] in 0..1, the subject after and before the move. length:
    [H, W], how far each pixel moved, in pixels. carried: the moved layer, None where nothing moved. torn: as in
    `Carried`.
    """

    picture: Picture
    opacity: Array
    length: Array
    source_opacity: Array
    carried: Carried | None = None
    torn: float = 0.0


def move_layer(frame: Picture, background: Picture, opacity: Array, forward: Array, hidden: bool = False) -> Moved:
    """Return `frame` with the subject moved by `forward` over the background.

    Parameters
    ----------
    frame, background
        uint8 [H, W, 3], the part of the recording that the canvas covers.
    opacity
        float32 [H, W] in 0..1, the subject's layer.
    forward
        float32 [h, w, 2], movement (x, y) of the subject, in pixels of `frame`, on a grid over the same part.
    hidden
        Whether the background behind the subject was never seen.

    Pixels that the subject neither leaves nor reaches, or that hardly move, keep their exact values.
    """
    carried = carry(frame, opacity, forward, hidden)
    picture = _over(frame, background, carried, opacity)
    return Moved(picture, carried.opacity, carried.length, opacity, carried, carried.torn)


def carry(frame: Picture, opacity: Array, forward: Array, hidden: bool = False) -> Carried:
    """Move the subject's pixels and opacity by `forward`; arguments as for `move_layer`."""
    height, width = opacity.shape
    grid = forward.shape[1], forward.shape[0]
    shrinking = np.array([grid[0] / width, grid[1] / height], np.float32)
    weight = cv2.resize(opacity, grid, interpolation=cv2.INTER_AREA)
    backward, coverage = backward_flow(forward * shrinking, np.where(weight > 0.1, weight, 0).astype(np.float32))
    part = _part_with((weight > 0) | (coverage > 0), (height, width))
    source, covered = _enlarged(backward / shrinking, part, opacity.shape), _enlarged(coverage, part, opacity.shape)
    map_x = source[..., 0] + np.arange(width, dtype=np.float32)[part[1]]
    map_y = source[..., 1] + np.arange(height, dtype=np.float32)[part[0], None]
    moved = cv2.remap(frame, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    whole = np.asarray(cv2.remap(opacity, map_x, map_y, cv2.INTER_LINEAR), np.float32)
    colour, landed, gap, length = frame.copy(), *np.zeros((3, height, width), np.float32)
    colour[part], landed[part] = moved, whole * covered
    gap[part] = _gap(opacity[part], whole, covered, hidden)
    length[part] = cv2.magnitude(source[..., 0], source[..., 1])
    torn = float((whole * (1 - covered)).sum() / max(float(opacity.sum()), 1e-9))
    return Carried(colour, landed, gap, length, torn)


def _part_with(there: NDArray[np.bool_], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a picture of `size` (height, width) that hold what is `there` on a grid over it, and room."""
    spans = []
    for axis, length in enumerate(size):
        cells = np.flatnonzero(there.any(1 - axis))
        low, high = (int(cells[0]) - 2, int(cells[-1]) + 3) if len(cells) else (0, 1)
        scale = length / there.shape[axis]
        spans.append(slice(max(0, int(low * scale)), min(length, int(np.ceil(high * scale)))))
    return spans[0], spans[1]


def _enlarged(grid: Array, part: tuple[slice, slice], size: tuple[int, ...]) -> Array:
    """A grid [h, w] or [h, w, 2] over a picture of `size`, linearly enlarged to it; only the given part of it."""
    scale = [grid.shape[axis] / size[axis] for axis in (1, 0)]
    first = [(part[axis].start + 0.5) * scale[1 - axis] - 0.5 for axis in (1, 0)]
    move = np.array([[scale[0], 0, first[0]], [0, scale[1], first[1]]])
    wanted = (part[1].stop - part[1].start, part[0].stop - part[0].start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(grid, move, wanted, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def fill_gaps(
    picture: Picture, background: Picture, carried: Carried, flow: Array, opacity: Array, colour: Array
) -> Picture:
    """Return a moved picture [H, W, 3] with its gaps, and nothing else, painted at full resolution.

    The output of the gap-filling network, at any size: flow [h, w, 2], in pixels of the picture, where to read the
    moved subject; opacity [h, w] in 0..1; colour [h, w, 3], grey levels to add.
    """
    places, out = cv2.findNonZero((carried.gap > 0).astype(np.uint8)), picture.copy()
    if places is None:
        return out
    columns, rows = places.reshape(-1, 2).T  # a gap is thin: few pixels of the picture
    size = carried.gap.shape[::-1]
    shift, layer, added = (cv2.resize(found, size)[rows, columns] for found in (flow, opacity, colour))
    subject = _read_pixels(carried.colour, shift[:, 0] + columns, shift[:, 1] + rows)
    layer, gap = (np.repeat(one, 3).reshape(-1, 3) for one in (layer, carried.gap[rows, columns]))
    painted = layer * subject + (1 - layer) * background[rows, columns] + added
    mixed = gap * painted + (1 - gap) * picture[rows, columns]
    out[rows, columns] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return out


def _read_pixels(picture: Picture, x: NDArray[Any], y: NDArray[Any]) -> Picture:
    """Colours [n, 3] of a picture at places [n], linearly interpolated; its border is repeated."""
    across = min(len(x), LONGEST_ROW)
    square = -(-len(x) // across) * across
    map_x, map_y = (np.resize(np.asarray(place, np.float32), square).reshape(-1, across) for place in (x, y))
    found = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8).reshape(square, 3)[: len(x)]


def _gap(opacity: Array, whole: Array, covered: Array, hidden: bool) -> Array:
    """Where the moved subject is torn and, with a hidden background, where it left; with a soft border."""
    torn = whole * (1 - covered)
    if hidden:
        torn = np.maximum(torn, np.clip(opacity - whole, 0, 1))
    gap = np.clip(1.5 * cv2.GaussianBlur(torn, (0, 0), 1.0), 0, 1)
    return np.where(gap > 0.04, gap, 0).astype(np.float32)


def backward_flow(forward: Array, weight: Array) -> tuple[Array, Array]:
    """Invert a forward flow: find where each pixel of the moved picture comes from.

    Every source pixel is added at its target with bilinear shares times `weight`, and holes are filled from their
    surroundings (forward splatting, Niklaus and Liu 2020). Unlike a fixed-point inverse, it works where the flow folds.

    Parameters
    ----------
    forward
        float32 [h, w, 2], (x, y) movement of each source pixel, in pixels of this grid.
    weight
        float32 [h, w] >= 0; zero outside the subject.

    Returns the flow [h, w, 2] to add to a target pixel to get its source, and the coverage [h, w] in 0..1.
    """
    summed = splat(np.dstack([-forward * weight[..., None], weight, weight > 0]), forward)
    near = cv2.GaussianBlur(summed, (0, 0), 0.8)
    total = near + 1e-2 * cv2.GaussianBlur(summed, (0, 0), 2.5)
    for sigma, share in ((8.0, 1e-4), (24.0, 1e-6)):
        total += share * _wide_blur(summed, sigma)
    coverage = np.clip(2 * near[..., 3], 0, 1)
    return (total[..., :2] / np.maximum(total[..., 2:3], 1e-9)).astype(np.float32), coverage.astype(np.float32)


def _wide_blur(picture: Array, sigma: float) -> Array:
    """A Gaussian blur of a large sigma (pixels), computed on a picture several times smaller."""
    smaller = max(1, int(sigma // 3))
    size = -(-picture.shape[1] // smaller), -(-picture.shape[0] // smaller)
    small = cv2.GaussianBlur(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / smaller)
    return np.asarray(cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def splat(values: Array, forward: Array) -> Array:
    """Add `values` [h, w, C] at their places moved by `forward` [h, w, 2], bilinearly; outside the grid they are lost.

    Values whose last channel is 0 are left out.
    """
    rows, columns, channels = values.shape
    x = forward[..., 0] + np.arange(columns, dtype=np.float32)
    y = forward[..., 1] + np.arange(rows, dtype=np.float32)[:, None]
    used = (values[..., -1] != 0) & (x > -1) & (x < columns) & (y > -1) & (y < rows)
    x, y, flat = x[used], y[used], values[used].astype(np.float64)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    out = np.zeros((channels, (rows + 2) * (columns + 2)))
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = (1 - np.abs(x - left - dx)) * (1 - np.abs(y - top - dy))
        index = (top + dy + 1) * (columns + 2) + left + dx + 1
        for channel in range(channels):
            out[channel] += np.bincount(index, share * flat[:, channel], out.shape[1])
    return out.reshape(channels, rows + 2, columns + 2)[:, 1:-1, 1:-1].transpose(1, 2, 0).astype(np.float32)


def _over(frame: Picture, background: Picture, carried: Carried, opacity: Array) -> Picture:
    there = cv2.boundingRect(((opacity > 1e-3) | (carried.opacity > 1e-3)).astype(np.uint8))
    if not there[2]:
        return frame.copy()
    part = np.s_[max(0, there[1] - RIM) : there[1] + there[3] + RIM, max(0, there[0] - RIM) : there[0] + there[2] + RIM]
    own, moved, length = opacity[part], carried.opacity[part], carried.length[part]
    touched = ((own > 1e-3) | (moved > 1e-3)) * np.clip((length - 0.1) / 0.4, 0, 1)
    blend = cv2.GaussianBlur(touched.astype(np.float32), (0, 0), 1.0)
    share = np.where(blend > 1e-3, blend, 0).astype(np.float32)
    left = np.clip(cv2.dilate(own, np.ones((3, 3), np.uint8)) * np.float32(1.5), 0, 1)
    picture, shown = frame.copy(), np.flatnonzero(share)
    share, left, layer = (one.ravel()[shown] for one in (share, left, moved))
    mixed = []  # channel by channel, and only where something shows: a third of the time of whole pictures
    for channels in zip(*(cv2.split(one[part]) for one in (frame, background, carried.colour)), strict=True):
        before, behind, colour = (one.ravel()[shown].astype(np.float32) for one in channels)
        under = left * behind + (1 - left) * before
        found = share * (layer * colour + (1 - layer) * under) + (1 - share) * before
        channels[0].put(shown, np.clip(np.rint(found), 0, 255).astype(np.uint8))
        mixed.append(channels[0])
    picture[part] = cv2.merge(mixed)
    return picture
