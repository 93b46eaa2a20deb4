"""Dense registration: it finds where each point of the subject would be if it moved like the reference.

A query frame and the matched frame of each reference subject are brought to one canvas, the query's own box, by body
height, ground line and box centre. There are two ways to register them: the contour of the query is moved to that of
the reference by landmarks and body coordinates (contours.py), or a network looks at both views (whole_body.py). What is
more than normal variation (normal_parts.py) is the displacement towards the twin; it is carried from the contour into
the subject along the body.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.affine import centred, similarity
from ubam.core.typing import Array, View
from ubam.magnification.registration.anchors import Anchors, anchors_of, start_of
from ubam.magnification.registration.contours import (
    Contour,
    contour_in,
    contour_of,
    coordinates,
    kin_of,
    kinship,
    towards,
)
from ubam.magnification.registration.flow_fields import SPACE_SIGMA, saliency_in, smooth_inside
from ubam.magnification.registration.normal_parts import NormalParts
from ubam.magnification.registration.whole_body import seen_at, view_on
from ubam.magnification.side_by_side import side_by_side
from ubam.tracking.body import Body, read_body
from ubam.tracking.crop_store import CropStore, close_view
from ubam.tracking.views import turned

Matches = Sequence[tuple[CropStore, NDArray[np.int64]]]  # store and, for every frame of the query, position in it
Registered = tuple[Array, Array, Array]  # flow, weight and error of one frame, as in `Field`, before smoothing
CONTOURS, NETWORK = 0, 1
WAYS = (CONTOURS, NETWORK)  # of registration

FIELD = 64  # pixels a side of a displacement field

GROUND_PART = 0.5  # share of the body height, from the ground, that fixes the horizontal origin
GROUND_FRAMES = 16  # frames, at most, on which the origin and the normal variation are found
TIME_SIGMA_S = 0.04  # of the smoothing over time
STEP_S = 0.06  # between registered frames
CHUNK_FRAMES = 48
SEEN = 0.05  # weight of a cell from which it is part of the subject
KEPT = 256  # registered frames that are remembered, at most
REMEMBERING = Lock()  # several threads look at once


@dataclass(frozen=True)
class Field:
    """Displacement of `n` frames towards their twins, each on the canvas of its own box.

    position: int64 [n], in the store. flow: float32 [n, FIELD, FIELD, 2], (x, y) in shares of the box's side.
    weight: float32 [n, FIELD, FIELD] in 0..1, 1 on the subject. error: float32 [n, FIELD, FIELD], the error to expect
    of the flow's length, by how references differ among themselves, in shares of the box's side.
    """

    position: NDArray[np.int64]
    flow: Array
    weight: Array
    error: Array


@dataclass(frozen=True)
class Seen:
    """The subject in one frame: its contour, its body coordinates float32 [CELLS, CELLS, 3] and its anchors."""

    contour: Contour
    known: Array
    anchors: Anchors


@dataclass
class Registration:
    """A recording beside the matched recordings of its references; every frame is registered only once.

    bodies: the query's, and those of the references in the order of `matches`. found: by way and position, the
    displacement of that frame's contour to each reference, float32 [R, n, 2], its constant shift included.
    """

    query: CropStore
    matches: Matches
    bodies: tuple[Body, Sequence[Body]]
    _subjects: dict[int, Seen] = field(default_factory=dict, repr=False)
    found: dict[tuple[int, int], Array] = field(default_factory=dict, repr=False)
    _frames: dict[int, Registered] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, query: CropStore, matches: Matches, plan: str) -> "Registration":
        """A recording and its references, all of one plan of body."""
        matches = [(store, np.asarray(path, np.int64)) for store, path in matches]
        return cls(query, matches, (read_body(query, plan), [read_body(store, plan) for store, _ in matches]))

    @cached_property
    def origins(self) -> tuple[Array, ...]:
        """The constant shift (x, y), in shares of the box, between each reference and the query, float32 [R, 2].

        Of each way of registration. A leaning subject has its box centre elsewhere than an upright one, though both
        stand on the same ground. So the mean horizontal displacement of the lower half of the body over the recording
        does not count as deviation.
        """
        return tuple(self._standing(way) for way in WAYS)

    def _standing(self, way: int) -> Array:
        """The mean horizontal displacement of the lower half of the body in the ground frames, [R, 2]."""
        total, count = np.zeros(len(self.matches)), 1e-9
        frames = [int(frame) for frame in ground_frames(self.query)]
        self.look_at(frames, way)
        for position in frames:
            low = self.seen(position).contour.place[:, 1] > waist(self.query, position)
            total, count = total + self._found(way, position)[:, low, 0].sum(1), count + float(low.sum())
        return np.stack([total / count, np.zeros(len(total))], 1).astype(np.float32)

    @cached_property
    def normal(self) -> NormalParts:
        """How much of the displacement of each part of the body is normal variation."""
        frames = [int(position) for position in ground_frames(self.query)]
        bodies = [self.seen(position).contour.body for position in frames]
        contours, network = ([self.moves(position, way) for position in frames] for way in WAYS)
        return NormalParts.of(bodies, contours, network)

    def moves(self, position: int, way: int) -> Array:
        """The displacement of a frame's contour to each reference, float32 [R, n, 2] in shares of the box."""
        return self._found(way, position) - self.origins[way][:, None]

    def frame(self, position: int) -> Registered:
        """Flow, weight and error of one frame, as in `Field`, before smoothing."""
        if position not in self._frames:
            shown, error = self.normal.abnormal(self.seen(position).contour.body, self.moves(position, NETWORK))
            weight = subject_weight(self.query.views[position])
            flow = self.carried(position, np.column_stack([shown, error]))
            _remember(self._frames, position, (flow[..., :2], weight, flow[..., 2]), KEPT)
        return self._frames[position]

    def look_at(self, positions: Sequence[int], way: int) -> None:
        """Register some frames, at most KEPT, several of them at once where this process has cores to spare."""
        missing = [position for position in positions if (way, position) not in self.found]
        for position, found in zip(missing, side_by_side(partial(self._find, way), missing), strict=True):
            _remember(self.found, (way, position), found, len(WAYS) * KEPT)

    def _found(self, way: int, position: int) -> Array:
        self.look_at([position], way)
        return self.found[way, position]

    def _find(self, way: int, position: int) -> Array:
        frames = [int(path[position]) for _, path in self.matches]
        return (self.by_contours if way == CONTOURS else self._by_network)(position, frames)

    def _by_network(self, position: int, frames: Sequence[int]) -> Array:
        views = [
            view_on(store, at, to_canvas(self.query, position, store, at))
            for (store, _), at in zip(self.matches, frames, strict=True)
        ]
        return seen_at(self.seen(position).contour.place, close_view(self.query, position), views)

    def seen(self, position: int) -> Seen:
        """The subject in a frame of the query."""
        seen = self._subjects.get(position)
        if seen is None:
            heading = float(self.query.heading[position])
            outline = turned(self.query.outline_at(position), heading)
            known = coordinates(self.bodies[0], outline, position, heading)
            seen = Seen(contour_in(outline, known), known, anchors_of(self.bodies[0], position, heading))
            _remember(self._subjects, position, seen, KEPT)
        return seen

    def by_contours(self, position: int, frames: Sequence[int]) -> Array:
        """The displacement [R, n, 2] of the contour at `position` to that in one frame of each reference."""
        seen, found = self.seen(position), []
        kin = kin_of(seen.contour)
        for (store, _), body, at in zip(self.matches, self.bodies[1], frames, strict=True):
            move, contour = to_canvas(self.query, position, store, at), contour_of(store, body, at)
            brought = replace(contour, place=(contour.place @ move[:, :2].T + move[:, 2]).astype(np.float32))
            start = start_of(
                seen.contour, seen.known, seen.anchors, anchors_of(body, at, float(store.heading[at])).brought(move)
            )
            found.append(towards(seen.contour, brought, kin, start))
        return np.stack(found)

    def carried(self, position: int, values: Array) -> Array:
        """Values [n, C] of the points of a frame's contour carried into the subject, float32 [FIELD, FIELD, C]."""
        found, seen = np.zeros((FIELD, FIELD, values.shape[1]), np.float32), self.seen(position)
        outline = turned(self.query.outline_at(position), float(self.query.heading[position]))
        there = cv2.resize(outline, (FIELD, FIELD), interpolation=cv2.INTER_AREA) > SEEN
        if not len(seen.contour) or not there.any():
            return found
        rows, columns = np.nonzero(there)
        places = np.asarray((np.stack([columns, rows], 1) + 0.5) / FIELD, np.float32)
        weights = kinship(places, seen.known[rows, columns], seen.contour) + 1e-9
        found[rows, columns] = (weights @ values) / weights.sum(1, keepdims=True)
        return found


def _remember(known: dict[Any, Any], key: Any, value: Any, most: int) -> None:
    """Keep a value; the oldest is forgotten, so that memory stays flat."""
    with REMEMBERING:
        known[key] = value
        if len(known) > most:
            del known[next(iter(known))]


def fields(registration: Registration, positions: NDArray[np.int64]) -> Iterator[Field]:
    """The displacements of the query's frames at increasing `positions` (0..T-1), in chunks, so that memory stays flat.

    Neighbouring frames take part in the smoothing over time, whether they are among `positions` or not, so that a
    frame has the same field in every clip.
    """
    for start in range(0, len(positions), CHUNK_FRAMES):
        wanted = positions[start : start + CHUNK_FRAMES]
        near = frames_to_register(registration.query, wanted)
        registration.look_at([int(position) for position in near], NETWORK)
        found = [registration.frame(int(position)) for position in near]
        yield smoothed_over_time(registration.query, found, near, wanted)


def frames_to_register(query: CropStore, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The frames that must be registered for those at `positions`: every `_step`th within reach of the smoothing."""
    reach = _reach(query)
    beside = np.unique(np.clip(positions[:, None] + np.arange(-reach, reach + 1), 0, len(query.time_s) - 1))
    return beside[beside % _step(query) == 0]


def _step(query: CropStore) -> int:
    """Interval, in frames, between registered frames: smoothing over time mixes those between into them anyway."""
    return max(1, round(STEP_S * query.fps))


def _sigma(query: CropStore) -> float:
    return max(TIME_SIGMA_S * query.fps, 0.3)


def _reach(query: CropStore) -> int:
    return max(round(3 * _sigma(query)) + 1, _step(query))


def ground_frames(query: CropStore) -> NDArray[np.int64]:
    """The frames, evenly over the recording, on which origin and normal variation are found."""
    step, last = _step(query), len(query.time_s) - 1
    return np.unique((np.linspace(0, last, GROUND_FRAMES) / step).astype(np.int64)) * step


def waist(query: CropStore, position: int) -> float:
    """The height, in shares of the box from its upper edge, below which the lower half of the body is."""
    box = query.box[position]
    height = float(query.ground_y[position]) - GROUND_PART * query.height_at(position)
    return (height - float(box[1])) / float(box[3] - box[1])


def smoothed_over_time(
    query: CropStore, frames: Sequence[Registered], near: NDArray[np.int64], wanted: NDArray[np.int64]
) -> Field:
    """The fields of the `wanted` frames, smoothed over time and space from the registered frames `near` them."""
    flow, weight, error = (np.stack(parts) for parts in zip(*frames, strict=True))
    weighted = np.concatenate([flow * weight[..., None], weight[..., None]], axis=-1)
    apart = wanted[:, None] - near
    share = np.exp(-0.5 * np.square(apart / _sigma(query))) * (np.abs(apart) <= _reach(query))
    share = (share / share.sum(1, keepdims=True)).astype(np.float32)
    weighted, error = (np.tensordot(share, part, 1) for part in (weighted, error))
    smooth = [smooth_inside(frame[..., :2], frame[..., 2], SPACE_SIGMA) for frame in weighted]
    own = np.stack([subject_weight(query.views[position]) for position in wanted])
    return Field(wanted, np.stack(smooth), own, error)


def subject_weight(view: View) -> Array:
    """Where the subject is in a view uint8 [V, V, 3], float32 [FIELD, FIELD] in 0..1."""
    weight = cv2.resize(saliency_in(view), (FIELD, FIELD), interpolation=cv2.INTER_AREA)
    return np.asarray(weight, np.float32)


def to_canvas(query: CropStore, position: int, reference: CropStore, matched: int) -> NDArray[np.float64]:
    """The map [2, 3] from the canvas of a reference's frame to that of the query's, in shares of either's side.

    It brings body height, ground line and box centre together.
    """
    own, theirs = query.box[position].astype(float), reference.box[matched].astype(float)
    scale = query.height_at(position) / max(reference.height_at(matched), 1.0)
    move = similarity(theirs, own, float(reference.ground_y[matched]), float(query.ground_y[position]), scale)
    side, other = own[2] - own[0], theirs[2] - theirs[0]
    shift = (move[:, :2] @ (theirs[:2] - 0.5) + move[:, 2] + 0.5 - own[:2]) / side
    return np.column_stack([move[:, :2] * other / side, shift])


def saliency_on(reference: CropStore, matched: int, query: CropStore, position: int) -> Array:
    """Return the saliency of a matched reference frame, brought to the canvas of the query's frame."""
    view = saliency_in(np.array(reference.views[matched]))
    move = to_canvas(query, position, reference, matched)
    pixels = centred(np.column_stack([move[:, :2], move[:, 2] * len(view)]))
    return np.asarray(cv2.warpAffine(view, pixels, view.shape, flags=cv2.INTER_LINEAR), np.float32)
