"""Many rows: sorted, filtered, renamed by a pattern with a preview, filled down and taken back; one spelling."""

from typing import Any

import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.served import Served
from webui.access.identity import find_user
from webui.data.database import Database
from webui.data.models import Recording, Study
from webui.settings import ServerSettings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
SHOWN = "[...document.querySelectorAll('tbody tr:not([hidden])')].map((row) => row.querySelector('.name').textContent)"


def fifty_rows(served: Served) -> str:
    """A study of grace's with fifty recordings that were read."""
    with Database(ServerSettings(data=served.data).database_url).session() as session:
        study = Study(name="Fifty", owner_id=find_user(session, "grace").id)
        session.add(study)
        session.flush()
        for number in range(50):
            group = "Lesion" if number == 3 else ("healthy", "lesion")[number % 2]
            name = f"{group}_m{number:02d}_d{number % 3}.mp4"
            row = Recording(study_id=study.id, position=number, file_name=name, bytes=1, status="ok", group=group)
            row.fps, row.duration_s, row.width, row.height, row.frames = 25.0, 60.0, 64, 48, 1500
            row.subject = "" if number > 40 else f"m{number:02d}"
            session.add(row)
            session.flush()
            served.picture(row)
        return study.id


def test_fifty_rows_are_put_in_order(chromium: Any, served: Served) -> None:
    visitor = Visitor(chromium, served.address, (1440, 900)).sign_in("grace", PASSWORD)
    page = visitor.go(f"/studies/{fifty_rows(served)}")
    page.locator("#start-button").wait_for()
    visitor.until(f"{SHOWN}.length === 50")
    for place in ("#start-button", "#enough li"):
        box = page.locator(place).first.bounding_box()
        assert box["y"] + box["height"] < 900, f"{place} is in sight"
    page.get_by_text("About").first.wait_for()
    page.get_by_role("button", name="Recording", exact=True).click()
    page.get_by_role("button", name="Recording", exact=True).click()
    assert page.evaluate(SHOWN)[0] == "lesion_m49_d1.mp4"
    assert page.locator("th.file").get_attribute("aria-sort") == "descending"
    page.get_by_label("Filter the rows").fill("m1")
    visitor.until(f"{SHOWN}.length === 10")
    choose_of_the_filtered(visitor)
    spelling = page.locator("#spelling", has_text="lesion (24), Lesion (1) differ in spelling only")
    spelling.get_by_role("button", name="Write lesion everywhere").click()
    spelling.wait_for(state="hidden")
    rename(visitor)
    fill_down(visitor)
    page.get_by_label("Compact rows").check()
    assert page.locator("tbody tr").first.bounding_box()["height"] < 45
    assert visitor.axe() == []
    assert visitor.faults == []
    visitor.close()


def choose_of_the_filtered(visitor: Visitor) -> None:
    """All that the filter shows are chosen, and the others are there again without it."""
    page = visitor.page
    page.get_by_label("Select all recordings").check()
    page.get_by_text("10 selected").wait_for()
    page.get_by_label("Filter the rows").fill("")
    visitor.until(f"{SHOWN}.length === 50")
    assert page.locator("td.pick input:checked").count() == 10
    page.get_by_role("button", name="Select none").click()
    assert page.locator("td.pick input:checked").count() == 0


def rename(visitor: Visitor) -> None:
    """*_m*_d* of the file's name; the preview shows it before, and it is taken back after."""
    page = visitor.page
    page.get_by_role("button", name="Rename by pattern").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Pattern").fill("*_m*_d*")
    dialog.get_by_label("Result").fill("animal {2}")
    assert dialog.locator("tbody tr").first.locator("td").nth(1).inner_text() == "animal 49"
    dialog.get_by_text("50 of 50 rows fit.").wait_for()
    assert visitor.axe() == []
    dialog.get_by_role("button", name="Apply").click()
    subject = "document.querySelector('td.subject input').value"
    visitor.until(f"{subject} === 'animal 49'")
    page.locator("#table-undo").click()
    visitor.until(f"{subject} === ''")


def fill_down(visitor: Visitor) -> None:
    """From the first row into the empty ones below it."""
    page = visitor.page
    cell = page.get_by_label("Subject of lesion_m49_d1.mp4")
    cell.fill("late")
    cell.press("Control+d")
    visitor.until("[...document.querySelectorAll('td.subject input')].filter((one) => one.value === 'late').length > 1")
    first = page.evaluate("[...document.querySelectorAll('td.subject input')].slice(0, 60).map((one) => one.value)")
    assert first.count("late") == 5, "m49 to m41 of the lesioned; the next one has a subject"
    cell.focus()
    cell.press("Control+z")
    visitor.until("![...document.querySelectorAll('td.subject input')].some((one) => one.value === 'late')")
