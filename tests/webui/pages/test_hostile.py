"""Names that try to be markup stay text: in every text field, on every page, in the files' own names."""

from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import SAMPLES
from tests.webui.support.served import HOSTILE, Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
FILE_NAME = "<img src=x onerror=alert(2)>'\"&.mp4"


def test_hostile_names_raise_no_dialog(chromium: Any, served: Served, tmp_path: Path) -> None:
    visitor = Visitor(chromium, served.address).sign_in(HOSTILE, PASSWORD)
    page = visitor.page
    visitor.new_study(HOSTILE)
    video = tmp_path / FILE_NAME
    video.write_bytes((SAMPLES / "human02.mp4").read_bytes())
    fill_table(visitor, video)
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("td.file .name").first.inner_text() == FILE_NAME
    page.locator("#start-button:enabled").wait_for()
    page.locator("#references .choice", has_text="onerror").locator("input").check()
    visitor.allowed = {404}  # until its clips are made, the stub's results are of recordings that are not here
    page.get_by_role("button", name="Start the analysis").click()
    page.wait_for_url("**/runs/*")
    page.locator("#tag").wait_for(state="hidden")  # the clips are there, too
    page.locator("button.rank", has_text="onerror").click()
    page.locator("#viewer-title", has_text="onerror").wait_for()
    page.get_by_role("button", name="Rename").click()
    page.locator("#asked").fill(HOSTILE)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.locator("#name", has_text="onerror").wait_for()
    make_a_token(visitor)
    for path in ("/", "/compare", f"{page.url}/score"):
        visitor.go(path.removeprefix(served.address))
        page.wait_for_load_state("networkidle")
    assert visitor.faults == []
    visitor.close()


def fill_table(visitor: Visitor, video: Path) -> None:
    """Hostile subject, group and session, one typed, one with the bar, one from a CSV, and a hostile member."""
    page = visitor.page
    page.set_input_files("#files", [video, SAMPLES / "human03.mp4"])
    visitor.until("document.querySelectorAll('tr.ok').length === 2")
    page.get_by_label("Select all recordings").check()
    page.locator("#bulk-value").fill(HOSTILE)
    page.get_by_role("button", name="Apply").click()
    visitor.until("[...document.querySelectorAll('td.group input')].every((one) => one.value.includes('onerror'))")
    for field in ("subject", "session"):
        page.locator(f"td.{field} input").first.fill(HOSTILE)
        page.keyboard.press("Enter")
    table = video.with_name("study.csv")
    table.write_text(f'video,subject\nhuman03.mp4,"{HOSTILE.replace(chr(34), chr(34) * 2)} 2"\n', encoding="utf-8")
    page.set_input_files("#csv", table)
    visitor.until("[...document.querySelectorAll('td.subject input')].every((one) => one.value.includes('onerror'))")
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Name of a user").fill(HOSTILE)
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()


def make_a_token(visitor: Visitor) -> None:
    """A token for a hostile purpose, made and withdrawn."""
    page, before = visitor.page, visitor.page.url
    visitor.go("/account")
    page.get_by_label("What is it for?").fill(HOSTILE)
    page.get_by_role("button", name="Make a token").click()
    page.locator("#tokens td", has_text="onerror").wait_for()
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    page.locator("#tokens").wait_for(state="hidden")
    page.goto(before)
