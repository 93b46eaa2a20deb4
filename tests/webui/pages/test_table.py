"""The table of recordings: what is guessed, typed, pasted, imported; boxes on a frame; by keyboard too."""

from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import SAMPLES, upload_samples
from tests.webui.support.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

GUESSES = {
    "lab/healthy/mouse3.mp4": ("mouse3", "healthy", "", ""),
    "healthy/mouse3_day14.mp4": ("mouse3", "healthy", "", "14"),
    "stroke/anna_session2.mov": ("anna", "stroke", "2", ""),
    "stroke/anna/session1.mp4": ("anna", "stroke", "1", ""),
    "sham/day 7/rat_12.avi": ("rat_12", "sham", "", "7"),
    "human01.mp4": ("human01", "", "", ""),
    "videos/B-6.left.mp4": ("B-6.left", "", "", ""),
}


def test_subject_group_session_and_day_are_guessed(chromium: Any, served: Served) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    ask = "paths => import('/static/js/guess.js').then(({ guess }) => Promise.all(paths.map((path) => guess([path]))))"
    found = [one["guesses"][0] for one in visitor.page.evaluate(ask, list(GUESSES))]
    values = [(one["subject"], one["group"], one["session"], one["day"]) for one in found]
    assert dict(zip(GUESSES, values, strict=True)) == GUESSES
    visitor.close()


@pytest.mark.slow
def test_the_table_is_filled_in_every_way(chromium: Any, served: Served, tmp_path: Path) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    page = visitor.page
    visitor.new_study("Table")
    upload_samples(visitor)
    type_and_paste(visitor)
    page.get_by_label("Day of human02.mp4").fill("soon")
    page.keyboard.press("Tab")
    page.get_by_text('"soon" is not one').wait_for()
    page.get_by_label("Day of human02.mp4").fill("14")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    table = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "human02.mp4,walker 2,healthy" in table
    assert ",14" in table
    changed = tmp_path / "changed.csv"
    changed.write_text(table.replace("walker 2", "walker two"), encoding="utf-8")
    page.set_input_files("#csv", changed)
    visitor.until("document.querySelector('td.subject input').value === 'walker two'")
    draw_boxes(visitor)
    assert visitor.faults == []
    visitor.close()


def type_and_paste(visitor: Visitor) -> None:
    """Enter goes to the next row; a block from a spreadsheet fills several cells."""
    page = visitor.page
    page.get_by_label("Subject of human02.mp4").fill("walker 2")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Subject of human03.mp4"
    block = "healthy\t1\nhealthy\t2\naffected\t"
    paste = """text => { const data = new DataTransfer(); data.setData('text', text);
        const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
        document.querySelector('td.group input').dispatchEvent(paste); }"""
    page.evaluate(paste, block)
    visitor.until(
        "[...document.querySelectorAll('td.group input')].map((one) => one.value).join() === 'healthy,healthy,affected'"
    )
    visitor.until("[...document.querySelectorAll('td.session input')].map((one) => one.value).join() === '1,2,'")


def draw_boxes(visitor: Visitor) -> None:
    """The subject's box with the mouse, the face's by numbers at two moments; all are there after a reload."""
    page = visitor.page
    page.get_by_role("button", name="Boxes of human03.mp4").click()
    area = page.locator(".canvas").bounding_box()
    x, y = area["x"] + area["width"] / 4, area["y"] + area["height"] / 4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + area["width"] / 2, y + area["height"] / 2, steps=4)
    page.mouse.up()
    assert abs(int(page.get_by_label("left", exact=True).input_value()) - 120) <= 2
    page.get_by_label("Face to blur").check()
    visitor.until("!document.querySelector('#face-scrub').disabled", 60)
    for name, value in {"left": 10, "top": 12, "right": 60, "bottom": 62}.items():
        page.get_by_label(name, exact=True).fill(str(value))
        page.keyboard.press("Tab")
    page.locator("#face-scrub").fill("900")
    visitor.until("document.querySelector('.canvas video').currentTime > 1 && !document.querySelector('video').seeking")
    page.get_by_label("left", exact=True).fill("30")
    page.keyboard.press("Tab")
    assert page.locator(".moments button").count() == 2
    page.locator("#face-scrub").fill("450")
    visitor.until("Math.abs(Number(document.querySelector('#box-x0').value) - 20) <= 1")  # half the way from 10 to 30
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.locator("#bulk").wait_for(state="hidden")
    page.locator(".tools .set").wait_for()
    page.reload()
    page.locator(".tools .set").wait_for()
    page.get_by_role("button", name="Boxes of human03.mp4").click()
    page.get_by_label("Face to blur").check()
    assert page.get_by_label("bottom", exact=True).input_value() == "62"
    assert page.locator(".moments button").count() == 2
    assert page.locator("img[alt*='human03']").count() == 2
    assert (SAMPLES / "human03.mp4").exists()
