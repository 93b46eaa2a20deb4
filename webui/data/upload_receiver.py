"""How the pieces of uploads come in: from the socket straight to their place at the end of the file.

Waitress itself collects a body in a temporary folder before the application sees it; then it is copied to its place.
Here the first piece of an upload takes that way, as a file without a name beside the uploads. Each piece that was
accepted earns a lease: for a minute the same person's next piece of the same upload, told by the very same credentials
in its headers, is written where it belongs while it comes. The application still judges every request when its body is
complete, and what it refuses is cut off again. What came of a piece whose connection broke stays and is not sent twice.
"""

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import FixedStreamReceiver

SMALL = 256 * 1024  # bodies up to this are left to waitress
UPLOADS = "/api/v1/uploads/"
LEASE_S = 60.0
CREDENTIALS = ("COOKIE", "AUTHORIZATION", "X_CSRFTOKEN")


class Spool:
    """One body as a file without a name; reading begins at its first byte."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  (closed with the request)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        """Take the next bytes; the file's own place stays at its beginning."""
        self._length += write_at(self._file.fileno(), data, self._length)

    def getfile(self) -> Any:
        """The file, for the application."""
        return self._file

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


def write_at(handle: int, data: bytes, place: int) -> int:
    """Write all of `data` from `place` on; its length."""
    left = memoryview(data)
    while left:
        count = os.pwrite(handle, left, place)
        place, left = place + count, left[count:]
    return len(data)


class InPlace:
    """One body, written to its place in the file of an upload while it comes."""

    def __init__(self, path: Path, offset: int, wanted: int) -> None:
        self.path, self.offset, self._wanted = path, offset, wanted
        self._handle, self._length, self._kept, self._stopped = os.open(path, os.O_WRONLY), 0, False, False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        """Write the next bytes; ConnectionError when another request writes to this upload by now."""
        with self._lock:
            if self._stopped:
                raise ConnectionError("another request continues this upload")
            self._length += write_at(self._handle, data, self.offset + self._length)

    def stop(self) -> None:
        """Write no more, as another request continues this upload."""
        with self._lock:
            self._stopped = True

    def keep(self, *, last: bool) -> int:
        """The application accepts this piece: its end, which is on the disk where it is the last one."""
        self._kept = True
        if last:
            os.fsync(self._handle)
        return self.offset + self._length

    def read(self, *_: int) -> bytes:
        """Nothing: for whoever reads the body as a stream it has been read."""
        return b""

    def getfile(self) -> "InPlace":
        """Itself, so that the application can tell."""
        return self

    def close(self) -> None:
        """Cut off what the application refused; leave what came of a piece that broke off."""
        with self._lock:
            handle, self._handle = self._handle, -1
            if handle < 0:
                return
            if not self._kept and not self._stopped and self._length == self._wanted:
                os.ftruncate(handle, self.offset)
            self._stopped = True
            os.close(handle)


@dataclass(frozen=True)
class _Lease:
    path: Path
    offset: int
    room: int
    until: float


class Leases:
    """Who may write the next piece of which upload in place, and who does."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], _Lease] = {}
        self._writing: dict[str, InPlace] = {}
        self._lock = threading.Lock()

    def grant(self, upload_id: str, headers: Mapping[str, str], path: Path, offset: int, room: int) -> None:
        """A piece was accepted: the next one, `room` bytes at most, may come to `offset` with the same credentials."""
        now = time.monotonic()
        with self._lock:
            for key in [key for key, lease in self._known.items() if lease.until < now or key[0] == upload_id]:
                del self._known[key]
            if room > 0:
                self._known[upload_id, _voucher(headers)] = _Lease(path, offset, room, now + LEASE_S)

    def claim(self, path: str, headers: Mapping[str, str], length: int) -> InPlace | None:
        """The place of a body whose headers have come; None for one without a lease."""
        upload_id = path.removeprefix(UPLOADS)
        with self._lock:
            lease = self._known.pop((upload_id, _voucher(headers)), None)
            if lease is None or lease.until < time.monotonic() or length > lease.room:
                return None
            try:
                if headers.get("UPLOAD_OFFSET") != str(lease.offset) or lease.path.stat().st_size != lease.offset:
                    return None
                place = InPlace(lease.path, lease.offset, length)
            except OSError:  # the upload was given up meanwhile: the application will say so
                return None
            self._stop(upload_id)
            self._writing[upload_id] = place
            return place

    def stop(self, upload_id: str) -> None:
        """Whoever writes to this upload writes no more."""
        with self._lock:
            self._stop(upload_id)

    def _stop(self, upload_id: str) -> None:
        place = self._writing.pop(upload_id, None)
        if place is not None:
            place.stop()


def _voucher(headers: Mapping[str, str]) -> bytes:
    return hashlib.sha256("\0".join(headers.get(name, "") for name in CREDENTIALS).encode()).digest()


def credentials(environ: Mapping[str, object]) -> dict[str, str]:
    """Of a request that the application sees: the headers that a lease is told by."""
    return {name: str(environ.get(f"HTTP_{name}", "")) for name in CREDENTIALS}


def channels(folder: Path, leases: Leases) -> type[HTTPChannel]:
    """Waitress' connections, with large bodies in their place or in files of `folder`."""

    class Parser(HTTPRequestParser):
        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            large = isinstance(self.body_rcv, FixedStreamReceiver) and self.content_length > SMALL
            if large and self.content_length < self.adj.max_request_body_size:
                patches = self.command == "PATCH" and self.path.startswith(UPLOADS)
                place = leases.claim(self.path, self.headers, self.content_length) if patches else None
                self.body_rcv.buf = Spool(folder) if place is None else place

    class Channel(HTTPChannel):
        parser_class = Parser

        def received(self, data: bytes) -> bool:
            try:
                return bool(super().received(data))
            except OSError:  # the disk is full, or another request has taken over
                self.handle_close()
                return False

        def handle_close(self) -> None:
            """Nobody waits for the rest of a body that has broken off."""
            super().handle_close()
            if self.request is not None:
                self.request.close()

    return Channel
