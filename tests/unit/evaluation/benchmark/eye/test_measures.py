"""Measures of what is seen of the subject, against cases worked out by hand."""

import numpy as np
import pytest

from ubam.evaluation.benchmark.eye import measures

HALF = np.array([[True, True, False, False]])


def test_overlap_and_what_was_missed_or_foreign_are_shares_of_pixels() -> None:
    found = np.array([[False, True, True, True]])
    assert measures.overlap(found, HALF) == pytest.approx(1 / 4)
    assert measures.missed_share(found, HALF) == pytest.approx(1 / 2)
    assert measures.foreign_share(found, HALF) == pytest.approx(2 / 3)
    nothing = np.zeros_like(HALF)
    assert measures.overlap(nothing, nothing) == 1
    assert measures.overlap(nothing, HALF) == 0
    assert np.isnan(measures.foreign_share(nothing, HALF))
    assert np.isnan(measures.missed_share(found, nothing))


def test_pieces_count_what_is_connected_and_not_specks() -> None:
    outline = np.zeros((40, 40), bool)
    assert measures.pieces(outline) == 0
    outline[2:20, 2:20] = outline[25:35, 25:35] = True
    outline[38, 2] = True
    assert measures.pieces(outline) == 2


def test_points_are_inside_up_to_a_reach_and_only_those_in_the_picture_count() -> None:
    outline = np.zeros((20, 20), bool)
    outline[5:10, 5:10] = True
    points = np.array([[7.5, 7.5], [11.5, 7.5], [15.0, 15.0], [np.nan, 3.0], [40.0, 7.0]])
    assert measures.inside(outline, points, 0).tolist() == [True, False, False]
    assert measures.inside(outline, points, 2).tolist() == [True, True, False]
    assert not measures.inside(np.zeros_like(outline), points, 100).any()


def test_outline_of_everything_is_many_times_the_hull_of_the_labels() -> None:
    corners = np.array([[2.0, 2.0], [12.0, 2.0], [12.0, 12.0], [2.0, 12.0], [np.nan, np.nan]])
    assert measures.over_hull(np.ones((20, 20), bool), corners) == pytest.approx(4.0)
    assert np.isnan(measures.over_hull(np.ones((20, 20), bool), corners[:2]))


def test_landmarks_are_near_by_the_length_of_their_error_and_missing_ones_are_wrong() -> None:
    errors = np.array([[[0.03, 0.039], [0.04, 0.031]], [[np.nan, 0.0], [0.0, 0.0]]])
    assert measures.near_share(errors, 0.05) == pytest.approx(2 / 4)
    assert measures.near_share(errors, 0.05, np.array([[True, False], [False, True]])) == 1
    assert np.isnan(measures.near_share(errors, 0.05, np.zeros((2, 2), bool)))


def test_differences_of_definition_are_those_of_the_others() -> None:
    errors = np.array([[[0.1, 0.0]], [[0.1, 0.0]], [[0.1, 0.0]], [[0.1, 0.02]]])
    subject = ["a", "a", "b", "c"]
    own = measures.without_definitions(errors, subject)
    np.testing.assert_allclose(own[:2, 0], [[0, -0.01], [0, -0.01]], atol=1e-12)
    np.testing.assert_allclose(own[3, 0], [0, 0.02], atol=1e-12)
    assert measures.constant_error(errors, subject) == pytest.approx((0.01 + 0.01 + 0.02) / 3)


def test_constant_error_forgets_what_comes_and_goes() -> None:
    errors = np.zeros((4, 1, 2))
    errors[:2, 0, 0] = [0.3, -0.3]
    assert measures.constant_error(errors, ["a", "a", "b", "b"]) == pytest.approx(0)
