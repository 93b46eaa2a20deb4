"""Windows against a slow version, where they come from, and uneven ones."""

import numpy as np
import pytest

from ubam.core.errors import ModelError
from ubam.encoding.encoders import WINDOW
from ubam.encoding.window_sampling import Windows

FACTORS = (1, 2, 3)


def counted(lengths: list[int]) -> list[np.ndarray]:
    """Recordings of 1 x 1 pictures: which one it is, and the frame."""
    views = [np.full((n, 1, 1, 3), index, np.uint8) for index, n in enumerate(lengths)]
    for item in views:
        item[:, 0, 0, 1] = np.arange(len(item)) % 251
    return views


def test_window_starts_against_a_slow_version() -> None:
    mask = np.random.default_rng(0).random(200) > 0.03
    starts = Windows([np.empty((200, 1, 1, 3), np.uint8)], [2], [mask], FACTORS).starts[0]
    for factor, found in starts.items():
        step = 2 * factor
        slow = [i for i in range(200) if i + 7 * step < 200 and all(mask[i + k * step] for k in range(WINDOW))]
        assert found.tolist() == slow


def test_windows_stay_inside_and_come_uniformly_from_recordings() -> None:
    drawn, uneven = Windows(counted([20, 400]), [2, 2], factors=FACTORS).draw(400, np.random.default_rng(0))
    assert drawn.shape == (400, WINDOW, 1, 1, 3)
    assert not uneven.any()
    assert 0.4 < drawn[:, 0, 0, 0, 0].mean() < 0.6
    gaps = np.diff(drawn[:, :, 0, 0, 1].astype(int), axis=1) % 251
    assert (gaps == gaps[:, :1]).all()
    assert set(gaps[drawn[:, 0, 0, 0, 0] == 0].ravel()) == {2}
    assert set(gaps.ravel()) == {2, 4, 6}


def test_uneven_windows_are_in_order_inside_found_frames_and_only_where_they_fit() -> None:
    asked = np.arange(300) % 2 == 0
    mask = np.ones(200, bool)
    mask[90:95] = False
    drawn, uneven = Windows(counted([200, 12]), [2, 1], [mask, np.ones(12, bool)]).draw(
        300, np.random.default_rng(1), uneven=asked
    )
    long = drawn[:, 0, 0, 0, 0] == 0
    np.testing.assert_array_equal(uneven & long, asked & long)
    frames = drawn[uneven & long, :, 0, 0, 1].astype(int)
    gaps = np.diff(frames, axis=1)
    assert set(gaps.ravel()) == {2, 6}
    assert (gaps != gaps[:, :1]).any(1).all()
    assert not np.isin(frames, np.arange(90, 95)).any()
    short = drawn[uneven & ~long, :, 0, 0, 1].astype(int)
    assert (np.ptp(short, axis=1) == 11).all()  # the least uneven window just fits


def test_windows_drawn_together_are_of_one_recording() -> None:
    drawn, _ = Windows(counted([50] * 20), [1] * 20).draw(10, np.random.default_rng(2), together=4)
    recording = drawn[:, 0, 0, 0, 0]
    for group in (recording[:4], recording[4:8], recording[8:]):
        assert len(set(group)) == 1
    assert len(set(recording)) == 3


@pytest.mark.parametrize("length", [12, 17, 18])
def test_a_short_recording_is_uneven_when_it_can_be(length: int) -> None:
    windows = Windows(counted([length]), [1])
    _, uneven = windows.draw(200, np.random.default_rng(3), uneven=np.ones(200, bool))
    assert uneven.all() == (length == 18)
    assert uneven.any()


def test_nothing_long_enough_is_an_error_with_a_remedy() -> None:
    frames = np.zeros((20, 4, 4, 3), np.uint8)
    with pytest.raises(ModelError, match="add longer recordings"):
        Windows([frames[: WINDOW - 1]], [1])
    with pytest.raises(ModelError, match="add longer recordings"):
        Windows([frames], [1], [np.zeros(20, bool)])
