"""Where the trunk of one subject is in another: landmarks from which contours start to look for each other.

A head, a back and a hip are found alike in every subject, and an error that the eye makes in all of them cancels. Paws
and feet are not: those the contours find. Of a pair the middle is taken, since left and right cannot be told from the
side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array
from ubam.magnification.registration.contours import CELLS, Contour
from ubam.magnification.registration.flow_fields import read_at
from ubam.tracking.body import Body

STEADY = frozenset(
    ("head", "neck", "pelvis", "nose", "skull", "back", "tail_base", "waist", "abdomen_tip", "shoulder", "hip")
)
NEAR = 0.12  # canvas sides over which a landmark moves what is around it
ALIKE = 0.45  # units of body coordinates, likewise
LEAST = 1e-6  # weight of all landmarks together below which nothing is known


@dataclass(frozen=True)
class Anchors:
    """A landmarks on a canvas: place float32 [A, 2] (x, y) in canvas sides; inside float32 [A] in 0..1."""

    place: Array
    inside: Array

    def brought(self, move: NDArray[np.float64]) -> "Anchors":
        """The same on another canvas; move [2, 3] in shares of either's side."""
        return Anchors((self.place @ move[:, :2].T + move[:, 2]).astype(np.float32), self.inside)


def anchors_of(body: Body, position: int, heading: float) -> Anchors:
    """The landmarks of the frame at a position, on the canvas of its own view, which is turned back by `heading`."""
    places = np.asarray(body.landmarks[position], np.float32) - 0.5
    cosine, sine = np.cos(heading), np.sin(heading)
    turned = places @ np.array([[cosine, -sine], [sine, cosine]], np.float32) + 0.5
    groups = steady(body.names)
    place = np.stack([turned[group].mean(0) for group in groups])
    inside = np.stack([body.inside[position][group].min() for group in groups])
    return Anchors(place.astype(np.float32), inside.astype(np.float32))


def steady(names: tuple[str, ...]) -> list[list[int]]:
    """Numbers of the landmarks of each anchor: one on the midline, two of a pair."""
    groups: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        base = name.removesuffix("_left").removesuffix("_right")
        if base in STEADY:
            groups.setdefault(base, []).append(number)
    return list(groups.values())


def start_of(contour: Contour, known: Array, own: Anchors, theirs: Anchors) -> Array:
    """The displacement float32 [n, 2] of a contour that brings its anchors to those of another, on one canvas.

    known: body coordinates [CELLS, CELLS, 3] of the contour's subject. 0 for points that no anchor is near.
    """
    body = read_at(known, (own.place * CELLS - 0.5)[None])[0]
    near = ((contour.place[:, None] - own.place[None]) ** 2).sum(-1) / (2 * NEAR**2)
    unlike = ((contour.body[:, None] - body[None]) ** 2).sum(-1) / (2 * ALIKE**2)
    weights = np.exp(-near - unlike) * (own.inside * theirs.inside)
    return np.asarray((weights @ (theirs.place - own.place)) / (weights.sum(1, keepdims=True) + LEAST), np.float32)
