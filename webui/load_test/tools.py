"""A browser, a server and a command line for `webui.load_test.targets`."""

import base64
import csv
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import click
import psutil

from webui.jobs.example import MARK

SAMPLES = Path(__file__).resolve().parents[2] / "sample_videos"
GROW_S = 1.5  # as static/js/tus.js


class Browser:
    """One connection with a session."""

    def __init__(self, address: tuple[str, int], cookie: str = "") -> None:
        self.connection = http.client.HTTPConnection(*address, timeout=120)
        self.headers = {"Cookie": cookie} if cookie else {}

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, self.headers | named)
        answer = self.connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers."""
        sent = None if body is None else json.dumps(body).encode()
        status, data, _ = self.ask(method, f"/api/v1/{path}", sent, Content_Type="application/json")
        if status >= 400:
            raise click.ClickException(f"{method} {path}: {status} {data.decode('utf-8', 'replace')}")
        return json.loads(data) if data else None

    def enter(self, token: str) -> "Browser":
        """Sign in by the printed address."""
        _, _, headers = self.ask("GET", f"/login?token={token}")
        self.headers["Cookie"] = headers["Set-Cookie"].partition(";")[0]
        _, body, headers = self.ask("GET", "/api/v1/me")
        if "Set-Cookie" in headers:
            self.headers["Cookie"] = headers["Set-Cookie"].partition(";")[0]
        known = json.loads(body)
        self.headers["X-CSRFToken"], self.limits = known["csrf"], known["limits"]
        return self


@contextmanager
def server(data: Path, folder: Path) -> Iterator[tuple[int, tuple[str, int], str]]:
    """`ubam serve` as a process that may read `folder`: its number, its address and the token.

    It makes no example study, which would work beside what is measured.
    """
    data.mkdir(mode=0o700)
    (data / MARK).touch()
    command = [sys.executable, "-m", "ubam", "serve", "--port", "0", "--data", str(data), "--allow-folder", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://([\d.]+):(\d+)/login\?token=(\S+)", line)
        if found is None:
            raise click.ClickException(f"the server did not start: {line}")
        yield process.pid, (found[1], int(found[2])), found[3]
    finally:
        process.terminate()
        process.wait()


def memory_mib(process: int, peak: bool = False) -> float:
    """Resident memory of a process, MiB, from Linux: psutil does not know the peak."""
    name = "VmHWM" if peak else "VmRSS"
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def cpu_seconds(process: int) -> float:
    """Processor seconds that a process and its ended children have taken."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def has_ended(process: int) -> Callable[[], bool]:
    """A condition: the process has no descendants beyond those of now."""
    before = _descendants(process)
    return lambda: _descendants(process) <= before


def _descendants(process: int) -> set[int]:
    return {child.pid for child in psutil.Process(process).children(recursive=True)}


def first_page(address: tuple[str, int], browser: Browser) -> float:
    """Median milliseconds of the page of studies with everything that it links, one connection."""
    times = []
    for _ in range(11):
        visitor, began = Browser(address, browser.headers["Cookie"]), time.perf_counter()
        _, body, _ = visitor.ask("GET", "/")
        links = set(re.findall(r'(?:href|src)="(/(?:static|texts)[^"]*)"', body.decode()))
        for link in links:
            visitor.ask("GET", link)
        times.append(1000 * (time.perf_counter() - began))
    return median(times)


def upload(browser: Browser, path: Path) -> tuple[str, float]:
    """Upload as the page does, in pieces that grow on a fast line; the study and the seconds that it took."""
    study, name = browser.json("POST", "studies", {"name": "measure"})["id"], base64.b64encode(b"large.mp4").decode()
    began = time.perf_counter()
    _, _, answer = browser.ask(
        "POST", f"/api/v1/studies/{study}/uploads", Tus_Resumable="1.0.0", Upload_Length=str(path.stat().st_size),
        Upload_Metadata=f"filename {name}",
    )  # fmt: skip
    where, offset, size = answer["Location"], 0, browser.limits["chunk_bytes"]
    with open(path, "rb") as handle:
        while piece := handle.read(size):
            asked = time.perf_counter()
            status, _, _ = browser.ask(
                "PATCH", where, piece, Tus_Resumable="1.0.0", Upload_Offset=str(offset),
                Content_Type="application/offset+octet-stream",
            )  # fmt: skip
            if status != 204:
                raise click.ClickException(f"the upload was refused: {status}")
            offset += len(piece)
            if time.perf_counter() - asked < GROW_S:
                size = min(2 * size, browser.limits["largest_chunk_bytes"])
    return study, time.perf_counter() - began


def new_study(browser: Browser) -> str:
    """A study of the sample videos, probed, with the groups of their table."""
    study: str = browser.json("POST", "studies", {"name": "sample"})["id"]
    browser.json("POST", f"studies/{study}/folder", {"path": str(SAMPLES)})
    with open(SAMPLES / "study.csv", newline="", encoding="utf-8") as handle:
        groups = {row["video"]: row["group"] for row in csv.DictReader(handle)}
    for recording in browser.json("GET", f"studies/{study}/recordings"):
        group = groups.get(recording["file_name"])
        path = f"studies/{study}/recordings/{recording['id']}"
        browser.json("PATCH", path, {"group": group}) if group else browser.json("DELETE", path)
    while browser.json("GET", f"studies/{study}/check")["problems"]:
        time.sleep(0.2)
    return study


def command_line(out: Path) -> tuple[float, float]:
    """Seconds of `ubam run` on the sample study, and of the processors meanwhile."""
    command = [sys.executable, "-m", "ubam", "run", str(SAMPLES / "study.csv"), "--out", str(out), "--preset", "quick"]
    began, worked = time.perf_counter(), cpu_seconds(os.getpid())
    subprocess.run([*command, "--reference", "healthy"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, cpu_seconds(os.getpid()) - worked
