"""Who may see and change what: studies, recordings, runs, clips and uploads."""

from typing import Any

from apiflask import abort
from flask import g
from sqlalchemy import or_, select

from webui.access.audit_log import note
from webui.access.identity import me
from webui.data.models import Clip, Member, Recording, Run, Study, Upload
from webui.data.session import database


def visible() -> Any:
    """The condition on Study that this person may see it."""
    shared = select(Member.study_id).where(Member.user_id == me().id)
    return or_(Study.owner_id == me().id, Study.id.in_(shared), Study.kind == "example")


def role_in(study: Study) -> str:
    """owner, editor, viewer, or an empty string for somebody else's study."""
    if study.owner_id == me().id:
        return "owner"
    anybody = "viewer" if me() and study.kind == "example" else ""
    return next((member.role for member in study.members if member.user_id == me().id), anybody)


def study_of(study_id: str, need: str = "viewer") -> Study:
    """A study of this person; 404 when it is not theirs, 403 when they may look at it but not change it."""
    study = database().get(Study, study_id)
    role = role_in(study) if study is not None else (me() and "")
    if study is None or not role:
        abort(404, "There is no such study, or it is not shared with you.")
    order = ("viewer", "editor", "owner")
    if order.index(role) < order.index(need) or (me().role == "viewer" and need != "viewer"):
        abort(403, "You may look at this study but not change it; ask its owner to make you an editor.")
    if need == "viewer":
        note("open", "study", study.id, often=True)
    return study


def recording_of(study_id: str, recording_id: str, need: str = "viewer") -> Recording:
    """A recording of a study of this person."""
    study, recording = study_of(study_id, need), database().get(Recording, recording_id)
    if recording is None or recording.study_id != study.id:
        abort(404, "There is no such recording in this study.")
    return recording


def run_of(run_id: str, need: str = "viewer") -> Run:
    """A run of a study of this person; it is kept in `g.run`, as answers about it hide its folders."""
    run = database().get(Run, run_id)
    if run is None or not role_in(run.study):
        abort(404, "There is no such run, or its study is not shared with you." if me() else "")
    study_of(run.study_id, need)
    g.run = run
    return run


def clip_of(clip_id: str) -> Clip:
    """A clip of a run of a study of this person."""
    clip = database().get(Clip, clip_id)
    if clip is None or not role_in(clip.run.study):
        abort(404, "There is no such clip, or its study is not shared with you." if me() else "")
    study_of(clip.run.study_id)
    g.run = clip.run
    return clip


def upload_of(upload_id: str) -> Upload:
    """An upload that this person started, in a study that they may still change."""
    upload = database().get(Upload, upload_id)
    if upload is None or upload.user_id != me().id or not role_in(upload.study):
        abort(404, "There is no such upload; start it again." if me() else "")
    study_of(upload.study_id, "editor")
    return upload
