import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from ubam.core.errors import RunError
from ubam.core.files import (
    atomic_path,
    leave_memory,
    read_arrays,
    read_csv,
    unguarded,
    write_arrays,
    write_csv,
    write_json,
)
from ubam.core.settings import Settings
from ubam.pipeline.job import Job
from ubam.recordings.study_table import Study, init_study, read_study
from ubam.results.run_record import RunRecord, locked


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")

    def half_a_write() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk"):
        half_a_write()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]


def test_not_finite_numbers_become_null_and_empty(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": math.nan, "b": [np.float32(1.5), np.inf], "c": np.int64(3)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": None, "b": [1.5, None], "c": 3}
    write_csv(tmp_path / "a.csv", [{"x": math.nan, "y": "ü, ;"}, {"x": 1 / 3}], ["x", "y"])
    assert read_csv(tmp_path / "a.csv") == [{"x": "", "y": "ü, ;"}, {"x": "0.333333", "y": ""}]


def test_half_floats_come_back_as_floats(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", half=np.ones(3, np.float16), names=np.array(["a", "b"]))
    arrays = read_arrays(tmp_path / "a.npz")
    assert arrays["half"].dtype == np.float32
    assert list(arrays["names"]) == ["a", "b"]


def test_two_processes_do_not_share_a_run_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunError, match="in use"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"stages":')
    with pytest.raises(RunError, match="damaged"):
        RunRecord.open(tmp_path)
    with pytest.raises(RunError, match="holds no run"):
        RunRecord.open(tmp_path / "elsewhere")


def test_a_failed_stage_is_not_done_and_says_why(tmp_path: Path) -> None:
    run = RunRecord(tmp_path, {"stages": {}})

    def fails() -> None:
        raise ValueError("no light")

    with pytest.raises(ValueError, match="no light"):
        run.perform("crops", "key", fails)
    assert not run.is_done("crops", "key")
    assert RunRecord.open(tmp_path).record["stages"]["crops"]["reason"] == "no light"
    run.perform("crops", "key", lambda: None)
    assert run.is_done("crops", "key")
    assert not run.is_done("crops", "another key")


def test_a_result_that_was_removed_is_lacking(tmp_path: Path) -> None:
    run = RunRecord(tmp_path, {"stages": {}})
    job = Job(run, cast(Study, SimpleNamespace(recordings=())), Settings())
    assert job.lacks("report")
    for name in ("recordings.csv", "report.html"):
        (tmp_path / name).write_text("recording_id,status\n")
    assert not job.lacks("report")
    (tmp_path / "report.html").unlink()
    assert job.lacks("report")  # `ubam report` said that there was nothing to do


FORMULAS = [
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "-",
    "+/+",
    "-/-",
    "'=1",
    "''=1",
]
PLAIN = ["human01", "'quoted'", "a=b", "-0.5", "+3", "-1e-05", "-5,3", "1.50", "007", "", "'", "ratte é", "a,b\nc"]


@pytest.mark.parametrize("text", FORMULAS + PLAIN)
def test_text_that_a_user_wrote_comes_back_exactly_and_is_no_formula(text: str, tmp_path: Path) -> None:
    path, column = tmp_path / "subjects.csv", text or "empty"
    write_csv(path, [{"subject": text, column: text, "deviation": -0.25}], ["subject", column, "deviation"])
    assert read_csv(path) == [{"subject": text, column: text, "deviation": "-0.25"}]
    with open(path, newline="", encoding="utf-8") as handle:
        header, row = list(csv.reader(handle))
    assert row[2] == "-0.25"
    for cell in (header[1], row[0], row[1]):
        assert (cell[:1] not in tuple("=+-@\t\r\n")) if text in FORMULAS else cell in (text, column)


def test_a_number_is_never_guarded(tmp_path: Path) -> None:
    values = [-1, -2.5, -1e-12, -3e300, np.float32(-0.125), np.int64(-7)]
    write_csv(tmp_path / "t.csv", [{"value": value} for value in values], ["value"])
    assert (tmp_path / "t.csv").read_text().split()[1:] == ["-1", "-2.5", "-1e-12", "-3e+300", "-0.125", "-7"]


def test_a_table_of_formulas_is_read_as_the_study_that_it_is(tmp_path: Path) -> None:
    for group in ("+SUM(A1)", "=1+1"):
        (tmp_path / group).mkdir()
        (tmp_path / group / f"@{group}.mp4").touch()
    study = read_study(init_study(tmp_path)[0])
    assert study.groups == ("+SUM(A1)", "=1+1")
    assert [recording.subject for recording in study.recordings] == ["@+SUM(A1)", "@=1+1"]
    assert all(recording.video.is_file() for recording in study.recordings)
    lines = (tmp_path / "study.csv").read_text().splitlines()[1:]
    assert all(cell.startswith("'") for line in lines for cell in line.split(",")[:3])


def test_a_path_is_its_text_in_json_and_a_missing_array_is_no_damage(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"where": tmp_path})
    assert json.loads((tmp_path / "a.json").read_text()) == {"where": str(tmp_path)}
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "gone.npz")


@pytest.mark.parametrize(
    "text", ["", "\n", "a,b\n", "a,b\n1,2\n\n3\n4,5,6\n", "'=a,a,a\n'=1,'x,\n", 'a\n"line\nline"\n', "\ufeffa,b\n1,2\n"]
)
def test_a_table_is_read_as_the_csv_module_does(tmp_path: Path, text: str) -> None:
    """Short and long rows, empty lines, columns of one name, guarded cells and names."""
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with open(tmp_path / "a.csv", newline="", encoding="utf-8-sig") as handle:
        rows = [{name: cell for name, cell in row.items() if name is not None} for row in csv.DictReader(handle)]
    assert read_csv(tmp_path / "a.csv") == [
        {unguarded(name): cell and unguarded(cell) for name, cell in row.items()} for row in rows
    ]


def in_memory_of_files() -> int:
    """Bytes of files that are mapped into this process and in memory."""
    rows = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(row for row in rows if row.startswith("RssFile")).split()[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what is in memory")
def test_what_was_read_and_written_of_a_mapped_array_leaves_the_memory_and_is_kept(tmp_path: Path) -> None:
    size = 64 * 2**20
    mapped = np.lib.format.open_memmap(tmp_path / "rows.npy", mode="w+", dtype=np.uint8, shape=(size,))
    mapped[:] = 7
    before = in_memory_of_files()
    leave_memory(mapped[10:])
    assert in_memory_of_files() < before - 0.9 * size
    assert (mapped == 7).all()
    leave_memory(np.ones(3))  # not mapped: nothing to leave
    del mapped
    assert (np.load(tmp_path / "rows.npy") == 7).all()
