"""Posture transfer: the subject of one recording, on its own background, in the postures of another.

Each frame of the posture's recording has a matched frame in the appearance's recording. The contour of the matched
frame is moved to that of the posture's frame, its only reference, and the subject all the way to the outline there.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ubam.core.progress import Progress, counted
from ubam.core.typing import Array, Picture
from ubam.magnification.magnify import Embed, EmbeddedRecording, Frame, Magnification
from ubam.magnification.quality_checks import appearance_kept, issues_of, marked, picture_values
from ubam.magnification.registration.contours import Contour, kin_of, towards
from ubam.magnification.registration.flow_fields import (
    CANVAS,
    SPACE_SIGMA,
    dense_flow,
    outline,
    read_at,
    saliency_in,
    saliency_of,
    smooth_inside,
)
from ubam.magnification.registration.register import (
    FIELD,
    GROUND_FRAMES,
    Field,
    Registration,
    saliency_on,
    subject_weight,
    waist,
)
from ubam.magnification.seen_again import crop_of, look_again
from ubam.magnification.side_by_side import side_by_side
from ubam.magnification.trust import WEAKEST
from ubam.magnification.warping import backward_flow
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.results.records.clips import TransferFacts
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore
from ubam.tracking.views import cut, turned

PATH_SIGMA_S = 0.04  # seconds over which the matched path and the displacement are smoothed
FARTHEST_STEP_S = 0.2  # a longer step of the matched path is a jump, across which nothing is smoothed
CHUNK_FRAMES = 96
GHOST_SHARE = 0.15  # of the subject's area, where a subject is seen and none was put
GHOST_EDGE = 3  # pixels of the canvas by which an outline may be off
LOOKED_AT = 8  # frames looked at together


def write_transfer(
    out: Path,
    appearance: EmbeddedRecording,
    posture: EmbeddedRecording,
    positions: NDArray[np.int64],
    path: NDArray[np.int64],
    *,
    embed: Embed,
    plan: str | None = None,
    progress: Progress | None = None,
) -> TransferFacts:
    """Write the clip `out` (.mp4), one frame per frame of the posture's recording, and return the facts for its JSON.

    Parameters
    ----------
    appearance, posture
        The recordings that give the pixels and the postures.
    positions
        Int [n], increasing, in the posture's recording.
    path
        Int [T], for every frame of the posture's recording the matched position in the appearance's.
    embed, plan
        As for `magnify`.

    The clip has the size of the appearance's recording and the frame rate of the posture's. `agreement` is the mean
    intersection over union of the rendered outline with the target, `agreement_before` that of the matched frame before
    its move. `jumps` counts the jumps of the matched path, at which the subject jumps, too.
    """
    matched = steady_path(path, posture.store.fps)[positions]
    made, moved = transferred(appearance, posture, positions, matched, embed=embed, plan=plan)
    seen = TransferChecks(made, standing_shift(made.registration, positions, matched))
    write_clip(out, counted(seen.watch(moved, positions), len(positions), progress), posture.store.fps)
    jumps = len(runs_of(matched, posture.store.fps)) - 1
    return seen.facts(posture.store, positions, jumps)


def transferred(
    appearance: EmbeddedRecording,
    posture: EmbeddedRecording,
    positions: NDArray[np.int64],
    matched: NDArray[np.int64],
    *,
    embed: Embed,
    plan: str | None = None,
) -> tuple[Magnification, Iterator[Frame]]:
    """The frames `matched` int [n] of the appearance in the postures at `positions`, after their magnification."""
    store = appearance.store
    twin = appearance.posture.copy()
    twin[matched] = posture.posture[positions]
    plan = plan or likeliest_plan([store, posture.store])
    beside = _beside(store, posture.store, positions, matched, plan)
    made = Magnification(
        store, appearance.video, beside, matched, store.whole_scene(), embed, appearance.posture, twin, None,
        store.crops([len(store.time_s) // 2])[0],
    )  # fmt: skip
    flows = transfer_fields(beside, positions, matched, posture.store.fps)
    return made, _rendered(made, flows, read_path(appearance.video, store.frame_index[matched]))


def _beside(
    appearance: CropStore, posture: CropStore, positions: NDArray[np.int64], matched: NDArray[np.int64], plan: str
) -> Registration:
    """The appearance's recording beside the posture's, which is what it is to become at factor 0."""
    path = np.zeros(len(appearance.time_s), np.int64)
    path[matched] = positions
    return Registration.of(appearance, [(posture, path)], plan)


def steady_path(path: NDArray[np.int64], fps: float) -> NDArray[np.int64]:
    """Return a matched path [T] smoothed over time within its runs; its jumps stay."""
    smooth = path.astype(float)
    for run in runs_of(path, fps):
        smooth[run] = gaussian_filter1d(smooth[run], 2 * max(PATH_SIGMA_S * fps, 0.3), mode="nearest")
    return np.rint(smooth).astype(np.int64)


def runs_of(path: NDArray[np.int64], fps: float) -> list[slice]:
    """Return the runs of a matched path [T], the stretches between its jumps."""
    jumps = np.flatnonzero(np.abs(np.diff(path)) > max(2.0, FARTHEST_STEP_S * fps)) + 1
    edges = [0, *jumps.tolist(), len(path)]
    return [slice(low, high) for low, high in pairwise(edges)]


def transfer_fields(
    beside: Registration, positions: NDArray[np.int64], matched: NDArray[np.int64], fps: float
) -> Iterator[Field]:
    """Register each `matched` frame [n] of the appearance with the posture's frame at `positions` [n], in chunks.

    The fields are smoothed over time, within the runs of the path, and over space. Memory stays flat. fps: the
    posture's.
    """
    sigma, origin = max(PATH_SIGMA_S * fps, 0.3), standing_shift(beside, positions, matched)
    reach = round(3 * sigma) + 1
    for run in runs_of(matched, fps):
        indices = np.arange(len(matched))[run]
        for start in range(0, len(indices), CHUNK_FRAMES):
            wanted = indices[start : start + CHUNK_FRAMES]
            near = indices[max(0, start - reach) : start + CHUNK_FRAMES + reach]
            parts = side_by_side(lambda i: _registered(beside, int(matched[i]), int(positions[i])), near)
            flow, weight = (np.stack(part) for part in zip(*parts, strict=True))
            weighted = np.concatenate([(flow - origin) * weight[..., None], weight[..., None]], axis=-1)
            weighted = gaussian_filter1d(weighted, sigma, axis=0, mode="nearest", radius=reach)
            kept = np.isin(near, wanted)
            smooth = [smooth_inside(one[..., :2], one[..., 2], SPACE_SIGMA) for one in weighted[kept]]
            yield Field(matched[wanted], np.stack(smooth), weight[kept], np.zeros_like(weight[kept]))


def standing_shift(beside: Registration, positions: NDArray[np.int64], matched: NDArray[np.int64]) -> Array:
    """The constant (x, y) shift, in shares of the box, between the two subjects on the ground.

    As `Registration.origins`, over the frames of the transfer.
    """
    total, count = 0.0, 1e-9
    for index in np.unique(np.linspace(0, len(matched) - 1, GROUND_FRAMES).round().astype(int)):
        frame = int(matched[index])
        moves = beside.by_contours(frame, [int(positions[index])])[0]
        low = beside.seen(frame).contour.place[:, 1] > waist(beside.query, frame)
        total, count = total + float(moves[low, 0].sum()), count + float(low.sum())
    return np.array([total / count, 0], np.float32)


def _registered(beside: Registration, frame: int, target: int) -> tuple[Array, Array]:
    """The whole displacement of a frame of the appearance to the posture's frame `target`, and the subject's weight."""
    appearance = beside.query
    flow = beside.carried(frame, beside.by_contours(frame, [target])[0])
    weight = subject_weight(appearance.views[frame])
    flow = smooth_inside(flow * weight[..., None], weight, SPACE_SIGMA)
    wanted = saliency_on(beside.matches[0][0], target, appearance, frame)
    return completed(flow, saliency_of(appearance, frame), wanted), weight


def completed(flow: Array, source: Array, target: Array) -> Array:
    """Return `flow` completed, so that it brings the outline of `source` all the way to that of `target`.

    The displacement of contours is smooth. What remains between the moved outline and the target is found by optical
    flow. flow: [FIELD, FIELD, 2] in shares of the canvas. Saliencies: [CANVAS, CANVAS].
    """
    forward = np.asarray(cv2.resize(flow, (CANVAS, CANVAS), interpolation=cv2.INTER_LINEAR), np.float32) * CANVAS
    backward, coverage = backward_flow(forward, np.where(source > 0.1, source, 0).astype(np.float32))
    here = np.mgrid[:CANVAS, :CANVAS][::-1].transpose(1, 2, 0).astype(np.float32)
    moved = coverage * read_at(source, here + backward)
    rest = dense_flow(outline(moved), outline(target))
    rest = read_at(rest, here + forward)
    whole = cv2.resize(forward + rest, (FIELD, FIELD), interpolation=cv2.INTER_AREA) / np.float32(CANVAS)
    return np.asarray(whole, np.float32)


def read_path(video: Path, frames: NDArray[np.int64]) -> Iterator[Picture]:
    """Pictures of a video at `frames` int [n] in any order; a run of close, rising frames is read in one pass."""
    edges = np.flatnonzero((np.diff(frames) < 0) | (np.diff(frames) > 50)) + 1
    for run in np.split(frames, edges):
        numbered = enumerate(read_frames(video, start_frame=int(run[0]), stop_frame=int(run[-1]) + 1), int(run[0]))
        number, picture = next(numbered)
        for wanted in run:
            while number < wanted:
                number, picture = next(numbered)
            yield picture


def _rendered(made: Magnification, flows: Iterator[Field], pictures: Iterator[Picture]) -> Iterator[Frame]:
    for part in flows:
        for index in range(len(part.position)):
            yield made.render(next(pictures), part, index, (0.0,))


class TransferChecks:
    """Measures a transfer while it is written; a few frames are looked at together."""

    def __init__(self, made: Magnification, shift: Array) -> None:
        self.made, self.shift = made, shift
        self.before: list[float] = []
        self.after: list[float] = []
        self.kept: list[float] = []
        self.values: list[dict[str, float]] = []
        self._held: list[tuple[Frame, Picture, int]] = []

    def watch(self, frames: Iterator[Frame], positions: NDArray[np.int64]) -> Iterator[Picture]:
        """Yield the pictures of frames in the postures at `positions`."""
        for frame, position in zip(frames, positions, strict=True):
            picture = frame.moved[0.0].picture
            self._held.append((frame, crop_of(self.made.query, picture, frame.position), int(position)))
            self.kept.append(appearance_kept(frame, 0.0))
            if len(self._held) == LOOKED_AT:
                self._look()
            yield picture
        self._look()

    def _look(self) -> None:
        if not self._held:
            return
        frames, crops, targets = zip(*self._held, strict=True)
        self._held = []
        beside, store = self.made.registration, self.made.query
        positions = np.array([frame.position for frame in frames])
        again = look_again(store, beside.bodies[0].plan, crops, positions)
        for frame, view, contour, target in zip(frames, again.views, again.contours, targets, strict=True):
            there = shifted(saliency_on(beside.matches[0][0], target, store, frame.position), self.shift)
            self.before.append(agreement(saliency_of(store, frame.position), there))
            self.after.append(agreement(saliency_in(view), there))
            off = missed_by(beside, frame.position, contour, int(target), self.shift)
            self.values.append({"dose": off / WEAKEST} | self._values(frame, saliency_in(view)))

    def _values(self, frame: Frame, seen: Array) -> dict[str, float]:
        """What is measured of a frame for the other `REASONS`, over the limit above which it is marked."""
        store = self.made.query
        return {
            "ghost": ghost_share(frame, seen, store) / GHOST_SHARE,
        } | picture_values(store, frame, 0.0)

    def facts(self, posture: CropStore, positions: NDArray[np.int64], jumps: int) -> TransferFacts:
        """The facts for the JSON beside the clip."""
        times = posture.time_s[positions]
        marks = marked([issues_of(values) for values in self.values], times)
        return TransferFacts(
            recording_id=posture.recording_id,
            appearance=self.made.query.recording_id,
            agreement=float(np.mean(self.after)),
            agreement_before=float(np.mean(self.before)),
            appearance_kept=float(np.mean(self.kept)),
            frames=len(self.values),
            from_s=float(times[0]),
            to_s=float(times[-1]),
            fps=posture.fps,
            marked_frames=marks.frames,
            marked_reasons=marks.reasons,
            marked_s=marks.stretches_s,
            jumps=jumps,
        )


def missed_by(beside: Registration, position: int, shown: Contour, target: int, shift: Array) -> float:
    """How far the contour `shown` in a transferred frame is from the posture's at `target`, in body heights.

    Root mean square over the points of the recorded contour; infinite where a contour is missing. shift: as in
    `standing_shift`.
    """
    own, store, (given, _) = beside.seen(position).contour, beside.query, beside.matches[0]
    if not (len(own) and len(shown) and given.found[target]):
        return float("inf")
    wanted = beside.by_contours(position, [target])[0] - shift
    apart = np.square(towards(own, shown, kin_of(own)) - wanted).sum(1).mean()
    box = store.box[position]
    return float(np.sqrt(apart) * (box[2] - box[0]) / store.height_at(position))


def ghost_share(frame: Frame, seen: Array, store: CropStore) -> float:
    """Share of the subject's area where a subject is `seen`, float32 [CANVAS, CANVAS] in 0..1, and none was put."""
    x0, y0, *_ = frame.region
    box = store.box[frame.position] - np.array([x0, y0, x0, y0], np.float32)
    put = turned(cut(frame.moved[0.0].opacity, box, CANVAS), float(store.heading[frame.position]))
    near = cv2.dilate(put, np.ones((2 * GHOST_EDGE + 1,) * 2, np.uint8))
    return float((seen * (1 - near)).sum() / max(float(put.sum()), 1e-9))


def shifted(saliency: Array, shift: Array) -> Array:
    """Return a saliency [S, S] moved by -`shift` (x, y), in shares of its side."""
    move = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], float)
    move[:, 2] *= len(saliency)
    return np.asarray(cv2.warpAffine(saliency, move, saliency.shape[::-1]), np.float32)


def agreement(one: Array, other: Array) -> float:
    """Return the intersection over union (0..1) of two saliencies [S, S]."""
    return float(np.minimum(one, other).sum() / max(float(np.maximum(one, other).sum()), 1e-9))
