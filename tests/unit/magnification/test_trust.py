"""Marks of frames that are not to be trusted: folds, limbs that cover each other, references that disagree."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support import stick_figure
from ubam.magnification.registration.register import FIELD
from ubam.magnification.trust import (
    BENT_SHARE,
    bent_share,
    doubt,
    hardly_moves,
    outline_lost,
    overlaid_share,
    torn_share,
)
from ubam.tracking.crop_store import CropStore

pytestmark = pytest.mark.usefixtures("plain_eye")


def two_limbs() -> np.ndarray:
    """Weight of two upright limbs, [FIELD, FIELD]."""
    weight = np.zeros((FIELD, FIELD), np.float32)
    weight[20:50, 20:26] = weight[20:50, 36:42] = 1
    return weight


def test_a_move_of_the_whole_neither_tears_nor_covers() -> None:
    flow = np.full((FIELD, FIELD, 2), 0.1, np.float32)
    assert torn_share(flow, two_limbs(), 1.0) == 0
    assert overlaid_share(flow, two_limbs(), 1.0) == 0


def test_a_limb_that_comes_to_lie_over_the_other_is_told() -> None:
    weight, flow = two_limbs(), np.zeros((FIELD, FIELD, 2), np.float32)
    flow[:, 32:, 0] = -16 / FIELD
    assert overlaid_share(flow, weight, 1.0) > 0.3
    assert overlaid_share(flow, weight, 0.1) == 0
    assert overlaid_share(flow, weight, -1.0) == 0


def test_a_fold_and_a_stretch_are_told() -> None:
    weight = np.ones((FIELD, FIELD), np.float32)
    x = (np.arange(FIELD, dtype=np.float32) - FIELD / 2) / FIELD
    flow = np.zeros((FIELD, FIELD, 2), np.float32)
    flow[..., 0] = -x  # all of it comes to lie on one line
    assert torn_share(flow, weight, 1.0) == 1
    assert torn_share(flow, weight, 0.5) == 0
    assert torn_share(flow, weight, -2.5) == 1  # three and a half times as wide


def test_what_is_shown_is_doubted_by_the_error_to_expect_of_it() -> None:
    weight, flow = two_limbs(), np.zeros((FIELD, FIELD, 2), np.float32)
    error = np.full((FIELD, FIELD), 0.02, np.float32)
    assert doubt(flow, weight, error) == 0
    flow[..., 0] = 0.05
    assert doubt(flow, weight, error) == pytest.approx(0.4)
    flow[:, 32:] = 0  # the other limb does not move: the error there counts all the same
    assert doubt(flow, weight, error) == pytest.approx(0.4 * np.sqrt(2))


def test_a_frame_that_hardly_moves_shows_nothing() -> None:
    flow = np.zeros((FIELD, FIELD, 2), np.float32)
    assert hardly_moves(flow, two_limbs(), 5.0)
    assert not hardly_moves(flow + np.float32(0.03), two_limbs(), -1.0)
    assert hardly_moves(flow + np.float32(0.006), two_limbs(), -1.0)
    assert not hardly_moves(flow + np.float32(0.006), two_limbs(), -4.0)  # at factor 5 there are arrows


def test_a_tube_of_the_background_that_moves_along_is_told() -> None:
    background = np.full((80, 80, 3), 200, np.uint8)
    background[:, 30:34] = 60
    frame = background.copy()
    frame[20:60, 40:60] = 120  # the subject, beside the tube
    opacity, wide = np.zeros((2, 80, 80), np.float32)
    opacity[20:60, 40:60] = 1
    wide[20:60, 25:60] = 1
    still, moved = np.zeros((20, 20, 2), np.float32), np.full((20, 20, 2), 3, np.float32)
    assert bent_share(frame, background, opacity, moved) == 0
    assert bent_share(frame, background, wide, still) == 0
    assert bent_share(frame, background, wide, moved) > BENT_SHARE
    plain = np.full((80, 80, 3), 200, np.uint8)
    assert bent_share(np.where(frame == 60, 200, frame).astype(np.uint8), plain, wide, moved) == 0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CropStore:
    return stick_figure.record(tmp_path_factory.mktemp("trust"), "figure")[0]


def test_an_outline_that_is_gone_soft_or_suddenly_small_is_lost(store: CropStore, tmp_path: Path) -> None:
    assert outline_lost(store, 20) < 1
    found = store.found.copy()
    found[20] = False
    assert outline_lost(replace(store, found=found), 20) > 1
    views = np.array(store.views)
    views[20, ..., 0] = views[20, ..., 0] // 2
    assert outline_lost(replace(store, views=views), 20) > 1
    views = np.array(store.views)
    views[20, : views.shape[1] // 2, :, 0] = 0
    assert outline_lost(replace(store, views=views), 20) > 1
    assert outline_lost(replace(store, views=views), 22) < 1
