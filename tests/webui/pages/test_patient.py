"""A patient in the browser: begun with a reference, films with dates, the course beside the reference's range."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.webui.api.test_patients import make_visits
from tests.webui.support.browser import DESKTOP, PHONE, Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import SAMPLES
from tests.webui.support.served import Served, complete, opened_run
from webui.access.identity import find_user
from webui.data.database import Database
from webui.data.models import Job, NamedReference, Run
from webui.settings import ServerSettings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
VISITS = ["2026-05-01", "2026-05-31", "2026-07-01"]


@pytest.fixture(scope="module")
def compared(served: Served) -> Path:
    """A run folder of three visits."""
    folder = served.lab / "visits"
    make_visits(folder, VISITS)
    complete(folder, folder / "preview" / "a01_walk.mp4")
    return folder


def reference_of_grace(served: Served, folder: Path) -> None:
    run = opened_run(served, folder)
    with Database(ServerSettings(data=served.data).database_url).session() as session:
        session.add(NamedReference(name="Gait 2026", run_id=run, version="0123", group="healthy", subjects=5))


def put_comparison(served: Served, patient: str, folder: Path) -> None:
    """As if the visits had been compared with the reference of that run."""
    with Database(ServerSettings(data=served.data).database_url).session() as session:
        against = session.scalars(select(NamedReference.run_id)).first()
        grace = find_user(session, "grace")
        job = Job(kind="score", target_id="x", study_id=patient, user_id=grace.id, status="done")
        session.add(job)
        session.flush()
        run = Run(study_id=patient, name="visits", preset="quick", folder=str(folder), user_id=grace.id)
        run.against_id, run.reference, run.job_id = against, "healthy", job.id
        session.add(run)


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        (DESKTOP, "light"),
        (PHONE, "dark"),
        pytest.param((1440, 900), "light", marks=pytest.mark.slow),
        pytest.param((1440, 900), "dark", marks=pytest.mark.slow),
        pytest.param(PHONE, "light", marks=pytest.mark.slow),
    ],
    ids=["desk", "phone", "wide-light", "wide-dark", "phone-light"],
)
def test_a_patient_from_pseudonym_to_course(
    chromium: Any, served: Served, compared: Path, size: tuple[int, int], scheme: str
) -> None:
    reference_of_grace(served, compared)
    visitor = Visitor(chromium, served.address, size, scheme).sign_in("grace", PASSWORD)
    page = visitor.page
    page.get_by_role("button", name="New patient").click()
    page.get_by_label("Pseudonym").fill("P-17")
    page.get_by_role("dialog").get_by_role("button", name="Begin").click()
    page.wait_for_url("**/patients/*")
    page.get_by_text("Compared with Gait 2026: 5 healthy subjects").wait_for()
    page.get_by_label("Film of the visit on").fill("2026-05-01")
    page.set_input_files("#files", SAMPLES / "human02.mp4")
    page.get_by_label("Date of human02.mp4").wait_for()
    assert page.get_by_label("Date of human02.mp4").input_value() == "2026-05-01"
    page.locator("#compare:enabled").wait_for()
    patient = page.url.rpartition("/")[2]
    put_comparison(served, patient, compared)
    page.reload()
    page.get_by_text("At the visit of 1 July 2026 the deviation was").wait_for()
    assert page.locator("#course circle").count() == 3
    assert page.locator("#before option").all_inner_texts() == ["1 May 2026", "31 May 2026", "1 Jul 2026"]
    page.get_by_text("The second film leaps 2 times").wait_for(timeout=60_000)
    visitor.until("document.querySelector('#phase-film video').readyState >= 2", 60)
    assert page.locator("#phase-film .panels span").all_inner_texts() == ["1 May 2026", "1 Jul 2026"]
    page.get_by_role("button", name="Each by itself").click()
    visitor.until("document.querySelector('#after-film').readyState >= 2", 60)
    page.locator("#play").click()
    visitor.until("!document.querySelector('#before-film').paused")
    page.locator("#play").click()
    page.get_by_role("button", name="Make the film").click()
    page.get_by_text("The deviation was to be shown 2 times").wait_for(timeout=60_000)
    visitor.until("document.querySelector('#magnified-film video').readyState >= 2", 60)
    ask = "fetch(document.querySelector('#pdf').href).then((answer) => answer.headers.get('Content-Type'))"
    assert page.evaluate(ask) == "application/pdf"
    assert visitor.axe() == []
    assert visitor.overflow() == 0
    page.emulate_media(media="print")
    assert page.locator(".on-paper:visible").all_inner_texts() == ["1 May 2026"]
    assert not page.get_by_text("human02.mp4").first.is_visible(), "the name of a file may be the patient's"
    assert page.locator("#magnified-film video").is_visible()
    assert not page.locator("#pdf").is_visible()
    assert visitor.faults == []
    visitor.close()
