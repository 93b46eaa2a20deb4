"""The process of a job: how it says its end, where it goes on, and what it does not begin. Its stages take no time."""

import errno
import json
import os
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.webui.support.clients import small_video
from ubam.core.errors import UbamError
from ubam.pipeline import queries, runner
from ubam.pipeline.job import Job
from ubam.pipeline.plan import plan_run
from ubam.pipeline.stages import STAGES
from ubam.results.run_record import RunRecord, locked
from webui.jobs import analysis_process as process
from webui.jobs import subprocesses
from webui.jobs.analysis_process import Progress
from webui.jobs.records import IN_PHASE


@pytest.fixture(autouse=True)
def did(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that were done."""
    done: list[str] = []

    def stage(name: str) -> Any:
        def work(job: Job) -> list[str]:
            done.append(name)
            job.progress(name, 1, 1)
            for path in (job.folder / "recordings.csv", *job.written(name)):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            return [f"{name} has a remark"] if name == "check" else []

        return work

    for name in STAGES:
        monkeypatch.setitem(runner.WORK, name, stage(name))
    monkeypatch.setattr(process, "end_with_parent", lambda: None)
    monkeypatch.setattr(process, "LOCK_S", 0.0)
    return done


@pytest.fixture
def order(tmp_path: Path) -> dict[str, Any]:
    """The order for a run of two recordings, in a folder of its own."""
    for name in ("a", "b"):
        small_video(tmp_path / f"{name}.mp4")
    (tmp_path / "study.csv").write_text("video,subject,group\na.mp4,a,healthy\nb.mp4,b,impaired\n", encoding="utf-8")
    return {
        "do": "run", "folder": str(tmp_path), "out": str(tmp_path / "run"), "reference": "healthy", "preset": "quick",
        "posture": None, "plan": None, "block": None, "seed": 0, "workers": 1,
    }  # fmt: skip


def carried_out(folder: Path, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and the error that the process leaves in its folder."""
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["analysis_process", str(folder)])
    with pytest.raises(SystemExit) as ended:
        process.main()
    return int(str(ended.value.code)), str(json.loads((folder / "result.json").read_text())["error"])


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (UbamError("The video is too short."), "The video is too short."),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: is the disk full? Resume"),
        (ZeroDivisionError("by zero"), "This is a fault of ubam (ZeroDivisionError: by zero); the log has the lines"),
    ],
)
def test_every_end_is_said_in_words(
    problem: Exception, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setitem(process.KINDS, "run", fail)
    code, error = carried_out(tmp_path, {"do": "run"}, monkeypatch)
    assert (code, error[: len(says)]) == (1, says)
    assert says in capsys.readouterr().out
    monkeypatch.setitem(process.KINDS, "run", lambda *_: None)
    assert carried_out(tmp_path, {"do": "run"}, monkeypatch) == (0, "")


def test_a_run_that_broke_off_goes_on_at_its_stage_and_one_that_is_done_does_nothing(
    order: dict[str, Any], tmp_path: Path, did: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(job: Job) -> list[str]:
        raise OSError(errno.ENOSPC, "No space left on device")

    embed = runner.WORK["embed"]
    monkeypatch.setitem(runner.WORK, "embed", full)
    assert carried_out(tmp_path, order, monkeypatch)[1].startswith("No space left on device")
    half = json.loads((tmp_path / "progress.json").read_text())
    assert {one["name"]: one["state"] for one in half["stages"]}["train"] == "done"
    assert did == ["check", "crops", "train"]
    monkeypatch.setitem(runner.WORK, "embed", embed)
    assert carried_out(tmp_path, order, monkeypatch) == (0, "")
    assert did == list(STAGES)
    assert carried_out(tmp_path, order, monkeypatch) == (0, "")
    assert did == list(STAGES)
    ends = json.loads((tmp_path / "progress.json").read_text())
    assert ends["stage"] == ""
    assert {one["state"] for one in ends["stages"]} == {"done"}


def test_a_folder_that_another_process_holds_is_waited_for_and_then_refused(
    order: dict[str, Any], tmp_path: Path, did: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(tmp_path / "run"):
        assert "is in use by another ubam process" in carried_out(tmp_path, order, monkeypatch)[1]
    assert did == []
    held, waits = ExitStack(), list[float]()
    held.enter_context(locked(tmp_path / "run"))

    def wait(seconds: float) -> None:
        waits.append(seconds)
        held.close()

    monkeypatch.setattr(process, "LOCK_S", 60.0)
    monkeypatch.setattr("webui.jobs.analysis_process.time.sleep", wait)
    assert carried_out(tmp_path, order, monkeypatch) == (0, "")
    assert waits == [0.2]


def test_a_folder_with_the_run_of_another_study_is_refused(
    order: dict[str, Any], tmp_path: Path, did: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    RunRecord.start(tmp_path / "run", tmp_path / "other.csv", "other")
    assert "already holds a run of another study" in carried_out(tmp_path, order, monkeypatch)[1]
    assert did == []


def clip_of(order: dict[str, Any], tmp_path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "do": "clip", "run": order["out"], "against": None, "recording": "a", "factor": 2.0, "layout": "magnified",
        "appearance": None, "from_s": None, "to_s": None, "out": str(tmp_path / "clip.mp4"), "folder": str(tmp_path),
    } | changes  # fmt: skip


def test_a_clip_is_made_of_a_run_that_is_scored_and_of_no_other(
    order: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        queries, "magnify_recording", lambda job, *given, **named: asked.append(("magnified", given[0]))
    )
    monkeypatch.setattr(queries, "transfer_posture", lambda job, *given: asked.append(("transferred", given[1])))
    assert "holds no run" in carried_out(tmp_path, clip_of(order, tmp_path), monkeypatch)[1]
    assert carried_out(tmp_path, order, monkeypatch) == (0, "")
    assert carried_out(tmp_path, clip_of(order, tmp_path), monkeypatch) == (0, "")
    assert carried_out(tmp_path, clip_of(order, tmp_path, appearance="b"), monkeypatch) == (0, "")
    assert asked == [("magnified", "a"), ("transferred", "b")]
    small_video(tmp_path / "b.mp4", shade=10)
    changed = carried_out(tmp_path, clip_of(order, tmp_path), monkeypatch)[1]
    assert changed == "The run is not scored, or its recordings changed since; resume it first."
    assert len(asked) == 2


def test_a_film_in_phase_is_made_of_the_two_recordings(
    order: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webui.jobs import phase_film

    asked: list[Any] = []
    monkeypatch.setattr(
        phase_film, "write_in_phase", lambda run, names, videos, *_: asked.append((names, sorted(videos)))
    )
    assert carried_out(tmp_path, order, monkeypatch) == (0, "")
    wish = clip_of(order, tmp_path, layout=IN_PHASE, appearance="b")
    assert carried_out(tmp_path, wish, monkeypatch) == (0, "")
    assert asked == [(("a", "b"), ["a", "b"])]


def test_what_is_counted_outside_of_the_stages_of_a_job_is_left_out(tmp_path: Path) -> None:
    progress = Progress(tmp_path, ["score", "report"], {"score": 3.0})
    progress("crops", 1, 2)
    progress.begin("report")
    progress("report", 1, 900)  # too soon after the last word for another
    told = json.loads((tmp_path / "progress.json").read_text())["stages"]
    assert [(one["name"], one["state"], one["done"], one["seconds"]) for one in told] == [
        ("score", "done", 0, 3.0), ("report", "running", 0, 0.0)
    ]  # fmt: skip
    progress("report", 900, 900)
    assert json.loads((tmp_path / "progress.json").read_text())["stages"][1]["done"] == 900


def test_a_child_ends_its_group_when_its_parent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    ended, over = list[int](), threading.Event()

    def kill(group: int) -> None:
        ended.append(group)
        over.set()

    read = os.read
    monkeypatch.setattr("webui.jobs.subprocesses.os.read", lambda _, size: read(reading, size))
    monkeypatch.setattr(subprocesses, "kill_group", kill)
    subprocesses.end_with_parent()
    os.write(writing, b"x")
    assert not over.wait(0.05)
    os.close(writing)
    assert over.wait(10)
    assert ended == [os.getpgrp()]
    os.close(reading)


def test_a_group_that_is_gone_already_is_no_error() -> None:
    subprocesses.kill_group(2**22 + 5)
    assert subprocesses.group_bytes(2**22 + 5) == 0


def test_a_score_against_a_frozen_reference_trains_nothing_and_goes_on_where_it_was(
    order: dict[str, Any], tmp_path: Path, did: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def planned(study: Path, *_: object) -> Any:
        return plan_run(study, {"preset": "quick", "workers": 1}, ask=lambda groups: None)

    monkeypatch.setattr("ubam.pipeline.plan.plan_scoring", planned)
    monkeypatch.setattr(runner, "report", lambda job: did.append("report"))
    wish = {"do": "score", "folder": str(tmp_path), "out": order["out"], "against": str(tmp_path), "workers": 1}
    needed = [*STAGES[: STAGES.index("score") + 1]]
    for expected in ([*needed, "report"], [*needed, "report", "report"]):
        assert carried_out(tmp_path, wish, monkeypatch) == (0, "")
        assert did == expected
    told = json.loads((tmp_path / "progress.json").read_text())["stages"]
    assert [one["name"] for one in told] == [*needed, "report"]


def test_a_clip_beside_a_frozen_reference_is_shown_its_subjects_alone(
    order: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    assert carried_out(tmp_path, order, monkeypatch) == (0, "")
    for name in ("a", "b"):
        store = tmp_path / "run" / "crops" / name
        store.mkdir(parents=True, exist_ok=True)
        (store / "store.json").touch()
    monkeypatch.setattr("ubam.results.run_data.read_run", lambda _: SimpleNamespace(reference="healthy"))
    monkeypatch.setattr("ubam.tracking.crop_store.CropStore.open", lambda folder: folder.name)
    monkeypatch.setattr("ubam.Model", SimpleNamespace(load=lambda path: "model"))
    monkeypatch.setattr(
        "ubam.magnify", lambda query, known, *_, **named: given.append((query.store, [k.store for k in known]))
    )
    wish = clip_of(order, tmp_path, recording="b", against=order["out"])
    assert carried_out(tmp_path, wish, monkeypatch) == (0, "")
    assert given == [("b", ["a"])]
