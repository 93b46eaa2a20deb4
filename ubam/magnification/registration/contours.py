"""The contour of a subject with its body coordinates, and how it moves to that of another subject.

Every point of a contour has a place in the picture, a direction inwards, and a place on the body. Points of
two contours correspond when all three are alike, so that a thigh goes to a thigh and a hind limb to a hind limb. The
displacement is found by going back and forth between correspondence and a smooth move (iterative closest points, Besl
and McKay 1992). Coordinates are those of the eye; which leg is the left one is not asked, since it cannot be told from
the side: of two legs the one in the same phase is nearer.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array
from ubam.tracking.body import Body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.views import turned

SIDE = 96  # pixels of the canvas on which contours are found
CELLS = 64  # a side of the body coordinates
ASIDE = 0.5  # of a unit to the left or right on the body, against one along it
BODY = 0.12  # canvas sides that a unit of body coordinates counts
OUTWARD = 0.05  # the same of directions, unit vectors
FAR = 0.03  # canvas sides: a pair so far apart counts half
ITERATIONS = 6
SMOOTH = (0.1, 0.04)  # canvas sides over which the move is smooth, in the first and in the last iterations
ALIKE = (0.42, 0.3)  # units of body coordinates, likewise: parts beyond it move by themselves
FEWEST = 12  # points below which there is no contour

Kin = tuple[Array, Array]


@dataclass(frozen=True)
class Contour:
    """n points on the outline.

    place float32 [n, 2] (x, y) in canvas sides; inward float32 [n, 2]: unit vectors into the subject; body float32
    [n, 3]: front, |left| and height on the canonical body.
    """

    place: Array
    inward: Array
    body: Array

    def __len__(self) -> int:
        return len(self.place)


def coordinates(body: Body, outline: Array, position: int, heading: float) -> Array:
    """Body coordinates of every cell of the canvas, float32 [CELLS, CELLS, 3], smoothed within the outline [S, S]."""
    places = np.asarray(body.places[position], np.float32) / np.float32(127)
    known = np.dstack([places[..., 0], ASIDE * np.abs(places[..., 1]), places[..., 2]])
    known = turned(known, heading)
    weight = np.asarray(cv2.resize(outline, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float32)
    total = cv2.GaussianBlur(known * weight[..., None], (0, 0), 1.0)
    return np.asarray(total / np.maximum(cv2.GaussianBlur(weight, (0, 0), 1.0), 1e-3)[..., None], np.float32)


def contour_of(store: CropStore, body: Body, position: int) -> Contour:
    """The contour of the subject in the frame at a position, on the canvas of its own view; empty where it is not."""
    heading = float(store.heading[position])
    outline = turned(store.outline_at(position), heading)
    return contour_in(outline, coordinates(body, outline, position, heading))


def contour_in(outline: Array, known: Array) -> Contour:
    """The contour in a soft outline float32 [S, S] in 0..1 with body coordinates [CELLS, CELLS, 3].

    Its points lie where the outline passes one half, finer than a pixel.
    """
    soft = cv2.GaussianBlur(cv2.resize(outline, (SIDE, SIDE), interpolation=cv2.INTER_AREA), (0, 0), 0.8)
    inside = (soft > 0.5).astype(np.uint8)
    rows, columns = np.nonzero(inside - cv2.erode(inside, np.ones((3, 3), np.uint8)))
    if len(rows) < FEWEST:
        none = np.zeros((0, 2), np.float32)
        return Contour(none, none, np.zeros((0, 3), np.float32))
    slope = np.dstack([cv2.Sobel(soft, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1))])[rows, columns]
    steepness = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 0.05)
    inward = slope / steepness
    beyond = np.clip((0.5 - soft[rows, columns])[:, None] / steepness, -1, 1) * inward
    place = (np.stack([columns, rows], 1) + beyond + 0.5) / SIDE
    wide = np.asarray(cv2.resize(known, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.float32)
    return Contour(place.astype(np.float32), inward.astype(np.float32), wide[rows, columns])


def kinship(points: Array, body: Array, other: Contour, step: int = -1) -> Array:
    """How much each point [n, 2] with its body coordinates [n, 3] moves with each point of a contour, [n, m] in 0..1.

    step: which of `SMOOTH` and `ALIKE` holds, the last without it.
    """
    apart = _squared(points, other.place) / (2 * SMOOTH[step] ** 2)
    unlike = _squared(body, other.body) / (2 * ALIKE[step] ** 2)
    return np.asarray(np.exp(-apart - unlike), np.float32)


def kin_of(contour: Contour) -> Kin:
    """The `kinship` of a contour's points with each other, in the first and in the last iterations."""
    first, last = (kinship(contour.place, contour.body, contour, step) for step in (0, 1))
    return first, last


def towards(query: Contour, reference: Contour, kin: Kin) -> Array:
    """The displacement float32 [n, 2], in canvas sides, of every point of the query to its place on the reference.

    Both contours lie on one canvas. kin: `kin_of` the query.
    """
    move = np.zeros_like(query.place)
    if not len(query) or not len(reference):
        return move
    own = np.hstack([BODY * query.body, OUTWARD * query.inward])
    theirs = np.hstack([BODY * reference.body, OUTWARD * reference.inward])
    unlike = _squared(own, theirs)
    for step in range(ITERATIONS):
        apart = _squared(query.place + move, reference.place) + unlike
        there, back = apart.argmin(1), apart.argmin(0)
        pull, count = _pulls(query, reference, apart, there, back)
        weights = kin[int(2 * step >= ITERATIONS)]
        move = (weights @ pull) / np.maximum(weights @ count, 1e-9)
    return np.asarray(move, np.float32)


def _pulls(
    query: Contour, reference: Contour, apart: Array, there: NDArray[np.int64], back: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Where pairs, found in both directions, pull each point, [n, 2], and with what weight, [n, 1]."""
    first, second = (1 / (1 + pairs / FAR**2) for pairs in (apart.min(1), apart.min(0)))
    pull = np.hstack([(reference.place[there] - query.place) * first[:, None], first[:, None]])
    answer = np.hstack([(reference.place - query.place[back]) * second[:, None], second[:, None]])
    for column in range(3):
        pull[:, column] += np.bincount(back, answer[:, column], len(query))
    return pull[:, :2].astype(np.float32), pull[:, 2:].astype(np.float32)


def _squared(one: Array, other: Array) -> Array:
    """Squared distances [n, m] of rows."""
    sums = (one**2).sum(1)[:, None] + (other**2).sum(1)[None]
    return np.asarray(np.maximum(sums - 2 * one @ other.T, 0), np.float32)
