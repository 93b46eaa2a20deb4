"""Files that go with recordings, keypoints and masks: taken from an upload, listed, deleted."""

import os
from pathlib import Path, PurePosixPath

from apiflask import APIBlueprint, abort
from sqlalchemy import update

from webui.access.audit_log import note
from webui.access.permissions import study_of
from webui.context import service
from webui.data.models import Companion, Recording, Study, Upload
from webui.data.session import database
from webui.data.storage import COMPANION_SUFFIXES
from webui.http.answer_records import CompanionAnswer
from webui.http.study_schemas import CompanionOut
from webui.jobs.companions import KINDS, plain_name
from webui.jobs.requests import look_again

companions = APIBlueprint("companions", __name__, url_prefix="/api/v1", tag="recordings")
WANTED = {
    "keypoints": "a CSV or H5 of DeepLabCut, or a .slp or analysis .h5 of SLEAP",
    "mask": "a video as long as the recording, or COCO JSON",
}


def check_companion(kind: str, file_name: str) -> None:
    """400 for a file that cannot be what it is said to be."""
    if kind not in KINDS:
        abort(400, f"An upload is of a video, or of the kind {' or '.join(KINDS)}; '{kind[:40]}' is none.")
    if PurePosixPath(file_name).suffix.casefold() not in COMPANION_SUFFIXES[kind]:
        abort(400, f"{file_name} cannot be read as {kind}; give {WANTED[kind]}.")


def keep_companion(upload: Upload, path: Path) -> None:
    """Move a file that has come to its place; it replaces one of the same kind and name, and is looked at."""
    session, storage = database(), service().storage
    study, kind = session.get_one(Study, upload.study_id), str(upload.guesses["kind"])
    before = [one for one in study.companions if one.kind == kind and one.file_name == upload.file_name]
    old = [storage.companion(one) for one in before]
    for one in before:
        study.companions.remove(one)
    companion = Companion(study_id=study.id, kind=kind, file_name=upload.file_name, bytes=upload.length)
    session.add(companion)
    session.flush()
    mine = update(Upload).where(Upload.id == upload.id, Upload.recording_id.is_(None)).values(recording_id=companion.id)
    if session.execute(mine).rowcount == 0:  # type: ignore[attr-defined]
        session.rollback()  # a second request that came in the same moment
        return
    place = storage.companion(companion)
    place.parent.mkdir(parents=True, exist_ok=True)
    os.chmod(path, 0o600)
    os.link(path, place)
    wished = [one for one in study.recordings if one.id == upload.guesses.get("recording")]
    for recording in wished:
        setattr(recording, kind, upload.file_name)
    session.commit()
    storage.remove(path, *old)
    note("upload", "companion", companion.id)
    look_again([one for one in study.recordings if plain_name(getattr(one, kind)) == plain_name(upload.file_name)])


@companions.get("/studies/<string:study_id>/companions")
@companions.output(CompanionOut(many=True))
@companions.doc(summary="The files of keypoints and masks of a study")
def list_companions(study_id: str) -> list[CompanionAnswer]:
    """By name."""
    return [
        {"id": one.id, "kind": one.kind, "file_name": one.file_name, "bytes": one.bytes}
        for one in study_of(study_id).companions
    ]


@companions.delete("/studies/<string:study_id>/companions/<string:companion_id>")
@companions.output({}, status_code=204)
@companions.doc(summary="Delete a file of keypoints or masks; recordings that name it go without")
def delete_companion(study_id: str, companion_id: str) -> str:
    """The cells that name it become empty."""
    study = study_of(study_id, "editor")
    companion = next((one for one in study.companions if one.id == companion_id), None)
    if companion is None:
        abort(404, "There is no such file in this study.")
    path, kind, name = service().storage.companion(companion), companion.kind, plain_name(companion.file_name)
    changed: list[Recording] = [one for one in study.recordings if plain_name(getattr(one, kind)) == name]
    for recording in changed:
        setattr(recording, kind, "")
    study.companions.remove(companion)
    database().commit()
    service().storage.remove(path)
    note("delete companion", "companion", companion_id)
    look_again(changed)
    return ""
