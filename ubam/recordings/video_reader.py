"""Video files in and out: probe, frames with their times, clips. The only file that decodes.

Pixels come from ffmpeg (one subprocess, one thread) or, where times are wanted beside them, from OpenCV; both turn
rotated phone videos upright and give the same bytes. Playlists, concatenations and networks are refused.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast

import cv2
import numpy as np

from ubam.core.errors import VideoError
from ubam.recordings.container import read_packets, shown_seconds
from ubam.recordings.ffmpeg import FORMATS, complaints_of, full_command, video_source

MAX_PIXELS = 8192 * 4608
MAX_FRAMES = 20_000_000
GLIMPSE_S = 10.0
RAW: dict[str, Any] = {"format": "rawvideo", "pix_fmt": "rgb24", "fps_mode": "passthrough", "threads": 1}

os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = f"format_whitelist;{FORMATS}|protocol_whitelist;file"


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself: size as shown (upright), frames per second, frames and seconds declared."""

    width: int
    height: int
    fps: float
    frames_declared: int
    duration_s: float


def probe(path: Path | str, *, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES) -> VideoInfo:
    """Size, rate and length of a video, before any frame is decoded for use.

    A file whose edit list shows fewer frames than it stores declares those that it shows.

    Raises
    ------
    VideoError
        Missing, unreadable, not a video (playlists count as that), or larger than the limits.
    """
    path = Path(path)
    with _opened(path) as capture:
        width, height, fps, stored = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
                                      int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
                                      float(capture.get(cv2.CAP_PROP_FPS)),
                                      int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))  # fmt: skip
    if width < 1 or height < 1:
        raise VideoError(f"{path}: holds no picture; convert it to an MP4 (H.264) and try again")
    if width * height > max_pixels or stored > max_frames:
        raise VideoError(
            f"{path}: declares {stored} frames of {width}x{height}, above the limit of {max_frames} frames and "
            f"{max_pixels} pixels; cut or scale it down first"
        )
    fps = fps if np.isfinite(fps) and 0 < fps <= 100_000 else 25.0
    shown = shown_seconds(path)
    duration_s = shown or max(stored, 0) / fps
    if stored < 1 or stored * 0.9 > duration_s * fps + 1:
        stored = round(duration_s * fps)
    return VideoInfo(width, height, fps, stored, duration_s)


@contextmanager
def _opened(path: Path) -> Iterator["cv2.VideoCapture"]:
    if not path.is_file():
        raise VideoError(f"{path}: no such file; check the path in the study")
    if path.stat().st_size == 0:
        raise VideoError(f"{path}: the file is empty; copy it again from the camera")
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        if not capture.isOpened():
            raise VideoError(f"{path}: cannot be read as a video (damaged, cut short, or another kind of file); "
                             "does it play in a browser? If not, copy it again or convert it to MP4")  # fmt: skip
        yield capture
    finally:
        capture.release()


def _grabbed(capture: "cv2.VideoCapture", fps: float | None) -> Iterator[tuple[int, float]]:
    """(frame_index, time_s) of every frame, decoded, not yet fetched; without timestamps the rate gives the time."""
    step = 1.0 / (fps or capture.get(cv2.CAP_PROP_FPS) or 25.0)
    index, first, last = 0, 0.0, -step
    while capture.grab():
        stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        first = stamp if index == 0 else first
        time_s = index * step if fps else stamp - first
        last = time_s if time_s > last and np.isfinite(time_s) else last + step
        yield index, last
        index += 1


def read_timed_frames(
    path: Path | str, *, fps: float | None = None, start_s: float | None = None, end_s: float | None = None
) -> Iterator[tuple[int, float, np.ndarray]]:
    """(frame_index, time_s, frame uint8 [H,W,3] RGB) of the frames with start_s <= time_s < end_s, in order.

    time_s: seconds from the first frame, strictly rising, exact on variable frame rates; fps overrides the file's clock
    by frame_index / fps.
    """
    with _opened(Path(path)) as capture:
        for index, time_s in _grabbed(capture, fps):
            if end_s is not None and time_s >= end_s:
                return
            if start_s is None or time_s >= start_s:
                fetched, frame = capture.retrieve()
                if not fetched:
                    return
                yield index, time_s, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def read_frames(
    path: Path | str, *, start_frame: int = 0, stop_frame: int | None = None, step: int = 1,
    crop: tuple[int, int, int, int] | None = None, size: tuple[int, int] | None = None,
    damage: list[str] | None = None,
) -> Iterator[np.ndarray]:  # fmt: skip
    """Frames of a video in presentation order, uint8 [h,w,3] RGB, one per decoded frame; closing it ends ffmpeg.

    Parameters
    ----------
    path
        The video.
    start_frame
        First frame_index given.
    stop_frame
        `frame_index` after the last one given; None: to the end.
    step
        Every step-th frame, counted from start_frame.
    crop
        (x0, y0, x1, y1) in pixels, inside the picture.
    size
        (width, height) of the frames given, scaled by area; None: as cropped.
    damage
        After the last frame, gets what the decoder complained about: a truncated or rotten file adds lines,
        a sound one adds none. A damaged file still yields every frame that can be decoded.

    Raises
    ------
    VideoError
        Missing or unreadable, or no frame at all could be decoded.
    """
    info = probe(path)
    cut = f"trim=start_frame={start_frame}" + (f":end_frame={stop_frame}" if stop_frame is not None else "")
    filters = [cut, f"select=not(mod(n\\,{step}))"] if step > 1 else [cut]
    width, height = info.width, info.height
    if crop:
        filters += _crop_filters(crop)
        width, height = crop[2] - crop[0], crop[3] - crop[1]
    width, height = size or (width, height)
    filters.append(f"scale={width}:{height}:flags=area")
    output = video_source(path).output("pipe:", vf=",".join(filters), **RAW)
    expects_frames = start_frame < max(info.frames_declared, 1) and (stop_frame is None or stop_frame > start_frame)
    return _piped(output, height, width, Path(path) if expects_frames else None, damage)


def _crop_filters(crop: tuple[int, int, int, int]) -> list[str]:
    """Cut the even rectangle around the crop first, the rest once colours are whole: chroma has half the size."""
    x0, y0, x1, y1 = crop
    even_x, even_y = x0 - x0 % 2, y0 - y0 % 2
    outer = (
        f"crop=min(iw-{even_x}\\,{x1 + x1 % 2 - even_x}):min(ih-{even_y}\\,{y1 + y1 % 2 - even_y}):{even_x}:{even_y}"
    )
    return [outer + ":exact=1", "format=rgb24", f"crop={x1 - x0}:{y1 - y0}:{x0 - even_x}:{y0 - even_y}:exact=1"]


def _piped(
    output: object, height: int, width: int, source: Path | None, damage: list[str] | None
) -> Iterator[np.ndarray]:
    count = 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(full_command(output), stdout=subprocess.PIPE, stderr=said, stdin=subprocess.DEVNULL)
        pipe = cast(IO[bytes], process.stdout)
        try:
            while len(data := pipe.read(height * width * 3)) == height * width * 3:
                count += 1
                yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
            process.wait()
        finally:
            process.kill()
            process.wait()
            pipe.close()
        complaints = complaints_of(said)
    if count == 0 and source is not None:
        raise VideoError(f"{source}: no frame could be decoded ({'; '.join(complaints) or 'no reason given'}); "
                         "copy it again or convert it to MP4")  # fmt: skip
    if damage is not None:
        damage.extend(complaints)


def read_frame(path: Path | str, frame_index: int) -> np.ndarray:
    """One frame, uint8 [H,W,3] RGB, exact: seeks where the frame rate is constant, else decodes from the start.

    Raises
    ------
    VideoError
        The file is unreadable or has no such frame.
    """
    path = Path(path)
    info = probe(path)
    if frame_index < 0:
        raise VideoError(f"{path}: there is no frame {frame_index}; frames count from 0")
    with _opened(path) as capture:
        found = _seek(capture, frame_index, info.fps) if _has_constant_rate(*_identity(path)) else None
    if found is None:
        return _decoded_frame(path, frame_index)
    return found


def glimpse(path: Path | str) -> np.ndarray | None:
    """A frame from the middle, where subjects are in view, uint8 [H,W,3] RGB; None if none decodes there.

    At most ten seconds in: a long file without key frames would be decoded up to there. Raises VideoError for what is
    no video.
    """
    info = probe(path)
    source = video_source(path, ss=min(info.duration_s / 2, GLIMPSE_S))
    output = source.output("pipe:", vframes=1, vf=f"scale={info.width}:{info.height}:flags=area", **RAW)
    return next(_piped(output, info.height, info.width, None, None), None)


def _seek(capture: "cv2.VideoCapture", frame_index: int, fps: float) -> np.ndarray | None:
    capture.set(cv2.CAP_PROP_POS_FRAMES, frame_index)
    fetched, frame = capture.read()
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if fetched else None


def _decoded_frame(path: Path, frame_index: int) -> np.ndarray:
    for frame in read_frames(path, start_frame=frame_index, stop_frame=frame_index + 1):
        return frame
    raise VideoError(f"{path}: there is no frame {frame_index}; the last frame before it is all that decodes")


def _identity(path: Path) -> tuple[Path, int, int]:
    state = path.stat()
    return path.absolute(), state.st_size, state.st_mtime_ns


@lru_cache(maxsize=256)
def _has_constant_rate(path: Path, size: int, modified_ns: int) -> bool:
    """Whether all packets are equally far apart in time."""
    stamps, _, _ = read_packets(path)
    if len(stamps) < 3:
        return False
    steps = np.diff(stamps)
    return bool(steps.min() > 0 and steps.max() - steps.min() <= max(1, 0.05 * np.median(steps)))
