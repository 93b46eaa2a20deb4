"""Child processes for what may go wrong, decoding and analysing: ended as a whole, limited in time and memory."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Ending:
    """How a child ended: its exit code, and why it was killed (`cancelled`, `time`, `memory`) or an empty string."""

    code: int
    killed: str = ""


def run_child(
    module: str, argument: str, log: Path, *, seconds: float, memory: int, stop: Callable[[], bool], poll: float = 0.5
) -> Ending:
    """Run `python -m module argument` in a process group of its own until it ends, is to stop, or exceeds a limit.

    seconds: wall clock; memory: bytes of the whole group, its own children included; stop: asked every `poll` seconds.
    The child's standard input is a pipe that only this process holds: when this process dies, even by kill -9, the pipe
    closes and the child ends its group (`end_with_parent`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", module, argument], stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True, cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    until, killed, look = time.monotonic() + seconds, "", 0
    try:
        while child.poll() is None and not killed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(poll)
            look += 1
            too_much = look % 4 == 0 and group_bytes(child.pid) > memory
            killed = "cancelled" if stop() else "memory" if too_much else "time" if time.monotonic() > until else ""
    finally:
        kill_group(child.pid)
        code = child.wait()
        if child.stdin is not None:
            child.stdin.close()
    return Ending(code, killed if code < 0 else "")


def kill_group(group: int) -> None:
    """End every process of a group; none is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def group_bytes(group: int) -> int:
    """Memory that the processes of a group hold, bytes; shared pages count in each."""
    total = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):  # it may end at any moment
            total += process.memory_info().rss if os.getpgid(process.pid) == group else 0
    return total


def end_with_parent() -> None:
    """In a child: end the whole group as soon as the process that started it is gone."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        kill_group(os.getpgrp())

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
