"""The real child process of a run with stages that take no time, write down that they began, and wait when told to.

Beside the run folder: trace.txt gets a line per beginning; as long as the data folder's file `hold` names a stage, that
stage waits; a subject called `poison` ends the process in the stage `crops`, as a video that breaks a decoder would.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ubam.pipeline import runner, stages
from ubam.pipeline.job import Job
from webui.jobs import analysis_process


def _stage(name: str) -> Callable[[Job], list[str]]:
    def work(job: Job) -> list[str]:
        with open(job.folder.parent / "trace.txt", "a", encoding="utf-8") as trace:
            trace.write(f"{name} {os.getpid()}\n")
        job.progress(name, 1, 2)
        if name == "crops" and "poison" in job.study.subjects:
            os.kill(os.getpid(), signal.SIGKILL)
        if _held(job) == name:
            _leave_a_child(job)
        while _held(job) == name:
            time.sleep(0.05)
        for path in (job.folder / "recordings.csv", *job.written(name)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if name == "report":
            (job.folder / "report.html").write_text("<!doctype html><title>stub</title>", encoding="utf-8")
        return []

    return work


def _held(job: Job) -> str:
    hold = job.folder.parents[4] / "hold"
    return hold.read_text(encoding="utf-8").strip() if hold.exists() else ""


def _leave_a_child(job: Job) -> None:
    """A grandchild, as a decoder is, that nobody waits for."""
    child = subprocess.Popen(["sleep", "600"])
    Path(job.folder.parent / "grandchild.txt").write_text(str(child.pid), encoding="utf-8")


for name in stages.STAGES:
    runner.WORK[name] = _stage(name)

if __name__ == "__main__":
    analysis_process.main()
