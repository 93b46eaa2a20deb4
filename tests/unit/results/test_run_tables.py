"""A table of a run that is not what was written is refused by name, by whoever reads it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.run_folders import make_fake_run
from ubam.api import open_run
from ubam.core.errors import RunError
from ubam.core.seals import read_record, write_record
from ubam.pipeline.queries import find_neighbours
from ubam.results.run_data import read_run
from ubam.results.run_folder import RunFolder
from ubam.results.run_record import RunRecord
from ubam.results.run_tables import damaged_tables, tables_of, unwatch, watch
from ubam.results.tables import read_scored

Read = Callable[[Path], object]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose tables are watched."""
    folder = make_fake_run(tmp_path_factory.mktemp("runs") / "run", reference_subjects=2, query_subjects=1, frames=60)
    record = read_record(folder / "run.json")
    for stage in ("check", "score"):
        watch(folder, record, stage)  # type: ignore[arg-type]
    write_record(folder / "run.json", record)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("*.mp4", "crops")))


def change_a_digit(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    at = max(found.start() for found in re.finditer(r"[0-8]", text))
    path.write_text(f"{text[:at]}{int(text[at]) + 1}{text[at + 1 :]}", encoding="utf-8")


TABLES = ("recordings.csv", "statistics.json", "deviation/subjects.csv", "deviation/windows.csv", "motifs/usage.csv")


@pytest.mark.parametrize("name", TABLES)
def test_a_changed_digit_is_found_by_everybody_who_reads_tables(name: str, run: Path) -> None:
    read_run(run)
    assert len(open_run(run).subjects) == 3
    change_a_digit(run / name)
    assert damaged_tables(run) == [run / name]
    readers: list[Read] = [read_run, read_scored, lambda folder: open_run(folder).subjects]
    for read in readers:
        with pytest.raises(
            RunError, match=f"{name} is damaged, or was changed by hand; make it again with: ubam score"
        ):
            read(run)


def test_neighbours_are_not_looked_up_by_a_damaged_table(run: Path) -> None:
    change_a_digit(run / "recordings.csv")
    with pytest.raises(RunError, match=r"recordings\.csv is damaged"):
        find_neighbours(run, "a01_walk", 0.5, "posture", 1)


def test_a_table_of_a_stage_at_work_is_taken_as_it_is(run: Path) -> None:
    record = RunRecord.open(run)
    unwatch(run, record.record, "score")
    record.save()
    change_a_digit(run / "deviation" / "subjects.csv")
    assert damaged_tables(run) == []
    record.perform("score", "key", lambda: None)
    change_a_digit(run / "deviation" / "subjects.csv")
    assert damaged_tables(run) == [run / "deviation" / "subjects.csv"]


def test_a_run_of_an_older_version_is_read_as_it_is(run: Path) -> None:
    record = read_record(run / "run.json")
    del record["tables"]
    write_record(run / "run.json", record)
    change_a_digit(run / "statistics.json")
    read_run(run)


def test_stages_without_tables_and_folders_without_runs_have_no_damage(run: Path, tmp_path: Path) -> None:
    record = RunRecord.open(run)
    before = dict(record.record["tables"])
    record.perform("train", "key", lambda: None)
    assert record.record["tables"] == before
    (tmp_path / "recordings.csv").write_text("recording_id\na\n", encoding="utf-8")
    assert damaged_tables(tmp_path) == []


def test_a_table_that_a_kill_left_half_written_is_not_watched(run: Path) -> None:
    (run / "deviation" / ".subjects-x52yz06x.csv").write_text("subject", encoding="utf-8")
    assert all(not path.name.startswith(".") for path in tables_of(RunFolder(run), "score"))
