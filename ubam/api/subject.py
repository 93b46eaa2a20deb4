"""The subject of one recording: where it is in every frame, and its crops on disk."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import probe
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops
from ubam.tracking.first_pass import read_first_pass
from ubam.tracking.locate import find_subject as locate

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SubjectBoxes:
    """Where the subject of a recording is in its T frames.

    frame_index int64 [T], counted in the file from 0; time_s float64 [T], seconds of the video's own clock; box float32
    [T, 4] (x0, y0, x1, y1) in pixels, square, of one size where the camera does not zoom; found bool [T]: whether it is
    in view; body_height: its usual height in pixels; warnings: what to know before trusting the boxes.
    """

    frame_index: np.ndarray
    time_s: np.ndarray
    box: np.ndarray
    found: np.ndarray
    body_height: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CroppedRecording:
    """A recording and its crops: what a model is fitted on and encodes.

    `store` has views uint8 [T, V, V, 3], `crops(positions)` uint8 [n, S, S, 3], box [T, 4] and time_s [T].
    """

    recording: Recording
    store: CropStore


def find_subject(recording: Recording | Path | str, progress: Progress | None = None) -> SubjectBoxes:
    """Find the one subject of a recording, or of a whole video file, in every frame.

    progress: called with the frames that are read and twice their number, as `crop` reads them a second time.

    Raises
    ------
    VideoError
        The video is missing, unreadable, or has fewer than 8 frames to use.
    """
    one = _recording(recording)
    with tempfile.TemporaryDirectory() as folder:
        survey = read_first_pass(one, probe(one.video), Path(folder), progress)
        track = locate(one, survey).track
    frames = survey.first + np.arange(len(survey.times))
    return SubjectBoxes(frames, survey.times, track.box, track.found, track.body_height, track.warnings)


def crop(
    recording: Recording | Path | str, out: Path | str, *, crop_size: int = 128, view_size: int = 64,
    progress: Progress | None = None,
) -> CroppedRecording:  # fmt: skip
    """Find the subject of a recording, or of a whole video file, and write its crops and views into the folder `out`.

    Crops that are there already and still hold are opened. crop_size, view_size: sides in pixels.

    Raises
    ------
    VideoError
        The video is missing, unreadable, or has fewer than 8 frames to use.
    """
    one = _recording(recording)
    return CroppedRecording(one, build_crops(one, out, crop_size=crop_size, view_size=view_size, progress=progress))


def _recording(given: Recording | Path | str) -> Recording:
    """A recording as it is; a video file as a recording of a subject that has the file's name."""
    if isinstance(given, Recording):
        return given
    path = Path(given).absolute()
    return Recording(path.stem, 0, path, path.stem, "")
