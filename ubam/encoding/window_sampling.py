"""Draws windows of eight frames from the recordings of a study."""

import copy
from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np

from ubam.core.errors import ModelError
from ubam.encoding.encoders import WINDOW

LONG_STEP = 3  # strides; an uneven window has steps of 1 and of 3
LONG_STEPS = (2, 6)  # an uneven window has 2 to 5 long steps among its 7


class Pictures(Protocol):
    """Pictures uint8 [T, S, S, 3] of one recording: an array, or an object that reads them on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


class Windows:
    """The windows of 8 frames, `strides` times one of `factors` apart, of recordings of pictures uint8 [T, S, S, 3].

    `found` bool [T] per recording leaves out windows with frames in which the subject was not found. Recordings shorter
    than a window are skipped; ModelError when none is left.
    """

    def __init__(
        self,
        pictures: Sequence[Pictures],
        strides: Sequence[int],
        found: Sequence[np.ndarray] | None = None,
        factors: Sequence[int] = (1,),
    ) -> None:
        masks = found if found is not None else [np.ones(len(item), bool) for item in pictures]
        self.pictures, self.strides = pictures, strides
        self.masks = [np.asarray(mask, bool) for mask in masks]
        self.starts = [
            {factor: _starts(mask, np.arange(WINDOW) * stride * factor) for factor in factors}
            for mask, stride in zip(self.masks, strides, strict=True)
        ]
        self.usable = [index for index, item in enumerate(self.starts) if len(item[min(factors)])]
        if not self.usable:
            longest = max((len(item) for item in pictures), default=0)
            raise ModelError(
                f"no recording is long enough to learn from: a window needs {WINDOW} frames with the subject found, "
                f"and the longest recording has {longest} frames; add longer recordings or widen start_s and end_s"
            )

    def only(self, recordings: Collection[int]) -> "Windows":
        """The windows of these recordings (positions), of which one at least is long enough."""
        chosen = copy.copy(self)
        chosen.usable = [index for index in self.usable if index in recordings]
        return chosen

    def without(self, recordings: Collection[int]) -> "Windows":
        """The windows of all recordings but these."""
        return self.only([index for index in self.usable if index not in recordings])

    def draw(
        self, count: int, random: np.random.Generator, *, uneven: np.ndarray | None = None, together: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw `count` windows uint8 [count, 8, S, S, 3]: uniformly a recording, then a stride factor, then a start.

        together: how many neighbours in the batch come from one recording. uneven: bool [count], windows whose frames
        should be unevenly spaced. Returns the windows, and bool [count], those that are uneven.
        """
        asked = np.zeros(count, bool) if uneven is None else uneven
        windows, done = [], np.zeros(count, bool)
        recordings = np.repeat(random.choice(self.usable, -(-count // together)), together)[:count]
        for position, index in enumerate(recordings):
            frames = self._uneven(index, random) if asked[position] else None
            done[position] = frames is not None
            windows.append(self.pictures[index][self._even(index, random) if frames is None else frames])
        return np.stack(windows), done

    def _even(self, index: int, random: np.random.Generator) -> np.ndarray:
        starts = self.starts[index]
        possible = [factor for factor in starts if len(starts[factor])]
        factor = possible[random.integers(len(possible))]
        start = starts[factor][random.integers(len(starts[factor]))]
        frames: np.ndarray = start + np.arange(WINDOW) * self.strides[index] * factor
        return frames

    def _uneven(self, index: int, random: np.random.Generator) -> np.ndarray | None:
        steps = np.ones(WINDOW - 1, np.int64)
        steps[random.permutation(WINDOW - 1)[: random.integers(*LONG_STEPS)]] = LONG_STEP
        offsets = np.r_[0, steps.cumsum()] * self.strides[index]
        starts = _starts(self.masks[index], offsets)
        return starts[random.integers(len(starts))] + offsets if len(starts) else None


def _starts(mask: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """First frames int64 [n] from which all `offsets` lie inside the recording, on frames that `mask` [T] allows."""
    last = len(mask) - int(offsets[-1])
    if last <= 0:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.logical_and.reduce([mask[offset : offset + last] for offset in offsets]))
