"""The first pass over a video: every frame small, some at full size, all times."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from ubam.core.errors import VideoError
from ubam.core.typing import Progress
from ubam.recordings.film import VideoInfo
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import read_timed_frames
from ubam.tracking.disturbances.light import light_of
from ubam.tracking.scene.background import reduced

SMALL_SIDE = 256
MIN_FRAMES = 8
SAMPLE_BYTES = 160_000_000


@dataclass
class FirstPass:
    """What the first pass learns: times float64 [T] from frame_index `first` on, full-size samples, small pictures.

    samples uint8 [N,H,W,3] are the frames at `sampled` int64 [N], counted from the first; a small picture is
    `reduction` times smaller. declared: how many frames the file says it has; light float32 [T,48]: how bright the
    parts of each frame are.
    """

    first: int
    times: np.ndarray
    samples: np.ndarray
    sampled: np.ndarray
    blob: Path
    offsets: np.ndarray
    reduction: int
    light: np.ndarray
    declared: int = 0

    @property
    def fps(self) -> float:
        """Frames per second, by the median step."""
        return float(1 / np.median(np.diff(self.times)))

    def small_frames(self, first: int = 0, last: int | None = None) -> Iterator[np.ndarray]:
        """The small pictures of every frame, or of those from one on and before another, uint8 [h,w,3] RGB."""
        offsets = self.offsets[first : None if last is None else last + 1]
        with open(self.blob, "rb") as blob:
            blob.seek(offsets[0])
            for start, stop in pairwise(offsets):
                yield from_jpeg(blob.read(stop - start), self.blob)


def read_first_pass(
    recording: Recording, info: VideoInfo, folder: Path, progress: Progress | None = None, reduction: int | None = None
) -> FirstPass:
    """Read a recording once; its small pictures, `reduction` times smaller, go to small.bin in `folder`.

    Raises
    ------
    VideoError
        Fewer than 8 frames can be used.
    """
    reduction = reduction or reduction_of(info.width, info.height)
    samples = _Samples(int(np.clip(SAMPLE_BYTES // (info.width * info.height * 3), 15, 41)))
    first, times, offsets, light = 0, array("d"), array("q", [0]), array("f")
    frames = read_timed_frames(recording.video, fps=recording.fps, start_s=recording.start_s, end_s=recording.end_s)
    total = declared_frames(recording, info)
    with open(folder / "small.bin", "wb") as blob:
        for index, time_s, frame in frames:
            first = index if not times else first
            times.append(time_s)
            samples.offer(frame)
            small = reduced(frame, reduction)
            light.frombytes(light_of(small).tobytes())
            offsets.append(offsets[-1] + blob.write(to_jpeg(small)))
            if progress and len(times) % 32 == 0:
                progress(min(len(times), total), total)
    if len(times) < MIN_FRAMES:
        raise VideoError(
            f"{recording.video}: only {len(times)} frames could be used, at least {MIN_FRAMES} are needed; "
            "check start_s and end_s, or record longer"
        )
    return FirstPass(
        first, np.array(times), np.stack(samples.kept), samples.every * np.arange(len(samples.kept)),
        folder / "small.bin", np.array(offsets), reduction, np.array(light, np.float32).reshape(len(times), -1),
        info.frames_declared,
    )  # fmt: skip


def reduction_of(width: int, height: int) -> int:
    """How many times smaller a picture is surveyed; whole numbers are fast."""
    return -(-max(width, height) // SMALL_SIDE)


class _Samples:
    """At most `capacity` frames evenly spread over a stream whose length is not known beforehand."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.every, self.seen = capacity, 1, 0
        self.kept: list[np.ndarray] = []

    def offer(self, frame: np.ndarray) -> None:
        if self.seen % self.every == 0:
            if len(self.kept) == self.capacity:
                self.kept, self.every = self.kept[::2], 2 * self.every
            if self.seen % self.every == 0:
                self.kept.append(frame)
        self.seen += 1


def to_jpeg(picture: np.ndarray) -> bytes:
    """A picture uint8 [h,w,3] RGB as a JPEG."""
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def from_jpeg(encoded: bytes, place: Path) -> np.ndarray:
    """A JPEG as uint8 [h,w,3] RGB."""
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
    if picture is None:
        raise VideoError(f"{place}: its crops are damaged; remove that folder and run the crops stage again")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def declared_frames(recording: Recording, info: VideoInfo) -> int:
    """Frames that the file declares, of the recording's part where one is given."""
    fps = recording.fps or info.fps
    start = min(info.frames_declared, int(np.ceil((recording.start_s or 0) * fps)))
    stop = info.frames_declared if recording.end_s is None else int(np.ceil(recording.end_s * fps))
    return max(1, min(stop, info.frames_declared) - start)
