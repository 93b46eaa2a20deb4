"""Something heavier than the subject moves for a part of the time: the eye tells which of them is a body."""

from collections.abc import Iterator

import cv2
import numpy as np

from ubam.tracking.blobs import follow
from ubam.tracking.disturbances.judges import judged
from ubam.tracking.disturbances.light import evenly_lit
from ubam.tracking.scene.empty_scene import scene_of_motion
from ubam.tracking.track import Motion, motion_of

COUNT, WAVING = 60, 36  # frames; those in which a cloth waves


def mouse_at(t: int) -> tuple[float, float]:
    return 110 + 35 * np.cos(t / 9), 80 + 35 * np.sin(t / 9)


def film() -> list[np.ndarray]:
    """A dark mouse with a tail runs in a circle on a bright floor; at first a larger cloth waves in a corner."""
    random, frames = np.random.default_rng(0), []
    for t in range(COUNT):
        picture = np.full((160, 200, 3), 170, np.uint8)
        x, y = mouse_at(t)
        way = np.degrees(t / 9) + 90
        cv2.ellipse(picture, (round(x), round(y)), (11, 6), way, 0, 360, (45, 42, 40), -1, cv2.LINE_AA)
        tail = [round(v - 22 * f(np.radians(way))) for v, f in ((x, np.cos), (y, np.sin))]
        cv2.line(picture, (round(x), round(y)), tuple(tail), (70, 60, 60), 1, cv2.LINE_AA)
        waves = 170 + 60 * np.sin(np.mgrid[:30, :34].sum(0) / 3 + (t if t < WAVING else WAVING))
        picture[125:155, 3:37] = waves[..., None].clip(0, 255).astype(np.uint8)
        frames.append((picture + random.normal(0, 2, picture.shape)).clip(0, 255).astype(np.uint8))
    return frames


def followed(motion: Motion) -> np.ndarray:
    """How far the path is from the mouse in each frame, px; endless where nothing is followed."""
    at = motion.blobs[np.arange(COUNT), np.maximum(motion.path, 0), 1:3]
    apart = np.hypot(*(at - [mouse_at(t) for t in range(COUNT)]).T)
    return np.where(motion.path < 0, np.inf, apart)


def test_a_cloth_that_is_heavier_for_a_while_is_not_followed() -> None:
    frames = film()

    def again() -> Iterator[np.ndarray]:
        return iter(frames)

    scene = scene_of_motion(np.stack(frames[::3]))
    motion = motion_of(scene.saliency(frame) for frame in frames)
    assert (followed(motion)[:WAVING] < 12).mean() < 0.5  # by mass alone it is the cloth
    assert (followed(judged(again, motion)) < 12).mean() > 0.9


def test_what_is_worth_nothing_is_not_followed() -> None:
    blobs = np.zeros((5, 4, 14), np.float32)
    blobs[:, :2, 0] = 100, 90
    blobs[:, 1, 1] = 50
    assert follow(blobs).tolist() == [0] * 5
    assert follow(blobs, np.array([0.0, 1, 1, 1])).tolist() == [1] * 5


def test_a_flicker_moves_nothing() -> None:
    background = np.random.default_rng(0).integers(40, 160, (120, 160, 3)).astype(np.uint8)
    frame = cv2.convertScaleAbs(background, alpha=1.3)
    frame[30:60, 40:80] = 5
    unlike = np.abs(evenly_lit(frame, background).astype(int) - background).max(axis=2) > 4
    assert unlike[30:60, 40:80].all()
    assert unlike.sum() == 30 * 40
