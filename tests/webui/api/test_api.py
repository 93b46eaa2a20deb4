"""Studies, tables, runs and results as the page uses them; jobs are held, a made-up run is the finished one."""

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.clients import Client, TestServer
from webui.access.identity import ME
from webui.data.models import Job, Recording, Run
from webui.settings import Limits


@pytest.fixture
def client(alone: TestServer) -> Client:
    return alone.only_person()


def _study(client: Client, name: str = "gait") -> str:
    return str(client.post("studies", {"name": name}).json["id"])


def _four(server: TestServer, study: str) -> list[str]:
    people = [("ada", "healthy"), ("eve", "healthy"), ("bob", "impaired"), ("dan", "impaired")]
    return [server.add_recording(study, f"{who}.mp4", subject=who, group=group) for who, group in people]


def test_a_study_is_made_renamed_and_deleted(client: Client) -> None:
    study = _study(client, "  gait <b>2026</b> ")
    assert client.get(f"studies/{study}").json["name"] == "gait <b>2026</b>"
    assert client.patch(f"studies/{study}", {"name": "gait"}).json["name"] == "gait"
    assert [found["id"] for found in client.get("studies").json] == [study]
    assert client.delete(f"studies/{study}").status_code == 204
    assert client.get(f"studies/{study}").status_code == 404
    assert client.get("studies").json == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\x00b", "a\nb", "\ud800", 7, None, ["x"]])
def test_names_that_cannot_be_kept_are_refused_in_one_sentence(client: Client, name: Any) -> None:
    body = json.dumps({"name": name})  # a lone surrogate travels as its escape
    answer = client.send("POST", "studies", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert "name" in answer.json["error"]


def test_the_table_is_changed_one_by_one_many_at_once_and_by_csv(alone: TestServer, client: Client) -> None:
    study = _study(client)
    ada, _, bob, dan = _four(alone, study)
    answer = client.patch(f"studies/{study}/recordings/{ada}", {"day": 3, "box": [1, 2, 30, 40], "subject": " Ada "})
    assert (answer.json["day"], answer.json["box"], answer.json["subject"]) == (3.0, [1, 2, 30, 40], "Ada")
    both = client.patch(f"studies/{study}/recordings", {"ids": [bob, dan], "set": {"group": "lesion"}})
    assert [row["group"] for row in both.json] == ["lesion", "lesion"]
    assert client.patch(f"studies/{study}/recordings", {"ids": [bob, "x"], "set": {"group": "no"}}).status_code == 404
    table = client.get(f"studies/{study}/table.csv").get_data(as_text=True)
    assert table.splitlines()[1] == f"ada.mp4,Ada,healthy,,3,,,,1 2 30 40,,,,,{ada}"
    mended = table.replace("lesion", "stroke").replace(",", ";")
    assert client.send("PUT", f"studies/{study}/table.csv", data=mended.encode()).json == {"changed": 4, "notes": []}
    rows = client.get(f"studies/{study}/recordings").json
    assert [row["group"] for row in rows] == ["healthy", "healthy", "stroke", "stroke"]
    assert rows[0]["box"] == [1, 2, 30, 40]


def test_every_column_is_kept_and_numbers_are_not_misread(alone: TestServer, client: Client) -> None:
    study = _study(client)
    alone.add_recording(study, "ada.mp4")
    address = f"studies/{study}/table.csv"
    table = "sep=;\nvideo;FPS;Cage;site;keypoints;day\nada.mp4;12,5;B2;;ada.h5;1,5\n"
    notes = client.send("PUT", address, data=table.encode()).json["notes"]
    assert notes == ["Kept, and carried into the run and every table that it writes: 'Cage'."]
    row = client.get(f"studies/{study}/recordings").json[0]
    assert (row["day"], row["given_fps"], row["keypoints"]) == (1.5, 12.5, "ada.h5")
    assert row["extra"] == {"Cage": "B2"}
    written = client.get(address).get_data(as_text=True)
    assert client.send("PUT", address, data=written.encode()).status_code == 200
    assert client.get(address).get_data(as_text=True) == written
    answer = client.send("PUT", address, data=b"video;fps\nada.mp4;0\n")
    assert (answer.status_code, "Row 2: 'fps' is '0'" in answer.json["error"]) == (400, True)
    answer = client.send("PUT", address, data=b"video;day\nada.mp4;1,000\n")
    assert answer.status_code == 400
    assert "may mean a thousand or a fraction" in answer.json["error"]


def test_the_page_guesses_as_the_command_does(client: Client) -> None:
    paths = ["wt/treated1_day2.mp4", "wt/treated2.mp4", "ko/id07.mp4"]
    found = client.post("guesses", {"paths": paths}).json
    assert [one["subject"] for one in found["guesses"]] == ["treated1", "treated2", "id07"]
    assert found["guesses"][0]["day"] == "2"
    assert found["said"][0] == "3 files: 3 subjects, 2 groups."
    assert client.post("guesses", {"paths": []}).status_code == 422


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("video,day\neve.mp4,3\nada.mp4,soon\n", "Row 3: 'day' is 'soon'; write a number"),
        ("video,group\nzoe.mp4,x\n", "Row 2: no recording of this study is called 'zoe.mp4'"),
        ("video,box\nada.mp4,5 5 2 2\n", "Row 2: 'box' is '5 5 2 2': is no box"),
        ("file,group\nada.mp4,x\n", "no column 'video'"),
        ("video,start_s,end_s\nada.mp4,5,2\n", "Row 2: 'end_s'"),
    ],
)
def test_a_wrong_table_names_its_row_and_changes_nothing(
    alone: TestServer, client: Client, text: str, words: str
) -> None:
    study = _study(client)
    _four(alone, study)
    before = client.get(f"studies/{study}/recordings").json
    answer = client.send("PUT", f"studies/{study}/table.csv", data=text.encode())
    assert answer.status_code == 400
    assert words in answer.json["error"]
    assert client.get(f"studies/{study}/recordings").json == before


@pytest.mark.parametrize(("factor", "status"), [(-2.1, 422), (-2, 201), (6, 201), (6.1, 422), (9, 422)])
def test_a_factor_is_what_the_program_takes(opened: tuple[TestServer, Client, str], factor: float, status: int) -> None:
    _, client, run = opened
    answer = client.post(f"runs/{run}/clips", {"recording_id": "a01_walk", "factor": factor})
    assert answer.status_code == status
    assert ("factor" in answer.json["error"]) == (status == 422)


@pytest.mark.parametrize("box", [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4, 5], [5, 5, 2, 2]])
@pytest.mark.parametrize("name", ["box", "face_box"])
def test_a_box_is_four_numbers(alone: TestServer, client: Client, name: str, box: list[int]) -> None:
    study = _study(client)
    ada = alone.add_recording(study, "ada.mp4")
    answer = client.patch(f"studies/{study}/recordings/{ada}", {name: box})
    assert answer.status_code == 422
    assert name in answer.json["error"]
    table = f"video,{name}\nada.mp4,{' '.join(map(str, box))}\n"
    assert client.send("PUT", f"studies/{study}/table.csv", data=table.encode()).status_code == (400 if box else 200)


def test_rows_of_files_with_one_name_are_told_apart_by_id_and_never_guessed(alone: TestServer, client: Client) -> None:
    study = _study(client)
    for subject in ("ada", "bob"):
        alone.add_recording(study, "walk.mp4", subject=subject, group=f"{subject}'s")
    address = f"studies/{study}/table.csv"
    head, ada, bob = client.get(address).get_data(as_text=True).splitlines()
    turned = "\n".join([head, bob.replace("bob", "Bob"), ada])
    assert client.send("PUT", address, data=turned.encode()).json == {"changed": 2, "notes": []}
    rows = client.get(f"studies/{study}/recordings").json
    assert [(row["subject"], row["group"]) for row in rows] == [("ada", "ada's"), ("Bob", "Bob's")]
    for wrong, words in (
        ("video,subject\nwalk.mp4,eve\nwalk.mp4,dan\n", "Row 2: 2 recordings are called 'walk.mp4'"),
        ("\n".join([head, ada, ada]), "Row 3: walk.mp4 is the recording of row 2 again"),
        (f"id,subject\n{'0' * 32},eve\n", "no recording of this study has the id"),
    ):
        answer = client.send("PUT", address, data=wrong.encode())
        assert answer.status_code == 400
        assert words in answer.json["error"]
    assert client.get(f"studies/{study}/recordings").json == rows


def test_a_spreadsheet_takes_no_cell_of_the_table_for_a_formula(alone: TestServer, client: Client) -> None:
    study = _study(client)
    alone.add_recording(study, "=1+1.mp4", subject="@SUM(A1)", group="-x")
    table = client.get(f"studies/{study}/table.csv").get_data()
    assert b"'=1+1.mp4,'@SUM(A1),'-x" in table
    assert client.send("PUT", f"studies/{study}/table.csv", data=table).json == {"changed": 1, "notes": []}
    assert client.get(f"studies/{study}/recordings").json[0]["subject"] == "@SUM(A1)"


def test_check_says_what_is_missing_and_what_this_can_show(alone: TestServer, client: Client) -> None:
    study = _study(client)
    assert client.get(f"studies/{study}/check").json["problems"] == ["Add videos first."]
    _four(alone, study)
    alone.add_recording(study, "x.mp4", status="failed", reason="no video", duration_s=None)
    found = client.get(f"studies/{study}/check").json
    assert found["reference_guess"] == "healthy"
    assert found["problems"] == []
    assert {"name": "impaired", "subjects": 2, "recordings": 2, "minutes": 2.0} in found["groups"]
    assert any("4 of 5 recordings are readable" in words for words in found["enough"])
    alone.add_recording(study, "y.mp4", subject="", group="healthy")
    assert client.get(f"studies/{study}/check").json["problems"] == ["y.mp4: fill in the subject."]
    assert "fill in the subject" in client.post(f"studies/{study}/runs", {"preset": "quick"}).json["error"]


def test_a_run_waits_is_cancelled_and_resumed(alone: TestServer, client: Client) -> None:
    study = _study(client)
    _four(alone, study)
    assert client.post(f"studies/{study}/runs", {"reference": "nobody"}).status_code == 422
    assert client.post(f"studies/{study}/runs", {"preset": "faithful"}).status_code == 422
    wanted = {"reference": "healthy", "preset": "quick", "name": "first", "again": True}
    first, second = (client.post(f"studies/{study}/runs", wanted).json for _ in range(2))
    assert (first["status"], first["queue_position"], second["queue_position"]) == ("queued", 0, 1)
    assert len(alone.queue.jobs) == 2
    assert client.post(f"runs/{first['id']}/resume").status_code == 409
    assert client.post(f"runs/{first['id']}/cancel").json["status"] == "cancelled"
    assert len(alone.queue.jobs) == 1
    assert client.post(f"runs/{first['id']}/resume").json["status"] == "queued"
    assert client.get(f"runs/{first['id']}/log").json == {"lines": [], "next": 0}
    assert [run["id"] for run in client.get("runs").json][-1] == first["id"]
    assert client.delete(f"runs/{second['id']}").status_code == 204
    assert client.get(f"runs/{second['id']}").status_code == 404


def test_small_runs_go_before_large_ones_and_large_ones_are_not_forgotten(alone: TestServer, client: Client) -> None:
    study = _study(client)
    for recording in _four(alone, study):
        alone.change(Recording, recording, duration_s=3600.0)
    large = client.post(f"studies/{study}/runs", {"preset": "thorough"}).json["id"]
    for row in client.get(f"studies/{study}/recordings").json:
        alone.change(Recording, row["id"], duration_s=5.0)
    small = client.post(f"studies/{study}/runs", {"preset": "quick"}).json["id"]
    with alone.service.database.session() as session:
        jobs = {job.target_id: job for job in session.query(Job).filter(Job.kind == "run")}
        assert jobs[small].priority < jobs[large].priority
        hours = (jobs[large].priority - jobs[small].priority) / 60
    assert hours < 24  # a small run that comes a day later waits behind the large one
    assert client.get(f"runs/{large}").json["queue_position"] == 1


def test_too_many_waiting_runs_are_refused(tmp_path: Path) -> None:
    server = TestServer(tmp_path / "data", limits=Limits(queued_runs=1, reserve_bytes=0))
    client = server.only_person()
    study = _study(client)
    _four(server, study)
    assert client.post(f"studies/{study}/runs", {"preset": "quick"}).status_code == 201
    assert client.post(f"studies/{study}/runs", {"preset": "quick", "seed": 1}).status_code == 429
    assert len(client.get("runs").json) == 1


def test_a_folder_of_the_server_is_added_and_stays_where_it_is(
    alone: TestServer, client: Client, tmp_path: Path
) -> None:
    lab = tmp_path / "lab"
    for name in ("healthy/ada.mp4", "healthy/eve/1.mov", "impaired/bob.mp4", "notes.txt", ".trash/x.mp4"):
        (lab / name).parent.mkdir(parents=True, exist_ok=True)
        (lab / name).write_bytes(b"video")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (lab / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    alone.service.storage.folders = (lab.resolve(),)
    study = _study(client)
    assert client.post(f"studies/{study}/folder", {"path": str(lab)}).json == {"added": 3, "known": 0}
    assert client.post(f"studies/{study}/folder", {"path": str(lab)}).json == {"added": 0, "known": 3}
    rows = {row["file_name"]: (row["subject"], row["group"]) for row in client.get(f"studies/{study}/recordings").json}
    assert rows == {"ada.mp4": ("ada", "healthy"), "1.mov": ("eve", "healthy"), "bob.mp4": ("bob", "impaired")}
    for path in ("/etc", str(tmp_path), f"{lab}/../secret.mp4", str(lab / "nowhere")):
        assert client.post(f"studies/{study}/folder", {"path": path}).status_code == 400
    (lab / "out").symlink_to(tmp_path)
    assert client.post(f"studies/{study}/folder", {"path": str(lab / "out")}).status_code == 400
    client.delete(f"studies/{study}")
    assert (lab / "healthy" / "ada.mp4").exists()


@pytest.fixture
def opened(alone: TestServer, client: Client, fake_run: Path) -> tuple[TestServer, Client, str]:
    """A run of the command line, opened."""
    alone.service.storage.folders = (fake_run.parent.resolve(),)
    (fake_run / "report.html").write_text("<!doctype html><p>report", encoding="utf-8")
    answer = client.post(f"studies/{_study(client)}/runs/open", {"path": str(fake_run)})
    assert answer.status_code == 201, answer.json
    return alone, client, answer.json["id"]


def test_a_run_of_the_command_line_is_opened(opened: tuple[TestServer, Client, str], fake_run: Path) -> None:
    _, client, run = opened
    shown = client.get(f"runs/{run}").json
    assert (shown["status"], shown["opened"], shown["preset"], shown["reference"]) == ("done", True, "quick", "healthy")
    found = client.get(f"runs/{run}/results").json
    assert len(found["subjects"]) == 6
    assert found["subjects"][0]["deviation"] > 0
    assert found["statistics"]["unit"] == "subject"
    failed = next(row for row in found["recordings"] if row["status"] == "failed")
    assert (failed["recording_id"], failed["fps"]) == ("h99_walk", None)
    clip = next(clip for clip in found["clips"] if clip["recording_id"] == "a01_walk")
    part = client.get(clip["url"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, len(part.data), part.mimetype) == (206, 10, "video/mp4")
    windows = client.get(f"runs/{run}/recordings/a01_walk/windows").json
    assert set(windows[0]) == {"t_start_s", "t_end_s", "deviation"}
    evidence = client.get(f"runs/{run}/recordings/a01_walk/evidence").json
    peak = evidence["peaks"][0]
    for address in (peak["query"], peak["where"], peak["nearest"][0]["url"]):
        assert client.get(address).data[:2] == b"\xff\xd8"
    assert client.get(peak["query"].replace("/0/", "/99/")).status_code == 404
    assert client.get(peak["query"].replace("query", "nearest-99")).status_code == 404
    maps = client.get(f"runs/{run}/maps").json
    assert len(maps["behaviour"]["xy"]) == len(maps["behaviour"]["motif"]) == len(maps["behaviour"]["subject"])
    assert client.get(f"runs/{run}/recordings/nobody/windows").status_code == 404
    assert client.post(f"runs/{run}/resume").status_code == 409
    assert client.delete(f"runs/{run}").status_code == 204
    assert (fake_run / "run.json").exists()


def test_files_of_a_run_are_only_those_on_its_list(opened: tuple[TestServer, Client, str]) -> None:
    _, client, run = opened
    listed = {entry["path"] for entry in client.get(f"runs/{run}/results").json["files"]}
    assert {"report.html", "deviation/windows.csv", "magnified/a01_walk.mp4"} <= listed
    table = client.get(f"runs/{run}/files/deviation/windows.csv")
    assert "attachment" in table.headers["Content-Disposition"]
    for path in ("../run.json", "deviation/../../x", "%2e%2e/%2e%2e/etc/passwd", "etc/passwd", "deviation"):
        assert client.get(f"runs/{run}/files/{path}").status_code == 404
    with zipfile.ZipFile(io.BytesIO(client.get(f"runs/{run}/run.zip").data)) as archive:
        assert set(archive.namelist()) == listed
        assert archive.testzip() is None


def test_the_report_cannot_act_in_the_name_of_the_page(opened: tuple[TestServer, Client, str]) -> None:
    _, client, run = opened
    answer = client.get(f"runs/{run}/report.html")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in client.get("/").headers["Content-Security-Policy"]


def test_two_runs_are_compared(opened: tuple[TestServer, Client, str], fake_run: Path, tmp_path: Path) -> None:
    server, client, run = opened
    other = shutil.copytree(fake_run, tmp_path / "other")
    lines = (other / "deviation" / "subjects.csv").read_text().splitlines()
    (other / "deviation" / "subjects.csv").write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    server.service.storage.folders = (tmp_path.resolve(), fake_run.parent.resolve())
    study = client.get(f"runs/{run}").json["study"]
    second = client.post(f"studies/{study}/runs/open", {"path": str(other)}).json["id"]
    found = client.get(f"compare?runs={run},{second}").json
    assert found["n"] == 5
    assert found["rank_correlation"] == 1.0
    assert found["subjects"][0]["b"] is None
    assert client.get(f"compare?runs={run}").status_code == 422
    assert client.get(f"compare?runs={run},x").status_code == 404


def test_a_clip_is_asked_for_once(opened: tuple[TestServer, Client, str]) -> None:
    server, client, run = opened
    wish = {"recording_id": "a01_walk", "factor": 3, "layout": "magnified", "from_s": 0.5}
    first = client.post(f"runs/{run}/clips", wish)
    assert (first.status_code, first.json["status"]) == (201, "queued")
    assert client.post(f"runs/{run}/clips", wish).json["id"] == first.json["id"]
    assert client.post(f"runs/{run}/clips", wish | {"factor": 99}).status_code == 422
    lent = {"recording_id": "a01_walk", "layout": "transfer", "appearance": "h01_walk"}
    made = client.post(f"runs/{run}/clips", lent).json
    assert (made["layout"], made["appearance"], made["url"][-8:]) == ("transfer", "h01_walk", "clip.mp4")
    strip = client.post(f"runs/{run}/clips", wish | {"layout": "strip"}).json
    assert strip["url"].endswith("strip.png")
    for wrong in ({"appearance": ""}, {"appearance": "a01_walk"}, {"layout": "strip"}, {"layout": "collage"}):
        assert client.post(f"runs/{run}/clips", lent | wrong).status_code == 422
    assert client.post(f"runs/{run}/clips", lent | {"appearance": "nobody"}).status_code == 404
    assert client.post(f"runs/{run}/clips", wish | {"recording_id": "../x"}).status_code == 404
    assert client.get(first.json["url"]).status_code == 404
    assert len(server.queue.jobs) == 3


def test_new_subjects_are_queued_against_a_frozen_reference(opened: tuple[TestServer, Client, str]) -> None:
    server, client, run = opened
    study = _study(client, "today")
    patient = server.add_recording(study, "p.mp4", subject="patient 7", group="")
    scored = client.post(f"runs/{run}/score", {"recordings": [patient]}).json
    assert (scored["kind"], scored["against"], scored["status"]) == ("score", run, "queued")
    with server.service.database.session() as session:
        (entry,) = session.get_one(Run, scored["id"]).recordings.values()
        assert (entry["subject"], entry["group"]) == ("patient 7", "new")
    nameless = server.add_recording(study, "q.mp4", subject="")
    assert client.post(f"runs/{run}/score", {"recordings": [nameless]}).status_code == 400


def test_a_face_box_hides_the_face_and_holds_back_what_was_made_before(
    alone: TestServer, client: Client, fake_run: Path
) -> None:
    import numpy as np
    from PIL import Image

    study = _study(client)
    recording = alone.add_recording(study, "a.mp4", subject="ada", group="healthy", width=64, height=48)
    stripes = np.where(np.arange(64) % 4 < 2, 30, 220).astype(np.uint8)
    picture = np.broadcast_to(stripes[None, :, None], (48, 64, 3))
    with alone.service.database.session() as session:
        path = alone.service.storage.frame(session.get_one(Recording, recording))
    path.parent.mkdir(parents=True)
    Image.fromarray(picture).save(path, quality=100, subsampling=0)
    alone.service.storage.folders = (fake_run.parent.resolve(),)
    me = client.get("me").json["user"]
    assert me["name"] == ME
    entry = {"a01_walk": {"id": recording, "face_box": None}}
    run = alone.add_run(study, me["id"], fake_run, recordings=entry)
    address = f"studies/{study}/recordings/{recording}"
    assert client.get(f"runs/{run}/recordings/a01_walk/preview.mp4").status_code == 200
    client.patch(address, {"face_box": [8, 8, 40, 40]})
    shown = np.asarray(Image.open(io.BytesIO(client.get(f"{address}/frame.jpg").data)))
    assert shown[10:38, 10:38].std(axis=(0, 1)).max() < 40 < picture[10:38, 10:38].std(axis=(0, 1)).min()
    assert abs(shown[:6].astype(int) - np.asarray(Image.open(path))[:6]).mean() < 20
    for what in ("recordings/a01_walk/preview.mp4", "report.html", "run.zip", "files/magnified/a01_walk.mp4"):
        answer = client.get(f"runs/{run}/{what}")
        assert answer.status_code == 409
        assert "run again" in answer.json["error"]
    assert client.get(f"runs/{run}/results").status_code == 200  # numbers show no face
