"""A run for other programs, as the command line exports it, without a folder of the server in it."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.webui.support.clients import Client, TestServer


@pytest.fixture
def client(alone: TestServer, fake_run: Path) -> tuple[Client, str]:
    """Somebody with a finished run of the command line."""
    alone.service.storage.folders = (fake_run.resolve(),)
    client = alone.only_person()
    study = client.post("studies", {"name": "mine"}).json["id"]
    return client, alone.add_run(study, client.get("me").json["user"]["id"], fake_run)


def test_a_workbook_has_the_tables_and_no_folder(client: tuple[Client, str], fake_run: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    person, run = client
    answer = person.get(f"runs/{run}/export.xlsx")
    assert answer.status_code == 200
    assert f"run-{run[:8]}.xlsx" in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert {"subjects", "recordings", "windows"} <= set(book.sheetnames)
    cells = [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
    assert not any(str(fake_run) in cell or str(fake_run.parent) in cell for cell in cells)


def test_all_clips_are_one_zip(client: tuple[Client, str]) -> None:
    person, run = client
    answer = person.get(f"runs/{run}/export.clips")
    names = zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    assert "magnified/a01_walk.mp4" in names
    assert "magnified/a01_walk.json" in names
    assert all(name.startswith("magnified/") for name in names)


def test_the_tables_are_one_zip(client: tuple[Client, str], fake_run: Path) -> None:
    person, run = client
    answer = person.get(f"runs/{run}/export.csv")
    assert f"run-{run[:8]}-csv.zip" in answer.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert {"deviation/subjects.csv", "deviation/windows.csv", "recordings.csv"} <= set(archive.namelist())
    assert all(name.endswith(".csv") for name in archive.namelist())
    header, *rows = archive.read("deviation/subjects.csv").decode().splitlines()
    assert "deviation" in header
    assert len(rows) == 6
    assert str(fake_run.parent) not in b"".join(map(archive.read, archive.namelist())).decode()


def test_what_is_no_export_or_not_scored_is_one_sentence(
    alone: TestServer, client: tuple[Client, str], tmp_path: Path
) -> None:
    person, run = client
    assert person.get(f"runs/{run}/export.docx").status_code == 404
    empty = tmp_path / "lab" / "empty"
    empty.mkdir(parents=True)
    alone.service.storage.folders = (empty.resolve(),)
    study = person.post("studies", {"name": "other"}).json["id"]
    other = alone.add_run(study, person.get("me").json["user"]["id"], empty)
    answer = person.get(f"runs/{other}/export.xlsx")
    assert answer.status_code == 409
    assert str(alone.settings.data) not in answer.json["error"]


def test_space_is_told_and_a_study_is_handed_over(server: TestServer) -> None:
    ada, bob = server.person("ada"), server.person("bob")
    server.person("vera", "viewer")
    study = ada.post("studies", {"name": "x"}).json["id"]
    server.add_recording(study, "a.mp4")
    assert ada.get("space").json["used"] == 1000
    assert ada.put(f"studies/{study}/owner", {"name": "vera"}).status_code == 400
    found = ada.put(f"studies/{study}/owner", {"name": "bob"}).json
    assert (found["owner"], found["role"]) == ("bob", "editor")
    assert ada.put(f"studies/{study}/owner", {"name": "ada"}).status_code == 403
    assert bob.get(f"studies/{study}").json["role"] == "owner"
    assert (ada.get("space").json["used"], bob.get("space").json["used"]) == (0, 1000)


def test_the_audit_log_is_filtered_and_exported(server: TestServer) -> None:
    root, ada = server.person("root", "admin"), server.person("ada")
    ada.post("studies", {"name": "secret name"})
    lines = root.get("audit?words=make%20study").json
    assert [(line["user"], line["action"]) for line in lines] == [("ada", "make study")]
    table = root.get("audit.csv?words=make%20study").get_data(as_text=True).splitlines()
    assert (len(table), ",ada,make study,study," in table[1]) == (2, True)
    assert "secret name" not in "".join(table)
    assert ada.get("audit.csv").status_code == 403
