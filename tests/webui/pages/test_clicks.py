"""How many clicks lead from the first visit to an analysis of one's own videos.

At most 5 with a folder of each group, at most 8 with flat files. What is typed or dropped costs none, and what the
system's own window of files asks for is not the page's.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import SAMPLES
from tests.webui.support.served import Served
from webui.access.identity import add_user
from webui.data.database import Database
from webui.settings import ServerSettings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
# Nothing tells the page which of them is the reference.
GROUPS = {"human02.mp4": "wild", "human03.mp4": "wild", "human08.mp4": "mutant"}


def newcomer(chromium: Any, served: Served, name: str) -> Visitor:
    """Somebody without a study begins one."""
    with Database(ServerSettings(data=served.data).database_url).session() as session:
        add_user(session, name, PASSWORD, "member")
    visitor = Visitor(chromium, served.address).sign_in(name, PASSWORD)
    visitor.count_clicks()
    page = visitor.go("/")
    page.get_by_label("Name of the study").click()
    page.keyboard.type("My own")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/studies/*")
    return visitor


def start(visitor: Visitor) -> int:
    """Choose the reference and start; the clicks since the first page."""
    page = visitor.page
    page.get_by_role("radio", name="wild").click()
    page.get_by_role("button", name="Start the analysis").click()
    page.wait_for_url("**/runs/*")
    assert visitor.faults == []
    return visitor.clicks()


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder for each group."""
    for name, group in GROUPS.items():
        (tmp_path / "lab" / group).mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / name, tmp_path / "lab" / group)
    return tmp_path / "lab"


@pytest.mark.slow
def test_a_folder_of_each_group_is_chosen(chromium: Any, served: Served, lab: Path) -> None:
    visitor = newcomer(chromium, served, "chooser")
    with visitor.page.expect_file_chooser() as asked:
        visitor.page.get_by_role("button", name="Choose a folder").click()
    asked.value.set_files(lab)
    assert start(visitor) == 5  # the name, begin, the folder, the reference, start
    visitor.close()


def test_folders_of_each_group_are_dropped(chromium: Any, served: Served, lab: Path) -> None:
    visitor = newcomer(chromium, served, "dropper")
    visitor.page.locator("#drop").wait_for()
    hand = visitor.context.new_cdp_session(visitor.page)
    carried = {"items": [], "files": [str(lab / "wild"), str(lab / "mutant")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": carried})
    assert start(visitor) == 4  # the name, begin, the reference, start
    visitor.close()


def test_groups_of_flat_files_are_typed(chromium: Any, served: Served) -> None:
    visitor = newcomer(chromium, served, "typist")
    page = visitor.page
    with page.expect_file_chooser() as asked:
        page.get_by_role("button", name="Choose files").click()
    asked.value.set_files([SAMPLES / name for name in GROUPS])
    visitor.until(f"document.querySelectorAll('tr.ok').length === {len(GROUPS)}")
    page.get_by_label("Group of human02.mp4", exact=True).click()
    for group in GROUPS.values():
        page.keyboard.type(group)
        page.keyboard.press("Enter")
    assert start(visitor) == 6  # the name, begin, the files, the first group, the reference, start
    visitor.close()
