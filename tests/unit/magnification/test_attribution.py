"""Where and when: shares over the body, peaks that do not overlap."""

from itertools import pairwise

import numpy as np
import pytest

from ubam.magnification.attribution import occlusion_map, peaks, shares


def test_nothing_there_nothing_is_shared() -> None:
    assert not shares(np.zeros((3, 4, 4), np.float32)).any()


def test_shares_sum_to_one() -> None:
    cells = np.random.default_rng(0).uniform(size=(4, 3, 3)).astype(np.float32)
    np.testing.assert_allclose(shares(cells).sum((1, 2)), 1, rtol=1e-5)


def test_hiding_the_region_that_makes_the_difference_is_found() -> None:
    views = np.full((3, 16, 16, 3), 100, np.uint8)
    views[:, 4:8, 8:12, 0] = 255

    def embed(pictures: np.ndarray) -> np.ndarray:
        return pictures[..., 0].reshape(len(pictures), -1).max(1, keepdims=True).astype(np.float32)

    found = occlusion_map(embed, views, np.full((3, 1), 100, np.float32), grid=(4, 4))
    assert (found.reshape(3, -1).argmax(1) == 1 * 4 + 2).all()


def test_peaks_come_in_order_and_do_not_overlap() -> None:
    time = np.arange(0, 30, 0.2)
    deviation = 1 + 3 * np.exp(-(((time - 8) / 1) ** 2)) + 2 * np.exp(-(((time - 20) / 1) ** 2))
    found = peaks(deviation, time, count=3)
    assert found[0][1] == pytest.approx(8, abs=0.3)
    assert found[1][1] == pytest.approx(20, abs=0.3)
    for start, peak, end in found:
        assert start <= peak <= end
    ordered = sorted(found)
    assert all(before[2] <= after[0] for before, after in pairwise(ordered))


@pytest.mark.parametrize("deviation", [[], [np.nan, np.nan], [2.0], [1.0, 1.0, 1.0]])
def test_short_flat_and_missing_deviations_are_borne(deviation: list[float]) -> None:
    found = peaks(np.array(deviation), np.arange(len(deviation), dtype=float))
    assert len(found) <= max(1, int(np.isfinite(deviation).sum()))


def test_gaps_are_passed_over() -> None:
    deviation = np.array([1, np.nan, 5, np.nan, 1.0])
    assert peaks(deviation, np.arange(5.0), count=1)[0][1] == 2
