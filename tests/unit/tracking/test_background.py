"""The picture behind what moves, where something covers it as steadily as it is itself."""

import numpy as np
import pytest

from ubam.tracking.scene.background import steadiest_background

FLOOR, SHAFT = 190, 160


@pytest.mark.parametrize("first", [8, 12])
def test_what_comes_and_goes_is_no_background_however_steady(first: int) -> None:
    random = np.random.default_rng(3)
    frames = np.full((40, 24, 32, 3), FLOOR, np.uint8)
    frames[first : first + 20, 6:18, 8:24] = SHAFT  # half of the time
    noisy = (frames + random.normal(0, 1, (40, 24, 32, 1))).round().clip(0, 255).astype(np.uint8)
    assert np.abs(steadiest_background(noisy).astype(int) - FLOOR).max() <= 2


def test_what_varies_is_no_background_however_often_it_is_seen() -> None:
    random = np.random.default_rng(4)
    frames = np.full((40, 24, 32, 3), FLOOR, np.uint8)
    frames[np.arange(40) % 4 != 0, 6:18, 8:24] = random.integers(20, 120, (30, 12, 16, 1))  # fur
    assert np.abs(steadiest_background(frames).astype(int) - FLOOR)[8:16, 10:22].max() <= 2
