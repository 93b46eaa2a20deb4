"""Studies: made, shared, filled from a folder, checked, deleted; and their table as CSV."""

import os
from pathlib import Path

from apiflask import APIBlueprint, abort
from flask import Response, request
from sqlalchemy import func, select

from ubam.recordings.folders import is_film_name
from ubam.recordings.guessing import Guess, describe_guess, guess
from webui.access.audit_log import note
from webui.access.identity import find_user, me
from webui.access.permissions import role_in, study_of, visible
from webui.api.study_checks import describe
from webui.api.study_csv import guessed_values, kept_besides, read_table, table_text
from webui.context import service
from webui.data.models import Job, Member, Recording, Run, Study
from webui.data.session import database
from webui.data.storage import folder_bytes
from webui.http.answer_records import (
    AddedAnswer,
    ChangedAnswer,
    CheckAnswer,
    GuessesAnswer,
    LatestRunAnswer,
    StudyAnswer,
    StudyDetailAnswer,
    StudyGlimpseAnswer,
)
from webui.http.paging import Headers, ListIn, ListRequest, Order, page_of
from webui.http.request_records import MemberRequest, NameRequest, PathRequest, PathsRequest
from webui.http.schemas import MemberIn, PathIn, PathsIn, StudyIn, answers
from webui.http.security import identity, limiter
from webui.http.study_schemas import AddedOut, ChangedOut, CheckOut, GuessesOut, StudyDetail, StudyGlimpse, StudyOut
from webui.jobs.records import RecordingValues
from webui.jobs.requests import LIVE, add_job, cancel_job, look_again, new_recording, room_for_recordings

PICTURES = 4
studies = APIBlueprint("studies", __name__, url_prefix="/api/v1", tag="studies")


@studies.get("/studies")
@studies.input(ListIn, location="query", arg_name="given")
@studies.output(StudyGlimpse(many=True))
@studies.doc(summary="The studies that one owns or that are shared with one")
def list_studies(given: ListRequest) -> tuple[list[StudyGlimpseAnswer], int, Headers]:
    """Newest first."""
    me()
    found, headers = page_of(select(Study).where(visible()), Order((Study.created, Study.id), newest_first=True), given)
    return [_glimpse(study) for study in found], 200, headers


def _glimpse(study: Study) -> StudyGlimpseAnswer:
    """A study with its first pictures and its latest run."""
    usable = (Recording.study_id == study.id, Recording.status.in_(("ok", "partial")))
    pictures = database().scalars(select(Recording.id).where(*usable).order_by(Recording.position).limit(PICTURES))
    latest = select(Run.id, Run.name, Job.status).outerjoin(Job, Job.id == Run.job_id).where(Run.study_id == study.id)
    run = database().execute(latest.order_by(Run.created.desc()).limit(1)).first()
    shown: LatestRunAnswer | None = None
    if run is not None:
        shown = {"id": run[0], "name": run[1], "status": run[2] or "done"}
    return {**study_json(study), "pictures": list(pictures), "latest_run": shown}


@studies.post("/studies")
@studies.input(StudyIn, arg_name="given")
@studies.output(StudyOut, status_code=201)
@studies.doc(summary="Make a study", responses={201: "made"})
@limiter.limit("60 per minute", key_func=identity)
def create_study(given: NameRequest) -> tuple[StudyAnswer, int]:
    """An empty study."""
    if me().role == "viewer":
        abort(403, "As a viewer you may look at what is shared with you; ask an admin to make you a member.")
    study = Study(name=given["name"].strip(), owner_id=me().id)
    database().add(study)
    database().commit()
    note("make study", "study", study.id)
    return study_json(study), 201


def study_json(study: Study) -> StudyAnswer:
    """What the API says of a study."""
    session, role = database(), role_in(study)
    count = select(func.count(), func.coalesce(func.sum(Recording.bytes), 0)).where(Recording.study_id == study.id)
    recordings, size = session.execute(count).one()
    runs = session.scalar(select(func.count()).select_from(Run).where(Run.study_id == study.id))
    return {
        "id": study.id, "kind": study.kind, "name": study.name, "owner": study.owner.name,
        "created": study.created.isoformat(),
        "touched": study.touched.isoformat(), "role": role, "can_edit": role != "viewer" and me().role != "viewer",
        "members": [{"name": member.user.name, "role": member.role} for member in study.members],
        "n_recordings": recordings, "n_runs": runs or 0, "bytes": int(size),
    }  # fmt: skip


@studies.get("/studies/<string:study_id>")
@studies.output(StudyDetail)
@studies.doc(summary="One study")
def get_study(study_id: str) -> StudyDetailAnswer:
    """One study, with the space that its files take."""
    study = study_of(study_id)
    return {**study_json(study), "disk_bytes": folder_bytes(service().storage.study(study.id))}


@studies.patch("/studies/<string:study_id>")
@studies.input(StudyIn, arg_name="given")
@studies.output(StudyOut)
@studies.doc(summary="Rename a study")
def rename_study(study_id: str, given: NameRequest) -> StudyAnswer:
    """Another name."""
    study = study_of(study_id, "editor")
    study.name = given["name"].strip()
    database().commit()
    return study_json(study)


@studies.delete("/studies/<string:study_id>")
@studies.output({}, status_code=204)
@studies.doc(summary="Delete a study with every file of it, for good")
def delete_study(study_id: str) -> str:
    """Recordings, runs, clips, uploads and rows; files that stayed in a folder of the server stay there."""
    study = study_of(study_id, "owner")
    for job in database().scalars(select(Job).where(Job.study_id == study.id, Job.status.in_(LIVE))):
        cancel_job(job)
    storage = service().storage
    places = [storage.study(study.id), *(storage.upload(upload.id) for upload in study.uploads)]
    storage.bury(*places)
    database().delete(study)
    database().commit()
    storage.remove(*places)
    note("delete study", "study", study_id)
    return ""


@studies.put("/studies/<string:study_id>/members")
@studies.input(MemberIn(many=True), arg_name="given")
@studies.output(StudyOut)
@studies.doc(summary="Say with whom a study is shared")
@limiter.limit("60 per minute", key_func=identity)
def share_study(study_id: str, given: list[MemberRequest]) -> StudyAnswer:
    """The whole list of members, by name."""
    study, members = study_of(study_id, "owner"), {}
    if len(given) > 200:
        abort(400, "A study is shared with at most 200 people.")
    for entry in given:
        user = find_user(database(), entry["name"].strip())
        if user is None or not user.active:
            abort(400, f"Nobody here is called '{entry['name']}'; check the name with an admin.")
        if user.id != study.owner_id:
            members[user.id] = entry["role"]
    study.members.clear()
    database().flush()
    study.members.extend(Member(user_id=user_id, role=role) for user_id, role in members.items())
    database().commit()
    note("share study", "study", study.id)
    return study_json(study)


@studies.put("/studies/<string:study_id>/owner")
@studies.input(StudyIn, arg_name="given")
@studies.output(StudyOut)
@studies.doc(summary="Hand a study over to another person; who had it stays an editor")
@limiter.limit("60 per minute", key_func=identity)
def hand_over(study_id: str, given: NameRequest) -> StudyAnswer:
    """By name; the space that its videos take counts for the new owner from then on."""
    study = study_of(study_id, "owner")
    user = find_user(database(), given["name"].strip())
    if user is None or not user.active or user.role == "viewer":
        abort(400, f"Nobody here who may own studies is called '{given['name']}'; check the name with an admin.")
    if user.id != study.owner_id:
        others = [member for member in study.members if member.user_id != user.id]
        before = Member(user_id=study.owner_id, role="editor")
        study.members.clear()
        database().flush()
        study.members.extend([before, *(Member(user_id=one.user_id, role=one.role) for one in others)])
        study.owner = user
        database().commit()
        note("hand over study", "study", study.id)
    return study_json(study)


@studies.get("/studies/<string:study_id>/table.csv")
@studies.doc(summary="The table of the study as CSV", responses=answers("text/csv"))
def get_table(study_id: str) -> Response:
    """One row per recording."""
    study = study_of(study_id)
    headers = {"Content-Disposition": "attachment; filename=study.csv"}
    return Response("\ufeff" + table_text(study.recordings), mimetype="text/csv", headers=headers)


@studies.put("/studies/<string:study_id>/table.csv")
@studies.output(ChangedOut)
@studies.doc(
    summary="Set the table from CSV, rows matched by id or else by file name",
    responses={400: "the first wrong row is named, and nothing was changed"},
)
def put_table(study_id: str) -> ChangedAnswer:
    """Columns that are missing stay as they are; an error changes nothing."""
    study = study_of(study_id, "editor")
    try:
        text = request.get_data(cache=False).decode("utf-8-sig")
    except UnicodeDecodeError:
        abort(400, "The table is not UTF-8 text; save it as 'CSV UTF-8' and try again.")
    if "\0" in text:
        abort(400, "The table is not text; give a CSV file.")
    rows = read_table(text, study.recordings)
    of_rows = [recording for recording, _ in rows]
    said_before = [_said(recording) for recording in of_rows]
    for recording, values in rows:
        for name, value in values.items():
            setattr(recording, name, value)
        recording.face_path = None if recording.face_box else recording.face_path
    database().commit()
    look_again([one for one, before in zip(of_rows, said_before, strict=True) if _said(one) != before])
    return {"changed": len(rows), "notes": kept_besides(text)}


def _said(recording: Recording) -> tuple[float | None, str, str]:
    """What is said of a recording's clock, keypoints and masks, by which its file is probed."""
    return recording.given_fps, recording.keypoints, recording.mask


@studies.post("/guesses")
@studies.input(PathsIn, arg_name="given")
@studies.output(GuessesOut)
@studies.doc(summary="What the names and folders of files say of subject, group, session and day")
def guess_values(given: PathsRequest) -> GuessesAnswer:
    """The guess of `ubam init`; it is the better the more files of a study it sees together."""
    me()
    found = guess(given["paths"])
    return {"guesses": [guessed_values(one) for one in found], "said": describe_guess(found)}


@studies.post("/studies/<string:study_id>/folder")
@studies.input(PathIn, arg_name="given")
@studies.output(AddedOut)
@studies.doc(summary="Add the videos of a folder that the server may read; they stay where they are")
@limiter.limit("20 per minute", key_func=identity)
def add_folder(study_id: str, given: PathRequest) -> AddedAnswer:
    """Videos below the folder; the first folder inside it is the group, as `ubam init` reads it."""
    study = study_of(study_id, "editor")
    folder = service().storage.allowed(Path(given["path"]))
    if not folder.is_dir():
        abort(400, f"{given['path']} is no folder on this server.")
    known = {recording.outside for recording in study.recordings}
    videos = [video for video in _videos(folder) if str(video) not in known]
    room = room_for_recordings(database(), study)
    if len(videos) > room:
        abort(413, f"The folder holds {len(videos)} videos, the study has room for {room}; name a smaller folder.")
    guesses = guess([video.relative_to(folder).as_posix() for video in videos])
    added = [_add_outside(study, video, one) for video, one in zip(videos, guesses, strict=True)]
    database().commit()
    for recording in added:
        add_job("probe", recording, study, 1.0)
    note("add folder", "study", study.id)
    return {"added": len(added), "known": len(known)}


def _videos(folder: Path) -> list[Path]:
    found = []
    for root, folders, files in os.walk(folder):  # follows no links
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(root) / name for name in sorted(files) if is_film_name(name)]
        if len(found) > 10_000:
            abort(413, "The folder holds more than 10,000 videos; name a smaller folder.")
    return [video for video in found if not video.name.startswith(".") and not video.is_symlink()]


def _add_outside(study: Study, video: Path, guessed: Guess) -> Recording:
    said, day = guessed_values(guessed), float(guessed.day) if guessed.day else None
    values: RecordingValues = {
        "subject": said["subject"], "group": said["group"], "session": said["session"], "day": day,
        "outside": str(video),
    }  # fmt: skip
    return new_recording(database(), study, video.name, video.stat().st_size, values)


@studies.get("/studies/<string:study_id>/check")
@studies.output(CheckOut)
@studies.doc(summary="Is this enough? Groups, the smallest possible p, and what is missing")
def check_study(study_id: str) -> CheckAnswer:
    """What `ubam check` would say."""
    return describe(study_of(study_id).recordings)
