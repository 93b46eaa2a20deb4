"""Rows for new recordings and new jobs, and what waits before a job."""

from collections.abc import Sequence

from apiflask import abort
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webui.access.identity import me
from webui.context import service
from webui.data.models import Clip, Job, Recording, Run, Study, Upload, new_id, now
from webui.data.session import database
from webui.jobs.records import HEAVY_KINDS, RecordingValues

LIVE = ("queued", "running")
SETTINGS = ("reference", "preset", "seed", "posture", "plan", "block", "against_id")


def new_recording(session: Session, study: Study, file_name: str, size: int, values: RecordingValues) -> Recording:
    """A row for a file that is here or about to be."""
    last = session.scalar(select(func.max(Recording.position)).where(Recording.study_id == study.id))
    recording = Recording(study_id=study.id, position=(last or 0) + 1, file_name=file_name, bytes=size, **values)
    study.touched = now()
    session.add(recording)
    session.flush()
    return recording


def room_for_recordings(session: Session, study: Study) -> int:
    """How many recordings a study may still take; uploads under way have their places already."""
    here = select(func.count()).select_from(Recording).where(Recording.study_id == study.id)
    coming = select(func.count()).select_from(Upload).where(Upload.study_id == study.id, Upload.recording_id.is_(None))
    return service().settings.limits.recordings - (session.scalar(here) or 0) - (session.scalar(coming) or 0)


def add_job(kind: str, target: Run | Clip | Recording, study: Study, expected_seconds: float) -> Job:
    """Commit a job together with what it is about, and queue it; 429 where a person has too many heavy ones waiting."""
    from webui.jobs.queue import urgency

    session, limit = database(), service().settings.limits.queued_runs
    if kind in HEAVY_KINDS:
        waiting = select(func.count()).select_from(Job).where(Job.user_id == me().id, Job.status.in_(LIVE))
        if (session.scalar(waiting.where(Job.kind.in_(HEAVY_KINDS))) or 0) >= limit:
            abort(429, f"{limit} of your runs are waiting already; cancel one, or come back when one is done.")
    job = Job(
        id=new_id(),
        kind=kind,
        target_id=target.id,
        study_id=study.id,
        user_id=me().id,
        priority=urgency(expected_seconds),
    )
    session.add(job)
    if not isinstance(target, Recording):
        target.job_id = job.id
    study.touched = now()
    session.commit()
    service().queue.add(job)
    return job


def look_again(recordings: Sequence[Recording]) -> None:
    """Probe recordings anew, as what is said of their clock, keypoints or masks has changed."""
    for recording in recordings:
        recording.status = "probing"
    database().commit()
    for recording in recordings:
        add_job("probe", recording, recording.study, 1.0)


def cancel_job(job: Job) -> None:
    """End a job that waits or runs; whoever runs it looks every half second."""
    if job.status not in LIVE:
        return
    was_queued = job.status == "queued"
    job.status, job.finished = "cancelled", now()
    database().commit()
    if was_queued:
        service().queue.drop(job)


def position(job: Job | None) -> int | None:
    """How many jobs of its queue are before a waiting one; None for one that does not wait."""
    if job is None or job.status != "queued":
        return None
    kinds = HEAVY_KINDS if job.kind in HEAVY_KINDS else ("clip", "probe", "copy")
    before = select(func.count()).select_from(Job).where(Job.kind.in_(kinds), Job.status.in_(LIVE), Job.id != job.id)
    first = (Job.status == "running") | (Job.priority < job.priority)
    return database().scalar(before.where(first | ((Job.priority == job.priority) & (Job.created < job.created))))


def same_run(wanted: Run, study: Study) -> Run | None:
    """The newest run of a study with the settings and recordings of one that is wanted, unless it failed."""
    for run in sorted(study.runs, key=lambda one: one.created, reverse=True):
        if run.folder is not None or any(getattr(run, name) != getattr(wanted, name) for name in SETTINGS):
            continue
        job = job_of(run)
        if job is not None and job.status in (*LIVE, "done") and _whole(run) == _whole(wanted):
            return run
    return None


def _whole(run: Run) -> dict[str, dict[str, object]]:
    """The recordings of a run, with what older versions leave out."""
    return {name: {"face_path": None, **entry} for name, entry in run.recordings.items()}


def job_of(run: Run) -> Job | None:
    """The latest job of a run; None for a run that was opened from a folder."""
    return database().get(Job, run.job_id) if run.job_id else None
