"""Views of body coordinates: grey is not in them, left is as right, and a turned subject looks as if it were not."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ubam.encoding.landmarks import coordinate_views
from ubam.encoding.landmarks.coordinate_views import CoordinateViews, coordinate_view, turned_places


def places_of(rng: np.random.Generator, count: int = 1) -> np.ndarray:
    """Random places, int8 [count, 64, 64, 4]."""
    return rng.integers(-127, 128, (count, 64, 64, 4)).astype(np.int8)


def test_outside_the_outline_nothing_is_shown_and_inside_it_where_the_body_is() -> None:
    outline = np.zeros((1, 64, 64), np.uint8)
    outline[0, 10:20] = 255
    places = np.full((1, 64, 64, 4), 100, np.int8)
    places[..., 1] = -50
    shown = coordinate_view(outline, places)
    assert shown.shape == (1, 64, 64, 4)
    assert (shown[0, 30] == [0, 128, 128, 128]).all()
    assert (shown[0, 15] == [255, 228, 178, 228]).all()


def test_left_and_right_of_the_middle_plane_look_alike() -> None:
    places, outline = places_of(np.random.default_rng(0)), np.full((1, 64, 64), 200, np.uint8)
    mirrored = places.copy()
    mirrored[..., 1] *= -1
    assert np.array_equal(coordinate_view(outline, places), coordinate_view(outline, mirrored))


def test_places_are_turned_with_their_view() -> None:
    places = np.zeros((64, 64, 4), np.int8)
    places[10:20, 30:34] = -99  # ahead of the middle, where up is ahead
    turned = turned_places(places, -np.pi / 2, 64)  # it headed upwards, and points to the right then
    rows, columns = np.nonzero(turned[..., 0])
    assert set(np.unique(turned)) == {-99, 0}
    assert columns.min() > 40
    assert rows.mean() == pytest.approx(31.5, abs=1)
    assert turned_places(places, 0.0, 32).shape == (32, 32, 4)


def test_frames_are_read_one_by_one_in_slices_and_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    places, views = places_of(rng, 6), rng.integers(0, 256, (6, 64, 64, 3)).astype(np.uint8)
    monkeypatch.setattr(coordinate_views, "read_body", lambda store, plan: SimpleNamespace(places=places))
    store: Any = SimpleNamespace(views=views, heading=np.zeros(6))
    shown = CoordinateViews(store, "rodent")
    assert len(shown) == 6
    whole = coordinate_view(views[..., 0], places)
    assert np.array_equal(shown[2:5], whole[2:5])
    assert np.array_equal(shown[np.array([5, 0, 0])], whole[[5, 0, 0]])
    assert np.array_equal(shown[3], whole[3])
