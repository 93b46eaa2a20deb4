"""Posture transfer: the subject of one recording, on its own background, in the postures of another.

Each frame of the posture's recording has a matched frame in the appearance's recording. The matched frame is registered
with the posture's frame as its only reference, and its subject is moved all the way to the outline found there.
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
from ubam.magnification.posture_manifold import Manifold
from ubam.magnification.quality_checks import TORN_SHARE, appearance_kept, marked
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
    lower_body,
    register_frame,
    saliency_on,
)
from ubam.magnification.warping import backward_flow
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.results.records.clips import TransferFacts
from ubam.tracking.crop_store import CropStore

PATH_SIGMA_S = 0.04  # seconds over which the matched path and the displacement are smoothed
FARTHEST_STEP_S = 0.2  # a longer step of the matched path is a jump, across which nothing is smoothed
CHUNK_FRAMES = 96
LEAST_AGREEMENT = 0.5  # intersection over union of the two outlines below which the posture was not reached


def write_transfer(
    out: Path,
    appearance: EmbeddedRecording,
    posture: EmbeddedRecording,
    positions: NDArray[np.int64],
    path: NDArray[np.int64],
    *,
    embed: Embed,
    manifold: Manifold | None = None,
    progress: Progress | None = None,
) -> TransferFacts:
    """Write the clip `out` (.mp4), one frame per frame of the posture's recording, and return the facts for its JSON.

    Parameters
    ----------
    appearance, posture
        The recordings that give the pixels and the postures.
    positions
        int [n], increasing, in the posture's recording.
    path
        int [T], for every frame of the posture's recording the matched position in the appearance's.
    embed, manifold
        As for `magnify`, to find frames whose posture is unlike any real one.

    The clip has the size of the appearance's recording and the frame rate of the posture's. `agreement` is the mean
    intersection over union of the rendered outline with the target, `agreement_before` that of the matched frame before
    its move. `jumps` counts the jumps of the matched path, at which the subject jumps, too.
    """
    matched = steady_path(path, posture.store.fps)[positions]
    made, moved = transferred(appearance, posture, positions, matched, embed=embed, manifold=manifold)
    seen = _TransferChecks(made, posture.store)
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
    manifold: Manifold | None = None,
) -> tuple[Magnification, Iterator[Frame]]:
    """The frames `matched` int [n] of the appearance in the postures at `positions`, after their magnification."""
    made = _prepared(appearance, posture, positions, matched, embed, manifold)
    flows = transfer_fields(appearance.store, posture.store, positions, matched, made.origin)
    return made, _rendered(made, flows, read_path(appearance.video, appearance.store.frame_index[matched]))


def _prepared(
    appearance: EmbeddedRecording,
    posture: EmbeddedRecording,
    positions: NDArray[np.int64],
    matched: NDArray[np.int64],
    embed: Embed,
    manifold: Manifold | None,
) -> Magnification:
    """The appearance's recording as a magnification whose twin is the posture's, at factor 0."""
    store = appearance.store
    twin = appearance.posture.copy()
    twin[matched] = posture.posture[positions]
    return Magnification(
        store, appearance.video, [], matched, store.whole_scene(), embed, appearance.posture, twin, manifold, None,
        store.crops([len(store.time_s) // 2])[0], standing_shift(store, posture.store, positions, matched),
    )  # fmt: skip


def standing_shift(
    appearance: CropStore, posture: CropStore, positions: NDArray[np.int64], matched: NDArray[np.int64]
) -> Array:
    """Return the constant (x, y) shift, in shares of the box, between the two subjects on the ground.

    As `register.ground_origin`, from the displacement that a transfer uses.
    """
    total, weights = 0.0, 1e-9
    for index in np.unique(np.linspace(0, len(matched) - 1, GROUND_FRAMES).round().astype(int)):
        frame = int(matched[index])
        flow, weight = _registered(appearance, posture, frame, int(positions[index]))
        low = lower_body(appearance, frame)
        total += float((weight * flow[..., 0])[low].sum())
        weights += float(weight[low].sum())
    return np.array([total / weights, 0], np.float32)


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
    appearance: CropStore,
    posture: CropStore,
    positions: NDArray[np.int64],
    matched: NDArray[np.int64],
    origin: Array,
) -> Iterator[Field]:
    """Register each `matched` frame [n] of the appearance with the posture's frame at `positions` [n], in chunks.

    The fields are smoothed over time, within the runs of the path, and over space. Memory stays flat.
    """
    sigma = max(PATH_SIGMA_S * posture.fps, 0.3)
    for run in runs_of(matched, posture.fps):
        indices = np.arange(len(matched))[run]
        reach = round(3 * sigma) + 1
        for start in range(0, len(indices), CHUNK_FRAMES):
            wanted = indices[start : start + CHUNK_FRAMES]
            near = indices[max(0, start - reach) : start + CHUNK_FRAMES + reach]
            parts = [_registered(appearance, posture, int(matched[i]), int(positions[i])) for i in near]
            flow, weight = (np.stack(part) for part in zip(*parts, strict=True))
            weighted = np.concatenate([(flow - origin) * weight[..., None], weight[..., None]], axis=-1)
            weighted = gaussian_filter1d(weighted, sigma, axis=0, mode="nearest", radius=reach)
            kept = np.isin(near, wanted)
            smooth = [smooth_inside(one[..., :2], one[..., 2], SPACE_SIGMA) for one in weighted[kept]]
            yield Field(matched[wanted], np.stack(smooth), weight[kept], np.zeros_like(weight[kept]))


def _registered(appearance: CropStore, posture: CropStore, frame: int, target: int) -> tuple[Array, Array]:
    path = np.full(len(appearance.time_s), target)
    flow, weight, _ = register_frame(appearance, [(posture, path)], frame, 0.0)
    flow = smooth_inside(flow * weight[..., None], weight, SPACE_SIGMA)
    return completed(flow, saliency_of(appearance, frame), saliency_on(posture, target, appearance, frame)), weight


def completed(flow: Array, source: Array, target: Array) -> Array:
    """Return `flow` completed, so that it brings the outline of `source` all the way to that of `target`.

    The registration network identifies each limb but moves it too little. The remaining displacement between the moved
    outline and the target is found by optical flow. flow: [FIELD, FIELD, 2] in shares of the canvas. Saliencies:
    [CANVAS, CANVAS].
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
            yield made.render(next(pictures), part, index, {0.0: 1.0})


class _TransferChecks:
    """Measures a transfer while it is written."""

    def __init__(self, made: Magnification, posture: CropStore) -> None:
        self.made, self.posture = made, posture
        self.before: list[float] = []
        self.after: list[float] = []
        self.kept: list[float] = []
        self.issues: list[tuple[str, ...]] = []

    def watch(self, frames: Iterator[Frame], positions: NDArray[np.int64]) -> Iterator[Picture]:
        for frame, position in zip(frames, positions, strict=True):
            moved, store = frame.moved[0.0], self.made.query
            view = self.made.view(moved.picture, frame.position)
            wanted = shifted(saliency_on(self.posture, int(position), store, frame.position), self.made.origin)
            self.before.append(agreement(saliency_of(store, frame.position), wanted))
            self.after.append(agreement(saliency_in(view), wanted))
            self.kept.append(appearance_kept(frame, 0.0))
            self.issues.append(self._issues(frame, view))
            yield moved.picture

    def _issues(self, frame: Frame, view: Picture) -> tuple[str, ...]:
        manifold = self.made.manifold
        off = manifold is not None and bool(manifold.outside(self.made.embed(view[None]))[0])
        found = {"off_manifold": off, "torn": frame.moved[0.0].torn > TORN_SHARE}
        found["dose"] = self.after[-1] < LEAST_AGREEMENT
        return tuple(name for name, true in found.items() if true)

    def facts(self, posture: CropStore, positions: NDArray[np.int64], jumps: int) -> TransferFacts:
        """The facts for the JSON beside the clip."""
        times = posture.time_s[positions]
        marks = marked(self.issues, times)
        return TransferFacts(
            recording_id=posture.recording_id,
            appearance=self.made.query.recording_id,
            agreement=float(np.mean(self.after)),
            agreement_before=float(np.mean(self.before)),
            appearance_kept=float(np.mean(self.kept)),
            frames=len(self.issues),
            from_s=float(times[0]),
            to_s=float(times[-1]),
            fps=posture.fps,
            marked_frames=marks.frames,
            marked_reasons=marks.reasons,
            marked_s=marks.stretches_s,
            jumps=jumps,
        )


def shifted(saliency: Array, shift: Array) -> Array:
    """Return a saliency [S, S] moved by -`shift` (x, y), in shares of its side."""
    move = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], float)
    move[:, 2] *= len(saliency)
    return np.asarray(cv2.warpAffine(saliency, move, saliency.shape[::-1]), np.float32)


def agreement(one: Array, other: Array) -> float:
    """Return the intersection over union (0..1) of two saliencies [S, S]."""
    return float(np.minimum(one, other).sum() / max(float(np.maximum(one, other).sum()), 1e-9))
