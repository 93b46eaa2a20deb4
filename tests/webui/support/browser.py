"""Chromium for the page tests: where it is, and a visitor who notes everything that a page must not do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.processes import eventually

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
DESKTOP, PHONE = (1280, 900), (390, 844)
PRESSED = "Number(sessionStorage.presses ?? 0)"
COUNT = f"addEventListener('mousedown', () => {{ sessionStorage.presses = {PRESSED} + 1; }}, true)"
AXE = Path(__file__).parent / "axe-core" / "axe.min.js"


def chromium_path() -> str:
    """Where Debian's Chromium is; the test is skipped where it or Playwright is missing."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


@contextmanager
def launched() -> Iterator[Any]:
    """A browser."""
    path = chromium_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """A person's browser window. `faults` collects dialogs, script errors, foreign addresses and refused requests."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        self.address, self.faults, self.allowed = address.rstrip("/"), list[str](), set[int]()
        view = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(
            viewport=view, color_scheme=scheme, reduced_motion="reduce", has_touch=size == PHONE
        )
        self.context.set_default_timeout(120_000)
        self.context.on("request", self._ask)
        self.context.on("response", self._answer)
        self.tab()

    def tab(self) -> Any:
        """A new tab, which becomes the visitor's page."""
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self._console)
        self.page.on("dialog", self._dialog)
        return self.page

    def _ask(self, request: Any) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", "blob:")):
            self.faults.append(f"asked {request.url}")

    def _answer(self, response: Any) -> None:
        # Until its clips are made, a stub's results are of recordings that are not in its study.
        unmade = response.status == 404 and response.url.endswith("/preview.mp4")
        if response.status >= 400 and response.status not in self.allowed and not unmade:
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    def _console(self, message: Any) -> None:
        refused = "Failed to load resource" in message.text  # said by _answer, with its address
        if message.type == "error" and not refused:
            self.faults.append(f"console: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def go(self, path: str) -> Any:
        """Open a page of the server."""
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, name: str, password: str) -> "Visitor":
        """By the sign-in page."""
        page = self.go("/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.address}/")
        return self

    def new_study(self, name: str) -> str:
        """Make a study on the first page; its id."""
        page = self.go("/")
        page.wait_for_selector("#empty:not([hidden]), #new:not([hidden])")
        if page.locator("#empty").is_visible():
            page.get_by_label("Name of the study").fill(name)
            page.get_by_role("button", name="Begin").click()
        else:
            page.get_by_role("button", name="New study").click()
            page.get_by_role("dialog").get_by_label("Name of the study").fill(name)
            page.get_by_role("dialog").get_by_role("button", name="Begin").click()
        page.wait_for_url("**/studies/*")
        found: str = page.url.rpartition("/")[2]
        return found

    def count_clicks(self) -> None:
        """From the next page on, count what is pressed with the mouse."""
        self.context.add_init_script(COUNT)

    def clicks(self) -> int:
        """How often the mouse was pressed in this tab since `count_clicks`, on all its pages."""
        found: int = self.page.evaluate(PRESSED)
        return found

    def until(self, condition: str, seconds: float = 180) -> None:
        """Wait for a JavaScript expression to be true (Playwright's own way needs eval, which the pages forbid)."""
        eventually(lambda: self.page.evaluate(condition), condition, seconds)

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, found)

    def axe(self) -> list[str]:
        """What axe-core finds wrong, one line per rule and element."""
        self.page.evaluate(AXE.read_text(encoding="utf-8") + "; true")
        rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
        found = self.page.evaluate("(tags) => axe.run({ runOnly: tags }).then((found) => found.violations)", rules)
        return [f"{one['id']}: {node['html'][:160]} {node['any'][:1]}" for one in found for node in one["nodes"]]

    def close(self) -> None:
        """Leave."""
        self.context.close()
