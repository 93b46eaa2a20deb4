"""The layout `overlay`: the recording itself, with heat and arrows where it deviates from its twin."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ubam.core.typing import Picture
from ubam.magnification.layouts.drawing import ROW, draw_arrows, fence, label, legend, mark_deviation, reasons_words
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.quality_checks import factor_words

NARROWEST = 320  # pixels: a narrower bar above an overlay is illegible


def overlay_pictures(made: Magnification, frames: Iterator[tuple[Frame, tuple[str, ...]]]) -> Iterator[Picture]:
    """The recording at its own size with its deviation marked, below a bar with the measured factor and the scale."""
    query = made.query
    width = max(query.width, NARROWEST)
    left = (width - query.width) // 2
    for frame, issues in frames:
        box, height = query.box[frame.position], query.height_at(frame.position)
        picture, arrows = mark_deviation(frame, box, height)
        draw_arrows(picture, arrows, height)
        if issues:
            fence(picture)
        whole = np.full((query.height, width, 3), 255, np.uint8)
        whole[:, left : left + query.width] = picture
        yield np.vstack([_bar(width, factor_words(made, 0.0), issues), whole])


@lru_cache(maxsize=16)
def _bar(width: int, factor: str, issues: tuple[str, ...]) -> Picture:
    """Two rows: the meaning of the arrows with the measured factor; the frame's issues and the scale."""
    warning = f"Not to be trusted: {reasons_words(issues)}" if issues else ""
    right = min(width // 2, 230)
    top = label(f"Arrows: to the twin ({factor})", width, ROW)
    return np.vstack([top, np.hstack([label(warning, width - right, ROW, warning=bool(issues)), legend(right, ROW)])])
