"""The targets of the server, measured on a server of its own: `python -m webui.load_test.targets [--mib 1024]`.

First page; an upload against plain copies and what it costs in memory; many tabs that poll beside hundreds of half-open
connections; how soon a cancelled run is gone; with --run, a run from the page against one of the command line; with
--results RUN, the page of a finished run and the factor slider of its first clip with layers. Everything happens in a
temporary folder on loopback.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from webui.load_test.results_page import open_results, slide
from webui.load_test.tools import (
    SAMPLES,
    Browser,
    command_line,
    cpu_seconds,
    first_page,
    has_ended,
    memory_mib,
    new_study,
    server,
    upload,
)

MIB = 1024**2
PIECE = 8 * MIB


def copy_on_disk(path: Path, out: Path) -> float:
    """Seconds that a plain copy takes beside it on the disk, with fsync."""
    began = time.perf_counter()
    shutil.copyfile(path, out)
    with open(out, "rb+") as handle:
        os.fsync(handle.fileno())
    took = time.perf_counter() - began
    out.unlink()
    return took


def copy_on_loopback(path: Path, out: Path) -> float:
    """Seconds that a plain copy over a loopback connection takes, with fsync and nothing else: no HTTP, no database."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        began = time.perf_counter()
        sender = os.fork()
        if sender == 0:
            with socket.create_connection(door.getsockname()) as line, open(path, "rb") as handle:
                while piece := handle.read(PIECE):
                    line.sendall(piece)
            os._exit(0)
        line, _ = door.accept()
        with line, open(out, "wb", buffering=0) as handle:
            while piece := line.recv(256 * 1024):
                handle.write(piece)
            os.fsync(handle.fileno())
        took = time.perf_counter() - began
        os.waitpid(sender, 0)
    out.unlink()
    return took


def crowd(address: tuple[str, int], browser: Browser, tabs: int, half_open: int) -> tuple[list[float], int]:
    """Seconds of forty pages while tabs poll and half-open connections lie about; how many were held."""
    held, stop, cookie = [], threading.Event(), browser.headers["Cookie"]
    for _ in range(half_open):
        with contextlib.suppress(OSError):
            waiting = socket.create_connection(address, timeout=5)
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")  # and the rest never comes
            held.append(waiting)
    for _ in range(tabs):
        threading.Thread(target=_poll, args=(address, cookie, stop), daemon=True).start()
    times = []
    for _ in range(40):
        visitor, began = Browser(address, cookie), time.perf_counter()
        visitor.ask("GET", "/")
        times.append(time.perf_counter() - began)
        time.sleep(0.25)
    stop.set()
    for waiting in held:
        waiting.close()
    return times, len(held)


def _poll(address: tuple[str, int], cookie: str, stop: threading.Event) -> None:
    browser = Browser(address, cookie)
    while not stop.wait(1.0):
        with contextlib.suppress(OSError, http.client.HTTPException):
            browser.ask("GET", "/api/v1/runs")


def cancelled(browser: Browser, process: int) -> float:
    """Seconds from asking for a run to be cancelled until every process of it is gone."""
    study = new_study(browser)
    before = has_ended(process)
    run = browser.json("POST", f"studies/{study}/runs", {"preset": "quick", "reference": "healthy"})["id"]
    while "crops" not in browser.json("GET", f"runs/{run}")["stage"]:
        time.sleep(0.1)
    time.sleep(3)  # in the midst of the stage
    began = time.perf_counter()
    browser.json("POST", f"runs/{run}/cancel")
    while not before():
        time.sleep(0.01)
    took = time.perf_counter() - began
    browser.json("DELETE", f"studies/{study}")
    return took


@dataclass(frozen=True)
class PageRun:
    """A run from the page: seconds until it is done, of the processors meanwhile, and from its score to its table."""

    seconds: float
    worked: float
    table_after: float


def run_from_the_page(browser: Browser, process: int) -> PageRun:
    """Run the sample study as the page does, and ask for its state and its results four times a second."""
    study = new_study(browser)
    began, worked = time.perf_counter(), cpu_seconds(process)
    run = browser.json("POST", f"studies/{study}/runs", {"preset": "quick", "reference": "healthy"})["id"]
    scored = shown = 0.0
    while (found := browser.json("GET", f"runs/{run}"))["status"] in ("queued", "running"):
        score = next((one["state"] for one in found["stages"] if one["name"] == "score"), "waiting")
        if not scored and score == "done":
            scored = time.perf_counter()
        if not shown and score != "waiting" and _has_table(browser, run):
            shown = time.perf_counter()
        time.sleep(0.25)
    if found["status"] != "done":
        raise click.ClickException(f"the run ended as {found['status']}: {found['error']}")
    return PageRun(time.perf_counter() - began, cpu_seconds(process) - worked, max(0.0, shown - scored))


def _has_table(browser: Browser, run: str) -> bool:
    status, data, _ = browser.ask("GET", f"/api/v1/runs/{run}/results")
    return status == 200 and bool(json.loads(data)["subjects"])


@click.command()
@click.option("--mib", type=click.IntRange(1), default=1024, show_default=True, help="Size of the upload.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to measure  [default: the temporary folder]")
@click.option("--run", is_flag=True, help="Only a run on the sample study, from the page and from the command line.")
@click.option(
    "--results",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Only the page of the finished run in this folder, in Chromium by Playwright; the factor slider is measured "
    "where one of its clips has layers.",
)
def main(mib: int, folder: Path | None, run: bool, results: Path | None) -> None:
    """Measure the server's targets and print one line each."""
    place = Path(tempfile.mkdtemp(prefix="ubam-measure-", dir=folder))
    try:
        with server(place / "data", results.parent if results else SAMPLES) as (process, address, token):
            browser = Browser(address).enter(token)
            if results:
                _measure_results(browser, address, process, results)
                return
            if run:
                _measure_run(browser, process, place)
                return
            took = first_page(address, browser)
            click.echo(f"first page with its styles and scripts: {took:.0f} ms (target 100)")
            _measure_upload(browser, process, place, mib)
            times, held = crowd(address, browser, 50, 800)
            click.echo(
                f"page beside 50 polling tabs and {held} half-open connections: median {1000 * median(times):.0f} ms, "
                f"worst of {len(times)} {1000 * max(times):.0f} ms (target 1000)"
            )
            click.echo(f"cancelled run: its processes gone after {cancelled(browser, process):.2f} s (target 3)")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _measure_results(browser: Browser, address: tuple[str, int], process: int, folder: Path) -> None:
    for screen, one in open_results(address, browser, process, folder).items():
        click.echo(
            f"results page of {one.subjects:.0f} subjects, {screen}: ranking after {one.shown_ms:.0f} ms, a click "
            f"answered after {one.answered_ms:.0f} ms (target 1000 with 50 subjects); the page worked "
            f"{one.page_ms:.0f} ms, the server's processors {one.server_ms:.0f} ms"
        )
    for screen, times in slide(address, browser, folder).items():
        click.echo(
            f"factor slider, {screen}: a step is drawn after {median(times):.1f} ms, the slowest of {len(times)} after "
            f"{max(times):.1f} ms (target 50)"
        )


def _measure_run(browser: Browser, process: int, place: Path) -> None:
    run, (alone, alone_cpu) = run_from_the_page(browser, process), command_line(place / "run")
    page, page_cpu = run.seconds, run.worked
    click.echo(
        f"run on the sample study, preset quick: {page:.0f} s from the page, {alone:.0f} s on the command line: "
        f"{100 * (page / alone - 1):+.0f} % (target at most +10 %); processors {page_cpu:.0f} s and {alone_cpu:.0f} s: "
        f"{100 * (page_cpu / alone_cpu - 1):+.0f} %, which other work on the machine changes less"
    )
    click.echo(f"results table {run.table_after:.1f} s after scoring ended (target 5)")


def _measure_upload(browser: Browser, process: int, place: Path, mib: int) -> None:
    large, block = place / "large.bin", os.urandom(MIB)
    with open(large, "wb") as handle:
        for _ in range(mib):
            handle.write(block)
    sent, line, disk, memory = [], [], [], 0.0
    before = memory_mib(process)
    for _ in range(3):  # in turn, so that what else the machine does meets all of them
        line.append(copy_on_loopback(large, place / "copy.bin"))
        disk.append(copy_on_disk(large, place / "copy.bin"))
        browser.connection.close()  # it was idle for longer than the server keeps a connection
        study, took = upload(browser, large)
        sent.append(took)
        memory = max(memory, memory_mib(process, peak=True) - before)
        browser.json("DELETE", f"studies/{study}")
    click.echo(
        f"upload of {mib} MiB: {median(sent):.2f} s (three times: {', '.join(f'{one:.2f}' for one in sent)}); a plain "
        f"copy over a loopback connection {median(line):.2f} s: {median(sent) / median(line):.1f} times (target 2); "
        f"a plain copy on the disk {median(disk):.2f} s: {median(sent) / median(disk):.1f} times; "
        f"memory of the server {before:.0f} MiB before, {memory:.0f} MiB more for the uploads (target 60)"
    )


if __name__ == "__main__":
    main()
