"""The record of a run folder."""

from pathlib import Path

import pytest

from ubam.results.run_record import RunRecord


def test_a_run_begun_with_a_relative_path_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    RunRecord.start(Path("run"), Path("study.csv"), "key")
    monkeypatch.chdir("/")
    assert Path(RunRecord.open(tmp_path / "run").record["study"]) == tmp_path / "study.csv"
    RunRecord.start(tmp_path / "run", tmp_path / "study.csv", "another key")  # the rows have changed, the file has not
