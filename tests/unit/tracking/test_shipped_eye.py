"""The eye that ships: on a plain picture of a body it never saw."""

import cv2
import numpy as np
import pytest

from ubam.tracking.eye.eye import Eye
from ubam.tracking.eye.network import SIDE


@pytest.fixture(scope="module")
def eye() -> Eye:
    return Eye.load()


def figure() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A person of ellipses and rods before a plain wall: picture, empty wall, outline."""
    empty = np.full((128, 128, 3), (150, 160, 170), np.uint8)
    empty[100:] = (90, 80, 70)
    mask = np.zeros((128, 128), np.uint8)
    cv2.circle(mask, (64, 22), 8, 1, -1)
    cv2.ellipse(mask, (64, 50), (10, 22), 0, 0, 360, 1, -1)
    for start, end in (((62, 68), (52, 112)), ((66, 68), (76, 112)), ((60, 36), (50, 64)), ((68, 36), (78, 62))):
        cv2.line(mask, start, end, 1, 8)
    picture = empty.copy()
    picture[mask > 0] = (60, 40, 120)
    large, wall, filled = (np.asarray(cv2.resize(one, (SIDE, SIDE))) for one in (picture, empty, mask * 255))
    return large, wall, filled > 127


def overlap(found: np.ndarray, true: np.ndarray) -> float:
    return float((found & true).sum() / (found | true).sum())


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_drawn_person_is_outlined(bfloat16: bool) -> None:
    picture, empty, true = figure()
    seen = Eye.load(bfloat16=bfloat16).see(picture[None], empty, "person")
    assert overlap(seen.alpha[0] > 0.5, true) > 0.8


def test_without_the_empty_scene_the_person_is_found_too(eye: Eye) -> None:
    picture, _, true = figure()
    assert overlap(eye.see(picture[None], plan="person").alpha[0] > 0.5, true) > 0.6


def test_feet_are_below_the_head(eye: Eye) -> None:
    picture, empty, _ = figure()
    seen = eye.see(picture[None], empty, "person")
    heights = dict(zip(seen.names, seen.landmarks[0, :, 1], strict=True))
    assert heights["head"] < heights["pelvis"] < min(heights["ankle_left"], heights["ankle_right"])
