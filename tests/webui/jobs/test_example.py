"""The example study: made once, behind everybody's runs, for everybody to look at and for nobody to change."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.webui.support.browser import DESKTOP, PHONE, Visitor, chromium_path
from tests.webui.support.clients import PASSWORD, TestServer, small_video
from tests.webui.support.kinds import groups
from tests.webui.support.served import Served, complete, opened_run, serving
from webui.data.database import Database
from webui.data.models import Job, Run, Study
from webui.jobs import example
from webui.jobs.queue import queue_again
from webui.jobs.workplace import Workplace
from webui.settings import ServerSettings


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sample videos."""
    folder = tmp_path / "samples"
    folder.mkdir()
    for name in ("a", "b"):
        small_video(folder / f"{name}.mp4")
    rows = "video,subject,group,severity\na.mp4,a,healthy,0\nb.mp4,b,impaired,1\n"
    (folder / "study.csv").write_text(rows, encoding="utf-8")
    monkeypatch.setattr(example, "sample_folder", lambda: folder)
    return folder


def test_it_is_made_once_for_everybody_to_look_at(server: TestServer, samples: Path) -> None:
    grace = server.person("grace")
    place = Workplace(server.settings, server.service.database, server.service.storage, name="test")
    example.prepare_example(place)
    example.prepare_example(place)
    found = grace.get("studies").json
    assert [(one["kind"], one["role"], one["can_edit"], one["n_recordings"]) for one in found] == [
        ("example", "viewer", False, 2)
    ]
    assert found[0]["latest_run"]["status"] == "queued"
    with server.service.database.session() as session:
        run, job = session.scalars(select(Run)).one(), session.scalars(select(Job)).one()
        assert (run.reference, run.preset, sorted(run.recordings)) == ("healthy", "quick", ["a-1", "b-1"])
        assert job.priority > max(1, 2**30)  # all others go before
    assert grace.patch(f"studies/{found[0]['id']}", {"name": "mine"}).status_code == 403
    assert grace.delete(f"studies/{found[0]['id']}").status_code == 403
    assert server.stranger().get("studies").status_code == 401


def test_one_that_was_deleted_does_not_come_back(alone: TestServer, samples: Path) -> None:
    client = alone.only_person()
    place = Workplace(alone.settings, alone.service.database, alone.service.storage, name="test")
    example.prepare_example(place)
    queue_again(alone.service.database, alone.queue)
    (study,) = client.get("studies").json
    assert client.delete(f"studies/{study['id']}").status_code == 204
    example.prepare_example(place)
    assert client.get("studies").json == []


@pytest.fixture
def first_visit(tmp_path: Path) -> Iterator[Served]:
    """A server of its own: the first page offers the example to those who have no study yet."""
    chromium_path()
    with serving(tmp_path / "served") as found:
        yield found


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_one_click_leads_to_its_results_and_a_tour_of_five_steps(chromium: Any, first_visit: Served) -> None:
    folder = first_visit.lab / "example"
    groups(folder)
    complete(folder, folder / "preview" / "a01_walk.mp4")
    run = opened_run(first_visit, folder)
    with Database(ServerSettings(data=first_visit.data).database_url).session() as session:
        study = session.get_one(Study, session.get_one(Run, run).study_id)
        study.kind = "example"
    visitor = Visitor(chromium, first_visit.address).sign_in("vera", PASSWORD)
    visitor.count_clicks()
    page = visitor.go("/")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    box = page.get_by_role("link", name="Look at finished results of an example").bounding_box()
    assert box["x"] + box["width"] < PHONE[0], "it is not cut on a phone"
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.get_by_role("link", name="Look at finished results of an example").click()
    page.locator("button.rank").first.wait_for()
    assert visitor.clicks() == 1
    tour = page.get_by_role("dialog", name="Tour")
    for step in range(1, 6):
        tour.get_by_text(f"Step {step} of 5").wait_for()
        assert page.locator(".toured").count() == 1
        visitor.until("document.querySelector('.toured').getBoundingClientRect().top >= 0", 10)
        if step == 3:
            assert visitor.axe() == []
        if step < 5:
            tour.get_by_role("button", name="Next").click()
    tour.get_by_role("link", name="Your own study").click()
    page.wait_for_url(f"{first_visit.address}/")
    page.go_back()
    page.locator("button.rank").first.wait_for()
    assert tour.count() == 0
    page.get_by_role("button", name="Tour").click()
    tour.get_by_text("Step 1 of 5").wait_for()
    page.keyboard.press("Escape")
    assert tour.count() == 0
    assert visitor.faults == []
    visitor.close()
    with Database(ServerSettings(data=first_visit.data).database_url).session() as session:
        session.get_one(Study, session.get_one(Run, run).study_id).kind = "study"


def test_a_disk_that_is_full_leaves_the_server_without_an_example(
    alone: TestServer, samples: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    client = alone.only_person()
    place = Workplace(alone.settings, alone.service.database, alone.service.storage, name="test")
    with monkeypatch.context() as patch:
        patch.setattr("webui.jobs.example.shutil.copyfile", full)
        example.prepare_example(place)
    assert "the example study could not be made: No space left on device" in caplog.text
    assert client.get("studies").json == []


def test_an_example_that_is_deleted_while_it_is_made_has_no_run(
    alone: TestServer, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(*_: object) -> None:
        with alone.service.database.session() as session:
            for study in session.scalars(select(Study)):
                session.delete(study)

    monkeypatch.setattr(example, "probe_recording", delete)
    example.prepare_example(Workplace(alone.settings, alone.service.database, alone.service.storage, name="test"))
    with alone.service.database.session() as session:
        assert session.query(Job).count() == 0
