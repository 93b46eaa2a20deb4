"""Two recordings of one subject beside each other in phase: the right one shows the same moment of the movement.

The left film runs as it was recorded. Each of its frames has beside it the frame of the other recording whose posture
is matched to it, as twins are matched (`ubam.deviation`). Both are cut out around the subject, at one size.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from ubam.api.deviation import series_of
from ubam.core.files import write_json
from ubam.deviation.twin import Matcher, twin_basis
from ubam.recordings.video_reader import read_timed_frames
from ubam.recordings.video_writer import write_clip
from ubam.results.embeddings import Embeddings, read_embeddings

SIDE = 420  # pixels of a panel
GAP = 8
LONGEST = 1500  # frames of the film: a minute at 25 a second
LEAP_S = 0.2  # the other recording is left and entered elsewhere where its clock moves by more than this beside ours


def matched_frames(left: Embeddings, right: Embeddings) -> np.ndarray:
    """For every frame [T] of `left` the frame of `right` that shows the same moment of the movement."""
    ours, theirs = series_of(left), series_of(right)
    frames: np.ndarray = Matcher([theirs], twin_basis([ours, theirs])).twin(ours).references[0][1]
    return frames


def leaps(left_s: np.ndarray, right_s: np.ndarray) -> int:
    """How often the matched moments right_s [T] do not go on as the moments left_s [T] do."""
    return int((np.abs(np.diff(right_s) - np.diff(left_s)) > LEAP_S).sum())


def write_in_phase(
    run: Path, names: tuple[str, str], videos: Mapping[str, Path], out: Path, progress: Callable[[str, int, int], None]
) -> None:
    """Write the film of the recordings `names` (left, right) of a run, and its JSON; `videos` by their names.

    Raises
    ------
    RunError
        A recording has no embeddings.
    VideoError
        A video cannot be read.
    """
    left, right = (read_embeddings(run, name) for name in names)
    path = matched_frames(left, right)[:LONGEST]
    times, total = left.time_s[: len(path)], len(path)
    beside = {
        frame: cv2.imencode(".jpg", panel, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        for frame, panel in _panels(videos[names[1]], right, set(path.tolist()))
    }

    def pairs() -> Iterator[np.ndarray]:
        for frame, panel in _panels(videos[names[0]], left, set(range(total))):
            progress("magnify", frame + 1, total)
            other = beside.get(int(path[frame]))
            shown = np.zeros_like(panel) if other is None else np.asarray(cv2.imdecode(other, cv2.IMREAD_COLOR))
            yield np.hstack([panel, np.full((SIDE, GAP, 3), 255, np.uint8), shown])

    write_clip(out, pairs(), left.fps)
    write_json(out.with_suffix(".json"), {
        "recording_id": names[0], "appearance": names[1], "layout": "in-phase", "frames": total, "fps": left.fps,
        "from_s": float(times[0]), "to_s": float(times[-1]), "leaps": leaps(times, right.time_s[path]),
    })  # fmt: skip


def _panels(video: Path, one: Embeddings, wanted: set[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted frames of a recording, by their places in it: the square around the subject, uint8 [SIDE, SIDE, 3]."""
    places = {int(index): place for place, index in enumerate(one.frame_index) if place in wanted}
    last = max(places, default=-1)
    for index, _, picture in read_timed_frames(video):
        if index in places:
            yield places[index], _around(picture, one.box[places[index]])
        if index >= last:
            return


def _around(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The part of a picture in a box; what lies outside of the picture repeats its edge."""
    x0, y0, x1, y1 = (round(float(side)) for side in box)
    beyond = max(0, -x0, -y0, x1 - picture.shape[1], y1 - picture.shape[0])
    padded = np.pad(picture, ((beyond, beyond), (beyond, beyond), (0, 0)), mode="edge") if beyond else picture
    part = padded[y0 + beyond : max(y1, y0 + 1) + beyond, x0 + beyond : max(x1, x0 + 1) + beyond]
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
