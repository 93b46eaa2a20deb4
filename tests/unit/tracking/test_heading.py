"""An animal seen from above points the same way in every view; whoever is seen from the side is never turned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.top_view import film
from tests.support.videos import walking_frames, write_video
from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.recordings.study_table import Recording
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops
from ubam.tracking.eye.landmarks import PLANS
from ubam.tracking.heading import TURNED, facing, from_above, long_axis
from ubam.tracking.track import Track
from ubam.tracking.views import EMPTY, turned


def built(frames: list[np.ndarray], folder: Path, name: str, fps: float = 25.0) -> CropStore:
    video = write_video(folder / f"{name}.mp4", iter(frames), fps)
    return build_crops(Recording(name, 2, video, "s", "g"), folder / name)


def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Degrees between angles in radians."""
    return np.degrees(np.abs(np.angle(np.exp(1j * (first - second)))))


@pytest.fixture(scope="module")
def dark(tmp_path_factory: pytest.TempPathFactory) -> tuple[CropStore, np.ndarray]:
    """A dark animal on a light floor, and its true places and headings."""
    frames, states = film(3, 120)
    return built(frames, tmp_path_factory.mktemp("dark"), "above"), states


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> tuple[CropStore, np.ndarray]:
    """A light animal on a dark floor."""
    frames, states = film(2, 120, dark=False)
    return built(frames, tmp_path_factory.mktemp("light"), "above"), states


@pytest.mark.parametrize("animal", ["dark", "light"])
def test_the_heading_of_an_animal_from_above_is_found_and_never_flipped(
    animal: str, request: pytest.FixtureRequest
) -> None:
    store, states = request.getfixturevalue(animal)
    assert store.egocentric
    assert store.heading.dtype == np.float32
    error = apart(store.heading, states[:, 2])
    assert np.median(error) < 4
    assert np.percentile(error, 95) < 15
    assert (error > 90).mean() == 0


def test_views_from_above_point_right_and_crops_stay_as_they_were(dark: tuple[CropStore, np.ndarray]) -> None:
    store, states = dark
    shapes = []
    for t in range(10, 110, 6):
        salient = store.views[t, ..., 0].astype(float)
        rows, columns = np.mgrid[:64, :64] - 31.5
        xx, xy, yy = ((salient * v).sum() / salient.sum() for v in (columns**2, columns * rows, rows**2))
        shapes.append((xx, xy, yy))
        crop_axis = apart(2 * store.heading[t], 2 * states[t, 2]) / 2
        assert crop_axis < 15
    angle, ratio = long_axis(np.array(shapes))
    assert np.degrees(np.abs(angle)).max() < 15
    assert ratio.min() > 1.5
    assert np.ptp(store.box[:, 2] - store.box[:, 0]) < 1e-3
    middle = (store.box[:, :2] + store.box[:, 2:]) / 2
    assert np.abs(middle - states[:, :2]).max() < 0.5 * 40


def test_a_view_is_turned_against_the_heading() -> None:
    view = np.tile(EMPTY, (64, 64, 1))
    view[34:60, 31:33, 0] = 255  # points down: a quarter turn clockwise from the right
    right = turned(view, np.pi / 2)
    assert right[31:33, 36:58, 0].min() > 200
    assert right[34:, :, 0].max() == 0
    assert np.array_equal(turned(view, 0.0), view)


@pytest.mark.parametrize("kind", ["human", "rodent"])
def test_a_subject_from_the_side_is_never_turned(kind: str, tmp_path: Path) -> None:
    store = built(list(render_recording(7, RecordingSpec(kind=kind, seconds=1.2)).frames()), tmp_path, kind)
    assert not store.egocentric
    assert not store.heading.any()


def track_of(angles: np.ndarray, ratio: float = 2.0) -> Track:
    """A track whose outline is an ellipse with its long axis at `angles`."""
    count = len(angles)
    c, s = np.cos(angles), np.sin(angles)
    long, short = 100.0 * ratio, 100.0 / ratio
    shape = np.zeros((count, 7), np.float32)
    shape[:, :3] = np.stack([long * c * c + short * s * s, (long - short) * c * s, long * s * s + short * c * c], 1)
    centre = np.cumsum(np.stack([c, s], 1), axis=0).astype(np.float32)
    box = np.concatenate([centre - 30, centre + 30], axis=1)
    return Track(box, np.ones(count, bool), 40.0, box[:, 3], centre, (), shape, 50.0)


def test_turning_over_wide_angles_decides() -> None:
    circle = np.linspace(0, 4 * np.pi, 200)
    assert facing(track_of(circle), 25.0) is not None
    assert facing(track_of(circle, ratio=1.1), 25.0) is None  # no long axis
    assert facing(track_of(0.5 * np.sin(circle)), 25.0) is None  # swings by 30 degrees to either side
    rearing = np.concatenate(
        [np.linspace(0, -np.pi / 2, 50), np.full(50, -np.pi / 2), np.linspace(-np.pi / 2, -np.pi, 50)]
    )
    assert facing(track_of(rearing), 25.0) is None  # never points down
    assert facing(track_of(circle[:10]), 25.0) is None  # too short to tell


def test_from_above_the_box_holds_the_length_whichever_way_it_points() -> None:
    track = replace(track_of(np.linspace(0, 6, 50)), extent=80.0)
    above = from_above(track)
    assert above.body_height == 80
    assert np.allclose(above.box[:, 2] - above.box[:, 0], 100, atol=1e-3)
    assert np.allclose(above.ground_y, (above.box[:, 1] + above.box[:, 3]) / 2 + 40)


def test_a_person_is_never_turned_and_who_is_turned_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = ["person"]
    monkeypatch.setattr("ubam.tracking.cropping.plan_chances", lambda *_: np.log([0.4 + (p in seen) for p in PLANS]))
    recording, out = Recording("a", 2, tmp_path / "a.mp4", "s", "g"), tmp_path / "a"
    write_video(recording.video, iter(film(3, 120)[0][::2]), 12.5)
    person = build_crops(recording, out)
    assert (person.egocentric, bool(person.heading.any()), TURNED in person.warnings) == (False, False, False)
    views = np.array(person.views)
    rodent = build_crops(recording, out, plan="rodent")  # the study's plan, whatever the eye sees here
    assert (rodent.egocentric, bool(rodent.heading.any()), TURNED in rodent.warnings) == (True, True, True)
    assert not np.array_equal(rodent.views, views)
    made = (out / "store.json").stat().st_mtime_ns
    seen[0] = "rodent"
    assert build_crops(recording, out, plan="dog").egocentric
    assert build_crops(recording, out, plan="rodent").egocentric
    assert (out / "store.json").stat().st_mtime_ns == made  # no other views, no other crops


def test_a_walker_drawn_from_the_side_is_not_turned(tmp_path: Path) -> None:
    assert not built(list(walking_frames(40)), tmp_path, "walk").egocentric
