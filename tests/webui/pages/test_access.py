"""Every page is accessible in light and dark, fits a phone, and shows nothing that belongs to others."""

from typing import Any

import pytest

from tests.webui.support.browser import DESKTOP, PHONE, Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import fill_groups, start, upload_samples
from tests.webui.support.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
WIDE = (1440, 900)


@pytest.fixture(scope="module")
def made(chromium: Any, served: Served) -> dict[str, str]:
    """A study of ada with one finished run, shared with vera: its pages, and what tells that each is complete."""
    visitor = Visitor(chromium, served.address).sign_in("ada", PASSWORD)
    page = visitor.page
    study = visitor.new_study("Walkers")
    upload_samples(visitor)
    fill_groups(visitor)
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Name of a user").fill("vera")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    start(page)
    page.locator("button.rank").first.wait_for()
    run = page.url.rpartition("/")[2]
    assert visitor.faults == []
    visitor.close()
    return {
        "/": "#studies li",
        f"/studies/{study}": "tr.ok img",
        f"/runs/{run}": ".map canvas",
        f"/runs/{run}/score": "#recordings input",
        "/compare": "#empty:not([hidden])",
        "/account": "#make",
        "/users": "#users tbody tr",
        "/audit": "#lines tbody tr",
    }


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(DESKTOP, "light", marks=pytest.mark.slow),
        pytest.param(WIDE, "light", marks=pytest.mark.slow),
        pytest.param(WIDE, "dark", marks=pytest.mark.slow),
        pytest.param(PHONE, "light", marks=pytest.mark.slow),
        (PHONE, "dark"),
    ],
    ids=["desk-light", "wide-light", "wide-dark", "phone-light", "phone-dark"],
)
def test_axe_is_content_with_every_page(
    chromium: Any, served: Served, made: dict[str, str], size: tuple[int, int], scheme: str
) -> None:
    visitor = Visitor(chromium, served.address, size, scheme)
    visitor.go("/sign-in")
    found = {"/sign-in": visitor.axe()}
    visitor.sign_in("ada", PASSWORD)
    for path, complete in made.items():
        visitor.go(path)
        visitor.page.locator(complete).first.wait_for()
        visitor.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found[path] = visitor.axe() + ([f"{visitor.overflow()} px too wide"] if visitor.overflow() else [])
    assert [f"{path}: {problem}" for path, problems in found.items() for problem in problems] == []
    assert visitor.faults == []
    visitor.close()


@pytest.mark.parametrize(
    ("path", "rows"), [("/users", "#users tbody tr"), ("/audit", "#lines tbody tr"), ("/account", "#tokens tbody tr")]
)
@pytest.mark.usefixtures("made")
def test_no_row_is_cut_on_a_phone(chromium: Any, served: Served, path: str, rows: str) -> None:
    visitor = Visitor(chromium, served.address, PHONE).sign_in("ada", PASSWORD)
    page = visitor.go(path)
    if path == "/account":
        page.get_by_label("What is it for?").fill("a script")
        page.get_by_role("button", name="Make a token").click()
    page.locator(rows).first.wait_for()
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].map((one) => one.scrollWidth - one.clientWidth)"
    ) == [0]
    assert page.get_by_role("table").get_by_role("row").count() > 1, "for a reader it is a table still"
    assert visitor.axe() == []
    assert visitor.faults == []
    visitor.close()


def test_a_viewer_looks_and_changes_nothing(chromium: Any, served: Served, made: dict[str, str]) -> None:
    visitor = Visitor(chromium, served.address).sign_in("vera", PASSWORD)
    study, run = list(made)[1:3]
    page = visitor.go(study)
    page.locator("tr.ok").first.wait_for()
    assert page.locator("td input:enabled:not([type=checkbox])").count() == 0
    for name in ("Choose files", "Rename", "Delete the study", "Share"):
        assert page.get_by_role("button", name=name, exact=True).count() == 0
    visitor.go(run)
    page.locator("button.rank").first.wait_for()
    assert page.get_by_role("button", name="Delete").count() == 0
    assert visitor.faults == []
    visitor.close()


def test_a_study_is_handed_over(chromium: Any, served: Served) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    visitor.new_study("Handed over")
    page = visitor.page
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Hand the study over to").fill("ada")
    page.get_by_role("button", name="Hand over").click()
    page.get_by_role("dialog", name="Hand the study over to ada?").get_by_role("button", name="Hand over").click()
    page.locator("#members").wait_for(state="hidden")
    page.locator("#rename").wait_for()
    assert not page.locator("#delete").is_visible(), "who handed it over may edit it still, and not delete it"
    assert visitor.faults == []
    visitor.close()


def test_the_pages_of_others_are_not_there(chromium: Any, served: Served, made: dict[str, str]) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    visitor.allowed = {403, 404}
    study, run, score = list(made)[1:4]
    for path in (study, run, score, "/users", "/audit"):
        visitor.go(path)
        title = "Not allowed" if path in ("/users", "/audit") else "Not found"
        assert visitor.page.get_by_role("heading", name=title).is_visible(), path
    visitor.context.clear_cookies()
    visitor.go(run)
    assert visitor.page.url == f"{served.address}/sign-in?next={run}"
    visitor.close()
