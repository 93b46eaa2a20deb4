"""The targets of the server, measured on a server of its own: `python -m webui.measure [--mib 1024]`.

First page; an upload against a plain copy and what it costs in memory; many tabs that poll beside hundreds of half-open
connections; how soon a cancelled run is gone. Everything happens in a temporary folder on loopback.
"""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

MIB = 1024**2


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

    def enter(self, token: str) -> "Browser":
        """Come by the printed address."""
        _, _, headers = self.ask("GET", f"/login?token={token}")
        self.headers["Cookie"] = headers["Set-Cookie"].partition(";")[0]
        _, body, headers = self.ask("GET", "/api/v1/me")
        if "Set-Cookie" in headers:
            self.headers["Cookie"] = headers["Set-Cookie"].partition(";")[0]
        self.headers["X-CSRFToken"] = json.loads(body)["csrf"]
        return self


@contextmanager
def server(data: Path) -> Iterator[tuple[subprocess.Popen[str], tuple[str, int], str]]:
    """`ubam serve` as a process: itself, its address and the token."""
    command = [sys.executable, "-m", "ubam", "serve", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://([\d.]+):(\d+)/login\?token=(\S+)", line)
        if found is None:
            raise click.ClickException(f"the server did not start: {line}")
        yield process, (found[1], int(found[2])), found[3]
    finally:
        process.terminate()
        process.wait()


def memory_mib(process: int, peak: bool = False) -> float:
    """Resident memory of a process, MiB."""
    name = "VmHWM" if peak else "VmRSS"
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def first_page(address: tuple[str, int], cookie: str) -> float:
    """Median milliseconds of the page of studies with everything that it links, one connection."""
    times = []
    for _ in range(11):
        browser, began = Browser(address, cookie), time.perf_counter()
        _, body, _ = browser.ask("GET", "/")
        links = set(re.findall(r'(?:href|src)="(/(?:static|texts)[^"]*)"', body.decode()))
        for link in links:
            browser.ask("GET", link)
        times.append(1000 * (time.perf_counter() - began))
    return sorted(times)[len(times) // 2]


def upload(browser: Browser, path: Path, chunk: int) -> float:
    """Seconds that an upload in chunks takes."""
    headers = {"Content_Type": "application/json"}
    _, body, _ = browser.ask("POST", "/api/v1/studies", json.dumps({"name": "measure"}).encode(), **headers)
    study, name = json.loads(body)["id"], base64.b64encode(b"large.mp4").decode()
    began = time.perf_counter()
    _, _, answer = browser.ask(
        "POST", f"/api/v1/studies/{study}/uploads", Tus_Resumable="1.0.0", Upload_Length=str(path.stat().st_size),
        Upload_Metadata=f"filename {name}",
    )  # fmt: skip
    where, offset = answer["Location"], 0
    with open(path, "rb") as handle:
        while piece := handle.read(chunk):
            status, _, _ = browser.ask(
                "PATCH", where, piece, Tus_Resumable="1.0.0", Upload_Offset=str(offset),
                Content_Type="application/offset+octet-stream",
            )  # fmt: skip
            if status != 204:
                raise click.ClickException(f"the upload was refused: {status}")
            offset += len(piece)
    return time.perf_counter() - began


def crowd(address: tuple[str, int], cookie: str, tabs: int, half_open: int) -> tuple[float, float, int]:
    """Median and worst seconds of a page while tabs poll and half-open connections lie about; how many were held."""
    held, stop = [], threading.Event()
    for _ in range(half_open):
        with contextlib.suppress(OSError):
            waiting = socket.create_connection(address, timeout=5)
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")  # and the rest never comes
            held.append(waiting)
    threads = [threading.Thread(target=_poll, args=(address, cookie, stop), daemon=True) for _ in range(tabs)]
    for thread in threads:
        thread.start()
    times = []
    for _ in range(20):
        browser, began = Browser(address, cookie), time.perf_counter()
        browser.ask("GET", "/")
        times.append(time.perf_counter() - began)
        time.sleep(0.3)
    stop.set()
    for waiting in held:
        waiting.close()
    return sorted(times)[len(times) // 2], max(times), len(held)


def _poll(address: tuple[str, int], cookie: str, stop: threading.Event) -> None:
    browser = Browser(address, cookie)
    while not stop.wait(1.0):
        with contextlib.suppress(OSError, http.client.HTTPException):
            browser.ask("GET", "/api/v1/runs")


@click.command()
@click.option("--mib", type=click.IntRange(1), default=1024, show_default=True, help="Size of the upload.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to measure  [default: the temporary folder]")
def main(mib: int, folder: Path | None) -> None:
    """Measure the server's targets and print one line each."""
    place = Path(tempfile.mkdtemp(prefix="ubam-measure-", dir=folder))
    try:
        with server(place / "data") as (process, address, token):
            browser = Browser(address).enter(token)
            cookie = browser.headers["Cookie"]
            click.echo(f"first page with its styles and scripts: {first_page(address, cookie):.0f} ms (target 100)")
            _measure_upload(browser, process.pid, place, mib)
            middle, worst, held = crowd(address, cookie, 50, 800)
            click.echo(
                f"page beside 50 polling tabs and {held} half-open connections: median {1000 * middle:.0f} ms, "
                f"worst of 20 {1000 * worst:.0f} ms (target 1000)"
            )
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _measure_upload(browser: Browser, process: int, place: Path, mib: int) -> None:
    large, block = place / "large.bin", os.urandom(MIB)
    with open(large, "wb") as handle:
        for _ in range(mib):
            handle.write(block)
    copied = []
    for _ in range(3):
        began = time.perf_counter()
        shutil.copyfile(large, place / "copy.bin")
        with open(place / "copy.bin", "rb+") as handle:
            os.fsync(handle.fileno())
        copied.append(time.perf_counter() - began)
        (place / "copy.bin").unlink()
    browser.connection.close()  # it was idle for longer than the server keeps a connection
    before = memory_mib(process)
    took = upload(browser, large, 8 * MIB)
    after = memory_mib(process, peak=True)
    copy = sorted(copied)[1]
    click.echo(
        f"upload of {mib} MiB in chunks of 8 MiB: {took:.2f} s, {took / copy:.1f} times a plain copy with fsync "
        f"({copy:.2f} s; target 2); memory of the server before {before:.0f} MiB, at most {after:.0f} MiB: "
        f"{after - before:.0f} MiB for the upload (target 60)"
    )


if __name__ == "__main__":
    main()
