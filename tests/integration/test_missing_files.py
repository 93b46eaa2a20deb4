"""A run whose files are gone in part or changed, as a zip or a disk leaves it: what is made again, and when."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.integration.known_crops import use_crops_of
from tests.support.command_line import call
from ubam.core.files import read_csv
from ubam.pipeline import runner
from ubam.results.run_record import RunRecord
from ubam.tracking.crop_store import CropStore

pytestmark = pytest.mark.usefixtures("tiny_preset", "plain_eye")


def exported(run: Path, folder: Path, *gone: str) -> Path:
    """The run as its zip has it, without crops, and without what else is `gone`."""
    assert call("export", run, "--to", folder / "run.zip") == 0
    shutil.unpack_archive(folder / "run.zip", folder)
    copy = folder / run.name
    assert not (copy / "crops").exists()
    for name in gone:
        shutil.rmtree(copy / name) if (copy / name).is_dir() else (copy / name).unlink()
    return copy


def test_a_run_without_crops_makes_them_again_where_they_are_asked_for(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = exported(run, tmp_path)
    monkeypatch.setitem(runner.WORK, "train", lambda job: pytest.fail("the networks were trained again"))
    use_crops_of(run, monkeypatch, "human02")  # one that is made again is enough
    verdicts, inputs = read_csv(copy / "recordings.csv"), RunRecord.open(copy).record["inputs"]
    assert call("report", copy) == 0
    assert "Nothing to do" in capsys.readouterr().out  # nothing that is to be done reads the crops
    words = ("magnify", copy, "--recording", "human02", "--from", 0.2, "--to", 0.5, "--workers", 1)
    assert call(*words, "--layout", "magnified", "--out", tmp_path / "clip.mp4") == 0
    assert (tmp_path / "clip.mp4").exists()
    for name in ("human01", "human02"):
        for store in (run, copy):
            assert (store / "crops" / name / "store.json").exists()
        before, after = (CropStore.open(store / "crops" / name) for store in (run, copy))
        np.testing.assert_array_equal(before.views, after.views)
    assert read_csv(copy / "recordings.csv") == verdicts
    assert RunRecord.open(copy).record["inputs"] == inputs
    shutil.rmtree(copy / "crops" / "human03")
    assert call("crops", copy, "--workers", 1) == 0
    assert (copy / "crops" / "human03" / "store.json").exists()


@pytest.mark.parametrize(
    ("gone", "done"),
    [
        ("report.html", ["report"]),
        ("magnified", ["crops", "magnify"]),
        ("statistics.json", ["crops", "score"]),
        ("embeddings", ["crops", "embed"]),
        ("model", ["crops", "train", "generator"]),
        ("recordings.csv", ["check", "crops"]),
    ],
)
def test_a_stage_whose_files_are_gone_is_not_done(
    gone: str, done: list[str], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = exported(run, tmp_path, gone)
    capsys.readouterr()
    assert call(done[-1], copy, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["would_do"] == done


def test_without_a_video_its_crops_are_not_missed_until_they_are_needed(
    run: Path, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, lost, away = exported(run, tmp_path), study.parent / "human02.mp4", tmp_path / "away.mp4"
    use_crops_of(run, monkeypatch)
    verdicts = (copy / "recordings.csv").read_bytes()
    shutil.move(lost, away)
    try:
        assert call("report", copy) == 0
        assert "Nothing to do" in capsys.readouterr().out
        for words in (("crops",), ("magnify", "--recording", "human01", "--out", tmp_path / "x.mp4")):
            assert call(words[0], copy, *words[1:], "--workers", 1) == 2
            said = capsys.readouterr().err
            assert f"{lost} is not there" in said
            assert said.count("\n") == 1
        assert (copy / "recordings.csv").read_bytes() == verdicts  # and no recording has failed
    finally:
        shutil.move(away, lost)
    assert call("crops", copy, "--workers", 1) == 0
    assert (copy / "recordings.csv").read_bytes() == verdicts
    shutil.move(lost, away)
    try:
        assert call("magnify", copy, "--recording", "human02", "--workers", 1, "--out", tmp_path / "x.mp4") == 2
        assert str(lost) in capsys.readouterr().err
    finally:
        shutil.move(away, lost)


@pytest.mark.usefixtures("known_crops")
@pytest.mark.parametrize("name", ["deviation/subjects.csv", "recordings.csv"])
def test_a_table_with_a_changed_digit_is_made_again(
    name: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    for stage in ("train", "generator", "magnify"):
        monkeypatch.setitem(runner.WORK, stage, lambda job: pytest.fail("more was done than the table needs"))
    whole = {path: path.read_bytes() for path in copy.rglob("*.csv")}
    (copy / name).write_bytes(whole[copy / name].replace(b"1", b"2"))
    assert call("magnify", copy, "--workers", 1) == 0
    assert {path: path.read_bytes() for path in whole} == whole


@pytest.mark.usefixtures("known_crops")
def test_a_table_that_cannot_be_made_again_is_refused(
    run: Path, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, moved = tmp_path / "run", tmp_path / "study"
    shutil.copytree(run, copy)
    shutil.copytree(study.parent, moved)
    (copy / "recordings.csv").write_bytes((copy / "recordings.csv").read_bytes().replace(b"1", b"2"))
    (moved / "human01.mp4").unlink()
    assert call("report", copy, "--study", moved / study.name) == 2
    assert "human01.mp4" in capsys.readouterr().err
