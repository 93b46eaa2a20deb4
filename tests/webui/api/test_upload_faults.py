"""Uploads that meet a full disk, another request, another person, a study that is gone, a name that lies."""

import errno
import fcntl
import os
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.webui.support.clients import TUS, Client, TestServer
from webui.api import uploads
from webui.data.models import Study, Upload, now
from webui.jobs.housekeeping import ABANDONED, housekeeping
from webui.jobs.requests import new_recording
from webui.jobs.workplace import Workplace


def begun(client: Client, size: int = 10, **described: str) -> tuple[str, str]:
    """A study, and where the bytes of a file for it are to go."""
    study = str(client.post("studies", {"name": "gait"}).json["id"])
    return study, client.begin_upload(study, "a.mp4", size, **described)


def test_nobody_continues_asks_after_or_abandons_the_upload_of_somebody_else(server: TestServer) -> None:
    ada, bob = server.person("ada"), server.person("bob")
    _, where = begun(ada)
    assert ada.send_piece(where, b"01234", 0).status_code == 204
    file = server.service.storage.upload(where.rpartition("/")[2])
    for other in (bob, server.stranger()):
        refused = {other.send_piece(where, b"xxxxx", 5).status_code}
        refused |= {other.send(method, where, headers=TUS).status_code for method in ("HEAD", "DELETE")}
        assert refused <= {401, 404}
    assert file.read_bytes() == b"01234"
    assert ada.send_piece(where, b"56789", 5).status_code == 204


def test_a_disk_that_fills_up_keeps_what_came_and_the_upload_goes_on_from_there(
    alone: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = alone.only_person()
    study, where = begun(client)

    def half(handle: Any, room: int) -> int:
        handle.write(b"01234")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_write", half)
        answer = client.send_piece(where, b"0123456789", 0)
    assert answer.status_code == 503
    assert "disk is full" in answer.json["error"]
    assert client.send("HEAD", where, headers=TUS).headers["Upload-Offset"] == "5"
    assert client.get(f"studies/{study}/recordings").json == []
    assert client.send_piece(where, b"56789", 5).status_code == 204
    assert len(client.get(f"studies/{study}/recordings").json) == 1


def test_two_requests_do_not_write_to_one_file(alone: TestServer) -> None:
    client = alone.only_person()
    _, where = begun(client)
    with open(alone.service.storage.upload(where.rpartition("/")[2]), "r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert client.send_piece(where, b"01234", 0).status_code == 423
    assert client.send_piece(where, b"01234", 0).status_code == 204


def test_an_upload_that_was_left_for_a_week_is_gone_and_says_so(alone: TestServer) -> None:
    client = alone.only_person()
    _, where = begun(client)
    assert client.send_piece(where, b"01234", 0).status_code == 204
    alone.change(Upload, where.rpartition("/")[2], created=now() - ABANDONED - timedelta(hours=1))
    housekeeping(Workplace(alone.settings, alone.service.database, alone.service.storage))
    assert client.send_piece(where, b"56789", 5).status_code == 404
    assert client.send("HEAD", where, headers=TUS).status_code == 404


def test_a_study_that_is_deleted_while_its_film_comes(alone: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = alone.only_person()
    study, where = begun(client)

    def delete(*_: object) -> None:
        with alone.service.database.session() as session:
            session.delete(session.get_one(Study, study))

    monkeypatch.setattr(alone.service.leases, "grant", delete)  # when the piece has come, and before it is a recording
    assert client.send_piece(where, b"0123456789", 0).status_code == 404
    assert client.send("HEAD", where, headers=TUS).status_code == 404


@pytest.mark.parametrize("day", ["nan", "inf", "-1e999", "tomorrow", ""])
def test_a_day_that_is_no_number_is_none(alone: TestServer, day: str) -> None:
    client = alone.only_person()
    study, where = begun(client, 3, day=day)
    assert client.send_piece(where, b"123", 0).status_code == 204
    (recording,) = client.get(f"studies/{study}/recordings").json
    assert recording["day"] is None


def test_what_is_said_of_a_film_is_kept_where_it_can_be(alone: TestServer) -> None:
    client = alone.only_person()
    told = {"subject": "ada", "session": "2", "date": "2026-02-30", "relativePath": "healthy/ada.mp4"}
    study, where = begun(client, 3, **told)
    client.send_piece(where, b"123", 0)
    (recording,) = client.get(f"studies/{study}/recordings").json
    assert (recording["subject"], recording["session"], recording["date"]) == ("ada", "2", "")  # there is no such day


def test_a_film_that_two_requests_finish_becomes_one_recording(
    alone: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = alone.only_person()
    study, where = begun(client)

    def overtaken(session: Any, *given: Any) -> Any:
        """The other request has finished it in the moment before."""
        found = new_recording(session, *given)
        session.execute(update(Upload).values(recording_id="of the other"))
        return found

    monkeypatch.setattr("webui.api.uploads.new_recording", overtaken)
    assert client.send_piece(where, b"0123456789", 0).status_code == 204
    assert client.get(f"studies/{study}/recordings").json == []  # the one of this request was taken back
