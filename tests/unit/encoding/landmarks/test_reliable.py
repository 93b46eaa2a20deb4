"""Which directions of postures are relied on: those in which movement and subjects differ by more than errors."""

import numpy as np
import pytest

from ubam.encoding.landmarks.reliable import FEWEST, errors_and_all, unreliable, weights

FPS = [25.0] * 8


def walking(rng: np.random.Generator, noise: np.ndarray, bodies: float = 0.0) -> list[np.ndarray]:
    """Eight recordings of a gait in the numbers 0 and 1, of bodies that differ in 2; noise in each of five numbers."""
    made = []
    for _ in range(8):
        phase = np.arange(150) / 4 + rng.uniform(0, 6)
        signal = np.zeros((150, 5))
        signal[:, 0], signal[:, 1] = np.sin(phase), np.cos(phase)
        signal[:, 2] = bodies * rng.normal()
        made.append((signal + noise * rng.normal(size=signal.shape)).astype(np.float32))
    return made


def trusted(found: np.ndarray) -> np.ndarray:
    """By how much each number [D] lies in directions that are relied on, 0 to 1."""
    return np.asarray(1 - np.diag(found) / np.linalg.eigvalsh(found).max())


def test_what_moves_alike_and_what_tells_bodies_apart_is_relied_on_and_noise_is_not() -> None:
    recordings = walking(np.random.default_rng(0), np.full(5, 0.1), bodies=1.0)
    found = unreliable(recordings, FPS, np.zeros((5, 5)))
    assert np.linalg.matrix_rank(found) == 2
    assert trusted(found)[:3].min() > 0.9
    assert trusted(found)[3:].max() < 0.1


def test_what_is_not_relied_on_has_more_than_all_that_is_seen() -> None:
    recordings = walking(np.random.default_rng(0), np.full(5, 0.1), bodies=1.0)
    found = unreliable(recordings, FPS, np.zeros((5, 5)))
    assert found == pytest.approx(found.T)
    assert np.linalg.eigvalsh(found).max() > 3 * np.concatenate(recordings).var(0).max()


def test_a_difference_between_bodies_that_looks_may_have_made_is_not_relied_on() -> None:
    looks = np.diag([0.0, 0.0, 1.0, 0.0, 0.0])
    found = unreliable(walking(np.random.default_rng(0), np.full(5, 0.1), bodies=1.0), FPS, looks)
    assert trusted(found)[2] < 0.1
    assert trusted(found)[:2].min() > 0.9


def test_a_number_that_errs_weighs_less() -> None:
    found = weights(walking(np.random.default_rng(1), np.array([0.1, 0.1, 0.1, 0.1, 0.5])), FPS)
    assert found[4] < 0.6 * found[:4].min()
    assert (found**2).mean() == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2])
def test_a_few_recordings_are_enough(count: int) -> None:
    found = unreliable(walking(np.random.default_rng(2), np.full(5, 0.1))[:count], FPS[:count], np.eye(5) / 100)
    assert np.isfinite(found).all()
    assert np.linalg.matrix_rank(found) <= 5 - FEWEST


def test_recordings_too_short_for_a_moment_or_without_errors_have_directions_too() -> None:
    short = [one[:4] for one in walking(np.random.default_rng(3), np.zeros(5), bodies=1.0)]
    still = [np.ones((50, 5), np.float32)] * 3
    for recordings in (short, still):
        assert np.isfinite(unreliable(recordings, FPS, np.zeros((5, 5)))).all()
        assert np.isfinite(weights(recordings, FPS)).all()


def test_moments_that_agree_differ_by_nothing() -> None:
    same = np.random.default_rng(0).normal(size=(60, 4)).cumsum(0)
    errors, seen = errors_and_all([same, same.copy(), same.copy()], FPS[:3])
    assert errors == pytest.approx(np.zeros((4, 4)), abs=1e-9)
    assert np.trace(seen) > 1
    assert not errors_and_all([same], FPS[:1])[0].any()
