"""Results are there as soon as they are scored; keys move the film, an address leads to a moment, paper has all."""

from typing import Any

import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import fill_groups, start, upload_samples
from tests.webui.support.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
VIDEO = "document.querySelector('.player video')"
# In place of the browser's notifications, which a window without a screen has not; `away`: the page is not in sight.
NOTICES = """
globalThis.told = [];
globalThis.Notification = class {
  static permission = "default";
  static async requestPermission() { return this.permission = "granted"; }
  constructor(title, { body }) { told.push(`${title}: ${body}`); }
  addEventListener() {}
};
Object.defineProperty(document, "hidden", { get: () => globalThis.away ?? false });
"""


def test_results_are_shown_before_the_clips_are(chromium: Any, served: Served) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    visitor.context.add_init_script(NOTICES)
    page = visitor.page
    visitor.new_study("As soon as scored")
    upload_samples(visitor)
    fill_groups(visitor)
    served.hold("generator")
    visitor.allowed = {404}  # the stub's results are of recordings that are not in this study
    start(page)
    page.locator("button.rank").first.wait_for()
    page.get_by_text("Clips and the report follow.").wait_for()
    assert page.locator("#tag").inner_text() == "running"
    page.get_by_role("button", name="Tell me when it ends").click()
    page.locator("#tell-me").wait_for(state="hidden")
    page.evaluate("away = true")
    served.hold("")
    page.locator("#early").wait_for(state="hidden")
    visitor.until(f"{VIDEO}.src.includes('/magnified/')", 120)
    assert page.evaluate("told") == ["quick, 3 recordings has ended: done"]
    page.evaluate("away = false")
    assert visitor.faults == []
    move_by_keys(visitor)
    follow_a_link(visitor)
    page.emulate_media(media="print")
    row = page.locator("button.rank").first
    assert row.is_visible()
    assert row.bounding_box()["height"] > 10
    assert not page.locator(".bar").is_visible()
    visitor.close()


def move_by_keys(visitor: Visitor) -> None:
    page = visitor.page
    visitor.until(f"{VIDEO}.readyState >= 2")
    page.evaluate("document.activeElement.blur()")
    page.evaluate(f"{VIDEO}.pause(), {VIDEO}.currentTime = 0.4")
    for key, moved in (("ArrowRight", 0.2), ("ArrowLeft", -0.2), (".", 0.04), (",", -0.04)):
        before = page.evaluate(f"{VIDEO}.currentTime")
        page.keyboard.press(key)
        visitor.until(f"Math.abs({VIDEO}.currentTime - {before + moved}) < 0.011")
    page.keyboard.press(" ")
    visitor.until(f"!{VIDEO}.paused")
    page.keyboard.press(" ")
    visitor.until(f"{VIDEO}.paused")


def follow_a_link(visitor: Visitor) -> None:
    page, address = visitor.page, visitor.page.url.partition("#")[0]
    visitor.tab()
    visitor.page.goto(f"{address}#recording=h02_walk&t=1.20")
    visitor.page.locator("#viewer-title", has_text="H02").wait_for()
    visitor.until(f"Math.abs({VIDEO}.currentTime - 1.2) < 0.06", 60)
    visitor.page.close()
    visitor.page = page
