"""Every kind of result on its page: nothing fails, the parts are there, and only what is promised is read."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.browser import PHONE, Visitor
from tests.webui.support.clients import PASSWORD, TestServer
from tests.webui.support.contract import watching
from tests.webui.support.kinds import KINDS
from tests.webui.support.processes import eventually
from tests.webui.support.served import Served, complete, opened_run
from webui.data.models import User

pytestmark = [pytest.mark.timeout(600)]
# Per kind: subjects in the ranking, words of the page's first sentence, and headings that must be there.
AUDIT = "Could something other than movement separate the groups?"
MOTIFS, MAPS = "Recurring behaviours", "Maps"
SHOWN: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "groups": (6, "affected differs from healthy", (AUDIT, MOTIFS, MAPS)),
    "one_group": (4, "are of the reference group healthy", (MOTIFS, MAPS)),
    "scored": (3, "affected subjects move further", ("Could something other than movement explain the deviation?",)),
    "no_reference": (6, "moves least like the others", (MOTIFS, MAPS)),
    "days": (6, "affected differs from healthy", (AUDIT, "Over time", MOTIFS, MAPS)),
    "keypoints": (6, "affected differs from healthy", (AUDIT, MOTIFS, MAPS)),
    "failed": (4, "affected differs from healthy", (AUDIT, MOTIFS, MAPS)),
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run folder of every kind."""
    place = tmp_path_factory.mktemp("kinds")
    folders = {name: place / name for name in KINDS}
    for name, make in KINDS.items():
        make(folders[name])
    for folder in folders.values():
        complete(folder, folders["groups"] / "preview" / "a01_walk.mp4")
    return folders


@pytest.fixture(scope="module")
def grace(chromium: Any, served: Served) -> Iterator[Visitor]:
    """One visitor for all tests, signed in once, whose pages complain of what they read beside the contract."""
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    spec = visitor.page.evaluate("fetch('/api/v1/openapi.json').then((answer) => answer.json())")
    visitor.context.add_init_script(watching(spec))
    yield visitor
    visitor.close()


@pytest.fixture
def visitor(grace: Visitor) -> Iterator[Visitor]:
    """The visitor in a tab of its own, without faults."""
    page = grace.tab()
    grace.faults.clear()
    yield grace
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_answers_keep_the_contract(server: TestServer, kinds: dict[str, Path], kind: str) -> None:
    """`Client` holds every answer to it; these are those of which the page of a run is made."""
    client = server.person("grace")
    study = client.post("studies", {"name": kind}).json["id"]
    with server.service.database.session() as session:
        grace = session.query(User).filter(User.name == "grace").one().id
    run = server.add_run(study, grace, shutil.copytree(kinds[kind], server.settings.folders[0] / kind))
    found = client.get(f"runs/{run}/results")
    assert found.status_code == 200
    assert client.get(f"runs/{run}/maps").status_code == 200
    assert client.get(f"compare?runs={run},{run}").status_code == 200
    for row in found.json["recordings"]:
        for what in ("windows", "evidence"):
            assert client.get(f"runs/{run}/recordings/{row['recording_id']}/{what}").status_code == 200


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_result_is_shown(visitor: Visitor, served: Served, kinds: dict[str, Path], kind: str) -> None:
    subjects, headline, headings = SHOWN[kind]
    against = "0" * 32 if kind == "scored" else None
    run = opened_run(served, shutil.copytree(kinds[kind], served.lab / kind), against)
    page = visitor.go(f"/runs/{run}")
    page.locator("#downloads h2").wait_for()
    assert headline in page.locator("#headline").inner_text()
    assert page.locator("button.rank").count() == subjects
    for heading in headings:
        page.get_by_role("heading", name=heading).first.wait_for()
    assert page.get_by_role("link", name="Open the report").is_visible()
    for place in range(subjects):
        page.locator("button.rank").nth(place).click()
        chosen = page.locator("button.rank").nth(place).locator(".who").inner_text()
        page.locator("#viewer-title", has_text=chosen).wait_for()
        visitor.until("document.querySelector('.player video').readyState >= 1", 60)
    assert page.locator("#says .bad").all_inner_texts() == []
    assert page.evaluate("watchedAnswers") > subjects
    assert visitor.faults == []


@pytest.mark.browser
def test_a_click_leads_to_the_film_below_on_a_phone(visitor: Visitor, served: Served, kinds: dict[str, Path]) -> None:
    run = opened_run(served, shutil.copytree(kinds["groups"], served.lab / "phone"))
    visitor.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page = visitor.go(f"/runs/{run}")
    page.locator(".map canvas").first.wait_for()
    top = "document.querySelector('#viewer').getBoundingClientRect().top"
    assert page.evaluate(top) > PHONE[1], "nobody has clicked yet"
    page.locator("button.rank").first.click()
    visitor.until(f"{top} >= 0 && {top} < 120", 20)


@pytest.mark.browser
def test_a_comparison_is_not_cut_on_a_phone(visitor: Visitor, served: Served, kinds: dict[str, Path]) -> None:
    runs = [opened_run(served, shutil.copytree(kinds["groups"], served.lab / name)) for name in ("first", "second")]
    visitor.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page = visitor.go(f"/compare?runs={','.join(runs)}")
    page.locator(".scroll tbody tr").nth(5).wait_for()
    table = "document.querySelector('.scroll')"
    assert page.evaluate(f"{table}.scrollWidth - {table}.clientWidth") == 0
    assert page.locator(".scatter .dot").count() == 6
    assert (visitor.overflow(), visitor.axe(), visitor.faults) == (0, [], [])


@pytest.mark.browser
def test_a_reason_is_given_once(visitor: Visitor, served: Served, kinds: dict[str, Path]) -> None:
    run = opened_run(served, shutil.copytree(kinds["failed"], served.lab / "reasons"))
    visitor.go(f"/runs/{run}")
    visitor.page.locator("#downloads h2").wait_for()
    said = visitor.page.locator("#warnings li").all_inner_texts()
    assert sum("the file is empty: copy it again" in words for words in said) == 1
    assert sum("the file ends early" in words for words in said) == 1


@pytest.mark.browser
def test_a_recording_that_no_warning_names_is_named(visitor: Visitor, served: Served, kinds: dict[str, Path]) -> None:
    """A warning names five at most; another recording's name may hold that of the one that is left."""
    run = opened_run(served, shutil.copytree(kinds["failed"], served.lab / "left_out"))

    def changed(route: Any) -> None:
        found = route.fetch().json()
        left = next(row for row in found["recordings"] if row["status"] == "failed")
        found["words"]["warnings"] = [f"1 of 9 recordings could not be used: x{left['recording_id']}2 (it is cut)."]
        route.fulfill(json=found)

    visitor.page.route(f"**/runs/{run}/results", changed)
    visitor.go(f"/runs/{run}")
    visitor.page.locator("#downloads h2").wait_for()
    said = visitor.page.locator("#warnings li").all_inner_texts()
    assert sum("the file is empty: copy it again" in words for words in said) == 1


@pytest.mark.browser
def test_paper_has_all_of_a_page(visitor: Visitor, served: Served, kinds: dict[str, Path]) -> None:
    """Light whatever the screen is, on A4, without what is pressed, and nothing cut."""
    run = opened_run(served, shutil.copytree(kinds["days"], served.lab / "paper"))
    page = visitor.go(f"/runs/{run}")
    page.locator(".map canvas").first.wait_for()
    page.set_viewport_size({"width": 720, "height": 1040})
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 32, 36)"
    for there in (
        "button.rank",
        ".timeline .peak",
        ".evidence img",
        ".map canvas",
        ".every table",
        "blockquote",
        ".foot",
    ):
        assert page.locator(there).first.is_visible(), there
    for away in ("#score", "#delete", ".bar", ".magnifier", ".commenting", "#downloads h2", ".parts"):
        assert not page.locator(away).first.is_visible(), away
    assert visitor.overflow() == 0
    cut = """() => [...document.querySelectorAll('.every td, .rank, .curves .pane, figure')]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth).length"""
    assert page.evaluate(cut) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".results details[open]").count() == 1, "what was open stays"


@pytest.mark.browser
def test_nobody_s_film_plays_under_another_s_name(visitor: Visitor, served: Served, kinds: dict[str, Path]) -> None:
    run = opened_run(served, shutil.copytree(kinds["groups"], served.lab / "films"))
    page = visitor.go(f"/runs/{run}")
    page.locator("button.rank", has_text="A01").click()
    page.locator(".player .whose", has_text="A01").wait_for()
    visitor.until("document.querySelector('.player video').readyState >= 1", 60)
    held: list[Any] = []
    page.route("**/preview.mp4", lambda route: held.append(route))
    page.locator("button.rank", has_text="H01").click()
    page.locator("#viewer-title", has_text="H01").wait_for()
    eventually(lambda: page.evaluate("true") and held, "the film is asked for")
    assert page.locator(".player video").get_attribute("src") is None
    assert page.locator(".player .whose").inner_text() == ""
    for route in held:
        route.continue_()
    page.unroute("**/preview.mp4")
    page.locator(".player .whose", has_text="H01").wait_for()
    visitor.until("document.querySelector('.player video').src.includes('/h01_walk/')")
    assert visitor.faults == []


@pytest.mark.browser
def test_a_comment_stands_at_its_moment(visitor: Visitor, served: Served, kinds: dict[str, Path]) -> None:
    run = opened_run(served, shutil.copytree(kinds["groups"], served.lab / "comments"))
    page = visitor.go(f"/runs/{run}")
    page.locator("button.rank", has_text="A01").click()
    page.locator(".timeline [role=slider]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    page.get_by_label("Comment on the moment that is shown").fill("Drags the <b>left</b> foot.")
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator(".comments li", has_text="Drags the <b>left</b> foot.").wait_for()
    assert page.locator(".remark").count() == 1
    page.reload()
    page.locator("button.rank", has_text="A01").click()
    page.get_by_role("button", name="Show the moment at").wait_for()
    assert "grace, " in page.locator(".comments .fine").inner_text()
    page.locator("button.rank", has_text="H01").click()
    page.locator("#viewer-title", has_text="H01").wait_for()
    visitor.until("document.querySelectorAll('.comments li').length === 0")
    page.locator("button.rank", has_text="A01").click()
    page.get_by_role("button", name="Delete what grace said at").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    visitor.until("document.querySelectorAll('.comments li, .remark').length === 0")
    assert visitor.axe() == []
    assert visitor.faults == []
