"""Video files in and out: probe, frames with their times, clips. The only file that decodes.

Pixels come from ffmpeg (one subprocess, one thread) or, where times are wanted beside them, from OpenCV; both turn
rotated phone videos upright and give the same bytes. Playlists, concatenations and networks are refused.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Any

from ubam.packets import FORMATS, ffmpeg_binary, read_packets, shown_seconds

MAX_PIXELS = 8192 * 4608
MAX_FRAMES = 20_000_000
GLIMPSE_S = 10.0
RAW: dict[str, Any] = {"format": "rawvideo", "pix_fmt": "rgb24", "fps_mode": "passthrough", "threads": 1}

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = f"format_whitelist;{FORMATS}|protocol_whitelist;file"

import cv2  # noqa: E402  (it reads the environment above)
import ffmpeg  # noqa: E402
import numpy as np  # noqa: E402

from ubam.errors import VideoError  # noqa: E402
from ubam.files import atomic_path  # noqa: E402


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

    Raises:
        VideoError: missing, unreadable, not a video (playlists count as that), or larger than the limits.
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


def frame_times(path: Path | str, fps: float | None = None) -> np.ndarray:
    """Time of every frame in seconds from the first, float64 [T], strictly rising; exact on variable frame rates.

    Args:
        path: the video.
        fps: overrides the file's clock: frame_index / fps.
    """
    with _opened(Path(path)) as capture:
        return np.array([time_s for _, time_s in _grabbed(capture, fps)], dtype=np.float64)


def read_timed_frames(
    path: Path | str, *, fps: float | None = None, start_s: float | None = None, end_s: float | None = None
) -> Iterator[tuple[int, float, np.ndarray]]:
    """(frame_index, time_s, frame uint8 [H,W,3] RGB) of the frames with start_s <= time_s < end_s, in order."""
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

    Args:
        path: the video.
        start_frame: first frame_index given.
        stop_frame: frame_index after the last one given; None: to the end.
        step: every step-th frame, counted from start_frame.
        crop: (x0, y0, x1, y1) in pixels, inside the picture.
        size: (width, height) of the frames given, scaled by area; None: as cropped.
        damage: after the last frame, gets what the decoder complained about: a truncated or rotten file adds lines,
            a sound one adds none. A damaged file still yields every frame that can be decoded.

    Raises:
        VideoError: missing or unreadable, or no frame at all could be decoded.
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
    output = _source(path).output("pipe:", vf=",".join(filters), **RAW)
    expects_frames = start_frame < max(info.frames_declared, 1) and (stop_frame is None or stop_frame > start_frame)
    return _piped(output, height, width, Path(path) if expects_frames else None, damage)


def _source(path: Path | str, **options: float) -> Any:
    """The file as ffmpeg's input, and nothing that it may name."""
    name = f"file:{Path(path).absolute()}"
    return ffmpeg.input(name, threads=1, format_whitelist=FORMATS, protocol_whitelist="file", **options)


def _crop_filters(crop: tuple[int, int, int, int]) -> list[str]:
    """Cut the even rectangle around the crop first, the rest once colours are whole: chroma has half the size."""
    x0, y0, x1, y1 = crop
    even_x, even_y = x0 - x0 % 2, y0 - y0 % 2
    outer = (
        f"crop=min(iw-{even_x}\\,{x1 + x1 % 2 - even_x}):min(ih-{even_y}\\,{y1 + y1 % 2 - even_y}):{even_x}:{even_y}"
    )
    return [outer + ":exact=1", "format=rgb24", f"crop={x1 - x0}:{y1 - y0}:{x0 - even_x}:{y0 - even_y}:exact=1"]


def _command(output: object) -> list[str]:
    switches = ("-hide_banner", "-nostdin", "-loglevel", "error", "-filter_threads", "1")
    return list(ffmpeg.compile(output.global_args(*switches), cmd=ffmpeg_binary(), overwrite_output=True))  # type: ignore[attr-defined]


def _piped(
    output: object, height: int, width: int, source: Path | None, damage: list[str] | None
) -> Iterator[np.ndarray]:
    count = 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(_command(output), stdout=subprocess.PIPE, stderr=said, stdin=subprocess.DEVNULL)
        assert process.stdout is not None  # for the type checker: a pipe was asked for
        try:
            while len(data := process.stdout.read(height * width * 3)) == height * width * 3:
                count += 1
                yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
            process.wait()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        complaints = _complaints(said)
    if count == 0 and source is not None:
        raise VideoError(f"{source}: no frame could be decoded ({'; '.join(complaints) or 'no reason given'}); "
                         "copy it again or convert it to MP4")  # fmt: skip
    if damage is not None:
        damage.extend(complaints)


def _complaints(said: IO[bytes], limit: int = 5) -> list[str]:
    """The first lines that ffmpeg wrote, without memory addresses, each once."""
    said.seek(0)
    lines = said.read(65536).decode("utf-8", "replace").splitlines()
    cleaned = (re.sub(r" @ 0x[0-9a-f]+", "", line).strip() for line in lines)
    return list(dict.fromkeys(line for line in cleaned if line))[:limit]


def read_frame(path: Path | str, frame_index: int) -> np.ndarray:
    """One frame, uint8 [H,W,3] RGB, exact: seeks where the frame rate is constant, else decodes from the start.

    Raises:
        VideoError: the file is unreadable or has no such frame.
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
    source = _source(path, ss=min(info.duration_s / 2, GLIMPSE_S))
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


def write_clip(path: Path | str, frames: Iterable[np.ndarray], fps: float, crf: int = 20) -> None:
    """Write frames uint8 [H,W,3] RGB as an H.264 MP4 that plays in browsers; the file is whole or absent.

    An odd height or width is padded by repeating the last row or column, as yuv420p needs even sizes. No metadata.

    Raises:
        VideoError: no frames, or the encoder failed (a full disk for example).
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise VideoError(f"{path}: there is no frame to write")
    height, width = (side + side % 2 for side in first.shape[:2])
    source = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", framerate=_rate(fps))
    with atomic_path(path) as temporary:
        output = source.output(
            str(temporary), format="mp4", vcodec="libx264", pix_fmt="yuv420p", crf=crf, preset="veryfast", threads=1,
            movflags="+faststart", map_metadata=-1, fflags="+bitexact", **{"flags:v": "+bitexact"},
        )  # fmt: skip
        _encode(output, chain([first], frames), first.shape, path)


def write_copy(
    path: Path | str, out: Path | str, *, blur: tuple[float, float, float, float] | None = None,
    max_width: int | None = None,
) -> None:  # fmt: skip
    """Write a copy that plays in browsers, every frame at its own time, without sound and metadata; whole or absent.

    Args:
        path: the video.
        out: the MP4 to write (H.264).
        blur: (x0, y0, x1, y1) in pixels: this part is shown as 4 x 4 patches of mean colour, which nothing undoes.
        max_width: scale down to this width; None: as large as it is.

    Raises:
        VideoError: unreadable, the box is outside the picture, or the encoder failed (a full disk for example).
    """
    path, out, info = Path(path), Path(out), probe(path)
    source = _source(path)
    picture = source.video if blur is None else _patched(source, _box_inside(path, blur, info))
    if max_width is not None and info.width > max_width:
        picture = picture.filter("scale", max_width, -2, flags="area")
    picture = picture.filter("pad", "ceil(iw/2)*2", "ceil(ih/2)*2")
    with atomic_path(out) as temporary, tempfile.TemporaryFile() as said:
        output = picture.output(
            str(temporary), format="mp4", vcodec="libx264", pix_fmt="yuv420p", crf=18, preset="veryfast", threads=1,
            movflags="+faststart", map_metadata=-1, map_chapters=-1, fps_mode="passthrough",
            video_track_timescale=90000, enc_time_base="1:90000",
            fflags="+bitexact", **{"flags:v": "+bitexact"},
        )  # fmt: skip
        code = subprocess.run(_command(output), stdout=subprocess.DEVNULL, stderr=said, check=False).returncode
        if code != 0 or temporary.stat().st_size == 0:
            reason = "; ".join(_complaints(said)) or f"return code {code}"
            raise VideoError(f"{path}: could not be copied ({reason}); is the disk full?")


def _box_inside(path: Path, box: tuple[float, float, float, float], info: VideoInfo) -> tuple[int, int, int, int]:
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(info.width, round(box[2])), min(info.height, round(box[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise VideoError(f"{path}: the box to blur {box} is not in the picture of {info.width}x{info.height}")
    return x0, y0, x1, y1


def _patched(source: "ffmpeg.nodes.Stream", box: tuple[int, int, int, int]) -> "ffmpeg.nodes.Stream":
    x0, y0, x1, y1 = box
    whole = source.video.filter_multi_output("split")
    part = whole[0].filter("crop", x1 - x0, y1 - y0, x0, y0, exact=1)
    part = part.filter("scale", 4, 4, flags="area").filter("scale", x1 - x0, y1 - y0, flags="neighbor")
    return whole[1].overlay(part, x=x0, y=y0, eof_action="repeat")


def _rate(fps: float) -> str:
    return str(Fraction(fps).limit_denominator(100_000))


def _encode(output: object, frames: Iterable[np.ndarray], shape: tuple[int, ...], path: Path) -> None:
    with tempfile.TemporaryFile() as said:
        command = [part for part in _command(output) if part != "-nostdin"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        assert process.stdin is not None  # for the type checker: a pipe was asked for
        try:
            for frame in frames:
                if frame.shape != shape or frame.dtype != np.uint8:
                    raise ValueError(f"frames must all be uint8 {shape}; one is {frame.dtype} {frame.shape}")
                process.stdin.write(_even(frame).tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg ended early; its return code and its words follow
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() != 0:
            reason = "; ".join(_complaints(said)) or f"return code {process.returncode}"
            raise VideoError(f"{path}: the clip could not be written ({reason}); is the disk full?")


def _even(frame: np.ndarray) -> np.ndarray:
    bottom, right = frame.shape[0] % 2, frame.shape[1] % 2
    return np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode="edge") if bottom or right else frame
