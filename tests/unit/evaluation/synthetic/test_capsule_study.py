"""The second test renderer: its truth is true, an impairment is what its name says, the same seed is the same study."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ubam.core.errors import StudyError
from ubam.core.files import read_arrays, read_csv
from ubam.evaluation.benchmark.measures import root_centred
from ubam.evaluation.synthetic.capsules.casting import Cones, View, cast, shadow
from ubam.evaluation.synthetic.capsules.motion import foot_path, reach, stacked
from ubam.evaluation.synthetic.capsules.recording import CapsuleRecording, Change, Place, film_recording
from ubam.evaluation.synthetic.capsules.study import CapsuleStudy, bounds, read_outlines
from ubam.recordings.video_reader import read_frames

VIEWS = [("human", Place()), ("rodent", Place()), ("rodent", Place(view="above"))]
AHEAD = View.looking((64, 48), 100.0, np.array([0.0, 0.0, 10.0]), np.zeros(3))


def cones(*limbs: tuple[list[float], list[float], float], melt: float = 1e-4) -> Cones:
    start, end, radius = (np.array([limb[k] for limb in limbs], float) for k in range(3))
    colour = np.eye(3)[np.arange(len(limbs)) % 3]
    return Cones(start, end, np.stack([radius, radius], 1), colour, colour, np.zeros(len(limbs)), melt)


def at(filmed: CapsuleRecording, *names: str, key: str = "keypoints") -> list[np.ndarray]:
    order = filmed.truth["names"].tolist()
    return [filmed.truth[key][:, order.index(name)] for name in names]


def test_ball_covers_the_pixels_of_its_circle_at_the_right_depth() -> None:
    seen = cast(AHEAD, cones(([0, 0, 0], [0, 0, 0], 1.0)))
    assert seen is not None
    # Seen from 10 m, a ball of 1 m fills the circle of tan(asin(0.1)) * 100 px.
    assert seen.alpha.sum() == pytest.approx(np.pi * (100 * np.tan(np.arcsin(0.1))) ** 2, rel=0.02)
    row, column = 24 - seen.corner[1], 32 - seen.corner[0]
    assert seen.depth[row, column] == pytest.approx(9.0, abs=0.06)  # half a pixel, 0.05 m, thinner
    np.testing.assert_allclose(seen.normal[row, column], [0, 0, 1], atol=0.1)


def test_nearer_limb_hides_the_other_and_nothing_is_seen_outside() -> None:
    seen = cast(AHEAD, cones(([-1, 0, -1], [1, 0, -1], 0.3), ([0, -1, 1], [0, 1, 1], 0.3)))
    assert seen is not None
    crossing = seen.colour[24 - seen.corner[1], 32 - seen.corner[0]]
    np.testing.assert_allclose(crossing, [0, 1, 0], atol=0.02)
    assert cast(AHEAD, cones(([50, 0, 0], [51, 0, 0], 0.3))) is None


def test_shadow_lies_where_the_light_is_taken() -> None:
    body, light = cones(([0, 1, 0], [0, 2, 0], 0.2)), np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    points = np.array([[-1.5, 0, 0], [-0.2, 0, 0], [1.5, 0, 0], [-1.5, 0, 1.0]])
    np.testing.assert_allclose(shadow(points, light, body, 0.02), [1, 0, 0, 0], atol=1e-6)


def test_swaying_moves_the_picture_by_as_many_pixels() -> None:
    point = np.array([[0.1, -0.2, 0.0]])
    moved = AHEAD.swayed(3.0, -2.0, 0.0).project(point) - AHEAD.project(point)
    np.testing.assert_allclose(moved[0, :2], [3.0, -2.0], atol=0.05)


def test_foot_stands_still_over_the_ground_and_swings_without_a_jump() -> None:
    phase = np.linspace(0, 1, 2001)
    forward, up, _ = foot_path(phase, 0.6, 0.5, 0.1)
    standing = phase < 0.6
    np.testing.assert_allclose(np.diff(forward[standing]) / np.diff(phase[standing]), -0.5 / 0.6, rtol=1e-6)
    assert np.abs(np.diff(forward, 2)).max() < 1e-5
    assert np.all(up[standing] == 0)
    assert up.max() == pytest.approx(0.1, abs=1e-3)
    assert forward[0] == pytest.approx(forward[-1])


def test_limb_reaches_its_target_with_bones_of_their_length() -> None:
    root, target = stacked(0.0, 1.0, np.zeros(2)), stacked(np.array([0.3, 5.0]), 0.4, 0.1)
    joint, end = reach(root, target, 0.5, 0.4, stacked(1.0, 0.0, np.zeros(2)))
    np.testing.assert_allclose(np.linalg.norm(joint - root, axis=1), 0.5)
    np.testing.assert_allclose(np.linalg.norm(end - joint, axis=1), 0.4, atol=1e-6)
    np.testing.assert_allclose(end[0], target[0])
    assert np.linalg.norm(end[1] - root[1]) == pytest.approx(0.9, abs=0.01)  # out of reach


def lean(filmed: CapsuleRecording) -> float:
    pelvis, neck = at(filmed, "pelvis", "neck")
    return float(np.degrees(np.arctan2((neck - pelvis)[:, 0], -(neck - pelvis)[:, 1])).mean())


def knee_range(filmed: CapsuleRecording) -> float:
    hip, knee, ankle = at(filmed, *(f"{joint}_{filmed.truth['side']}" for joint in ("hip", "knee", "ankle")))
    upper, lower = knee - hip, ankle - knee
    cross = upper[:, 0] * lower[:, 1] - upper[:, 1] * lower[:, 0]
    return float(np.ptp(np.degrees(np.arctan2(cross, (upper * lower).sum(1)))))


def arch(filmed: CapsuleRecording) -> float:
    tail, back, neck = at(filmed, "tail_base", "back", "neck")
    return float((0.5 * (tail + neck) - back)[:, 1].mean())


def paw_travel(filmed: CapsuleRecording) -> float:
    hip, paw = at(filmed, *(f"{joint}_{filmed.truth['side']}" for joint in ("hip", "hindpaw")))
    return float(np.ptp((paw - hip)[:, 0]))


@pytest.mark.parametrize(
    ("kind", "impairment", "measure", "direction"),
    [
        ("human", "lean", lean, 1),
        ("human", "stiff_knee", knee_range, -1),
        ("rodent", "hunch", arch, 1),
        ("rodent", "dragged_limb", paw_travel, -1),
    ],
)
@pytest.mark.parametrize("seed", [3, 8])
def test_impairment_grows_with_severity(
    kind: str, impairment: str, measure: Callable[[Any], float], direction: int, seed: int
) -> None:
    values = [
        direction * measure(film_recording(seed, kind=kind, change=Change(impairment, severity)))
        for severity in (0.0, 0.3, 0.6, 1.0)
    ]
    assert np.all(np.diff(values) > 0), values


@pytest.mark.parametrize(("kind", "impairment"), [("human", "stiff_knee"), ("rodent", "hunch")])
def test_factor_moves_from_the_exact_twin(kind: str, impairment: str) -> None:
    healthy = film_recording(4, kind=kind)
    twin, once, twice = (film_recording(4, kind=kind, change=Change(impairment, 0.4, factor)) for factor in (0, 1, 2))
    np.testing.assert_array_equal(healthy.truth["keypoints"], healthy.truth["keypoints_healthy"])
    for one in (twin, once, twice):
        np.testing.assert_array_equal(one.truth["keypoints_healthy"], healthy.truth["keypoints"])
    np.testing.assert_array_equal(twin.truth["keypoints"], healthy.truth["keypoints"])
    near, far = (np.abs(one.truth["keypoints"] - twin.truth["keypoints"]).mean() for one in (once, twice))
    assert 1.4 * near < far < 3 * near


@pytest.mark.parametrize(("kind", "place"), VIEWS)
@pytest.mark.parametrize("scene", ["in place", "travelling"])
def test_keypoints_lie_on_the_subject_and_some_are_hidden(kind: str, place: Place, scene: str) -> None:
    filmed = film_recording(6, kind=kind, place=replace(place, scene=scene), seconds=2.0)
    inside, seen = [], []
    for frame in np.linspace(0, len(filmed) - 1, 4).astype(int):
        drawn = filmed.draw(frame)
        column, row = np.round(filmed.truth["keypoints"][frame] - 0.5).astype(int).T
        height, width = drawn.alpha.shape
        framed = (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)
        places = zip(column[framed], row[framed], strict=True)
        inside += [(drawn.alpha[r - 1 : r + 2, c - 1 : c + 2] > 0.5).any() for c, r in places]
        seen.append(drawn.visible)
        assert not drawn.visible[~framed].any()
    assert np.mean(inside) > 0.95
    assert 0.3 < np.mean(seen) < 1


def test_walker_goes_where_it_faces_and_leaves_no_picture() -> None:
    for right in (True, False):
        filmed = film_recording(5, place=Place("travelling", faces_right=right), seconds=5.0)
        (neck,) = at(filmed, "neck")
        way = neck[-1, 0] - neck[0, 0]
        assert (way > 60) if right else (way < -60)
        for frame in (0, len(filmed) - 1):
            box = bounds(filmed.draw(frame).alpha > 0.5)
            assert 0 < box[0] < box[2] < 320


def test_wall_differs_from_the_subject() -> None:
    for seed in range(6):
        filmed = film_recording(seed, kind="human", seconds=0.2)
        drawn, sway = filmed.draw(0), filmed.truth["sway"][0]
        empty = 255 * filmed.film.gain * filmed.scene.seen(filmed.base.swayed(*sway.tolist()))
        change = np.abs(drawn.picture - empty).max(2)[drawn.alpha > 0.9]
        assert np.median(change) > 25


def test_same_values_same_study(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        CapsuleStudy(seed=seed, subjects=2, recordings=2, seconds=0.2).write(folder)
    first, second, third = ({p.name: p.read_bytes() for p in folder.glob("*.*")} for folder in folders)
    assert first == second
    assert first["human01_1.mp4"] != third["human01_1.mp4"]
    truth = read_arrays(folders[0] / "truth" / "human01_1.npz")
    outlines = read_outlines(folders[0] / "study.csv", "human01_1")
    assert len(list(read_frames(folders[0] / "human01_1.mp4"))) == len(truth["phase"]) == len(outlines) == 5
    assert tuple(truth["box"][0]) == bounds(outlines[0] > 0.5)
    assert np.isfinite(root_centred(truth["keypoints"], truth["names"].tolist(), float(truth["body_height"]))).all()
    assert truth["visible"].shape == truth["keypoints"].shape[:2]


def test_study_has_both_groups_and_both_impairments_and_a_null_study_only_looks(tmp_path: Path) -> None:
    path = CapsuleStudy("rodent", 7, seconds=0.08, view="above").write(tmp_path / "a study")
    rows = read_csv(path)
    assert [row["group"] for row in rows].count("healthy") == 4
    assert {row["impairment"] for row in rows} == {"", "hunch", "dragged_limb"}
    ill = [float(row["severity"]) for row in rows if row["group"] == "impaired"]
    assert 0.25 <= min(ill) < max(ill) <= 1
    null = CapsuleStudy("rodent", 7, seconds=0.08, null=True)
    palettes = {(one.group, str(null.film(one.name).truth["palette"])) for one in null.everybody()}
    assert palettes == {("healthy", "light"), ("impaired", "dark")}
    assert all(float(null.film(one.name).truth["severity"]) == 0 for one in null.everybody())


@pytest.mark.parametrize(
    "wrong", [{"kind": "cat"}, {"scene": "moon"}, {"view": "below"}, {"subjects": 1}, {"seed": -1}, {"seconds": 0}]
)
def test_what_does_not_exist_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(StudyError):
        CapsuleStudy(**wrong)
    with pytest.raises(StudyError):
        film_recording(1, change=Change("hunch", 0.5))
    with pytest.raises(StudyError):
        CapsuleStudy(subjects=2).film("nobody")
