"""Where a moving camera looks: every frame is registered to one still scene, as for a camera at rest.

Corners, evenly spread over the picture so that the subject has few of them, are followed by pyramidal Lucas-Kanade
(Bouguet 2001) and agree by RANSAC on a similarity: shift, roll and zoom. A chain over key frames comes first; then each
frame is registered with the median picture of all of them, which has no subject and does not drift (as in mosaicking,
Szeliski 2006). A move is float64 [2,3] and maps a frame's points, pixel edges at whole numbers, to the scene's.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ubam.core.affine import centred, compose, inverse
from ubam.tracking.scene.background import free_median
from ubam.tracking.scene.foreground import saliency

LOOKS = 11  # samples that the quick test compares
EDGES = 8.0, 16.0  # grey levels per px, of normalised pictures, that make an edge, soft or hard
LEAST_EDGES = 1e-3  # share of the picture
LEAST_KEPT = 0.2  # share of a single picture's edges that the median picture has as well
AT_REST = 0.18  # share of edges that stay, above which the camera is at rest
NOTHING_RESTS = 0.05  # and below which it certainly moves
THERE_AND_BACK = 0.5  # px of the small pictures (about 256 across) by which a corner may miss itself
MOVED = 1.0  # px that the picture's corners must travel before a camera counts as moving
CELLS = 12  # cells across the picture in which corners are looked for
PER_CELL = 3
FAINT, CLEAR = 3e-5, 4e-4  # strength of corners that are followed, and of corners that cannot be noise
LEAST_CELLS = 12  # cells with a clear corner below which there is too little texture to tell
WIDEST = 8.0  # area of the whole scene, in pictures, beyond which most places are seen too rarely
LEAST_REGISTERED = 0.8  # share of frames
PATIENCE = 8  # frames that may fail in a row before the chain begins anew
MOSAIC_FRAMES = 41
IDENTITY = np.array([[1.0, 0, 0], [0, 1.0, 0]])

Frames = Callable[[], Iterable[np.ndarray]]


@dataclass(frozen=True)
class Camera:
    """How a camera moved over T frames.

    moves float64 [T,2,3]: pixels of frame t to pixels of the scene; registered bool [T]: false where the move is a
    guess between neighbours; size (width, height) of the scene, which holds every frame.
    """

    moves: np.ndarray
    registered: np.ndarray
    size: tuple[int, int]

    def scaled(self, frame: float, scene: float | None = None) -> "Camera":
        """The same camera for frames and a scene that are `zoom` times larger."""
        scene = frame if scene is None else scene
        moves = self.moves * scene
        moves[:, :, :2] /= frame
        width, height = (int(np.ceil(side * scene)) for side in self.size)
        return Camera(moves, self.registered, (width, height))

    def at(self, positions: np.ndarray) -> "Camera":
        """The camera at some of its frames."""
        return replace(self, moves=self.moves[positions], registered=self.registered[positions])

    @property
    def zoom(self) -> np.ndarray:
        """Pixels of the frame for one of the scene, float64 [T]."""
        return np.asarray(1 / np.sqrt(np.abs(np.linalg.det(self.moves[:, :, :2]))))

    @property
    def roll(self) -> np.ndarray:
        """By how much the scene is turned in each frame, radians, clockwise as seen, float64 [T]."""
        return np.asarray(-np.arctan2(self.moves[:, 1, 0], self.moves[:, 0, 0]))

    def register(self, frame: np.ndarray, position: int) -> tuple[np.ndarray, np.ndarray]:
        """A frame [h,w,3] placed in the scene, and bool [H,W], where it does not reach."""
        inside = np.full(frame.shape[:2], 255, np.uint8)
        matrix = centred(self.moves[position])
        laid = cv2.warpAffine(frame, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return laid, cv2.warpAffine(inside, matrix, self.size, flags=cv2.INTER_NEAREST) == 0


def share_at_rest(samples: np.ndarray) -> float:
    """Share of a scene's edges that stay in place, 0..1, from small pictures uint8 [N,h,w,3] over a recording.

    The quick test before anything else: half a ms a picture, and at most 11 of them. An edge of the median picture
    stays when, but for the brightest and the darkest moments, its brightness changes by less than what half a pixel of
    movement would change. If the median lacks most edges of a single picture, nothing stays; if there are no edges,
    everything does. Measured: rendered and real cameras at rest 0.2 to 1.0; hand-held, panning and zooming ones 0.00;
    one that was knocked halfway 0.08 to 0.16. Strong changes of light make it small too.
    """
    chosen = samples[np.unique(np.linspace(0, len(samples) - 1, LOOKS).round().astype(int))]
    evened = np.stack([_evened(picture) for picture in chosen])
    ordered = np.sort(evened, axis=0).astype(np.float32)
    left_out = max(1, round(0.1 * len(ordered)))
    change = ordered[-1 - left_out] - ordered[left_out]
    steepness = _steepness(ordered[len(ordered) // 2])
    stays, single = change < 0.5 * steepness, _steepness(evened[len(evened) // 2].astype(np.float32))
    shares = []
    for edge in EDGES:
        one, kept = int((single > edge).sum()), steepness > edge
        if one >= LEAST_EDGES * kept.size:
            shares.append(float(stays[kept].sum() / max(kept.sum(), LEAST_KEPT * one)))
    return max(shares, default=1.0)


def _steepness(evened: np.ndarray) -> np.ndarray:
    """Gradient of a normalised picture float32 [h,w], in grey levels per px, float32 [h,w]."""
    return np.hypot(*(cv2.Sobel(evened, cv2.CV_32F, x, 1 - x, scale=1 / 8) for x in (1, 0)))


def follow_camera(frames: Frames, count: int) -> Camera | None:
    """The moves of a camera over all small frames uint8 [h,w,3]; None where it is at rest or this cannot be decided.

    Parameters
    ----------
    frames
        Yields all frames at each call; it is called three times.
    count
        How many there are.

    Raises
    ------
    LostCamera
        The camera moves and the frames cannot be registered with one another.
    """
    chain = _Chain()
    for frame in frames():
        chain.add(_evened(frame))
    moves, registered = np.stack(chain.moves), np.array(chain.registered)
    if chain.textured < 0.5 * count:
        return None
    if not chain.whole or registered.mean() < LEAST_REGISTERED:
        raise LostCamera
    shape = next(iter(frames())).shape[:2]
    if _travel(moves[registered], shape) < MOVED:
        return None
    refined = _against_mosaic(frames, _placed(moves, registered, shape))
    if refined.registered.mean() < LEAST_REGISTERED:
        raise LostCamera
    if _travel(refined.moves[refined.registered], shape) < MOVED:  # the chain drifted; the camera did not move
        return None
    return _placed(refined.moves, refined.registered, shape)


class LostCamera(Exception):  # noqa: N818 - no fault: the next way of finding the subject is tried
    """The camera moves, and its frames cannot be brought into one picture."""


class _Chain:
    """The moves of frames to the first. Each is registered with a key frame, which changes in time."""

    def __init__(self) -> None:
        self.moves: list[np.ndarray] = []
        self.registered: list[bool] = []
        self.textured, self.failed, self.whole = 0, 0, True
        self.key: np.ndarray | None = None

    def add(self, picture: np.ndarray) -> None:
        """The next frame, normalised."""
        if self.key is None:
            self._take_key(picture, IDENTITY)
            self.moves.append(IDENTITY)
            self.registered.append(True)
            return
        guess = compose(inverse(self.key_move), self.moves[-1])
        found = _registered(self.key, picture, self.corners, guess)
        self.textured += int(self.clear)
        self.registered.append(found is not None)
        self.failed = 0 if found is not None else self.failed + 1
        move = self.moves[-1] if found is None else compose(self.key_move, found[0])
        self.moves.append(move)
        if found is not None and found[1] < 0.6:
            self._take_key(picture, move)
        elif self.failed > PATIENCE:
            self.whole = self.whole and not self.clear
            self.failed = 0
            self._take_key(picture, move)

    def _take_key(self, picture: np.ndarray, move: np.ndarray) -> None:
        self.key, self.key_move, self.corners = picture, move, _corners(picture)
        self.clear = _textured(picture)


def _textured(picture: np.ndarray) -> bool:
    """Whether enough of a normalised picture has texture above its noise."""
    return _cells(_corners(picture, least=CLEAR), picture.shape) >= LEAST_CELLS


def _evened(picture: np.ndarray) -> np.ndarray:
    """A picture's grey uint8 [h,w], with the same local brightness and contrast everywhere, whatever the light."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean = cv2.blur(grey, (25, 25))
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey, (25, 25)) - mean * mean, 0)) + 4
    return cv2.GaussianBlur(np.clip(128 + 50 * (grey - mean) / spread, 0, 255).astype(np.uint8), (0, 0), 0.8)


def _corners(picture: np.ndarray, free: np.ndarray | None = None, least: float = FAINT) -> np.ndarray:
    """At most `PER_CELL` corners in each cell of a normalised picture, float32 [n,2], none near its border."""
    strength = cv2.cornerMinEigenVal(picture, 5)
    peak = (strength == cv2.dilate(strength, np.ones((7, 7)))) & (strength > least)
    peak[:5], peak[-5:], peak[:, :5], peak[:, -5:] = False, False, False, False
    if free is not None:
        peak &= free
    rows, columns = np.nonzero(peak)
    order = np.argsort(-strength[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    cell = _cell(np.stack([columns, rows], 1), picture.shape)
    sorted_by_cell = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[sorted_by_cell], cell[sorted_by_cell])
    kept = sorted_by_cell[np.arange(len(cell)) - first < PER_CELL]
    return np.stack([columns[kept], rows[kept]], 1).astype(np.float32)


def _cell(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    side = max(shape[:2]) / CELLS
    return (points[:, 1] // side).astype(int) * (CELLS + 1) + (points[:, 0] // side).astype(int)


def _cells(points: np.ndarray, shape: tuple[int, ...]) -> int:
    """In how many cells of the picture there are points [n,2]."""
    return len(np.unique(_cell(points, shape)))


def _tracked(
    source: np.ndarray, target: np.ndarray, corners: np.ndarray, guess: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where corners of the source are in the target, float32 [n,2], and which were found there and back, bool [n]."""
    ends, there, _ = cv2.calcOpticalFlowPyrLK(
        source, target, corners, guess.astype(np.float32), winSize=(15, 15), flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    back, again, _ = cv2.calcOpticalFlowPyrLK(
        target, source, ends, corners.copy(), winSize=(15, 15), flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    near = np.abs(back - corners).max(axis=1) < THERE_AND_BACK
    return ends, near & (there[:, 0] > 0) & (again[:, 0] > 0)


def _registered(
    source: np.ndarray, target: np.ndarray, corners: np.ndarray, guess: np.ndarray
) -> tuple[np.ndarray, float] | None:
    """The move of the target's points to the source's, and the share of corners that follow it; None where too few do.

    guess: the move that is expected. The corners that follow must be spread over the picture, or they may be the
    subject.
    """
    if len(corners) < 12:
        return None
    to_target = centred(inverse(guess))
    ends, kept = _tracked(source, target, corners, corners @ to_target[:, :2].T + to_target[:, 2])
    if kept.sum() < 12:
        return None
    matrix, agree = cv2.estimateAffinePartial2D(
        ends[kept], corners[kept], method=cv2.RANSAC, ransacReprojThreshold=1.0, maxIters=500
    )
    if matrix is None:
        return None
    following = corners[kept][agree[:, 0] > 0]
    spread = _cells(following, source.shape) / _cells(corners, source.shape)
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if len(following) < 12 or len(following) < 0.35 * kept.sum() or spread < 0.25 or not 0.3 < zoom < 3.3:
        return None
    return _edged(matrix), len(following) / len(corners)


def _edged(matrix: np.ndarray) -> np.ndarray:
    """The inverse of `centred`."""
    return np.column_stack([matrix[:, :2], matrix[:, 2] - matrix[:, :2].sum(axis=1) / 2 + 0.5])


def _around(moves: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Where the picture's four corners lie in the scene, float64 [T,4,2]."""
    height, width = shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], float)
    return np.einsum("tij,cj->tci", moves, corners)


def _travel(moves: np.ndarray, shape: tuple[int, int]) -> float:
    """How far the picture's corners get from where they mostly are, in px: the 95th percentile over frames."""
    corners = _around(moves, shape)
    return float(np.percentile(np.abs(corners - np.median(corners, axis=0)).max(axis=(1, 2)), 95))


def _placed(moves: np.ndarray, registered: np.ndarray, shape: tuple[int, int]) -> Camera:
    """A camera whose scene has the scale and the upright of its middle frame, and holds every frame."""
    known = np.flatnonzero(registered)
    steps = np.arange(len(moves))
    filled = np.stack([np.interp(steps, known, moves[known, i, j]) for i in (0, 1) for j in (0, 1, 2)], 1)
    filled = filled.reshape(-1, 2, 3)
    filled = np.stack([compose(inverse(filled[known[len(known) // 2]]), move) for move in filled])
    corners = _around(filled, shape)
    low, high = np.floor(corners.min(axis=(0, 1))), np.ceil(corners.max(axis=(0, 1)))
    if (high - low).prod() > WIDEST * shape[0] * shape[1]:
        raise LostCamera
    filled[:, :, 2] -= low
    return Camera(filled, registered, (int(high[0] - low[0]), int(high[1] - low[1])))


def mosaic(camera: Camera, frames: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The median picture of a camera's frames uint8 [H,W,3], laid into the scene, and where it was not seen [H,W]."""
    laid, outside = zip(*(camera.register(frame, at) for at, frame in enumerate(frames)), strict=True)
    return free_median(np.stack(laid), np.stack(outside)), np.all(outside, axis=0)


def _against_mosaic(frames: Frames, camera: Camera) -> Camera:
    """Each frame registered with the median picture of the scene, as it is expected in that frame."""
    chosen = np.flatnonzero(camera.registered)
    chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, MOSAIC_FRAMES).round().astype(int))]
    some = (frame for at, frame in enumerate(frames()) if at in set(chosen.tolist()))
    scene, unseen = mosaic(camera.at(chosen), some)
    moves, registered = camera.moves.copy(), camera.registered.copy()
    for at, frame in enumerate(frames()):
        back, size = centred(inverse(moves[at])), frame.shape[1::-1]
        expected = _evened(cv2.warpAffine(scene, back, size, borderMode=cv2.BORDER_REPLICATE))
        free = cv2.warpAffine(unseen.astype(np.uint8), back, size, borderValue=1) == 0
        found = _registered(expected, _evened(frame), _corners(expected, free), IDENTITY)
        registered[at] = found is not None
        if found is not None:
            moves[at] = compose(moves[at], found[0])
    return replace(camera, moves=moves, registered=registered)


def laid_out(camera: Camera, frames: Iterable[np.ndarray], around: np.ndarray) -> Iterator[np.ndarray]:
    """Every frame placed in the scene, with the picture `around` uint8 [H,W,3] where it does not reach."""
    for at, frame in enumerate(frames):
        laid, outside = camera.register(frame, at)
        laid[outside] = around[outside]
        yield laid


def local_saliency(frames: Iterable[np.ndarray], step: int, reach: int = 3) -> Iterator[np.ndarray]:
    """Soft foreground float32 [h,w] of every frame: what differs from the frames around it, each registered with it.

    Parameters
    ----------
    frames
        Small pictures uint8 [h,w,3].
    step
        Frames between two that are compared.
    reach
        How many such steps before and after give the local background, their median.
    """
    near: deque[np.ndarray] = deque(maxlen=2 * reach * step + 1)
    at, read = 0, 0
    for frame in frames:
        near.append(frame)
        read += 1
        if read > reach * step:
            yield _apart(near, at - (read - len(near)), step)
            at += 1
    while at < read:
        yield _apart(near, at - (read - len(near)), step)
        at += 1


def _apart(near: deque[np.ndarray], position: int, step: int) -> np.ndarray:
    """How far the frame at `position` is from the median of the others, every `step`-th, registered with it."""
    frame = near[position]
    others = [*_neighbours(near, position, step), *_neighbours(near, position, -step)]
    if not others:  # without texture, nothing can be registered
        others = [(near[other], IDENTITY) for other in range(position % step, len(near), step) if other != position]
    camera = Camera(np.stack([move for _, move in others]), np.ones(len(others), bool), frame.shape[1::-1])
    background, _ = mosaic(camera, [picture for picture, _ in others])
    distance = cv2.absdiff(frame, background).max(axis=2)
    return saliency(frame, background, 1.4826 * float(np.median(distance)))


def _neighbours(near: deque[np.ndarray], position: int, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every `step`-th frame from a first one on, with its move to that frame, as far as they can be registered."""
    evened = _evened(near[position])
    corners, guess = _corners(evened), IDENTITY
    for other in range(position + step, len(near) if step > 0 else -1, step):
        found = _registered(evened, _evened(near[other]), corners, guess)
        if found is None:
            return
        guess = found[0]
        yield near[other], guess
