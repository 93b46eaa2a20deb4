"""Regular tidying: abandoned uploads, deleted files, old jobs."""

import time
from datetime import timedelta

from sqlalchemy import select

from webui.data.database import Database
from webui.data.models import Recording, Run, Study, Upload, now
from webui.data.storage import Storage
from webui.jobs.workplace import HOUSEKEEPING_S, Workplace

ABANDONED = timedelta(days=7)


def housekeeping(place: Workplace) -> None:
    """Once an hour: delete abandoned uploads, studies past their time, and folders whose study is gone."""
    if time.monotonic() - place.kept_house < HOUSEKEEPING_S:
        return
    place.kept_house = time.monotonic()
    with place.database.session() as session:
        for upload in session.scalars(select(Upload).where(Upload.created < now() - ABANDONED)):
            place.storage.upload(upload.id).unlink(missing_ok=True)
            session.delete(upload)
        if place.settings.retention_days:
            limit = now() - timedelta(days=place.settings.retention_days)
            for study in session.scalars(select(Study).where(Study.touched < limit, Study.kind != "example")):
                place.storage.bury(place.storage.study(study.id), *(place.storage.upload(u.id) for u in study.uploads))
                session.delete(study)
    empty_graves(place.database, place.storage)


def empty_graves(database: Database, storage: Storage) -> None:
    """Delete what was noted for deletion and whose row is gone; a note is kept for an hour: a job may still write."""
    with database.session() as session:
        for identifier, (path, seconds) in storage.graves().items():
            if any(session.get(kind, identifier) is not None for kind in (Study, Run, Recording, Upload)):
                if seconds > HOUSEKEEPING_S:  # the deletion itself failed
                    storage.forget(identifier)
                continue
            storage.remove(path)
            if seconds > HOUSEKEEPING_S:
                storage.forget(identifier)
