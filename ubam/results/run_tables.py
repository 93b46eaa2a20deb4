"""The tables of a run are watched: run.json has the SHA-256 of each, so that a flipped digit is found.

A table of an older version, or of a stage that is at work, has none and is taken as it is.
"""

from pathlib import Path

from ubam.core.errors import DamagedFile, RunError
from ubam.core.files import content_hash
from ubam.core.seals import read_record
from ubam.results.records.run import RunJson
from ubam.results.run_folder import RunFolder

OF_RECORDINGS = ("check", "crops", "embed")  # the stages that write recordings.csv


def unwatch(folder: Path, record: RunJson, stage: str) -> None:
    """Forget what the tables were that a stage is about to write."""
    files, watched = RunFolder(folder), record.setdefault("tables", {})
    for path in tables_of(files, stage):
        watched.pop(files.inside(path), None)


def watch(folder: Path, record: RunJson, stage: str) -> None:
    """Note what the tables are that a stage has written."""
    files, watched = RunFolder(folder), record.setdefault("tables", {})
    watched.update({files.inside(path): content_hash(path) for path in tables_of(files, stage)})


def tables_of(files: RunFolder, stage: str) -> list[Path]:
    """The tables, and the records of numbers, that a stage writes; those that are there."""
    if stage in OF_RECORDINGS:
        return [files.recordings_csv] if files.recordings_csv.is_file() else []
    if stage == "score":
        scores, motifs = files.scores("subjects").parent, files.motifs_json.parent
        written = [files.statistics_json, files.motifs_json, *scores.glob("[!.]*.csv"), *motifs.glob("[!.]*.csv")]
        return sorted(path for path in written if path.is_file())
    return []


def damaged_tables(folder: Path) -> list[Path]:
    """The tables of a run that are there and not what was written."""
    files = RunFolder(folder)
    return _differing(files, [*tables_of(files, "check"), *tables_of(files, "score")])


def refuse_damaged(folder: Path, *paths: Path) -> None:
    """RunError that names a table, of these or of all, that is not what was written; a folder without a run passes."""
    files = RunFolder(folder)
    for path in _differing(files, [*paths]) if paths else damaged_tables(folder):
        raise RunError(f"{path} is damaged, or was changed by hand; make it again with: ubam score {folder}")


def _differing(files: RunFolder, paths: list[Path]) -> list[Path]:
    """The record is read last: a run at work forgets a table before it writes it, and notes it afterwards."""
    now = {files.inside(path): content_hash(path) for path in paths if path.is_file()}
    try:
        watched = read_record(files.run_json).get("tables", {})
    except (OSError, DamagedFile):  # told by whoever opens the run
        return []
    return [files.path / name for name, digest in now.items() if watched.get(name, digest) != digest]
