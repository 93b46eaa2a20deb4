"""Where in the body and when a clip deviates, from its displacement fields.

A map in the frame of the body, the regions that stand out in it, and a curve over time. Lengths are in body heights.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array
from ubam.magnification.registration.register import FIELD
from ubam.results.records.clips import DisplacementCurve, Region
from ubam.tracking.crop_store import CropStore

OFTEN = 0.2  # share of the frames in which the subject must be at a place for it to count
STANDS_OUT = 0.5  # of the map's highest value: regions lie above it
SMALLEST_REGION = 0.01  # share of the body's area
LEAST = 0.005  # body heights; a map that nowhere reaches it has no region
MOST_REGIONS = 4


class DisplacementMap:
    """Gathers displacement fields frame by frame; memory grows by two numbers a frame."""

    def __init__(self, query: CropStore) -> None:
        self.query = query
        self.time_s: list[float] = []
        self.curve: list[float] = []
        self._weight = np.zeros((FIELD, FIELD))
        self._moved = np.zeros((FIELD, FIELD, 2))
        self._length = np.zeros((FIELD, FIELD))

    def add(self, position: int, field: Array) -> None:
        """Count the displacement towards the twin [FIELD, FIELD, 2] (shares of the box) of one frame."""
        box = self.query.box[position]
        moved = field * np.float32((box[2] - box[0]) / self.query.height_at(position))
        weight = body_at(self.query, position)
        length = np.linalg.norm(moved, axis=-1)
        self._weight += weight
        self._moved += weight[..., None] * moved
        self._length += weight * length
        self.time_s.append(float(self.query.time_s[position]))
        self.curve.append(float((weight * length).sum() / max(float(weight.sum()), 1e-6)))

    @property
    def body(self) -> Array:
        """Share of the frames in which the subject covers each place of its box, float32 [FIELD, FIELD] in 0..1."""
        return np.asarray(self._weight / max(len(self.curve), 1), np.float32)

    @property
    def length(self) -> Array:
        """The mean length of the displacement at each place of the box, float32 [FIELD, FIELD]; 0 off the body."""
        mean = self._length / np.maximum(self._weight, 1e-6)
        return np.where(self.body >= OFTEN, mean, 0).astype(np.float32)

    @property
    def direction(self) -> Array:
        """The mean displacement from the recording to the twin, float32 [FIELD, FIELD, 2]; 0 off the body."""
        mean = self._moved / np.maximum(self._weight, 1e-6)[..., None]
        return np.where((self.body >= OFTEN)[..., None], mean, 0).astype(np.float32)

    def regions(self) -> list[Region]:
        """The regions that deviate most; see `regions_of`."""
        return regions_of(self.length, self.direction, self.body)

    def over_time(self) -> DisplacementCurve:
        """The displacement of each frame, rounded for the JSON beside a clip."""
        return DisplacementCurve([round(time, 3) for time in self.time_s], [round(value, 4) for value in self.curve])


def body_at(query: CropStore, position: int) -> Array:
    """Return where the subject is in its box at a position, float32 [FIELD, FIELD] in 0..1."""
    salient = np.asarray(query.views[position][..., 0], np.float32) / 255
    return np.asarray(cv2.resize(salient, (FIELD, FIELD), interpolation=cv2.INTER_AREA), np.float32)


def regions_of(length: Array, direction: Array, body: Array) -> list[Region]:
    """Return up to four regions that deviate most, the most deviant first.

    Parameters
    ----------
    length [S, S], direction [S, S, 2], body [S, S]
        As in `DisplacementMap`.
    """
    highest, area = float(length.max(initial=0)), float((body >= OFTEN).sum())
    if highest < LEAST:
        return []
    count, labels = cv2.connectedComponents((length > STANDS_OUT * highest).astype(np.uint8))
    parts = [labels == number for number in range(1, count)]
    parts = [part for part in parts if part.sum() >= SMALLEST_REGION * area]
    parts.sort(key=lambda part: -float((length * body)[part].sum()))
    return [_region(part, length, direction, body) for part in parts[:MOST_REGIONS]]


def _region(part: NDArray[np.bool_], length: Array, direction: Array, body: Array) -> Region:
    rows, columns = (np.flatnonzero(part.any(axis)) for axis in (1, 0))
    corners = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / len(part)
    weight = body * part
    mean = float((weight * length).sum() / weight.sum())
    towards = (weight[..., None] * direction).sum((0, 1)) / weight.sum()
    return Region(
        place=body_place_in_words(part, body),
        box=[round(float(side), 3) for side in corners],
        mean=round(mean, 4),
        towards=[round(float(side), 4) for side in towards],
        share=round(float((weight * length).sum() / max(float((body * length).sum()), 1e-9)), 3),
    )


def body_place_in_words(part: NDArray[np.bool_], body: Array) -> str:
    """Return the place of a part as "upper left" and the like, by thirds of the visible body's extent in its box."""
    rows, columns = (np.flatnonzero((body >= OFTEN).any(axis)) for axis in (1, 0))
    y, x = (float(np.mean(axis)) for axis in np.nonzero(part))
    high = _third(y, rows, ("upper", "", "lower"))
    wide = _third(x, columns, ("left", "", "right"))
    return " ".join(word for word in (high, wide) if word) or "middle"


def _third(place: float, extent: NDArray[np.int64], words: tuple[str, str, str]) -> str:
    share = (place - extent[0]) / max(float(extent[-1] - extent[0]), 1)
    return words[min(int(3 * share), 2)]
