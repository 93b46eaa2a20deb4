"""Who faces the other way is named, in one sentence; whoever faces neither side is not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ubam.core.errors import VideoError
from ubam.statistics.confounds.direction import facing, other_sides, turning
from ubam.tracking.body import write_plan
from ubam.tracking.eye.landmarks import LANDMARKS


def store_of(folder: Path, plan: str, places: dict[str, np.ndarray], **changes: Any) -> Any:
    """A store whose landmarks are at the given places across the crop [T], and else in its middle."""
    count = len(next(iter(places.values())))
    marks = np.full((count, len(LANDMARKS[plan]), 4), 0.5, np.float32)
    for name, across in places.items():
        marks[:, LANDMARKS[plan].index(name), 0] = across
    np.save(folder / "landmarks.npy", marks)
    np.save(folder / "places.npy", np.zeros(count, np.int8))
    write_plan(folder, plan)
    given = {"folder": folder, "found": np.ones(count, bool), "egocentric": False, "heading": np.zeros(count)}
    return SimpleNamespace(**(given | changes))


def test_the_eye_tells_which_way_a_subject_faces(tmp_path: Path) -> None:
    left, right = np.full(30, 0.3), np.full(30, 0.7)
    rat: Any = {"nose": left, "tail_base": right}
    assert facing(store_of(tmp_path, "rodent", rat)) == -1
    assert facing(store_of(tmp_path, "rodent", {"nose": right, "tail_base": left})) == 1
    assert np.isnan(facing(store_of(tmp_path, "rodent", rat, egocentric=True)))
    assert np.isnan(facing(store_of(tmp_path, "rodent", rat, found=np.zeros(30, bool))))


def test_who_was_taken_for_another_body_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(tmp_path, "rodent", {"nose": np.full(30, 0.3), "tail_base": np.full(30, 0.7)})
    marks = np.full((30, len(LANDMARKS["person"]), 2), 0.5)
    for toe in ("toe_left", "toe_right"):
        marks[:, LANDMARKS["person"].index(toe), 0] = 0.6
    read = {"person": SimpleNamespace(landmarks=marks)}
    monkeypatch.setattr("ubam.statistics.confounds.direction.read_body", lambda _, plan: read[plan])
    assert facing(store, "person") == 1
    assert facing(store, "rodent") == facing(store) == -1


def test_a_walker_whose_toes_point_to_either_side_faces_neither(tmp_path: Path) -> None:
    towards_us = {"toe_left": np.full(30, 0.6), "toe_right": np.full(30, 0.4)}
    assert facing(store_of(tmp_path, "person", towards_us)) == 0
    seldom_wrong = np.where(np.arange(30) % 6, 0.6, 0.4)
    assert facing(store_of(tmp_path, "person", {"toe_left": seldom_wrong, "toe_right": seldom_wrong})) == 1


def test_a_store_without_landmarks_faces_nowhere_and_damaged_ones_are_named(tmp_path: Path) -> None:
    store = store_of(tmp_path, "fly", {"head": np.full(9, 0.8)})
    assert facing(store) == 1
    (tmp_path / "landmarks.npy").write_bytes(b"x")
    with pytest.raises(VideoError, match=r"landmarks\.npy is damaged"):
        facing(store)
    (tmp_path / "body.json").unlink()
    assert np.isnan(facing(store))


def test_who_is_seen_from_above_turns_one_way_or_both() -> None:
    found = np.ones(200, bool)
    around = np.angle(np.exp(1j * np.linspace(0, 20, 200)))
    for heading, way in ((around, 1.0), (-around, -1.0), (np.abs(np.linspace(-3, 3, 200)), 0.0)):
        store: Any = SimpleNamespace(egocentric=True, found=found, heading=heading)
        assert turning(store) == pytest.approx(way, abs=0.02)
    walker: Any = SimpleNamespace(egocentric=False, found=found, heading=np.zeros(200))
    assert np.isnan(turning(walker))


KEYS = [*((f"h{n}", "healthy") for n in range(4)), *((f"i{n}", "impaired") for n in range(3))]
KNOWN = np.arange(7) < 4


@pytest.mark.parametrize(
    ("sides", "says"),
    [
        ([1, 1, 1, 1, -1, -1, -1], "The subjects of impaired face left, those of healthy right: the side changes"),
        ([-1, -1, -1, -1, 1, -1, 1], "i0 and i2 (impaired) face right, those of healthy left: "),
        ([1, 1, 1, -1, 1, 1, 1], "h3 (healthy) faces left, most of healthy right: "),
        ([1, 1, 1, 1, -0.5, 0.2, np.nan], "i0 (impaired) faces left, those of healthy right: "),
        ([1, 1, 1, 1, 1, 1, 0.4], ""),
        ([1, 1, -1, -1, -1, -1, -1], ""),  # the reference shows both sides: left to the test of the groups
        ([0, 0, 0, np.nan, -1, -1, -1], ""),  # the reference faces neither
    ],
)
def test_who_faces_the_other_way_is_named(sides: list[float], says: str) -> None:
    found = other_sides(KEYS, {"direction": np.array(sides, float)}, KNOWN, "healthy")["direction"]
    assert [words[: len(says)] for words in found] == ([says] if says else [])


def test_turning_may_be_the_movement_itself() -> None:
    found = other_sides(KEYS, {"turning": np.array([0.5, 0.6, 0.4, 0.9, -0.8, -0.5, -0.9])}, KNOWN, "healthy")
    assert list(found) == ["turning"]
    assert found["turning"][0].startswith("The subjects of impaired mostly turn left, those of healthy right: this may")
