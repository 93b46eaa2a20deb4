"""Whether the service is alive and ready, and its numbers for monitoring."""

import time
from datetime import timedelta

import psutil
from flask import Blueprint, Response, g, request
from flask_login import current_user
from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics, generate_latest
from sqlalchemy import func, select

from webui.context import service
from webui.data.models import Job, Recording, Study, Upload, User, Worker, now
from webui.data.session import database
from webui.http.answer_records import ReadyAnswer

health = Blueprint("health", __name__)
ALIVE = timedelta(seconds=30)
disable_created_metrics()  # a time beside every counter would double the list and says nothing that up_seconds does not


@health.get("/healthz")
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz")
def ready() -> tuple[ReadyAnswer, int]:
    """Database, disk and a worker are there; 503 names what is not."""
    lacking = [] if _workers() else ["no worker has reported for 30 seconds; start `ubam worker`"]
    if service().storage.free_bytes() < service().settings.limits.reserve_bytes:
        lacking.append("the disk is full")
    return {"status": "not ready" if lacking else "ok", "lacking": lacking}, 503 if lacking else 200


@health.get("/metrics")
def metrics() -> Response:
    """Numbers in Prometheus' text format, without names; for this machine and for admins."""
    local = request.remote_addr in ("127.0.0.1", "::1") and not service().settings.public_name
    if not local and not (current_user.is_authenticated and current_user.role == "admin"):
        return Response("Only an admin may read this.\n", 403, mimetype="text/plain")
    text = generate_latest(service().counters.registry) + generate_latest(_gauges())
    return Response(text, mimetype="text/plain; version=0.0.4")


def _gauges() -> CollectorRegistry:
    """Present values of the database, the disk and this process."""
    session, registry = database(), CollectorRegistry()

    def gauge(name: str, words: str, value: float) -> None:
        Gauge(f"ubam_{name}", words, registry=registry).set(value)

    for name, table in (("users", User), ("studies", Study), ("recordings", Recording), ("uploads_open", Upload)):
        gauge(name, f"Rows of {name}.", session.scalar(select(func.count()).select_from(table)) or 0)
    jobs = Gauge("ubam_jobs", "Jobs by kind and status.", ["kind", "status"], registry=registry)
    for kind, status, count in session.execute(
        select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)
    ):
        jobs.labels(kind, status).set(count)
    gauge("workers", "Workers that reported in the last 30 seconds.", _workers())
    stored = session.scalar(select(func.coalesce(func.sum(Recording.bytes), 0))) or 0
    gauge("recording_bytes", "Bytes of all recordings.", stored)
    gauge("disk_free_bytes", "Bytes free on the disk of the data folder.", service().storage.free_bytes())
    process = psutil.Process()
    gauge("up_seconds", "Seconds since this process began.", round(time.time() - process.create_time(), 1))
    gauge("memory_bytes", "Bytes of memory that this process holds.", process.memory_info().rss)
    return registry


def _workers() -> int:
    alive = select(func.count()).select_from(Worker).where(Worker.seen > now() - ALIVE)
    return database().scalar(alive) or 0


def count_request() -> None:
    """Note when a request came."""
    g.came = time.perf_counter()


def count_answer(response: Response) -> Response:
    """Count an answer by its kind, and the time that it took."""
    counters = service().counters
    counters.answers.labels(f"{response.status_code // 100}xx").inc()
    counters.seconds.inc(time.perf_counter() - g.get("came", time.perf_counter()))
    return response
