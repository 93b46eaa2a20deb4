"""The measures of clips against answers worked out slowly, by hand, or known from how the pictures were made."""

import cv2
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from ubam.evaluation.benchmark.clips import measures


def textured(shift: float = 0.0, side: int = 96) -> np.ndarray:
    """A soft-textured square of 40 px on grey, its left edge at 28 + shift, uint8 [side, side, 3]."""
    texture = cv2.GaussianBlur(np.random.default_rng(3).uniform(0, 255, (40, 40, 3)).astype(np.float32), (0, 0), 1.5)
    picture = np.full((side, side, 3), 90, np.float32)
    picture[28:68, 28:68] = (texture - texture.mean()) * 3 + 150
    move = np.array([[1, 0, shift], [0, 1, 0]], np.float64)
    moved = cv2.warpAffine(picture, move, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved.clip(0, 255).astype(np.uint8)


EMPTY = np.full((1, 96, 96, 3), 90, np.uint8)


def test_the_ruler_reads_a_known_shift_at_the_keypoints_and_nothing_where_nothing_moved() -> None:
    recorded, shown = textured()[None], textured(3.0)[None]
    flow = measures.shown_flow(
        recorded, shown, measures.subjects_in(recorded, EMPTY), measures.subjects_in(shown, EMPTY)
    )
    points = np.array([[[40.0, 40.0], [55.5, 48.0]]])
    assert np.allclose(measures.read_at(flow, points), [[[3, 0], [3, 0]]], atol=0.4)
    still = measures.shown_flow(recorded, recorded, *[measures.subjects_in(recorded, EMPTY)] * 2)
    assert not still.any()


def test_the_subject_is_what_differs_from_the_empty_scene() -> None:
    found = measures.subjects_in(textured()[None], EMPTY)[0]
    inside = np.zeros((96, 96), bool)
    inside[28:68, 28:68] = True
    assert (found & inside).sum() / (found | inside).sum() > 0.85
    speck = EMPTY.copy()
    speck[0, 20:60, 20:60] = 200
    speck[0, 5:7, 5:7] = 200
    assert not measures.subjects_in(speck, EMPTY)[0, :10, :10].any()


def test_flow_is_read_between_pixels_and_held_at_the_edge() -> None:
    flow = np.stack(np.meshgrid(np.arange(8.0), np.arange(6.0)), -1)[None]
    found = measures.read_at(flow, np.array([[[2.5, 1.25], [-4.0, 2.0]]]))
    assert np.allclose(found, [[[2.5, 1.25], [0.0, 2.0]]], atol=0.05)


def test_posture_error_knows_no_place() -> None:
    still = np.full((3, 4, 2), 7.0)
    assert measures.posture_error(still, np.full(3, 128.0)) == 0
    bent = still.copy()
    bent[:, 0, 0] += 8  # one of four: 6 px from the mean, the others 2
    assert measures.posture_error(bent, np.full(3, 128.0)) == pytest.approx((6 + 3 * 2) / 4 / 2)


def test_agreement_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    shown, true = rng.normal(size=(2, 5, 3, 2))
    product = sum(float(s @ t) for s, t in zip(shown.reshape(-1, 2), true.reshape(-1, 2), strict=True))
    length = sum(float(t @ t) for t in true.reshape(-1, 2))
    cosine, gain = measures.agreement(shown, true)
    assert gain == pytest.approx(product / length)
    assert cosine == pytest.approx(product / np.sqrt(length * sum(float(s @ s) for s in shown.reshape(-1, 2))))
    assert measures.agreement(0.4 * true, true) == pytest.approx((1, 0.4))
    assert measures.agreement(0 * true, true) == (0, 0)
    assert np.isnan(measures.agreement(shown, 0 * true)).all()


def test_a_linear_response_has_slope_one_in_any_direction_and_a_saturating_one_less() -> None:
    way = np.random.default_rng(1).normal(size=(4, 3, 2))
    factors = (0.0, 1.0, 1.5, 2.0, 3.0)
    assert measures.response({f: (1 - f) * way for f in factors}) == pytest.approx((1, 1))
    slope, r2 = measures.response({f: np.sign(f - 1) * way for f in factors})
    assert slope < 0.9
    assert r2 < 0.9
    assert np.isnan(measures.response(dict.fromkeys(factors, 0 * way))).all()


def test_blur_lowers_sharpness_and_noise_raises_flicker_only_where_it_is_looked_for() -> None:
    clip = np.stack([textured(0.7 * t) for t in range(4)])
    region = np.zeros(clip.shape[:3], bool)
    region[:, 20:76, 20:80] = True
    blurred = np.stack([cv2.GaussianBlur(picture, (0, 0), 1.5) for picture in clip])
    assert measures.sharpness(clip, clip, region) == 1
    assert measures.sharpness(clip, blurred, region) < 0.6
    noise = np.random.default_rng(0).integers(-9, 10, clip.shape)
    noisy = (clip + np.where(region[..., None], noise, 0)).clip(0, 255).astype(np.uint8)
    assert measures.flicker(clip, noisy, region) > 1.2
    assert measures.background_flicker(clip, noisy, region, 3.0) == 0
    everywhere = (clip + noise).clip(0, 255).astype(np.uint8)
    assert measures.background_flicker(clip, everywhere, region, 3.0) > 1
    assert np.isnan(measures.flicker(clip[:2], clip[:2], region[:2]))


def test_flicker_is_the_second_difference_of_a_loop() -> None:
    grey = np.random.default_rng(2).integers(0, 256, (2, 4, 3, 3)).astype(np.uint8)
    recorded, shown = (np.repeat(each[..., None], 3, -1) for each in grey)
    region = np.zeros((4, 3, 3), bool)
    region[1, 1, 1] = True
    sums = [
        sum(abs(float(each[t - 1, 1, 1]) - 2 * float(each[t, 1, 1]) + float(each[t + 1, 1, 1])) for t in (1, 2))
        for each in grey
    ]
    assert measures.flicker(recorded, shown, region) == pytest.approx(sums[1] / sums[0], rel=0.02)


def test_similarity_is_that_of_a_window_worked_out_by_hand() -> None:
    rng = np.random.default_rng(4)
    one = rng.integers(0, 256, (1, 30, 30, 1)).repeat(3, -1).astype(np.uint8)
    other = rng.integers(0, 256, (1, 30, 30, 1)).repeat(3, -1).astype(np.uint8)
    mask = np.zeros((1, 30, 30), bool)
    mask[0, 14, 17] = True
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weight = np.outer(line, line) / line.sum() ** 2
    a, b = (picture[0, 9:20, 12:23, 0].astype(float) for picture in (one, other))
    ma, mb = (weight * a).sum(), (weight * b).sum()
    va, vb, vab = (weight * a * a).sum() - ma**2, (weight * b * b).sum() - mb**2, (weight * a * b).sum() - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    by_hand = (2 * ma * mb + c1) * (2 * vab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    assert measures.foreground_ssim(one, other, mask) == pytest.approx(by_hand, abs=1e-6)
    assert measures.foreground_ssim(one, one, mask) == pytest.approx(1)


def test_places_are_found_where_they_are_and_missed_where_they_are_not() -> None:
    points = np.array([[[20.0, 20.0], [60.0, 20.0], [20.0, 70.0], [60.0, 70.0], [40.0, 45.0]]])
    true = np.zeros((1, 5, 2))
    true[0, 1] = (0, 9)
    most = measures.most_deviating(true, 100.0)
    assert most.tolist() == [[False, True, False, False, False]]
    assert not measures.most_deviating(0.1 * true, 100.0).any()
    subject = np.ones((1, 96, 96), bool)
    flow = np.zeros((1, 96, 96, 2), np.float32)
    flow[0, 16:26, 55:65] = (0, 5)
    hit, chance = measures.pointing(flow, subject, points, most, 100.0)
    assert hit == 1
    nearest = [
        min(range(5), key=lambda k: np.hypot(column - points[0, k, 0], row - points[0, k, 1]))
        for row in range(96)
        for column in range(96)
    ]
    assert chance == pytest.approx(np.mean(np.array(nearest) == 1), abs=0.005)
    assert measures.pointing(flow[:, ::-1, ::-1], subject, points, most, 100.0)[0] == 0
    assert measures.where_keypoints(true, most) == pytest.approx((1, 0.2))
    wrong = np.ones((1, 5, 2))
    wrong[0, 1] = 0
    assert measures.where_keypoints(wrong, most)[0] == pytest.approx(0.2)


def test_average_precision_is_the_known_one_with_and_without_ties() -> None:
    rng = np.random.default_rng(5)
    for draw in range(20):
        shown = rng.integers(0, 5 if draw % 2 else 10_000, (1, 19, 1)) * np.ones((1, 19, 2))
        most = np.zeros((1, 19), bool)
        most[0, rng.permutation(19)[:4]] = True
        known = average_precision_score(most[0], np.linalg.norm(shown[0], axis=-1))
        assert measures.where_keypoints(shown, most) == pytest.approx((known, 4 / 19))


def test_a_curve_over_time_agrees_with_itself_and_not_with_its_opposite() -> None:
    true = np.linspace(1, 3, 9)[:, None, None] * np.ones((9, 4, 2))
    assert measures.time_agreement(0.2 * true, true) == pytest.approx(1)
    assert measures.time_agreement(1 / true, true) == pytest.approx(-1)
    assert np.isnan(measures.time_agreement(np.ones_like(true), true))
    assert np.isnan(measures.time_agreement(true, 20 * np.ones_like(true) + true / true.max()))


def test_rms_is_in_percent_of_the_body_height() -> None:
    assert measures.rms_percent(np.array([[[3.0, 4.0], [0.0, 0.0]]]), 50.0) == pytest.approx(100 * np.sqrt(12.5) / 50)
