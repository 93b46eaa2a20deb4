"""The outline of the subject in the crops of a recording, as the eye sees it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import torch

from ubam.core.files import content_hash
from ubam.core.parallel import one_ahead
from ubam.tracking.eye.eye import WEIGHTS, Eye
from ubam.tracking.scene.empty_scene import Scene

ABSENT = 0.1  # of an outline that differs from the empty scene; below it nobody is present


Item = TypeVar("Item")
Stacked = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, torch.Tensor]


class Glimpse(NamedTuple):
    """One crop uint8 [S,S,3]; the same box of the frames before and after it, and of the empty scene, where known."""

    before: np.ndarray
    crop: np.ndarray
    after: np.ndarray
    empty: np.ndarray | None


LOOKS_ON = ["cpu"]  # the device of this process's eye, `cpu` or `cuda`


def look_on(device: str) -> None:
    """From now on the eye of this process looks on `cpu` or `cuda`."""
    LOOKS_ON[0] = device


def shipped_eye() -> Eye:
    """The eye that ships with the program, on the device of this process."""
    return eye_on(LOOKS_ON[0])


@lru_cache(maxsize=1)
def eye_on(device: str) -> Eye:
    """The shipped eye on `cpu` or `cuda`, in bfloat16 where that is multiplied: half the time."""
    return Eye.load(device=device, bfloat16=multiplies_bfloat16(device))


def multiplies_bfloat16(device: str) -> bool:
    """Whether `cpu` or `cuda` of this machine does."""
    return bool(torch.cuda.is_bf16_supported() if device == "cuda" else torch.cpu._is_avx512_bf16_supported())


def sight(device: str) -> str:
    """How the eye looks on `cpu` or `cuda` of this machine: machines that differ in this draw slightly other outlines.

    An example: `on cpu in bfloat16`.
    """
    return f"on {device} in {'bfloat16' if multiplies_bfloat16(device) else 'float32'}"


@lru_cache(maxsize=1)
def eye_fingerprint() -> str:
    """16 hexadecimal digits that identify the weights of the shipped eye."""
    return content_hash(Path(str(files("ubam") / WEIGHTS)))[:16]


class Look(NamedTuple):
    """What the eye sees in a crop.

    outline float32 [S,S] in 0..1; landmarks float32 [L,4]: x and y in crop sides, their uncertainty, likewise, and the
    chance of lying within the crop; places int8 [64,64,4]: front, left and height on the canonical body and the chance
    of the left half, times 127.
    """

    outline: np.ndarray
    landmarks: np.ndarray
    places: np.ndarray


def outlines(eye: Eye, glimpses: Iterable[Glimpse], size: int) -> Iterator[np.ndarray]:
    """The soft outline of the subject in each crop, float32 [size,size] in 0..1; a few glimpses are held at a time."""
    for some in _batches(eye, glimpses):
        for alpha in eye.outline(*some):
            yield _sized(alpha, size)


def looks(eye: Eye, glimpses: Iterable[Glimpse], size: int, plan: str) -> Iterator[Look]:
    """All that the eye sees of a body of the plan in each crop; a few glimpses are held at a time."""
    for some in _batches(eye, glimpses):
        seen = eye.body(*some, plan)
        marks = np.concatenate([seen.landmarks, seen.spread[..., None], seen.inside[..., None]], -1)
        places = np.round(np.concatenate([seen.places, seen.left[..., None]], -1) * 127).astype(np.int8)
        for alpha, mark, place in zip(seen.alpha, marks, places, strict=True):
            yield Look(_sized(alpha, size), mark, place)


def plan_chances(eye: Eye, glimpses: Sequence[Glimpse]) -> np.ndarray:
    """The mean logarithm of the chance of each plan of body over crops, float32 [4]."""
    _, crops, _, empty, known = _stacked(glimpses)
    before, after = (np.stack([getattr(glimpse, name) for glimpse in glimpses]) for name in ("before", "after"))
    behind = empty if bool(known.all()) else None
    return np.asarray(eye.plan_chances(crops, behind, np.stack([before, after], 1)).mean(axis=0))


def present(outline: np.ndarray, crop: np.ndarray, scene: Scene) -> np.ndarray:
    """The outline float32 [S,S] of a crop uint8 [S,S,3]; empty where nothing in it differs from the empty scene.

    A scene that was never seen empty does not decide this.
    """
    if scene.hidden or (scene.saliency(crop) * outline).sum() > ABSENT * outline.sum():
        return outline
    return np.zeros_like(outline)


def outline_of(eye: Eye, crop: np.ndarray, empty: np.ndarray | None) -> np.ndarray:
    """The soft outline in one picture uint8 [S,S,3] without its neighbours in time, float32 [S,S] in 0..1."""
    return next(outlines(eye, [Glimpse(crop, crop, crop, empty)], len(crop)))


def noted(items: Iterable[Item], into: deque[Item]) -> Iterator[Item]:
    """The items as they come; each goes into `into` first, for whoever uses the answer to it in another thread."""
    for item in items:
        into.append(item)
        yield item


def looks_while_reading(eye: Eye) -> bool:
    """Whether frames are best read and cut in another thread than the eye looks in: where a GPU or a core waits."""
    return eye.device != "cpu" or torch.get_num_threads() > 1


def _batches(eye: Eye, glimpses: Iterable[Glimpse]) -> Iterator[Stacked]:
    """Batches for the eye; the next one is made while it looks, where that helps."""
    some = (_stacked(together) for together in _together(eye, glimpses))
    return one_ahead(some) if looks_while_reading(eye) else some


def _together(eye: Eye, glimpses: Iterable[Glimpse]) -> Iterator[list[Glimpse]]:
    held: list[Glimpse] = []
    for glimpse in glimpses:
        held.append(glimpse)
        if len(held) == eye.batch:
            yield held
            held = []
    if held:
        yield held


def _stacked(glimpses: Sequence[Glimpse]) -> Stacked:
    empty = np.stack([glimpse.crop if glimpse.empty is None else glimpse.empty for glimpse in glimpses])
    known = torch.tensor([glimpse.empty is not None for glimpse in glimpses])
    before, crop, after = (np.stack([getattr(glimpse, name) for glimpse in glimpses]) for name in Glimpse._fields[:3])
    return before, crop, after, empty, known


def _sized(alpha: np.ndarray, size: int) -> np.ndarray:
    way = cv2.INTER_AREA if size < len(alpha) else cv2.INTER_LINEAR
    return cv2.resize(alpha, (size, size), interpolation=way) if len(alpha) != size else alpha


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
