"""Which directions of postures are kept: those in which movement and subjects differ by more than errors."""

import numpy as np
import pytest

from ubam.encoding.landmarks.reliable import FEWEST, RELIABLE, errors_and_all, reliable_directions

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


def share(directions: np.ndarray, number: int) -> float:
    """How much of a number is in the space that the directions span, 0 to 1."""
    return float(np.linalg.norm(np.linalg.qr(directions)[0][number]))


def test_what_moves_alike_and_what_tells_bodies_apart_is_kept_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    found = reliable_directions(walking(rng, np.full(5, 0.1), bodies=1.0), FPS, np.zeros((5, 5)))
    assert found.shape == (5, 3)
    assert min(share(found, number) for number in (0, 1, 2)) > 0.95
    assert max(share(found, number) for number in (3, 4)) < 0.2


def test_a_difference_between_bodies_that_looks_may_have_made_is_not_kept() -> None:
    looks = np.diag([0.0, 0.0, 1.0, 0.0, 0.0])
    found = reliable_directions(walking(np.random.default_rng(0), np.full(5, 0.1), bodies=1.0), FPS, looks)
    assert found.shape == (5, 2)
    assert share(found, 2) < 0.2


def test_what_is_kept_varies_more_than_it_errs_and_units_hardly_matter() -> None:
    units = np.array([1.0, 10.0, 0.1, 1.0, 5.0])
    recordings = walking(np.random.default_rng(1), np.full(5, 0.1), bodies=1.0)
    found = reliable_directions(recordings, FPS, np.zeros((5, 5)))
    errors, seen = errors_and_all(recordings, FPS)
    seen += np.cov(np.stack([one.mean(0) for one in recordings]).T, bias=True)
    assert (np.diag(found.T @ seen @ found) > RELIABLE * np.diag(found.T @ errors @ found)).all()
    other = reliable_directions([one * units.astype(np.float32) for one in recordings], FPS, np.zeros((5, 5)))
    space, same = np.linalg.qr(found)[0], other * units[:, None]
    assert np.linalg.norm(same - space @ (space.T @ same)) < 0.1 * np.linalg.norm(same)


def test_distances_are_those_of_the_numbers_by_their_weights() -> None:
    found = reliable_directions(walking(np.random.default_rng(4), np.full(5, 0.1), bodies=1.0), FPS, np.zeros((5, 5)))
    assert found.T @ found == pytest.approx(np.eye(3), abs=0.1)  # five numbers that err alike


@pytest.mark.parametrize("count", [1, 2])
def test_a_few_recordings_are_enough(count: int) -> None:
    found = reliable_directions(walking(np.random.default_rng(2), np.full(5, 0.1))[:count], FPS, np.eye(5) / 100)
    assert FEWEST <= found.shape[1] <= 5
    assert np.isfinite(found).all()


def test_recordings_too_short_for_a_moment_and_without_errors_still_have_directions() -> None:
    short = [one[:4] for one in walking(np.random.default_rng(3), np.zeros(5), bodies=1.0)]
    assert np.isfinite(reliable_directions(short, FPS, np.zeros((5, 5)))).all()
    still = [np.ones((50, 5), np.float32)] * 3
    assert np.isfinite(reliable_directions(still, FPS, np.zeros((5, 5)))).all()


def test_moments_that_agree_differ_by_nothing() -> None:
    same = np.random.default_rng(0).normal(size=(60, 4)).cumsum(0)
    errors, seen = errors_and_all([same, same.copy(), same.copy()], FPS[:3])
    assert errors == pytest.approx(np.zeros((4, 4)), abs=1e-9)
    assert np.trace(seen) > 1
    assert not errors_and_all([same], FPS[:1])[0].any()
