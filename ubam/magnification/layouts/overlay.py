"""The recording itself, with heat and arrows where it deviates."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ubam.core.typing import Picture
from ubam.magnification.layouts.drawing import ROW, draw_arrows, fence, label, legend, mark_deviation, reasons_words
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.quality_checks import dose_words

NARROWEST = 320  # the bar above an overlay needs so many pixels to be read


def overlay_pictures(made: Magnification, frames: Iterator[tuple[Frame, tuple[str, ...]]]) -> Iterator[Picture]:
    """The recording at its own size with its deviation marked, under a bar that says the dose and the scale."""
    query = made.query
    width = max(query.width, NARROWEST)
    left = (width - query.width) // 2
    for frame, doubts in frames:
        box, height = query.box[frame.position], query.height_at(frame.position)
        picture, arrows = mark_deviation(frame, box, height)
        draw_arrows(picture, arrows, height)
        if doubts:
            fence(picture)
        whole = np.full((query.height, width, 3), 255, np.uint8)
        whole[:, left : left + query.width] = picture
        yield np.vstack([_bar(width, dose_words(made, 0.0), doubts), whole])


@lru_cache(maxsize=16)
def _bar(width: int, dose: str, doubts: tuple[str, ...]) -> Picture:
    """Two rows: what the arrows are and their dose; what is doubtful about the frame, and the scale."""
    guess = f"Not to be trusted: {reasons_words(doubts)}" if doubts else ""
    right = min(width // 2, 230)
    top = label(f"Arrows: to the twin ({dose})", width, ROW)
    return np.vstack([top, np.hstack([label(guess, width - right, ROW, warning=bool(doubts)), legend(right, ROW)])])
