"""The training world: bodies bend as told, and what the film does to pictures."""

import numpy as np
import pytest

from ubam.pretraining.world.bodies.cast import Cast
from ubam.pretraining.world.bodies.landmarks import LANDMARKS
from ubam.pretraining.world.bodies.skinned_body import Posed, pose_body, rest_normals, rotation
from ubam.pretraining.world.cameras import Camera, crop_matrix, look
from ubam.pretraining.world.movers import draw_movers
from ubam.tracking.eye.landmarks import LANDMARKS as SEEN
from ubam.tracking.eye.landmarks import PLANS

BONES = sorted({bone for _, bone, _ in LANDMARKS["dog"]})


@pytest.fixture
def cast() -> Cast:
    """A rod along x of two bones, called as a dog's are."""
    names = [*BONES]
    vertices = np.stack([np.linspace(0, 2, 21), np.zeros(21), np.zeros(21)], 1).astype(np.float32)[None]
    parents = [-1, *[0] * (len(names) - 1)]
    heads = np.zeros((1, len(names), 3), np.float32)
    heads[0, 1] = [1, 0, 0]
    bones = np.where(vertices[0, :, 0] > 1, 1, 0)[:, None].repeat(4, 1)
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (21, 1))
    faces = np.array([[k, k + 1, k + 2] for k in range(19)], np.int32)
    points = np.zeros((1, len(LANDMARKS["dog"]), 3), np.float32)
    return Cast("dog", vertices, heads, faces, bones, weights, vertices[0], names, parents, points)


def posed(cast: Cast, turns: np.ndarray, root: tuple[np.ndarray, np.ndarray] | None = None) -> Posed:
    still = np.tile(np.eye(3), (len(turns), 1, 1)), np.zeros((len(turns), 3))
    normals = np.zeros_like(cast.vertices[0])
    return pose_body(cast, cast.heads[0], cast.vertices[0], normals, cast.landmark_points[0], turns, root or still)


def test_a_body_without_turns_is_at_rest(cast: Cast) -> None:
    turns = np.tile(np.eye(3), (2, len(cast.names), 1, 1))
    np.testing.assert_allclose(posed(cast, turns).vertices, np.repeat(cast.vertices, 2, 0), atol=1e-6)


def test_a_turned_bone_takes_its_vertices_about_its_head(cast: Cast) -> None:
    turns = np.tile(np.eye(3), (1, len(cast.names), 1, 1))
    turns[0, 1] = rotation(np.array([0, 0, 1.0]), np.array([np.pi / 2]))[0]
    bent = posed(cast, turns).vertices[0]
    np.testing.assert_allclose(bent[:11], cast.vertices[0, :11], atol=1e-6)
    np.testing.assert_allclose(bent[-1], [1, 1, 0], atol=1e-6)


def test_the_root_moves_all(cast: Cast) -> None:
    turns = np.tile(np.eye(3), (1, len(cast.names), 1, 1))
    moved = posed(cast, turns, (rotation(np.array([0, 0, 1.0]), np.array([np.pi])), np.array([[0, 0, 3.0]])))
    np.testing.assert_allclose(moved.vertices[0, -1], [-2, 0, 3], atol=1e-6)
    np.testing.assert_allclose(moved.landmarks[0], np.tile([0, 0, 3.0], (len(LANDMARKS["dog"]), 1)), atol=1e-6)


def test_normals_of_a_flat_sheet_point_up() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    normals = rest_normals(vertices, np.array([[0, 1, 2], [1, 3, 2]]))
    np.testing.assert_allclose(normals, np.tile([0, 0, 1], (4, 1)), atol=1e-6)


@pytest.mark.parametrize("plan", PLANS)
def test_the_world_draws_the_landmarks_that_the_eye_reads(plan: str) -> None:
    assert tuple(name for name, _, _ in LANDMARKS[plan]) == SEEN[plan]


@pytest.mark.parametrize("side", range(4))
def test_beyond_the_border_the_last_row_is_repeated(side: int) -> None:
    film = pytest.importorskip("ubam.pretraining.world.film", reason="needs the extra ubam[world]")
    picture = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)
    crossed = np.rot90(film.at_the_border(picture, side, 0.3, black=False), side)
    assert all(np.array_equal(row, crossed[6]) for row in crossed[:6])
    assert np.array_equal(crossed[6:], np.rot90(picture, side)[6:])


def test_surroundings_show_the_whole_body_anywhere_in_the_crop() -> None:
    random = np.random.default_rng(0)
    _, placed = look(np.array([1.0, 0, 0]), 0.0, np.zeros(3), 10.0)
    corners = np.array([[0, y, z] for y in (-1, 1) for z in (-1, 1)], float)
    sides, middles = [], []
    for _ in range(200):
        matrix = crop_matrix(placed, corners, 1.0, random, "surroundings") @ placed
        seen = Camera(np.zeros(3), np.zeros(3), matrix).project(corners)
        assert (seen >= 0).all()
        assert (seen <= 1).all()
        sides.append(np.ptp(seen))
        middles.append(seen.mean(0))
    assert min(sides) < 0.25
    assert max(sides) > 0.6
    assert np.ptp(middles, axis=0).min() > 0.5


def test_what_moves_on_the_set_is_where_it_should_be() -> None:
    random = np.random.default_rng(3)
    drawn = [mover for _ in range(200) for mover in draw_movers("rodent", 2.0, random)]
    moving = [mover for mover in drawn if not np.array_equal(mover.moved(0.0), mover.moved(0.7))]
    assert len(drawn) > len(moving) > 20
    assert any(mover.stays for mover in moving)  # bedding
    assert any(not mover.stays for mover in moving)  # hands and cables
    assert draw_movers("person", 2.0, random) == []


@pytest.fixture
def sheet() -> tuple[Cast, Posed]:
    """A wall of skin from above, 2 x 2 units, with a landmark 0.1 under its middle."""
    y, x = np.mgrid[-1:1:41j, -1:1:41j]
    skin = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3).astype(np.float32)
    points = np.tile(np.array([0, 0, -5.0], np.float32), (len(LANDMARKS["dog"]), 1))
    points[0, 2] = -0.1
    none = np.zeros((0, 3), np.float32)
    cast = Cast("dog", skin[None], none, none, none, none, skin, [], [], points[None])
    return cast, Posed(skin[None], skin[None], points[None])


@pytest.mark.parametrize(("hidden", "seen"), [("nothing", True), ("a bar", False), ("another part", False)])
def test_a_landmark_is_visible_where_its_pixel_shows_the_skin_around_it(
    sheet: tuple[Cast, Posed], hidden: str, seen: bool
) -> None:
    pairs = pytest.importorskip("ubam.pretraining.world.pairs", reason="needs the extra ubam[world]")
    cast, posed = sheet
    y, x = np.mgrid[-1:1:64j, -1:1:64j].astype(np.float32)
    truth = np.dstack([x, y, np.zeros_like(x), np.ones_like(x)])
    if hidden == "a bar":
        truth[28:36] = 0
    if hidden == "another part":
        truth[28:36, 28:36, :2] = 0.9
    marks = np.full((pairs.MOST_LANDMARKS, 2), np.nan, np.float32)
    marks[0], marks[1] = 0.5, 1.2  # the second lies beside the picture
    found = pairs.visible(truth, marks, posed, 0, cast, 1.0)
    assert found[0] == seen
    assert not found[1:].any()
