"""What the threads of one process of the service share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from flask import current_app
from prometheus_client import CollectorRegistry, Counter

from webui.access.identity import OneTime
from webui.data.database import Database
from webui.data.models import Job
from webui.data.storage import Storage
from webui.data.upload_receiver import Leases
from webui.settings import ServerSettings


class JobQueue(Protocol):
    """Where jobs wait; `webui.jobs.DurableQueue` is the real one."""

    def add(self, job: Job) -> None:
        """Queue a job that is in the database."""

    def drop(self, job: Job) -> None:
        """Forget a job that has not begun."""


class Counters:
    """What this process has counted since it began, for `/metrics`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter("ubam_answers", "Answers by kind, 2xx to 5xx.", ["kind"], registry=self.registry)
        self.seconds = Counter("ubam_answer_seconds", "Seconds spent on answers.", registry=self.registry)
        self.upload_bytes = Counter("ubam_upload_bytes", "Bytes of uploads received.", registry=self.registry)


@dataclass
class Service:
    """Settings, database, files, queue, and what the web process remembers until it ends."""

    settings: ServerSettings
    database: Database
    storage: Storage
    queue: JobQueue
    leases: Leases = field(default_factory=Leases)
    one_time: OneTime = field(default_factory=OneTime)
    opened: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    close: Callable[[], None] = lambda: None


def service() -> Service:
    """The service of the app that answers this request."""
    found: Service = current_app.extensions["ubam"]
    return found
