"""Pieces of uploads over a real connection: broken off in the middle, taken over, refused, by somebody else."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.processes import Process, Remote, eventually, running
from webui.data.upload_receiver import SMALL

PIECE = 3 * SMALL
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Remote, Path]]:
    """A server and its one person."""
    data = tmp_path_factory.mktemp("receiving") / "data"
    with running(do="serve", data=str(data)) as process:
        yield process, Remote(process), data


class Sent:
    """An upload with its first piece there, so that the next one may be written in place."""

    def __init__(self, server: tuple[Process, Remote, Path], pieces: int = 4) -> None:
        self.process, self.person, self.data = server
        self.bytes = os.urandom(pieces * PIECE)
        self.study = self.person.json("POST", "studies", json={"name": "x"})["id"]
        begun = self.ask("POST", f"/api/v1/studies/{self.study}/uploads", {"Upload-Length": str(len(self.bytes))})
        self.where = begun.headers["Location"]
        self.file = self.data / "uploads" / self.where.rpartition("/")[2]
        assert self.send(0).status_code == 204

    def ask(self, method: str, path: str, headers: dict[str, str], data: bytes | None = None) -> Any:
        return self.person.http.request(
            method, self.process.address + path, headers=TUS | headers, data=data, timeout=60
        )

    def send(self, offset: int, **told: str) -> Any:
        """A whole piece."""
        return self.ask("PATCH", self.where, {"Upload-Offset": str(offset)} | told, self.bytes[offset : offset + PIECE])

    def offset(self) -> int:
        return int(self.ask("HEAD", self.where, {}).headers["Upload-Offset"])

    def begin(self, offset: int, size: int, **other: str) -> socket.socket:
        """A piece of which only `size` bytes come, over a connection that stays open."""
        host, port = self.process.address.removeprefix("http://").split(":")
        jar, csrf = self.person.http.cookies, self.person.http.headers["X-CSRFToken"]
        cookies = "; ".join(f"{one.name}={one.value}" for one in jar)
        told = TUS | {"Host": f"{host}:{port}", "Cookie": cookies, "X-CSRFToken": str(csrf)}
        told |= {"Upload-Offset": str(offset), "Content-Length": str(PIECE)} | other
        head = f"PATCH {self.where} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items())
        line = socket.create_connection((host, int(port)), timeout=60)
        line.sendall(head.encode() + b"\r\n" + self.bytes[offset : offset + size])
        return line

    def finish(self) -> None:
        """Send the rest; the recording is byte for byte what was sent."""
        while (offset := self.offset()) < len(self.bytes):
            assert self.send(offset).status_code == 204
        (stored,) = eventually(lambda: list(self.data.glob(f"studies/{self.study}/recordings/*/video.mp4")), "stored")
        assert stored.read_bytes() == self.bytes


def test_what_came_of_a_broken_piece_is_not_sent_again(server: Any) -> None:
    upload = Sent(server)
    line = upload.begin(PIECE, PIECE // 2)
    eventually(lambda: upload.file.stat().st_size == PIECE + PIECE // 2, "half of the piece is there")
    line.close()
    assert upload.offset() == PIECE + PIECE // 2
    upload.finish()


def test_a_second_connection_takes_over_from_one_that_hangs(server: Any) -> None:
    upload = Sent(server)
    hanging = upload.begin(PIECE, PIECE // 3)
    eventually(lambda: upload.file.stat().st_size == PIECE + PIECE // 3, "a third is there")
    offset = upload.offset()
    assert upload.send(offset).status_code == 204
    wrong = b"\0" * (PIECE - PIECE // 3)
    with contextlib.suppress(OSError):
        hanging.sendall(wrong)  # the first connection wakes up again
    upload.finish()
    hanging.close()


def test_nothing_is_written_for_somebody_else(server: Any) -> None:
    upload = Sent(server)
    line = upload.begin(PIECE, PIECE - 1, Cookie="ubam=forged")
    for _ in range(5):  # the server reads what comes in turn: after these questions it has read that piece too
        assert upload.offset() == PIECE
    line.sendall(upload.bytes[2 * PIECE - 1 : 2 * PIECE])
    assert b" 401 " in line.recv(1000)
    assert upload.offset() == PIECE
    line.close()
    upload.finish()


def test_what_the_application_refuses_is_cut_off_again(server: Any) -> None:
    upload = Sent(server)
    token = upload.person.json("POST", "tokens", json={"name": "camera"})
    key = {"Cookie": "", "X-CSRFToken": "", "Authorization": f"Bearer {token['token']}"}
    assert upload.send(PIECE, **key).status_code == 204
    line = upload.begin(2 * PIECE, PIECE - 1, **key)
    eventually(lambda: upload.file.stat().st_size == 3 * PIECE - 1, "all but a byte is there")
    upload.person.json("DELETE", f"tokens/{token['id']}")
    line.sendall(upload.bytes[3 * PIECE - 1 : 3 * PIECE])
    assert b" 401 " in line.recv(1000)
    line.close()
    eventually(lambda: upload.file.stat().st_size == 2 * PIECE, "the refused piece is gone")
    upload.finish()
