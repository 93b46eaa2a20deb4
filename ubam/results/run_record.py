"""run.json: what a run was asked to do, which stages are done, and whether they still hold."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar, cast

from ubam.core.errors import DamagedFile, RunError
from ubam.core.provenance import installed_versions, version_of
from ubam.core.seals import read_record, write_record
from ubam.core.storage import TOLD
from ubam.results.records.run import RunJson, StageEntry
from ubam.results.run_folder import LOCK, RunFolder
from ubam.results.run_tables import unwatch, watch

FORMAT = 1  # of run.json; a record of before has none
Result = TypeVar("Result")


class RunRecord:
    """The record of a run folder; each method that changes it writes it."""

    def __init__(self, folder: Path, record: RunJson) -> None:
        self.folder = folder
        self.record = record

    @classmethod
    def open(cls, folder: Path) -> "RunRecord":
        """Open an existing run; RunError when `folder` holds none or a damaged one."""
        path = RunFolder(folder).run_json
        if not path.exists():
            raise RunError(
                f"{folder} holds no run (run.json is missing); start one with: ubam run STUDY --out {folder}"
            )
        try:
            record = read_record(path)
        except DamagedFile as error:
            raise RunError(f"{error}; delete the run folder or pass --fresh.") from error
        if record.get("format", FORMAT) != FORMAT:
            raise RunError(f"{folder} was written by another version of ubam ({record.get('ubam')}); use that one.")
        return cls(folder, cast(RunJson, record))

    @classmethod
    def start(cls, folder: Path, study: Path, study_key: str) -> "RunRecord":
        """Open the run of this study in `folder`, or begin one; RunError when the folder holds something else.

        The study's path is absolute, so that a run continues from any folder.
        """
        study = study.absolute()
        if RunFolder(folder).run_json.exists():
            run = cls.open(folder)
            if run.record.get("study_key") != study_key and run.record.get("study") != str(study):
                raise RunError(
                    f"{folder} already holds a run of another study ({run.record.get('study')}); "
                    "choose another folder with --out, or pass --fresh to replace it."
                )
        elif folder.exists() and any(not _left_before_the_record(entry.name) for entry in folder.iterdir()):
            raise RunError(f"{folder} is not empty and holds no run; choose an empty or new folder with --out.")
        else:
            run = cls(folder, {"stages": {}, "warnings": []})
        run.record["format"] = FORMAT
        run.record["ubam"], run.record["study"], run.record["study_key"] = version_of("ubam"), str(study), study_key
        run.record["versions"] = installed_versions()
        run.save()
        return run

    def save(self) -> None:
        """Write run.json."""
        write_record(RunFolder(self.folder).run_json, self.record)

    def is_done(self, stage: str, key: str) -> bool:
        """Whether `stage` was finished with the same inputs and settings."""
        entry = self.record["stages"].get(stage, {})
        return entry.get("state") == "done" and entry.get("key") == key

    def perform(self, stage: str, key: str, work: Callable[[], Result]) -> Result:
        """Do the work of a stage and record its state, duration and key; a failure is recorded and raised again."""
        entry: StageEntry = {"state": "running", "key": key, "started": _now()}
        self.record["stages"][stage] = entry
        unwatch(self.folder, self.record, stage)
        self.save()
        began = time.monotonic()
        try:
            result = work()
        except BaseException as error:
            entry["state"], entry["reason"] = "failed", str(error) or type(error).__name__
            entry["seconds"] = time.monotonic() - began
            self.save()
            raise
        entry["state"], entry["seconds"] = "done", round(time.monotonic() - began, 2)
        entry["finished"] = _now()
        watch(self.folder, self.record, stage)
        self.save()
        return result

    def warn(self, stage: str, messages: list[str]) -> None:
        """Keep what a finished stage has to say about the data; `warnings` lists the messages of all stages."""
        self.record["stages"][stage]["warnings"] = messages
        stages = self.record["stages"].values()
        self.record["warnings"] = [message for entry in stages for message in entry.get("warnings", [])]
        self.save()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run folder; RunError when another process that is alive holds it (a killed one leaves no lock)."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with open(RunFolder(folder).lock, "a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                f"{folder} is in use by another ubam process; wait for it or choose another --out."
            ) from error
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def _left_before_the_record(name: str) -> bool:
    """Whether a file is one that a run has before run.json; one killed then leaves its temporary file, too."""
    return name in (LOCK, TOLD) or fnmatch(name, ".run-????????.json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
