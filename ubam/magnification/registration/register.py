"""Dense registration: where each point of the subject would be if it moved like the reference.

A query frame and the matched frame of each reference subject are brought to one canvas (the query's own box) by body
height, ground line and box centre and registered densely, first as wholes and then in parts (coarse_to_fine.py). The
median over reference subjects is the displacement towards the twin; what lies within their own spread is drawn to
zero, so that a usual body does not appear to deviate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.affine import box_map, compose, similarity
from ubam.core.typing import Array, View
from ubam.magnification.registration.coarse_to_fine import Beside, towards
from ubam.magnification.registration.flow_fields import SPACE_SIGMA, consensus, saliency_in, shrink, smooth_inside
from ubam.tracking.crop_store import CropStore, close_view

Matches = Sequence[tuple[CropStore, NDArray[np.int64]]]  # store and, for every frame of the query, position in it
Registered = tuple[Array, Array, Array]  # flow, weight and spread of one frame, as `register_frame` returns them
Known = Mapping[int, Registered]  # by position in the query's store

FIELD = 64  # pixels a side of the displacement that is kept

STRENGTH = 1.0  # 4 rendered walkers, 3 references: cosine 0.51 at 0, 0.54 at 1; healthy ones move 2.1 %, not 3.1 %
GROUND_PART = 0.5  # share of the body height, from the ground, that fixes the horizontal origin: cosine 0.37 -> 0.52
GROUND_FRAMES = 24
TIME_SIGMA_S = 0.04
STEP_S = 0.06  # between frames that are registered
CHUNK_FRAMES = 48
NOTHING = (0, 128, 128)  # a view's background


@dataclass(frozen=True)
class Field:
    """Displacement of `n` frames towards their twins on the canvas of each frame's own box.

    position int64 [n] in the store; flow float32 [n, FIELD, FIELD, 2], (x, y) in shares of the box's side; weight
    float32 [n, FIELD, FIELD] in 0..1, the subject; spread float32 [n, FIELD, FIELD] of the references, as `flow`.
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

    The frames beside them take part in the smoothing over time, whether they were asked for or not: a frame has the
    same field in every clip. `origin` is that of `ground_origin`, found here when it is not given; frames that are
    `known` are not registered again.
    """
    origin = ground_origin(query, matches) if origin is None else origin
    recent = dict[int, Registered]()
    for start in range(0, len(positions), CHUNK_FRAMES):
        wanted = positions[start : start + CHUNK_FRAMES]
        near = frames_beside(query, wanted)
        recent = registered(query, matches, near, {**(known or {}), **recent})
        yield _smoothed(query, [recent[int(position)] for position in near], near, wanted, origin)


def registered(
    query: CropStore, matches: Matches, positions: NDArray[np.int64], known: Known | None = None
) -> dict[int, Registered]:
    """What `register_frame` says of these frames, by position; those that are `known` are not registered again."""
    known, found = known or {}, {}
    for position in (int(position) for position in positions):
        found[position] = known[position] if position in known else register_frame(query, matches, position)
    return found


def frames_beside(query: CropStore, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The frames of the query that are registered for those at `positions`: every `_step`th that smoothing reaches."""
    reach = _reach(query)
    beside = np.unique(np.clip(positions[:, None] + np.arange(-reach, reach + 1), 0, len(query.time_s) - 1))
    return beside[beside % _step(query) == 0]


def _step(query: CropStore) -> int:
    """Every how manieth frame is registered: smoothing over time would mix the others into them anyway."""
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
    """Return the constant (x, y) shift, in shares of the box, by which the references stand beside the query.

    A subject that leans has its box centre elsewhere than one that does not, but stands on the same ground: the mean
    horizontal displacement of the lower half of the body over the recording is no deviation.
    """
    total, weights = 0.0, 1e-9
    for position, (flow, weight, _) in registered(query, matches, ground_frames(query), known).items():
        low = weight * _below(query, position)
        total, weights = total + float((low * flow[..., 0]).sum()), weights + float(low.sum())
    return np.array([total / weights, 0], np.float32)


def _below(query: CropStore, position: int) -> NDArray[np.bool_]:
    box = query.box[position]
    rows = box[1] + (np.arange(FIELD) + 0.5) / FIELD * (box[3] - box[1])
    return (rows > query.ground_y[position] - GROUND_PART * query.height_at(position))[:, None]


def _smoothed(
    query: CropStore, frames: Sequence[Registered], near: NDArray[np.int64], wanted: NDArray[np.int64], origin: Array
) -> Field:
    """The fields of the `wanted` frames from those registered `near` them, smoothed over time and space."""
    flow, weight, spread = (np.stack(parts) for parts in zip(*frames, strict=True))
    weighted = np.concatenate([(flow - origin) * weight[..., None], weight[..., None]], axis=-1)
    apart = wanted[:, None] - near
    share = np.exp(-0.5 * np.square(apart / _sigma(query))) * (np.abs(apart) <= _reach(query))
    share = (share / share.sum(1, keepdims=True)).astype(np.float32)
    weighted, spread = (np.tensordot(share, part, 1) for part in (weighted, spread))
    smooth = [smooth_inside(frame[..., :2], frame[..., 2], SPACE_SIGMA) for frame in weighted]
    own = np.stack([_weight(query.views[position]) for position in wanted])
    return Field(wanted, np.stack(smooth), own, spread)


def register_frame(query: CropStore, matches: Matches, position: int, strength: float = STRENGTH) -> Registered:
    """Return flow, weight and spread of one frame, as in `Field`, not yet smoothed and with the boxes' own origin."""
    flow, spread = consensus(towards(close_view(query, position), _beside(query, matches, position)))
    return shrink(flow, spread, strength), _weight(query.views[position]), spread


def _beside(query: CropStore, matches: Matches, position: int) -> Beside:
    """The matched references, brought to the canvas of the query's frame."""
    matched = [(store, int(path[position])) for store, path in matches]
    return Beside.of([_brought(close_view(store, at), store, at, query, position) for store, at in matched])


def _weight(view: View) -> Array:
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
    from_view = np.asarray(cv2.invertAffineTransform(box_map(reference.box[matched], len(view))), float)
    place = compose(to_canvas, from_view)
    size = view.shape[1::-1]
    return np.asarray(cv2.warpAffine(view, place, size, flags=cv2.INTER_LINEAR, borderValue=NOTHING), np.uint8)
