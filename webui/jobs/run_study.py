"""The study table that a run of the service reads."""

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from ubam.core.files import write_csv
from webui.data.models import Recording
from webui.data.storage import suffix_of
from webui.jobs.companions import Kind
from webui.jobs.records import RunEntry

COLUMNS = (
    "video", "subject", "group", "session", "day", "dose", "start_s", "end_s", "box", "face_box", "fps", "keypoints",
    "mask",
)  # fmt: skip
FIELD_OF = {"fps": "given_fps"}  # of a recording, whose own `fps` is what its file declares
PLACES: dict[Kind, str] = {"keypoints": "keypoints", "mask": "masks"}


def run_names(recordings: Sequence[Recording]) -> dict[str, Recording]:
    """The names of recordings inside a run: the subject's and a number, plain letters; never the file's own name."""
    names: dict[str, Recording] = {}
    for recording in recordings:
        plain = unicodedata.normalize("NFKD", recording.subject).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:60] or "subject"
        number = 1
        while f"{stem}-{number}".casefold() in {name.casefold() for name in names}:
            number += 1
        names[f"{stem}-{number}"] = recording
    return names


def entry_of(recording: Recording) -> RunEntry:
    """What a run keeps of a recording."""
    one = recording
    return {
        "id": one.id, "file_name": one.file_name, "subject": one.subject, "group": one.group, "session": one.session,
        "day": one.day, "dose": one.dose, "start_s": one.start_s, "end_s": one.end_s, "box": one.box,
        "face_box": one.face_box, "duration_s": one.duration_s, "given_fps": one.given_fps, "keypoints": one.keypoints,
        "mask": one.mask, "extra": one.extra, "face_path": one.face_path,
    }  # fmt: skip


def write_run_study(
    folder: Path,
    entries: Mapping[str, RunEntry],
    videos: Mapping[str, Path],
    companions: Mapping[str, Mapping[Kind, Path]],
) -> None:
    """Write study.csv of a run, and links to its files under the names that recordings have inside the run."""
    rows, extra = [], dict[str, None]()
    known = tuple(column for column in COLUMNS if column != "face_box")
    for name, entry in entries.items():
        video = _linked(folder / "videos" / f"{name}{suffix_of(videos[name].name)}", videos[name])
        row: dict[str, object] = {column: entry.get(FIELD_OF.get(column, column)) for column in known}
        row |= {"video": video, "box": " ".join(f"{side:g}" for side in entry["box"] or [])}
        for kind, place in PLACES.items():
            path = companions[name].get(kind)
            row[kind] = _linked(folder / place / f"{name}{path.suffix}", path) if path is not None else ""
        further = entry.get("extra", {})
        extra |= dict.fromkeys(further)
        rows.append(further | row)
    write_csv(folder / "study.csv", rows, (*known, *extra))


def _linked(link: Path, to: Path) -> str:
    """Make a link, relative as the data folder may be moved; its path inside the run's study."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(to, link.parent))
    return f"{link.parent.name}/{link.name}"
