"""Frames of a video, with their times or alone. Every pass over a video, every picture and every clip reads here.

One decoder serves all: it turns phone videos upright, joins interlaced fields and brings HDR to ordinary brightness.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from ubam.core.errors import VideoError
from ubam.recordings.container import Packets, read_packets, tick_of
from ubam.recordings.decoding import Decoder, Moment
from ubam.recordings.film import MAX_FRAMES, MAX_PIXELS, Film, VideoInfo, decoder_of, film_of, identity
from ubam.recordings.pictures import Painter, cut_out, deinterlaced, scaled

GLIMPSE_S = 10.0


def probe(path: Path | str, *, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES) -> VideoInfo:
    """Size, rate and length of a video, and what is unusual about it; its first frames are decoded.

    A file whose edit list shows fewer frames than it stores declares those that it shows; sound does not count.

    Raises
    ------
    VideoError
        Missing, unreadable, not a video (playlists count as that), or larger than the limits.
    """
    info = film_of(Path(path), max_pixels).info
    if info.frames_declared > max_frames:
        raise VideoError(
            f"{path}: declares {info.frames_declared} frames of {info.width}x{info.height}, above the limit of "
            f"{max_frames} frames; cut it first"
        )
    return info


def read_timed_frames(
    path: Path | str, *, fps: float | None = None, start_s: float | None = None, end_s: float | None = None
) -> Iterator[tuple[int, float, np.ndarray]]:
    """(frame_index, time_s, frame uint8 [H,W,3] RGB) of the frames with start_s <= time_s < end_s, in order.

    time_s: seconds from the first frame, strictly rising, exact on variable frame rates; fps overrides the file's clock
    by frame_index / fps.

    Raises
    ------
    VideoError
        Missing or unreadable.
    """
    path = Path(path)
    film = film_of(path)
    painter = _painter(film)
    with decoder_of(path, film) as decoder:
        for moment, frame in _whole(decoder, film, fps):
            if end_s is not None and moment.time_s >= end_s:
                return
            if start_s is None or moment.time_s >= start_s:
                yield moment.index, moment.time_s, painter.paint(frame)


def _whole(decoder: Decoder, film: Film, fps: float | None = None) -> Iterator[tuple[Moment, "av.VideoFrame"]]:
    frames = decoder.timed(fps)
    return deinterlaced(frames) if film.interlaced else frames


def _painter(film: Film, crop: tuple[int, int, int, int] | None = None, size: tuple[int, int] | None = None) -> Painter:
    width, height = (crop[2] - crop[0], crop[3] - crop[1]) if crop else (film.info.width, film.info.height)
    return Painter([*film.filters, *(cut_out(crop) if crop else []), *scaled(*(size or (width, height)))])


def read_frames(
    path: Path | str, *, start_frame: int = 0, stop_frame: int | None = None, step: int = 1,
    crop: tuple[int, int, int, int] | None = None, size: tuple[int, int] | None = None,
    damage: list[str] | None = None,
) -> Iterator[np.ndarray]:  # fmt: skip
    """Frames of a video in presentation order, uint8 [h,w,3] RGB, one per decoded frame; closing it closes the file.

    Parameters
    ----------
    path
        The video.
    start_frame
        First frame_index given.
    stop_frame
        Frame_index after the last one given; None: to the end.
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
    path = Path(path)
    film = film_of(path)
    return _chosen(path, film, _painter(film, crop, size), (start_frame, stop_frame, step), damage)


def _chosen(
    path: Path, film: Film, painter: Painter, part: tuple[int, int | None, int], damage: list[str] | None
) -> Iterator[np.ndarray]:
    start, stop, step = part
    with decoder_of(path, film) as decoder:
        for moment, frame in _whole(decoder, film):
            if stop is not None and moment.index >= stop:
                break
            if moment.index >= start and (moment.index - start) % step == 0:
                yield painter.paint(frame)
        if damage is not None:
            damage.extend(decoder.damage)


def read_frame(path: Path | str, frame_index: int) -> np.ndarray:
    """One frame, uint8 [H,W,3] RGB, exact.

    It seeks where the file stores the time of every frame, and decodes from the start elsewhere.

    Raises
    ------
    VideoError
        The file is unreadable or has no such frame.
    """
    path = Path(path)
    film = film_of(path)
    if frame_index < 0:
        raise VideoError(f"{path}: there is no frame {frame_index}; frames count from 0")
    stamps = _stamps(*identity(path), film)
    found = _sought(path, film, stamps, frame_index) if stamps is not None and frame_index < len(stamps) else None
    if found is not None:
        return found
    for frame in read_frames(path, start_frame=frame_index, stop_frame=frame_index + 1):
        return frame
    raise VideoError(f"{path}: there is no frame {frame_index}; the last frame before it is all that decodes")


@lru_cache(maxsize=16)
def _stamps(path: Path, size: int, modified_ns: int, film: Film) -> np.ndarray | None:
    """The stamps of all frames in order, int64 [N]; None where they do not tell the frames apart."""
    if not film.stamps_hold:
        return None
    packets: Packets = read_packets(path, film.stream)
    ticks = packets.ticks
    distinct = packets.timed and not packets.damaged and len(ticks) > 0 and bool((np.diff(ticks) > 0).all())
    return ticks if distinct and ticks[0] == film.first_stamp else None


def _sought(path: Path, film: Film, stamps: np.ndarray, frame_index: int) -> np.ndarray | None:
    """The frame with its own stamp; None where seeking does not lead to it. Deinterlacing needs those before it."""
    wanted = int(stamps[frame_index])
    with decoder_of(path, film) as decoder:
        decoder.seek_stamp(int(stamps[max(0, frame_index - 2)]) if film.interlaced else wanted)
        for moment, frame in _whole(decoder, film):
            if moment.stamp == wanted:
                return _painter(film).paint(frame)
            if moment.stamp is None or moment.stamp > wanted:
                return None
    return None


def stored_slots(path: Path | str) -> np.ndarray | None:
    """The place of every frame among all that an AVI counts, dropped ones included, int64 [N]; None for other files."""
    path = Path(path)
    if path.suffix.casefold() not in (".avi", ".divx"):
        return None
    packets = read_packets(path, film_of(path).stream)
    return packets.ticks - packets.ticks[0] if len(packets.ticks) else None


def glimpse(path: Path | str) -> np.ndarray | None:
    """A frame from the middle, where subjects are in view, uint8 [H,W,3] RGB; None if none decodes there.

    At most ten seconds in: a long file without key frames would be decoded up to there. Raises VideoError for what is
    no video.
    """
    path = Path(path)
    film = film_of(path)
    wanted_s = min(film.info.duration_s / 2, GLIMPSE_S)
    with decoder_of(path, film) as decoder:
        decoder.seek(wanted_s)
        start, tick = film.first_stamp or 0, tick_of(decoder.stream)
        shown = None
        for moment, frame in _whole(decoder, film):
            at_s = moment.time_s if moment.stamp is None else float((moment.stamp - start) * tick)
            shown = frame
            if at_s + 0.5 / film.info.fps >= wanted_s:
                break
        return None if shown is None else _painter(film).paint(shown)
