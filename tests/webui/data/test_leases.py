"""Who may write the next piece of an upload in place: nobody with another offset, person, size, or too late."""

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from waitress.channel import HTTPChannel

from webui.data.upload_receiver import LEASE_S, UPLOADS, InPlace, Leases, Spool, channels, credentials

ADA = {"COOKIE": "ubam=ada"}
WHERE = f"{UPLOADS}one"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one"
    path.write_bytes(b"0123456789")
    return path


@pytest.fixture
def leases(file: Path) -> Leases:
    """Ada's next piece of at most 5 bytes may come to byte 10."""
    found = Leases()
    found.grant("one", ADA, file, 10, 5)
    return found


def test_the_next_piece_of_the_same_person_is_written_in_place_and_kept(leases: Leases, file: Path) -> None:
    place = leases.claim(WHERE, ADA | {"UPLOAD_OFFSET": "10"}, 5)
    assert place is not None
    place.append(b"abcde")
    assert (len(place), place.read(), place.getfile(), place.keep(last=True)) == (5, b"", place, 15)
    place.close()
    place.close()  # a connection may be closed twice
    assert file.read_bytes() == b"0123456789abcde"
    assert leases.claim(WHERE, ADA | {"UPLOAD_OFFSET": "10"}, 5) is None  # a lease is for one piece


@pytest.mark.parametrize(
    ("path", "headers", "length"),
    [
        (WHERE, ADA | {"UPLOAD_OFFSET": "9"}, 5),
        (WHERE, ADA | {"UPLOAD_OFFSET": "10"}, 6),
        (WHERE, {"COOKIE": "ubam=bob", "UPLOAD_OFFSET": "10"}, 5),
        (WHERE, ADA | {"AUTHORIZATION": "Bearer x", "UPLOAD_OFFSET": "10"}, 5),
        (f"{UPLOADS}two", ADA | {"UPLOAD_OFFSET": "10"}, 5),
    ],
)
def test_a_piece_of_somebody_else_elsewhere_or_too_long_has_no_lease(
    leases: Leases, path: str, headers: dict[str, str], length: int
) -> None:
    assert leases.claim(path, headers, length) is None


def test_a_lease_ends_after_a_minute_with_the_upload_and_when_more_has_come(
    leases: Leases, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ADA | {"UPLOAD_OFFSET": "10"}
    file.write_bytes(b"0123456789a")
    assert leases.claim(WHERE, asked, 5) is None
    leases.grant("one", ADA, file, 10, 5)
    file.unlink()
    assert leases.claim(WHERE, asked, 5) is None
    file.write_bytes(b"0123456789")
    leases.grant("one", ADA, file, 10, 5)
    later = time.monotonic() + LEASE_S + 1
    monkeypatch.setattr("webui.data.upload_receiver.time.monotonic", lambda: later)
    assert leases.claim(WHERE, asked, 5) is None
    leases.grant("one", ADA, file, 10, 5)
    leases.grant("one", ADA, file, 15, 0)  # that was the last piece
    assert leases.claim(WHERE, asked, 5) is None


def test_whoever_is_overtaken_writes_no_more_and_cuts_nothing_off(leases: Leases, file: Path) -> None:
    place = leases.claim(WHERE, ADA | {"UPLOAD_OFFSET": "10"}, 5)
    assert place is not None
    place.append(b"ab")
    leases.stop("one")
    with pytest.raises(ConnectionError, match="another request continues"):
        place.append(b"c")
    place.close()
    leases.stop("one")
    assert file.read_bytes() == b"0123456789ab"


@pytest.mark.parametrize(("came", "stays"), [(b"abcde", b"0123456789"), (b"ab", b"0123456789ab")])
def test_a_whole_piece_that_was_refused_goes_and_what_came_of_a_broken_one_stays(
    file: Path, came: bytes, stays: bytes
) -> None:
    place = InPlace(file, 10, 5)
    place.append(came)
    place.close()
    assert file.read_bytes() == stays


def test_a_first_piece_is_kept_without_a_name(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"abc")
    spool.append(b"de")
    assert len(spool) == 5
    assert spool.getfile().read() == b"abcde"
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_a_disk_that_is_full_ends_the_connection_and_not_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: Any = channels(tmp_path, Leases())
    closed: list[object] = []

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(HTTPChannel, "received", full)
    monkeypatch.setattr(HTTPChannel, "handle_close", lambda channel: closed.append(channel))
    channel: Any = kind.__new__(kind)
    channel.request = None
    assert channel.received(b"x") is False
    request = Closing()
    channel.request = request
    channel.handle_close()
    assert (closed, request.closed) == ([channel, channel], True)


class Closing:
    """A request of which not everything has come."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_person_is_told_by_the_headers_that_say_who_it_is() -> None:
    said = credentials({"HTTP_COOKIE": "a", "HTTP_HOST": "b"})
    assert said == {"COOKIE": "a", "AUTHORIZATION": "", "X_CSRFTOKEN": ""}
