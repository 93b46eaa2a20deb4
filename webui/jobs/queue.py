"""Durable jobs: what waits, in which order, which worker does it, and which continues when a process dies."""

import contextlib
import fcntl
import logging
import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from dbos import DBOS, DBOSClient, DBOSConfig, run_dbos_database_migrations
from dbos._error import DBOSAwaitedWorkflowCancelledError
from sqlalchemy import create_engine, delete, select

from webui.context import JobQueue
from webui.data.database import Database, check_sqlite
from webui.data.models import Job, Worker, now
from webui.jobs.housekeeping import housekeeping
from webui.jobs.tasks import begin, conclude, do
from webui.jobs.workplace import Workplace
from webui.settings import ServerSettings

NAME = "ubam"
VERSION = "1"  # the shape of the workflow: jobs queued by one version of ubam are done by the next
HEAVY, SMALL = "heavy", "small"  # runs, and everything that somebody waits for
QUEUE_OF = {"run": HEAVY, "score": HEAVY, "clip": SMALL, "probe": SMALL, "copy": SMALL}
BEAT_S = 5.0
AGAIN_BEATS = 12
DEAD_S = 20.0
POLL_S = {HEAVY: 1.0, SMALL: 0.5}  # each look costs 5 ms of a processor: at 0.25 s an idle server took 6 % of one
SMALL_AT_ONCE = 2
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

_workplace: Workplace | None = None


def urgency(expected_seconds: float) -> int:
    """A job's priority, smaller first: the minute at which it would be done if it began now.

    So small jobs go first, and a large one is overtaken only by jobs that came less than its own length after it.
    """
    minutes = (now() - EPOCH).total_seconds() / 60 + max(expected_seconds, 0) / 60
    return int(min(max(minutes, 1), 2**31 - 1))


class DurableQueue:
    """The queue in its own database; any process may add, the workers take."""

    def __init__(self, settings: ServerSettings) -> None:
        _quiet()
        engine = create_engine(settings.queue_url)
        check_sqlite(engine, "remove it: what waits in it is queued again")
        engine.dispose()
        run_dbos_database_migrations(settings.queue_url)
        self._client = DBOSClient(system_database_url=settings.queue_url, application_name=NAME)
        limits = {HEAVY: settings.runs_at_once, SMALL: SMALL_AT_ONCE}  # per worker, and the same for all workers
        for name, at_once in limits.items():
            self._client.register_queue(name, worker_concurrency=at_once, polling_interval_sec=POLL_S[name])

    def add(self, job: Job) -> None:
        """Queue a job that is committed to the database."""
        self._client.enqueue(
            {
                "workflow_name": "job",
                "queue_name": QUEUE_OF[job.kind],
                "workflow_id": _place_in_queue(job),
                "priority": job.priority,
                "app_version": VERSION,
            },
            job.id,
        )

    def drop(self, job: Job) -> None:
        """Forget a job that has not begun; one that nobody knows is no error."""
        with contextlib.suppress(Exception):  # the job's own row says `cancelled`: a worker that takes it does nothing
            self._client.cancel_workflow(_place_in_queue(job))

    def close(self) -> None:
        """Give the connections back."""
        self._client.destroy()


def _place_in_queue(job: Job) -> str:
    """The queue's name for a job; a job that its worker gave back (`tasks.do`) gets another."""
    return f"{job.id}-{job.attempts}"


@DBOS.workflow(name="job", max_recovery_attempts=1_000_000)  # a job counts its own attempts, see work.begin
def perform(job_id: str) -> str:
    """One job from beginning to end; after a kill it goes on here, and a run inside it at its last finished stage."""
    if not _begin(job_id):
        return "nothing to do"
    ending = _do(job_id)
    _conclude(job_id, ending)
    return ending


@DBOS.step(name="begin")
def _begin(job_id: str) -> bool:
    return begin(_place(), job_id)


@DBOS.step(name="do")
def _do(job_id: str) -> str:
    return do(_place(), job_id)


@DBOS.step(name="conclude")
def _conclude(job_id: str, ending: str) -> None:
    conclude(_place(), job_id, ending)


def _place() -> Workplace:
    if _workplace is None:
        raise RuntimeError("no worker was started in this process")
    return _workplace


class JobWorker:
    """Does jobs in this process (each in a child process of its own) until it is stopped."""

    def __init__(self, place: Workplace, queue: JobQueue) -> None:
        global _workplace
        _quiet()
        self._place, self._queue, self._stopped = place, queue, threading.Event()
        self.name, self._slot = take_slot(place.storage.data / "workers")
        place.name = self.name
        _workplace = place
        settings = place.settings
        config: DBOSConfig = {
            "name": NAME, "system_database_url": settings.queue_url, "application_version": VERSION,
            "executor_id": self.name, "log_level": "ERROR", "enable_otlp": False, "use_listen_notify": False,
        }  # fmt: skip
        DBOS(config=config)
        _quiet()
        DBOS.launch()
        _quiet()
        self._beat = threading.Thread(target=self._live, name="heartbeat", daemon=True)
        self._beat.start()

    def _live(self) -> None:
        beats = 0
        while True:
            with contextlib.suppress(Exception):  # a database that is away for a minute must not end the worker
                say_alive(self._place.database, self.name)
                take_over(self._place.database, self.name)
                if beats % AGAIN_BEATS == 0:
                    queue_again(self._place.database, self._queue)
                housekeeping(self._place)
            beats += 1
            if self._stopped.wait(BEAT_S):
                return

    def stop(self) -> None:
        """End the jobs' child processes and return the jobs to the queue, for another worker or the next start."""
        self._stopped.set()
        self._place.stopping.set()
        DBOS.destroy(workflow_completion_timeout_sec=5)
        self._slot.close()


def take_slot(folder: Path) -> tuple[str, IO[Any]]:
    """A name that is unique to this process and the same after a restart, so that it finds its own jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        name = f"{socket.gethostname()}-{number}"
        handle = open(folder / f"{name}.lock", "a+")  # noqa: SIM115  (held as long as the worker lives)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            continue
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        return name, handle
    raise RuntimeError("more than 999 workers on one machine")


def queue_again(database: Database, queue: JobQueue) -> None:
    """Queue jobs that wait and have no place in the queue: their worker gave them back, or a process died in between.

    A job that has its place is not queued twice, as the queue knows it by the same name.
    """
    with database.session() as session:
        waiting = list(session.scalars(select(Job).where(Job.status == "queued")))
    for job in waiting:
        queue.add(job)


def say_alive(database: Database, name: str) -> None:
    """Note that a worker lives."""
    with database.session() as session:
        session.merge(Worker(id=name, seen=now()))


def take_over(database: Database, name: str) -> None:
    """Put the jobs of workers that have been silent for 20 seconds back into their queues."""
    with database.session() as session:
        silent = select(Worker.id).where(Worker.id != name, Worker.seen < now() - timedelta(seconds=DEAD_S))
        dead = list(session.scalars(silent))
    for worker in dead:
        DBOS._recover_pending_workflows([worker])
        with database.session() as session:
            session.execute(delete(Worker).where(Worker.id == worker))


def _quiet() -> None:
    """DBOS logs an advertisement for its console; only its errors are of interest here, and cancelling is none."""
    for name in ("dbos", "alembic", "alembic.runtime.migration"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("dbos").addFilter(_is_error)


def _is_error(record: logging.LogRecord) -> bool:
    cause = record.exc_info[1] if record.exc_info else None
    return not isinstance(cause, DBOSAwaitedWorkflowCancelledError)
