"""A table of a run that is not what was written is no result on the page, either."""

import shutil
from pathlib import Path

import pytest

from tests.webui.support.clients import TestServer
from ubam.core.seals import read_record, write_record
from ubam.results.run_tables import watch


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("deviation/subjects.csv", "results"),
        ("statistics.json", "results"),
        ("recordings.csv", "recordings/a01_walk/windows"),
        ("deviation/windows.csv", "recordings/a01_walk/windows"),
    ],
)
def test_a_changed_table_is_named_and_not_shown(
    name: str, address: str, alone: TestServer, fake_run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "lab" / "run"
    shutil.copytree(fake_run, folder, ignore=shutil.ignore_patterns("*.mp4", "crops"))
    record = read_record(folder / "run.json")
    for stage in ("check", "score"):
        watch(folder, record, stage)  # type: ignore[arg-type]
    write_record(folder / "run.json", record)
    alone.service.storage.folders = (folder.parent.resolve(),)
    client = alone.only_person()
    study = client.post("studies", {"name": "mine"}).json["id"]
    run = alone.add_run(study, client.get("me").json["user"]["id"], folder)
    assert client.get(f"runs/{run}/{address}").status_code == 200
    (folder / name).write_text((folder / name).read_text(encoding="utf-8").replace("1", "2"), encoding="utf-8")
    answer = client.get(f"runs/{run}/{address}")
    assert answer.status_code in (400, 409)
    assert Path(name).name in answer.json["error"]
    assert "is damaged, or was changed by hand" in answer.json["error"]
    assert str(tmp_path) not in answer.json["error"]
