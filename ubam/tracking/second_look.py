"""A second look for the subject: motion says where to look first, the eye sees how far the body reaches from there."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from scipy.ndimage import median_filter

from ubam.core.progress import Progress, counted
from ubam.tracking.blobs import COLUMNS, enlarged_blobs, find_blobs
from ubam.tracking.outlines import Glimpse, noted, outlines, present, shipped_eye
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.track import NO_MOTION, Track, smooth_track
from ubam.tracking.views import cut, in_picture, scene_at

SIDE = 160  # pixels of a look, as the eye learnt: where the body is need not be known to a pixel
WIDEST = 4.0  # sides of what moves that the first look shows: it may be an ear; training shows as much around a body
WIDER = 1.6  # sides of the box that a look shows
ROOM = 1.25  # sides of the subject that a box shows
SHOWN = (WIDER - 1 / ROOM) / 2  # sides of the box by which a body may be beside its middle and is shown whole
LOOKS_PER_S = 6.0  # for the track of a slow body; between them it is where it was on its way
TRIED = 4  # of so many frames, one is looked at while the box is settled
ROUNDS = 5  # how often the box may change before it is settled
SLOW = 0.2  # sides of the box that a body that stays in place moves from one look to the next at most
SURER = 1.5  # times, by which the eye is to be surer with what stays still than without
# A subject in place is a part of what stays still, which hides at most half of it. Where the eye sees more than this
# many times as much without what stays still, it sees the surroundings, too.
MOST_HIDDEN = 2.0
STEADY = 0.1  # change of the box, in its sides, below which it is settled
NOT_MOVING = "nothing moves: the subject was found by its looks alone; look at the crops, or give a box in the study"
Frames = Callable[[], Iterator[np.ndarray]]


class Shown(NamedTuple):
    """A recording in small pictures, each call anew; pixels of the recording per one of theirs; frames per second.

    progress: of the looks that follow the body.
    """

    frames: Frames
    scale: int
    fps: float
    progress: Progress | None = None


@dataclass(frozen=True)
class Settled:
    """The body beside what moves, from looks at some frames.

    middle [T,2]: where the body's middle is in every frame, roughly, and side: of its box, small pixels;
    subject bool [N,h,w]: the body in the frames that were looked at; doubt: how unsure its outline is, 0 to 0.5.
    """

    middle: np.ndarray
    side: float
    subject: np.ndarray
    doubt: float

    @property
    def area(self) -> float:
        """Of the body, small pixels; 0 where it is not seen."""
        sizes = self.subject.sum(axis=(1, 2))
        return float(np.median(sizes[sizes > 0])) if sizes.any() else 0.0


def settle(frames: Frames, at: np.ndarray, track: Track, scale: float, still: Scene | None = None) -> Settled | None:
    """How far the body reaches around what moves, from looks at the frames at positions `at`.

    What moves may be the whole body or an ear of it, so that the eye starts from a narrow and from a wide box, and the
    surer answer counts. What stays still may hide a subject that stays in place; it is shown where the eye is clearly
    surer with it than without.

    Parameters
    ----------
    frames
        Gives the small pictures of all frames, uint8 [h,w,3], anew at every call.
    at
        Int [N], rising.
    track
        Of what moves, in pixels of the recording, with a box of one size.
    scale
        Pixels of the recording per pixel of the small pictures.
    still
        What stays still, at the size of the small pictures; None where nothing does.

    Returns
    -------
        None where the eye sees a body in less than half of the frames in which something moves.
    """
    threes = list(_threes(frames(), at))
    moving, side, found = _middle(track, scale), _side(track, scale), track.found[at]
    whole = max(threes[0][0].shape[:2]) / side  # beyond the picture there is nothing to see
    some = np.arange(0, len(at), TRIED)
    trials = [
        _grown([threes[k] for k in some], behind, (moving[at[some]], side), found[some], wider)
        for behind in ([None] if still is None else [None, still])
        for wider in (WIDER, max(WIDER, min(WIDEST, whole)))
    ]
    best = min((trial for trial in trials if trial is not None), key=lambda trial: _weighed(trial, side), default=None)
    if best is None:
        return None
    here = path_of_body(moving, at[some[best.there]], best.middle[best.there], best.side)[at]
    boxes, size = _boxes(here, WIDER * best.side), threes[0][0].shape[1::-1]
    parts = list(_looks(threes, best.behind, boxes))
    there, seen, _ = _extents(parts)
    there &= found
    if there.sum() < 0.5 * max(found.sum(), 1):
        return None
    subject = np.stack([in_picture(*part, size) > 0.5 for part in parts])
    if best.behind is not None:
        alone = np.stack([in_picture(*part, size) > 0.5 for part in _looks(threes, None, boxes)])
        if alone.sum() <= MOST_HIDDEN * subject.sum():
            subject |= alone
    return Settled(path_of_body(moving, at[there], seen[there], best.side), best.side, subject, _doubt_of(parts))


@dataclass(frozen=True)
class _Trial:
    """A box that was settled at some frames: where the body is bool [n], its middle [n,2], the side, and the doubt.

    behind: the empty scene that was shown.
    """

    behind: Scene | None
    there: np.ndarray
    middle: np.ndarray
    side: float
    doubt: float


def _weighed(trial: _Trial, moving: float) -> float:
    """The doubt of a trial as it counts against others: more where its box leaves out much of what moves, `moving` px.

    A head is outlined with less doubt than the body that it belongs to.
    """
    left_out = max(1.0, moving / trial.side)
    return left_out * trial.doubt * (1.0 if trial.behind is None else SURER)


def _grown(
    threes: list[tuple[np.ndarray, ...]], behind: Scene | None, begin: tuple[np.ndarray, float],
    found: np.ndarray, first: float,
) -> _Trial | None:  # fmt: skip
    """The body in the middle of boxes, `first` times as wide as those to begin with, then as wide as what was seen."""
    here, side = begin[0].copy(), begin[1]
    there, doubt = found, 0.5
    for wider in (first, *[WIDER] * ROUNDS):
        parts = list(_looks(threes, behind, _boxes(here, wider * side), wider))
        there, seen, extent = _extents(parts)
        there &= found
        if there.sum() < 0.5 * max(found.sum(), 1):
            return None
        doubt, wanted = _doubt_of(parts), ROOM * float(np.median(extent[there]))
        step = max(abs(wanted - side), float(np.median(np.abs(seen - here)[there]))) / side
        here[there], side = seen[there], wanted
        if wider == WIDER and step < STEADY:
            break
    return _Trial(behind, there, here, side, doubt)


def _extents(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of outlines in their boxes: whether something is there bool [n], its middle [n,2], and its longer side [n]."""
    blobs = np.stack([_blob(outline, box) for outline, box in parts])
    x0, y0, x1, y1 = blobs[:, 3:7].T
    return blobs[:, 0] > 0, np.stack([(x0 + x1) / 2, (y0 + y1) / 2], 1), np.maximum(x1 - x0, y1 - y0)


def _doubt_of(parts: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """How unsure outlines are, from 0 to 0.5."""
    sure = [outline[outline > 0.5] for outline, _ in parts]
    return float(np.median([1 - one.mean() for one in sure if len(one)] or [0.5]))


def path_of_body(moving: np.ndarray, at: np.ndarray, seen: np.ndarray, side: float) -> np.ndarray:
    """The body's middle in every frame [T,2], from that of what moves [T,2] and from where it was seen at some frames.

    A body that stays about where it is lies between the places where it was seen, whichever limb moves meanwhile. One
    that travels is as far beside what moves as it mostly was; or as it was then, where it was elsewhere for a while, as
    what moved was not all its own: bedding that it stirs later.
    """
    if len(seen) > 1 and np.median(np.abs(np.diff(seen, axis=0)).max(axis=1)) < SLOW * side:
        frames = np.arange(len(moving))
        return np.stack([np.interp(frames, at, column) for column in seen.T], 1)
    beside = seen - moving[at]
    usual, lasting = np.median(beside, axis=0), median_filter(beside, size=(3, 1), mode="nearest")
    if np.abs(lasting - usual).max() < SHOWN * side:
        return moving + usual
    frames = np.arange(len(moving))
    return moving + np.stack([np.interp(frames, at, column) for column in lasting.T], 1)


def subject_in_boxes(frames: Frames, at: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The subject in the frames at positions `at`, looked at through given boxes [N,4]; bool [N,h,w]."""
    threes = list(_threes(frames(), at))
    size = threes[0][0].shape[1::-1]
    return np.stack([in_picture(*part, size) > 0.5 for part in _looks(threes, None, boxes)])


def glance(frames: Frames, at: np.ndarray, middle: np.ndarray, side: np.ndarray, wider: float) -> Iterator[np.ndarray]:
    """Soft outlines of what is in the middle of boxes, without the empty scene; several may be of one frame.

    at: int [n], rising; middle [n,2] and side [n] of the boxes, small pixels; wider: sides of the thing in a box.
    """
    moments, which = np.unique(at, return_inverse=True)
    threes = list(_threes(frames(), moments))
    boxes = _boxes(middle, side[:, None])
    return (outline for outline, _ in _looks((threes[k] for k in which), None, boxes, wider))


def follow_body(
    shown: Shown, scene: Scene | None, track: Track, settled: Settled, sure: np.ndarray | None = None
) -> Track:
    """The track of the whole body, from that of what moves; `track` as for `settle`.

    It is found where the eye sees it: a body that rests is still there.

    Parameters
    ----------
    shown
        The recording.
    scene
        The empty scene at the size of the small pictures; None where it is not known.
    sure
        bool [T], the frames in which what the eye sees may be the subject; all without it.
    """
    frames, scale, fps, progress = shown
    wanted = np.arange(0, len(track.found), _every(settled, fps))
    boxes = _boxes(settled.middle[wanted], WIDER * settled.side)
    seen = np.zeros((len(wanted), COLUMNS), np.float32)  # small arrays between pictures would hold on to their memory
    looks = counted(_looks(_threes(frames(), wanted), scene, boxes), len(wanted), progress)
    for row, look in zip(seen, looks, strict=True):
        row[:] = _blob(*look)
    if not seen[:, 0].any():
        return track
    blobs, there = _between(seen, wanted, len(track.found))
    there = there if sure is None else there & sure
    if not there.any():
        return track
    remarks = tuple(NOT_MOVING if remark == NO_MOTION else remark for remark in track.warnings)
    return smooth_track(enlarged_blobs(blobs, scale), there, fps, remarks)


def _every(settled: Settled, fps: float) -> int:
    """Frames from one look to the next: as a rule a body moves no further meanwhile than one that stays in place."""
    steps = np.abs(np.diff(settled.middle, axis=0)).max(axis=1)
    usual = float(np.median(steps)) if len(steps) else 0.0
    return int(np.clip(SLOW * settled.side / max(usual, 1e-6), 1, max(1, round(fps / LOOKS_PER_S))))


def _middle(track: Track, scale: float) -> np.ndarray:
    return (track.box[:, :2] + track.box[:, 2:]) / 2 / scale


def _side(track: Track, scale: float) -> float:
    return float(track.box[0, 2] - track.box[0, 0]) / scale


def _threes(frames: Iterator[np.ndarray], wanted: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The frames at these positions, in rising order, each between the one before and the one after it."""
    held: list[np.ndarray] = []
    needed = iter(wanted.tolist())
    at = next(needed, None)
    for number, frame in enumerate(frames):
        held = [*held[-2:], frame]
        if at is not None and number == at + 1:
            yield (held[0], held[-2], frame)
            at = next(needed, None)
    if at is not None:
        yield (held[-2], held[-1], held[-1])


def _looks(
    threes: Iterable[tuple[np.ndarray, ...]], scene: Scene | None, boxes: np.ndarray, wider: float = WIDER
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The soft outline of the subject in each box [n,4] and the box; the part of it that lies most in its middle."""
    glimpses = deque[Glimpse]()
    ahead = noted(_glimpses(threes, scene, boxes), glimpses)
    for outline, box in zip(outlines(shipped_eye(), ahead, SIDE), boxes, strict=True):
        glimpse = glimpses.popleft()
        part = _in_the_middle(outline, wider)
        yield part if scene is None else present(part, glimpse.crop, scene_at(scene, box, SIDE)), box


def _glimpses(threes: Iterable[tuple[np.ndarray, ...]], scene: Scene | None, boxes: np.ndarray) -> Iterator[Glimpse]:
    for three, box in zip(threes, boxes, strict=True):
        before, at, after = (cut(frame, box, SIDE) for frame in three)
        yield Glimpse(before, at, after, None if scene is None else cut(scene.background, box, SIDE))


def _in_the_middle(outline: np.ndarray, wider: float) -> np.ndarray:
    """The connected part of an outline that has most of itself in the box without the room around it."""
    count, labels = cv2.connectedComponents((outline > 0.5).astype(np.uint8))
    edge = round(SIDE * (1 - 1 / wider) / 2)
    inner = slice(edge, SIDE - edge)
    weight = np.bincount(labels[inner, inner].ravel(), outline[inner, inner].ravel(), minlength=count)
    weight[0] = 0
    return outline * (labels == weight.argmax()) * (weight.max() > 0)


def _blob(outline: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The outline in a box as a row of `find_blobs`, in pixels of the picture that the box lies in."""
    zoom = float(box[2] - box[0]) / SIDE
    blob = enlarged_blobs(find_blobs(outline)[:1], zoom)[0]
    blob[[1, 3, 5]] += box[0]
    blob[[2, 4, 6]] += box[1]
    return blob


def _between(blobs: np.ndarray, at: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Blobs [T,14] of every frame from those at some positions, and in which frames bool [T] the subject is there."""
    seen, frames = blobs[:, 0] > 0, np.arange(count)
    right = np.minimum(np.searchsorted(at, frames), len(at) - 1)
    left = np.maximum(right - 1, 0)
    near = np.where(frames - at[left] <= at[right] - frames, left, right)
    there = seen[near]
    columns = [np.interp(frames, at[seen], column) for column in blobs[seen].T]
    return np.stack(columns, 1).astype(np.float32), there


def _boxes(middle: np.ndarray, side: float | np.ndarray) -> np.ndarray:
    """Square boxes float32 [n,4] around middles [n,2]."""
    return np.concatenate([middle - side / 2, middle + side / 2], axis=1).astype(np.float32)
