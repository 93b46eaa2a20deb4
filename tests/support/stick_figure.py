"""A stick figure that walks through a picture, upright or leaning, with its true joints: quick to draw, for tests."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from tests.support.plain_eye import plain_eye
from ubam.magnification.magnify import EmbeddedRecording, Magnification, magnify
from ubam.recordings.study_table import Recording
from ubam.recordings.video_writer import write_clip
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops

FRAMES, WIDTH, HEIGHT = 48, 192, 112
GROUND, LEG, TRUNK = 100, 32, 38
PERIOD = 16
Seeing = Callable[[], AbstractContextManager[None]]


def joints(frame: int, lean: float) -> np.ndarray:
    """Head, hip, left and right foot float32 [4, 2] in px; `lean` in degrees."""
    hip = np.array([45 + 2.2 * frame, GROUND - LEG])
    swing = np.deg2rad(24) * np.sin(2 * np.pi * frame / PERIOD)
    feet = [hip + LEG * np.array([np.sin(angle), np.cos(angle)]) for angle in (swing, -swing)]
    head = hip + TRUNK * np.array([np.sin(np.deg2rad(lean)), -np.cos(np.deg2rad(lean))])
    return np.array([head, hip, *feet], np.float32)


def pictures(lean: float, shade: int, seed: int) -> list[np.ndarray]:
    """The frames of one recording, uint8 [FRAMES, HEIGHT, WIDTH, 3]; without feet, legs that meet look like a post."""
    rng = np.random.default_rng(seed)
    wall = cv2.GaussianBlur(rng.uniform(60, 140, (HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 3)
    drawn = []
    for frame in range(FRAMES):
        picture = wall.copy()
        head, hip, left, right = (tuple(int(side) for side in np.rint(16 * point)) for point in joints(frame, lean))
        for end, thickness, tone in ((left, 7, shade - 30), (right, 7, shade), (head, 13, shade)):
            cv2.line(picture, hip, end, (tone, tone, 40), thickness, cv2.LINE_AA, 4)
        for ankle, tone in ((left, shade - 30), (right, shade)):
            cv2.line(picture, ankle, (ankle[0] + 16 * 6, ankle[1]), (tone, tone, 40), 5, cv2.LINE_AA, 4)
        cv2.circle(picture, head, 16 * 8, (shade, shade // 2, shade), -1, cv2.LINE_AA, 4)
        drawn.append(np.clip(picture + rng.normal(0, 1, picture.shape), 0, 255).astype(np.uint8))
    return drawn


_PLACE = TemporaryDirectory(prefix="figures-")  # as long as this process


def record(
    folder: Path, name: str, lean: float = 0.0, shade: int = 230, seed: int = 0, seeing: Seeing = plain_eye
) -> tuple[CropStore, Path]:
    """Write and crop one recording, or copy the same one of an earlier test; returns its store and its video."""
    kept = _recorded(name, lean, shade, seed, seeing)
    video, crops = folder / f"{name}.mp4", folder / f"{name}_crops"
    shutil.copy(kept / "video.mp4", video)
    shutil.copytree(kept / "crops", crops)
    return CropStore.open(crops), video


@cache
def _recorded(name: str, lean: float, shade: int, seed: int, seeing: Seeing) -> Path:
    place = Path(_PLACE.name) / f"{name} {lean} {shade} {seed} {seeing.__name__}"
    video = place / "video.mp4"
    write_clip(video, pictures(lean, shade, seed), 25, crf=12)
    recording = Recording(
        recording_id=name, row=2, video=video, subject=name, group="healthy", day=None, dose=None, severity=None,
        start_s=None, end_s=None, box=None, fps=None, extra={},
    )  # fmt: skip
    with seeing():
        build_crops(recording, place / "crops")
    return place


def embed(views: np.ndarray) -> np.ndarray:
    """Where the subject's saliency lies, row by row: a posture code that sees a lean."""
    salient = views[..., 0].astype(np.float32) / 255
    columns = np.linspace(-1, 1, salient.shape[2], dtype=np.float32)
    return (salient * columns).sum(2)[:, ::4] / salient.shape[1]


def leaning(folder: Path, frames: slice, factors: tuple[float, ...], seeing: Seeing = plain_eye) -> Magnification:
    """The magnification of a figure that leans by 18 degrees, beside three that do not; `seeing` is of the former."""
    query, video = record(folder, "leaning", 18.0, 230, 0, seeing)
    path = np.arange(FRAMES)
    others = [record(folder, f"upright{n}", float(n), 190 + 20 * n, n + 1) for n in range(3)]
    posture, codes = embed(query.views), [embed(store.views) for store, _ in others]
    return magnify(
        EmbeddedRecording(query, video, posture), [(store, path) for store, _ in others], frames, factors, embed=embed,
        twin=np.median(codes, axis=0), plan="person",
    )  # fmt: skip
