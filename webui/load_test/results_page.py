"""How soon the page of a finished run answers a click and a step of the factor slider.

In Chromium, on the screen of a desk and of a phone.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

import click

from webui.load_test.tools import Browser, cpu_seconds

SCREENS = {"desk": (1440, 900), "phone": (390, 844)}
TIMES = 5
PATIENCE_S = 60
# The last subject is clicked as soon as the ranking is painted; the answer is waited for until it is painted, too.
WATCH = """
(() => {
  const painted = (work) => requestAnimationFrame(() => setTimeout(work));
  const until = (found, work) => { if (found()) painted(work); else setTimeout(until, 1, found, work); };
  const last = () => [...document.querySelectorAll("button.rank")].at(-1);
  until(last, () => {
    performance.mark("shown");
    const row = last(), name = row.querySelector(".who").textContent;
    row.click();
    const answered = () => row.getAttribute("aria-pressed") === "true"
      && document.querySelector("#viewer-title").textContent === name && document.querySelector(".timeline");
    until(answered, () => performance.mark("answered"));
  });
})();
"""
TIMED = """
(() => {
  const [shown, answered] = ["shown", "answered"].map((name) => performance.getEntriesByName(name)[0]?.startTime);
  return answered && [document.querySelectorAll("button.rank").length, shown, answered];
})()
"""
# From the event until the canvas can be read, which waits for the card (or the processor in its place) to have drawn.
# The page rests before each step, or the time would hold what is left of showing the step before.
STEPS = """
(async () => {
  const slider = document.querySelector("#factor"), canvas = document.querySelector("canvas.live"), times = [];
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  for (let step = 1; step <= 20; step += 1) {
    await new Promise((rested) => setTimeout(rested, 500));
    slider.value = step / 5;
    const began = performance.now();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    pen.drawImage(canvas, 0, 0, 1, 1, 0, 0, 1, 1);
    pen.getImageData(0, 0, 1, 1);
    times.push(performance.now() - began);
  }
  return times;
})()
"""
FILM = "document.querySelector('canvas.live:not([hidden])') && document.querySelector('.player video').readyState >= 2"


@dataclass(frozen=True)
class Opened:
    """One opening of the page, or the median of several, with nothing of it in the browser's cache.

    shown_ms, answered_ms: from navigation until the ranking is painted, and until the answer to a click is. page_ms,
    server_ms: what the page's own thread and the server's processors worked meanwhile.
    """

    subjects: float
    shown_ms: float
    answered_ms: float
    page_ms: float
    server_ms: float


def open_results(address: tuple[str, int], browser: Browser, process: int, folder: Path) -> dict[str, Opened]:
    """The page of the run in `folder`, which the server (`process`) may read, on each screen: medians of five openings.

    ClickException where Playwright or Chromium is missing, or the page does not answer in a minute.
    """
    found: dict[str, list[Opened]] = {screen: [] for screen in SCREENS}
    with _opened_run(browser, folder) as run, _chromium() as chromium:
        page = f"http://{address[0]}:{address[1]}/runs/{run}"
        for _ in range(TIMES):  # in turn, so that what else the machine does meets both
            for screen, size in SCREENS.items():
                found[screen].append(_opened(chromium, page, browser.headers["Cookie"], process, size))
    return {screen: _middle(times) for screen, times in found.items()}


def slide(address: tuple[str, int], browser: Browser, folder: Path) -> dict[str, list[float]]:
    """Milliseconds of twenty steps of the factor slider on each screen; empty where no clip of the run has layers.

    ClickException where Playwright or Chromium is missing, or no live clip is shown in a minute.
    """
    with _opened_run(browser, folder) as run:
        clips = browser.json("GET", f"runs/{run}/results")["clips"]
        layered = next((clip["recording_id"] for clip in clips if clip["layers"]), None)
        if layered is None:
            return {}
        page = f"http://{address[0]}:{address[1]}/runs/{run}#recording={layered}"
        with _chromium() as chromium:
            return {name: _steps(chromium, page, browser.headers["Cookie"], size) for name, size in SCREENS.items()}


@contextmanager
def _opened_run(browser: Browser, folder: Path) -> Iterator[str]:
    study = browser.json("POST", "studies", {"name": "results"})["id"]
    try:
        yield browser.json("POST", f"studies/{study}/runs/open", {"path": str(folder)})["id"]
    finally:
        browser.connection.close()  # it may have been idle for longer than the server keeps a connection
        browser.json("DELETE", f"studies/{study}")


@contextmanager
def _chromium() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        raise click.ClickException("needs Playwright and Chromium: pip install playwright; apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def _visitor(chromium: Any, address: str, cookie: str, size: tuple[int, int]) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
    try:
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": address.partition("/runs/")[0]}])
        yield context
    finally:
        context.close()


def _until(page: Any, condition: str, refusal: str) -> Any:
    """What the condition, in JavaScript, is as soon as it is true; ClickException when it is not in a minute."""
    until = time.monotonic() + PATIENCE_S
    while not (found := page.evaluate(condition)):
        if time.monotonic() > until:
            raise click.ClickException(f"{refusal} in {PATIENCE_S} s")
        page.wait_for_timeout(50)
    return found


def _opened(chromium: Any, address: str, cookie: str, process: int, size: tuple[int, int]) -> Opened:
    with _visitor(chromium, address, cookie, size) as context:
        context.add_init_script(WATCH)
        page = context.new_page()
        counted = context.new_cdp_session(page)
        counted.send("Performance.enable")
        before = cpu_seconds(process)
        page.goto(address)
        subjects, shown, answered = _until(page, TIMED, f"{address} did not answer a click")
        worked = {one["name"]: one["value"] for one in counted.send("Performance.getMetrics")["metrics"]}
        served = 1000 * (cpu_seconds(process) - before)
        return Opened(subjects, shown, answered, 1000 * worked["TaskDuration"], served)


def _steps(chromium: Any, address: str, cookie: str, size: tuple[int, int]) -> list[float]:
    with _visitor(chromium, address, cookie, size) as context:
        page = context.new_page()
        page.goto(address)
        _until(page, FILM, f"{address} showed no live clip")
        times: list[float] = page.evaluate(STEPS)
        return times


def _middle(times: list[Opened]) -> Opened:
    return Opened(*(median(getattr(one, field.name) for one in times) for field in fields(Opened)))
