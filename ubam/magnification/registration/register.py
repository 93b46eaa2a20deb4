"""Dense registration: it finds where each point of the subject would be if it moved like the reference.

A query frame and the matched frame of each reference subject are brought to one canvas, the query's own box, by body
height, ground line and box centre. They are registered densely, coarse to fine (coarse_to_fine.py). The median over
reference subjects is the displacement towards the twin. It is shrunk by the spread of the references, so that a normal
body does not appear to deviate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.affine import box_map, compose, inverse, similarity
from ubam.core.typing import Array, View
from ubam.magnification.registration.coarse_to_fine import CanvasReferences, towards
from ubam.magnification.registration.flow_fields import SPACE_SIGMA, consensus, saliency_in, shrink, smooth_inside
from ubam.tracking.crop_store import CropStore, close_view

Matches = Sequence[tuple[CropStore, NDArray[np.int64]]]  # store and, for every frame of the query, position in it
Registered = tuple[Array, Array, Array]  # flow, weight and spread of one frame, as `register_frame` returns them
Known = Mapping[int, Registered]  # by position in the query's store

FIELD = 64  # pixels a side of a displacement field

STRENGTH = 1.0  # of the shrinkage. 4 rendered walkers, 3 references: cosine with the truth 0.54, without it 0.51
GROUND_PART = 0.5  # share of the body height, from the ground, that fixes the horizontal origin
GROUND_FRAMES = 24  # frames, at most, on which the origin is found
TIME_SIGMA_S = 0.04  # of the smoothing over time
STEP_S = 0.06  # between registered frames
CHUNK_FRAMES = 48
NOTHING = (0, 128, 128)  # a view's background


@dataclass(frozen=True)
class Field:
    """Displacement of `n` frames towards their twins, each on the canvas of its own box.

    position: int64 [n], in the store. flow: float32 [n, FIELD, FIELD, 2], (x, y) in shares of the box's side.
    weight: float32 [n, FIELD, FIELD] in 0..1, 1 on the subject. spread: float32 [n, FIELD, FIELD], the standard
    deviation of the references, in shares of the box's side.
    """

    position: NDArray[np.int64]
    flow: Array
    weight: Array
    spread: Array


def fields(
    query: CropStore, matches: Matches, positions: NDArray[np.int64], origin: Array | None = None,
    known: Known | None = None,
) -> Iterator[Field]:  # fmt: skip
    """The displacements of the query's frames at increasing `positions` (0..T-1), in chunks, so that memory stays flat.

    Neighbouring frames take part in the smoothing over time, whether they are among `positions` or not, so that a
    frame has the same field in every clip. origin: that of `ground_origin`, found here when it is not given. known:
    frames that were registered before.
    """
    origin = ground_origin(query, matches) if origin is None else origin
    recent = dict[int, Registered]()
    for start in range(0, len(positions), CHUNK_FRAMES):
        wanted = positions[start : start + CHUNK_FRAMES]
        near = frames_to_register(query, wanted)
        recent = registered(query, matches, near, {**(known or {}), **recent})
        yield smoothed_fields(query, [recent[int(position)] for position in near], near, wanted, origin)


def registered(
    query: CropStore, matches: Matches, positions: NDArray[np.int64], known: Known | None = None
) -> dict[int, Registered]:
    """The result of `register_frame` for frames, by position; `known` ones are not registered again."""
    known, found = known or {}, {}
    for position in (int(position) for position in positions):
        found[position] = known[position] if position in known else register_frame(query, matches, position)
    return found


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
    """The frames, evenly over the recording, on which `ground_origin` is found."""
    step, last = _step(query), len(query.time_s) - 1
    return np.unique((np.linspace(0, last, GROUND_FRAMES) / step).astype(np.int64)) * step


def ground_origin(query: CropStore, matches: Matches, known: Known | None = None) -> Array:
    """Return the constant (x, y) shift, in shares of the box, between the references and the query.

    A leaning subject has its box centre elsewhere than an upright one, though both stand on the same ground. So the
    mean horizontal displacement of the lower half of the body over the recording does not count as deviation.
    """
    total, weights = 0.0, 1e-9
    for position, (flow, weight, _) in registered(query, matches, ground_frames(query), known).items():
        low = weight * lower_body(query, position)[:, None]
        total, weights = total + float((low * flow[..., 0]).sum()), weights + float(low.sum())
    return np.array([total / weights, 0], np.float32)


def lower_body(query: CropStore, position: int) -> NDArray[np.bool_]:
    """The rows of a field, bool [FIELD], that show the lower half of the body."""
    box = query.box[position]
    rows = box[1] + (np.arange(FIELD) + 0.5) / FIELD * (box[3] - box[1])
    return np.asarray(rows > query.ground_y[position] - GROUND_PART * query.height_at(position))


def smoothed_fields(
    query: CropStore, frames: Sequence[Registered], near: NDArray[np.int64], wanted: NDArray[np.int64], origin: Array
) -> Field:
    """The fields of the `wanted` frames, smoothed over time and space from the registered frames `near` them."""
    flow, weight, spread = (np.stack(parts) for parts in zip(*frames, strict=True))
    weighted = np.concatenate([(flow - origin) * weight[..., None], weight[..., None]], axis=-1)
    apart = wanted[:, None] - near
    share = np.exp(-0.5 * np.square(apart / _sigma(query))) * (np.abs(apart) <= _reach(query))
    share = (share / share.sum(1, keepdims=True)).astype(np.float32)
    weighted, spread = (np.tensordot(share, part, 1) for part in (weighted, spread))
    smooth = [smooth_inside(frame[..., :2], frame[..., 2], SPACE_SIGMA) for frame in weighted]
    own = np.stack([subject_weight(query.views[position]) for position in wanted])
    return Field(wanted, np.stack(smooth), own, spread)


def register_frame(query: CropStore, matches: Matches, position: int, strength: float = STRENGTH) -> Registered:
    """Return flow, weight and spread of one frame, as in `Field`, before smoothing and with the boxes' own origin."""
    flow, spread = consensus(towards(close_view(query, position), canvas_references(query, matches, position)))
    return shrink(flow, spread, strength), subject_weight(query.views[position]), spread


def canvas_references(query: CropStore, matches: Matches, position: int) -> CanvasReferences:
    """The matched frames of the references, brought to the canvas of the query's frame."""
    matched = [(store, int(path[position])) for store, path in matches]
    return CanvasReferences.of([_brought(close_view(store, at), store, at, query, position) for store, at in matched])


def subject_weight(view: View) -> Array:
    """Where the subject is in a view uint8 [V, V, 3], float32 [FIELD, FIELD] in 0..1."""
    weight = cv2.resize(saliency_in(view), (FIELD, FIELD), interpolation=cv2.INTER_AREA)
    return np.asarray(weight, np.float32)


def saliency_on(reference: CropStore, matched: int, query: CropStore, position: int) -> Array:
    """Return the saliency of a matched reference frame, brought to the canvas of the query's frame."""
    return saliency_in(_brought(np.array(reference.views[matched]), reference, matched, query, position))


def _brought(view: View, reference: CropStore, matched: int, query: CropStore, position: int) -> View:
    """A view [V, V, 3] of a matched reference frame on the canvas of the query's frame."""
    move = similarity(
        reference.box[matched],
        query.box[position],
        float(reference.ground_y[matched]),
        float(query.ground_y[position]),
        query.height_at(position) / max(reference.height_at(matched), 1.0),
    )
    to_canvas = compose(box_map(query.box[position], len(view)), move)
    place = compose(to_canvas, inverse(box_map(reference.box[matched], len(view))))
    size = view.shape[1::-1]
    return np.asarray(cv2.warpAffine(view, place, size, flags=cv2.INTER_LINEAR, borderValue=NOTHING), np.uint8)
