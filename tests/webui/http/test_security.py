"""What every answer carries and every request must pass; what a hostile file or text does not reach."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.webui.support.clients import TestServer, small_limits, small_video
from webui.data.models import Recording, Study, Upload, now
from webui.jobs.housekeeping import empty_graves, housekeeping
from webui.jobs.queue import urgency
from webui.jobs.subprocesses import Ending, run_child
from webui.jobs.workplace import HOUSEKEEPING_S, Workplace


def test_every_answer_carries_the_headers(alone: TestServer) -> None:
    client = alone.only_person()
    for path in ("/", "/api/v1/me", "/api/v1/studies/x", "/healthz", "/static/none.js"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert client.get("me").headers["Cache-Control"] == "no-store"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(alone: TestServer, tmp_path: Path) -> None:
    answer = alone.stranger().get(f"/login?token={alone.service.one_time.value}")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # plain http on this machine
    public = TestServer(tmp_path / "public", accounts=True, public_name="lab.example")
    answer = public.stranger().send("GET", "me", base_url="https://lab.example")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Set-Cookie"].startswith("__Host-ubam-")
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_foreign_name_for_this_machine_is_refused(alone: TestServer) -> None:
    client = alone.only_person()
    assert client.send("GET", "me", base_url="http://evil.example").status_code == 400
    assert client.send("GET", "me", base_url="http://localhost:8000").status_code == 200


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_forms_are_not_taken(alone: TestServer, kind: str) -> None:
    client = alone.only_person()
    body = b"&".join(b"a%d=1" % number for number in range(50_000))
    assert client.send("POST", "studies", data=body, content_type=kind).status_code == 415


def test_bodies_are_bounded_and_json_that_is_none_is_one_sentence(alone: TestServer) -> None:
    client = alone.only_person()
    large = b'{"name": "' + b"x" * (3 * 1024**2) + b'"}'
    assert client.send("POST", "studies", data=large, content_type="application/json").status_code == 413
    deep = b"[" * 100_000
    assert client.send("POST", "studies", data=deep, content_type="application/json").status_code == 400
    for body in (b"{", b"[]", b"null", b'"x"', b"\xff", b""):
        answer = client.send("POST", "studies", data=body, content_type="application/json")
        assert answer.status_code in (400, 422)
        assert answer.json["error"]
    long = client.send("PUT", "studies/x/table.csv", data=b"x" * (3 * 1024**2))
    assert long.status_code in (404, 413)


def test_a_video_with_too_many_pixels_or_seconds_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    data = small_video(tmp_path / "a.mp4")
    for limits, words in (({"pixels": 100}, "above the limit"), ({"seconds": 0.5}, "above the limit of 0 s")):
        server = TestServer(tmp_path / words.replace(" ", ""), limits=small_limits(**limits))
        client = server.only_person()
        study = client.post("studies", {"name": "x"}).json["id"]
        client.upload(study, "a.mp4", data)
        server.work()
        (recording,) = client.get(f"studies/{study}/recordings").json
        assert recording["status"] == "failed"
        assert words in recording["reason"]


def test_a_child_is_ended_with_all_its_children_when_it_exceeds_a_limit(tmp_path: Path) -> None:
    def child(code: str, **limits: float) -> Ending:
        (tmp_path / "naughty.py").write_text("import sys, time\nexec(sys.argv[1])\n")
        import os

        os.environ["PYTHONPATH"] = str(tmp_path)
        try:
            common = {"seconds": 60.0, "memory": 2**33} | limits
            return run_child("naughty", code, tmp_path / "log.txt", stop=lambda: False, poll=0.05, **common)  # type: ignore[arg-type]
        finally:
            del os.environ["PYTHONPATH"]

    assert child("pass") == Ending(0)
    assert child("sys.exit(3)") == Ending(3)
    assert child("time.sleep(60)", seconds=0.3).killed == "time"
    assert child("x = bytearray(300_000_000); time.sleep(60)", memory=200_000_000).killed == "memory"


def test_health_readiness_and_numbers(server: TestServer) -> None:
    stranger = server.stranger()
    assert stranger.get("/healthz").json == {"status": "ok"}
    assert stranger.get("/readyz").status_code == 503  # no worker
    assert "worker" in stranger.get("/readyz").json["lacking"][0]
    server.person("Anna").post("studies", {"name": "Mrs Example"})
    text = stranger.get("/metrics").get_data(as_text=True)
    read = {line.name: line.value for family in text_string_to_metric_families(text) for line in family.samples}
    assert read["ubam_studies"] == 1
    assert read["ubam_answers_total"] > 0
    assert read["ubam_memory_bytes"] > 10**7
    assert "Example" not in text
    far = stranger.send("GET", "/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert far.status_code == 403


def test_what_is_past_its_time_is_deleted_with_its_files(tmp_path: Path) -> None:
    server = TestServer(tmp_path / "data", retention_days=30, limits=small_limits())
    client = server.only_person()
    old, young = (client.post("studies", {"name": name}).json["id"] for name in ("old", "young"))
    for study in (old, young):
        client.upload(study, "a.mp4", study.encode())
    abandoned = client.begin_upload(young, "b.mp4", 10).rpartition("/")[2]
    server.change(Study, old, touched=now() - timedelta(days=31))
    server.change(Upload, abandoned, created=now() - timedelta(days=8))
    place = Workplace(server.settings, server.service.database, server.service.storage)
    place.kept_house = time.monotonic() - 2 * HOUSEKEEPING_S
    housekeeping(place)
    assert [study["id"] for study in client.get("studies").json] == [young]
    stored = [path.read_bytes() for path in (tmp_path / "data").rglob("video.mp4")]
    assert stored == [young.encode()]
    assert list((tmp_path / "data" / "uploads").iterdir()) == []
    with server.service.database.session() as session:
        assert session.query(Recording).count() == 1


def test_small_jobs_come_first_and_large_ones_in_the_end() -> None:
    assert urgency(10) <= urgency(600) < urgency(36_000)
    assert urgency(float("1e30")) < 2**31


def test_a_data_folder_opened_with_the_wrong_database_stays_whole(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    study = client.post("studies", {"name": "x"}).json["id"]
    client.upload(study, "a.mp4", b"precious")
    wrong = TestServer(tmp_path / "data", database=f"sqlite:///{tmp_path / 'other.sqlite'}")
    place = Workplace(wrong.settings, wrong.service.database, wrong.service.storage)
    housekeeping(place)
    assert [path.read_bytes() for path in (tmp_path / "data").rglob("video.mp4")] == [b"precious"]


def test_a_server_killed_while_deleting_deletes_the_rest_later(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    study = client.post("studies", {"name": "x"}).json["id"]
    client.upload(study, "a.mp4", b"secret")
    storage = alone.service.storage
    storage.bury(storage.study(study))
    empty_graves(alone.service.database, storage)
    assert storage.study(study).exists()  # its row is still there
    with alone.service.database.session() as session:
        session.delete(session.get_one(Study, study))  # and here the server is killed
    empty_graves(alone.service.database, storage)
    assert not storage.study(study).exists()


def test_a_note_of_what_was_to_be_deleted_is_kept_for_an_hour(
    alone: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job may still write into the folder; a row that is still there an hour later was never deleted."""
    client = alone.only_person()
    kept, gone = (client.post("studies", {"name": name}).json["id"] for name in ("kept", "gone"))
    database, storage = alone.service.database, alone.service.storage
    for study in (kept, gone):
        storage.study(study).mkdir(parents=True)
        storage.bury(storage.study(study))
    with database.session() as session:
        session.delete(session.get_one(Study, gone))
    empty_graves(database, storage)
    assert set(storage.graves()) == {kept, gone}
    storage.study(gone).mkdir()  # what a job wrote meanwhile
    later = time.time() + HOUSEKEEPING_S + 60
    monkeypatch.setattr("webui.data.storage.time.time", lambda: later)
    empty_graves(database, storage)
    assert storage.graves() == {}
    assert [path.name for path in storage.study(kept).parent.iterdir()] == [kept]
