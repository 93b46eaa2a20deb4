"""The layout `side-by-side`: panels with the twin, the recording and the magnified picture, the difference marked."""

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Picture
from ubam.magnification.layouts.drawing import (
    Arrow,
    draw_arrows,
    fence,
    label,
    legend,
    mark_change,
    reasons_words,
    shows_heat,
)
from ubam.magnification.magnify import Frame, Magnification, region_of
from ubam.magnification.quality_checks import factor_words

Region = tuple[int, int, int, int]

PANEL_HEIGHT = (256, 480)  # pixels, smallest and largest
WIDEST_PANEL = 640  # pixels
HEADER, FOOTER_ROW = 30, 22
NOTHING = "no displacement was found here to magnify"  # it does not say that the subject is well


def side_by_side(
    made: Magnification, frames: Iterator[tuple[Frame, tuple[str, ...]]], factor: float
) -> Iterator[Picture]:
    """Panels below their names; below the magnified one the measured factor and the frame's issues."""
    regions = shown_regions(made)
    size = panel_size(regions[0])
    names = ("Twin", "Recording", f"Magnified {factor:g}×")
    header = np.hstack([label(name, size[0], HEADER) for name in names])
    for (frame, issues), region in zip(frames, regions, strict=False):  # in this order frames come to their end
        box, height = made.query.box[frame.position], made.query.height_at(frame.position)
        marked, arrows = mark_change(frame, factor, box, height)
        panels = [cut_panel(picture, region, size) for picture in (frame.moved[0.0].picture, frame.recording, marked)]
        scale = size[0] / (region[2] - region[0])
        draw_arrows(panels[2], _on_panel(arrows, region, scale), height * scale)
        if issues:
            fence(panels[2])
        calm = "" if arrows or shows_heat(frame, factor, height) else NOTHING
        asked = f"asked {factor:g}×" if calm else factor_words(made, factor)
        yield np.vstack([header, np.hstack(panels), footer(size[0], asked, issues, calm)])


def _on_panel(arrows: list[Arrow], region: Region, scale: float) -> list[Arrow]:
    x0, y0 = region[:2]
    return [
        (((sx - x0) * scale, (sy - y0) * scale), ((ex - x0) * scale, (ey - y0) * scale))
        for (sx, sy), (ex, ey) in arrows
    ]


@lru_cache(maxsize=16)
def footer(width: int, factor: str, issues: tuple[str, ...], calm: str = "") -> Picture:
    """The bar below three panels: on the left the scale of the heat, on the right the factor and the frame's issues.

    factor: in words. calm: the text for a frame without issues.
    """
    words = f"not to be trusted: {reasons_words(issues)}" if issues else calm
    corner = [
        label(factor, width, FOOTER_ROW),
        label(words, width, FOOTER_ROW, warning=bool(issues)),
    ]
    scale = np.vstack([legend(width, FOOTER_ROW), np.full((FOOTER_ROW, width, 3), 255, np.uint8)])
    return np.hstack([scale, np.full((2 * FOOTER_ROW, width, 3), 255, np.uint8), np.vstack(corner)])


def shown_regions(made: Magnification) -> list[Region]:
    """Return the part of the picture (x0, y0, x1, y1) shown at each position, of one size over the whole clip.

    It is the area that the subject passes through. If the subject goes far, the region follows it instead, so that the
    subject appears larger.
    """
    query, boxes = made.query, made.query.box[made.positions]
    parts = np.array([region_of(box, query.width, query.height) for box in boxes])
    x0, y0, x1, y1 = (int(side) for side in (*parts[:, :2].min(0), *parts[:, 2:].max(0)))
    if (x1 - x0) * (y1 - y0) > 0.8 * query.width * query.height and x1 - x0 < 1.6 * (parts[:, 2] - parts[:, 0]).max():
        return [(0, 0, query.width, query.height)] * len(boxes)
    if max(x1 - x0, y1 - y0) < 1.6 * max((parts[:, 2:] - parts[:, :2]).max(), 1):
        return [(x0, y0, x1, y1)] * len(boxes)
    return regions_around(boxes, parts, query.width, query.height)


def regions_around(boxes: NDArray[np.float32], parts: NDArray[np.int64], width: int, height: int) -> list[Region]:
    """Return regions of one size, that of the largest of `parts` [n, 4], each around its box [n, 4]."""
    wide, high = (int(side) for side in (parts[:, 2:] - parts[:, :2]).max(0))
    x0 = np.clip(np.round((boxes[:, 0] + boxes[:, 2] - wide) / 2), 0, width - wide).astype(int)
    y0 = np.clip(np.round((boxes[:, 1] + boxes[:, 3] - high) / 2), 0, height - high).astype(int)
    return [(int(x), int(y), int(x) + wide, int(y) + high) for x, y in zip(x0, y0, strict=True)]


def panel_size(region: Region) -> tuple[int, int]:
    """Return width and height of a panel that shows `region`."""
    scale = panel_scale(region)
    return max(2, round((region[2] - region[0]) * scale)), max(2, round((region[3] - region[1]) * scale))


def panel_scale(region: Region) -> float:
    """Return the scale of a panel of 256 px height or more and 640 px width at most; enlargements are whole numbers."""
    width, height = region[2] - region[0], region[3] - region[1]
    scale = float(np.ceil(PANEL_HEIGHT[0] / height)) if height < PANEL_HEIGHT[0] else min(1.0, PANEL_HEIGHT[1] / height)
    return min(scale, max(WIDEST_PANEL / width, 0.2))


def cut_panel(picture: Picture, region: Region, size: tuple[int, int]) -> Picture:
    """Return a region of a picture at the size (width, height) of a panel."""
    part = picture[region[1] : region[3], region[0] : region[2]]
    method = cv2.INTER_AREA if size[0] < part.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size, interpolation=method), np.uint8)
