"""Frames of an open film in presentation order, each with its time; what the decoder complains about is kept."""

import contextlib
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import av.logging

from ubam.recordings.container import RESTARTING, film_packets, tick_of

JUMP_S = 10.0  # a clock that jumps further has started anew


@dataclass(frozen=True)
class Moment:
    """Which frame: its index, its seconds from the first, its stamp in ticks where the file stores one."""

    index: int
    time_s: float
    stamp: int | None


class Clock:
    """Seconds of each frame since the first, strictly rising, from the file's own stamps.

    rate: frames per second that the file declares: a frame without a usable stamp comes one step after the one before.
    Where two frames can share a tick, a frame is placed within half a tick of its stamp, at the declared rate. fps
    replaces the file's clock.
    """

    def __init__(self, tick: float, rate: float, fps: float | None = None, restarts: bool = False) -> None:
        self.tick, self.step, self.fps, self.restarts = tick, 1 / (fps or rate), fps, restarts
        self.index, self.last, self.offset = -1, -self.step, None  # type: int, float, float | None

    def time_of(self, stamp: int | None) -> float:
        """The time of the next frame, whose stamp is in ticks."""
        self.index += 1
        expected = self.index * self.step if self.fps else self.last + self.step
        time_s = expected if self.fps or stamp is None else self._shown(stamp * self.tick, expected)
        self.last = time_s if time_s > self.last else expected
        return self.last

    def _shown(self, stamp_s: float, expected: float) -> float:
        if self.offset is None:
            self.offset = stamp_s - expected
        time_s = stamp_s - self.offset
        if self.restarts and not self.last - self.tick < time_s < self.last + JUMP_S:
            self.offset += time_s - expected
            return expected
        if self.tick > 1.01 * self.step:
            return min(max(expected, time_s - self.tick / 2), time_s + self.tick / 2)
        return time_s


class Decoder:
    """Decodes one film of an open file, on one thread.

    damage: what is wrong with the pictures that were read, in the order found; empty for a sound file.
    """

    def __init__(
        self, container: "av.container.InputContainer", stream: "av.VideoStream", rate: float, max_pixels: int
    ) -> None:
        self.container, self.stream, self.rate = container, stream, rate
        self.damage: list[str] = []
        self._said: list[str] = []
        context = stream.codec_context
        context.thread_type, context.thread_count = "NONE", 1
        context.options = {"max_pixels": str(max_pixels)}

    def seek(self, time_s: float) -> None:
        """Go to the last key frame before a time, in seconds from the first frame; stay where that is not possible."""
        self.seek_stamp((self.stream.start_time or 0) + round(time_s / tick_of(self.stream)))

    def seek_stamp(self, stamp: int) -> None:
        """Go to the last key frame before a stamp in ticks; stay where that is not possible."""
        with contextlib.suppress(av.FFmpegError):
            self.container.seek(stamp, stream=self.stream)

    def timed(self, fps: float | None = None) -> Iterator[tuple[Moment, "av.VideoFrame"]]:
        """Every frame that can be decoded, those after a damaged one too, each with its moment.

        AVI stores no times of presentation: its n-th picture is shown when its n-th packet says.
        """
        name, tick = self.container.format.name, float(tick_of(self.stream))
        clock = Clock(tick, self.rate, fps, name in RESTARTING)
        shown: deque[int | None] = deque()
        index = 0
        for packet in self._packets():
            if packet is not None:
                shown.append(packet.dts)
            for frame in self._decoded(packet):
                stored = shown.popleft() if shown else None
                time_s = clock.time_of(stored if name == "avi" else frame.pts)
                self._note(time_s)
                yield Moment(index, time_s, frame.pts), frame
                index += 1
        self._note(clock.last)

    def _packets(self) -> Iterator["av.Packet[Any] | None"]:
        yield from film_packets(self.container, self.stream, self._said)
        yield None

    def _decoded(self, packet: "av.Packet[Any] | None") -> list["av.VideoFrame"]:
        with av.logging.Capture() as said:
            try:
                frames = self.stream.codec_context.decode(packet)
            except av.EOFError:
                frames = []
            except av.FFmpegError as error:
                self._said.append(error.strerror or str(error))
                frames = []
        self._said.extend(words for _, _, words in said)
        for frame in frames:
            frame.time_base = tick_of(self.stream)
        return frames

    def _note(self, time_s: float) -> None:
        """Turn what was said since the last frame into one sentence."""
        if self._said and len(self.damage) < 5:
            words = re.sub(r"\s*\(?0x[0-9a-f]+\)?", "", self._said[0]).strip().splitlines()[0]
            self.damage.append(f"the file is damaged at about {max(time_s, 0):.1f} s ({words})")
        self._said.clear()
