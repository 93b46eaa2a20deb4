"""What an eye is measured by, against cases worked out by hand."""

import cv2
import numpy as np
import pytest

from ubam.deviation.posture_series import PostureSeries
from ubam.evaluation.benchmark.eye import measures
from ubam.evaluation.benchmark.eye.sets import body_length, other_animals
from ubam.evaluation.benchmark.measures import errors_alone, turned_back
from ubam.recordings.keypoint_files import Keypoints
from ubam.tracking.views import cut, in_picture

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


def test_errors_alone_tell_groups_apart_when_they_go_with_the_group() -> None:
    rng = np.random.default_rng(0)
    phase = np.linspace(0, 6, 90)

    def codes(shift: float) -> list[PostureSeries]:
        made = []
        for number in range(12):
            group = "healthy" if number < 7 else "impaired"
            error = 0.01 * rng.normal(size=6) + shift * (group == "impaired")
            series = error + 0.01 * np.sin(2 * np.pi * phase)[:, None] + 0.002 * rng.normal(size=(90, 6))
            made.append(PostureSeries(f"r{number}", f"s{number}", group, series.astype(np.float32), 2, 25.0))
        return made

    nobody = {f"s{number}": 0.0 for number in range(12)}
    assert errors_alone(codes(0.3), nobody, "healthy") > 0.95
    assert errors_alone(codes(0.0), nobody, "healthy") < 0.85


def test_keypoints_are_turned_back_to_point_right() -> None:
    down = np.array([[[0.0, 1.0]], [[-1.0, 0.0]]])
    np.testing.assert_allclose(turned_back(down, np.array([np.pi / 2, np.pi])), [[[1, 0]], [[1, 0]]], atol=1e-12)


def test_body_length_is_the_median_of_the_largest_distances() -> None:
    points = np.array([[[0, 0], [3, 4]], [[0, 0], [0, 7]], [[0, 0], [0, 9.0]], [[np.nan, 0], [1, 1]]])
    assert body_length(points) == pytest.approx(6.0)  # of 5, 7, 9 and 0: one point alone has no length


def test_other_animals_are_those_that_are_not_the_subject() -> None:
    xy = np.array([[[[1, 1], [2, np.nan]], [[7, 7], [8, 8]]], [[[3, 3], [4, 4]], [[np.nan, np.nan]] * 2]])
    points = Keypoints(("nose", "tail"), np.array([5, 9]), xy, False)
    others = other_animals(points, np.array([9, 5]), xy[[1, 0], [0, 0]])
    assert np.isnan(others[0]).all()
    np.testing.assert_array_equal(others[1][2:], [[7, 7], [8, 8]])
    assert np.isnan(others[1][:2]).all()


def test_in_frame_undoes_cut() -> None:
    rng = np.random.default_rng(1)
    picture = cv2.GaussianBlur(rng.uniform(size=(120, 160)).astype(np.float32), (0, 0), 4)
    box = np.array([30.4, 20.2, 94.4, 84.2])
    back = in_picture(cut(picture, box, 64), box, (160, 120))
    np.testing.assert_allclose(back[25:80, 35:90], picture[25:80, 35:90], atol=0.02)
    assert not back[:18].any()
    assert not back[:, 100:].any()
