"""A server in this process for tests: people who are signed in, small videos, a queue that only remembers."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webui.support.contract import check_answer
from ubam.recordings.ffmpeg import ffmpeg_binary
from ubam.recordings.video_writer import write_clip
from webui import create_app
from webui.access.identity import add_user
from webui.context import Service
from webui.data.database import Database
from webui.data.models import Job, Recording, Run, Study
from webui.http.security import limiter
from webui.jobs.tasks import begin, conclude, do
from webui.jobs.workplace import Workplace
from webui.settings import Limits, ServerSettings

PASSWORD = "a long enough password"
TUS = {"Tus-Resumable": "1.0.0"}


class ManualQueue:
    """Jobs stay where they are until a test says so."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    def add(self, job: Job) -> None:
        self.jobs.append(job.id)

    def drop(self, job: Job) -> None:
        self.jobs.remove(job.id)


class Client:
    """Somebody with a browser: cookies, and the CSRF token with every change."""

    def __init__(self, http: FlaskClient) -> None:
        self.http, self.csrf = http, ""

    def sign_in(self, name: str, password: str = PASSWORD) -> "Client":
        self.csrf = self.get("me").json["csrf"]
        answer = self.post("session", {"name": name, "password": password})
        assert answer.status_code == 200, answer.json
        self.csrf = answer.json["csrf"]
        return self

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"X-CSRFToken": self.csrf} | options.pop("headers", {})
        address = path if path.startswith("/") else f"/api/v1/{path}"
        answer = self.http.open(address, method=method, headers=headers, **options)
        if answer.is_json and answer.data and answer.status_code < 300:
            check_answer(self.http.application, method, address, answer.status_code, answer.json)
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.send("POST", path, json={} if body is None else body, **options)

    def patch(self, path: str, body: Any) -> TestResponse:
        return self.send("PATCH", path, json=body)

    def put(self, path: str, body: Any) -> TestResponse:
        return self.send("PUT", path, json=body)

    def delete(self, path: str) -> TestResponse:
        return self.send("DELETE", path)

    def upload(self, study: str, name: str, data: bytes, piece: int = 100_000, **described: str) -> str:
        """Upload as the page does; the id of the upload."""
        where = self.begin_upload(study, name, len(data), **described)
        for start in range(0, len(data), piece):
            assert self.send_piece(where, data[start : start + piece], start).status_code == 204
        return where.rpartition("/")[2]

    def begin_upload(self, study: str, name: str, size: int, **described: str) -> str:
        from base64 import b64encode

        pairs = {"filename": name} | described
        coded = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in pairs.items())
        headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": coded}
        answer = self.send("POST", f"studies/{study}/uploads", headers=headers)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.headers["Location"]

    def send_piece(self, where: str, piece: bytes, offset: int) -> TestResponse:
        headers = TUS | {"Upload-Offset": str(offset)}
        return self.send("PATCH", where, data=piece, headers=headers, content_type="application/offset+octet-stream")


@cache
def empty_tables() -> bytes:
    """The SQLite file of a server that nobody has used, migrated once in a process."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/ubam.sqlite")
        database.migrate()
        database.engine.dispose()
        return Path(folder, "ubam.sqlite").read_bytes()


class TestServer:
    """One server and what a test may do behind its back."""

    __test__ = False  # not for pytest to collect

    def __init__(self, data: Path, **settings: Any) -> None:
        self.queue = ManualQueue()
        self.settings = ServerSettings(data=data, **settings)
        self._begin_with_tables()
        self.app = create_app(self.settings, self.queue)
        limiter.enabled = False  # a test signs in more often in a minute than a person
        self.service: Service = self.app.extensions["ubam"]

    def _begin_with_tables(self) -> None:
        """Put the tables of the newest version where there is no database yet: to migrate takes half of a start."""
        path = Path(self.settings.database_url.removeprefix("sqlite:///"))
        if path.is_absolute() and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(empty_tables())

    def person(self, name: str, role: str = "member") -> Client:
        """Somebody new, signed in."""
        with self.service.database.session() as session:
            add_user(session, name, PASSWORD, role)
        return self.stranger().sign_in(name)

    def only_person(self) -> Client:
        """The one person of a server without accounts, come by the printed address."""
        client = self.stranger()
        assert client.get(f"/login?token={self.service.one_time.value}").status_code == 302
        client.csrf = client.get("me").json["csrf"]
        return client

    def stranger(self) -> Client:
        """Nobody yet."""
        return Client(self.app.test_client())

    def work(self) -> None:
        """Do every waiting job, here and now."""
        place = Workplace(self.settings, self.service.database, self.service.storage, name="test")
        while self.queue.jobs:
            job = self.queue.jobs.pop(0)
            if begin(place, job):
                conclude(place, job, do(place, job))

    def change(self, kind: type[Any], identifier: str, **values: Any) -> None:
        """Set columns of a row."""
        with self.service.database.session() as session:
            row = session.get(kind, identifier)
            for name, value in values.items():
                setattr(row, name, value)

    def add_recording(self, study: str, name: str, **values: Any) -> str:
        """A recording that was probed and found good."""
        good = {"status": "ok", "fps": 25.0, "duration_s": 60.0, "width": 64, "height": 48, "frames": 1500}
        with self.service.database.session() as session:
            count = len(session.get_one(Study, study).recordings)
            row = Recording(study_id=study, position=count + 1, file_name=name, bytes=1000, **(good | values))
            session.add(row)
            session.flush()
            return row.id

    def add_run(self, study: str, user: str, folder: Path | None, **values: Any) -> str:
        """A run that nobody queued."""
        with self.service.database.session() as session:
            run = Run(
                study_id=study, user_id=user, name="a run", preset="quick", folder=folder and str(folder), **values
            )
            session.add(run)
            session.flush()
            return run.id


def small_video(path: Path, seconds: float = 1.0, size: tuple[int, int] = (64, 48), shade: int = 90) -> bytes:
    """A grey box that walks across; the file's bytes."""
    write_clip(path, _frames(round(seconds * 25), size, shade), 25.0)
    return path.read_bytes()


def converted(source: Path, target: Path) -> bytes:
    """A video in another container, its index in front where that is possible, as a camera or a converter writes it."""
    codec = ["libvpx", "-b:v", "1M"] if target.suffix == ".webm" else ["copy"]
    command = [ffmpeg_binary(), "-loglevel", "error", "-i", str(source), "-c:v", *codec, "-movflags", "+faststart"]
    subprocess.run([*command, str(target)], check=True)
    return target.read_bytes()


def _frames(count: int, size: tuple[int, int], shade: int) -> Iterator[np.ndarray]:
    for number in range(count):
        frame = np.full((size[1], size[0], 3), 200, np.uint8)
        x = round((size[0] - 12) * number / max(count - 1, 1))
        frame[size[1] // 3 : size[1] - 6, x : x + 12] = shade
        yield frame


def small_limits(**values: Any) -> Limits:
    """Limits that leave the disk alone."""
    return Limits(**({"reserve_bytes": 0} | values))
