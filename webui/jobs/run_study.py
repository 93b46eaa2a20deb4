"""The study table that a run of the service reads."""

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from ubam.core.files import write_csv
from webui.data.models import Recording
from webui.data.storage import suffix_of
from webui.jobs.records import RunEntry

COLUMNS = ("video", "subject", "group", "session", "day", "dose", "start_s", "end_s", "box", "face_box")


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


def write_run_study(folder: Path, entries: Mapping[str, RunEntry], videos: Mapping[str, Path]) -> None:
    """Write study.csv of a run, and links to its videos under the names that they have inside the run."""
    rows = []
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    for name in entries:
        link = folder / "videos" / f"{name}{suffix_of(videos[name].name)}"
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(videos[name], link.parent))  # the data folder may be moved
        row: dict[str, object] = {column: entries[name].get(column) for column in COLUMNS[1:-2]}
        box = " ".join(f"{side:g}" for side in entries[name]["box"] or [])
        rows.append(row | {"video": f"videos/{link.name}", "box": box})
    write_csv(folder / "study.csv", rows, COLUMNS[:-1])
