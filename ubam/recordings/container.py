"""What a video file holds, read without decoding a picture: its streams, its packets, its length, its damage.

The only file that opens videos. Playlists, concatenations and networks are refused.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
from av.stream import Discard, Disposition

from ubam.core.errors import VideoError

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,h264,hevc,vc1,asf,flv,ogg,mxf,nut,dv,gif,ivf,rm,"
    "mjpeg,yuv4mpegpipe,wtv,cine"
)
DAMAGE = re.compile(r"corrupt|prematurely|truncated|partial file", re.IGNORECASE)
PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
RESTARTING = ("mpegts", "mpeg", "h264", "hevc", "mpegvideo")  # their clock may start anew in the middle of a file
SCANNED_BYTES = 256 * 2**20  # a larger file without a table of its frames is taken at its word until it is analysed
LISTED_PACKETS = 400  # that are read to see which of several streams is a film

av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)  # what one film makes the decoder say, the next may too
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False


@contextmanager
def opened(path: Path) -> Iterator["av.container.InputContainer"]:
    """The container of a video file.

    Raises
    ------
    VideoError
        Missing, empty, or not a video.
    """
    if not path.is_file():
        raise VideoError(f"{path}: no such file; check the path in the study")
    if path.stat().st_size == 0:
        raise VideoError(f"{path}: the file is empty; copy it again from the camera")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    with av.logging.Capture() as said:
        try:
            container = av.open(f"file:{path.absolute()}", metadata_errors="replace", container_options=options)
        except (av.FFmpegError, ValueError) as error:
            raise VideoError(f"{path}: {_why_unreadable(path, said)}") from error
    with container:
        try:
            yield container
        except av.FFmpegError as error:
            words = error.strerror or str(error)
            raise VideoError(f"{path}: is damaged and cannot be read any further ({words}); copy it again") from error


def _why_unreadable(path: Path, said: list[tuple[int, str, str]]) -> str:
    with open(path, "rb") as handle:
        begins_as_mp4 = handle.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
    if begins_as_mp4 and any("moov atom not found" in words for _, _, words in said):
        return "was never finished (its table of frames is missing); copy it again or repair it with the camera"
    return (
        "cannot be read as a video (damaged, cut short, or another kind of file); "
        "does it play in a browser? If not, copy it again or convert it to MP4"
    )


def film_streams(path: Path, container: "av.container.InputContainer") -> list["av.VideoStream"]:
    """The films of a file, the one to analyse first.

    Cover pictures and previews of one frame are no films. Of several films the largest is taken, then the one that the
    file marks as its default, then the first.

    Raises
    ------
    VideoError
        It holds no film.
    """
    films = [stream for stream in container.streams.video if not stream.disposition & PICTURES]
    films = [stream for stream in films if stream.codec_context is not None]
    if len(films) > 1:
        films = _longer_than_a_frame(container, films)
    if not films:
        what = "only sound" if container.streams.audio else "no film"
        raise VideoError(f"{path}: holds {what}; give the file that holds the film")
    return sorted(films, key=_precedence)


def _precedence(stream: "av.VideoStream") -> tuple[int, bool, int]:
    size = stream.codec_context.width * stream.codec_context.height
    return -size, not stream.disposition & Disposition.default, stream.index


def _longer_than_a_frame(
    container: "av.container.InputContainer", films: list["av.VideoStream"]
) -> list["av.VideoStream"]:
    counts = {stream.index: stream.frames for stream in films}
    if not all(counts.values()):
        counts = dict.fromkeys(counts, 0)
        for number, packet in enumerate(_demuxed(container, films, [])):
            counts[packet.stream_index] += 1
            if number > LISTED_PACKETS:
                break
    return [stream for stream in films if counts[stream.index] > 1] or films


def _demuxed(container: "av.container.InputContainer", streams: Any, damage: list[str]) -> Iterator["av.Packet[Any]"]:
    """Packets with content; what the container complains about goes into `damage`."""
    packets = container.demux(streams)
    while True:
        with av.logging.Capture() as said:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                damage.append(error.strerror or str(error))
                packet = None
            except IndexError:  # a packet of a stream that the file did not announce
                damage.append("it goes on with a stream that it did not announce")
                packet = None
        damage.extend(words.strip() for _, _, words in said)
        if packet is None:
            return
        if packet.size:
            yield packet


def film_packets(
    container: "av.container.InputContainer", stream: "av.VideoStream", damage: list[str]
) -> Iterator["av.Packet[Any]"]:
    """The packets of one stream in the order of decoding."""
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    yield from _demuxed(container, stream, damage)


def tick_of(stream: "av.stream.Stream") -> Fraction:
    """Seconds of one tick of a stream's clock."""
    return stream.time_base or Fraction(1, 25)


@dataclass(frozen=True)
class Packets:
    """Every packet of a film: sorted ticks of those shown, int64 [N]; seconds of one tick; whether all have a time.

    end_s: where the last packet of any stream ends, seconds from the beginning of the file; damaged: the container is
    damaged or cut.
    """

    ticks: np.ndarray
    tick: float
    timed: bool
    end_s: float
    damaged: bool


def read_packets(path: Path, stream_index: int, seconds: float | None = None) -> Packets:
    """Read a file through once, without decoding.

    Raises
    ------
    TimeoutError
        It takes longer than `seconds`.
    """
    until = None if seconds is None else time.monotonic() + seconds
    damage: list[str] = []
    stamps: list[int | None] = []
    end_s, corrupt = 0.0, False
    with opened(path) as container:
        stamped = container.format.name != "avi"  # which stores no times of presentation
        tick = float(tick_of(container.streams[stream_index]))
        start_s = (container.start_time or 0) / 1e6
        known = [stream for stream in container.streams if stream.type in ("video", "audio")]
        for packet in _demuxed(container, known, damage):
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"{path}: takes long to read")
            stamp = packet.pts if stamped and packet.pts is not None else packet.dts
            if stamp is not None and not packet.stream.disposition & PICTURES:
                end_s = max(end_s, float((stamp + (packet.duration or 0)) * tick_of(packet.stream)) - start_s)
            if packet.stream_index == stream_index and not packet.is_discard:
                stamps.append(stamp)
                corrupt = corrupt or packet.is_corrupt
    timed = [stamp for stamp in stamps if stamp is not None]
    damaged = corrupt or any(DAMAGE.search(words) for words in damage)
    ticks = np.sort(np.array(timed if len(timed) == len(stamps) else np.arange(len(stamps)), np.int64))
    return Packets(ticks, tick, len(timed) == len(stamps), end_s, damaged)


@dataclass(frozen=True)
class Length:
    """Frames, seconds and frames per second that a file declares of its film; ends_early: it holds fewer."""

    frames: int
    seconds: float
    fps: float
    ends_early: bool = False


def film_length(path: Path, container: "av.container.InputContainer", stream: "av.VideoStream") -> Length:
    """How long the film of an open file is, by the film's own clock: sound that goes on does not count.

    A table of frames is believed; without one the file is read through, unless it is large and declares its length.
    """
    rates = _declared_rates(stream)
    if "mp4" in container.format.name and stream.frames:
        return _listed_length(stream, path.stat().st_size, rates)
    seconds = _declared_seconds(container, stream)
    if seconds is not None and path.stat().st_size > SCANNED_BYTES:
        return Length(max(1, round(seconds * rates[0])), seconds, rates[0])
    packets = read_packets(path, stream.index)
    restarts = container.format.name in RESTARTING
    there = _length_of(packets, rates, restarts)
    return there if restarts else _declared_or(there, seconds, container, packets.end_s)


def _declared_or(
    there: Length, seconds: float | None, container: "av.container.InputContainer", end_s: float
) -> Length:
    """The declared length of a file whose last packet comes well before its declared end; else what is there."""
    slack = max(0.5, 3 / there.fps)
    whole_s = seconds if container.format.name == "avi" else container.duration and container.duration / 1e6
    if not seconds or not whole_s or end_s + slack >= whole_s or seconds < there.seconds + slack:
        return there
    return Length(round(seconds * there.fps), seconds, there.fps, ends_early=True)


def _declared_rates(stream: "av.VideoStream") -> list[float]:
    """The frames per second that a stream may have by its own words, likeliest first; 25 where it does not say."""
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return [float(rate) for rate in rates if rate and 0 < rate <= 100_000] or [25.0]


def _declared_seconds(container: "av.container.InputContainer", stream: "av.VideoStream") -> float | None:
    if container.format.name == "avi" and stream.frames:
        return float(stream.frames * tick_of(stream))
    if stream.duration:
        return float(stream.duration * tick_of(stream))
    tag = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))
    if tag:
        hours, minutes, seconds = (float(part) for part in tag.groups())
        start = float((stream.start_time or 0) * tick_of(stream))
        return 3600 * hours + 60 * minutes + seconds - start
    return container.duration / 1e6 if container.duration else None


def _listed_length(stream: "av.VideoStream", size: int, rates: list[float]) -> Length:
    """The length by the table of frames of an MP4 or MOV file, edit lists counted."""
    entries = [entry for entry in stream.index_entries if not entry.is_discard]
    ticks = np.array(sorted(entry.timestamp for entry in entries), np.int64)
    early = any(entry.pos + entry.size > size for entry in entries[-1:])
    whole = _length_of(Packets(ticks, float(tick_of(stream)), True, 0.0, early), rates, False)
    return Length(whole.frames, whole.seconds, whole.fps, early)


def _length_of(packets: Packets, rates: list[float], restarts: bool) -> Length:
    """Length of a film whose packets are known; a declared rate that they contradict is not believed."""
    frames = len(packets.ticks)
    if frames < 2 or not packets.timed:
        return Length(frames, frames / rates[0], rates[0])
    steps = np.diff(packets.ticks) * packets.tick
    span, usual = float(steps.sum()), float(np.median(steps))
    if restarts and not 0.8 < span * rates[0] / (frames - 1) < 1.25:
        return Length(frames, frames / rates[0], rates[0])
    measured = [(frames - 1) / span] if span > 0 else []
    measured += [1 / usual] if usual > 0 else []
    fps = next((rate for rate in rates if any(abs(one / rate - 1) < 0.05 for one in measured)), None)
    fps = fps or (measured or rates)[0]
    return Length(frames, span + 1 / fps, fps)


def early_end(path: Path, *, fps: float, frames: int, duration_s: float, seconds: float) -> tuple[int, float] | None:
    """Pictures and seconds that are there of a file that is cut short or damaged; None for a file that is whole.

    fps, frames, duration_s: what the file declares. A file that takes longer than `seconds` to read is not judged: the
    analysis will tell.
    """
    with opened(path) as container:
        stream_index = film_streams(path, container)[0].index
    try:
        packets = read_packets(path, stream_index, seconds)
    except TimeoutError:
        return None
    ticks, tick = packets.ticks, packets.tick if packets.timed else 1 / fps
    end_s = (ticks[-1] - ticks[0]) * tick + 1 / fps if len(ticks) else 0.0
    short = len(ticks) < frames - 2 and end_s + 2.5 / fps < duration_s
    return (len(ticks), float(end_s)) if short or packets.damaged else None
