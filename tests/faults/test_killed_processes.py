"""Signals and want of memory: a command stops in words, a killed worker costs one recording."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.crashes import in_child
from tests.faults.dying_worker import crop_or_die
from ubam.cli import main as command_line
from ubam.core.settings import Settings
from ubam.pipeline import recording_stages
from ubam.pipeline.job import Job
from ubam.recordings.study_table import Study
from ubam.results.run_record import RunRecord


def named(name: str) -> Any:
    return SimpleNamespace(recording_id=name, video=Path(f"{name}.mp4"))


def test_a_worker_that_is_killed_costs_one_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_stages, "crop_recording", crop_or_die)
    study = Study(tmp_path / "study.csv", (), ())
    job = Job(RunRecord(tmp_path, {"stages": {}}), study, replace(Settings(), workers=2))
    made = dict(recording_stages.make_crops(job, [named("first"), named("large"), named("last")]))
    assert made["first"] == "first"
    assert made["last"] == "last"
    assert made["large"].status == "failed"
    assert "large.mp4: the process that read it was killed, most likely for want of memory" in made["large"].reason


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_a_command_in_words(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def busy(**_: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(60)

    def work() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` has it ignored
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert ended.value.code == 130

    monkeypatch.setattr(command_line, "cli", busy)
    assert in_child(work) == 0
    assert "Stopped. The same command continues from here." in capfd.readouterr().err


def test_a_terminal_that_is_closed_does_not_end_what_nohup_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        command_line.main()

    monkeypatch.setattr(command_line, "cli", lambda **_: os.kill(os.getpid(), signal.SIGHUP))
    assert in_child(work) == 0
