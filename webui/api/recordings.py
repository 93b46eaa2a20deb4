"""Recordings: what the probe found, what a person says of them, a frame and a playable copy."""

from collections.abc import Sequence
from typing import Any

from apiflask import APIBlueprint, abort
from flask import Response
from sqlalchemy import select

from webui.access.audit_log import note
from webui.access.permissions import recording_of, study_of
from webui.context import service
from webui.data.models import Job, Recording, now
from webui.data.session import database
from webui.http.answer_records import RecordingAnswer
from webui.http.paging import Headers, ListIn, ListRequest, Order, page_of
from webui.http.request_records import ManyRequest
from webui.http.responses import frame_without_face, send_picture, send_whole
from webui.http.schemas import ManyIn, RecordingIn, answers
from webui.http.study_schemas import RecordingOut
from webui.jobs.records import RecordingValues
from webui.jobs.requests import LIVE, add_job, look_again

recordings = APIBlueprint("recordings", __name__, url_prefix="/api/v1", tag="recordings")


def recording_json(recording: Recording) -> RecordingAnswer:
    """What the API says of a recording."""
    one = recording
    return {
        "id": one.id, "study": one.study_id, "file_name": one.file_name, "bytes": one.bytes, "subject": one.subject,
        "group": one.group, "session": one.session, "day": one.day, "dose": one.dose, "start_s": one.start_s,
        "end_s": one.end_s, "given_fps": one.given_fps, "keypoints": one.keypoints, "mask": one.mask,
        "keypoints_said": one.keypoints_said, "date": one.date, "extra": one.extra, "box": one.box,
        "face_box": one.face_box, "face_path": one.face_path,
        "status": one.status, "reason": one.reason, "warnings": one.warnings, "fps": one.fps,
        "duration_s": one.duration_s, "width": one.width, "height": one.height, "frames": one.frames,
    }  # fmt: skip


@recordings.get("/studies/<string:study_id>/recordings")
@recordings.input(ListIn, location="query", arg_name="given")
@recordings.output(RecordingOut(many=True))
@recordings.doc(summary="The recordings of a study")
def list_recordings(study_id: str, given: ListRequest) -> tuple[list[RecordingAnswer], int, Headers]:
    """In the order in which they came."""
    of_study = select(Recording).where(Recording.study_id == study_of(study_id).id)
    found, headers = page_of(of_study, Order((Recording.position, Recording.id)), given)
    return [recording_json(recording) for recording in found], 200, headers


@recordings.patch("/studies/<string:study_id>/recordings")
@recordings.input(ManyIn, arg_name="given")
@recordings.output(RecordingOut(many=True))
@recordings.doc(summary="Set the same values for many recordings")
def change_many(study_id: str, given: ManyRequest) -> list[RecordingAnswer]:
    """All or none."""
    study = study_of(study_id, "editor")
    chosen = [recording for recording in study.recordings if recording.id in set(given["ids"])]
    if len(chosen) != len(set(given["ids"])):
        abort(404, "One of these recordings is not in this study; reload the page.")
    for recording in chosen:
        _change(recording, given["set"])
    database().commit()
    _looked_at(chosen, given["set"])
    return [recording_json(recording) for recording in chosen]


def _looked_at(changed: Sequence[Recording], values: RecordingValues) -> None:
    """Probe again what has another clock, other keypoints or other masks."""
    if {"given_fps", "keypoints", "mask"} & set(values):
        look_again(changed)


def _change(recording: Recording, values: RecordingValues) -> None:
    for name, value in values.items():
        setattr(recording, name, value.strip() if isinstance(value, str) else value)
    if values.get("face_path"):  # what was said last holds, and of both at once the face that moves
        recording.face_box = None
    elif values.get("face_box"):
        recording.face_path = None
    start, end = recording.start_s or 0, recording.end_s
    if end is not None and end <= start:
        abort(
            422, f"{recording.file_name}: the end, {end:g} s, is not after the start, {start:g} s; correct one of them."
        )
    recording.study.touched = now()


@recordings.patch("/studies/<string:study_id>/recordings/<string:recording_id>")
@recordings.input(RecordingIn, arg_name="given")
@recordings.output(RecordingOut)
@recordings.doc(summary="Say whose recording this is, which part counts, where the subject and a face are")
def change_recording(study_id: str, recording_id: str, given: RecordingValues) -> RecordingAnswer:
    """Only what is given changes."""
    recording = recording_of(study_id, recording_id, "editor")
    _change(recording, given)
    database().commit()
    _looked_at([recording], given)
    return recording_json(recording)


@recordings.delete("/studies/<string:study_id>/recordings/<string:recording_id>")
@recordings.output({}, status_code=204)
@recordings.doc(summary="Delete a recording and its file; runs made of it stay")
def delete_recording(study_id: str, recording_id: str) -> str:
    """The deletion is final; a file in a folder of the server stays there."""
    recording = recording_of(study_id, recording_id, "editor")
    folder = service().storage.recording(recording)
    service().storage.bury(folder)
    database().delete(recording)
    database().commit()
    service().storage.remove(folder)
    note("delete recording", "recording", recording_id)
    return ""


@recordings.get("/studies/<string:study_id>/recordings/<string:recording_id>/frame.jpg")
@recordings.doc(summary="A frame from the middle, at most ten seconds in", responses=answers("image/jpeg"))
def shown_frame(study_id: str, recording_id: str) -> Response:
    """With the face box hidden, where one is drawn."""
    recording = recording_of(study_id, recording_id)
    path = service().storage.frame(recording)
    if not path.is_file():
        abort(404, "There is no picture of this recording (yet).")
    return send_picture(frame_without_face(path, recording), keep_s=0)


@recordings.get("/studies/<string:study_id>/recordings/<string:recording_id>/video")
@recordings.doc(
    summary="A copy that a browser plays, without sound and metadata",
    responses=answers("video/mp4") | {202: {"description": "being made; ask again"}},
)
def play(study_id: str, recording_id: str) -> Any:
    """Made when it is first asked for; the face box is hidden in it."""
    return shown_copy(recording_of(study_id, recording_id))


def shown_copy(recording: Recording) -> Any:
    """The copy, or 202 while it is being made."""
    path = service().storage.copy(recording)
    if path.is_file():
        note("play", "recording", recording.id, often=True)
        return send_whole(path, kind="video/mp4")
    if recording.status not in ("ok", "partial"):
        abort(409, f"This recording cannot be played: {recording.reason or 'it is still being looked at'}")
    query = select(Job).where(Job.kind == "copy", Job.target_id == recording.id).order_by(Job.created.desc())
    job = database().scalars(query).first()
    if job is not None and job.status == "failed":
        abort(409, job.error)
    if job is None or job.status not in LIVE:
        job = add_job("copy", recording, recording.study, recording.duration_s or 60.0)
    return {"status": job.status}, 202, {"Retry-After": "1"}
