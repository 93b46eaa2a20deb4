"""The layer of the subject: thin parts and what reaches beyond the box belong to it, a shadow does not."""

import numpy as np
import pytest

from ubam.magnification.magnify import MARGIN, flow_over, region_of
from ubam.magnification.subject_layer import continued, layer_of
from ubam.tracking.scene.empty_scene import Scene

SIZE = (60, 120)
BOX = np.array([30.0, 5, 80, 55])
HEIGHT = 20.0


@pytest.fixture(scope="module")
def floor() -> Scene:
    return Scene(np.full((*SIZE, 3), 120, np.uint8), np.ones(SIZE, np.float32), False)


def rat(floor: Scene) -> tuple[np.ndarray, np.ndarray]:
    """A bright body with a tail that leaves its box and a shadow under it, and what an eye draws of it."""
    picture, outline = floor.background.copy(), np.zeros(SIZE, np.float32)
    picture[20:40, 45:75], outline[20:40, 45:75] = 230, 1.0  # body
    picture[28:32, 8:45], outline[28:32, 30:45] = 230, 0.2  # tail: unsure, and unseen beyond the box
    picture[40:45, 10:75] = 60  # shadow: dark, not outlined
    return picture, outline


def test_an_unsure_tail_belongs_to_the_layer_and_its_shadow_does_not(floor: Scene) -> None:
    picture, outline = rat(floor)
    layer = layer_of(picture, floor, outline, BOX, HEIGHT)
    assert (layer[29:31, 12:45] > 0.9).all()
    assert (layer[43:45, 10:28] < 0.1).all()
    assert (layer[43:45, 32:70] < 0.1).all()


def test_without_a_known_scene_the_outline_alone_decides(floor: Scene) -> None:
    picture, outline = rat(floor)
    layer = layer_of(picture, None, outline, BOX, HEIGHT)
    assert (layer[29:31, 12:40] < 0.1).all()
    assert (layer[25:35, 50:70] > 0.9).all()


def test_another_animal_beyond_the_box_is_left_out(floor: Scene) -> None:
    picture, outline = rat(floor)
    picture[20:40, 90:110] = 230
    assert (layer_of(picture, floor, outline, BOX, HEIGHT)[20:40, 88:112] < 0.1).all()


def test_only_what_hangs_together_with_the_outline_and_sticks_out_continues_it() -> None:
    body, weak, edge = np.zeros((3, 30, 60), np.bool_)
    body[10:20, 20:40] = True
    weak[14:16, 40:50] = True  # ten pixels out
    weak[20:23, 25:35] = True  # a rim of three
    weak[14:16, 55:58] = True  # apart
    found = continued(body, weak, edge, HEIGHT)
    assert found[14:16, 40:50].all()
    assert found.sum() == body.sum() + 20


def test_a_thick_part_that_the_eye_half_sees_does_not_continue_it() -> None:
    body, weak, edge = np.zeros((3, 40, 80), np.bool_)
    body[10:30, 20:40] = True
    weak[12:28, 40:60] = True  # another animal that touches it: as thick as the body
    weak[19:21, 8:20] = True  # a tail: a tenth of that
    found = continued(body, weak, edge, HEIGHT)
    assert not found[12:28, 46:60].any()
    assert found[19:21, 8:20].all()


def test_what_the_border_of_the_box_cuts_off_goes_on_beyond_it() -> None:
    body, weak, edge = np.zeros((3, 30, 60), np.bool_)
    body[10:20, 20:40] = True
    edge[12:18, 39:42] = True  # two pixels of a nose beyond the box
    assert continued(body, weak, edge, HEIGHT)[12:18, 39:42].all()


def test_nothing_continues_an_outline_that_is_not_there() -> None:
    nothing, everything = np.zeros((8, 8), np.bool_), np.ones((8, 8), np.bool_)
    assert not continued(nothing, everything, everything, HEIGHT).any()


def test_the_flow_fades_beyond_the_box_so_that_a_tail_bends() -> None:
    box, size = np.array([100.0, 100, 200, 200], np.float32), (400, 400)
    region = region_of(box, *size)
    flow = flow_over(region, box, np.full((8, 8, 2), 0.1, np.float32))[flow_row(region)]
    scale = (region[2] - region[0]) / len(flow)
    x = region[0] + (np.arange(len(flow)) + 0.5) * scale - 0.5
    np.testing.assert_allclose(flow[(x > 100) & (x < 200)], 10, rtol=1e-5)
    assert np.abs(flow[[0, -1]]).max() < 10 * 2 * scale / ((MARGIN - 1) * 100) + 1e-3  # a point from the edge
    steps = np.abs(np.diff(flow[:, 0])) / scale
    assert steps.max() < 10 / ((MARGIN - 1) / 2 * 100) + 1e-3  # nowhere steeper than an even fade


def flow_row(region: tuple[int, int, int, int]) -> int:
    """A row of the grid through the middle of the region."""
    return (region[3] - region[1]) // 2
