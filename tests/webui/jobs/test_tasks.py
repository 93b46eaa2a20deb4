"""What a worker makes of a job that was cancelled, killed, found half done, or whose study, disk or time is gone."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.clients import Client, TestServer
from webui.data.models import Clip, Job, Recording, Run
from webui.jobs import tasks
from webui.jobs.subprocesses import Ending
from webui.jobs.tasks import ATTEMPTS, begin, conclude, do
from webui.jobs.workplace import Workplace

ENTRY = {
    "file_name": "a.mp4", "subject": "ada", "group": "healthy", "session": "", "day": None, "dose": None,
    "start_s": None, "end_s": None, "box": None, "face_box": None, "duration_s": 1.0,
}  # fmt: skip


class Bench:
    """One recording and one run of it, a worker, and children that end as a test says."""

    def __init__(self, server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.client = server, server.only_person()
        self.place = Workplace(server.settings, server.service.database, server.service.storage, name="test")
        self.study = str(self.client.post("studies", {"name": "gait"}).json["id"])
        self.recording = server.add_recording(self.study, "a.mp4", subject="ada", group="healthy")
        entries = {"ada-1": {"id": self.recording} | ENTRY}
        self.run = server.add_run(self.study, "nobody", None, reference="healthy", recordings=entries)
        self.ending, self.orders, self.answer = Ending(0), list[dict[str, Any]](), dict[str, dict[str, Any]]()
        monkeypatch.setattr(tasks, "run_child", self._child)

    def _child(self, module: str, argument: str, log: Path, **_: Any) -> Ending:
        folder = Path(argument) if not argument.startswith("{") else log.parent
        order = folder / "order.json"
        self.orders.append(json.loads(order.read_text() if order.exists() else argument))
        for name, value in self.answer.items():
            (folder / name).write_text(json.dumps(value))
        return self.ending

    def job(self, kind: str, target: str, **values: Any) -> str:
        with self.server.service.database.session() as session:
            job = Job(kind=kind, target_id=target, study_id=self.study, user_id="nobody", **values)
            session.add(job)
            session.flush()
            return job.id

    def done(self, kind: str, target: str) -> tuple[str, str]:
        """Status and error of a job after a worker had it."""
        job = self.job(kind, target)
        assert begin(self.place, job)
        conclude(self.place, job, do(self.place, job))
        return self.ends(job)

    def ends(self, job: str) -> tuple[str, str]:
        with self.server.service.database.session() as session:
            row = session.get_one(Job, job)
            return row.status, row.error


@pytest.fixture
def bench(alone: TestServer, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(alone, monkeypatch)


def test_a_job_that_was_cancelled_or_deleted_meanwhile_is_not_begun_done_or_concluded(bench: Bench) -> None:
    job = bench.job("run", bench.run, status="cancelled")
    assert not begin(bench.place, job)
    assert do(bench.place, job) == ""
    conclude(bench.place, job, "failed")
    assert bench.ends(job) == ("cancelled", "")
    assert not begin(bench.place, "0" * 32)
    assert do(bench.place, "0" * 32) == ""
    conclude(bench.place, "0" * 32, "")
    assert bench.orders == []


def test_a_job_found_running_after_a_restart_is_begun_again_and_one_that_ends_every_worker_is_not(bench: Bench) -> None:
    job = bench.job("run", bench.run, status="running", attempts=ATTEMPTS - 1)
    assert begin(bench.place, job)
    assert (
        do(bench.place, job)
        != do(bench.place, job)
        == f"This job ended its worker {ATTEMPTS} times; " + ("look at its log, and tell whoever runs this server.")
    )
    assert len(bench.orders) == 1


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        (Ending(-9, "time"), "The job exceeded its limit of 168 hours; use fewer or shorter recordings."),
        (Ending(-9, "memory"), "The job exceeded its limit of 64 GiB; use fewer or shorter recordings."),
        (Ending(-9), "The job ended unexpectedly (code -9); its log says more. Resume continues"),
        (Ending(1), "The job ended unexpectedly (code 1)"),
    ],
)
def test_a_run_whose_child_was_killed_says_why(bench: Bench, ending: Ending, says: str) -> None:
    bench.ending = ending
    (status, error) = bench.done("run", bench.run)
    assert (status, error[: len(says)]) == ("failed", says)


def test_what_the_child_says_of_its_end_counts_and_an_old_word_of_it_does_not(bench: Bench) -> None:
    bench.answer = {"result.json": {"error": "The video is too short."}}
    assert bench.done("run", bench.run) == ("failed", "The video is too short.")
    bench.answer = {"result.json": {"error": ""}}
    assert bench.done("run", bench.run) == ("done", "")
    bench.answer, bench.ending = {}, Ending(-9, "cancelled")
    assert bench.done("run", bench.run) == ("done", "")  # whoever cancelled it has its row say so
    bench.ending = Ending(-11)
    assert bench.done("run", bench.run)[0] == "failed"  # the word of the run before is gone


def test_a_full_disk_and_a_folder_that_may_not_be_read_are_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tasks, "write_run_study", full)
    assert bench.done("run", bench.run) == (
        "failed", "The server could not read or write (No space left on device); is its disk full?"
    )  # fmt: skip
    bench.server.change(Recording, bench.recording, outside="/elsewhere/a.mp4")
    status, error = bench.done("run", bench.run)
    assert status == "failed"
    assert "not in a folder that this server may read" in error


def test_a_run_without_its_recording_or_its_reference_does_not_begin(bench: Bench) -> None:
    bench.server.change(Run, bench.run, against_id="0" * 32)
    assert bench.done("score", bench.run)[1].startswith("The run that holds the frozen reference was deleted")
    bench.client.delete(f"studies/{bench.study}/recordings/{bench.recording}")
    assert bench.done("run", bench.run) == ("failed", "The recording 'ada-1' was deleted; start a new run.")
    assert bench.done("run", "0" * 32) == ("done", "")
    assert bench.orders == []


def test_faces_are_hidden_first_and_nothing_is_analysed_where_that_fails(bench: Bench) -> None:
    entry = {"id": bench.recording} | ENTRY | {"face_box": [0, 0, 20, 20]}
    bench.server.change(Run, bench.run, recordings={"ada-1": entry})
    bench.ending = Ending(-9, "memory")
    assert bench.done("run", bench.run) == ("failed", "The video could not be converted; see its verdict.")
    assert [order["do"] for order in bench.orders] == ["copy"]
    bench.ending = Ending(-9, "cancelled")
    job = bench.job("run", bench.run, status="cancelled")
    assert tasks.do_run(bench.place, bench.run, lambda: True) == ""
    assert [order["do"] for order in bench.orders] == ["copy", "copy"]
    assert bench.ends(job)[0] == "cancelled"


def test_a_worker_that_is_told_to_end_gives_its_job_back(bench: Bench) -> None:
    job = bench.job("run", bench.run)
    assert begin(bench.place, job)
    bench.place.stopping.set()
    do(bench.place, job)
    assert bench.ends(job) == ("queued", "")
    bench.server.change(Job, job, status="cancelled")
    tasks.WORK["run"](bench.place, bench.run, lambda: True)
    assert bench.ends(job)[0] == "cancelled"


def test_a_job_is_to_stop_once_it_is_cancelled_or_its_study_is_gone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[bool]()

    def look(place: Workplace, target: str, stop: Any) -> str:
        asked.append(stop())
        bench.client.delete(f"studies/{bench.study}")
        asked.append(stop())
        return ""

    monkeypatch.setitem(tasks.WORK, "run", look)
    job = bench.job("run", bench.run)
    assert begin(bench.place, job)
    conclude(bench.place, job, do(bench.place, job))
    assert asked == [False, True]


@pytest.mark.parametrize(
    ("ending", "status", "reason"),
    [
        (Ending(-9, "time"), "failed", "The file took too long to open; convert it to MP4 (H.264) and upload that."),
        (Ending(-9, "memory"), "failed", "The file asked for too much memory; convert it to MP4"),
        (Ending(-11), "failed", "The file ended the decoder; convert it"),
        (Ending(-9, "cancelled"), "ok", ""),  # as it was before
    ],
)
def test_a_film_that_its_reader_did_not_survive(bench: Bench, ending: Ending, status: str, reason: str) -> None:
    bench.ending = ending
    assert bench.done("probe", bench.recording) == ("done", "")
    (shown,) = bench.client.get(f"studies/{bench.study}/recordings").json
    assert (shown["status"], shown["reason"][: len(reason)]) == (status, reason)


def test_files_that_are_named_and_missing_are_told_to_the_reader(bench: Bench) -> None:
    bench.server.change(Recording, bench.recording, keypoints="marks.csv")
    bench.done("probe", bench.recording)
    (order,) = bench.orders
    assert (order["keypoints"], order["mask"]) == (None, None)
    assert "has no file 'marks.csv'" in order["lacking"]["keypoints"]


def test_a_film_that_is_deleted_while_it_is_looked_at_is_no_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> Ending:
        bench.client.delete(f"studies/{bench.study}/recordings/{bench.recording}")
        return Ending(-9)

    monkeypatch.setattr(tasks, "run_child", gone)
    assert bench.done("probe", bench.recording) == ("done", "")
    for kind in ("probe", "copy", "clip"):
        assert bench.done(kind, bench.recording) == ("done", "")


def test_a_copy_is_made_once_and_a_failed_one_is_said(bench: Bench) -> None:
    bench.ending = Ending(-9, "cancelled")
    assert bench.done("copy", bench.recording) == ("done", "")
    bench.ending = Ending(1)
    assert bench.done("copy", bench.recording) == ("failed", "The video could not be converted; see its verdict.")
    made = Path(bench.orders[-1]["out"])
    made.parent.mkdir(parents=True)
    made.write_bytes(b"made")
    assert bench.done("copy", bench.recording) == ("done", "")
    assert len(bench.orders) == 2


def test_a_clip_names_its_run_and_the_run_of_its_reference(bench: Bench) -> None:
    against = bench.server.add_run(bench.study, "nobody", None, reference="healthy")
    clips = []
    for other in (None, against):
        bench.server.change(Run, bench.run, against_id=other)
        with bench.server.service.database.session() as session:
            clip = Clip(run_id=bench.run, recording="ada-1", factor=2.0, layout="magnified")
            session.add(clip)
            session.flush()
            clips.append(clip.id)
        bench.answer = {"result.json": {"error": ""}}
        assert bench.done("clip", clips[-1]) == ("done", "")
    storage = bench.server.service.storage
    assert [order["against"] for order in bench.orders] == [
        None,
        str(storage.study(bench.study) / "runs" / against / "run"),
    ]
    assert all(Path(order["run"]).parent.name == bench.run for order in bench.orders)


def test_a_run_is_scored_against_the_run_that_holds_the_reference(bench: Bench) -> None:
    against = bench.server.add_run(bench.study, "nobody", None, reference="healthy")
    bench.server.change(Run, bench.run, against_id=against)
    bench.answer = {"result.json": {"error": ""}}
    assert bench.done("score", bench.run) == ("done", "")
    assert bench.done("score", bench.run) == ("done", "")  # again, as after a kill: its study is there by now
    assert [order["do"] for order in bench.orders] == ["score", "score"]


def test_only_so_many_runs_may_wait_for_one_person(bench: Bench) -> None:
    limit, person = bench.server.settings.limits.queued_runs, _me(bench.client)
    bench.server.add_recording(bench.study, "b.mp4", subject="bob", group="impaired")
    for _ in range(limit):
        bench.job("run", bench.run)
    with bench.server.service.database.session() as session:
        for job in session.query(Job):
            job.user_id = person
    answer = bench.client.post(f"studies/{bench.study}/runs", {"reference": "healthy", "preset": "quick"})
    assert answer.status_code == 429
    assert f"{limit} of your runs are waiting already" in answer.json["error"]


def _me(client: Client) -> str:
    return str(client.get("me").json["user"]["id"])
