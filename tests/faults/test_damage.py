"""One flipped byte in a file of a run is found: the file is made again, or refused by its name."""

import os
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest

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
from webui.data.database import Database


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


@pytest.fixture
def database(tmp_path: Path) -> Path:
    opened = Database(f"sqlite:///{tmp_path / 'ubam.sqlite'}")
    opened.migrate()
    opened.engine.dispose()
    return tmp_path / "ubam.sqlite"


def test_a_damaged_database_is_refused_by_name(database: Path) -> None:
    whole = database.read_bytes()
    for place in (3, 4096 + 3, 2 * 4096 + 5):  # the file's own header, and those of pages
        content = bytearray(whole)
        content[place] ^= 0xFF
        database.write_bytes(content)
        with pytest.raises(UbamError, match=r"ubam\.sqlite is damaged"):
            Database(f"sqlite:///{database}").migrate()


def test_a_database_of_a_newer_version_is_refused(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'later'")
    with pytest.raises(UbamError, match="newer version of ubam"):
        Database(f"sqlite:///{database}").migrate()
