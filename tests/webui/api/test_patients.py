"""Patients over visits: every date scored on its own against a named reference, and what is said of it."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.webui.support.clients import Client, TestServer, small_video
from tests.webui.support.kinds import groups, scored
from tests.webui.support.served import complete
from ubam.core.files import read_csv, write_csv
from webui.data.models import Job, Run, User
from webui.results.sheet import Sheet
from webui.results.visits import Course, Visit, day, finding, limits

PSEUDONYM = "P-17 <b>$x$</b>"


def make_visits(run: Path, dates: list[str]) -> None:
    """A run that scored one patient: the fake subjects of the query group become dates."""
    scored(run)
    subjects = sorted({row["subject"] for row in read_csv(run / "deviation" / "subjects.csv")})
    named = dict(zip(subjects, dates, strict=True))
    for table in (run / "recordings.csv", *(run / "deviation").glob("*.csv")):
        rows = read_csv(table)
        for row in rows:
            row |= {"group": named.get(row["subject"], row["group"]), "subject": PSEUDONYM}
        write_csv(table, rows, list(rows[0]))


def add_reference_run(alone: TestServer, client: Client, folder: Path) -> str:
    """A run whose frozen reference is there."""
    study = client.post("studies", {"name": "cohort"}).json["id"]
    groups(folder)
    frozen = folder.parent / "frozen"
    scored(frozen)
    shutil.copytree(frozen / "model", folder / "model", dirs_exist_ok=True)
    return alone.add_run(study, client.get("me").json["user"]["id"], folder, reference="healthy")


def add_comparison(alone: TestServer, patient: str, run: str, folder: Path) -> None:
    """A run that compared three visits of the patient with the reference of `run`."""
    make_visits(folder, ["2026-05-01", "2026-05-31", "2026-07-01"])
    complete(folder, folder / "preview" / "a01_walk.mp4")
    with alone.service.database.session() as session:
        job = Job(kind="score", target_id="x", study_id=patient, user_id=session.query(User).one().id, status="done")
        session.add(job)
        session.flush()
        made = Run(study_id=patient, name="v", preset="quick", folder=str(folder), against_id=run, user_id=job.user_id)
        made.job_id, made.reference = job.id, "healthy"
        session.add(made)


@pytest.fixture
def client(alone: TestServer, tmp_path: Path) -> Client:
    (tmp_path / "lab").mkdir()
    alone.service.storage.folders = (tmp_path.resolve(),)
    return alone.only_person()


def test_a_patient_s_visits_are_scored_by_date_under_the_pseudonym(
    alone: TestServer, client: Client, tmp_path: Path
) -> None:
    run = add_reference_run(alone, client, tmp_path / "lab" / "run")
    reference = client.post(f"runs/{run}/reference", {"name": "Gait 2026"}).json
    assert (reference["group"], reference["subjects"], len(reference["version"])) == ("healthy", 5, 16)
    assert [one["name"] for one in client.get("references").json] == ["Gait 2026"]
    patient = client.post("patients", {"pseudonym": PSEUDONYM, "reference": reference["id"]}).json["id"]
    video = small_video(tmp_path / "x.mp4")
    client.upload(patient, "John_Smith_3.mp4", video, date="2026-05-31")
    client.upload(patient, "John_Smith_1.mp4", video)
    alone.work()
    rows = {row["file_name"]: row for row in client.get(f"studies/{patient}/recordings").json}
    assert {row["subject"] for row in rows.values()} == {PSEUDONYM}
    answer = client.post(f"patients/{patient}/compare")
    assert (answer.status_code, "John_Smith_1.mp4 has no date yet" in answer.json["error"]) == (400, True)
    first = f"studies/{patient}/recordings/{rows['John_Smith_1.mp4']['id']}"
    assert client.patch(first, {"date": "31.5.2026"}).status_code == 422
    assert client.patch(first, {"date": "2026-05-01"}).status_code == 200
    found = client.post(f"patients/{patient}/compare").json
    assert found["run"]["status"] == "queued"
    with alone.service.database.session() as session:
        entries = session.get_one(Run, found["run"]["id"]).recordings
    assert sorted((one["subject"], one["group"], one["day"]) for one in entries.values()) == [
        (PSEUDONYM, "2026-05-01", 0.0),
        (PSEUDONYM, "2026-05-31", 30.0),
    ]
    assert not any("Smith" in name for name in entries)


def test_the_course_and_the_page_say_who_when_and_by_which_reference(
    alone: TestServer, client: Client, tmp_path: Path
) -> None:
    run = add_reference_run(alone, client, tmp_path / "lab" / "run")
    reference = client.post(f"runs/{run}/reference", {"name": "Gait 2026"}).json
    patient = client.post("patients", {"pseudonym": PSEUDONYM, "reference": reference["id"]}).json["id"]
    assert client.get(f"patients/{patient}").json["visits"] == []
    assert client.get(f"patients/{patient}/page.pdf").status_code == 409
    add_comparison(alone, patient, run, tmp_path / "lab" / "visits")
    found = client.get(f"patients/{patient}").json
    assert [visit["date"] for visit in found["visits"]] == ["2026-05-01", "2026-05-31", "2026-07-01"]
    assert found["band"][0] < found["band"][1]
    assert found["finding"][0].startswith("At the visit of 1 July 2026 the deviation was ")
    assert any("Small movements of a single limb" in words for words in found["limits"])
    first, last = (visit["recordings"][0] for visit in (found["visits"][0], found["visits"][-1]))
    films = f"runs/{found['compared']}/clips"
    phase = {"recording_id": first, "appearance": last, "layout": "in-phase"}
    clip = client.post(films, phase)
    assert (clip.status_code, clip.json["layout"], clip.json["appearance"]) == (201, "in-phase", last)
    assert client.post(films, {"recording_id": first, "layout": "in-phase"}).status_code == 422
    assert client.post(films, phase | {"layout": "transfer"}).status_code == 409
    magnified = {"recording_id": last, "factor": 2, "from_s": 0.4, "to_s": 2.0}
    refused = client.post(films, magnified)
    assert (refused.status_code, "recordings of the reference" in refused.json["error"]) == (409, True)
    (tmp_path / "lab" / "run" / "crops").mkdir()
    assert client.post(films, magnified).status_code == 201
    assert client.get(f"patients/{patient}").json["clips"] == []  # none is done yet
    page = client.get(f"patients/{patient}/page.pdf")
    assert page.status_code == 200
    assert page.data[:5] == b"%PDF-"
    assert page.data.count(b"/Type /Page\n") + page.data.count(b"/Type /Page ") == 1
    assert len(page.data) > 20_000
    assert str(tmp_path).encode() not in page.data


def test_the_page_names_study_reference_dates_and_versions(
    alone: TestServer, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add_reference_run(alone, client, tmp_path / "lab" / "run")
    reference = client.post(f"runs/{run}/reference", {"name": "Gait 2026"}).json
    patient = client.post("patients", {"pseudonym": PSEUDONYM, "reference": reference["id"]}).json["id"]
    add_comparison(alone, patient, run, tmp_path / "lab" / "visits")
    drawn: list[Sheet] = []

    def draw(sheet: Sheet) -> bytes:
        drawn.append(sheet)
        return b"%PDF-"

    monkeypatch.setattr("webui.results.sheet.sheet_pdf", draw)
    assert client.get(f"patients/{patient}/page.pdf").status_code == 200
    facts = dict(drawn[0].facts)
    assert (drawn[0].pseudonym, facts["Study of the reference"]) == (PSEUDONYM, "cohort")
    assert facts["Reference"] == "Gait 2026 (5 healthy subjects)"
    today = day(date.today().isoformat())
    assert facts["Named on, version"] == f"{today}, {reference['version']}"
    assert facts["Compared on"] == f"{today}, by ubam 0.1.0"
    assert len(drawn[0].stills) == 4


def test_only_a_run_with_a_reference_is_named_and_others_see_nothing(
    server: TestServer, fake_run: Path, tmp_path: Path
) -> None:
    ada, bob = server.person("ada"), server.person("bob")
    study = ada.post("studies", {"name": "cohort"}).json["id"]
    server.service.storage.folders = (fake_run.resolve(),)
    run = server.add_run(study, ada.get("me").json["user"]["id"], fake_run)
    assert ada.post(f"runs/{run}/reference", {"name": "none"}).status_code == 409
    assert bob.get("references").json == []
    assert bob.post("patients", {"pseudonym": "x", "reference": "0" * 32}).status_code == 404
    assert ada.get(f"patients/{study}").status_code == 404  # a study of groups is no patient


FIRST = Visit("2026-05-01", ("a",), 2.0, 1.8, 2.2, 0.125)
LAST = Visit("2026-07-01", ("b",), 1.2, 1.0, 1.4, 0.5)
COURSE = Course((FIRST, LAST), (0.6, 1.1), "healthy", 7, first_look=False)


@pytest.mark.parametrize(
    ("course", "said", "not_said"),
    [
        (COURSE, ["above the range of the 7 healthy subjects", "smaller than", "do not overlap"], ["may be no change"]),
        (replace(COURSE, visits=(FIRST, replace(LAST, high=1.9))), ["overlap, so it may be no change"], ["do not"]),
        (replace(COURSE, visits=(FIRST, replace(LAST, deviation=0.8))), ["within the range"], ["above", "below"]),
        (
            replace(COURSE, visits=(replace(FIRST, low=None), LAST)),
            ["2.00. How certain that is is not known."],
            ["overlap"],
        ),
        (replace(COURSE, visits=(FIRST,)), ["At the visit of 1 May 2026"], ["first visit"]),
        (replace(COURSE, band=None), ["nothing is known of the reference subjects' own"], ["range"]),
        (replace(COURSE, visits=(replace(FIRST, deviation=None),)), ["No visit could be compared."], ["deviation was"]),
    ],
)
def test_a_sentence_stands_only_where_it_holds(course: Course, said: list[str], not_said: list[str]) -> None:
    words = " ".join(finding(course))
    assert all(part in words for part in said), words
    assert not any(part in words for part in not_said), words


def test_limits_name_a_first_look_and_few_subjects_only_where_they_are() -> None:
    assert not any("quick" in words for words in limits(COURSE))
    assert "quick" in limits(replace(COURSE, first_look=True))[0]
    assert any("cannot be smaller than 0.12" in words for words in limits(COURSE))
    assert not any("cannot be smaller" in words for words in limits(replace(COURSE, reference_count=30)))
