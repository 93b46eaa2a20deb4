"""Video files out: clips from frames, and copies that a browser plays."""

import subprocess
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import IO, cast

import ffmpeg
import numpy as np

from ubam.core.errors import VideoError
from ubam.core.files import atomic_path
from ubam.recordings.ffmpeg import complaints_of, full_command, video_source
from ubam.recordings.video_reader import VideoInfo, probe


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

    Parameters
    ----------
    path
        The video.
    out
        The MP4 to write (H.264).
    blur
        (x0, y0, x1, y1) in pixels: this part is shown as 4 x 4 patches of mean colour, which nothing undoes.
    max_width
        Scale down to this width; None: as large as it is.

    Raises
    ------
    VideoError
        Unreadable, the box is outside the picture, or the encoder failed (a full disk for example).
    """
    path, out, info = Path(path), Path(out), probe(path)
    source = video_source(path)
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
        code = subprocess.run(full_command(output), stdout=subprocess.DEVNULL, stderr=said, check=False).returncode
        if code != 0 or temporary.stat().st_size == 0:
            reason = "; ".join(complaints_of(said)) or f"return code {code}"
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
        command = [part for part in full_command(output) if part != "-nostdin"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        pipe = cast(IO[bytes], process.stdin)
        try:
            for frame in frames:
                if frame.shape != shape or frame.dtype != np.uint8:
                    raise ValueError(f"frames must all be uint8 {shape}; one is {frame.dtype} {frame.shape}")
                pipe.write(_even(frame).tobytes())
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
