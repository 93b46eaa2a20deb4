"""Where and when, from displacement fields: the regions, the curve, and both against a known lean."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import stick_figure
from ubam.core import plotting
from ubam.magnification.displacement_map import DisplacementMap, body_place_in_words, regions_of
from ubam.magnification.layouts.plots import when_figure, where_figure
from ubam.magnification.registration.register import FIELD
from ubam.tracking.crop_store import CropStore

pytestmark = pytest.mark.usefixtures("plain_eye")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CropStore:
    return stick_figure.record(tmp_path_factory.mktemp("where"), "leaning", 18.0, 230, 0)[0]


def field_of(store: CropStore, position: int, strength: float) -> np.ndarray:
    """The upper half of the body moved to the left, by more the higher, in shares of the box."""
    box = store.box[position]
    rows = box[1] + (np.arange(FIELD) + 0.5) / FIELD * (box[3] - box[1])
    height = np.clip((store.ground_y[position] - rows) / store.body_height - 0.5, 0, None)
    field = np.zeros((FIELD, FIELD, 2), np.float32)
    field[..., 0] = -strength * height[:, None]
    return field


def test_a_lean_is_found_high_up_and_points_back(store: CropStore) -> None:
    seen = DisplacementMap(store)
    for position in range(8, 20):
        seen.add(position, field_of(store, position, 0.2))
    first, curve = seen.regions()[0], seen.over_time()
    assert "upper" in first.place
    assert first.towards[0] < -0.02
    assert abs(first.towards[1]) < 1e-6
    assert first.share > 0.5
    assert first.box[3] < 0.5
    assert len(curve.time_s) == len(curve.body_heights) == 12


def test_lengths_are_in_body_heights_and_averaged_over_the_body_alone(store: CropStore) -> None:
    seen, side = DisplacementMap(store), float(store.box[10, 2] - store.box[10, 0])
    field = np.zeros((FIELD, FIELD, 2), np.float32)
    field[..., 1] = 0.1
    for position in range(10, 14):
        seen.add(position, field)
    expected = 0.1 * side / store.body_height
    np.testing.assert_allclose(seen.curve, expected, rtol=1e-4)
    assert seen.length.max() == pytest.approx(expected, rel=1e-4)
    assert not seen.length[0].any()  # nobody is at the top of the box
    slow = np.zeros((FIELD, FIELD))
    for position in range(10, 14):
        slow += np.asarray(store.views[position][..., 0], float) / 255 / 4
    np.testing.assert_allclose(seen.body, slow, atol=1e-5)


def test_the_curve_follows_the_displacement(store: CropStore) -> None:
    seen, strengths = DisplacementMap(store), np.linspace(0.02, 0.2, 10)
    for position, strength in enumerate(strengths, 8):
        seen.add(position, field_of(store, position, float(strength)))
    assert np.corrcoef(seen.curve, strengths)[0, 1] > 0.98


def test_where_nothing_moves_there_is_no_region(store: CropStore) -> None:
    seen = DisplacementMap(store)
    seen.add(10, np.zeros((FIELD, FIELD, 2), np.float32))
    assert seen.regions() == []
    assert seen.curve == [0]


def test_regions_are_apart_and_the_largest_displacement_comes_first() -> None:
    body, length = np.ones((20, 20), np.float32), np.zeros((20, 20), np.float32)
    length[2:5, 2:5], length[14:19, 14:19] = 0.05, 0.04
    direction = np.dstack([length, -length])
    found = regions_of(length, direction, body)
    assert [region.place for region in found] == ["lower right", "upper left"]
    assert found[0].box == [0.7, 0.7, 0.95, 0.95]
    assert found[0].mean == pytest.approx(0.04)
    assert found[1].towards == pytest.approx([0.05, -0.05])
    assert sum(region.share for region in found) == pytest.approx(1, abs=2e-3)


def test_places_are_told_by_the_extent_of_the_body() -> None:
    body, part = np.zeros((30, 30), np.float32), np.zeros((30, 30), bool)
    body[10:25, 12:18] = 1
    part[11:13, 14:16] = True
    assert body_place_in_words(part, body) == "upper"


@pytest.mark.parametrize("count", [1, 60])
def test_both_figures_are_written(store: CropStore, count: int, tmp_path: Path) -> None:
    seen = DisplacementMap(store)
    for number in range(count):
        seen.add(8 + number % 24, field_of(store, 8 + number % 24, 0.15))
    png, _ = plotting.save_figure(where_figure(seen.length, seen.direction, seen.body, "a$b"), tmp_path / "where")
    with Image.open(png) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert ((pixels[..., 0] - pixels[..., 2]) > 80).any()  # heat
    times = np.arange(count) / 25
    assert len(plotting.save_figure(when_figure(times, np.array(seen.curve), [[0, 0.1]]), tmp_path / "when")) == 2
