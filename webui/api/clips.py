"""Clips of a finished run: ask for one, see how far it is, play it."""

import json

from apiflask import abort
from flask import Response

from ubam.results.run_folder import CROPS
from webui.access.audit_log import note
from webui.access.permissions import clip_of, run_of
from webui.api.runs import runs
from webui.context import service
from webui.data.models import Clip, Job, Run
from webui.data.session import database
from webui.http.answer_schemas import ClipOut
from webui.http.request_records import ClipRequest
from webui.http.responses import send_layers, send_whole
from webui.http.schemas import TRANSFER, ClipIn, answers
from webui.http.security import identity, limiter
from webui.jobs.progress import read_progress
from webui.jobs.records import IN_PHASE
from webui.jobs.requests import add_job, position
from webui.results import reader
from webui.results.reader import check_faces, names_in
from webui.results.records import ClipRecord


@runs.post("/runs/<string:run_id>/clips")
@runs.input(ClipIn, arg_name="given")
@runs.output(ClipOut, status_code=201)
@runs.doc(summary="Render a magnified clip", responses={201: "queued"})
@limiter.limit("60 per minute", key_func=identity)
def make_clip(run_id: str, given: ClipRequest) -> tuple[ClipRecord, int]:
    """Queue a small job, before all runs; an existing one is returned."""
    run = run_of(run_id)
    check_faces(run)
    if run.against_id and given["layout"] != IN_PHASE:
        _check_reference(run, given["layout"])
    for name in filter(None, (given["recording_id"], given.get("appearance"))):
        if name not in names_in(run):
            abort(404, f"This run has no recording '{name}'.")
    wanted = {
        "recording": given["recording_id"], "factor": given["factor"], "layout": given["layout"],
        "appearance": given.get("appearance") or None, "from_s": given.get("from_s"), "to_s": given.get("to_s"),
    }  # fmt: skip
    for clip in run.clips:
        if all(getattr(clip, name) == value for name, value in wanted.items()) and _job(clip).status not in (
            "failed",
            "cancelled",
        ):
            return clip_json(clip), 201
    clip = Clip(run_id=run.id, **wanted)
    database().add(clip)
    database().flush()
    clip.run = run
    add_job("clip", clip, run.study, 20.0)
    return clip_json(clip), 201


def _check_reference(run: Run, layout: str) -> None:
    """409 unless the run that holds the reference recordings is still here, with what the clip is made of."""
    against = database().get(Run, run.against_id)
    if layout == TRANSFER:
        abort(409, "A run against a frozen reference shows nobody with the looks of another.")
    if against is None or not (reader.folder_of(against) / CROPS).is_dir():
        abort(409, "Clips need the recordings of the reference, which are not on this server any more.")


def _job(clip: Clip) -> Job:
    found = database().get(Job, clip.job_id) if clip.job_id else None
    return found or Job(status="failed", error="The job is gone; ask for the clip again.")


def clip_json(clip: Clip) -> ClipRecord:
    """What the API says of a clip."""
    path, job = service().storage.clip(clip), _job(clip)
    progress = read_progress(path.parent / clip.id)["stages"]
    facts = (
        json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) if path.with_suffix(".json").exists() else {}
    )
    share = progress[0]["done"] / progress[0]["total"] if progress and progress[0]["total"] else 0.0
    return {
        "id": clip.id, "run": clip.run_id, "recording_id": clip.recording, "factor": clip.factor, "layout": clip.layout,
        "appearance": clip.appearance,
        "from_s": clip.from_s, "to_s": clip.to_s, "status": job.status, "error": job.error, "facts": facts,
        "fraction": 1.0 if job.status == "done" else round(share, 3), "queue_position": position(job),
        "url": f"/api/v1/clips/{clip.id}/{'strip.png' if clip.layout == 'strip' else 'clip.mp4'}",
        "layers": f"clips/{clip.id}/layers" if path.with_suffix(".layers.mp4").exists() else None,
    }  # fmt: skip


@runs.get("/clips/<string:clip_id>")
@runs.output(ClipOut)
@runs.doc(summary="A clip that was asked for")
def get_clip(clip_id: str) -> ClipRecord:
    """Status and, when done, what it measures."""
    return clip_json(clip_of(clip_id))


@runs.get("/clips/<string:clip_id>/clip.mp4")
@runs.doc(summary="The clip itself", responses=answers("video/mp4"))
def play_clip(clip_id: str) -> Response:
    """An MP4."""
    clip = clip_of(clip_id)
    check_faces(clip.run)
    note("play", "clip", clip.id, often=True)
    return send_whole(service().storage.clip(clip), kind="video/mp4")


@runs.get("/clips/<string:clip_id>/layers.<string:kind>")
@runs.doc(summary="The layers of a clip, mp4 or json: with them any factor is shown at once", responses=answers("*/*"))
def get_clip_layers(clip_id: str, kind: str) -> Response:
    """The film, or the displacements of its frames."""
    clip = clip_of(clip_id)
    check_faces(clip.run)
    return send_layers(service().storage.clip(clip).with_suffix(".layers.mp4"), kind)


@runs.get("/clips/<string:clip_id>/strip.<string:kind>")
@runs.doc(summary="A clip of the layout `strip`, as png or svg", responses=answers("image/*"))
def show_strip(clip_id: str, kind: str) -> Response:
    """A figure."""
    clip = clip_of(clip_id)
    check_faces(clip.run)
    if clip.layout != "strip" or kind not in ("png", "svg"):
        abort(404, "There is no such figure; a strip is there as strip.png and strip.svg.")
    note("open", "clip", clip.id, often=True)
    return send_whole(service().storage.clip(clip).with_suffix(f".{kind}"))
