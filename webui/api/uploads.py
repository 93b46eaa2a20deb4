"""Resumable uploads: tus 1.0.0 with creation and termination (https://tus.io/protocols/resumable-upload)."""

import base64
import binascii
import errno
import fcntl
import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from apiflask import APIBlueprint, abort
from flask import Response, request
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ubam.core.text import bytes_text
from ubam.recordings.guessing import guess
from webui.access.audit_log import note
from webui.access.identity import me
from webui.access.permissions import study_of, upload_of
from webui.api.companions import check_companion, keep_companion
from webui.context import service
from webui.data.models import Companion, Recording, Study, Upload, User
from webui.data.session import database
from webui.data.upload_receiver import InPlace, credentials
from webui.http.schemas import is_date
from webui.http.security import identity, limiter
from webui.jobs.records import RecordingValues
from webui.jobs.requests import add_job, new_recording, room_for_recordings

VERSION = "1.0.0"
PIECE = 1024 * 1024
UPLOAD_LOCK = 8265  # its number among the locks of PostgreSQL
TEXTS = ("subject", "group", "session")
FULL = "The server's disk is full; ask whoever runs it for space, or delete a study you no longer need."
uploads = APIBlueprint("uploads", __name__, url_prefix="/api/v1", tag="uploads")


@uploads.after_request
def _say_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    return response


@uploads.before_request
def _check_version() -> None:
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
        abort(412, "Send the header Tus-Resumable: 1.0.0.", headers={"Tus-Version": VERSION})


@uploads.route("/studies/<string:study_id>/uploads", methods=["OPTIONS"])
@uploads.doc(hide=True)
def describe(study_id: str) -> Response:
    """What this server can do."""
    headers = {"Tus-Version": VERSION, "Tus-Extension": "creation,termination"}
    headers["Tus-Max-Size"] = str(service().settings.limits.file_bytes)
    return Response(status=204, headers=headers)


@uploads.post("/studies/<string:study_id>/uploads")
@uploads.doc(summary="Begin an upload (tus creation)", responses={201: "Location says where to send the bytes"})
@limiter.limit("600 per minute", key_func=identity)
def create(study_id: str) -> Response:
    """Begin an upload."""
    study = study_of(study_id, "editor")
    length = _length()
    described = _metadata(request.headers.get("Upload-Metadata", ""))
    if "kind" in described:
        check_companion(described["kind"], described.get("filename", ""))
    _check_room(database(), study, length)
    upload = Upload(
        study_id=study.id, user_id=me().id, length=length, file_name=described.get("filename", "video")[:1000]
    )
    of_a_recording: dict[str, Any] = {
        name: described[name][:200] for name in ("kind", "recording") if name in described
    }
    upload.guesses = of_a_recording if "kind" in described else dict(_guesses(described, upload.file_name))
    database().add(upload)
    database().commit()
    with open(service().storage.upload(upload.id), "xb"):
        pass
    return Response(status=201, headers={"Location": f"/api/v1/uploads/{upload.id}", "Upload-Offset": "0"})


def _length() -> int:
    text = request.headers.get("Upload-Length", "")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        abort(400, "Send the header Upload-Length with the file's size in bytes.")
    limit = service().settings.limits.file_bytes
    if int(text) > limit:
        abort(413, f"The file has {bytes_text(int(text))}, more than the {bytes_text(limit)} allowed; cut it.")
    if int(text) == 0:
        abort(400, "The file is empty; copy it again from the camera.")
    return int(text)


def _metadata(text: str) -> dict[str, str]:
    """Upload-Metadata: names with base64 values; a name of another system may hold anything but control characters."""
    values = {}
    for pair in text.split(",")[:20]:
        name, _, coded = pair.strip().partition(" ")
        try:
            value = base64.b64decode(coded, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            abort(400, f"Upload-Metadata: the value of '{name[:40]}' is not UTF-8 in base64.")
        values[name] = "".join(letter for letter in value if letter.isprintable())[:1000]
    return values


def _guesses(described: dict[str, str], file_name: str) -> RecordingValues:
    said = {name: described[name][:200] for name in TEXTS if described.get(name)}
    subject = said.get("subject") or guess([described.get("relativePath") or file_name])[0].subject[:200]
    found: RecordingValues = {"subject": subject, "day": _day(described.get("day", "")[:200])}
    if "group" in said:
        found["group"] = said["group"]
    if "session" in said:
        found["session"] = said["session"]
    if is_date(described.get("date", "")):
        found["date"] = described["date"]
    return found


def _day(text: str) -> float | None:
    try:
        day = float(text)
    except ValueError:
        return None
    return day if math.isfinite(day) else None


def _check_room(session: Session, study: Study, length: int) -> None:
    """Quota of the person, recordings of the study, space on the disk; uploads under way are counted in full."""
    _begin_alone(session)
    limits = service().settings.limits
    if room_for_recordings(session, study) < 1:
        abort(413, f"A study holds at most {limits.recordings} recordings, uploads under way included; begin another.")
    if used_bytes(session, me().id) + length > limits.quota_bytes:
        quota = bytes_text(limits.quota_bytes)
        abort(413, f"Your quota of {quota} would be exceeded; delete a study that you no longer need.")
    if service().storage.free_bytes() - _bytes_to_come(session) - length < limits.reserve_bytes:
        abort(503, FULL)


def _begin_alone(session: Session) -> None:
    """From here to the end of the transaction nobody else's upload is counted or begun.

    The write to a row is such a lock on SQLite, which knows one writer at a time; PostgreSQL is asked for one.
    """
    session.execute(update(User).where(User.id == me().id).values(epoch=User.epoch))
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(UPLOAD_LOCK)))


def used_bytes(session: Session, user_id: str) -> int:
    """Bytes of a person's recordings, what goes with them, and uploads under way."""
    stored = select(func.coalesce(func.sum(Recording.bytes), 0)).join(Study)
    stored = stored.where(Study.owner_id == user_id, Recording.outside.is_(None))
    coming = select(func.coalesce(func.sum(Upload.length), 0))
    coming = coming.where(Upload.user_id == user_id, Upload.recording_id.is_(None))
    beside = select(func.coalesce(func.sum(Companion.bytes), 0)).join(Study).where(Study.owner_id == user_id)
    return sum(int(session.scalar(part) or 0) for part in (stored, coming, beside))


def _bytes_to_come(session: Session) -> int:
    """Bytes that everybody's uploads under way still lack."""
    under_way = session.execute(select(Upload.id, Upload.length).where(Upload.recording_id.is_(None)))
    paths = ((service().storage.upload(identifier), length) for identifier, length in under_way)
    return sum(length - (path.stat().st_size if path.exists() else 0) for path, length in paths)


@uploads.route("/uploads/<string:upload_id>", methods=["HEAD"])
@uploads.doc(hide=True)
def offset(upload_id: str) -> Response:
    """How much of the file has arrived; the page continues from there."""
    upload = upload_of(upload_id)
    path = service().storage.upload(upload.id)
    if upload.recording_id is None and path.exists() and path.stat().st_size == upload.length:
        _finish(upload, path)  # the server was killed between the last byte and this
    headers = {"Upload-Offset": str(_come(upload)), "Upload-Length": str(upload.length)}
    return Response(status=200, headers=headers)


def _come(upload: Upload) -> int:
    path = service().storage.upload(upload.id)
    if upload.recording_id is None and not path.exists():
        abort(410, "The received part of this upload is gone; start it again.")
    return upload.length if upload.recording_id else path.stat().st_size


@uploads.patch("/uploads/<string:upload_id>")
@uploads.doc(summary="Send the next bytes of an upload (tus)", responses={204: "Upload-Offset says how much is here"})
def append(upload_id: str) -> Response:
    """Take the next piece; the last one makes the recording."""
    upload = upload_of(upload_id)
    if request.mimetype != "application/offset+octet-stream":
        abort(415, "Send the bytes as application/offset+octet-stream.")
    path = service().storage.upload(upload.id)
    if upload.recording_id is not None or not path.exists():
        abort(404, "This upload is complete; its recording is in the study.")
    placed = request.environ["wsgi.input"]
    service().leases.stop(upload.id)  # this request has all its bytes, and another one that is under way comes too late
    if isinstance(placed, InPlace) and placed.path == path:
        size = placed.keep(last=placed.offset + len(placed) == upload.length)
    else:
        size = _append(upload, path)
    service().counters.upload_bytes.inc(request.content_length or 0)
    service().leases.grant(upload.id, credentials(request.environ), path, size, upload.length - size)
    if size == upload.length:
        _finish(upload, path)
    return Response(status=204, headers={"Upload-Offset": str(size)})


def _append(upload: Upload, path: Path) -> int:
    """Add the body to what has come; the size of both."""
    with _alone(path) as handle:
        size = handle.seek(0, os.SEEK_END)
        if request.headers.get("Upload-Offset") != str(size):
            abort(409, f"The upload has {size} bytes; continue from there.", headers={"Upload-Offset": str(size)})
        if (request.content_length or 0) > upload.length - size:
            abort(413, "The file is larger than announced; start the upload again.")
        try:
            size += _write(handle, upload.length - size)
            if size == upload.length:
                os.fsync(handle.fileno())
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            abort(503, FULL)  # what has come stays, and the upload continues from there
    return size


@contextmanager
def _alone(path: Path) -> Iterator[io.FileIO]:
    """The open file, for one request at a time."""
    with open(path, "r+b", buffering=0) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            abort(423, "Another request is sending this file; wait for it.")
        yield handle


def _write(handle: io.FileIO, room: int) -> int:
    """Write the body; within the kernel where it came as a file (`upload_receiver.Spool`)."""
    source, written = request.environ["wsgi.input"], 0
    wanted = min(request.content_length or 0, room)
    if isinstance(source, io.FileIO) and hasattr(os, "copy_file_range"):
        while written < wanted and (count := os.copy_file_range(source.fileno(), handle.fileno(), wanted - written)):
            written += count
    else:
        while written < wanted and (piece := request.stream.read(min(PIECE, wanted - written))):
            written += handle.write(piece)
    return written


def _finish(upload: Upload, path: Path) -> None:
    """Move the file to its place and have it looked at; killed anywhere in between, nothing is lost."""
    session = database()
    study = session.get(Study, upload.study_id, populate_existing=True)
    if study is None:
        abort(404, "The study was deleted meanwhile.")
    if "kind" in upload.guesses:
        keep_companion(upload, path)
        return
    guesses = cast(RecordingValues, upload.guesses)
    if study.kind == "patient":  # a file's name never becomes a patient's by itself
        guesses = {"subject": study.name, "date": guesses.get("date", "")}
    recording = new_recording(session, study, upload.file_name, upload.length, guesses)
    mine = update(Upload).where(Upload.id == upload.id, Upload.recording_id.is_(None)).values(recording_id=recording.id)
    if session.execute(mine).rowcount == 0:  # type: ignore[attr-defined]
        session.rollback()  # a second request, as after a lost connection, that came in the same moment
        return
    place = service().storage.video(recording)
    place.parent.mkdir(parents=True, exist_ok=True)
    os.chmod(path, 0o600)
    os.link(path, place)
    session.commit()
    path.unlink(missing_ok=True)
    note("upload", "recording", recording.id)
    add_job("probe", recording, study, 1.0)


@uploads.delete("/uploads/<string:upload_id>")
@uploads.doc(summary="Abandon an upload (tus termination)")
@uploads.output({}, status_code=204)
def terminate(upload_id: str) -> str:
    """Forget an upload and its bytes."""
    upload = upload_of(upload_id)
    if upload.recording_id is None:
        service().storage.upload(upload.id).unlink(missing_ok=True)
    database().delete(upload)
    database().commit()
    return ""
