"""How soon the page of a finished run answers a click, in Chromium, on the screen of a desk and of a phone."""

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
    study = browser.json("POST", "studies", {"name": "results"})["id"]
    run = browser.json("POST", f"studies/{study}/runs/open", {"path": str(folder)})["id"]
    page = f"http://{address[0]}:{address[1]}/runs/{run}"
    found: dict[str, list[Opened]] = {screen: [] for screen in SCREENS}
    with _chromium() as chromium:
        for _ in range(TIMES):  # in turn, so that what else the machine does meets both
            for screen, size in SCREENS.items():
                found[screen].append(_opened(chromium, page, browser.headers["Cookie"], process, size))
    browser.connection.close()  # it was idle for longer than the server keeps a connection
    browser.json("DELETE", f"studies/{study}")
    return {screen: _middle(times) for screen, times in found.items()}


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


def _opened(chromium: Any, address: str, cookie: str, process: int, size: tuple[int, int]) -> Opened:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
    try:
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": address.partition("/runs/")[0]}])
        context.add_init_script(WATCH)
        page = context.new_page()
        counted = context.new_cdp_session(page)
        counted.send("Performance.enable")
        before = cpu_seconds(process)
        page.goto(address)
        until = time.monotonic() + PATIENCE_S
        while not (times := page.evaluate(TIMED)):
            if time.monotonic() > until:
                raise click.ClickException(f"{address} did not answer a click in {PATIENCE_S} s")
            page.wait_for_timeout(50)
        worked = {one["name"]: one["value"] for one in counted.send("Performance.getMetrics")["metrics"]}
        subjects, shown, answered = times
        served = 1000 * (cpu_seconds(process) - before)
        return Opened(subjects, shown, answered, 1000 * worked["TaskDuration"], served)
    finally:
        context.close()


def _middle(times: list[Opened]) -> Opened:
    return Opened(*(median(getattr(one, field.name) for one in times) for field in fields(Opened)))
