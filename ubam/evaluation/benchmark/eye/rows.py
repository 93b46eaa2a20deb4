"""What is asked to see: from a crop, its neighbours in time and the empty scene to an outline and landmarks."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import read_frames
from ubam.tracking.crop_store import CropStore
from ubam.tracking.eye.eye import Eye
from ubam.tracking.eye.landmarks import LANDMARKS
from ubam.tracking.eye.network import SIDE
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.views import cut, in_picture, scene_at, turned

EYE_LANDMARKS = tuple(dict.fromkeys(name for names in LANDMARKS.values() for name in names))


@dataclass(frozen=True)
class Moment:
    """A frame as an eye gets it: crop uint8 [S, S, 3], neighbours uint8 [n, S, S, 3] of the same box, the scene there.

    position: of the frame in its crop store.
    """

    crop: np.ndarray
    neighbours: np.ndarray
    background: Scene
    position: int


@dataclass(frozen=True)
class Sight:
    """What an eye makes of a crop: outline float32 [s, s] in 0..1 at any side s; landmarks [K, 2] as shares of it."""

    outline: np.ndarray
    landmarks: np.ndarray | None = None


See = Callable[[np.ndarray, np.ndarray, Scene], Sight]  # (crop, neighbours, background)


@dataclass(frozen=True)
class EyeRow:
    """A row of the table: `open` makes ready for one recording.

    side: px of its crops; around: which frames are neighbours, from the frame itself; landmarks: their names.
    """

    name: str
    open: Callable[[CropStore], Callable[[Moment], Sight]]
    side: int = SIDE
    around: tuple[int, ...] = (-1, 1)
    landmarks: tuple[str, ...] = ()


def seeing(
    name: str, see: See, *, side: int = SIDE, around: tuple[int, ...] = (-1, 1), landmarks: tuple[str, ...] = ()
) -> EyeRow:
    """The row of anything that sees: `see(crop, neighbours, background)`."""

    def opened(_: CropStore) -> Callable[[Moment], Sight]:
        return lambda moment: see(moment.crop, moment.neighbours, moment.background)

    return EyeRow(name, opened, side, around, landmarks)


def _of_views(store: CropStore) -> Callable[[Moment], Sight]:
    """The outlines that the encoder sees: the saliency of the stored views."""

    def see(moment: Moment) -> Sight:
        salient = np.asarray(store.views[moment.position, ..., 0], np.float32) / 255
        return Sight(turned(salient, -float(store.heading[moment.position])))

    return see


def _whole_box(crop: np.ndarray, _: np.ndarray, __: Scene) -> Sight:
    return Sight(np.ones(crop.shape[:2], np.float32))


def _of_the_eye(_: CropStore) -> Callable[[Moment], Sight]:
    """The shipped eye, which decides itself which plan of body it sees."""
    eye = Eye.load()

    def see(moment: Moment) -> Sight:
        seen = eye.see(moment.crop[None], moment.background.background, neighbours=moment.neighbours[None])
        landmarks = np.full((len(EYE_LANDMARKS), 2), np.nan)
        landmarks[[EYE_LANDMARKS.index(name) for name in seen.names]] = seen.landmarks[0]
        return Sight(seen.alpha[0], landmarks)

    return see


def eye_rows() -> dict[str, EyeRow]:
    """All rows by name: `box` (everything in it is the subject), `now` (the outlines of the views), `eye`."""
    eye = EyeRow("eye", _of_the_eye, landmarks=EYE_LANDMARKS)
    rows = (seeing("box", _whole_box), EyeRow("now", _of_views), eye)
    return {row.name: row for row in rows}


@dataclass(frozen=True)
class Looked:
    """A frame uint8 [H, W, 3], its outline float32 [H, W] in 0..1, and landmarks [K, 2] px where the row gives them."""

    picture: np.ndarray
    outline: np.ndarray
    landmarks: np.ndarray | None


def look_at(recording: Recording, store: CropStore, row: EyeRow, positions: Sequence[int]) -> Iterator[Looked]:
    """What a row sees in the frames at these positions of the store, in rising order.

    A frame in which the subject was not found has an empty outline and no landmarks.
    """
    see, whole, last = row.open(store), store.whole_scene(), len(store.frame_index) - 1
    near = [[position, *(min(max(position + step, 0), last) for step in row.around)] for position in positions]
    wanted = [[int(store.frame_index[one]) for one in ones] for ones in near]
    for position, frames in zip(positions, _frames_of(recording.video, wanted), strict=False):
        picture, box = frames[0], store.box[position]
        if not store.found[position]:
            missing = np.full((len(row.landmarks), 2), np.nan) if row.landmarks else None
            yield Looked(picture, np.zeros(picture.shape[:2], np.float32), missing)
            continue
        crops = np.stack([cut(frame, box, row.side) for frame in frames])
        behind = scene_at(store.seen(whole, position), box, row.side)
        sight = see(Moment(crops[0], crops[1:], behind, position))
        landmarks = None if sight.landmarks is None else box[:2] + sight.landmarks * (box[2] - box[0])
        yield Looked(picture, in_picture(sight.outline, box, (picture.shape[1], picture.shape[0])), landmarks)


def _frames_of(video: Path, wanted: Sequence[Sequence[int]]) -> Iterator[list[np.ndarray]]:
    """For each list of frame numbers, in rising order of the lists, its frames; each decoded once, none kept long."""
    if not wanted:
        return
    needed, kept = {number for numbers in wanted for number in numbers}, dict[int, np.ndarray]()
    pending = deque(wanted)
    first = min(needed)
    frames = read_frames(video, start_frame=first, stop_frame=max(needed) + 1)
    for number, frame in enumerate(frames, first):
        if number in needed:
            kept[number] = frame
        while pending and max(pending[0]) <= number:
            yield [kept[one] for one in pending.popleft()]
            oldest = min((min(numbers) for numbers in pending), default=number)
            kept = {one: picture for one, picture in kept.items() if one >= oldest}
