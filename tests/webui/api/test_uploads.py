"""Uploads: in pieces, interrupted, resumed by another server, refused; every byte as it was."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.webui.support.clients import TUS, Client, TestServer, converted, small_limits, small_video
from webui.api import uploads
from webui.data.models import Recording, Upload


def _study(client: Client) -> str:
    return str(client.post("studies", {"name": "gait"}).json["id"])


def _stored(server: TestServer, recording: str) -> bytes:
    with server.service.database.session() as session:
        return server.service.storage.video(session.get_one(Recording, recording)).read_bytes()


def _offset(client: Client, where: str) -> int:
    answer = client.send("HEAD", where, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


def test_an_interrupted_upload_goes_on_after_a_restart_byte_for_byte(alone: TestServer, tmp_path: Path) -> None:
    client, data = alone.only_person(), os.urandom(300_000)
    study = _study(client)
    where = client.begin_upload(study, "日本語 (1).mp4", len(data), subject="ada", group="healthy", day="3")
    assert client.send_piece(where, data[:100_000], 0).status_code == 204
    assert client.send_piece(where, data[100_000:], 0).status_code == 409  # the client believed the piece was lost
    again = TestServer(tmp_path / "data", limits=small_limits())  # the server was killed and started again
    client = again.only_person()
    assert _offset(client, where) == 100_000
    assert client.send_piece(where, data[100_000:], 100_000).headers["Upload-Offset"] == "300000"
    assert _offset(client, where) == 300_000
    (recording,) = client.get(f"studies/{study}/recordings").json
    assert (recording["file_name"], recording["subject"], recording["group"]) == ("日本語 (1).mp4", "ada", "healthy")
    assert (recording["day"], recording["bytes"], recording["status"]) == (3.0, 300_000, "probing")
    assert sha256(_stored(again, recording["id"])).digest() == sha256(data).digest()
    assert client.send_piece(where, b"more", 300_000).status_code == 404


def test_a_server_killed_after_the_last_byte_makes_the_recording_when_asked_again(alone: TestServer) -> None:
    client = alone.only_person()
    study = _study(client)
    where = client.begin_upload(study, "a.mp4", 5)
    alone.service.storage.upload(where.rpartition("/")[2]).write_bytes(b"12345")  # written, and then killed
    assert _offset(client, where) == 5
    assert _offset(client, where) == 5
    assert [r["bytes"] for r in client.get(f"studies/{study}/recordings").json] == [5]


def test_a_piece_is_larger_than_any_other_body_may_be(alone: TestServer) -> None:
    client, data = alone.only_person(), os.urandom(9 * 1024**2)
    study = _study(client)
    client.upload(study, "large.mp4", data, piece=8 * 1024**2)
    (recording,) = client.get(f"studies/{study}/recordings").json
    assert _stored(alone, recording["id"]) == data


def test_a_piece_may_be_as_large_as_the_limit_says(tmp_path: Path) -> None:
    server = TestServer(tmp_path / "data", limits=small_limits(chunk_bytes=1000))
    client, data = server.only_person(), os.urandom(9000)
    largest = client.get("me").json["limits"]["largest_chunk_bytes"]
    study = _study(client)
    client.upload(study, "a.mp4", data, piece=largest)
    (recording,) = client.get(f"studies/{study}/recordings").json
    assert _stored(server, recording["id"]) == data
    where = client.begin_upload(study, "b.mp4", 9000)
    assert client.send_piece(where, data[: largest + 1], 0).status_code == 413


def test_names_of_files_are_text_and_never_paths(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    study = _study(client)
    names = [
        "../../evil.mp4",
        "/etc/passwd",
        "a\\b\\c.MOV",
        "<script>alert(1)</script>.mp4",
        "..",
        "x" * 900,
        "con.mp4",
    ]
    for name in names:
        client.upload(study, name, b"123")
    shown = [recording["file_name"] for recording in client.get(f"studies/{study}/recordings").json]
    assert shown == names
    stored = [path for path in (tmp_path / "data").rglob("*") if path.is_file() and path.read_bytes() == b"123"]
    assert {path.name for path in stored} == {"video.mp4", "video.mov"}
    assert not list(tmp_path.glob("*.mp4"))


def test_what_tus_refuses(alone: TestServer) -> None:
    client = alone.only_person()
    study = _study(client)
    begin = f"studies/{study}/uploads"
    assert client.send("POST", begin, headers={"Upload-Length": "5"}).status_code == 412
    for length in ("", "-1", "1e3", "٣", "9" * 20):
        assert client.send("POST", begin, headers=TUS | {"Upload-Length": length}).status_code == 400
    broken = TUS | {"Upload-Length": "5", "Upload-Metadata": "filename not-base64!"}
    assert client.send("POST", begin, headers=broken).status_code == 400
    where = client.begin_upload(study, "a.mp4", 5)
    assert client.send_piece(where, b"123456", 0).status_code == 413
    assert client.send_piece(where, b"1", 3).headers["Upload-Offset"] == "0"
    wrong = client.send("PATCH", where, data=b"1", headers=TUS | {"Upload-Offset": "0"}, content_type="text/plain")
    assert wrong.status_code == 415
    assert client.send("DELETE", where, headers=TUS).status_code == 204
    assert client.send("HEAD", where, headers=TUS).status_code == 404
    assert client.send("OPTIONS", begin).headers["Tus-Extension"] == "creation,termination"


@pytest.mark.parametrize(
    ("limits", "status", "words"),
    [
        ({"file_bytes": 4}, 413, "more than the 4 bytes allowed"),
        ({"quota_bytes": 9}, 413, "Your quota of 9 bytes"),
        ({"recordings": 1}, 413, "at most 1"),
        ({"reserve_bytes": 2**60}, 503, "disk is full"),
    ],
)
def test_limits_on_bytes(tmp_path: Path, limits: dict[str, Any], status: int, words: str) -> None:
    client = TestServer(tmp_path / "data", limits=small_limits(**limits)).only_person()
    study = _study(client)
    headers = TUS | {"Upload-Length": "5"}
    begun = [client.send("POST", f"studies/{study}/uploads", headers=headers) for _ in range(2)]
    assert begun[1].status_code == status  # uploads under way count in full
    assert words in begun[1].json["error"]


def test_the_disk_keeps_its_reserve_when_all_uploads_under_way_have_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = TestServer(tmp_path / "data", accounts=True, limits=small_limits(reserve_bytes=4))
    free, ada, bob = [12], server.person("ada"), server.person("bob")
    monkeypatch.setattr(server.service.storage, "free_bytes", lambda: free[0])
    where = ada.begin_upload(_study(ada), "a.mp4", 5)
    begin, wish = f"studies/{_study(bob)}/uploads", TUS | {"Upload-Length": "4"}
    assert bob.send("POST", begin, headers=wish).status_code == 503  # 3 bytes would be left, 4 must be
    assert ada.send_piece(where, b"123", 0).status_code == 204
    free[0] -= 3
    assert bob.send("POST", begin, headers=wish).status_code == 503  # it makes no difference that some have come
    assert bob.send("POST", begin, headers=wish | {"Upload-Length": "3"}).status_code == 201


def test_an_upload_under_way_has_its_place_in_the_study(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    (lab / "a.mp4").write_bytes(b"video")
    server = TestServer(tmp_path / "data", folders=(lab,), limits=small_limits(recordings=2))
    client = server.only_person()
    study = _study(client)
    for name in ("b.mp4", "c.mp4"):
        client.begin_upload(study, name, 5)
    added = client.post(f"studies/{study}/folder", {"path": str(lab)})
    assert (added.status_code, client.get(f"studies/{study}/recordings").json) == (413, [])


def test_an_empty_file_is_refused_and_leaves_nothing(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    answer = client.send("POST", f"studies/{_study(client)}/uploads", headers=TUS | {"Upload-Length": "0"})
    assert answer.status_code == 400
    assert "is empty" in answer.json["error"]
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


def test_a_video_is_probed_and_shown(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    study = _study(client)
    client.upload(study, "walk.mp4", small_video(tmp_path / "a.mp4"))
    client.upload(study, "notes.mp4", b"this is no video at all")
    playlist = f"ffconcat version 1.0\nfile '{tmp_path / 'a.mp4'}'\n".encode()
    client.upload(study, "list.mp4", playlist)
    alone.work()
    good, *bad = client.get(f"studies/{study}/recordings").json
    assert (good["status"], good["width"], good["height"], good["fps"]) == ("ok", 64, 48, 25.0)
    assert good["frames"] == 25
    for recording in bad:
        assert recording["status"] == "failed"
        assert "annot be read as a video" in recording["reason"]
        assert str(tmp_path) not in recording["reason"]
    frame = client.get(f"studies/{study}/recordings/{good['id']}/frame.jpg")
    assert frame.data[:2] == b"\xff\xd8"
    assert client.get(f"studies/{study}/recordings/{bad[0]['id']}/frame.jpg").status_code == 404
    first = client.get(f"studies/{study}/recordings/{good['id']}/video")
    assert first.status_code == 202
    alone.work()
    part = client.get(f"studies/{study}/recordings/{good['id']}/video", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, b"ftyp")


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Four seconds of one who walks across, in every container."""
    folder = tmp_path_factory.mktemp("walks")
    small_video(folder / "a.mp4", seconds=4.0, size=(320, 240))
    return {kind: converted(folder / "a.mp4", folder / f"b.{kind}") for kind in ("mp4", "mkv", "webm")}


@pytest.mark.parametrize("kind", ["mp4", "mkv", "webm"])
def test_the_picture_of_a_video_shows_who_walks_into_it(alone: TestServer, walks: dict[str, bytes], kind: str) -> None:
    client = alone.only_person()
    study = _study(client)
    client.upload(study, f"walk.{kind}", walks[kind])
    alone.work()
    recording = client.get(f"studies/{study}/recordings").json[0]["id"]
    shown = np.asarray(Image.open(io.BytesIO(client.get(f"studies/{study}/recordings/{recording}/frame.jpg").data)))
    dark = np.flatnonzero(shown[150, :, 0] < 140)
    assert dark.mean() == pytest.approx(160, abs=20)  # the box is at the left in the first frame


@pytest.mark.parametrize("kind", ["mp4", "mkv", "webm"])
def test_a_truncated_video_is_told_at_once(alone: TestServer, walks: dict[str, bytes], kind: str) -> None:
    client = alone.only_person()
    study = _study(client)
    whole = walks[kind]
    for name, share in (("whole", 1.0), ("half", 0.6)):
        client.upload(study, f"{name}.{kind}", whole[: int(len(whole) * share)])
    alone.work()
    sound, cut = client.get(f"studies/{study}/recordings").json
    assert (sound["status"], sound["reason"], sound["frames"]) == ("ok", "", 100)
    assert cut["status"] == "partial"
    assert "ends early" in cut["reason"]
    assert "of 4.0 s" in cut["reason"]
    assert 0 < cut["frames"] < 100
    assert cut["duration_s"] == pytest.approx(cut["frames"] / 25, abs=0.25)  # packets lie out of order
    assert client.get(f"studies/{study}/recordings/{cut['id']}/frame.jpg").status_code == 200
    found = client.get(f"studies/{study}/check").json
    assert any("2 of 2 recordings are readable" in words for words in found["enough"])


def test_one_film_under_two_names_is_a_doubt_of_the_page_too(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    study, content = _study(client), small_video(tmp_path / "a.mp4")
    for name in ("ann.mp4", "copy of ann.mp4"):
        client.upload(study, name, content, subject=name, group="healthy")
    alone.work()
    said = "ann.mp4 and copy of ann.mp4 hold the same film; remove all but one, else n is too large."
    assert said in client.get(f"studies/{study}/check").json["doubts"]


def test_deleting_a_study_leaves_nothing(alone: TestServer, tmp_path: Path) -> None:
    client = alone.only_person()
    study = _study(client)
    client.upload(study, "a.mp4", b"secret bytes of a patient")
    client.begin_upload(study, "b.mp4", 5)
    assert client.delete(f"studies/{study}").status_code == 204
    assert not any(b"secret bytes" in p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file())
    assert list((tmp_path / "data" / "uploads").iterdir()) == []
    with alone.service.database.session() as session:
        assert session.query(Upload).count() == session.query(Recording).count() == 0


def test_parallel_uploads_together_keep_to_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = TestServer(tmp_path / "data", limits=small_limits(quota_bytes=250))
    client = server.only_person()
    study = client.post("studies", {"name": "gait"}).json["id"]
    count = uploads.used_bytes

    def count_slowly(*given: Any) -> int:
        found = count(*given)
        time.sleep(0.05)
        return found

    monkeypatch.setattr(uploads, "used_bytes", count_slowly)
    cookie = client.http.get_cookie(server.app.config["SESSION_COOKIE_NAME"])

    def begin(_: int) -> int:
        other = Client(server.app.test_client())
        other.http.set_cookie(cookie.key, cookie.value)
        headers = TUS | {"Upload-Length": "100", "X-CSRFToken": client.csrf}
        return other.send("POST", f"studies/{study}/uploads", headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = sorted(pool.map(begin, range(16)))
    assert codes == [201] * 2 + [413] * 14
