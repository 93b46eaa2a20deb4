"""Files that go with recordings, their keypoints and masks: which one a cell of the table names."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ubam.core.errors import UbamError
from webui.data.models import Companion, Recording
from webui.data.storage import Storage

Kind = Literal["keypoints", "mask"]
KINDS: tuple[Kind, ...] = ("keypoints", "mask")
FOLDERS_UP = 3  # how far above a video in a folder of the server the table may lie that names its files


def plain_name(name: str) -> str:
    """The last part of a path of any system, composed."""
    return unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]).strip()


def companion_path(session: Session, storage: Storage, recording: Recording, kind: Kind) -> Path | None:
    """The file that a recording's cell of this kind names; None for an empty cell.

    It is a file of the study, or lies beside a video in a folder of the server, where a folder of masks may be meant.

    Raises
    ------
    UbamError
        There is no such file.
    """
    name: str = getattr(recording, kind)
    if not name:
        return None
    known = select(Companion).where(Companion.study_id == recording.study_id, Companion.kind == kind)
    for companion in session.scalars(known):
        if plain_name(companion.file_name) == plain_name(name):
            return storage.companion(companion)
    found = next(_beside(storage, recording, name), None) if recording.outside is not None else None
    if found is None:
        raise UbamError(f"The study has no file '{name}' ({kind}); add it in the details of the recording.")
    return found


def _beside(storage: Storage, recording: Recording, name: str) -> Iterator[Path]:
    """Where a relative name may lead from a video in a folder of the server, within folders that may be read."""
    for folder in list(Path(str(recording.outside)).parents)[: FOLDERS_UP + 1]:
        path = folder / PurePosixPath(name.replace("\\", "/"))
        try:
            real = storage.allowed(path)
        except UbamError:
            return
        if real.exists():
            yield real


def companions_of(session: Session, storage: Storage, recording: Recording) -> dict[Kind, Path]:
    """The files of a recording that are there; UbamError where one is named and missing."""
    found = {kind: companion_path(session, storage, recording, kind) for kind in KINDS}
    return {kind: path for kind, path in found.items() if path is not None}
