"""What a report says before its numbers: once, with the names it is about, and no more than is known."""

import json
from pathlib import Path

import pytest

from tests.support.run_folders import make_fake_run
from ubam.core.files import read_csv, write_csv, write_json
from ubam.results.caveats import warnings_of
from ubam.results.run_data import read_run
from ubam.results.sentences import headline


def test_a_remark_on_many_recordings_is_said_once_with_all_their_names(tmp_path: Path) -> None:
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
    """No p is possible there."""
    run = make_fake_run(tmp_path / "run", reference_subjects=1, query_subjects=1, frames=40, videos=False)
    path = run / "deviation" / "subjects.csv"
    rows = read_csv(path)
    for row in rows:
        row |= {"p": "", "smallest_p": "", "percentile": ""}
    write_csv(path, rows, list(rows[0]))
    said = " ".join(headline(read_run(run))[:3])
    assert "With one" in said
    assert "by chance" not in said
    assert "further" not in said


def test_a_quick_run_is_called_a_first_look(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=3, query_subjects=2, frames=40, videos=False)
    record = json.loads((run / "run.json").read_text())
    for preset, said in (("quick", True), ("standard", False)):
        write_json(run / "run.json", record | {"preset": preset})
        assert any("first look" in words for words in warnings_of(read_run(run))) is said


def _said(run: Path, **changes: object) -> list[str]:
    statistics = json.loads((run / "statistics.json").read_text())
    write_json(run / "statistics.json", statistics | changes)
    return [words for words in headline(read_run(run)) if words]


def test_the_question_of_the_study_is_answered_before_any_single_subject(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=5, query_subjects=4, frames=40, videos=False)
    test = {
        "family": "groups",
        "kind": "two groups",
        "groups": ["healthy", "affected"],
        "n": {"healthy": 5, "affected": 4},
    }
    said = _said(run, tests=[test | {"p": 0.214}])
    assert said[0] == "No difference between the groups healthy and affected was found (p = 0.214)."
    assert said[1] == "Groups of 5 and 4 find 1.7 standard deviations in 80 of 100 studies."
    assert "further from the healthy reference" in said[2]
    assert _said(run, tests=[test | {"p": 0.01}])[0].startswith("As a group, affected differs from healthy")
    said = _said(run, tests=[test | {"refused": "one subject"}])  # nothing was answered
    assert "further from the healthy reference" in said[0]
    assert any(words.startswith("Not tested: ") for words in said)
    many = [test | {"p": 0.5 + number / 10} for number in range(4)]
    assert _said(run, tests=many)[0] == "None of 4 tests of the groups found anything; the table has every test."


def test_chance_is_told_of_one_subject_as_of_one(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=6, query_subjects=1, frames=40, videos=False)
    said = " ".join(_said(run, tests=[]))
    assert "A subject that moves like the reference would do so in 1 of 7 such studies." in said
    assert "of 1 subject" not in said


@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_what_is_not_seen_is_said_whatever_was_found(effect: float, tmp_path: Path) -> None:
    run = make_fake_run(
        tmp_path / "run", reference_subjects=6, query_subjects=3, frames=40, videos=False, effect=effect
    )
    said = _said(run)
    assert said[-1].startswith("Small movements of a single limb")
    assert "A subject unlike the reference need not be ill, and one like the reference need not be healthy." in said[-1]


@pytest.mark.parametrize(("count", "said"), [(2, "Both affected subjects"), (3, "All 3 affected subjects")])
def test_two_are_both(count: int, said: str, tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=4, query_subjects=count, frames=40, videos=False)
    assert any(words.startswith(f"{said} move further from the healthy reference") for words in _said(run, tests=[]))


def test_a_run_of_the_reference_alone_has_nobody_else_to_tell_of(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", reference_subjects=5, query_subjects=0, frames=40, videos=False)
    assert "Compared: 5 healthy subjects (the reference) with each other, from 5 recordings." in _said(run)
    said = _said(run, tests=[])
    assert said[0].startswith("All 5 subjects are of the reference group healthy, each compared with the others")
    assert "could be scored" not in " ".join(said)
    assert "Small movements" not in " ".join(said)
    rows = read_csv(run / "recordings.csv")
    rows[-1] |= {"group": "affected", "status": "failed"}
    write_csv(run / "recordings.csv", rows, list(rows[0]))
    assert _said(run)[0] == "No subject outside the reference group healthy could be scored."
