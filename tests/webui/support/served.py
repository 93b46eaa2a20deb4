"""A real server for the page tests: people with accounts, runs that take a moment, results that lie ready."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.support.run_folders import make_fake_run
from tests.webui.support.clients import PASSWORD
from tests.webui.support.processes import running
from ubam.results.run_data import read_run
from webui.access.identity import add_user, find_user
from webui.data.database import Database
from webui.data.models import Recording, Run, Study
from webui.data.storage import Storage
from webui.settings import ServerSettings

HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
PEOPLE = {"ada": "admin", "grace": "member", "vera": "viewer", HOSTILE: "member"}
CHUNK = 64 * 1024


@dataclass
class Served:
    """The server's address and data folder, and the results that its runs end with."""

    address: str
    data: Path
    ready: Path
    lab: Path

    def hold(self, stage: str) -> None:
        """Let runs wait in a stage; an empty name lets them go on."""
        (self.data / "hold").write_text(stage, encoding="utf-8")

    def picture(self, recording: Recording) -> None:
        """Give a recording, whose video is not there, a picture: pages of other tests show it, too."""
        path = Storage(self.data).frame(recording)
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.full((48, 64, 3), 200, np.uint8))


@contextmanager
def serving(folder: Path, runner: str = "tests.webui.support.page_runner") -> Iterator[Served]:
    """A server that is gone afterwards; everybody in PEOPLE can sign in with PASSWORD, as often as tests like."""
    data, lab = folder / "data", folder / "lab"
    lab.mkdir(parents=True)
    ready = ready_run(folder / "ready")
    settings = ServerSettings(data=data)
    data.mkdir(mode=0o700)
    database = Database(settings.database_url)
    database.migrate()
    with database.session() as session:
        for name, role in PEOPLE.items():
            add_user(session, name, PASSWORD, role)
    order = {"do": "serve", "data": str(data), "accounts": True, "runner": runner, "limits": {"chunk_bytes": CHUNK}}
    order |= {"limited": False, "folders": [str(lab)], "environment": {"UBAM_TEST_RUN": str(ready)}}
    with running(**order) as process:
        found = re.search(r"http://[^\s/]+", process.said)
        assert found, process.said
        yield Served(found.group(), data, ready, lab)


def ready_run(folder: Path) -> Path:
    """A finished run with made-up numbers, one subject of it with a hostile name, and a crop for every moment."""
    run = make_fake_run(folder, reference_subjects=4, query_subjects=2, frames=60, names={"A02": HOSTILE})
    complete(run, run / "preview" / "a01_walk.mp4")
    for name in ("strip.png", "strip.svg"):
        (run / "figures").mkdir(exist_ok=True)
        (run / "figures" / name).write_bytes(cv2.imencode(".png", np.full((90, 180, 3), 200, np.uint8))[1].tobytes())
    return run


def complete(run: Path, film: Path) -> None:
    """Crops and a preview, `film` where there is none, of every recording that was read, and a report."""
    for row in read_run(run).recordings:
        name = row["recording_id"]
        _crops(run / "crops" / name)
        preview = run / "preview" / f"{name}.mp4"
        preview.parent.mkdir(exist_ok=True)
        if not preview.exists():
            shutil.copy(film, preview)
    (run / "report.html").write_text("<!doctype html><title>report</title><p>A report.", encoding="utf-8")


def opened_run(served: Served, folder: Path, against: str | None = None) -> str:
    """The id of a run of grace's that lies in `folder`, in a study of its own; `against`: whose reference scored it."""
    reference = read_run(folder).reference
    with Database(ServerSettings(data=served.data).database_url).session() as session:
        owner = find_user(session, "grace")
        assert owner is not None
        study = Study(name=folder.name, owner_id=owner.id)
        session.add(study)
        session.flush()
        run = Run(study_id=study.id, name=folder.name, preset="quick", user_id=owner.id, folder=str(folder))
        run.reference, run.against_id = reference, against
        session.add(run)
        session.flush()
        return run.id


def _crops(folder: Path, frames: int = 60) -> None:
    folder.mkdir(parents=True)
    picture = cv2.imencode(".jpg", np.full((128, 128, 3), 120, np.uint8))[1].tobytes()
    np.save(folder / "time_s.npy", np.arange(frames) / 25.0)
    np.save(folder / "offsets.npy", np.arange(frames + 1) * len(picture))
    (folder / "crops.bin").write_bytes(picture * frames)
