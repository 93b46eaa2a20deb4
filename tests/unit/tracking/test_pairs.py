"""Landmarks of pairs: two peaks in both heatmaps are two limbs, one peak is one."""

import pytest
import torch

from ubam.tracking.eye.landmarks import LANDMARKS, PLANS
from ubam.tracking.eye.network import HALF, landmark_places
from ubam.tracking.eye.pairs import pairs_of, read_pairs

LEFT, RIGHT = (LANDMARKS["person"].index(f"ankle_{side}") for side in ("left", "right"))


def heatmaps(*peaks: tuple[int, int, int, float]) -> torch.Tensor:
    """Heatmaps [1, L, 4097] of a person from (landmark, column, row, height)."""
    heat = torch.full((1, len(LANDMARKS["person"]), HALF * HALF + 1), -20.0)
    for landmark, column, row, height in peaks:
        heat[0, landmark, row * HALF + column] = height
    return heat


def read(heat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both ankles' places in cells and spreads."""
    own, spread, _ = landmark_places(heat)
    places, spread = read_pairs(heat, own, spread, "person")
    return places[0, [LEFT, RIGHT]] * HALF - 0.5, spread[0, [LEFT, RIGHT]]


def test_both_feet_are_found_where_both_heatmaps_prefer_the_same_one() -> None:
    heat = heatmaps((LEFT, 20, 50, 10.0), (LEFT, 40, 50, 9.5), (RIGHT, 20, 50, 10.0), (RIGHT, 40, 50, 9.9))
    assert landmark_places(heat)[0][0, [LEFT, RIGHT], 0].mul(HALF).tolist() == pytest.approx([20.5, 20.5], abs=0.1)
    places, spread = read(heat)
    assert places.tolist() == [pytest.approx([20.0, 50.0], abs=0.01), pytest.approx([40.0, 50.0], abs=0.01)]
    assert float(spread.max()) < 0.01


def test_the_one_that_is_rather_left_is_left() -> None:
    heat = heatmaps((LEFT, 20, 50, 9.0), (LEFT, 40, 50, 9.5), (RIGHT, 20, 50, 10.0), (RIGHT, 40, 50, 9.0))
    assert read(heat)[0][:, 0].tolist() == pytest.approx([40.0, 20.0], abs=0.01)


def test_one_peak_is_one_place_for_both() -> None:
    heat = heatmaps((LEFT, 20, 50, 10.0), (LEFT, 40, 50, 5.0), (RIGHT, 20, 50, 10.0))
    own = landmark_places(heat)[0][0, [LEFT, RIGHT]] * HALF - 0.5
    assert torch.equal(read(heat)[0], own)


@pytest.mark.parametrize("plan", PLANS)
def test_pairs_are_the_same_part_on_either_side(plan: str) -> None:
    names = LANDMARKS[plan]
    assert all(names[a].replace("_left", "_right") == names[b] for a, b in pairs_of(plan))
    assert 2 * len(pairs_of(plan)) == sum(name.endswith(("_left", "_right")) for name in names)
