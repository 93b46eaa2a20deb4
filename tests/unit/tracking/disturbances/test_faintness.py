"""Subjects that can hardly be seen: how far they stand out, and which pictures are large enough for them."""

import numpy as np
import pytest

from ubam.tracking.disturbances.faintness import (
    contrast,
    finer_reduction,
    reduction_for_length,
    said_of_contrast,
    said_of_size,
)
from ubam.tracking.scene.empty_scene import Scene

GREY = 160


def crossing(size: int, darker: int = 90, count: int = 15, shape: tuple[int, int] = (120, 200)) -> np.ndarray:
    """Frames uint8 [count,h,w,3] of a floor that a square of so many pixels crosses, with a little noise."""
    frames = np.full((count, *shape, 3), GREY, np.uint8)
    for number, frame in enumerate(frames):
        left = 8 + number * (shape[1] - size - 16) // (count - 1)
        frame[50 : 50 + size, left : left + size] -= np.uint8(darker)
    noise = np.random.default_rng(0).integers(-1, 2, frames.shape, np.int8)
    return (frames.astype(np.int16) + noise).astype(np.uint8)


@pytest.mark.parametrize(("darker", "faint"), [(12, True), (90, False)])
def test_a_subject_about_as_bright_as_its_floor_is_said(darker: int, faint: bool) -> None:
    frames = crossing(20, darker)
    subject = frames[..., 0] < GREY - darker // 2
    scene = Scene(np.full(frames.shape[1:], GREY, np.uint8), np.ones(frames.shape[1:3], np.float32), False)
    levels = contrast(frames, subject, scene)
    assert levels == pytest.approx(darker, abs=2)
    said = " ".join(said_of_contrast(levels))
    assert (f"about {levels:.0f} of 255 grey levels: a part of it may be missing" in said) is faint


def test_nothing_is_said_of_what_was_not_seen() -> None:
    frames, floor = crossing(20), np.full((120, 200, 3), GREY, np.uint8)
    nobody, everywhere = (np.full(frames.shape[:3], there) for there in (False, True))
    assert contrast(frames, nobody, Scene(floor, np.ones((120, 200), np.float32), False)) is None
    assert contrast(frames, everywhere, Scene(floor, np.ones((120, 200), np.float32), True)) is None
    assert said_of_contrast(None) == ()


@pytest.mark.parametrize(("size", "finer"), [(5, 1), (14, 2)])
def test_pictures_are_as_large_as_the_subject_needs(size: int, finer: int) -> None:
    assert finer_reduction(crossing(size), 4) == finer


def test_where_nothing_moves_no_larger_picture_helps() -> None:
    assert finer_reduction(crossing(0), 4) is None


@pytest.mark.parametrize(("length", "reduction", "better"), [(30, 5, 1), (36, 5, 2), (40, 5, None), (4, 1, None)])
def test_a_short_subject_is_surveyed_in_larger_pictures(length: float, reduction: int, better: int | None) -> None:
    assert reduction_for_length(length, reduction) == better


def test_a_tiny_subject_is_said_with_its_length() -> None:
    assert "about 15 pixels long" in " ".join(said_of_size(15.2))
    assert said_of_size(30) == ()
