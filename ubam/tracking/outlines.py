"""The outline of the subject in the crops of a recording, as the eye sees it."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from ubam.core.files import content_hash
from ubam.tracking.eye.eye import WEIGHTS, Eye


class Glimpse(NamedTuple):
    """One crop uint8 [S,S,3]; the same box of the frames before and after it, and of the empty scene, where known."""

    before: np.ndarray
    crop: np.ndarray
    after: np.ndarray
    empty: np.ndarray | None


@lru_cache(maxsize=1)
def shipped_eye() -> Eye:
    """The eye that ships with the program; in bfloat16 where the processor multiplies it: half the time."""
    return Eye.load(bfloat16=bool(torch.cpu._is_avx512_bf16_supported()))


@lru_cache(maxsize=1)
def eye_fingerprint() -> str:
    """16 hexadecimal digits that stand for the weights of the eye that ships."""
    return content_hash(Path(str(files("ubam") / WEIGHTS)))[:16]


def outlines(eye: Eye, glimpses: Iterable[Glimpse], size: int) -> Iterator[np.ndarray]:
    """The soft outline of the subject in each crop, float32 [size,size] in 0..1; a few glimpses are held at a time."""
    held: list[Glimpse] = []
    for glimpse in glimpses:
        held.append(glimpse)
        if len(held) == eye.batch:
            yield from _outlines(eye, held, size)
            held = []
    yield from _outlines(eye, held, size)


def outline_of(eye: Eye, crop: np.ndarray, empty: np.ndarray | None) -> np.ndarray:
    """The soft outline in one picture uint8 [S,S,3] without its neighbours in time, float32 [S,S] in 0..1."""
    return next(outlines(eye, [Glimpse(crop, crop, crop, empty)], len(crop)))


def _outlines(eye: Eye, glimpses: list[Glimpse], size: int) -> Iterator[np.ndarray]:
    if not glimpses:
        return
    empty = np.stack([glimpse.crop if glimpse.empty is None else glimpse.empty for glimpse in glimpses])
    known = torch.tensor([glimpse.empty is not None for glimpse in glimpses])
    before, crop, after = (np.stack([getattr(glimpse, name) for glimpse in glimpses]) for name in Glimpse._fields[:3])
    for alpha in eye.outline(before, crop, after, empty, known):
        yield cv2.resize(alpha, (size, size), interpolation=cv2.INTER_LINEAR) if len(alpha) != size else alpha


def with_neighbours(frames: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each frame between the one before and the one after it; the first and the last are their own neighbours."""
    stream = iter(frames)
    first = next(stream, None)
    if first is None:
        return
    before, here = first, first
    for after in stream:
        yield before, here, after
        before, here = here, after
    yield before, here, here
