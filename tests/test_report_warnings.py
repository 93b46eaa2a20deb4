"""What a report says before its numbers: once, and with the names it is about."""

import json
from pathlib import Path

from tests.fake_run import make_fake_run
from ubam.files import read_csv, write_csv, write_json
from ubam.report_data import read_run
from ubam.report_warnings import warnings_of


def test_a_remark_on_many_recordings_is_said_once_with_all_their_names(tmp_path: Path) -> None:
    """Each stood there twice: among all of them, and by itself."""
    run = make_fake_run(tmp_path / "run", reference_subjects=3, query_subjects=2, frames=40, videos=False)
    rows = read_csv(run / "recordings.csv")
    for row in rows[:2]:
        row["warnings"] = "the subject stays in one place"
    rows[2] |= {"status": "failed", "reason": "the file is empty"}
    write_csv(run / "recordings.csv", rows, list(rows[0]))
    record = json.loads((run / "run.json").read_text())
    first, second = (row["recording_id"] for row in rows[:2])
    record["warnings"] = [f"{name}: the subject stays in one place" for name in (first, second)]
    record["warnings"] += [f"{rows[2]['recording_id']} failed: the file is empty", "Something else."]
    write_json(run / "run.json", record)
    found = warnings_of(read_run(run))
    assert [words for words in found if "stays in one place" in words] == [
        f"2 recordings ({first} and {second}): the subject stays in one place."
    ]
    assert sum("the file is empty" in words for words in found) == 1
    assert "Something else." in found
