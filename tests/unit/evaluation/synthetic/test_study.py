"""Rendered subjects: the truth is true, the impairment is what its name says, the same seed gives the same study."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ubam.core.errors import StudyError
from ubam.core.files import read_csv
from ubam.evaluation.synthetic import rodent, walker
from ubam.evaluation.synthetic.recording import RecordingSpec, Rendered, render_recording
from ubam.evaluation.synthetic.recovery_study import DAYS, synthesise_recovery
from ubam.evaluation.synthetic.rendering import rasterise
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study
from ubam.recordings.video_reader import read_frames

SAMPLE = Path(__file__).resolve().parents[4] / "sample_videos"
KINDS = ("human", "rodent")


def points(rendered: Rendered, *names: str) -> list[np.ndarray]:
    order = rendered.truth["names"].tolist()
    return [rendered.truth["keypoints"][:, order.index(name)] for name in names]


def angle(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Degrees from upright, forward positive."""
    along = end - start
    return np.degrees(np.arctan2(along[:, 0], -along[:, 1]))


def lean(rendered: Rendered) -> float:
    pelvis, neck = points(rendered, "pelvis", "neck")
    return float(angle(pelvis, neck).mean())


def knee_range(rendered: Rendered) -> float:
    side = "right" if render_side(rendered) == "right" else "left"
    hip, knee, ankle = points(rendered, f"hip_{side}", f"knee_{side}", f"ankle_{side}")
    return float(np.ptp(angle(hip, knee) - angle(knee, ankle)))


def render_side(rendered: Rendered) -> str:
    return str(rendered.truth["side"])


def arch(rendered: Rendered) -> float:
    tail, back, neck = points(rendered, "tail_base", "back", "neck")
    return float((0.5 * (tail + neck) - back)[:, 1].mean())


def paw_travel(rendered: Rendered) -> float:
    hip, paw = points(rendered, "hip_right", "hindpaw_right")
    return float(np.ptp((paw - hip)[:, 0]))


def paw_lift(rendered: Rendered) -> float:
    (paw,) = points(rendered, "hindpaw_right")
    return float(np.ptp(paw[:, 1]))


@pytest.mark.parametrize(
    ("kind", "impairment", "measure", "direction"),
    [
        ("human", "lean", lean, 1),
        ("human", "stiff_knee", knee_range, -1),
        ("rodent", "hunch", arch, 1),
        ("rodent", "dragged_limb", paw_travel, -1),
        ("rodent", "dragged_limb", paw_lift, -1),
    ],
)
@pytest.mark.parametrize("seed", [3, 8])
def test_impairment_grows_with_severity(
    kind: str, impairment: str, measure: Callable[[Any], float], direction: int, seed: int
) -> None:
    values = [
        direction * measure(render_recording(seed, RecordingSpec(kind=kind, impairment=impairment, severity=severity)))
        for severity in (0.0, 0.3, 0.6, 1.0)
    ]
    assert np.all(np.diff(values) > 0), values


def test_lean_has_the_size_it_says() -> None:
    upright, bent = (
        lean(render_recording(5, RecordingSpec(impairment="lean", severity=severity))) for severity in (0.0, 1.0)
    )
    assert bent - upright == pytest.approx(walker.LARGEST_LEAN, abs=6)


@pytest.mark.parametrize("kind", KINDS)
def test_healthy_subject_equals_its_twin(kind: str) -> None:
    truth = render_recording(4, RecordingSpec(kind=kind)).truth
    np.testing.assert_array_equal(truth["keypoints"], truth["keypoints_healthy"])


@pytest.mark.parametrize(("kind", "impairment"), [("human", "stiff_knee"), ("rodent", "hunch")])
def test_factor_moves_from_twin_through_recording(kind: str, impairment: str) -> None:
    shown = {
        factor: render_recording(4, RecordingSpec(kind=kind, impairment=impairment, severity=0.8, factor=factor)).truth
        for factor in (0.0, 1.0, 2.0)
    }
    np.testing.assert_array_equal(shown[0.0]["keypoints"], shown[1.0]["keypoints_healthy"])
    np.testing.assert_array_equal(shown[1.0]["keypoints_healthy"], shown[2.0]["keypoints_healthy"])
    once, twice = (np.abs(shown[f]["keypoints"] - shown[0.0]["keypoints"]).mean() for f in (1.0, 2.0))
    assert 1.5 * once < twice < 2.5 * once


@pytest.mark.parametrize("scene", ["walkway", "treadmill"])
@pytest.mark.parametrize("kind", KINDS)
def test_keypoints_lie_on_the_subject(kind: str, scene: str) -> None:
    rendered = render_recording(6, RecordingSpec(kind=kind, scene=scene, seconds=0.6))
    inside = [mask_at(alpha, frame) for alpha, frame in zip(rendered.masks(), rendered.truth["keypoints"], strict=True)]
    assert np.mean(inside) > 0.97


def mask_at(mask: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """Whether each keypoint lies on the mask or beside it (a nose is a point, a mask is pixels)."""
    column, row = np.floor(keypoints).astype(int).T
    return np.array(
        [mask[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].any() for c, r in zip(column, row, strict=True)]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_subject_differs_from_the_empty_scene_and_stays_inside(kind: str) -> None:
    rendered = render_recording(7, RecordingSpec(kind=kind, seconds=5.0))
    empty = rendered.empty().astype(int)
    ends = [0, len(rendered.travelled) // 2, len(rendered.travelled) - 1]
    for picture, alpha in only(rendered, ends).frames_and_masks():
        change = np.abs(picture.astype(int) - empty).max(axis=2)
        assert change[alpha > 0.9].mean() > 15
        edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert edge.max() == 0
        assert np.median(change[alpha == 0]) <= 3


def only(rendered: Rendered, moments: list[int]) -> Rendered:
    """The recording cut to a few moments, to draw no more than is looked at."""
    kept = {name: place[moments] for name, place in rendered.points.items()}
    return replace(rendered, points=kept, travelled=rendered.travelled[moments])


@pytest.mark.parametrize("seed", range(1, 7))
def test_feet_stay_where_they_stand(seed: int) -> None:
    rendered = render_recording(seed)
    order, phase = rendered.truth["names"].tolist(), rendered.truth["phase"]
    step = np.diff(rendered.truth["keypoints"], axis=0)
    walking = step[:, order.index("pelvis"), 0].mean()
    for side, shift in (("right", 0.0), ("left", 0.5)):
        own = (phase[1:] + shift) % 1
        standing = (own > 0.12) & (own < 0.4)
        assert np.abs(step[standing, order.index(f"ankle_{side}"), 0]).mean() < 0.2 * walking


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_of_one_subject_share_the_body_but_not_the_moment(kind: str) -> None:
    one, other = (render_recording(9, RecordingSpec(kind=kind, recording=number)) for number in (0, 1))
    assert one.painter.bones == other.painter.bones
    assert one.truth["phase"][0] != other.truth["phase"][0]


def test_rodent_feet_alternate() -> None:
    phases = rodent.limb_phases(rodent.sample_gait(np.random.default_rng(0)))
    assert (phases["hind_left"] - phases["hind_right"]) % 1 == 0.5
    assert (phases["fore_left"] - phases["fore_right"]) % 1 == 0.5


def test_rasterise_agrees_with_swept_spheres() -> None:
    start, end = np.array([[9.0, 12.0, 3.0]]), np.array([[40.0, 30.0, -14.0]])
    radius, stretch = np.array([[4.0, 8.0]]), np.array([1.3])
    surface = rasterise(start, end, radius, stretch)
    row, column = np.divmod(surface.pixels, surface.shape[1])
    x, y = column + surface.corner[0] + 0.5, row + surface.corner[1] + 0.5
    nearest = np.full(len(x), np.inf)
    for share in np.linspace(0, 1, 2001):
        centre = start[0] + share * (end - start)[0]
        inside = (4 + 4 * share) ** 2 - (x - centre[0]) ** 2 - (y - centre[1]) ** 2
        front = np.where(inside > 0, centre[2] - 1.3 * np.sqrt(np.maximum(inside, 0)), np.inf)
        nearest = np.minimum(nearest, front)
    assert np.isfinite(nearest).mean() > 0.99
    both = np.isfinite(nearest)
    np.testing.assert_allclose(surface.depth[both], nearest[both], atol=0.15)


def test_same_seed_same_study(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        synthesise_study(folder, StudySpec(subjects=2, seconds=0.4, seed=seed))
    first, second, third = ({p.name: p.read_bytes() for p in folder.glob("*.*")} for folder in folders)
    assert first == second
    assert first["human01.mp4"] != third["human01.mp4"]
    assert b"\r" not in first["study.csv"]
    with np.load(folders[0] / "truth" / "human01.npz") as truth:
        assert len(list(read_frames(folders[0] / "human01.mp4"))) == len(truth["phase"]) == 10


def test_study_has_both_groups_and_both_impairments(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = synthesise_study(
        tmp_path / "a study",
        StudySpec(kind="rodent", subjects=5, recordings_per_subject=2, seconds=0.07),
        progress=lambda done, total: seen.append((done, total)),
    )
    rows = read_csv(path)
    assert seen[-1] == (10, 10)
    assert len(rows) == 10
    assert {row["session"] for row in rows} == {"1", "2"}
    assert {row["impairment"] for row in rows if row["group"] == "impaired"} == set(rodent.IMPAIRMENTS)
    for row in rows:
        severity = float(row["severity"])
        assert (severity == 0) if row["group"] == "healthy" else (0.25 <= severity <= 1)
        with np.load(path.parent / "truth" / f"{Path(row['video']).stem}.npz") as truth:
            assert truth["keypoints"].shape == truth["keypoints_healthy"].shape
            assert len(truth["phase"]) == len(truth["area"]) == len(truth["box"])


def test_null_study_differs_in_appearance_only(tmp_path: Path) -> None:
    path = synthesise_study(tmp_path, StudySpec(subjects=4, seconds=0.08, null=True))
    rows, clothes = read_csv(path), dict[str, list[str]](healthy=[], impaired=[])
    for row in rows:
        assert row["severity"] == "0"
        assert row["impairment"] == ""
        with np.load(path.parent / "truth" / f"{Path(row['video']).stem}.npz") as truth:
            np.testing.assert_array_equal(truth["keypoints"], truth["keypoints_healthy"])
            clothes[row["group"]].append(str(truth["palette"]))
    assert set(clothes["healthy"]) == {"light"}
    assert set(clothes["impaired"]) == {"dark"}


def test_confound_gives_each_group_its_wall(tmp_path: Path) -> None:
    for confound, shared in ((0.0, False), (1.0, True)):
        path = synthesise_study(tmp_path / str(confound), StudySpec(subjects=5, seconds=0.08, confound=confound))
        walls: dict[str, set[int]] = {"healthy": set(), "impaired": set()}
        for row in read_csv(path):
            with np.load(path.parent / "truth" / f"{Path(row['video']).stem}.npz") as truth:
                walls[row["group"]].add(int(truth["wall_seed"]))
        assert (len(walls["healthy"]) == 1) is shared
        assert walls["healthy"].isdisjoint(walls["impaired"])


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"kind": "cat"}, "cat"),
        ({"scene": "moon"}, "moon"),
        ({"impairment": "hunch"}, "hunch"),
        ({"seconds": -1.0}, "-1.0"),
        ({"subjects": 1}, "1 subjects"),
        ({"confound": 1.5}, "1.5"),
        ({"seed": -1}, "-1"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, wrong: dict[str, Any], word: str) -> None:
    with pytest.raises(StudyError, match=word):
        synthesise_study(tmp_path / "out", StudySpec(**wrong))
    assert not (tmp_path / "out").exists()


def test_shipped_sample_is_whole() -> None:
    for folder, subjects in ((SAMPLE, 12), (SAMPLE / "rodents", 10)):
        rows = read_csv(folder / "study.csv")
        assert len({row["subject"] for row in rows}) == len(rows) == subjects
        assert len({row["impairment"] for row in rows if row["group"] == "impaired"}) == 2
        for row in rows:
            assert (folder / row["video"]).stat().st_size > 10_000
            with np.load(folder / "truth" / f"{Path(row['video']).stem}.npz") as truth:
                assert str(truth["impairment"]) == row["impairment"]
                assert float(truth["severity"]) == pytest.approx(float(row["severity"]), abs=1e-3)
    assert sum(file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()) < 6e6


@pytest.mark.slow
def test_recovery_study_follows_the_same_subjects_and_says_how_ill_they_are(tmp_path: Path) -> None:
    path = synthesise_recovery(tmp_path / "study", subjects=7, seconds=0.4, seed=3)
    rows = read_csv(path)
    course = dict[tuple[str, str], dict[float, float]]()
    for row in rows:
        assert (path.parent / row["video"]).is_file()
        course.setdefault((row["subject"], row["group"]), {})[float(row["day"])] = float(row["severity"])
    assert len(course) == 7
    assert len({subject for subject, _ in course}) == 7
    assert all(list(days) == list(DAYS) for days in course.values())
    for (_, group), days in course.items():
        if group == "healthy":
            assert set(days.values()) == {0.0}
        else:
            assert days[0] > 0.5
            assert (days[28] < 0.1) == (group == "recovering")
    assert [group for _, group in course].count("recovering") == [group for _, group in course].count("lasting") == 2
    again = synthesise_recovery(tmp_path / "again", subjects=7, seconds=0.4, seed=3)
    assert again.read_text() == path.read_text()
    with pytest.raises(StudyError, match="at least 6"):
        synthesise_recovery(tmp_path / "small", subjects=5)
