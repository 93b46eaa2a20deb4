import numpy as np
import pytest

from tests.support.oracles.time_alignment import distances, match_path, match_subject
from tests.support.posture_studies import make_study
from ubam.deviation.posture_series import PostureSeries, pace_of, usual_rate
from ubam.deviation.time_alignment import JUMP_COST, TEMPO_COST, describe_moments, spread_to_frames
from ubam.deviation.twin import Matcher, movement_basis


def slow_path_cost(distance: np.ndarray, first: np.ndarray, scale: float) -> float:
    """The cheapest path by trying every step, in plain loops."""
    moments, places = distance.shape
    cost = list(distance[0])
    for moment in range(1, moments):
        arrived = []
        for place in range(places):
            ways = [cost[before] + JUMP_COST * scale for before in range(places)]
            for advance, price in ((1, 0.0), (0, TEMPO_COST * scale), (2, TEMPO_COST * scale)):
                before = place - advance
                if before >= 0 and not first[before + 1 : place + 1].any():
                    ways.append(cost[before] + price)
            arrived.append(min(ways) + distance[moment, place])
        cost = arrived
    return min(cost)


@pytest.mark.parametrize("seed", range(5))
def test_the_path_is_as_cheap_as_the_cheapest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    distance = rng.uniform(0, 1, (12, 9))
    first = np.zeros(9, bool)
    first[[0, 4]] = True
    scale = float(np.median(distance.min(1)))
    path = match_path(distance, first)
    steps = np.diff(path)
    cost = distance[np.arange(12), path].sum()
    for before, step in zip(path[:-1], steps, strict=True):
        runs_on = 0 <= step <= 2 and not first[before + 1 : before + step + 1].any()
        cost += (0.0 if step == 1 else TEMPO_COST) * scale if runs_on else JUMP_COST * scale
    assert cost == pytest.approx(slow_path_cost(distance, first, scale))


def test_a_recording_matched_with_a_delayed_copy_of_itself_finds_the_delay() -> None:
    posture = make_study(0, 1, 0)[0].posture
    basis = movement_basis(make_study(0, 3, 0))
    query, reference = describe_moments(posture[10:], basis, 1), describe_moments(posture, basis, 1)
    recording, frame, _ = match_subject(query, [reference])
    assert (recording == 0).all()
    inside = (query.frame + 10 >= reference.frame[0]) & (query.frame + 10 <= reference.frame[-1])
    assert np.mean(frame[inside] == query.frame[inside] + 10) > 0.95
    every = spread_to_frames(query, frame, len(posture) - 10, np.full(len(frame), len(posture)))
    assert np.abs(every - (np.arange(len(posture) - 10) + 10)).max() <= 1


def test_a_constant_shift_does_not_choose_the_moment() -> None:
    codes = make_study(3, 3, 0)
    basis = movement_basis(codes)
    reference = describe_moments(codes[1].posture, basis, 1)
    plain = match_subject(describe_moments(codes[0].posture, basis, 1), [reference])[1]
    leaning = match_subject(describe_moments(codes[0].posture + 3.0, basis, 1), [reference])[1]
    np.testing.assert_array_equal(plain, leaning)


def test_distances_against_loops() -> None:
    codes = make_study(1, 2, 0)
    basis = movement_basis(codes)
    a, b = (describe_moments(code.posture, basis, 1, step=7) for code in codes)
    slow = [[np.linalg.norm(x - y) for y in b.signature] for x in a.signature]
    np.testing.assert_allclose(distances(a, b), slow, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 8, 16, 17, 40])
def test_short_recordings_have_moments_inside_them(frames: int) -> None:
    posture = np.random.default_rng(0).normal(size=(frames, 6)).astype(np.float32)
    moments = describe_moments(posture, np.eye(6, dtype=np.float32), 1)
    assert len(moments.frame) >= 1
    assert moments.frame.min() >= 0
    assert moments.frame.max() < frames


def test_a_film_of_fewer_frames_a_second_is_matched_over_the_same_time() -> None:
    """At 15 frames a second a window of 17 postures would show more than a second, against two thirds of one."""
    seconds = np.arange(0, 8, 1 / 25)
    steps = 2 * np.pi * np.cumsum(0.8 + 0.6 * np.sin(0.9 * seconds)) / 25  # a gait whose pace changes
    frames = np.stack([np.sin(steps), np.cos(steps), np.sin(2 * steps)], 1).astype(np.float32)
    slow = np.stack([np.interp(np.arange(1, 6, 1 / 15), seconds, column) for column in frames.T], 1).astype(np.float32)
    reference = PostureSeries("a", "a", "healthy", frames, 1, 25.0)
    query = PostureSeries("b", "b", "ill", slow, 1, 15.0)
    matcher = Matcher([reference], np.eye(3, dtype=np.float32))
    found = matcher.match(query, "a").frame
    true = 25 * (1 + matcher.moments(query).frame / 15)
    assert np.abs(found - true).max() < 1.5


@pytest.mark.parametrize(("fps", "stride", "pace"), [(25, 1, 1), (26.9, 1, 1), (50, 2, 1), (15, 1, 0.6), (30, 1, 1.2)])
def test_windows_of_about_the_same_rate_stay_as_they_are(fps: float, stride: int, pace: float) -> None:
    codes = [PostureSeries(name, name, "g", np.zeros((9, 2), np.float32), 1, 25.0) for name in "abc"]
    other = PostureSeries("d", "d", "g", np.zeros((9, 2), np.float32), stride, fps)
    assert pace_of(other, usual_rate([*codes, other])) == pytest.approx(pace)
