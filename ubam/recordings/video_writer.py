"""Video files out: clips from frames, and copies that a browser plays."""

import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import IO, cast

import av
import cv2
import ffmpeg
import numpy as np

from ubam.core.errors import VideoError
from ubam.core.files import atomic_path
from ubam.recordings.ffmpeg import complaints_of, full_command
from ubam.recordings.film import VideoInfo
from ubam.recordings.video_reader import probe, read_timed_frames

Box = tuple[int, int, int, int]
Sides = tuple[float, float, float, float]
TICK = Fraction(1, 90_000)  # seconds: a copy keeps the times of its frames to this


def write_clip(path: Path | str, frames: Iterable[np.ndarray], fps: float, crf: int = 20) -> None:
    """Write frames uint8 [H,W,3] RGB as an H.264 MP4 that plays in browsers; the file is whole or absent.

    An odd height or width is padded by repeating the last row or column, as yuv420p needs even sizes. No metadata.

    Raises
    ------
    VideoError
        No frames, or the encoder failed (a full disk for example).
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise VideoError(f"{path}: there is no frame to write")
    with clip_film(path, first.shape, fps, crf) as add:
        for frame in chain([first], frames):
            add(frame)


@contextmanager
def clip_film(path: Path, shape: tuple[int, ...], fps: float, crf: int = 20) -> Iterator[Callable[[np.ndarray], None]]:
    """What adds a frame of `shape` to the clip that `write_clip` would write; it takes its place at the end."""
    height, width = (side + side % 2 for side in shape[:2])
    source = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", framerate=_rate(fps))
    with atomic_path(path) as temporary:
        output = source.output(
            str(temporary), format="mp4", vcodec="libx264", pix_fmt="yuv420p", crf=crf, preset="veryfast", threads=1,
            movflags="+faststart", map_metadata=-1, fflags="+bitexact", **{"flags:v": "+bitexact"},
        )  # fmt: skip
        with _encoder(output, shape, path) as add:
            yield add


def write_copy(
    path: Path | str, out: Path | str, *, blur: Callable[[float], Sides] | None = None, max_width: int | None = None
) -> None:
    """Write a copy that plays in browsers, every frame at its own time, without sound and metadata; whole or absent.

    Parameters
    ----------
    path
        The video.
    out
        The MP4 to write (H.264).
    blur
        Called with the time of each frame in seconds from the first: its (x0, y0, x1, y1) in pixels is shown as 4 x 4
        patches of mean colour, which nothing undoes.
    max_width
        Scale down to this width; None: as large as it is.

    Raises
    ------
    VideoError
        Unreadable, the box is outside the picture in every frame, or the encoder failed (a full disk for example).
    """
    path, out, info = Path(path), Path(out), probe(path)
    size = (info.width, info.height) if max_width is None or info.width <= max_width else _narrowed(info, max_width)
    with atomic_path(out) as temporary:
        try:
            _copy_frames(path, temporary, info.fps, size, None if blur is None else _Blur(info, blur))
        except (OSError, av.FFmpegError) as error:
            raise VideoError(f"{path}: could not be copied ({error}); is the disk full?") from error


def _narrowed(info: VideoInfo, width: int) -> tuple[int, int]:
    return width, max(2, round(info.height * width / info.width / 2) * 2)


class _Blur:
    """Hides a part of every frame, and remembers whether there ever was one."""

    def __init__(self, info: VideoInfo, where: Callable[[float], Sides]) -> None:
        self._info, self._where, self.hid = info, where, False

    def __call__(self, picture: np.ndarray, time_s: float) -> np.ndarray:
        x0, y0, x1, y1 = (round(side) for side in self._where(time_s))
        box = max(0, x0), max(0, y0), min(self._info.width, x1), min(self._info.height, y1)
        if box[2] - box[0] < 2 or box[3] - box[1] < 2:
            return picture
        self.hid = True
        return _patched(picture, box)


def _copy_frames(path: Path, out: Path, fps: float, size: tuple[int, int], blur: _Blur | None) -> None:
    """Encode every frame at its own time; sizes are made even by repeating the last row and column."""
    with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        options = {"preset": "veryfast", "crf": "18", "flags": "+bitexact"}
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(100_000), options=options)
        stream.width, stream.height = (side + side % 2 for side in size)
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        stream.codec_context.time_base = stream.time_base = TICK
        for _, time_s, picture in read_timed_frames(path):
            if blur is not None:
                picture = blur(picture, time_s)
            if size != picture.shape[1::-1]:
                picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            frame = av.VideoFrame.from_ndarray(_even(picture), format="rgb24")
            frame.pts, frame.time_base = round(time_s / TICK), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if blur is not None and not blur.hid:
        raise VideoError(f"{path}: the part to hide is never in the picture")


def _patched(picture: np.ndarray, box: Box) -> np.ndarray:
    """The picture with a box as 4 x 4 patches of its mean colours."""
    x0, y0, x1, y1 = box
    small = cv2.resize(picture[y0:y1, x0:x1], (4, 4), interpolation=cv2.INTER_AREA)
    patched = picture.copy()
    patched[y0:y1, x0:x1] = cv2.resize(small, (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
    return patched


def _rate(fps: float) -> str:
    return str(Fraction(fps).limit_denominator(100_000))


@contextmanager
def _encoder(output: object, shape: tuple[int, ...], path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    with tempfile.TemporaryFile() as said:
        command = [part for part in full_command(output) if part != "-nostdin"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        pipe = cast(IO[bytes], process.stdin)

        def add(frame: np.ndarray) -> None:
            if frame.shape != shape or frame.dtype != np.uint8:
                raise ValueError(f"frames must all be uint8 {shape}; one is {frame.dtype} {frame.shape}")
            pipe.write(_even(frame).tobytes())

        try:
            yield add
            pipe.close()
        except BrokenPipeError:
            pass  # ffmpeg ended early; its return code and its words follow
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() != 0:
            reason = "; ".join(complaints_of(said)) or f"return code {process.returncode}"
            raise VideoError(f"{path}: the clip could not be written ({reason}); is the disk full?")


def _even(frame: np.ndarray) -> np.ndarray:
    bottom, right = frame.shape[0] % 2, frame.shape[1] % 2
    return np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else frame
