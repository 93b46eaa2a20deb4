"""Jumps, lamps and intruders on small arrays: found at their frame, and nowhere else."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ubam.tracking.disturbances.intruders import steadied, without_light
from ubam.tracking.disturbances.jumps import find_jumps
from ubam.tracking.disturbances.light import light_changes, light_of
from ubam.tracking.disturbances.sentences import said_of_larger, said_of_light
from ubam.tracking.first_pass import FirstPass, to_jpeg

FPS, COUNT = 25.0, 100


def survey_of(frames: list[np.ndarray], folder: Path) -> FirstPass:
    """A first pass over frames, as if read from a film."""
    offsets = [0]
    with open(folder / "small.bin", "wb") as blob:
        for frame in frames:
            offsets.append(offsets[-1] + blob.write(to_jpeg(frame)))
    at = np.arange(0, len(frames), 4)
    light = np.stack([light_of(frame) for frame in frames])
    samples = np.stack(frames)[at]
    return FirstPass(0, np.arange(len(frames)) / FPS, samples, at, folder / "small.bin", np.array(offsets), 1, light)


def scene(seed: int = 0) -> np.ndarray:
    """A wall with bricks, uint8 [160,200,3]."""
    random = np.random.default_rng(seed)
    bricks = np.repeat(np.repeat(random.uniform(90, 170, (16, 20, 3)), 10, 0), 10, 1)
    return cv2.GaussianBlur(bricks.astype(np.float32), (0, 0), 1.0).astype(np.uint8)


def walk(moves: list[np.ndarray]) -> list[np.ndarray]:
    """A square that walks before the wall, seen by a camera that moves so [2,3] in each frame."""
    frames, random = [], np.random.default_rng(1)
    for t, move in enumerate(moves):
        picture = scene()
        picture[60:90, 10 + 3 * t // 2 : 40 + 3 * t // 2] = 20
        seen = cv2.warpAffine(picture, move, (200, 160), borderMode=cv2.BORDER_REPLICATE)
        frames.append((seen + random.normal(0, 2, seen.shape)).clip(0, 255).astype(np.uint8))
    return frames


def shifted(x: float, y: float, degrees: float = 0.0) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((100, 80), degrees, 1.0)
    matrix[:, 2] += np.array([x, y])
    return np.asarray(matrix)


@pytest.mark.parametrize(("x", "y", "degrees"), [(3, 0, 0), (8, -6, 0), (40, 30, 0), (6, 5, 4)])
@pytest.mark.parametrize("at", [6, 49, 93])
def test_a_push_is_found_at_its_frame(x: float, y: float, degrees: float, at: int, tmp_path: Path) -> None:
    moves = [shifted(0, 0)] * at + [shifted(x, y, degrees)] * (COUNT - at)
    jumps = find_jumps(survey_of(walk(moves), tmp_path))
    assert jumps is not None
    assert len(jumps.at) == 1
    assert abs(jumps.at[0] - at) <= 1
    corner = jumps.moves[0] @ [100 + x, 80 + y, 1]
    np.testing.assert_allclose(corner, [100, 80], atol=1.5)
    camera = jumps.camera(COUNT, (160, 200))
    assert camera.registered.all()
    assert np.ptp(camera.moves[:at], axis=0).max() == np.ptp(camera.moves[at + 1 :], axis=0).max() == 0


@pytest.mark.parametrize("speed", [0.0, 0.5])
def test_a_camera_at_rest_or_one_that_pans_does_not_jump(speed: float, tmp_path: Path) -> None:
    assert find_jumps(survey_of(walk([shifted(speed * t, 0) for t in range(COUNT)]), tmp_path)) is None


@pytest.mark.parametrize("left", [0.1, 0.5, 0.85, 1.3])
@pytest.mark.parametrize("at", [10, 50, 85])
def test_a_lamp_is_found_at_its_frame(left: float, at: int) -> None:
    level = np.where(np.arange(COUNT) < at, 1.0, left)[:, None]
    light = (
        level
        * np.random.default_rng(0).uniform(60, 180, (1, 48))
        * np.random.default_rng(1).normal(1, 0.01, (COUNT, 48))
    )
    assert light_changes(light.astype(np.float32), FPS) == [at]


def test_a_lamp_that_goes_out_is_timed_to_the_frame_whatever_the_noise_says() -> None:
    """The medians on either side are alike from half a stretch before to half a stretch after."""
    level = np.where(np.arange(COUNT) >= 60, 18.0, 180.0)[:, None]
    for seed in range(20):
        light = level + np.random.default_rng(seed).normal(0, 0.05, (COUNT, 48))
        assert light_changes(light.astype(np.float32), FPS) == [60]


def test_dusk_a_flash_and_a_large_animal_are_no_lamps() -> None:
    t = np.arange(COUNT)[:, None]
    dusk = (200 - t) * np.ones((1, 48))
    flash = np.where(t == 50, 250.0, 120.0) * np.ones((1, 48))
    animal = np.full((COUNT, 48), 120.0)
    animal[50:, :20] = 30
    assert [light_changes(light.astype(np.float32), FPS) for light in (dusk, flash, animal)] == [[], [], []]


def test_moments_of_something_larger_are_passed_over_and_gaps_closed() -> None:
    larger = np.zeros(COUNT, bool)
    larger[10] = larger[30:60] = True
    larger[40:43] = False
    found = steadied(larger, FPS)
    assert np.flatnonzero(found).tolist() == list(range(30, 60))
    assert "for 1.2 s, first at 1.2 s" in said_of_larger(found, np.arange(COUNT) / FPS)
    assert not without_light(found, [31], FPS).any()
    assert without_light(found, [80], FPS).sum() == 30


def test_times_are_named() -> None:
    assert said_of_light([1.0, 2.54]).startswith("the light changes at 1.0 s and 2.5 s: ")
