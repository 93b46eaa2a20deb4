"""The film in a file, looked at before it is read: which stream it is, and what its pictures need to be shown right."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import av

from ubam.core.errors import VideoError
from ubam.recordings.container import RESTARTING, Length, film_length, film_streams, opened
from ubam.recordings.decoding import Decoder
from ubam.recordings.pictures import (
    HDR,
    Filter,
    bits_in_use,
    display_matrix,
    highest_value,
    is_deep,
    is_mirrored,
    stretched,
    tone_mapped,
    turned,
)

MAX_PIXELS = 8192 * 4608
MAX_FRAMES = 20_000_000
LOOKED_AT = 8  # frames from the beginning that show what kind of pictures a film has
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself: size as shown (upright), frames per second, frames and seconds declared.

    warnings: what is unusual about it and was changed for the analysis, a sentence each; ends_early: it holds fewer
    frames than it declares.
    """

    width: int
    height: int
    fps: float
    frames_declared: int
    duration_s: float
    warnings: tuple[str, ...] = ()
    ends_early: bool = False


@dataclass(frozen=True)
class Film:
    """How the film of a file is read: its stream, and the filters that every frame passes first.

    first_stamp: of the first frame that decodes, in ticks; None where the file stores no times. stamps_hold: frames
    have the same stamps when decoding begins in the middle of the file.
    """

    info: VideoInfo
    stream: int
    interlaced: bool
    filters: tuple[Filter, ...]
    first_stamp: int | None
    stamps_hold: bool


def film_of(path: Path, max_pixels: int = MAX_PIXELS) -> Film:
    """The film of a file, looked at once and remembered as long as the file stays the same.

    Raises
    ------
    VideoError
        Missing, unreadable, not a video, or larger pictures than the limit.
    """
    if not path.is_file():
        raise VideoError(f"{path}: no such file; check the path in the study")
    return _film_of(*identity(path), max_pixels)


def identity(path: Path) -> tuple[Path, int, int]:
    """What changes when a file does: its absolute path, bytes, and time of change."""
    state = path.stat()
    return path.absolute(), state.st_size, state.st_mtime_ns


@lru_cache(maxsize=256)
def _film_of(path: Path, size: int, modified_ns: int, max_pixels: int) -> Film:
    with opened(path) as container:
        streams = film_streams(path, container)
        _check_size(path, streams[0], max_pixels)
        chosen, several = streams[0].index, _several(streams)
        length = film_length(path, container, streams[0])
    with _decoder(path, chosen, length.fps, max_pixels) as decoder:
        frames = [frame for _, frame in islice(decoder.timed(), LOOKED_AT)]
        if not frames:
            reason = f" ({decoder.damage[0]})" if decoder.damage else ""
            raise VideoError(f"{path}: no frame could be decoded{reason}; copy it again or convert it to MP4")
        hold = _stamps_hold(decoder)
    bits = _bits(path, chosen, length, max_pixels, frames) if is_deep(frames[0]) else 16
    return replace(_described(frames, chosen, several, length, bits), stamps_hold=hold)


def _stamps_hold(decoder: Decoder) -> bool:
    """MPEG streams stamp some packets only, and an AVI with pictures out of order none for showing."""
    name = decoder.container.format.name
    return name not in RESTARTING and not (name == "avi" and decoder.stream.codec_context.has_b_frames)


def _check_size(path: Path, stream: "av.VideoStream", max_pixels: int) -> None:
    """Refuse huge pictures before the first is decoded."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > max_pixels:
        raise VideoError(
            f"{path}: declares pictures of {width}x{height}, above the limit of {max_pixels} pixels; scale them down"
        )


def _several(streams: Sequence["av.VideoStream"]) -> list[str]:
    if len(streams) == 1:
        return []
    order = sorted(stream.index for stream in streams).index(streams[0].index)
    size = f"{streams[0].codec_context.width}x{streams[0].codec_context.height}"
    which = ORDINALS[order] if order < len(ORDINALS) else f"{order + 1}th"
    return [f"it holds {len(streams)} films, of which the {which} ({size}) is analysed"]


@contextmanager
def _decoder(path: Path, stream: int, rate: float, max_pixels: int) -> Iterator[Decoder]:
    with opened(path) as container:
        chosen = next(one for one in container.streams.video if one.index == stream)
        yield Decoder(container, chosen, rate, max_pixels)


@contextmanager
def decoder_of(path: Path, film: Film) -> Iterator[Decoder]:
    """A decoder at the beginning of the film of a file."""
    with _decoder(path, film.stream, film.info.fps, MAX_PIXELS) as decoder:
        yield decoder


def _bits(path: Path, stream: int, length: Length, max_pixels: int, frames: list["av.VideoFrame"]) -> int:
    """How many of 16 bits a film uses, by frames from its beginning, middle and end."""
    highest = max(highest_value(frame) for frame in frames)
    for share in (0.25, 0.5, 0.75, 0.95):
        with _decoder(path, stream, length.fps, max_pixels) as decoder:
            decoder.seek(share * length.seconds)
            highest = max([highest, *(highest_value(frame) for _, frame in islice(decoder.timed(), 2))])
    return bits_in_use(highest)


def _described(frames: list["av.VideoFrame"], stream: int, several: list[str], length: Length, bits: int) -> Film:
    first, matrix, transfer = frames[0], display_matrix(frames[0]), int(frames[0].color_trc)
    interlaced = any(frame.interlaced_frame for frame in frames)
    upright = turned(matrix)
    across = any(name == "transpose" for name, _ in upright)
    width, height = (first.height, first.width) if across else (first.width, first.height)
    said = [*several]
    if interlaced:
        said.append("it is interlaced, and was deinterlaced")
    if transfer in HDR:
        said.append(f"it was filmed in HDR ({HDR[transfer]}), and was tone-mapped to ordinary brightness")
    if bits < 16:
        said.append(f"its pictures use {bits} of 16 bits, and were stretched to the full range")
    if is_mirrored(matrix):
        said.append("its file asks players to show it mirrored, and it is analysed as they show it")
    info = VideoInfo(width, height, length.fps, length.frames, length.seconds, tuple(said), length.ends_early)
    filters = (*upright, *tone_mapped(transfer), *stretched(bits))
    return Film(info, stream, interlaced, filters, first.pts, stamps_hold=False)
