"""The record of a run: whose folder it is, and what it has to say."""

from pathlib import Path

import pytest

from ubam.core.errors import RunError
from ubam.results.run_record import RunRecord


def test_the_folder_of_another_study_is_left_alone(tmp_path: Path) -> None:
    RunRecord.start(tmp_path / "run", tmp_path / "a.csv", "a")
    RunRecord.start(tmp_path / "run", tmp_path / "a.csv", "a changed study in the same file")
    with pytest.raises(RunError, match=r"already holds a run of another study .*a\.csv"):
        RunRecord.start(tmp_path / "run", tmp_path / "b.csv", "b")


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_bytes(b"years of work")
    with pytest.raises(RunError, match="is not empty and holds no run"):
        RunRecord.start(tmp_path, tmp_path / "a.csv", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_run_that_was_killed_before_its_record_was_there_begins(tmp_path: Path) -> None:
    """The kill leaves the temporary file of run.json, and the folder's lock."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").touch()
    (tmp_path / "run" / ".run-2erqliok.json").write_text("{")
    assert RunRecord.start(tmp_path / "run", tmp_path / "a.csv", "a").record["stages"] == {}


def test_a_failed_stage_is_not_done_and_says_why(tmp_path: Path) -> None:
    run = RunRecord.start(tmp_path / "run", tmp_path / "a.csv", "a")

    def fail() -> None:
        raise ValueError("the reason")

    with pytest.raises(ValueError, match="the reason"):
        run.perform("crops", "key", fail)
    again = RunRecord.open(tmp_path / "run")
    assert not again.is_done("crops", "key")
    assert again.record["stages"]["crops"]["reason"] == "the reason"
    again.perform("crops", "key", lambda: None)
    again.warn("crops", ["too dark"])
    known = RunRecord.open(tmp_path / "run")
    assert known.is_done("crops", "key")
    assert not known.is_done("crops", "another key")
    assert known.record["warnings"] == ["too dark"]
