"""What a report says before its numbers: once, with the names it is about, and no more than is known."""

import json
from pathlib import Path

from tests.fake_run import make_fake_run
from ubam.files import read_csv, write_csv, write_json
from ubam.report_data import read_run
from ubam.report_warnings import warnings_of
from ubam.report_words import headline


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


def test_beside_a_single_reference_subject_nobody_is_said_to_move_like_it(tmp_path: Path) -> None:
    """No p is possible there; it read "does not move further" of a subject with the larger deviation."""
    run = make_fake_run(tmp_path / "run", reference_subjects=1, query_subjects=1, frames=40, videos=False)
    path = run / "deviation" / "subjects.csv"
    rows = read_csv(path)
    for row in rows:
        row |= {"p": "", "smallest_p": "", "percentile": ""}
    write_csv(path, rows, list(rows[0]))
    said = headline(read_run(run))[0]
    assert "With one" in said
    assert "further" not in said
