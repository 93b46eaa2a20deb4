"""The read-out of labelled recordings: honest folds, known truth, and views turned alike."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from ubam.encoding.keypoint_postures import in_picture, in_view
from ubam.evaluation.benchmark import readout
from ubam.evaluation.benchmark.readout import (
    Labels,
    held_out,
    landmark_features,
    predict_held_out,
    read_out,
    side_by_side,
)
from ubam.evaluation.benchmark.view_alignment import align_views
from ubam.tracking.body import Body
from ubam.tracking.views import turned


def made_labels(frames: int, subjects: int = 1, seconds: float = 20.0) -> Labels:
    """Labels of `subjects` recordings, two points each."""
    rng = np.random.default_rng(0)
    total = frames * subjects
    return Labels(
        names=("nose", "tail"),
        recording=np.repeat(np.arange(subjects), frames),
        position=np.tile(np.arange(frames), subjects),
        subject=np.repeat([f"s{number}" for number in range(subjects)], frames),
        time_s=np.tile(np.linspace(0, seconds, frames), subjects),
        xy=rng.uniform(40, 60, (total, 2, 2)),
        box=np.tile([[0.0, 0, 100, 100]], (total, 1)),
        heading=rng.uniform(-3, 3, total),
    )


def test_points_go_into_the_view_and_back() -> None:
    labels = made_labels(30)
    shares = in_view(labels.xy, labels.box, labels.heading)
    np.testing.assert_allclose(in_picture(shares, labels.box, labels.heading), labels.xy, atol=1e-9)
    view = np.zeros((64, 64, 3), np.uint8)
    view[10:14, 40:44] = 255  # what is drawn and what is computed turn the same way
    rows, columns = np.nonzero(turned(view, 0.8)[..., 0] > 100)
    x, y = in_view(np.array([[[42.0, 12.0]]]), np.array([[0.0, 0, 64, 64]]), np.array([0.8]))[0, 0] * 64
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((x, y), abs=0.7)


@pytest.mark.parametrize(("frames", "subjects", "folds"), [(20, 1, 20), (200, 1, 5), (100, 2, 5), (30, 6, 5)])
def test_no_frame_is_predicted_from_itself_its_neighbours_or_its_subject(
    frames: int, subjects: int, folds: int
) -> None:
    labels = made_labels(frames, subjects)
    fold, allowed = held_out(labels)
    assert len(np.unique(fold)) == len(allowed) == folds
    for frame in range(len(fold)):
        seen = allowed[fold[frame]]
        assert not seen[frame]
        near = (labels.recording == labels.recording[frame]) & (np.abs(labels.time_s - labels.time_s[frame]) < 0.5)
        assert not seen[near].any()
        if subjects == 6:
            assert not seen[labels.subject == labels.subject[frame]].any()


def test_a_code_that_holds_the_points_reads_out_and_noise_gives_the_mean_place() -> None:
    labels = made_labels(200)
    wanted = in_view(labels.xy, labels.box, labels.heading).reshape(200, -1)
    rng = np.random.default_rng(1)
    telling = wanted @ rng.normal(size=(4, 12)) + 3
    assert read_out("telling", telling, labels).error_px < 0.1
    noise = read_out("noise", rng.normal(size=(200, 12)), labels).error_px
    nothing = read_out("mean place", np.zeros((200, 1)), labels).error_px
    assert noise == pytest.approx(nothing, rel=0.1)


def test_landmarks_of_the_eye_stand_where_the_labels_do(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = made_labels(30)
    seen = Body("rodent", (labels.xy / 100).astype(np.float32), *np.zeros((3, 30, 2), np.float32))
    monkeypatch.setattr(readout, "likeliest_plan", lambda stores: "rodent")
    monkeypatch.setattr(readout, "read_body", lambda store, plan: seen)
    found = landmark_features([Mock()], labels)
    np.testing.assert_allclose(found, in_view(labels.xy, labels.box, labels.heading).reshape(30, -1), atol=1e-6)
    assert read_out("landmarks", found, labels).error_px < 0.1


def test_codes_side_by_side_weigh_alike() -> None:
    rng = np.random.default_rng(0)
    both = side_by_side(rng.normal(0, 100, (500, 8)), rng.normal(0, 0.01, (500, 40)), np.zeros((500, 2)))
    assert both[:, :8].var(0).sum() == pytest.approx(1) == both[:, 8:48].var(0).sum()
    assert np.isfinite(both).all()


def test_missing_labels_are_left_out_and_the_others_read_as_before() -> None:
    labels = made_labels(60)
    wanted = in_view(labels.xy, labels.box, labels.heading)
    code = wanted.reshape(60, -1) @ np.random.default_rng(1).normal(size=(4, 6))
    wanted[::3, 1] = np.nan
    found = predict_held_out(code, wanted, *held_out(labels))
    truth = in_view(labels.xy, labels.box, labels.heading)
    np.testing.assert_allclose(found, truth, atol=0.01)  # a frame without the label is predicted too


def pears(angles: np.ndarray) -> np.ndarray:
    """Views of a body whose thin end, with a bent tail, points along each angle."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64] - 31.5
    views = np.empty((len(angles), 64, 64, 3), np.uint8)
    for view, angle in zip(views, angles, strict=True):
        along, across = columns * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - columns * np.sin(angle)
        body = (np.abs(along) < 16) & (np.abs(across) < 6 - 0.12 * along)
        tail = (along >= 15) & (along < 28) & (np.abs(across - rng.normal(0, 0.3) * (along - 15)) < 1)
        view[:] = np.stack([255 * (body | tail), 128 + 40 * body, 128 + 40 * body], -1)
    return views


def test_views_from_above_are_turned_alike_and_level_ones_are_left() -> None:
    rng = np.random.default_rng(1)
    angles = rng.uniform(-np.pi, np.pi, 80)
    views = pears(angles)
    turns = align_views([views[:50], views[50:]])
    assert turns is not None
    assert [len(turn) for turn in turns] == [50, 30]
    error = np.exp(1j * (np.concatenate(turns) - angles))
    assert np.rad2deg(np.abs(np.angle(error / error.mean()))).max() < 12  # either end may point right, always the same
    assert align_views([pears(rng.normal(0, 0.2, 40))]) is None


def test_body_length_is_the_widest_of_the_points() -> None:
    labels = made_labels(10)
    labels = replace(labels, xy=np.tile([[[0.0, 0], [30, 40]]], (10, 1, 1)))
    assert labels.body_length == 50
