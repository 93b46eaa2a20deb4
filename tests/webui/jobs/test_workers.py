"""Workers beside each other: their names, their jobs after one of them has died, and a database that is away."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos._error import DBOSAwaitedWorkflowCancelledError

from tests.webui.support.clients import TestServer
from webui.data.models import Job, Worker, now
from webui.jobs import queue
from webui.jobs.queue import DEAD_S, DurableQueue, JobWorker
from webui.jobs.workplace import Workplace


@pytest.fixture
def place(alone: TestServer) -> Workplace:
    return Workplace(alone.settings, alone.service.database, alone.service.storage, name="mine")


def test_every_worker_of_a_machine_has_a_name_which_the_next_one_takes_over(tmp_path: Path) -> None:
    first, held = queue.take_slot(tmp_path)
    second, other = queue.take_slot(tmp_path)
    assert first.endswith("-1")
    assert second.endswith("-2")
    held.close()
    again, held = queue.take_slot(tmp_path)
    assert again == first
    for handle in (held, other):
        handle.close()


def test_the_jobs_of_a_worker_that_fell_silent_are_taken_over_and_those_of_others_are_not(
    alone: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[list[str]] = []
    monkeypatch.setattr("webui.jobs.queue.DBOS._recover_pending_workflows", taken.append)
    database = alone.service.database
    with database.session() as session:
        session.add(Worker(id="dead", seen=now() - timedelta(seconds=DEAD_S + 1)))
        session.add(Worker(id="alive", seen=now()))
        session.add(Worker(id="mine", seen=now() - timedelta(hours=1)))
    queue.take_over(database, "mine")
    queue.say_alive(database, "mine")
    queue.take_over(database, "mine")
    assert taken == [["dead"]]
    with database.session() as session:
        assert sorted(worker.id for worker in session.query(Worker)) == ["alive", "mine"]


class Beats:
    """A worker's end, which comes after some beats."""

    def __init__(self, count: int) -> None:
        self.left = count

    def wait(self, _: float) -> bool:
        self.left -= 1
        return self.left == 0


def test_a_database_that_is_away_for_a_while_does_not_end_a_worker(
    alone: TestServer, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: Iterator[int] = iter(range(9))

    def away_at_first(*_: object) -> None:
        if next(tried) < 2:
            raise ConnectionError("the database is away")

    kept: list[Workplace] = []
    monkeypatch.setattr(queue, "say_alive", away_at_first)
    monkeypatch.setattr(queue, "take_over", lambda *_: None)
    monkeypatch.setattr(queue, "housekeeping", kept.append)
    worker: Any = JobWorker.__new__(JobWorker)
    worker.name, worker._place, worker._queue, worker._stopped = "mine", place, alone.queue, Beats(4)
    worker._live()
    assert kept == [place, place]


def test_a_job_that_a_process_left_between_its_row_and_the_queue_is_queued(alone: TestServer) -> None:
    client = alone.only_person()
    study = client.post("studies", {"name": "x"}).json["id"]
    with alone.service.database.session() as session:
        for name in ("queued", "running", "done", "cancelled"):
            session.add(Job(id=name, kind="run", target_id="t", study_id=study, user_id="u", status=name))
    queue.queue_again(alone.service.database, alone.queue)
    assert alone.queue.jobs == ["queued"]


def test_a_job_waits_in_its_queue_once_and_is_dropped_once_or_twice(tmp_path: Path, alone: TestServer) -> None:
    waiting = DurableQueue(alone.settings)
    job = Job(id="a" * 32, kind="probe", attempts=0, priority=1)
    for _ in range(2):
        waiting.add(job)
    known = waiting._client.list_workflows()
    assert [one.workflow_id for one in known] == [f"{job.id}-0"]
    job.attempts = 1  # its worker gave it back
    waiting.add(job)
    assert len(waiting._client.list_workflows()) == 2
    for _ in range(2):
        waiting.drop(job)
    waiting.drop(Job(id="b" * 32, kind="run", attempts=0))
    assert sorted(one.status for one in waiting._client.list_workflows()) == ["CANCELLED", "ENQUEUED"]
    waiting.close()


def test_that_a_job_was_cancelled_is_no_error_of_the_queue(alone: TestServer) -> None:
    def record(problem: BaseException | None) -> logging.LogRecord:
        cause: Any = (type(problem), problem, None) if problem is not None else None
        return logging.LogRecord("dbos", logging.ERROR, __file__, 1, "failed", None, cause)

    DurableQueue(alone.settings).close()
    said = logging.getLogger("dbos").filter
    assert not said(record(DBOSAwaitedWorkflowCancelledError("a")))
    assert said(record(ValueError("x")))
    assert said(record(None))
