"""Dense registration: where each point of the subject would be if it moved like the reference.

A query frame and the matched frame of each reference subject are brought to one canvas (the query's own box) by body
height, ground line and box centre, drawn as distance to their outline, which no clothes or fur can change, and
registered densely. The median over reference subjects is the displacement towards the twin; what lies within their own
spread is drawn to zero, so that a usual body does not appear to deviate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ubam.crops import CropStore
from ubam.networks import Looked
from ubam.registrar import displacements, looked

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
SPACE_SIGMA, TIME_SIGMA_S = 1.0, 0.04
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
    """Register the query's frames at increasing `positions` (0..T-1), in chunks, so that memory stays flat.

    The frames beside them take part in the smoothing over time, whether they were asked for or not: a frame has the
    same field in every clip. `origin` is that of `ground_origin`, found here when it is not given; frames that are
    `known` are not registered again.
    """
    origin = ground_origin(query, matches) if origin is None else origin
    sigma, recent = _sigma(query), dict[int, Registered]()
    for start in range(0, len(positions), CHUNK_FRAMES):
        wanted = positions[start : start + CHUNK_FRAMES]
        near = frames_beside(query, wanted)
        recent = registered(query, matches, near, {**(known or {}), **recent})
        for run in np.split(near, np.flatnonzero(np.diff(near) > 1) + 1):
            inside = np.isin(run, wanted)
            yield _smoothed([recent[int(position)] for position in run], run, inside, origin, sigma)


def registered(
    query: CropStore, matches: Matches, positions: NDArray[np.int64], known: Known | None = None
) -> dict[int, Registered]:
    """What `register_frame` says of these frames, by position; those that are `known` are not registered again."""
    known, found = known or {}, {}
    for position in (int(position) for position in positions):
        found[position] = known[position] if position in known else register_frame(query, matches, position)
    return found


def frames_beside(query: CropStore, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The frames of the query that take part in the smoothing over time at `positions`, themselves included."""
    reach = round(3 * _sigma(query)) + 1
    beside = positions[:, None] + np.arange(-reach, reach + 1)
    return np.unique(np.clip(beside, 0, len(query.time_s) - 1))


def _sigma(query: CropStore) -> float:
    return max(TIME_SIGMA_S * query.fps, 0.3)


def ground_frames(query: CropStore) -> NDArray[np.int64]:
    """The frames, evenly over the recording, on which `ground_origin` is found."""
    return np.unique(np.linspace(0, len(query.time_s) - 1, GROUND_FRAMES).round().astype(np.int64))


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
    frames: Sequence[Registered], run: NDArray[np.int64], kept: NDArray[np.bool_], origin: Array, sigma: float
) -> Field:
    """The fields of a run of neighbouring frames, smoothed over time by `sigma` frames; those that are `kept`."""
    flow, weight, spread = (np.stack(parts) for parts in zip(*frames, strict=True))
    weighted = np.concatenate([(flow - origin) * weight[..., None], weight[..., None]], axis=-1)
    radius = round(3 * sigma) + 1
    weighted = gaussian_filter1d(weighted, sigma, axis=0, mode="nearest", radius=radius)[kept]
    smooth = [smooth_inside(frame[..., :2], frame[..., 2], SPACE_SIGMA) for frame in weighted]
    return Field(run[kept], np.stack(smooth), weight[kept], spread[kept])


def register_frame(query: CropStore, matches: Matches, position: int, strength: float = STRENGTH) -> Registered:
    """Return flow, weight and spread of one frame, as in `Field`, not yet smoothed and with the boxes' own origin."""
    view = np.array(query.views[position])
    flow, spread = consensus(displacements(view, _beside(query, matches, position)))
    return shrink(flow, spread, strength), _weight(view), spread


def _beside(query: CropStore, matches: Matches, position: int) -> Looked:
    """What is seen of the matched references, brought to the canvas of the query's frame."""
    return looked(np.stack([view_on(store, int(path[position]), query, position) for store, path in matches]))


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
    return saliency_in(view_on(reference, matched, query, position))


def view_on(reference: CropStore, matched: int, query: CropStore, position: int) -> View:
    """Return the view of a matched reference frame, uint8 [V, V, 3], brought to the canvas of the query's frame."""
    view = np.array(reference.views[matched])
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
    """What one rendered view [V, V, 3] at a position was asked to show: `flow` [FIELD, FIELD, 2] as in `Field`, applied
    `amount` times."""

    position: int
    view: View
    flow: Array
    amount: float


class Ruler:
    """Measures the factor that rendered views of a recording show; keeps what the references say of each frame."""

    def __init__(self, query: CropStore, matches: Matches, origin: Array) -> None:
        self.query, self.matches, self.origin = query, matches, origin
        self._known: dict[int, tuple[Looked, Array, Array]] = {}

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
            rendered, _ = consensus(displacements(one.view, references))
            rendered = read_at(rendered, there + np.float32(one.amount * FIELD) * one.flow)
            along = weight[..., None] * one.flow
            after += float(((rendered - self.origin) * along).sum())
            before += float(((recorded - self.origin) * along).sum())
        return after / before if before > 0 else float("nan")

    def _at(self, position: int) -> tuple[Looked, Array, Array]:
        """The references beside a frame, the recorded view's displacement towards them, and where the subject is."""
        if position not in self._known:
            references, view = _beside(self.query, self.matches, position), np.array(self.query.views[position])
            self._known[position] = references, consensus(displacements(view, references))[0], _weight(view)
        return self._known[position]


def read_at(field: Array, place: Array) -> Array:
    """Return a field [h, w] or [h, w, C] read at places [h, w, 2] (x, y in its pixels), its border carried on."""
    x, y = np.ascontiguousarray(place[..., 0]), np.ascontiguousarray(place[..., 1])
    found = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


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


def consensus(flows: Array) -> tuple[Array, Array]:
    """Return the median [S, S, 2] of flows [R, S, S, 2], one per reference subject, and their spread [S, S].

    The spread is the standard deviation around the median; a median of distances is too small with few subjects.
    """
    median = np.median(flows, axis=0)
    squared = ((flows - median) ** 2).sum(-1)
    spread = np.sqrt(squared.sum(0) / max(len(flows) - 1, 1))
    return median.astype(np.float32), spread.astype(np.float32)


def shrink(flow: Array, spread: Array, strength: float) -> Array:
    """Return `flow` with what lies within `strength` spreads drawn to zero (positive part, James and Stein 1961)."""
    length = np.maximum(np.linalg.norm(flow, axis=-1), 1e-9)
    return (flow * np.maximum(0, 1 - (strength * spread / length) ** 2)[..., None]).astype(np.float32)


def smooth_inside(weighted: Array, weight: Array, sigma: float) -> Array:
    """Return flow [S, S, 2] from `weighted` (flow times `weight`), smoothed inside the subject, carried on outside."""
    stacked = np.dstack([weighted, weight])
    total = cv2.GaussianBlur(stacked, (0, 0), sigma) + 0.02 * cv2.GaussianBlur(stacked, (0, 0), 4 * sigma)
    return (total[..., :2] / np.maximum(total[..., 2:], 1e-4)).astype(np.float32)
