"""Nobody who looks is told where on the server things lie: in no answer, no file, no zip, no error."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.webui.support.clients import Client, TestServer
from ubam.core.files import read_csv, write_csv
from webui.data.models import Job, Run
from webui.results.path_redaction import cut_text, places

Visit = tuple[Client, str, list[str]]  # who looks, at which run, and the folders that nobody is told
SECRET = "/srv/patients of Dr Example/day 14"


def name_folders_in(run: Path, secrets: list[str]) -> None:
    """Name folders wherever a run may name one: its record, a reason, a warning, a statistic, the report, a clip."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record.pop("seal", None)  # it is changed by hand below
    record |= {"study": f"{SECRET}/study.csv", "warnings": [f"{where}/a.mp4: was cut" for where in secrets]}
    (run / "run.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    reason = " and ".join(f"{where}/b.mp4 (of {where})" for where in secrets)
    rows = read_csv(run / "recordings.csv")
    rows = [row | ({"reason": reason} if row["status"] == "failed" else {}) for row in rows]
    write_csv(run / "recordings.csv", rows, list(rows[0]))
    words = "".join(f"<p>'{where}/c.mp4'</p><a href='file://{where}'>" for where in secrets)
    (run / "report.html").write_text(f"<!doctype html>{words}<img src='data:x;base64,AA{secrets[0]}/AA'>")
    statistics = json.loads((run / "statistics.json").read_text(encoding="utf-8"))
    statistics["notes"] = [f"{where}/d" for where in secrets]
    (run / "statistics.json").write_text(json.dumps(statistics))
    (run / "figures").mkdir(exist_ok=True)
    (run / "figures" / "when.svg").write_text("".join(f"<text>{where}/d</text>" for where in secrets))


@pytest.fixture
def visitor_of_a_run_that_names_folders(alone: TestServer, fake_run: Path, tmp_path: Path) -> Visit:
    """Somebody who looks at a run of the command line that names folders, and the folders."""
    run = tmp_path / "lab" / "run"
    shutil.copytree(fake_run, run)
    alone.service.storage.folders = ((tmp_path / "lab").resolve(),)
    secrets = [str(tmp_path / "lab"), str(tmp_path / "data"), SECRET]
    name_folders_in(run, secrets)
    client = alone.only_person()
    study = client.post("studies", {"name": "gait"}).json["id"]
    opened = client.post(f"studies/{study}/runs/open", {"path": str(run)}).json["id"]
    with alone.service.database.session() as session:
        job = Job(kind="clip", target_id=opened, study_id=study, user_id="x", status="failed")
        job.error = f"{tmp_path / 'data'}/studies/x: {SECRET} {__file__} is full"
        session.add(job)
        session.flush()
        job_id = job.id

    alone.change(Run, opened, job_id=job_id)
    return client, opened, secrets


def test_no_answer_and_no_file_of_a_run_names_a_folder(visitor_of_a_run_that_names_folders: Visit) -> None:
    client, run, secrets = visitor_of_a_run_that_names_folders
    listed = client.get(f"runs/{run}/results").json["files"]
    study = client.get(f"runs/{run}").json["study"]
    asked = [f"runs/{run}", f"runs/{run}/results", f"runs/{run}/log", f"runs/{run}/report.html", "runs"]
    asked.append(f"studies/{study}/runs")
    for path in (*asked, *(entry["url"] for entry in listed)):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert _named(answer.data, secrets) == [], path
    assert "a.mp4: was cut" in client.get(f"runs/{run}").json["warnings"]


def _named(data: bytes, secrets: list[str]) -> list[str]:
    """Which folders stand in these bytes, a picture's base64 aside."""
    text = data.decode("utf-8", "replace").replace(f"AA{secrets[0]}/AA", "")
    return [secret for secret in [*secrets, str(Path(__file__).parents[3])] if secret in text]


def test_the_zip_names_none_and_the_folder_on_the_disk_stays_as_it_is(
    visitor_of_a_run_that_names_folders: Visit, tmp_path: Path
) -> None:
    client, run, secrets = visitor_of_a_run_that_names_folders
    with zipfile.ZipFile(io.BytesIO(client.get(f"runs/{run}/run.zip").data)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert _named(archive.read(name), secrets) == [], name
        assert json.loads(archive.read("run.json"))["study"] == "study.csv"
        whole = tmp_path / "lab" / "run" / "embeddings" / "a01_walk.npz"
        assert archive.read("embeddings/a01_walk.npz") == whole.read_bytes()
        assert f"AA{secrets[0]}/AA".encode() in archive.read("report.html")  # a picture is no path
    kept = json.loads((tmp_path / "lab" / "run" / "run.json").read_text(encoding="utf-8"))
    assert kept["study"] == f"{SECRET}/study.csv"


def test_a_run_whose_folder_may_no_longer_be_read_is_listed_and_says_so(
    visitor_of_a_run_that_names_folders: Visit, alone: TestServer
) -> None:
    client, run, secrets = visitor_of_a_run_that_names_folders
    alone.change(Run, run, job_id=None)
    study = client.get(f"runs/{run}").json["study"]
    alone.service.storage.folders = ()
    for path in (f"runs/{run}", f"studies/{study}/runs", "runs"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert _named(answer.data, secrets) == [], path
    shown = client.get(f"runs/{run}").json
    assert (shown["status"], shown["stages"], shown["warnings"]) == ("failed", [], [])
    assert "no longer read" in shown["error"]
    for path in ("results", "run.zip", "report.html", "recordings/a01_walk/windows"):
        refused = client.get(f"runs/{run}/{path}")
        assert refused.status_code == 400, path
        assert _named(refused.data, secrets) == [], path
    assert client.delete(f"runs/{run}").status_code == 204


def test_an_error_names_no_folder(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    alone.service.storage.folders = ((tmp_path / "lab").resolve(),)
    study = client.post("studies", {"name": "gait"}).json["id"]
    answer = client.post(f"studies/{study}/folder", {"path": "/elsewhere"})
    assert answer.status_code == 400
    assert str(tmp_path) not in answer.json["error"]


def test_what_only_looks_like_a_folder_stays() -> None:
    cut = places(Path("/data"))
    assert cut_text('"/data/studies/x.csv" /data, /database/x, a/data/b, https://x.org/data/y', cut) == (
        '"studies/x.csv" data, /database/x, a/data/b, https://x.org/data/y'
    )
    study, run = "5" * 32, "e" * 32
    assert cut_text(f"/data/studies/{study}/runs/{run}/run/model: damaged", cut) == "model: damaged"
    assert cut_text(f"/data/studies/{study}/runs/{run}/study.csv, row 3", cut) == "study.csv, row 3"
    assert cut_text(f"/data/studies/{study}/recordings/{run}/video.mp4", cut) == "video.mp4"
    assert cut_text(f"'/data/studies/{study}/runs/{run}/run' is cut", cut) == "'run' is cut"
    assert cut_text("base64,AAA/data/AAA+/data/AA", cut) == "base64,AAA/data/AAA+/data/AA"
