"""One flipped byte in a file of a run is found: the file is made again, or refused by its name."""

import os
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, text, update

from tests.support.videos import walking_frames, write_video
from ubam.core.errors import ModelError, RunError, UbamError, VideoError
from ubam.core.seals import read_record, write_record
from ubam.encoding.saved_model import Networks
from ubam.encoding.training import build_encoders
from ubam.recordings.study_table import Recording
from ubam.results.run_record import RunRecord
from ubam.tracking.body import read_body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops
from webui.data.database import Database, check_sqlite
from webui.data.models import Recording as Recorded
from webui.data.models import Study, User
from webui.jobs.queue import DurableQueue
from webui.settings import ServerSettings


def flip(path: Path, share: float = 0.6) -> None:
    content = bytearray(path.read_bytes())
    content[int(share * (len(content) - 1))] ^= 0x10
    path.write_bytes(content)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    video = write_video(tmp_path_factory.mktemp("film") / "walk.mp4", walking_frames(16, 80, 60))
    return Recording("walk", 2, video, "anna", "healthy")


@pytest.fixture(scope="module")
def crops(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_crops(recording, tmp_path_factory.mktemp("crops") / "walk").folder


def unread(folder: Path) -> None:
    """Let this process take the store for one that it has not read yet."""
    description = folder / "store.json"
    os.utime(description, ns=(description.stat().st_atime_ns, description.stat().st_mtime_ns + 1))


def test_every_file_of_crops_is_watched(crops: Path) -> None:
    files = sorted(path for path in crops.iterdir() if path.name not in ("body.json", "landmarks.npy", "places.npy"))
    assert len(files) >= 10
    for path in files:
        whole = path.read_bytes()
        flip(path)
        unread(crops)
        with pytest.raises(VideoError, match=re.escape(path.name)):
            CropStore.open(crops)
        path.write_bytes(whole)
    unread(crops)
    CropStore.open(crops)


def test_damaged_crops_are_made_again(crops: Path, recording: Recording) -> None:
    before = {path.name: path.read_bytes() for path in crops.iterdir()}
    flip(crops / "views.npy")
    unread(crops)
    build_crops(recording, crops)
    assert {path.name: path.read_bytes() for path in crops.iterdir()} == before


@pytest.mark.parametrize("name", ["landmarks.npy", "places.npy", "body.json"])
def test_damaged_landmarks_are_refused_by_name(name: str, crops: Path) -> None:
    store, whole = CropStore.open(crops), (crops / name).read_bytes()
    plan = str(read_record(crops / "body.json")["plan"])
    read_body(store, plan)
    flip(crops / name)
    with pytest.raises(VideoError, match=f"{name} is damaged.*; remove its folder"):
        read_body(store, plan)
    (crops / name).write_bytes(whole)


def test_crops_of_a_version_without_digests_open(crops: Path) -> None:
    described = read_record(crops / "store.json")
    write_record(crops / "store.json", {name: value for name, value in described.items() if name != "digests"})
    unread(crops)
    assert len(CropStore.open(crops).views) == 16
    write_record(crops / "store.json", described)
    unread(crops)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    posture, behaviour = build_encoders(16, 8, 12, 0, "cpu")
    Networks(posture, behaviour, {"preset": "quick"}).save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("name", ["posture.safetensors", "behaviour.safetensors", "model.json"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_damaged_model_is_refused_by_name(name: str, share: float, model: Path) -> None:
    flip(model / name, share)
    with pytest.raises(ModelError, match=re.escape(name)):
        Networks.load(model)


def test_a_model_of_a_newer_version_is_refused(model: Path) -> None:
    described = read_record(model / "model.json")
    write_record(model / "model.json", described | {"format": 99})
    with pytest.raises(ModelError, match="not a model that this version of ubam reads"):
        Networks.load(model)


def test_a_damaged_record_of_a_run_is_refused_by_name(tmp_path: Path) -> None:
    run = RunRecord.start(tmp_path / "run", tmp_path / "study.csv", "key")
    whole = (run.folder / "run.json").read_bytes()
    for share in np.linspace(0.02, 0.98, 20):
        flip(run.folder / "run.json", share)
        with pytest.raises(RunError, match=r"run\.json is damaged"):
            RunRecord.open(run.folder)
        (run.folder / "run.json").write_bytes(whole)


def test_a_run_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    run = RunRecord.start(tmp_path / "run", tmp_path / "study.csv", "key")
    run.record["format"], run.record["ubam"] = 99, "9.0"
    run.save()
    with pytest.raises(RunError, match=r"another version of ubam \(9\.0\)"):
        RunRecord.open(run.folder)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the service with a person, a study and a recording, which was changed once."""
    path = tmp_path_factory.mktemp("database") / "ubam.sqlite"
    opened = Database(f"sqlite:///{path}")
    opened.migrate()
    with opened.session() as session:
        user = User(name="ada", key="ada")
        session.add(user)
        session.flush()
        study = Study(name="mice", owner_id=user.id)
        study.recordings.append(Recorded(position=0, file_name="a.mp4", bytes=5, subject="anna", group="healthy"))
        session.add(study)
    with opened.session() as session:
        session.execute(update(Recorded).values(subject="berta", day=2.5))
    opened.engine.dispose()
    return path


@pytest.fixture
def database(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path))


def test_a_damaged_database_is_refused_by_name(database: Path) -> None:
    whole = database.read_bytes()
    for place in (3, 4096 + 3, 2 * 4096 + 5):  # the file's own header, and those of pages
        content = bytearray(whole)
        content[place] ^= 0xFF
        database.write_bytes(content)
        with pytest.raises(UbamError, match=r"ubam\.sqlite is damaged"):
            Database(f"sqlite:///{database}").migrate()


def test_a_flipped_letter_in_the_database_is_found(database: Path) -> None:
    whole = database.read_bytes()
    for word in (b"berta", b"healthy", b"mice", b"a.mp4", b"0010"):
        for bit in (0x01, 0x80):  # another letter, or none
            content = bytearray(whole)
            content[content.index(word) + 1] ^= bit
            database.write_bytes(content)
            with pytest.raises(UbamError, match=r"ubam\.sqlite is damaged \("):
                check_sqlite(Database(f"sqlite:///{database}").engine, "put a copy of it back")


def test_a_database_without_seals_is_sealed_as_it_is(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("ALTER TABLE recordings DROP COLUMN row_seal")
        connection.execute("UPDATE alembic_version SET version_num = '0009', row_seal = NULL")
        connection.execute("ALTER TABLE alembic_version DROP COLUMN row_seal")
        connection.execute("UPDATE recordings SET subject = 'clara'")
    opened = Database(f"sqlite:///{database}")
    opened.migrate()
    with opened.session() as session:
        assert session.scalar(select(Recorded)).subject == "clara"
        session.scalar(select(Recorded)).subject = "dora"
    opened.migrate()


def test_rows_that_another_process_writes_meanwhile_are_sealed(database: Path) -> None:
    """`ubam user add` opens the database of a server that runs."""
    server = Database(f"sqlite:///{database}")
    server.migrate()
    with server.session() as session:
        session.scalar(select(Recorded)).subject = "clara"
        session.flush()
        check_sqlite(Database(f"sqlite:///{database}").engine, "")
    Database(f"sqlite:///{database}").migrate()


def test_a_database_of_a_newer_version_is_refused(database: Path) -> None:
    with Database(f"sqlite:///{database}").session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(UbamError, match="newer version of ubam"):
        Database(f"sqlite:///{database}").migrate()


def test_a_damaged_queue_is_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = ServerSettings(data=tmp_path)
    (tmp_path / "jobs.sqlite").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 32)
    with pytest.raises(UbamError, match=r"jobs\.sqlite is damaged .*; remove it: what waits in it is queued again"):
        DurableQueue(settings)
