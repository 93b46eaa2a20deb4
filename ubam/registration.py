"""Dense registration: where each point of the subject would be if it moved like the reference.

A query frame and the matched frame of each reference subject are brought to one canvas (the query's own box) by body
height, ground line and box centre and registered densely, first as wholes and then in parts (second_look.py). The
median over reference subjects is the displacement towards the twin; what lies within their own spread is drawn to
zero, so that a usual body does not appear to deviate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.close_views import close_view
from ubam.crops import CropStore
from ubam.dense import SPACE_SIGMA, consensus, read_at, shrink, smooth_inside
from ubam.second_look import Beside, towards

Array = NDArray[np.float32]
View = NDArray[np.uint8]
Matches = Sequence[tuple[CropStore, NDArray[np.int64]]]  # store and, for every frame of the query, position in it
Registered = tuple[Array, Array, Array]  # flow, weight and spread of one frame, as `register_frame` returns them
Known = Mapping[int, Registered]  # by position in the query's store

CANVAS = 128
FIELD = 64  # pixels a side of the displacement that is kept
TRUNCATION = 0.12
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


def saliency_of(store: CropStore, position: int) -> Array:
    """Return the saliency of one frame of a recording on its own canvas, float32 [CANVAS, CANVAS] in 0..1."""
    return saliency_in(store.views[position])


def saliency_in(view: View) -> Array:
    """Return the saliency of a view [V, V, 3] on its own canvas, float32 [CANVAS, CANVAS] in 0..1."""
    salient = np.asarray(view[..., 0], np.float32) / 255
    return np.asarray(cv2.resize(salient, (CANVAS, CANVAS), interpolation=cv2.INTER_LINEAR), np.float32)


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


def similarity(
    source_box: Array, target_box: Array, source_ground: float, target_ground: float, scale: float
) -> NDArray[np.float64]:
    """Return the float64 [2, 3] map from recording to recording: box centre to box centre, ground line to ground line.

    `scale` is the target's body height over the source's, both in pixels of their own recordings.
    """
    source_x, target_x = (source_box[0] + source_box[2]) / 2, (target_box[0] + target_box[2]) / 2
    return np.array([[scale, 0, target_x - scale * source_x], [0, scale, target_ground - scale * source_ground]], float)


def box_map(box: Array, size: int) -> NDArray[np.float64]:
    """Return the [2, 3] map from pixels of the recording to pixels of its box at `size`; centres at whole numbers."""
    scale = size / float(box[2] - box[0])
    offset = 0.5 * scale - 0.5
    return np.array([[scale, 0, offset - scale * box[0]], [0, scale, offset - scale * box[1]]], float)


def compose(second: NDArray[np.floating], first: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the affine map [2, 3] that applies `first`, then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]]).astype(float)


def outline(saliency: Array) -> View:
    """Return the signed distance to the subject's outline, cut at 12 % of the canvas, as uint8 [S, S] around 127."""
    inside = (saliency > 0.5).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    return (np.clip(distance / (TRUNCATION * len(saliency)), -1, 1) * 127 + 127).astype(np.uint8)


def dense_flow(source: View, target: View) -> Array:
    """Return the flow float32 [S, S, 2] in pixels: target(p + flow(p)) is like source(p); DIS (Kroeger et al. 2016)."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(search.calc(source, target, np.zeros((*source.shape, 2), np.float32)), np.float32)


@dataclass(frozen=True)
class Shown:
    """What one rendered view [CLOSE, CLOSE, 3] at a position was asked to show.

    That is `flow` [FIELD, FIELD, 2] as in `Field`, applied `amount` times.
    """

    position: int
    view: View
    flow: Array
    amount: float


class Ruler:
    """Measures the factor that rendered views of a recording show; keeps what the references say of each frame."""

    def __init__(self, query: CropStore, matches: Matches, origin: Array) -> None:
        self.query, self.matches, self.origin = query, matches, origin
        self._known: dict[int, tuple[Beside, Array, Array]] = {}

    def reached(self, shown: Sequence[Shown]) -> float:
        """Return the factor of rendered views: how far from the references, along the deviation; 1 the recording.

        Rendered and recorded views are registered with the same references by the same network, so what it fails to
        see it fails to see in both. The rendered displacement of a part is read where the part was moved to. nan when
        nothing deviates.
        """
        after = before = 0.0
        there = np.mgrid[:FIELD, :FIELD][::-1].transpose(1, 2, 0).astype(np.float32)
        for one in shown:
            references, recorded, weight = self._at(one.position)
            rendered, _ = consensus(towards(one.view, references))
            rendered = read_at(rendered, there + np.float32(one.amount * FIELD) * one.flow)
            along = weight[..., None] * one.flow
            after += float(((rendered - self.origin) * along).sum())
            before += float(((recorded - self.origin) * along).sum())
        return after / before if before > 0 else float("nan")

    def _at(self, position: int) -> tuple[Beside, Array, Array]:
        """The references beside a frame, the recorded view's displacement towards them, and where the subject is."""
        if position not in self._known:
            references, weight = _beside(self.query, self.matches, position), _weight(self.query.views[position])
            recorded, _ = consensus(towards(close_view(self.query, position), references))
            self._known[position] = references, recorded, weight
        return self._known[position]


def delivered(query: CropStore, positions: Sequence[int], views: Sequence[View], asked: Sequence[Array]) -> float:
    """Return the factor at which rendered `views` show the displacement that was `asked` for: 1 is the recording.

    asked: the fields' flow [FIELD, FIELD, 2] at `positions`. Each recorded outline is registered with the rendered one
    and the flow found is projected on the one asked for. nan when nothing deviates.
    """
    shown, total = 0.0, 0.0
    for position, view, wanted in zip(positions, views, asked, strict=True):
        salient = saliency_of(query, position)
        found = dense_flow(outline(salient), outline(saliency_in(view))) / np.float32(CANVAS)
        found = np.asarray(cv2.resize(found, (FIELD, FIELD), interpolation=cv2.INTER_AREA), np.float32)
        inside = cv2.resize(salient, (FIELD, FIELD), interpolation=cv2.INTER_AREA)[..., None] > 0.5
        shown -= float((inside * found * wanted).sum())
        total += float((inside * wanted**2).sum())
    return 1 + shown / total if total > 0 else float("nan")
