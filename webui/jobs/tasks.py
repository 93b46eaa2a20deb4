"""What a worker does with each kind of job; the work itself happens in child processes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from ubam.core.errors import UbamError
from ubam.core.files import write_json
from ubam.core.text import bytes_text
from webui.data.face import face_keys
from webui.data.models import Clip, Job, Recording, Run, now
from webui.jobs.companions import KINDS, Kind, companion_path, companions_of
from webui.jobs.mail import tell_end
from webui.jobs.records import ClipOrder, CopyOrder, ProbeOrder, ProcessLimits, RunOrder, ScoreOrder
from webui.jobs.run_study import write_run_study
from webui.jobs.subprocesses import Ending, run_child
from webui.jobs.workplace import Workplace

SHOWN_WIDTH = 1280  # pixels of the copy that a browser plays
ATTEMPTS = 25  # a job that has ended its worker this often ends for good


def begin(place: Workplace, job_id: str) -> bool:
    """Mark a job as running; False when it was cancelled, deleted or done in the meantime."""
    with place.database.session() as session:
        job = session.get(Job, job_id)
        if job is None or job.status not in ("queued", "running"):
            return False
        job.status, job.started, job.worker = "running", job.started or now(), place.name
        return True


def do(place: Workplace, job_id: str) -> str:
    """Do the work of a job; an empty string, or in one sentence why it failed."""
    with place.database.session() as session:
        job = session.get(Job, job_id)
        if job is None or job.status != "running":
            return ""
        job.attempts += 1
        kind, target, attempts = job.kind, job.target_id, job.attempts
    if attempts > ATTEMPTS:
        return f"This job ended its worker {ATTEMPTS} times; look at its log, and tell whoever runs this server."
    try:
        ending = WORK[kind](place, target, _watcher(place, job_id))
        if place.stopping.is_set():
            _give_back(place, job_id)
        return ending
    except UbamError as error:
        return str(error)
    except OSError as error:
        return f"The server could not read or write ({error.strerror}); is its disk full?"


def _give_back(place: Workplace, job_id: str) -> None:
    """Let a job that this worker leaves undone wait again; the next start of any process queues it again."""
    with place.database.session() as session:
        job = session.get(Job, job_id)
        if job is not None and job.status == "running":
            job.status = "queued"


def conclude(place: Workplace, job_id: str, ending: str) -> None:
    """Write how a job ended, and tell its person; one that was cancelled or deleted meanwhile stays so."""
    ended = False
    with place.database.session() as session:
        job = session.get(Job, job_id)
        if job is not None and job.status == "running":
            job.status, job.error, job.finished = ("failed" if ending else "done"), ending[:2000], now()
            ended = True
    if ended:
        tell_end(place, job_id)


def _watcher(place: Workplace, job_id: str) -> Callable[[], bool]:
    """Whether a job is to end: cancelled, deleted with its study, or this worker leaves."""

    def stop() -> bool:
        if place.stopping.is_set():
            return True
        with place.database.session() as session:
            return session.scalar(select(Job.status).where(Job.id == job_id)) != "running"

    return stop


def probe_recording(place: Workplace, recording_id: str, stop: Callable[[], bool]) -> str:
    """Look at a file that has just come, and write what it is into its row."""
    with place.database.session() as session:
        recording = session.get(Recording, recording_id)
        if recording is None:
            return ""
        video, out = place.storage.video(recording), place.storage.recording(recording)
        files, given_fps = _companions(place, session, recording), recording.given_fps
    out.mkdir(parents=True, exist_ok=True)
    limits = place.settings.limits
    order: ProbeOrder = {
        "do": "probe", "video": str(video), "out": str(out), "given_fps": given_fps, **files,
        "limits": {"bytes": limits.probe_bytes, "cpu_seconds": limits.probe_seconds * 2, "pixels": limits.pixels,
                   "seconds": limits.seconds},
    }  # fmt: skip
    (out / "probe.json").unlink(missing_ok=True)
    ending = run_child(
        "webui.jobs.video_process", json.dumps(order), out / "log.txt", seconds=limits.probe_seconds,
        memory=limits.probe_bytes, stop=stop,
    )  # fmt: skip
    if ending.killed == "cancelled":
        return ""
    answer = out / "probe.json"
    found = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else _crashed(ending)
    with place.database.session() as session:
        recording = session.get(Recording, recording_id)
        if recording is not None:
            for name, value in found.items():
                setattr(recording, name, value)
    return ""


class _Files(TypedDict):
    keypoints: str | None
    mask: str | None
    lacking: dict[str, str]


def _companions(place: Workplace, session: Session, recording: Recording) -> _Files:
    """The files that go with a recording, and in words which are missing."""
    found: dict[str, str | None] = {}
    lacking: dict[str, str] = {}
    for kind in KINDS:
        try:
            path = companion_path(session, place.storage, recording, kind)
            found[kind] = str(path) if path is not None else None
        except UbamError as error:
            lacking[kind] = str(error)
    return {"keypoints": found.get("keypoints"), "mask": found.get("mask"), "lacking": lacking}


def _crashed(ending: Ending) -> dict[str, str]:
    why = {"time": "took too long to open", "memory": "asked for too much memory"}.get(
        ending.killed, "ended the decoder"
    )
    return {"status": "failed", "reason": f"The file {why}; convert it to MP4 (H.264) and upload that."}


def copy_recording(place: Workplace, recording_id: str, stop: Callable[[], bool]) -> str:
    """Make the copy of a recording that a browser plays."""
    with place.database.session() as session:
        recording = session.get(Recording, recording_id)
        if recording is None:
            return ""
        video, out = place.storage.video(recording), place.storage.copy(recording)
        order = _copy_order(place, video, out, recording.face, SHOWN_WIDTH)
        log = place.storage.recording(recording) / "log.txt"
    return _copied(place, order, log, stop)


def _copy_order(place: Workplace, video: Path, out: Path, face: list[list[float]], width: int | None) -> CopyOrder:
    limits: ProcessLimits = {
        "bytes": place.settings.limits.probe_bytes,
        "cpu_seconds": place.settings.limits.job_seconds,
    }
    return {"do": "copy", "video": str(video), "out": str(out), "face": face, "width": width, "limits": limits}


def _copied(place: Workplace, order: CopyOrder, log: Path, stop: Callable[[], bool]) -> str:
    if Path(order["out"]).exists():
        return ""
    limits = place.settings.limits
    ending = run_child(
        "webui.jobs.video_process",
        json.dumps(order),
        log,
        seconds=limits.job_seconds,
        memory=limits.probe_bytes,
        stop=stop,
    )
    return (
        "" if ending.code == 0 or ending.killed == "cancelled" else "The video could not be converted; see its verdict."
    )


def do_run(place: Workplace, run_id: str, stop: Callable[[], bool]) -> str:
    """The stages of a run, in a child; faces are made unrecognisable before anything looks at the recordings."""
    with place.database.session() as session:
        run = session.get(Run, run_id)
        if run is None:
            return ""
        folder, blurred = place.storage.job(run), _blurred_copies(place, session, run)
        order = _run_order(place, session, run)
    if order is None:
        return "The run that holds the frozen reference was deleted; choose another."
    for copy in blurred:
        problem = _copied(place, copy, folder / "log.txt", stop)
        if problem or stop():
            return problem
    return _in_child(place, order, folder, stop)


def _run_order(place: Workplace, session: Session, run: Run) -> RunOrder | ScoreOrder | None:
    """The order for a run; None where the frozen reference that it is scored against is gone."""
    folder, out, cores = str(place.storage.job(run)), str(place.storage.run(run)), place.settings.cores
    if run.against_id is None:
        return {
            "do": "run", "folder": folder, "out": out, "reference": run.reference or "none", "preset": run.preset,
            "posture": run.posture, "plan": run.plan, "block": run.block, "seed": run.seed, "workers": cores,
        }  # fmt: skip
    against = session.get(Run, run.against_id)
    if against is None:
        return None
    return {"do": "score", "folder": folder, "out": out, "against": str(place.storage.run(against)), "workers": cores}


def _blurred_copies(place: Workplace, session: Session, run: Run) -> list[CopyOrder]:
    """Write the run's study; orders for the copies with blurred faces that its rows point to."""
    orders: list[CopyOrder] = []
    recordings = {name: session.get(Recording, entry["id"]) for name, entry in run.recordings.items()}
    videos: dict[str, Path] = {}
    companions: dict[str, dict[Kind, Path]] = {}
    for name, recording in recordings.items():
        if recording is None:
            raise UbamError(f"The recording '{name}' was deleted; start a new run.")
        videos[name] = place.storage.video(recording)
        companions[name] = companions_of(session, place.storage, recording)
        entry = run.recordings[name]
        face = face_keys(entry["face_box"], entry.get("face_path"))
        if face:
            out = place.storage.job(run) / "blurred" / f"{name}.mp4"
            orders.append(_copy_order(place, videos[name], out, face, None))
            videos[name] = out
    folder = place.storage.job(run)
    if not (folder / "study.csv").exists():
        write_run_study(folder, run.recordings, videos, companions)
    return orders


def _in_child(
    place: Workplace, order: RunOrder | ScoreOrder | ClipOrder, folder: Path, stop: Callable[[], bool]
) -> str:
    """Run the child that analyses; what it says of its end is result.json."""
    limits, result = place.settings.limits, folder / "result.json"
    result.unlink(missing_ok=True)
    write_json(folder / "order.json", order)
    ending = run_child(
        place.settings.runner, str(folder), folder / "log.txt", seconds=limits.job_seconds, memory=limits.job_bytes,
        stop=stop,
    )  # fmt: skip
    if ending.killed == "cancelled":
        return ""
    if result.exists():
        return str(json.loads(result.read_text(encoding="utf-8"))["error"])
    if ending.killed:
        words = {"time": f"{limits.job_seconds / 3600:.0f} hours", "memory": bytes_text(limits.job_bytes)}
        return f"The job exceeded its limit of {words[ending.killed]}; use fewer or shorter recordings."
    code = f"code {ending.code}"
    return f"The job ended unexpectedly ({code}); its log says more. Resume continues after the last finished stage."


def render_clip(place: Workplace, clip_id: str, stop: Callable[[], bool]) -> str:
    """One magnified clip of a finished run, in a child."""
    with place.database.session() as session:
        clip = session.get(Clip, clip_id)
        if clip is None:
            return ""
        folder = place.storage.job(clip.run) / "clips" / clip.id
        against = session.get(Run, clip.run.against_id) if clip.run.against_id else None
        order: ClipOrder = {
            "do": "clip", "run": str(place.storage.run(clip.run)), "recording": clip.recording, "factor": clip.factor,
            "against": str(place.storage.run(against)) if against is not None else None,
            "layout": clip.layout, "appearance": clip.appearance, "from_s": clip.from_s, "to_s": clip.to_s,
            "out": str(place.storage.clip(clip)), "folder": str(folder),
        }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    return _in_child(place, order, folder, stop)


WORK: dict[str, Callable[[Workplace, str, Callable[[], bool]], str]] = {
    "run": do_run,
    "score": do_run,
    "clip": render_clip,
    "probe": probe_recording,
    "copy": copy_recording,
}
