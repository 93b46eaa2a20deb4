"""Is it alive, is it ready, and the numbers for whoever watches it."""

import os
import time
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g, request
from flask_login import current_user
from sqlalchemy import func, select

from webui.context import service
from webui.data.models import Job, Recording, Study, Upload, User, Worker, now
from webui.data.session import database

health = Blueprint("health", __name__)
STARTED = time.time()
ALIVE = timedelta(seconds=30)


@health.get("/healthz")
def alive() -> dict[str, Any]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz")
def ready() -> tuple[dict[str, Any], int]:
    """Database, disk and a worker are there; 503 names what is not."""
    workers = database().scalar(select(func.count()).select_from(Worker).where(Worker.seen > now() - ALIVE)) or 0
    lacking = [] if workers else ["no worker has been heard of for 30 seconds; start `ubam worker`"]
    if service().storage.free_bytes() < service().settings.limits.reserve_bytes:
        lacking.append("the disk is full")
    return {"status": "not ready" if lacking else "ok", "lacking": lacking}, 503 if lacking else 200


@health.get("/metrics")
def metrics() -> Response:
    """Numbers in Prometheus' text format, without names; for this machine and for admins."""
    local = request.remote_addr in ("127.0.0.1", "::1") and not service().settings.public_name
    if not local and not (current_user.is_authenticated and current_user.role == "admin"):
        return Response("Only an admin may read this.\n", 403, mimetype="text/plain")
    lines = [f"ubam_{name} {value}" for name, value in _numbers().items()]
    return Response("\n".join(lines) + "\n", mimetype="text/plain; version=0.0.4")


def _numbers() -> dict[str, float]:
    session = database()
    found: dict[str, float] = {}
    for what, table in (("users", User), ("studies", Study), ("recordings", Recording), ("uploads_open", Upload)):
        found[what] = session.scalar(select(func.count()).select_from(table)) or 0
    jobs = select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)
    for kind, status, count in session.execute(jobs):
        found[f'jobs{{kind="{kind}",status="{status}"}}'] = count
    found["workers"] = session.scalar(select(func.count()).select_from(Worker).where(Worker.seen > now() - ALIVE)) or 0
    found["recording_bytes"] = session.scalar(select(func.coalesce(func.sum(Recording.bytes), 0))) or 0
    found["disk_free_bytes"] = service().storage.free_bytes()
    found["up_seconds"] = round(time.time() - STARTED, 1)
    with open("/proc/self/statm", encoding="ascii") as handle:
        found["memory_bytes"] = int(handle.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return found | {_total(name): value for name, value in service().counters.items()}


def _total(name: str) -> str:
    base, brace, labels = name.partition("{")
    return f"{base}_total{brace}{labels}"


def count_request() -> None:
    """When a request came."""
    g.came = time.perf_counter()


def count_answer(response: Response) -> Response:
    """How many answers there were, of which kind, and how long they took."""
    counters, kind = service().counters, response.status_code // 100
    took = time.perf_counter() - g.get("came", time.perf_counter())
    for name, value in ((f'answers{{kind="{kind}xx"}}', 1.0), ("answer_seconds", took)):
        counters[name] = counters.get(name, 0.0) + value
    return response
