"""Small videos and study tables for the tests."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ubam.recordings.video_reader import read_timed_frames
from ubam.recordings.video_writer import write_clip


def numbered_frames(count: int, width: int = 64, height: int = 48) -> Iterator[np.ndarray]:
    """Frames uint8 [H,W,3] whose grey level tells their index: 4 * index, at most 64 of them."""
    for index in range(count):
        yield np.full((height, width, 3), 4 * index, np.uint8)


def walking_frames(
    count: int = 60, width: int = 160, height: int = 120, in_place: bool = False
) -> Iterator[np.ndarray]:
    """A two-legged figure with a trunk and swinging legs on a textured wall, walking to the right or in place."""
    random = np.random.default_rng(0)
    wall = np.repeat(np.repeat(random.integers(90, 140, (height // 8 + 1, width // 8 + 1, 3)), 8, 0), 8, 1)
    rows, columns = np.mgrid[:height, :width]
    for index in range(count):
        centre = width / 2 if in_place else 24 + (width - 48) * index / max(count - 1, 1)
        frame = wall[:height, :width] + random.integers(-2, 3, (height, width, 1))
        trunk = (np.abs(columns - centre) < 7) & (rows >= 40) & (rows < 72)
        frame[trunk] = (200, 60, 50)
        for side in (-1, 1):
            swing = side * 0.45 * np.sin(index / 4)
            leg = (np.abs(columns - centre - swing * (rows - 70)) < 4) & (rows >= 70) & (rows < 104)
            frame[leg] = (40, 50, 170 + 20 * side)
        yield frame.clip(0, 255).astype(np.uint8)


def write_video(path: Path, frames: Iterator[np.ndarray] | None = None, fps: float = 25.0) -> Path:
    """Write a small MP4 and return its path."""
    write_clip(path, frames if frames is not None else walking_frames(), fps, crf=10)
    return path


def frame_times(path: Path, fps: float | None = None) -> np.ndarray:
    """The time of every frame as the program reads it, seconds, float64 [T]."""
    return np.array([time_s for _, time_s, _ in read_timed_frames(path, fps=fps)])


def make_study(folder: Path, text: str, videos: tuple[str, ...] = ("a.mp4", "b.mp4"), encoding: str = "utf-8") -> Path:
    """A study table of this text in a folder, and files in place of its videos."""
    for name in videos:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    path = folder / "study.csv"
    path.write_bytes(text.encode(encoding))
    return path
