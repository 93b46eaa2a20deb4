"""Keypoints of DeepLabCut and SLEAP: every form of file read alike, and joined to the learned posture."""

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pytest

from tests.support.command_line import call
from tests.support.plain_eye import plain_eye
from tests.support.videos import walking_frames, write_video
from ubam.core import settings
from ubam.core.errors import StudyError
from ubam.core.files import read_arrays, read_csv, write_csv
from ubam.encoding.keypoint_postures import Points, PoseCode, bridge, fit_pose_code, nearest_animal, steady
from ubam.encoding.landmarks.postures import LandmarkCode
from ubam.pipeline.job import Job, no_progress
from ubam.pipeline.plan import plan_run
from ubam.pipeline.runner import run_stages
from ubam.pipeline.scored_run import ScoredRun
from ubam.recordings.keypoint_files import Keypoints, read_keypoints
from ubam.recordings.study_table import Recording
from ubam.recordings.validation import check_recording, describe_keypoints
from ubam.results.records.run import RunOptions

FRAMES = 12
VIDEO = Path("cage.mp4")


def tracked(animals: tuple[str, ...] = ("",)) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Column labels as DeepLabCut writes them and a table [FRAMES, C] of x, y and likelihood of nose and tail."""
    columns = [
        ("net", *([animal] if animal else []), name, what)
        for animal in animals
        for name in ("nose", "tail")
        for what in ("x", "y", "likelihood")
    ]
    return columns, np.random.default_rng(0).uniform(0.7, 1, (FRAMES, len(columns)))


def write_dlc_csv(
    path: Path, columns: Sequence[tuple[str, ...]], table: np.ndarray, index: list[str] | None = None
) -> Path:
    """A CSV of DeepLabCut: one header row per level of the labels, then the rows."""
    levels = {2: ("bodyparts", "coords"), 3: ("scorer", "bodyparts", "coords")}
    names = levels.get(len(columns[0]), ("scorer", "individuals", "bodyparts", "coords"))
    index = index or [str(number) for number in range(len(table))]
    blank = [""] * index[0].count(",")
    lines = [[name, *blank, *(column[level] for column in columns)] for level, name in enumerate(names)]
    lines += [[key, *map(repr, map(float, row))] for key, row in zip(index, table, strict=True)]
    path.write_text("\n".join(",".join(line) for line in lines))
    return path


def write_dlc_table(path: Path, columns: Sequence[tuple[str, ...]], table: np.ndarray) -> Path:
    """An H5 as pandas writes it with format="table"."""
    rows = np.zeros(len(table), [("index", "<i8"), ("values_block_0", "<f8", (table.shape[1],))])
    rows["index"], rows["values_block_0"] = np.arange(len(table)), table
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group["table"] = rows
        group["table"].attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(columns, 0))
    return path


def write_dlc_fixed(path: Path, columns: Sequence[tuple[str, ...]], table: np.ndarray) -> Path:
    """An H5 as pandas writes it with format="fixed"."""
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs.update(pandas_type=np.bytes_("frame"), nblocks=1, block0_items_nlevels=len(columns[0]))
        group["axis1"], group["block0_values"] = np.arange(len(table)), table
        for level in range(len(columns[0])):
            words = sorted({column[level] for column in columns})
            group[f"block0_items_level{level}"] = np.array(words, "S")
            group[f"block0_items_label{level}"] = np.array([words.index(column[level]) for column in columns], "i1")
    return path


def write_slp(path: Path, videos: tuple[str, ...] = ("C:\\lab\\cage.mp4",)) -> Path:
    """A SLEAP project: two predicted animals in frames 0 and 5 of every video, the second corrected by hand in 5."""
    whole = ("instance_id", "instance_type", "frame_id", "skeleton", "track", "from_predicted", "point_id_start")
    instance = [(name, "<i8") for name in whole]
    frames, instances, hand, predicted = (list[Any]() for _ in range(4))
    for video in range(len(videos)):
        for frame in (0, 5):
            number = len(frames)
            frames.append((number, video, frame, 0, 0))
            for animal in (0, 1):
                instances.append((len(instances), 1, number, 0, animal, -1, len(predicted)))
                predicted += [(100 * animal + frame + video, 1.0, True), (100 * animal + 9.0, 2.0, frame == 0)]
            if frame == 5:
                instances.append((len(instances), 0, number, 0, 1, len(instances) - 1, len(hand)))
                hand += [(777.0, 1.0, True), (778.0, 2.0, True)]
    point = [("x", "<f8"), ("y", "<f8"), ("visible", "?")]
    nodes = {"nodes": [{"name": "tail"}, {"name": "nose"}], "skeletons": [{"nodes": [{"id": 1}, {"id": 0}]}]}
    with h5py.File(path, "w") as file:
        kinds = [(name, "<u8") for name in ("frame_id", "video", "frame_idx", "first", "last")]
        file["frames"], file["instances"] = np.array(frames, kinds), np.array(instances, instance)
        file["points"], file["pred_points"] = np.array(hand, point), np.array(predicted, point)
        file.create_group("metadata").attrs["json"] = np.bytes_(json.dumps(nodes))
        file["videos_json"] = np.array([json.dumps({"backend": {"filename": name}}) for name in videos], "S")
    return path


@pytest.mark.parametrize("animals", [("",), ("left", "right")])
def test_every_form_of_deeplabcut_reads_alike(animals: tuple[str, ...], tmp_path: Path) -> None:
    columns, table = tracked(animals)
    table[3, 2] = 0.4  # the nose of the first animal is unsure
    table[4, 3] = np.nan
    truth = table.reshape(FRAMES, len(animals), 2, 3)[..., :2].astype(np.float32)
    truth[3, 0, 0] = truth[4, 0, 1] = np.nan
    writers = {"a.csv": write_dlc_csv, "b.h5": write_dlc_table, "c.h5": write_dlc_fixed}
    for name, write in writers.items():
        points = read_keypoints(write(tmp_path / name, columns, table), VIDEO, FRAMES)
        assert points.names == ("nose", "tail")
        np.testing.assert_array_equal(points.frame, np.arange(FRAMES))
        np.testing.assert_allclose(points.xy, truth, rtol=1e-6)


def test_two_header_rows_are_enough_and_points_of_no_animal_are_left_out(tmp_path: Path) -> None:
    columns, table = tracked()
    short = write_dlc_csv(tmp_path / "short.csv", [column[1:] for column in columns], table)
    assert read_keypoints(short, VIDEO, FRAMES).xy.shape == (FRAMES, 1, 2, 2)
    columns, table = tracked(("left", "right"))
    corner = [("net", "single", "corner", what) for what in ("x", "y", "likelihood")]
    more = write_dlc_csv(tmp_path / "more.csv", [*columns, *corner], np.hstack([table, np.ones((FRAMES, 3))]))
    points = read_keypoints(more, VIDEO, FRAMES)
    assert points.names == ("nose", "tail")
    assert points.xy.shape == (FRAMES, 2, 2, 2)


@pytest.mark.parametrize("start", ["labeled-data/cage/img", "labeled-data,cage,img"])
def test_labelled_pictures_belong_to_the_frame_in_their_name(start: str, tmp_path: Path) -> None:
    columns, table = tracked()
    pictures = [f"{start}{number:04d}.png" for number in (3, 8, 11)]
    labels = write_dlc_csv(tmp_path / "labels.csv", columns, table[:3], pictures)
    assert read_keypoints(labels, VIDEO, 40).frame.tolist() == [3, 8, 11]
    assert read_keypoints(labels, VIDEO, 3).frame.tolist() == [0, 1, 2]  # a video of just these pictures
    with pytest.raises(StudyError, match="names frame 11, its video has 5 frames"):
        read_keypoints(labels, VIDEO, 5)


def test_a_sleap_project_gives_the_points_of_its_video_hand_made_ones_first(tmp_path: Path) -> None:
    points = read_keypoints(write_slp(tmp_path / "a.slp", ("/x/other.mp4", "C:\\lab\\cage.mp4")), VIDEO, 30)
    assert points.names == ("nose", "tail")
    assert points.frame.tolist() == [0, 5]
    np.testing.assert_array_equal(points.xy[0, :, :, 0], [[1, 9], [101, 109]])
    np.testing.assert_array_equal(points.xy[1, :, :, 0], [[6, np.nan], [777, 778]])
    with pytest.raises(StudyError, match="none of its 2 videos is called"):
        read_keypoints(write_slp(tmp_path / "b.slp", ("x.mp4", "y.mp4")), VIDEO, 30)


@pytest.mark.parametrize("order", [None, ["frame", "track", "node", "xy"]])
def test_a_sleap_analysis_file_reads_in_either_order(order: list[str] | None, tmp_path: Path) -> None:
    tracks = np.random.default_rng(1).normal(size=(2, 2, 3, FRAMES))  # track, xy, node, frame
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["node_names"] = np.array(["head", "thorax", "tail"], "S")
        file["tracks"] = tracks if order is None else tracks.transpose(3, 0, 2, 1)
        if order:
            file["tracks"].attrs["dims"] = json.dumps(order)
    points = read_keypoints(tmp_path / "a.h5", VIDEO, FRAMES)
    np.testing.assert_allclose(points.xy, tracks.transpose(3, 0, 2, 1), rtol=1e-6)


def test_a_wrong_file_is_named_with_its_remedy_and_runs_nothing(tmp_path: Path) -> None:
    columns, table = tracked()
    with pytest.raises(StudyError, match="no such keypoints file"):
        read_keypoints(tmp_path / "gone.csv", VIDEO, FRAMES)
    with pytest.raises(StudyError, match="12 rows, its video 900 frames"):
        read_keypoints(write_dlc_csv(tmp_path / "a.csv", columns, table), VIDEO, 900)
    for name, text in (("b.csv", "a,b\n1,2\n"), ("c.h5", "no HDF5"), ("d.slp", "")):
        (tmp_path / name).write_text(text)
        with pytest.raises(StudyError, match="cannot be read as keypoints"):
            read_keypoints(tmp_path / name, VIDEO, FRAMES)
    evil = write_dlc_table(tmp_path / "e.h5", columns, table)
    with h5py.File(evil, "r+") as file:
        file["df_with_missing/table"].attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(print, 0))
    with pytest.raises(StudyError, match="holds an object of"):
        read_keypoints(evil, VIDEO, FRAMES)


def test_the_animal_in_the_subjects_box_is_taken_whatever_its_slot() -> None:
    xy = np.array([[10.0, 10], [200, 10]], np.float32)[None, :, None].repeat(4, 0).repeat(3, 2)
    xy[2] = xy[2, ::-1]  # the tracker swaps them
    xy[3, 0] = np.nan
    points = Keypoints(("a", "b", "c"), np.array([0, 1, 2, 4]), xy, False)
    boxes = np.array([[0, 0, 30, 30]] * 5, np.float32)
    boxes[1] += (190, 0, 190, 0)
    chosen = nearest_animal(points, np.arange(5), boxes)
    np.testing.assert_array_equal(chosen[:, 0, 0], [10, 200, 10, np.nan, 200])


def test_short_gaps_are_bridged_long_ones_are_not_and_outliers_go() -> None:
    line = np.arange(20.0)[:, None, None] * np.ones((1, 1, 2))
    holed = line.copy()
    holed[[4, 5]] = holed[10:15] = np.nan
    filled = bridge(holed, 3)
    np.testing.assert_allclose(filled[:10], line[:10])
    assert np.isnan(filled[10:15]).all()
    line[7] = 500
    assert steady(line)[7, 0, 0] == 8


def test_points_join_with_the_variance_of_the_posture_and_never_nan(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    body = np.array([[0, 0], [1, 0], [2, 1], [0.5, 2]])
    recordings = []
    for number in range(3):
        xy = body + 0.1 * rng.normal(size=(60, 4, 2)) + 5 * rng.normal(size=(60, 1, 2))
        xy[rng.random((60, 4)) < 0.1] = np.nan
        xy[:, 3] = np.nan if number else xy[:, 3]
        recordings.append(Points(("a", "b", "c", "d"), xy.astype(np.float32)))
    code, left_out = fit_pose_code(recordings, 7.0)
    assert code is not None
    assert left_out == ["d"]
    blocks = np.concatenate([code.encode(points) for points in recordings])
    assert blocks.shape == (180, 6)
    assert np.isfinite(blocks).all()
    assert blocks.var(0).sum() == pytest.approx(7.0, rel=1e-3)
    centred = body[:3] - body[:3].mean(0)
    np.testing.assert_allclose(np.array(code.shape), centred, atol=0.03)
    moved = Points(recordings[0].names, recordings[0].xy + 40)  # where the animal stands does not count
    np.testing.assert_allclose(code.encode(moved), code.encode(recordings[0]), atol=1e-4)
    code.save(tmp_path / "code.json")
    assert PoseCode.load(tmp_path / "code.json") == code
    assert fit_pose_code([replace(points, xy=points.xy * np.nan) for points in recordings], 1.0)[0] is None


def test_check_says_what_is_wrong_with_keypoints(tmp_path: Path) -> None:
    video = write_video(tmp_path / "cage.mp4")
    columns, table = tracked()
    short = write_dlc_csv(tmp_path / "short.csv", columns, table)
    recording = Recording("cage", 2, video, "1", "a", keypoints=short)
    verdict = check_recording(recording)
    assert verdict.status == "ok"
    assert "12 rows, its video 60 frames" in (verdict.keypoints or "")
    assert "1 of 1 have none that can be used" in describe_keypoints([verdict])[0]
    whole = write_dlc_csv(tmp_path / "whole.csv", columns, table.repeat(5, 0))
    right = check_recording(replace(recording, keypoints=whole))
    assert describe_keypoints([right]) == ["All 1 recordings have keypoints: they join the posture."]
    assert "cell in the column keypoints is empty" in describe_keypoints([right, replace(verdict, keypoints="")])[0]
    assert describe_keypoints([replace(verdict, keypoints="")]) == []


def write_study(folder: Path, subjects: int = 3, frames: int = 40) -> Path:
    """Walking figures with three points each, as DeepLabCut writes them, in a study with a column of them."""
    columns = [("net", name, what) for name in ("head", "hip", "foot") for what in ("x", "y", "likelihood")]
    rng, rows = np.random.default_rng(0), []
    for number in range(subjects):
        video = write_video(folder / f"s{number}.mp4", walking_frames(frames))
        across = 24 + 112 * np.arange(frames) / (frames - 1)
        swing = 15 * np.sin(np.arange(frames) / 4 + number)
        places = [(across, 40 + 0 * swing), (across, 70 + 0 * swing), (across + swing, 104 + 0 * swing)]
        table = np.stack([v for x, y in places for v in (x + rng.normal(0, 1, frames), y, np.ones(frames))], 1)
        points = write_dlc_csv(folder / f"s{number}.csv", columns, table)
        group = "healthy" if number else "lame"
        rows.append({"video": video.name, "subject": f"s{number}", "group": group, "keypoints": points.name})
    write_csv(folder / "study.csv", rows, list(rows[0]))
    return folder / "study.csv"


@pytest.fixture
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about the way through, not about what is learnt."""
    small = replace(settings.PRESETS["quick"], train_steps=4, batch_windows=2, generator_steps=2, clip_seconds=0.3)
    monkeypatch.setitem(settings.PRESETS, "quick", small)


def embedded(study: Path, out: Path, **changes: Any) -> tuple[Job, list[str]]:
    """The job of a run up to its embeddings, and the stages that this took."""
    options = cast(RunOptions, {"preset": "quick", "workers": 1, "device": "cpu"} | changes)
    job = plan_run(study, options, lambda groups: None).start(out, no_progress)
    return job, run_stages(job, "embed")


@pytest.mark.usefixtures("tiny_preset")
@plain_eye()
def test_points_join_the_posture_and_are_ignored_when_one_file_goes(tmp_path: Path) -> None:
    study, learnt = write_study(tmp_path), settings.PRESETS["quick"].posture_dim
    job, _ = embedded(study, tmp_path / "run")
    own = learnt + 2 * len(LandmarkCode.load(job.files.model.landmarks).names)  # what there is without keypoints
    code, material = PoseCode.load(job.files.model.keypoints), ScoredRun(job)
    assert code.names == ("head", "hip", "foot")
    assert material.codes["s0"].posture.shape == (40, own + 6)
    assert material.twin("s0").posture.shape == (40, learnt)  # what a rendered picture is compared with
    looks = read_arrays(job.files.embedding("s0"))["looks"]
    assert looks.shape == (own + 6, own + 6)
    assert np.trace(looks[:learnt, :learnt]) > 0
    assert not looks[own:].any()  # other clothes move no keypoint
    assert [row["keypoints"] for row in read_csv(job.files.recordings_csv)] == ["s0.csv", "s1.csv", "s2.csv"]

    again, _ = embedded(study, tmp_path / "again", model=job.files.model.path)
    assert PoseCode.load(again.files.model.keypoints) == code  # a model brings its own way to join points

    (tmp_path / "s1.csv").unlink()
    job, done = embedded(study, tmp_path / "run")
    assert done == ["embed"]
    assert read_arrays(job.files.embedding("s0"))["posture"].shape == (40, own)
    assert "Keypoints are not used" in job.run.record["warnings"][-1]
    assert not job.files.model.keypoints.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_preset")
def test_a_run_with_keypoints_ends_in_clips_and_a_report(tmp_path: Path) -> None:
    assert call("run", write_study(tmp_path), "--out", tmp_path / "run", "--preset", "quick", "--workers", 1) == 0
    assert (tmp_path / "run" / "magnified" / "s0.mp4").stat().st_size
    assert (tmp_path / "run" / "report.html").stat().st_size


def test_real_files_of_both_programs(shared_data: Path) -> None:
    labels = sorted((shared_data / "DeepLabCut").rglob("CollectedData_Tom.*"))
    both = [read_keypoints(path, VIDEO, 3000) for path in labels]
    assert len(both) == 2
    assert both[0].names == ("Snout", "Rightear", "Leftear", "Tailbase")
    assert both[0].frame[:3].tolist() == [144, 162, 174]
    np.testing.assert_allclose(both[0].xy, both[1].xy, rtol=1e-6)
    sleap = shared_data / "sleap" / "tests" / "data"
    flies = read_keypoints(sleap / "tracks" / "clip.slp", Path("clip.mp4"), 1500)
    assert flies.xy.shape == (1500, 2, 13, 2)
    assert flies.names[:3] == ("head", "thorax", "abdomen")
    side = read_keypoints(sleap / "cameras/minimal_session/minimal_proofread.slp", Path("minimal_side.mp4"), 120)
    assert side.frame.tolist() == list(range(120))
