"""How far a job is, told from files that may be missing, half written or of another program."""

import json
from pathlib import Path
from typing import Any

import pytest

from ubam.pipeline.stages import STAGES
from webui.jobs.progress import expected_seconds, log_lines, read_progress, share_and_rest, stages_of_folder


def stage(name: str, state: str, done: int = 0, total: int = 0, seconds: float | None = None) -> Any:
    return {"name": name, "state": state, "done": done, "total": total, "seconds": seconds}


def test_a_job_that_has_not_begun_or_whose_word_is_damaged_has_no_progress(tmp_path: Path) -> None:
    nothing: Any = {"stage": "", "stages": []}
    assert read_progress(tmp_path) == nothing
    (tmp_path / "progress.json").write_text('{"stage": "tr')
    assert read_progress(tmp_path) == nothing
    assert share_and_rest([], "quick", 60) == (0.0, None)


@pytest.mark.parametrize("text", ["", "[", '{"preset": "quick"}'])
def test_a_run_from_elsewhere_whose_record_cannot_be_read_has_no_stages(tmp_path: Path, text: str) -> None:
    assert stages_of_folder(tmp_path) == []
    (tmp_path / "run.json").write_text(text)
    assert stages_of_folder(tmp_path) == []


def test_the_stages_of_a_run_from_elsewhere(tmp_path: Path) -> None:
    record = {"stages": {"check": {"state": "done", "seconds": 2.5}, "crops": {"state": "failed"}}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    told = stages_of_folder(tmp_path)
    assert [one["name"] for one in told] == list(STAGES)
    assert [one["state"] for one in told[:3]] == ["done", "failed", "waiting"]
    assert [one["seconds"] for one in told[:3]] == [2.5, None, None]


def test_a_slow_machine_makes_the_rest_longer_and_a_share_never_passes_one() -> None:
    begun = [stage("crops", "running", 1, 2, 0.5), stage("train", "waiting")]
    share, rest = share_and_rest(begun, "quick", 60)
    assert 0 < share < 0.5
    slow = [stage("crops", "done", 2, 2, 200.0), stage("train", "waiting")]
    assert share_and_rest(slow, "quick", 60)[1] == pytest.approx(34 * 200 / 20)
    assert rest < share_and_rest(slow, "quick", 60)[1]
    over = [stage("crops", "running", 9, 2, 1.0), stage("of a later version", "running")]
    assert share_and_rest(over, "unknown", 60)[0] < 1
    assert share_and_rest([stage("crops", "done")], "quick", 60) == (1.0, 0.0)
    assert expected_seconds("quick", 0) < expected_seconds("quick", 600) < expected_seconds("thorough", 600)


def test_a_log_is_read_in_whole_lines_from_where_it_was_left(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert log_lines(log, 0) == ([], 0)
    log.write_bytes(b"one\ntwo\nhalf a l")
    assert log_lines(log, 0) == (["one", "two"], 8)
    assert log_lines(log, 8) == ([], 8)
    assert log_lines(log, 10**6) == ([], len(b"one\ntwo\nhalf a l"))  # it was longer before
    log.write_bytes(b"one\ntwo\nhalf a line \xff\n")
    assert log_lines(log, 8) == (["half a line \ufffd"], 22)
