"""The judge of the eye: its formulas against cases worked out by hand, and small sets seen by eyes of known quality."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest

from tests.support.command_line import call
from tests.support.plain_eye import plain_eye
from ubam.core.errors import UbamError
from ubam.core.files import read_arrays, read_csv
from ubam.deviation.posture_series import PostureSeries
from ubam.evaluation.benchmark import run as benchmark_run
from ubam.evaluation.benchmark.eye import run, sets
from ubam.evaluation.benchmark.eye import run as run_module
from ubam.evaluation.benchmark.eye.rows import EyeRow, Moment, Sight, eye_rows, look_at, seeing
from ubam.evaluation.benchmark.eye.run import Plan, landmark_values, measure_outlines, measure_postures, run_eye
from ubam.evaluation.benchmark.eye.sets import (
    PictureSet,
    body_length,
    labelled,
    labelled_recordings,
    other_animals,
    rendered,
)
from ubam.evaluation.benchmark.eye.sheets import FOUND, Tile, draw_tile, write_sheet
from ubam.evaluation.benchmark.eye.table import Value, eye_table, means, write_eye_results
from ubam.evaluation.benchmark.measures import errors_alone, turned_back
from ubam.evaluation.benchmark.rows import benchmark_rows
from ubam.evaluation.synthetic.capsules import person
from ubam.recordings.keypoint_files import Keypoints
from ubam.recordings.video_writer import write_clip
from ubam.tracking.crop_store import CropStore
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.views import cut, in_picture

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def quiet(stage: str, done: int, total: int) -> None:
    pass


# ---- formulas ----


def test_errors_alone_tell_groups_apart_when_they_go_with_the_group() -> None:
    rng = np.random.default_rng(0)
    phase = np.linspace(0, 6, 90)

    def codes(shift: float) -> list[PostureSeries]:
        made = []
        for number in range(12):
            group = "healthy" if number < 7 else "impaired"
            error = 0.01 * rng.normal(size=6) + shift * (group == "impaired")
            series = error + 0.01 * np.sin(2 * np.pi * phase)[:, None] + 0.002 * rng.normal(size=(90, 6))
            made.append(PostureSeries(f"r{number}", f"s{number}", group, series.astype(np.float32), 2, 25.0))
        return made

    nobody = {f"s{number}": 0.0 for number in range(12)}
    assert errors_alone(codes(0.3), nobody, "healthy") > 0.95
    assert errors_alone(codes(0.0), nobody, "healthy") < 0.85


def test_keypoints_are_turned_back_to_point_right() -> None:
    down = np.array([[[0.0, 1.0]], [[-1.0, 0.0]]])
    np.testing.assert_allclose(turned_back(down, np.array([np.pi / 2, np.pi])), [[[1, 0]], [[1, 0]]], atol=1e-12)


def test_body_length_is_the_median_of_the_largest_distances() -> None:
    points = np.array([[[0, 0], [3, 4]], [[0, 0], [0, 7]], [[0, 0], [0, 9.0]], [[np.nan, 0], [1, 1]]])
    assert body_length(points) == pytest.approx(6.0)  # of 5, 7, 9 and 0: one point alone has no length


def test_other_animals_are_those_that_are_not_the_subject() -> None:
    xy = np.array([[[[1, 1], [2, np.nan]], [[7, 7], [8, 8]]], [[[3, 3], [4, 4]], [[np.nan, np.nan]] * 2]])
    points = Keypoints(("nose", "tail"), np.array([5, 9]), xy, False)
    others = other_animals(points, np.array([9, 5]), xy[[1, 0], [0, 0]])
    assert np.isnan(others[0]).all()
    np.testing.assert_array_equal(others[1][2:], [[7, 7], [8, 8]])
    assert np.isnan(others[1][:2]).all()


# ---- rows ----


def test_in_frame_undoes_cut() -> None:
    rng = np.random.default_rng(1)
    picture = cv2.GaussianBlur(rng.uniform(size=(120, 160)).astype(np.float32), (0, 0), 4)
    box = np.array([30.4, 20.2, 94.4, 84.2])
    back = in_picture(cut(picture, box, 64), box, (160, 120))
    np.testing.assert_allclose(back[25:80, 35:90], picture[25:80, 35:90], atol=0.02)
    assert not back[:18].any()
    assert not back[:, 100:].any()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[sets.Known]]:
    out = tmp_path_factory.mktemp("sets")
    return out, rendered(out, PictureSet("people", True, "human", "in place"), 3, 0.64, 5)


def truth_of(store: CropStore) -> dict[str, np.ndarray]:
    return read_arrays(store.folder.parents[1] / "truth" / f"{store.recording_id}.npz")


def knowing(spoilt: Callable[[np.ndarray, CropStore], np.ndarray] = lambda xy, _: xy) -> EyeRow:
    """An eye that looks the answer up: the true outline, and true landmarks (in px) after `spoilt`."""
    names = (*person.KEYPOINTS, "tail_of_a_dog")

    def opened(store: CropStore) -> Callable[[Moment], Sight]:
        truth = truth_of(store)
        alpha = read_arrays(store.folder.parents[1] / "outlines" / f"{store.recording_id}.npz")["alpha"]

        def see(moment: Moment) -> Sight:
            frame, box = store.frame_index[moment.position], store.box[moment.position]
            xy = spoilt(truth["keypoints"][frame], store)
            shares = np.vstack([(xy - box[:2]) / (box[2] - box[0]), [[0.5, 0.5]]])
            return Sight(cut(alpha[frame].astype(np.float32) / 255, box, 256), shares)

        return see

    return EyeRow("knowing", opened, landmarks=names)


def test_an_eye_gets_crop_neighbours_and_scene_of_one_box(people: tuple[Path, list[sets.Known]]) -> None:
    known = people[1][0]
    given: list[tuple[np.ndarray, np.ndarray, Scene]] = []

    def see(crop: np.ndarray, neighbours: np.ndarray, background: Scene) -> Sight:
        given.append((crop, neighbours, background))
        return Sight(np.zeros((8, 8), np.float32))

    looked = list(look_at(known.recording, known.store, seeing("mine", see, side=96, around=(-2, 3)), [0, 9]))
    assert len(looked) == 2
    crop, neighbours, background = given[1]
    assert crop.shape == (96, 96, 3)
    assert neighbours.shape == (2, 96, 96, 3)
    assert background.background.shape == (96, 96, 3)
    np.testing.assert_array_equal(crop, cut(looked[1].picture, known.store.box[9], 96))
    first = next(look_at(known.recording, known.store, seeing("mine", see, side=96), [7]))
    assert np.abs(neighbours[0].astype(int) - cut(first.picture, known.store.box[9], 96)).max() == 0
    np.testing.assert_array_equal(given[0][1][0], given[0][0])  # before the first frame there is none


def test_present_outlines_cover_a_person_and_the_whole_box_more_than_that(
    people: tuple[Path, list[sets.Known]],
) -> None:
    found = {name: run.on_rendered(people[1], row)[0] for name, row in eye_rows().items()}
    assert found["now"]["iou"].mean > 0.4 > found["box"]["iou"].mean
    assert found["box"]["missed"].mean < 0.05
    assert found["now"]["iou"].studies == 3


def test_an_eye_that_knows_everything_reaches_the_top(people: tuple[Path, list[sets.Known]]) -> None:
    found, tiles = run.on_rendered(people[1], knowing())
    assert found["iou"].mean > 0.95
    assert found["pck2"].mean == found["pck5"].mean == 1
    assert found["constant_error"].mean < 0.001
    assert len(tiles) == 3 * sets.FRAMES


def test_landmarks_that_mean_another_place_are_wrong_but_not_by_the_subject(
    people: tuple[Path, list[sets.Known]],
) -> None:
    height = {one.store.recording_id: one.body_height for one in people[1]}
    row = knowing(lambda xy, store: xy + np.array([0.1 * height[store.recording_id], 0]))
    found = run.on_rendered(people[1], row)[0]
    assert found["pck5"].mean == 0
    assert found["pck2_defined"].mean == 1


def test_hidden_keypoints_do_not_count() -> None:
    errors = np.zeros((4, 2, 2))
    errors[:, 1] = 1.0
    visible = np.array([[True, False]] * 4)
    assert landmark_values(errors, visible, ["a", "a", "b", "b"])["pck2"].mean == 1


# ---- sets and parts ----


def test_true_outlines_of_our_own_renderer_lie_where_the_subject_is_drawn(tmp_path: Path) -> None:
    with plain_eye():
        known = rendered(tmp_path, PictureSet("walkers", False, "human", "treadmill"), 2, 0.6, 5)
    for one in known:
        truth = read_arrays(next(tmp_path.glob("walkers*")) / "truth" / f"{one.recording.recording_id}.npz")
        frames = one.store.frame_index[one.positions]
        areas = (one.alpha > 0.5).mean((1, 2))
        np.testing.assert_allclose(areas, truth["area"][frames], atol=1e-6)


def test_labels_of_sleap_and_deeplabcut_are_found_with_their_videos(tmp_path: Path) -> None:
    folder, rng = tmp_path / "data", np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (48, 64, 3)).astype(np.uint8) for _ in range(9)]
    write_clip(folder / "videos" / "mouse.mp4", iter(pictures), 25.0)
    write_clip(folder / "videos" / "other.mp4", iter(pictures[:8]), 25.0)
    for name, video in (("named.slp", "C:/films/mouse.mp4"), ("renamed.slp", "gone.mp4")):
        with h5py.File(folder / name, "w") as file:
            file["videos_json"] = [f'{{"backend":{{"filename":"{video}"}}}}']
            file["frames"] = np.zeros(8)
    labels = folder / "labeled-data"
    labels.mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(labels / f"img{number:03d}.png"), picture)
    rows = [
        "scorer,me,me",
        "bodyparts,nose,nose",
        "coords,x,y",
        *(f"labeled-data/x/img{k:03d}.png,5,6" for k in range(9)),
    ]
    (labels / "CollectedData_me.csv").write_text("\n".join(rows))
    found = labelled_recordings(folder, tmp_path / "out")
    assert [(one.video.name, one.keypoints.name) for one in found if one.keypoints] == [
        ("mouse.mp4", "named.slp"),
        ("other.mp4", "renamed.slp"),
        ("labeled-data.mp4", "CollectedData_me.csv"),
    ]
    with pytest.raises(UbamError, match="holds no"):
        run.measure_real(Plan(tmp_path / "out"), labels / "nowhere", [], quiet)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared recordings beside the checkout")
def test_present_outlines_hold_labels_of_a_real_mouse(tmp_path: Path) -> None:
    mouse = next(one for one in labelled_recordings(SHARED / "DeepLabCut", tmp_path))
    found, tiles = run.on_labelled(labelled(mouse, tmp_path), eye_rows()["box"])
    assert found["inside"] > 0.9
    assert found["over_hull"] > 5
    assert len(tiles) == 20


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The smallest studies, in a folder in which the next test finds what one test rendered."""
    return Plan(tmp_path_factory.mktemp("studies"), (4,), 6, 0.8, ("capsule human",))


def test_landmarks_are_measured_as_postures_and_their_errors_on_null_studies(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes = {"knowing": knowing()}
    monkeypatch.setattr(run_module, "eye_rows", lambda: eyes)
    with plain_eye():
        main = measure_postures(plan, [benchmark_rows()["keypoints"]], list(eyes.values()), "main", quiet)
    cells = {(value.row, value.measure): value.value for value in main}
    assert cells["knowing", "r2w"] > 0.8
    assert cells["keypoints", "r2w"] > 0.9
    assert {"auc", "rho", "phase_posture", "identity_posture"} <= {measure for _, measure in cells}
    ready, wanted = (plan.out / "studies" / plan.studies(variety)[0].name for variety in ("main", "null"))
    shutil.copytree(ready, wanted)  # in place of rendering another one
    _measure_null(plan, eyes["knowing"])


@pytest.mark.slow
def test_errors_alone_are_measured_on_a_rendered_null_study(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    eye = knowing()
    monkeypatch.setattr(run_module, "eye_rows", lambda: {"knowing": eye})
    _measure_null(replace(plan, recordings=1), eye)


def _measure_null(plan: Plan, eye: EyeRow) -> None:
    null = measure_postures(plan, [], [eye], "null", quiet)
    assert {value.measure for value in null} == {"auc", "positive", "errors_alone"}
    assert all(value.n == 1 and value.set == "capsule human" for value in null)


def test_constant_errors_are_the_same_in_all_recordings_of_a_subject_and_as_large_as_named(plan: Plan) -> None:
    study = plan.studies("main")[0]
    with plain_eye():
        benchmark_run.prepare(plan.out, study)
    known = benchmark_run.open_study(plan.out / "studies" / study.name)
    rows = benchmark_rows()
    true, off = (rows[name].code(known).embeddings for name in ("keypoints", "keypoints 2%"))
    errors = [b.posture - a.posture for a, b in zip(true, off, strict=True)]
    assert all(np.ptp(error, axis=0).max() < 1e-6 for error in errors)
    np.testing.assert_allclose(errors[0][0], errors[1][0], atol=1e-6)
    assert np.std([error[0] for error in errors]) == pytest.approx(0.02, rel=0.2)
    assert known.recordings[0].subject == known.recordings[1].subject


# ---- table, sheets, command ----


def test_table_has_a_line_per_set_and_a_column_per_row() -> None:
    found = [(("s1", "now", "iou"), 0.5), (("s1", "now", "iou"), 0.7), (("s2", "eye", "iou"), 0.9)]
    values = means("outlines", found, "subjects")
    near: Any = pytest.approx
    assert values[0] == Value("outlines", "s1", "now", "iou", near(0.6), near(0.1), 2, "subjects")
    assert eye_table(values).splitlines() == [
        "outlines: outline: intersection over union with the true one",
        "          now   eye           n",
        "s1  0.60±0.10        2 subjects",
        "s2             0.90  1 subjects",
    ]


def test_values_of_other_parts_and_rows_stay_in_the_table_unless_they_are_of_another_size(tmp_path: Path) -> None:
    one = Value("real", "mouse", "now", "inside", 0.4, float("nan"), 20, "frames")
    two = Value("outlines", "people", "now", "iou", 0.7, 0.1, 6, "subjects")
    write_eye_results(tmp_path, [one], {"subjects": 6})
    write_eye_results(tmp_path, [two], {"subjects": 6})
    found = write_eye_results(tmp_path, [replace(two, value=0.8)], {"subjects": 6})
    assert [(value.part, value.value) for value in found] == [("outlines", 0.8), ("real", 0.4)]
    assert np.isnan(found[1].standard_error)
    assert [row["value"] for row in read_csv(tmp_path / "eye.csv")] == ["0.8", "0.4"]
    assert write_eye_results(tmp_path, [two], {"subjects": 12}) == [two]


def test_sheet_shows_outlines_where_they_are(tmp_path: Path) -> None:
    outline = np.zeros((60, 80), np.float32)
    outline[20:40, 30:50] = 1
    tile = Tile(np.full((60, 80, 3), 90, np.uint8), outline, points=np.array([[70.0, 10.0], [np.nan, 0.0]]))
    drawn = draw_tile(tile, height=60)
    rows, columns = np.nonzero((drawn == FOUND).all(2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 39, 30, 49)
    near = draw_tile(replace(tile, box=np.array([20.0, 10.0, 60.0, 50.0])), height=104)  # 40 px and 6 around: x 2
    rows, columns = np.nonzero((near == FOUND).all(2))
    assert abs(rows.min() - 2 * (20 - 4)) <= 1
    assert abs(columns.max() - 2 * (50 - 14)) <= 1
    write_sheet(tmp_path / "a sheet.png", [tile] * 5, columns=3)
    sheet = cv2.imread(str(tmp_path / "a sheet.png"))
    assert sheet is not None
    assert sheet.shape[:2] == (2 * 244, 3 * 324)


@pytest.mark.parametrize("subjects", [3, pytest.param(6, marks=pytest.mark.slow)])
def test_command_measures_a_part_and_says_that_there_is_nothing_real(
    subjects: int,
    people: tuple[Path, list[sets.Known]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    few = {name: one for name, one in sets.SETS.items() if name == "capsule rats from above, in place"}
    monkeypatch.setattr(run_module, "SETS", few)
    if subjects == len(people[1]):  # in place of rendering what the command asks for
        monkeypatch.setattr(run_module, "rendered", lambda *_: people[1])
    words = ("benchmark", "--eye", "--out", tmp_path / "eye", "--eye-part", "outlines", "--eye-part", "real")
    assert call(*words, "--subjects", 6, "--seconds", 1, "--workers", 1, "--row", "box") == 0
    said = capsys.readouterr()
    assert "No real recordings" in said.err
    assert "capsule rats from above, in place" in said.out
    rows = read_csv(tmp_path / "eye" / "eye.csv")
    assert {(row["part"], row["row"], row["n"]) for row in rows if row["measure"] == "iou"} == {
        ("outlines", "box", str(subjects))
    }
    assert (tmp_path / "eye" / "sheets" / "capsule-rats-from-above-in-place-box.png").is_file()
    assert call("benchmark", "--out", tmp_path, "--kind", "capsule human") == 2


def test_rows_that_do_not_exist_are_named(tmp_path: Path) -> None:
    with pytest.raises(UbamError, match="no row 'nobody'"):
        run_eye(replace(Plan(tmp_path), seeds=(2,)), ["outlines"], ["nobody"], None, quiet)
    assert measure_outlines(Plan(tmp_path, kinds=()), [], quiet) == []
