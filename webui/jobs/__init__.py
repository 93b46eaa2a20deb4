"""Work that outlives a request comes in.

Child processes do it, and its progress and its end go into the database.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["DurableQueue", "JobWorker", "Workplace", "add_job", "cancel_job", "read_progress", "run_child"]

if TYPE_CHECKING:
    from webui.jobs.progress import read_progress
    from webui.jobs.queue import DurableQueue, JobWorker
    from webui.jobs.requests import add_job, cancel_job
    from webui.jobs.subprocesses import run_child
    from webui.jobs.workplace import Workplace
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        DurableQueue="queue",
        JobWorker="queue",
        Workplace="workplace",
        add_job="requests",
        cancel_job="requests",
        read_progress="progress",
        run_child="subprocesses",
    )
