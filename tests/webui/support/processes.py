"""Real servers, workers and databases for tests, and a client that talks to them over the network."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

ROOT = Path(__file__).resolve().parents[3]
POSTGRES = Path("/usr/lib/postgresql/15/bin")
PATIENCE_S = 300.0


class Process:
    """A server or worker; `address` is what the server printed, with its one-time token."""

    def __init__(self, **order: Any) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | order.pop("environment", {})
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.webui.support.server_process", json.dumps(order)], cwd=ROOT, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.popen.stdout is not None
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.popen.stdout.readline()
            self.said += line
            assert line, self.said
        found = re.search(r"(http://\S+)/login\?token=(\S+)", self.said)
        self.address, self.token = found.groups() if found else ("", "")

    def kill(self) -> None:
        """As a power cut would."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        """As a service manager would."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def running(**order: Any) -> Iterator[Process]:
    """A process that is gone afterwards."""
    process = Process(**order)
    try:
        yield process
    finally:
        process.stop()


class Remote:
    """The one person, over the network."""

    def __init__(self, process: Process) -> None:
        self.http = requests.Session()
        self.move_to(process)
        self.http.get(f"{self.address}/login?token={process.token}").raise_for_status()
        self.refresh()

    def move_to(self, process: Process) -> None:
        """The server was started again at another port; the cookie still holds, as the key is the same."""
        self.address = process.address

    def refresh(self) -> None:
        """Read the CSRF token."""
        self.http.headers["X-CSRFToken"] = self.json("GET", "me")["csrf"]

    def json(self, method: str, path: str, **options: Any) -> Any:
        """What the API answers; an error is one of the test."""
        answer = self.http.request(method, f"{self.address}/api/v1/{path}", timeout=60, **options)
        assert answer.status_code < 400, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def upload(self, study: str, name: str, data: bytes, **described: str) -> None:
        """One file in one piece."""
        pairs = {"filename": name} | described
        coded = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in pairs.items())
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": coded}
        begun = self.http.post(f"{self.address}/api/v1/studies/{study}/uploads", headers=headers, timeout=60)
        assert begun.status_code == 201, begun.text
        piece = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        sent = self.http.patch(self.address + begun.headers["Location"], data=data, headers=piece, timeout=60)
        assert sent.status_code == 204, sent.text

    def study(self, videos: dict[tuple[str, str], bytes]) -> str:
        """A study of {(subject, group): file}, probed."""
        study: str = self.json("POST", "studies", json={"name": "study"})["id"]
        for (subject, group), data in videos.items():
            self.upload(study, f"{subject}.mp4", data, subject=subject, group=group)
        eventually(lambda: all(r["status"] == "ok" for r in self.json("GET", f"studies/{study}/recordings")), "probed")
        return study

    def run(self, study: str, **options: Any) -> str:
        """Start a run; its id."""
        identifier: str = self.json("POST", f"studies/{study}/runs", json={"preset": "quick", "again": True} | options)[
            "id"
        ]
        return identifier

    def status(self, run: str) -> str:
        """queued, running, done, failed or cancelled."""
        found: str = self.json("GET", f"runs/{run}")["status"]
        return found


def eventually(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait for something; the test fails when it never comes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"never: {what}")


def trace(data: Path, run: str) -> list[str]:
    """The stages that a stub run began, in order."""
    found = list(data.glob(f"studies/*/runs/{run}/trace.txt"))
    return [line.split()[0] for line in found[0].read_text().splitlines()] if found else []


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of the test's own; its URL."""
    folder = Path(tempfile.mkdtemp(prefix="ubam-postgres-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "nobody")
        user = {"user": "nobody"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    initdb: list[str | Path] = [POSTGRES / "initdb", "-D", data, "-U", "ubam", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, **quiet, **user)
    command: list[str | Path] = [
        POSTGRES / "postgres",
        "-D",
        data,
        "-p",
        str(port),
        "-k",
        folder,
        "-F",
        "-c",
        "listen_addresses=127.0.0.1",
    ]
    server = subprocess.Popen(command, **quiet, **user)
    try:
        ready: list[str | Path] = [POSTGRES / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
        eventually(lambda: subprocess.run(ready, check=False, **quiet).returncode == 0, "PostgreSQL is ready")
        yield f"postgresql://ubam@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
