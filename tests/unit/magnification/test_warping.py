"""Pictures are mixed only where something shows; versions that mix whole pictures give the same ones."""

import cv2
import numpy as np
import pytest

from ubam.magnification.layouts.drawing import HIGH, LOW, OPACITY, RAMP, lay_heat
from ubam.magnification.warping import Carried, fill_gaps, move_layer

SIZE = (40, 52)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def disc(radius: int) -> np.ndarray:
    """A soft disc float32 in the middle."""
    return cv2.GaussianBlur(cv2.circle(np.zeros(SIZE, np.float32), (26, 20), radius, 1.0, -1), (0, 0), 1.0)


def test_gaps_are_painted_as_in_the_whole_picture(picture: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    gap = np.where(disc(6) > 0.04, disc(6), 0).astype(np.float32)
    carried = Carried(picture[::-1].copy(), disc(9), gap, disc(9))
    flow, layer, colour = (rng.normal(0, 2, (20, 26, n)).astype(np.float32) for n in (2, 1, 3))
    layer = np.clip(layer[..., 0], 0, 1)
    shift, opacity, added = (cv2.resize(one, SIZE[::-1]) for one in (flow, layer, colour))
    x, y = (shift + np.mgrid[: SIZE[0], : SIZE[1]][::-1].transpose(1, 2, 0)).astype(np.float32).transpose(2, 0, 1)
    subject = cv2.remap(carried.colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    painted = opacity[..., None] * subject + (1 - opacity[..., None]) * np.full_like(picture, 90) + added
    wanted = np.clip(np.rint(gap[..., None] * painted + (1 - gap[..., None]) * picture), 0, 255)
    found = fill_gaps(picture, np.full_like(picture, 90), carried, flow, layer, colour)
    np.testing.assert_array_equal(found, wanted)


def test_the_moved_subject_is_laid_over_as_in_the_whole_picture(picture: np.ndarray) -> None:
    behind, opacity = np.full_like(picture, 90), disc(9)
    moved = move_layer(picture, behind, opacity, np.full((*SIZE, 2), 3.0, np.float32))
    assert moved.carried is not None
    touched = ((opacity > 1e-3) | (moved.opacity > 1e-3)) * np.clip((moved.length - 0.1) / 0.4, 0, 1)
    share = cv2.GaussianBlur(touched.astype(np.float32), (0, 0), 1.0)[..., None]
    share = np.where(share > 1e-3, share, 0)
    left = np.clip(cv2.dilate(opacity, np.ones((3, 3), np.uint8)) * np.float32(1.5), 0, 1)[..., None]
    under = left * behind + (1 - left) * picture
    over = moved.opacity[..., None] * moved.carried.colour + (1 - moved.opacity[..., None]) * under
    wanted = np.clip(np.rint(share * over + (1 - share) * picture), 0, 255)
    assert np.abs(moved.picture - wanted).max() <= 1  # a half may be rounded to either side
    assert (moved.picture != picture).any()


def test_heat_is_laid_as_over_the_whole_picture(picture: np.ndarray) -> None:
    length, height = 8 * disc(9), 60.0
    warm = cv2.GaussianBlur((disc(9) * (length > LOW * height)).astype(np.float32), (0, 0), 0.7)
    share = np.clip((length / height - LOW) / (HIGH - LOW), 0, 1)
    alpha = (warm * (OPACITY[0] + (OPACITY[1] - OPACITY[0]) * share))[..., None]
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None] / 255
    painted = RAMP[np.rint(share * (len(RAMP) - 1)).astype(int)] * (0.6 + 0.4 * grey)
    wanted = np.rint((1 - alpha) * picture + alpha * painted).clip(0, 255)
    assert np.abs(lay_heat(picture, length, disc(9), height) - wanted).max() <= 1
