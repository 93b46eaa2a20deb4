"""Pictures and clips as text inside a page: small JPEG pictures as data: URIs, clips as base64 within a budget."""

import base64
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ubam.core.errors import VideoError
from ubam.recordings.video_reader import probe, read_frame, read_frames
from ubam.recordings.video_writer import write_clip

BUDGET = 15_000_000  # bytes of clips before base64, which adds a third: a page of 25 MB with its pictures
SMALLEST_SHARE = 200_000  # bytes; with less for each, the last clips are left out instead of shrinking all
LONGEST_SHRUNK = 3000  # frames; a longer clip is not encoded again for the page
HEAT = np.array([213, 94, 0], np.float32)


@dataclass(frozen=True)
class Clip:
    """A clip for the page: base64 of its MP4 ("" when left out), first picture, size, and what was done to it."""

    path: Path
    data: str
    poster: str
    width: int
    height: int
    note: str = ""


def picture(pixels: np.ndarray, quality: int = 88) -> str:
    """A data: URI of a picture, uint8 [H, W, 3] RGB."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8), parameters)
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii") if done else ""


def heat_picture(crop: np.ndarray, region: np.ndarray, size: int = 256) -> np.ndarray:
    """`crop` [S, S, 3] in grey with `region` [h, w] (share of the deviation, any scale) laid over it in orange."""
    heat = cv2.resize(np.nan_to_num(region.astype(np.float32)), (size, size), interpolation=cv2.INTER_CUBIC)
    heat = np.clip(heat / max(float(heat.max()), 1e-9), 0, 1)[..., None] ** 0.8 * 0.8
    grey = cv2.cvtColor(cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC), cv2.COLOR_RGB2GRAY)
    return (grey[..., None] * (1 - heat) + HEAT * heat).astype(np.uint8)


def embed_clips(
    paths: Sequence[Path], budget: int = BUDGET, progress: Callable[[int, int], None] | None = None
) -> dict[Path, Clip]:
    """Clips for the page, most important first in `paths`; those that do not fit are shrunk, then left out.

    Small clips leave their unused share to the others. A file that is missing or no video is absent from the result.
    """
    present = [path for path in dict.fromkeys(paths) if path.is_file() and path.stat().st_size > 0]
    chosen = present[: max(1, budget // SMALLEST_SHARE)]
    share = _share([path.stat().st_size for path in chosen], budget)
    clips = {}
    for number, path in enumerate(present, start=1):
        clip = _clip(path, share if path in chosen else 0)
        if clip is not None:
            clips[path] = clip
        if progress is not None:
            progress(number, len(present))
    return clips


def _share(sizes: list[int], budget: int) -> int:
    """The largest number of bytes that every clip may have so that all fit into the budget."""
    left = budget
    for count, size in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if size > left / count:
            return int(left / count)
        left -= size
    return budget


def _clip(path: Path, allowed: int) -> Clip | None:
    try:
        info, poster = probe(path), picture(read_frame(path, 0), 80)
        size = path.stat().st_size
        if size <= allowed:
            return Clip(path, _base64(path), poster, info.width, info.height)
        scale = min(0.9, 0.9 * (allowed / size) ** 0.5)
        if info.width * scale >= 200 and info.frames_declared <= LONGEST_SHRUNK and allowed:
            smaller = _shrink(path, int(info.width * scale), int(info.height * scale), info.fps, allowed)
            if smaller:
                return Clip(path, smaller, poster, info.width, info.height, "shown smaller than the file")
        return Clip(path, "", poster, info.width, info.height, "left out of this page to keep it small")
    except (VideoError, OSError):
        return None


def _shrink(path: Path, width: int, height: int, fps: float, allowed: int) -> str:
    size = (width // 2 * 2, max(2, height // 2 * 2))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "clip.mp4"
        write_clip(target, read_frames(path, size=size), fps, crf=27)
        return _base64(target) if target.stat().st_size <= allowed else ""


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
