"""Jobs in real processes: killed, resumed, cancelled, poisoned, on two workers; stages that take no time stand in."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.clients import small_video
from tests.webui.support.processes import POSTGRES, Remote, eventually, is_alive, postgres, running, trace
from ubam.pipeline.stages import STAGES
from webui.load_test.tools import has_ended

pytestmark = pytest.mark.timeout(900)  # a busy machine may take minutes to import torch in every child


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], bytes]:
    """Two subjects in two groups."""
    folder = tmp_path_factory.mktemp("videos")
    return {
        ("ada", "healthy"): small_video(folder / "a.mp4", shade=90),
        ("bob", "impaired"): small_video(folder / "b.mp4", shade=60),
    }


def _hold(data: Path, stage: str) -> None:
    data.mkdir(exist_ok=True)
    (data / "hold").write_text(stage, encoding="utf-8")


def _began(data: Path, run: str, stage: str, times: int = 1) -> None:
    def begun() -> bool:
        said = "".join(log.read_text() for log in data.glob(f"studies/*/runs/{run}/log.txt"))
        assert "Traceback" not in said, said  # a run that has failed never comes to the stage
        return trace(data, run).count(stage) >= times

    eventually(begun, f"{stage} began {times} times")


def _grandchild(data: Path, run: str) -> int:
    def read() -> str:
        return "".join(path.read_text() for path in data.glob(f"studies/*/runs/{run}/grandchild.txt"))

    return int(eventually(read, "a grandchild"))


def _killed_in(stage: str, data: Path, videos: dict[Any, bytes], **environment: str) -> None:
    """Start a run, kill the server in a stage, start it again: the stages before are not done again."""
    _hold(data, stage)
    with running(do="serve", data=str(data), environment=environment) as first:
        person = Remote(first)
        run = person.run(person.study(videos))
        _began(data, run, stage)
        orphan = _grandchild(data, run)
        first.kill()
    eventually(lambda: not is_alive(orphan), "the children of a killed server end")
    (data / "hold").unlink()
    with running(do="serve", data=str(data), environment=environment) as second:
        person.move_to(second)
        eventually(lambda: person.status(run) == "done", "the run ends after a kill")
        shown = person.json("GET", f"runs/{run}")
    before = STAGES[: STAGES.index(stage)]
    assert trace(data, run) == [*before, stage, *STAGES[STAGES.index(stage) :]]
    assert [entry["state"] for entry in shown["stages"]] == ["done"] * len(STAGES)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_killed_in_any_stage_goes_on_there(stage: str, tmp_path: Path, videos: dict[Any, bytes]) -> None:
    data = tmp_path / "data"
    with running(do="serve", jobs=False, data=str(data)) as server:
        person = Remote(server)
        with running(do="work", data=str(data)) as first:
            study = person.study(videos)
            _hold(data, stage)
            run = person.run(study)
            _began(data, run, stage)
            orphan = _grandchild(data, run)
            first.kill()
        eventually(lambda: not is_alive(orphan), "the children of a killed worker end")
        assert person.status(run) == "running"  # nobody has noticed yet, and nothing is lost
        (data / "hold").unlink()
        with running(do="work", data=str(data)):
            eventually(lambda: person.status(run) == "done", "the run ends after a kill")
    before = STAGES[: STAGES.index(stage)]
    assert trace(data, run) == [*before, stage, *STAGES[STAGES.index(stage) :]]


def test_a_server_killed_in_a_stage_goes_on_there_and_asks_for_no_address_outside(
    tmp_path: Path, videos: dict[Any, bytes]
) -> None:
    watched, log = Path(__file__).parents[1] / "support" / "watched", tmp_path / "addresses.txt"
    environment = {"PYTHONPATH": f"{watched}:{watched.parents[3]}", "UBAM_TEST_ADDRESSES": str(log)}
    asked = "import socket; socket.getaddrinfo('127.0.0.1', 80)"
    subprocess.run([sys.executable, "-c", asked], env=os.environ | environment, check=True)
    assert "socket.getaddrinfo" in log.read_text()  # the watch itself works
    _killed_in("score", tmp_path / "data", videos, **environment)
    lines = log.read_text().splitlines()
    assert [line for line in lines if "127.0.0.1" not in line and "localhost" not in line] == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "score"])
def test_a_server_killed_in_any_other_stage_goes_on_there(stage: str, tmp_path: Path, videos: dict[Any, bytes]) -> None:
    _killed_in(stage, tmp_path / "data", videos)


@pytest.mark.slow
def test_cancel_ends_every_process_and_resume_goes_on(tmp_path: Path, videos: dict[Any, bytes]) -> None:
    data = tmp_path / "data"
    _hold(data, "train")
    with running(do="serve", data=str(data)) as server:
        person = Remote(server)
        study = person.study(videos)
        all_gone = has_ended(server.popen.pid)
        run, waiting = person.run(study), person.run(study)
        _began(data, run, "train")
        grandchild = _grandchild(data, run)
        assert person.json("GET", f"runs/{waiting}")["queue_position"] == 1
        assert person.json("POST", f"runs/{waiting}/cancel")["status"] == "cancelled"
        assert person.json("POST", f"runs/{run}/cancel")["status"] == "cancelled"
        eventually(lambda: not is_alive(grandchild) and all_gone(), "its processes end", seconds=3)
        (data / "hold").unlink()
        person.json("POST", f"runs/{run}/resume")
        eventually(lambda: person.status(run) == "done", "it goes on")
        assert trace(data, run) == ["check", "crops", "train", *STAGES[2:]]
        assert person.status(waiting) == "cancelled"
        assert trace(data, waiting) == []


@pytest.mark.slow
def test_a_poisonous_video_fails_its_own_job_only(tmp_path: Path, videos: dict[Any, bytes]) -> None:
    data = tmp_path / "data"
    with running(do="serve", data=str(data)) as server:
        person = Remote(server)
        good, bad = person.study(videos), person.study(videos)
        recording = person.json("GET", f"studies/{bad}/recordings")[0]["id"]
        person.json("PATCH", f"studies/{bad}/recordings/{recording}", json={"subject": "poison"})
        poisoned, sound = person.run(bad), person.run(good)
        eventually(lambda: person.status(poisoned) == "failed", "the poisoned run fails")
        eventually(lambda: person.status(sound) == "done", "the other run ends")
        assert "ended unexpectedly" in person.json("GET", f"runs/{poisoned}")["error"]
        deleted = person.run(bad)
        person.json("DELETE", f"studies/{bad}")
        assert person.http.get(f"{person.address}/api/v1/runs/{deleted}", timeout=60).status_code == 404
        assert not list(data.glob(f"studies/{bad}*"))


@pytest.mark.slow
@pytest.mark.skipif(not (POSTGRES / "initdb").exists(), reason="Debian's postgresql 15 is not installed")
def test_two_workers_on_postgres_share_the_work_and_take_over_from_a_killed_one(
    tmp_path: Path, videos: dict[Any, bytes]
) -> None:
    data = tmp_path / "data"
    with postgres() as url:
        common = {"data": str(data), "database": url}
        with (
            running(do="serve", jobs=False, **common) as server,
            running(do="work", **common) as first,
            running(do="work", **common) as second,
        ):
            person = Remote(server)
            study = person.study(videos)
            _hold(data, "embed")
            runs = [person.run(study), person.run(study)]
            for run in runs:
                _began(data, run, "embed")  # both at once, as each worker does one
            first.kill()
            (data / "hold").unlink()
            for run in runs:
                eventually(partial(lambda run: person.status(run) == "done", run), "both end, one on the other worker")
            counts = sorted(trace(data, run).count("embed") for run in runs)
            assert counts == [1, 2]
            assert all(trace(data, run).count("crops") == 1 for run in runs)
            assert second.popen.poll() is None


@pytest.mark.slow
def test_a_server_that_is_told_to_end_goes_on_with_its_run_at_the_next_start(
    tmp_path: Path, videos: dict[Any, bytes]
) -> None:
    data = tmp_path / "data"
    _hold(data, "embed")
    with running(do="serve", data=str(data)) as first:
        person = Remote(first)
        run = person.run(person.study(videos))
        _began(data, run, "embed")
        grandchild = _grandchild(data, run)
        first.stop()  # SIGTERM, as a service manager sends
    eventually(lambda: not is_alive(grandchild), "its processes end")
    (data / "hold").unlink()
    with running(do="serve", data=str(data)) as second:
        person.move_to(second)
        eventually(lambda: person.status(run) == "done", "the run goes on")
    assert trace(data, run) == ["check", "crops", "train", "embed", *STAGES[3:]]
