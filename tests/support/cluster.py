"""Dask schedulers and workers as processes of their own, and what the tests have them do."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOLD = "UBAM_TEST_TOLD"  # names a folder in which tests and workers tell each other things
REPOSITORY = Path(__file__).resolve().parents[2]
WITHOUT_UBAM = "import sys; sys.modules['ubam'] = None; from distributed.cli.dask_worker import main; main()"


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def note(number: int | str, log: Path, seconds: float = 0.0) -> int:
    """Write the number and this process into the log, wait, and return the process."""
    with open(log, "a") as told:
        told.write(f"{number} {os.getpid()}\n")
    time.sleep(seconds)
    return os.getpid()


def hang_in(number: int, process: int, released: Path) -> int:
    """Return this process; in the one that is named, only when the file is there."""
    while os.getpid() == process and not released.exists():
        time.sleep(0.01)
    return os.getpid()


def fill_the_disk(number: int) -> None:
    """Say what a full disk says."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"{number}.npz")


def end_the_worker(number: int) -> None:
    """What the system does to a process that takes all memory."""
    os._exit(number or 1)


def dask_setup(worker: object) -> None:
    """What Dask calls in a worker that is preloaded with this module: it sees with a plain eye, and does as it is told.

    In the folder $TOLD, `begun` gets the id and the process of every recording that is begun. The worker of the
    recording named in `kill` is killed half-way, once, and `killed` names its process; that of the one named in `full`
    finds its disk full.
    """
    import pytest

    from tests.support.plain_eye import PlainEye  # loads torch
    from ubam.pipeline import recording_stages
    from ubam.tracking.cropping import build_crops
    from ubam.tracking.eye.eye import Eye

    told = Path(os.environ[TOLD])

    def build(recording: Any, out: Path, **how: Any) -> Any:
        name = recording.recording_id
        note(name, told / "begun")
        if _named(told / "full") == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out))
        if _named(told / "kill") == name:
            how["progress"] = lambda done, total: _end_half_way(told) if done > 0.4 * total else None
        return build_crops(recording, out, **how)

    patch = pytest.MonkeyPatch()
    patch.setattr(Eye, "load", lambda *_, **__: PlainEye())
    patch.setattr(recording_stages, "build_crops", build)


def _named(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _end_half_way(told: Path) -> None:
    (told / "kill").rename(told / "killed")
    (told / "killed").write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)


def without_ubam() -> None:
    """From now on this worker does not find ubam."""
    sys.modules["ubam"], sys.modules["ubam, hidden"] = None, sys.modules["ubam"]


def with_ubam() -> None:
    """The end of that."""
    sys.modules["ubam"] = sys.modules.pop("ubam, hidden")


@contextmanager
def scheduler_process() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler in a process of its own: its address, and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"]
    scheduler = _begin("-m", "distributed.cli.dask_scheduler", *words)
    try:
        _wait_for(port)
        yield f"tcp://127.0.0.1:{port}", scheduler
    finally:
        scheduler.kill()
        scheduler.wait()


@contextmanager
def worker_process(address: str, with_ubam: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with one thread in a process of its own."""
    program = ["-m", "distributed.cli.dask_worker"] if with_ubam else ["-c", WITHOUT_UBAM]
    worker = _begin(*program, address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def _begin(*words: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command, silent = [sys.executable, *words], subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=silent, stderr=silent)


def _wait_for(port: int, within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers at port {port}")
