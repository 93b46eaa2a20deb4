"""The second look: close views are the stored ones, larger; windows cover the subject; small leans are found."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import stick_figure
from ubam.magnification.registration import coarse_to_fine, register
from ubam.magnification.registration.coarse_to_fine import CanvasReferences, halved, towards, windows
from ubam.magnification.registration.flow_fields import read_at
from ubam.magnification.registration.network import SIDE, displacements, displacements_of_pairs
from ubam.magnification.registration.whole_body import seen_at, view_on
from ubam.tracking.crop_store import CLOSE, CropStore, close_view
from ubam.tracking.views import EMPTY

pytestmark = pytest.mark.usefixtures("plain_eye")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CropStore]:
    folder: Path = tmp_path_factory.mktemp("stick")
    leans = {"mild": 6.0, "first": 0.0, "second": 1.0, "third": -1.0}
    return {
        name: stick_figure.record(folder, name, lean, 180 + 20 * seed, seed)[0]
        for seed, (name, lean) in enumerate(leans.items())
    }


def matches(study: dict[str, CropStore]) -> register.Matches:
    return [(study[name], np.arange(stick_figure.FRAMES)) for name in ("first", "second", "third")]


def on_canvas(study: dict[str, CropStore], position: int, count: int = 3) -> list[np.ndarray]:
    """Views of the upright ones on the canvas of the mildly leaning one."""
    found = []
    for store, path in matches(study)[:count]:
        at = int(path[position])
        found.append(view_on(store, at, register.to_canvas(study["mild"], position, store, at)))
    return found


def test_a_close_view_is_the_stored_one_at_twice_its_size(study: dict[str, CropStore]) -> None:
    store = study["mild"]
    for position in (3, 20, 40):
        view, stored = close_view(store, position), np.array(store.views[position])
        assert view.shape == (CLOSE, CLOSE, 3)
        assert np.abs(halved(view).astype(float) - stored).mean() < 2  # crops are kept as JPEG, views are not
        away = np.abs(halved(close_view(store, position + 6)).astype(float) - stored).mean()
        assert away > 3 * np.abs(halved(view).astype(float) - stored).mean()


def test_frames_without_a_subject_and_of_a_lost_camera_have_a_close_view_too(study: dict[str, CropStore]) -> None:
    store, position = study["mild"], 20
    absent = replace(store, found=np.zeros_like(store.found))
    assert (close_view(absent, position) == EMPTY).all()
    lost = replace(store, camera_lost=True)
    enlarged = halved(close_view(lost, position)).astype(float)
    assert np.abs(enlarged - store.views[position]).mean() < 3


@pytest.mark.parametrize(
    "box", [(0, 0, 128, 128), (50, 4, 78, 124), (3, 60, 125, 84), (60, 60, 70, 72), (100, 100, 128, 128)]
)
def test_windows_cover_the_subject_and_stay_in_the_view(box: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    salient = np.zeros((CLOSE, CLOSE), np.uint8)
    cv2.ellipse(salient, ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2, (y1 - y0) // 2), 0, 0, 360, 255, -1)
    covered = np.zeros_like(salient)
    corners = windows(salient)
    for x, y in corners:
        assert 0 <= x <= CLOSE - SIDE
        assert 0 <= y <= CLOSE - SIDE
        covered[y : y + SIDE, x : x + SIDE] = 1
    assert (covered[salient > 127] == 1).mean() > 0.97  # a corner of a few pixels may be left to no window
    assert len(corners) == len(set(corners)) <= 9
    assert windows(np.zeros((CLOSE, CLOSE), np.uint8)) == []


def test_references_are_carried_back_to_the_query() -> None:
    rng = np.random.default_rng(0)
    query = cv2.GaussianBlur(rng.uniform(0, 255, (CLOSE, CLOSE, 3)).astype(np.float32), (0, 0), 3).astype(np.uint8)
    reference = np.roll(query, (-4, 6), axis=(0, 1))  # what is at p in the query is at p + (6, -4) there
    way = np.broadcast_to(np.array([6, -4], np.float32) / CLOSE, (SIDE, SIDE, 2))
    atlas = coarse_to_fine.mean_reference(np.stack([reference, reference]), np.ascontiguousarray(way))
    inside = slice(10, -10)
    assert np.abs(atlas[inside, inside].astype(int) - query[inside, inside]).max() <= 2


def test_windows_are_laid_together_as_a_slow_version_does(study: dict[str, CropStore]) -> None:
    query, other = close_view(study["mild"], 12), close_view(study["first"], 12)
    found = coarse_to_fine.in_windows(query, other)
    parts = []
    for x, y in windows(query[..., 0]):
        cut = [np.ascontiguousarray(view[y : y + SIDE, x : x + SIDE])[None] for view in (query, other)]
        parts.append(((x, y), displacements_of_pairs(*cut)[0]))
    for row, column in ((20, 30), (40, 31), (55, 28)):
        total, weight = np.zeros(2), 1e-6
        for (x, y), flow in parts:
            at_y, at_x = 2 * row - y, 2 * column - x
            if 0 <= at_y < SIDE and 0 <= at_x < SIDE:
                near = [min(at, SIDE - 1 - at) + 0.5 for at in (at_y, at_x)]
                share = float(np.prod([min(max(edge / 32, 0.02), 1) for edge in near]))
                total, weight = total + share * flow[at_y, at_x] / 2, weight + share
        np.testing.assert_allclose(found[row, column], total / weight, atol=2e-3)


def test_the_fine_pass_finds_more_of_a_small_lean(study: dict[str, CropStore]) -> None:
    query, true = study["mild"], []
    first, both = list[np.ndarray](), list[np.ndarray]()
    for position in range(8, 40, 8):
        references, view = CanvasReferences.of(on_canvas(study, position)), close_view(query, position)
        box = query.box[position]
        side, joints = float(box[2] - box[0]), stick_figure.joints(position, 6.0)
        place = ((joints - box[:2]) / side * SIDE - 0.5).astype(np.float32)[None]
        for found, kept in ((displacements(halved(view), references.whole), first), (towards(view, references), both)):
            kept.append(side * read_at(np.median(found, axis=0), place)[0])
        true.append(stick_figure.joints(position, 0.0) - joints)
    gains, cosines = [], []
    for found in (np.stack(first), np.stack(both)):
        gains.append((found * true).sum() / np.square(true).sum())
        cosines.append((found * true).sum() / np.linalg.norm(found) / np.linalg.norm(true))
    assert gains[1] > gains[0] > 0.2
    assert cosines[1] > 0.8


def test_fewer_than_three_references_get_no_fine_pass(study: dict[str, CropStore]) -> None:
    view = close_view(study["mild"], 12)
    for count, twice in ((2, False), (3, True)):
        references = CanvasReferences.of(on_canvas(study, 12, count))
        assert (
            bool(np.abs(towards(view, references) - displacements(halved(view), references.whole)).max() > 0) is twice
        )


def test_frames_between_registered_ones_are_interpolated(study: dict[str, CropStore]) -> None:
    query = study["mild"]
    near = register.frames_to_register(query, np.arange(15, 26))
    assert len(near) < 26 - 15 + 10
    assert (np.diff(near) == near[1] - near[0]).all()
    steady = np.ones((SIDE, SIDE, 2), np.float32)
    frames = [(0.001 * at * steady, steady[..., 0], 0.002 * at * steady[..., 0]) for at in near]
    wanted = np.arange(18, 23)
    field = register.smoothed_over_time(query, frames, near, wanted)
    np.testing.assert_allclose(field.flow[:, 32, 32, 0], 0.001 * wanted, atol=1e-4)
    np.testing.assert_allclose(field.error[:, 32, 32], 0.002 * wanted, atol=2e-4)
    assert list(field.position) == list(wanted)


def test_places_on_the_body_are_read_from_the_dense_answer(study: dict[str, CropStore]) -> None:
    views, query = on_canvas(study, 12), close_view(study["mild"], 12)
    places = np.array([[0.5, 0.25], [0.4, 0.7]], np.float32)
    dense = towards(query, CanvasReferences.of(views))
    found = seen_at(places, query, views)
    assert found.shape == (3, 2, 2)
    column, row = (places[1] * SIDE - 0.5).astype(int)
    near = dense[2, row : row + 2, column : column + 2].reshape(-1, 2)
    assert (near.min(0) - 1e-6 <= found[2, 1]).all()
    assert (found[2, 1] <= near.max(0) + 1e-6).all()
