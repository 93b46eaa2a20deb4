"""The baselines against pictures whose magnified version is known."""

import numpy as np
import pytest

from ubam.evaluation.benchmark.clips.baselines import eulerian, phase_based, phase_shifted, pixel_average, steerable

COLUMNS = np.arange(96)


def wave(shift: float, period: float, height: int = 64) -> np.ndarray:
    row = 128 + 60 * np.cos(2 * np.pi * (COLUMNS - shift) / period)
    return row.astype(np.float32)[None].repeat(height, 0)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 196, (64, 96, 3)).astype(np.uint8)


def test_the_steerable_filters_lose_nothing() -> None:
    filters = steerable(64, 96)
    mirrored = np.roll(filters.bands[:, ::-1, ::-1], 1, axis=(1, 2))
    total = (filters.bands**2 + mirrored**2).sum(0) + filters.rest**2
    assert np.allclose(total, 1, atol=1e-5)
    picture = noise(0)[..., 0].astype(np.float32)
    assert np.allclose(phase_shifted(picture, noise(1)[..., 0], 1.0), picture, atol=0.01)


@pytest.mark.parametrize("period", [8, 16, 32])
def test_phases_carry_a_small_shift_on_by_the_factor(period: int) -> None:
    assert np.allclose(phase_shifted(wave(1, period), wave(0, period), 2.5), wave(2.5, period), atol=0.5)
    assert np.allclose(phase_shifted(wave(1, period), wave(0, period), 0.0), wave(0, period), atol=0.5)


def test_factor_one_is_the_picture_and_pixels_go_on_beyond_it() -> None:
    own, twin = noise(2), noise(3)
    assert np.array_equal(eulerian(own, twin, 1.0), own)
    assert np.abs(phase_based(own, twin, 1.0).astype(int) - own).max() <= 3  # colours go there and back
    twins = np.stack([twin, noise(4)])
    assert np.array_equal(pixel_average(own, twins, 1.0), own)
    mean = twins.astype(float).mean(0)
    assert np.abs(pixel_average(own, twins, 0.0) - mean).max() <= 0.5
    assert np.abs(pixel_average(own, twins, 1.5) - (mean + 1.5 * (own - mean)).clip(0, 255)).max() <= 0.5


def test_the_linear_way_adds_differences_of_the_bands_between() -> None:
    own, twin = (wave(shift, 24)[..., None].repeat(3, -1).round().astype(np.uint8) for shift in (1, 0))
    doubled = eulerian(own, twin, 2.0).astype(float)
    assert np.abs(doubled - (2.0 * own - twin)).mean() < 2.5  # nearly all of a wave of 24 px lies in those bands
    brighter = (twin.astype(int) + 20).astype(np.uint8)
    assert np.abs(eulerian(brighter, twin, 3.0).astype(int) - brighter).max() <= 1  # the mean brightness is left alone
