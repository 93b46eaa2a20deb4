"""Where a body is in every frame, from what moves and from where it was seen in some."""

import numpy as np

from ubam.tracking.second_look import SHOWN, path_of_body

SIDE, COUNT = 30.0, 120
AT = np.arange(0, COUNT, 12)


def walk(pixels: float = 1.0) -> np.ndarray:
    """A way to the right, [T,2]."""
    return np.stack([20 + pixels * np.arange(COUNT), np.full(COUNT, 40.0)], 1)


def test_a_body_that_travels_is_as_far_beside_what_moves_as_it_mostly_was() -> None:
    body, moving = walk(), walk() + np.array([5, -3])
    seen = body[AT] + np.random.default_rng(0).normal(0, 1, (len(AT), 2))
    seen[4] += [20, 0]  # one look that errs
    found = path_of_body(moving, AT, seen, SIDE)
    assert np.ptp(found - moving, axis=0).max() < 1e-9
    assert np.abs(found - body).max() < 2


def test_where_what_moves_is_elsewhere_for_a_while_the_body_is_where_it_was_seen() -> None:
    """A trail of bedding that is stirred later is a part of what moves at first."""
    body = walk()
    moving = body + np.linspace(40, 0, COUNT)[:, None].clip(0, 30) * [1, 0]
    found = path_of_body(moving, AT, body[AT], SIDE)
    assert np.abs(found - body).max() < SHOWN * SIDE / 2
    assert np.abs(moving + np.median(body[AT] - moving[AT], axis=0) - body).max() > SHOWN * SIDE


def test_a_body_that_stays_lies_between_the_places_where_it_was_seen() -> None:
    moving = walk(0) + 8 * np.sin(np.arange(COUNT))[:, None]
    found = path_of_body(moving, AT, np.full((len(AT), 2), [22.0, 38.0]), SIDE)
    assert np.abs(found - [22, 38]).max() < 1e-9
