"""What comes, stays for long and goes again is told from what is always there, and from the subject."""

import numpy as np
import pytest

from ubam.tracking.disturbances.rivals import same_body
from ubam.tracking.disturbances.visits import visit_in
from ubam.tracking.track import SEVERAL, UNLIKE, Motion, fixed_track

COUNT, HEIGHT, WIDTH = 40, 60, 80


def samples(came: slice, size: tuple[int, int] = (40, 50), walks: bool = True) -> np.ndarray:
    """A floor on which a small square walks, and a large one lies meanwhile, uint8 [40,60,80,3]."""
    frames = np.full((COUNT, HEIGHT, WIDTH, 3), 190, np.uint8)
    frames[came, 2 : 2 + size[0], 10 : 10 + size[1]] = (190, 150, 190)  # another colour: a grey picture hardly shows it
    for t, frame in enumerate(frames):
        left = 4 + t if walks else 4
        frame[48:56, left : left + 8] = 60
    noise = np.random.default_rng(0).integers(-3, 4, frames.shape)
    return (frames + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("came", [slice(12, 16), slice(8, 28), slice(6, 34)])
def test_a_visit_is_found_where_it_is(came: slice) -> None:
    there, area = visit_in(samples(came))
    assert np.flatnonzero(there).tolist() == list(range(came.start, came.stop))
    assert area == pytest.approx(40 * 50, rel=0.1)


@pytest.mark.parametrize("came", [slice(0, 20), slice(20, 40), slice(0, 40), slice(20, 21), slice(20, 20)])
def test_what_is_there_at_either_end_or_for_a_moment_is_no_visit(came: slice) -> None:
    assert not visit_in(samples(came)).there.any()


def test_what_is_about_as_large_as_the_subject_is_no_visit() -> None:
    assert not visit_in(samples(slice(8, 28), (12, 12))).there.any()


def test_without_anybody_before_and_after_nothing_tells_a_visitor_from_the_subject() -> None:
    frames = np.full((COUNT, HEIGHT, WIDTH, 3), 190, np.uint8)
    frames[10:30, 10:50, 10:60] = 150
    assert not visit_in(frames).there.any()


def test_too_few_samples_without_it_make_no_scene() -> None:
    assert visit_in(samples(slice(8, 28))[::2]).there.sum() == 10
    assert not visit_in(samples(slice(8, 28))[::3]).there.any()


def beside(mass: float, count: int = 20) -> Motion:
    """A subject of 100 px to the left, and something else of so many to the right."""
    blobs = np.zeros((count, 4, 14), np.float32)
    blobs[:, 0, :7] = (100, 20, 20, 15, 15, 25, 25)
    blobs[:, 1, :7] = (mass, 80, 20, 75, 15, 85, 25)
    return Motion(blobs, np.zeros(count, int), np.zeros(count), (100, 40))


@pytest.mark.parametrize(("mass", "said"), [(30, ()), (60, ()), (150, (UNLIKE,))])
def test_what_does_not_look_like_a_subject_is_said_where_it_is_heavier(mass: float, said: tuple[str, ...]) -> None:
    track = fixed_track(20, (12.0, 12.0, 28.0, 28.0), ())
    assert beside(mass).remarks(track, 1.0, unlike=True) == said


@pytest.mark.parametrize(("mass", "said"), [(30, ()), (60, (SEVERAL,)), (150, (SEVERAL,))])
def test_a_second_subject_is_said_where_it_is_lighter_too(mass: float, said: tuple[str, ...]) -> None:
    track = fixed_track(20, (12.0, 12.0, 28.0, 28.0), ())
    assert beside(mass).remarks(track, 1.0) == said


def test_outlines_of_one_body_overlap() -> None:
    first, second, nobody = (np.zeros((2, 10, 10), bool) for _ in range(3))
    first[:, 2:8, 2:8], second[:, 4:7, 4:7] = True, True
    assert same_body(first, second)
    assert not same_body(first, np.roll(second, 5, axis=2))
    assert not same_body(first, nobody)


def test_frames_with_something_larger_are_as_if_nothing_moved() -> None:
    motion = beside(0)
    motion.blobs[8:14, 0, 0] = 900
    usual = np.array([0, 2, 16])
    larger = motion.heavier(usual)
    assert np.flatnonzero(larger).tolist() == list(range(8, 14))
    assert np.flatnonzero(motion.without(larger).path < 0).tolist() == list(range(8, 14))
