"""The example: a study of the sample videos, run once in the background, that everybody may look at."""

import logging
import shutil
from pathlib import Path

from sqlalchemy.orm import Session

from ubam.core.files import read_csv, write_text
from ubam.recordings.folders import sample_folder
from webui.access.identity import find_user, only_person
from webui.data.models import Job, Recording, Run, Study, User, new_id
from webui.jobs.run_study import entry_of, run_names
from webui.jobs.tasks import probe_recording
from webui.jobs.workplace import Workplace

NAME, OWNER, REFERENCE, PRESET = "Example: walkers, some of them impaired", "ubam", "healthy", "quick"
MARK = "example.made"  # in the data folder: an example that somebody deleted does not come back
LAST = 2**31 - 2  # the priority of a job that everybody else's goes before


def prepare_example(place: Workplace) -> None:
    """Make the example at the first start of a service; a machine without the sample videos goes without."""
    mark, samples = place.storage.data / MARK, sample_folder()
    if mark.exists() or samples is None:
        return
    write_text(mark, "The example study was made; it is not made again.\n")
    try:
        study, recordings = _add_study(place, samples)
        for recording in recordings:
            probe_recording(place, recording, place.stopping.is_set)
        _add_run(place, study)
    except OSError as error:
        logging.getLogger("ubam").error("the example study could not be made: %s", error.strerror)


def _add_study(place: Workplace, samples: Path) -> tuple[str, list[str]]:
    rows = read_csv(samples / "study.csv")
    with place.database.session() as session:
        study = Study(name=NAME, owner_id=_owner(place, session).id, kind="example")
        session.add(study)
        session.flush()
        recordings = [_add_recording(place, session, study, samples, row) for row in rows]
        return study.id, [recording.id for recording in recordings]


def _owner(place: Workplace, session: Session) -> User:
    """The one person of a server; with accounts somebody who cannot sign in."""
    if not place.settings.accounts:
        return only_person(session)
    found = find_user(session, OWNER)
    if found is None:
        found = User(name=OWNER, key=OWNER, role="member", active=False)
        session.add(found)
        session.flush()
    return found


def _add_recording(place: Workplace, session: Session, study: Study, samples: Path, row: dict[str, str]) -> Recording:
    video = samples / row["video"]
    recording = Recording(study_id=study.id, position=len(study.recordings) + 1, file_name=video.name)
    recording.bytes, recording.subject, recording.group = video.stat().st_size, row["subject"], row["group"]
    study.recordings.append(recording)
    session.flush()
    target = place.storage.video(recording)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(video, target)
    return recording


def _add_run(place: Workplace, study_id: str) -> None:
    """A run that waits behind everybody else's; the worker's next look at the table of jobs queues it."""
    with place.database.session() as session:
        study = session.get(Study, study_id)
        if study is None:
            return
        usable = [recording for recording in study.recordings if recording.status in ("ok", "partial")]
        entries = {name: entry_of(recording) for name, recording in run_names(usable).items()}
        run = Run(study_id=study.id, name="", reference=REFERENCE, preset=PRESET, user_id=study.owner_id)
        run.name, run.recordings = f"{PRESET}, {len(usable)} recordings", entries
        session.add(run)
        session.flush()
        job = Job(id=new_id(), kind="run", target_id=run.id, study_id=study.id, user_id=study.owner_id, priority=LAST)
        session.add(job)
        run.job_id = job.id
