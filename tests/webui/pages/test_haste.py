"""Files chosen while a page still asks who is there are taken as soon as it knows (once they were lost, unsaid)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import GROUPS, SAMPLES, fill_groups, start
from tests.webui.support.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
DROP = """(name) => { const transfer = new DataTransfer(); transfer.items.add(new File(["no video"], name));
  const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event); return event.defaultPrevented; }"""


@contextmanager
def kept_waiting(page: Any, address: str) -> Iterator[None]:
    """Open a page whose question "who am I?" is answered only at the end of the block."""
    asked: list[Any] = []
    page.route("**/api/v1/me", lambda route: asked.append(route))
    page.goto(address)
    page.wait_for_timeout(200)
    assert asked
    yield
    for route in asked:
        route.continue_()
    page.unroute("**/api/v1/me")


def test_files_chosen_in_haste_are_taken(chromium: Any, served: Served) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    page = visitor.page
    visitor.new_study("In haste")
    with kept_waiting(page, page.url):
        page.set_input_files("#files", [SAMPLES / name for name in GROUPS])
    visitor.until("document.querySelectorAll('tr.ok').length === 3", 60)
    fill_groups(visitor)
    start(page)
    page.locator("button.rank").first.wait_for()
    with kept_waiting(page, f"{page.url}/score"):
        page.set_input_files("#files", SAMPLES / "human04.mp4")
    page.locator("#recordings b", has_text="human04.mp4").wait_for()
    assert visitor.faults == []
    visitor.close()


def test_files_dropped_in_haste_do_not_leave_the_page(chromium: Any, served: Served) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    visitor.new_study("Dropped in haste")
    with kept_waiting(visitor.page, visitor.page.url):
        assert visitor.page.evaluate(DROP, "notes.txt"), "the browser would open the file in place of the page"
    visitor.page.locator("#says", has_text="notes.txt").wait_for()
    visitor.close()
