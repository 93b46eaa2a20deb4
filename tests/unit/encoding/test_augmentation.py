from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.support.oracles.permutations import slow_chain
from tests.support.posture_studies import make_study
from ubam.deviation.controls import control_codes
from ubam.deviation.normal_variation import mean_looks, normal_units
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import ReferenceModel
from ubam.deviation.scores import score_study
from ubam.encoding.augmentation import change_looks, moved_by_looks
from ubam.encoding.objectives import OBJECTIVES
from ubam.encoding.study_encoder import Embedding
from ubam.encoding.training import TrainingSettings, build_encoders, train_encoders
from ubam.encoding.window_sampling import Windows
from ubam.evaluation.benchmark.measures import shuffled_auc
from ubam.evaluation.benchmark.rows import Coded
from ubam.statistics.permuted_references import match_all_subjects, score_under_references
from ubam.tracking.views import EMPTY


def figure(frames: int = 24, grey: int = 60) -> np.ndarray:
    """Views of a bar that swings, uint8 [T, 64, 64, 3], all of one grey."""
    views = np.tile(EMPTY, (frames, 64, 64, 1))
    for frame, view in enumerate(views):
        top = 20 + int(8 * np.sin(frame / 3))
        view[top : top + 24, 24:40] = (255, 128 + grey, 128 - grey)
    return views


def as_tensor(views: np.ndarray) -> Tensor:
    return torch.from_numpy(views).permute(0, 3, 1, 2).float()


def middle(channel: int) -> Callable[[Tensor], np.ndarray]:
    """An encoder that sees the mean of one channel of the views."""
    return lambda pictures: pictures[:, channel].mean((1, 2))[:, None].numpy()


def test_the_frames_of_a_window_share_a_change_and_windows_do_not() -> None:
    same = as_tensor(figure(1)).repeat(16, 1, 1, 1)
    changed = change_looks(same, 8, torch.Generator().manual_seed(0), boxes=True)
    assert (changed[:8] == changed[0]).all()
    assert (changed[8:] == changed[8]).all()
    assert (changed[0] - changed[8]).abs().max() > 20
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_the_subject_is_changed_and_nothing_appears_where_none_is() -> None:
    views = as_tensor(figure(16))
    changed = change_looks(views, 8, torch.Generator().manual_seed(1))
    away = views[:, :1, 2:-2, 2:-2] == 0
    away[:, :, 8:52, 20:40] = False  # where it swings, and a rim
    assert ((changed - views)[:, :, 2:-2, 2:-2].abs() * away).max() < 3
    assert (changed - views)[:, :, 24:40, 24:40].abs().mean() > 5


def test_a_code_of_grey_is_moved_by_looks_and_one_that_sees_nothing_is_not() -> None:
    views, found = figure(), np.ones(24, bool)
    assert moved_by_looks(views, found, middle(1))[0, 0] > 1
    assert moved_by_looks(views, found, lambda pictures: np.ones((len(pictures), 2)))[0, 0] == 0
    assert moved_by_looks(views, ~found, middle(1))[0, 0] == 0


def test_what_looks_do_to_a_recording_depends_on_it_alone() -> None:
    views, found = figure(), np.ones(24, bool)
    first = moved_by_looks(views, found, middle(0))
    moved_by_looks(figure(grey=20), found, middle(0))
    np.testing.assert_array_equal(moved_by_looks(views, found, middle(0)), first)


def with_looks(codes: list[PostureSeries], looks: np.ndarray) -> list[PostureSeries]:
    return [replace(code, looks=looks.astype(np.float32)) for code in codes]


def along(direction: int) -> np.ndarray:
    """Looks that move postures of 12 numbers along one of them."""
    return np.diag(4.0 * (np.arange(12) == direction))


def moved_along(direction: int, by: float) -> list[PostureSeries]:
    """Seven reference subjects and four others, who differ along one of 12 numbers."""
    codes = make_study(3, 7, 4)
    step = np.float32(by) * (np.arange(12) == direction)
    return [*codes[:7], *(replace(code, posture=(code.posture + step).astype(np.float32)) for code in codes[7:])]


def static_of_queries(codes: list[PostureSeries]) -> float:
    subjects = score_study(codes, "healthy", intervals=False).subjects
    usual = np.median([score.static for score in subjects[:7]])
    return float(np.median([score.static for score in subjects[7:]]) / usual)


def test_a_difference_that_looks_can_make_counts_for_little_and_another_as_before() -> None:
    """Everybody of a group in other clothes: no reference subject shows what that does to the code."""
    codes = moved_along(5, 6.0)
    without, looked, elsewhere = (
        static_of_queries(c) for c in (codes, with_looks(codes, along(5)), with_looks(codes, along(2)))
    )
    assert without > 4
    assert looked < 0.5 * without
    assert elsewhere > 0.8 * without


def test_units_make_a_typical_reference_subject_one_with_and_without_looks() -> None:
    rng = np.random.default_rng(0)
    residual = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6))
    moment = residual.T @ residual / len(residual)
    for looks in (None, np.zeros((6, 6)), moment, 50 * np.eye(6)):
        scaled = residual @ normal_units(moment, 1e6, looks)
        assert (scaled**2).mean() == pytest.approx(1, rel=1e-3)


def test_looks_are_known_of_all_recordings_or_not_used() -> None:
    one = np.eye(2)
    np.testing.assert_array_equal(mean_looks([one, 3 * one]), 2 * one)
    assert mean_looks([one, None]) is None
    assert mean_looks([]) is None


def test_the_chain_of_the_tests_against_loops_with_looks() -> None:
    relations = match_all_subjects(with_looks(make_study(0, 4, 3, shift=1.0), along(1) + 0.2))
    members = np.isin(np.arange(7), [0, 2, 3])
    np.testing.assert_allclose(
        score_under_references(relations, members[None])[0], slow_chain(relations, [0, 2, 3]), rtol=1e-3
    )


def test_a_frozen_reference_keeps_what_looks_do(tmp_path: Path) -> None:
    codes = with_looks(make_study(7, 5, 2, shift=1.0), along(0))
    fitted = ReferenceModel().fit(codes[:5], codes)
    fitted.save(tmp_path)
    loaded = ReferenceModel.load(tmp_path)
    np.testing.assert_array_equal(loaded.looks, fitted.looks)
    for code in codes:  # a new recording's own looks decide nothing
        np.testing.assert_array_equal(loaded.score(replace(code, looks=None)).moment, fitted.score(code).moment)


class Store:
    """What the controls read of a crop store."""

    def __init__(self, views: np.ndarray) -> None:
        self.views, self.found = views, np.ones(len(views), bool)

    def background(self) -> np.ndarray:
        return np.full((32, 32, 3), 90, np.uint8)


def test_the_controls_are_judged_as_the_score_is() -> None:
    stores = [Store(figure(24, grey)) for grey in (30, 40, 50, 60)]
    codes = [PostureSeries(f"r{n}", f"s{n}", "healthy", np.empty((0, 0), np.float32), 1) for n in range(4)]
    controls = control_codes(codes, stores, 8, 0)  # type: ignore[arg-type]
    for name in ("untrained", "pixel"):
        looks = mean_looks([code.looks for code in controls[name]])
        assert looks is not None
        assert np.trace(looks) > 0
        assert looks.shape == (controls[name][0].posture.shape[1],) * 2
    assert all(code.looks is None for code in controls["background"])


def test_learning_in_other_looks_is_another_learning() -> None:
    windows = Windows([figure(40)] * 2, [1, 1], factors=OBJECTIVES["looks"].factors)
    histories = [
        train_encoders(*build_encoders(8, 8, 8), windows, TrainingSettings(3, 4, OBJECTIVES[name]))
        for name in ("standard", "looks", "looks")
    ]
    assert histories[1] == histories[2]
    assert histories[0]["contrast"] != histories[1]["contrast"]


def test_a_kept_coding_keeps_what_looks_do_and_one_without_has_none(tmp_path: Path) -> None:
    rows = np.zeros((9, 3), np.float32)
    known = Embedding(rows, rows[:2], np.arange(2), np.arange(2) + 7, np.eye(3, dtype=np.float32))
    Coded([known, replace(known, looks=None)]).save(tmp_path / "coding.npz")
    first, second = Coded.load(tmp_path / "coding.npz").embeddings
    np.testing.assert_array_equal(first.looks, np.eye(3))
    assert second.looks is None
    assert second.posture.shape == (9, 3)


def test_nobody_is_measured_in_units_of_its_own_looks() -> None:
    """Looks move everybody's code in a direction of its own: groups drawn at random must stay alike.

    With the scored reference subject's own looks among the units it is 0.96 here, and was 0.8 for rendered subjects.
    """
    codes = make_study(4, 8, 6)
    means = np.stack([code.posture.mean(0) for code in codes])
    own = means - means.mean(0)
    codes = [replace(code, looks=np.outer(one, one).astype(np.float32)) for code, one in zip(codes, own, strict=True)]
    assert 0.4 < shuffled_auc(codes, "healthy", draws=12) < 0.6
