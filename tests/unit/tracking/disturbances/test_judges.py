"""Something heavier than the subject moves for a part of the time: the eye tells which of them is a body."""

import cv2
import numpy as np

from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.tracking.blobs import follow
from ubam.tracking.disturbances.judges import judged
from ubam.tracking.disturbances.light import evenly_lit
from ubam.tracking.scene.background import reduced
from ubam.tracking.scene.empty_scene import scene_of_motion
from ubam.tracking.track import Motion, motion_of

WAVING = 0.6  # share of the frames in which a cloth waves


def film() -> tuple[list[np.ndarray], np.ndarray]:
    """A rendered walker before a cloth that waves at first: small frames, and the middle of the walker [T,2]."""
    rendered = render_recording(4, RecordingSpec(kind="human", scene="walkway", seconds=2.4))
    frames, middle = [], []
    for t, (frame, mask) in enumerate(rendered.frames_and_masks()):
        picture, there = reduced(frame, 2), np.argwhere(mask > 0.5) / 2
        moment = min(t, round(WAVING * 60))
        waves = 140 + 110 * np.sin(np.mgrid[: picture.shape[0] - 8, :40].sum(0) / 4 + 0.9 * moment)
        behind = waves[..., None].clip(0, 255).astype(np.uint8).repeat(3, 2)
        free = np.asarray(cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_AREA))[4:-4, 4:44] < 0.5
        picture[4:-4, 4:44][free] = behind[free]
        frames.append(picture)
        middle.append(there.mean(0)[::-1])
    return frames, np.stack(middle)


def near(motion: Motion, middle: np.ndarray) -> np.ndarray:
    """Whether the path is near the walker in each frame."""
    at = motion.blobs[np.arange(len(middle)), np.maximum(motion.path, 0), 1:3]
    return np.asarray((motion.path >= 0) & (np.hypot(*(at - middle).T) < 15))


def test_a_cloth_that_is_heavier_for_a_while_is_not_followed() -> None:
    frames, middle = film()
    scene = scene_of_motion(np.stack(frames[::3]))
    motion = motion_of(scene.saliency(frame) for frame in frames)
    waves = round(WAVING * len(frames))
    assert near(motion, middle)[:waves].mean() < 0.5  # by mass alone it is the cloth
    assert near(judged(lambda: iter(frames), motion), middle).mean() > 0.85


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
