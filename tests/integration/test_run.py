"""Whole runs on tiny rendered studies: resume, re-use, bad input, and what the command line says."""

import errno
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import call
from ubam.core.files import read_arrays, read_csv, write_csv
from ubam.encoding.study_encoder import Embedding
from ubam.encoding.study_encoder import embed as embed_recording
from ubam.evaluation.published import clip
from ubam.pipeline import embedding_stage, runner
from ubam.recordings.video_reader import probe, read_frames
from ubam.results.run_record import RunRecord
from ubam.tracking.crop_store import CropStore

pytestmark = pytest.mark.usefixtures("tiny_preset", "plain_eye")


def test_the_run_folder_is_what_the_contract_says(run: Path, study: Path) -> None:
    rows = read_csv(run / "deviation" / "subjects.csv")
    assert [row["subject"] for row in rows] == list(dict.fromkeys(r["subject"] for r in read_csv(study)))
    assert all(float(row["deviation_low"]) <= float(row["deviation_high"]) for row in rows)
    for name in ("run.json", "recordings.csv", "statistics.json", "report.html", "model/model.json", "maps.npz"):
        assert (run / name).stat().st_size > 100
    arrays = read_arrays(run / "embeddings" / "human01.npz")
    frames = len(arrays["time_s"])
    assert arrays["posture"].shape[0] == arrays["box"].shape[0] == frames
    assert len(arrays["behaviour"]) == len(arrays["window_start_s"]) == len(arrays["window_end_s"])
    assert arrays["looks"].shape == (arrays["posture"].shape[1],) * 2
    assert json.loads((run / "statistics.json").read_text())["looks"] is True
    assert "imagined changes of clothes" in (run / "report.html").read_text()
    windows = [row for row in read_csv(run / "deviation" / "windows.csv") if row["recording_id"] == "human01"]
    assert len(windows) == len(arrays["behaviour"])
    assert list(windows[0]) == ["recording_id", "subject", "group", "t_start_s", "t_end_s", "deviation"]
    assert {"severity", "impairment"} <= set(read_csv(run / "deviation" / "recordings.csv")[0])
    assert all(entry["state"] == "done" for entry in RunRecord.open(run).record["stages"].values())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_is_said_and_the_run_goes_on_afterwards(
    number: int, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "embeddings")
    record = RunRecord.open(copy)
    del record.record["stages"]["embed"]
    record.save()

    def refuse(*words: object, **arrays: object) -> None:
        raise OSError(number, os.strerror(number), str(copy / "embeddings"))

    with monkeypatch.context() as patched:
        patched.setattr(embedding_stage, "write_arrays", refuse)
        assert call("embed", copy, "--workers", 1) == 2
    said = capsys.readouterr().err
    assert os.strerror(number) in said
    assert "Traceback" not in said
    assert RunRecord.open(copy).record["stages"]["embed"]["state"] == "failed"
    assert call("embed", copy, "--workers", 1) == 0


def test_every_query_subject_has_a_clip_that_states_its_dose(run: Path) -> None:
    queries = [row["subject"] for row in read_csv(run / "deviation" / "subjects.csv") if row["group"] != "healthy"]
    facts = [json.loads(path.read_text()) for path in sorted((run / "magnified").glob("*.json"))]
    assert [fact["recording_id"] for fact in facts] == queries
    for fact in facts:
        assert fact["factor"] == 2
        assert {"factor_measured", "appearance_kept", "marked_reasons"} <= set(fact)
        assert probe(run / "magnified" / f"{fact['recording_id']}.mp4").frames_declared == fact["frames"]


def test_a_finished_run_does_nothing_and_says_so(run: Path, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert call("run", study, "--out", run, "--preset", "quick", "--workers", 1) == 0
    assert "Nothing to do" in capsys.readouterr().out
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path.name for path in before if before[path] != after[path]} <= {"run.json", ".lock"}


@pytest.mark.parametrize("stage", ["crops", "train", "embed", "score", "generator", "magnify", "report"])
def test_every_stage_is_a_command_that_does_nothing_twice(
    stage: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(stage, run) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_a_killed_run_goes_on_where_it_was(
    run: Path, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    record = RunRecord.open(copy)
    record.record["stages"]["embed"]["state"] = "running"  # what a kill leaves behind
    record.save()
    shutil.rmtree(copy / "embeddings")
    monkeypatch.setitem(runner.WORK, "train", lambda job: pytest.fail("the networks were trained again"))
    assert call("embed", copy, "--workers", 1) == 0
    assert (copy / "embeddings" / "human01.npz").exists()
    np.testing.assert_array_equal(
        read_arrays(copy / "embeddings" / "human01.npz")["posture"],
        read_arrays(run / "embeddings" / "human01.npz")["posture"],
    )


def test_another_reference_scores_again_and_trains_nothing(run: Path, study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    trained = RunRecord.open(copy).record["stages"]["train"]["finished"]
    assert call("score", copy, "--reference", "none") == 0
    record = RunRecord.open(copy).record
    assert record["reference"] is None
    assert record["stages"]["train"]["finished"] == trained
    old = ("reference group", "reference subjects no single subject")
    assert [words for words in record["warnings"] if any(part in words for part in old)] == []
    assert len({row["smallest_p"] for row in read_csv(copy / "deviation" / "subjects.csv")}) == 1


@pytest.mark.usefixtures("known_crops", "no_figures")
def test_new_recordings_are_scored_by_the_frozen_reference_as_they_were_then(
    run: Path, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_csv(study)
    for row in rows:
        row["video"] = str(study.parent / row["video"])
    one = next(row for row in rows if row["group"] != "healthy")
    for name, chosen in (("one", [one]), ("all", rows)):
        write_csv(tmp_path / f"{name}.csv", chosen, list(rows[0]))
        words = ("score", tmp_path / f"{name}.csv", "--against", run / "model" / "reference", "--workers", 1)
        assert call(*words, "--out", tmp_path / name) == 0
        assert (tmp_path / name / "report.html").exists()
    numbers = [
        "deviation",
        "deviation_low",
        "deviation_high",
        "static",
        "p_value",
        "smallest_p",
        "reference_percentile",
    ]
    then, alone, among = (
        {row["subject"]: [row[number] for number in numbers] for row in read_csv(folder / "deviation" / "subjects.csv")}
        for folder in (run, tmp_path / "one", tmp_path / "all")
    )
    assert among == then
    assert alone == {one["subject"]: then[one["subject"]]}
    statistics = json.loads((tmp_path / "one" / "statistics.json").read_text())
    against, (audited,) = statistics["against"], statistics["audit"]["against"]
    assert audited["subject"] == one["subject"]
    own = [row for row in read_csv(run / "deviation" / "subjects.csv") if row["group"] == "healthy"]
    for name in ("deviation", "static", "dynamic"):
        assert against["usual"][name] == pytest.approx([float(row[name]) for row in own], rel=1e-4)
    low, high = against["usual"]["windows"]
    assert 0 < low < high
    assert {"background", "brightness", "frame_rate"} <= {row["feature"] for row in audited["rows"]}
    assert against["hash"] == json.loads((run / "model" / "reference" / "reference.json").read_text())["hash"]
    assert RunRecord.open(tmp_path / "one").record["stages"]["train"]["seconds"] < 5
    assert call("score", tmp_path / "one.csv", "--against", tmp_path, "--out", tmp_path / "x") == 2
    assert "holds no frozen reference" in capsys.readouterr().err
    assert call("score", tmp_path / "one.csv", "--against", run) == 2
    assert "--against needs --out" in capsys.readouterr().err


def test_a_recording_whose_postures_are_no_numbers_fails_alone(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    record = RunRecord.open(copy)
    for stage in ("embed", "score"):
        del record.record["stages"][stage]
    record.save()
    real, lost = embed_recording, read_csv(copy / "recordings.csv")[0]["recording_id"]

    def damaged(model: object, store: CropStore, device: str) -> Embedding:
        found = real(model, store, device)  # type: ignore[arg-type]
        return replace(found, posture=found.posture * np.nan) if store.recording_id == lost else found

    monkeypatch.setattr(embedding_stage, "embed_recording", damaged)
    assert call("score", copy, "--workers", 1) == 2
    rows = {row["recording_id"]: row for row in read_csv(copy / "recordings.csv")}
    assert rows[lost]["status"] == "failed"
    assert "are not numbers" in rows[lost]["reason"]
    assert lost not in {row["recording_id"] for row in read_csv(copy / "deviation" / "recordings.csv")}
    assert len(read_csv(copy / "deviation" / "recordings.csv")) == len(rows) - 1


@pytest.mark.usefixtures("known_crops")
def test_a_trained_model_is_used_and_gives_the_same_postures(run: Path, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    words = ("embed", out, "--study", study, "--preset", "quick", "--model", run / "model", "--workers", 1)
    assert call(*words) == 0
    for name in ("human01", "human05"):
        np.testing.assert_array_equal(
            read_arrays(out / "embeddings" / f"{name}.npz")["posture"],
            read_arrays(run / "embeddings" / f"{name}.npz")["posture"],
        )


@pytest.mark.slow
def test_layouts_keep_size_and_frames_of_the_recording(run: Path, study: Path, tmp_path: Path) -> None:
    row = next(row for row in read_csv(run / "recordings.csv") if row["group"] != "healthy")
    for layout in ("magnified", "twin"):
        out = tmp_path / f"{layout}.mp4"
        words = ("magnify", run, "--recording", row["recording_id"], "--factor", 1.5, "--layout", layout)
        assert call(*words, "--from", 0.2, "--to", 0.8, "--out", out) == 0
        info = probe(out)
        assert (info.width, info.height) == (int(row["width"]), int(row["height"]))
        assert info.frames_declared == 16
    assert json.loads((tmp_path / "twin.json").read_text())["factor"] == 0
    assert len(list(read_frames(tmp_path / "twin.mp4"))) == 16


def test_the_published_way_can_be_looked_at_and_its_generator_is_kept(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, out = tmp_path / "run", tmp_path / "published.mp4"
    shutil.copytree(run, copy)
    monkeypatch.setattr(clip, "STEPS", 2)
    row = next(row for row in read_csv(copy / "recordings.csv") if row["group"] != "healthy")
    words = ("magnify", copy, "--recording", row["recording_id"], "--layout", "published", "--factor", 2.5)
    assert call(*words, "--from", 0.2, "--to", 0.6, "--out", out) == 0
    assert "% of the published training" in capsys.readouterr().out
    first, facts = list(read_frames(out)), json.loads(out.with_suffix(".json").read_text())
    assert len(first) == facts["frames"] == 11
    assert facts["factor"] == 2.5
    half = first[0].shape[1] // 2
    assert np.abs(first[5][:, :half].astype(int) - first[5][:, half:]).mean() > 2  # drawn, not copied
    monkeypatch.setattr(clip, "train_synthesis", None)  # kept: nothing is trained again
    assert call(*words, "--from", 0.2, "--to", 0.6, "--out", out) == 0
    np.testing.assert_array_equal(list(read_frames(out)), first)
    monkeypatch.undo()
    monkeypatch.setattr(clip, "STEPS", 2)
    kept = next((copy / "model").glob("published-*.safetensors"))
    kept.write_bytes(kept.read_bytes()[:100])  # damaged: trained anew
    assert call(*words, "--from", 0.2, "--to", 0.6, "--out", out) == 0
    np.testing.assert_array_equal(list(read_frames(out)), first)
    assert call(*words, "--out", tmp_path / "figure.png") == 2


def test_neighbours_are_of_other_subjects(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("neighbours", run, "--recording", "human02", "--time", 1.0, "--what", "posture", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert all(row["subject"] != "human02" for row in rows)
    assert rows == sorted(rows, key=lambda row: -row["similarity"])
    groups = {row["subject"]: row["group"] for row in read_csv(run / "recordings.csv")}
    assert all(row["group"] == groups[row["subject"]] for row in rows)
    assert call("neighbours", run, "--recording", "human02", "--time", 1.0, "--what", "posture") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["similarity", "time_s", "subject", "group", "recording"]
    assert [line.split()[2:4] for line in said[1:]] == [[row["subject"], row["group"]] for row in rows]
    assert call("neighbours", run, "--recording", "human02", "--time", 99) == 2
    assert call("neighbours", run, "--recording", "nobody", "--time", 1) == 2
    assert "nobody" in capsys.readouterr().err


def test_json_is_all_that_is_printed(run: Path, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", study, "--out", run, "--preset", "quick", "--workers", 1, "--json") == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["done"] == []
    assert len(outcome["subjects"]) == 5


def test_a_dry_run_writes_nothing(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", study, "--out", tmp_path / "new", "--dry-run") == 0
    assert "Would do: check, crops, train" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("factor", ["9", "-2.5", "nan", "inf"])
def test_a_factor_that_no_clip_can_have_is_refused_before_anything_is_done(
    factor: str, run: Path, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", study, "--out", tmp_path / "new", "--preset", "quick", "--factor", 2, "--factor", factor) == 2
    assert f"between -2 and 6, not {factor}" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    for chosen in ((), ("--recording", "human02", "--out", tmp_path / "clip.mp4")):
        assert call("magnify", run, *chosen, "--factor", factor) == 2
        assert "between -2 and 6" in capsys.readouterr().err
    assert RunRecord.open(run).record["factors"] == [2.0]
    assert not (tmp_path / "clip.mp4").exists()


def test_a_run_of_another_study_is_left_alone(
    run: Path, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.csv"
    rows = study.read_text().splitlines()
    other.write_text("\n".join([rows[0]] + [str(study.parent / row) for row in rows[1:4]]))
    assert call("run", other, "--out", run, "--preset", "quick") == 2
    assert "another study" in capsys.readouterr().err
    assert (run / "report.html").exists()


def test_a_folder_that_is_no_run_is_left_alone(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert call("run", study, "--out", tmp_path) == 2
    assert call("run", study, "--out", tmp_path, "--fresh") == 2
    assert "holds no run" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_unknown_group_names_the_groups(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", study, "--out", tmp_path / "run", "--reference", "helthy") == 2
    said = capsys.readouterr().err
    assert "helthy" in said
    assert "healthy" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("known_crops")
def test_a_bad_recording_fails_alone_and_the_others_are_analysed(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = study.read_text().splitlines()
    (tmp_path / "broken.mp4").write_bytes((study.parent / "human01.mp4").read_bytes()[:3000])
    lines = [rows[0]] + [str(study.parent / row) for row in rows[1:]]
    lines += ["broken.mp4,x1,healthy,,", "absent.mp4,x2,impaired,,"]
    (tmp_path / "study.csv").write_text("\n".join(lines))
    assert call("score", tmp_path / "run", "--study", tmp_path / "study.csv", "--preset", "quick", "--workers", 1) == 2
    said = capsys.readouterr()
    assert "broken" in said.err
    assert "absent" in said.err
    status = {row["recording_id"]: row for row in read_csv(tmp_path / "run" / "recordings.csv")}
    assert [status[name]["status"] for name in ("human01", "broken", "absent")] == ["ok", "failed", "failed"]
    assert status["broken"]["reason"]
    assert len(read_csv(tmp_path / "run" / "deviation" / "subjects.csv")) == 5


@pytest.mark.slow
def test_before_and_after_of_one_animal_is_scored_without_a_p(study: Path, tmp_path: Path) -> None:
    video = study.parent / "human01.mp4"
    lines = ["video,subject,group,start_s,end_s", f"{video},m,before,0,1", f"{video},m,after,1,2"]
    (tmp_path / "study.csv").write_text("\n".join(lines))
    words = ("--study", tmp_path / "study.csv", "--preset", "quick", "--reference", "before", "--workers", 1)
    assert call("report", tmp_path / "run", *words) == 0
    rows = read_csv(tmp_path / "run" / "deviation" / "subjects.csv")
    assert [row["p_value"] for row in rows] == ["", ""]
    assert (
        "one subject" in (tmp_path / "run" / "report.html").read_text()
        or "1 " in RunRecord.open(tmp_path / "run").record["warnings"][0]
    )


def test_a_missing_model_and_a_missing_gpu_are_said(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", study, "--out", tmp_path / "run", "--model", tmp_path) == 2
    assert "model.json" in capsys.readouterr().err


def test_a_scheduler_without_dask_says_what_to_install(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    assert call("run", study, "--out", tmp_path / "run", "--scheduler", "tcp://127.0.0.1:1", "--preset", "quick") == 2
    assert "ubam[cluster]" in capsys.readouterr().err


def test_init_check_and_doctor(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for group in ("healthy", "impaired"):
        (tmp_path / group).mkdir()
        shutil.copy(study.parent / "human01.mp4", tmp_path / group / f"{group}.mp4")
    assert call("init", tmp_path) == 0
    assert call("check", tmp_path / "study.csv") == 0
    said = capsys.readouterr().out
    assert "2 of 2 recordings are readable" in said
    assert "smallest possible p" in said
    assert call("doctor") == 0
    assert call("init", tmp_path / "healthy" / "nothing") == 2
