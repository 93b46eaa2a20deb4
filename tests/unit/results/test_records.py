"""Records of a run: written and read again they are the same, and what another version wrote does not stop them."""

import json
from pathlib import Path

import pytest

from tests.support.run_folders import make_fake_run
from ubam.core.issue_codes import LIMITED_SINGLE_P
from ubam.results.records.audit import Comparison
from ubam.results.records.codec import from_json, to_json
from ubam.results.records.run import RunFacts
from ubam.results.records.scores import SCORE_COLUMNS, ScoreRow
from ubam.results.records.study import Course, Statistics
from ubam.results.records.tests import KEYS, Effect, Test


@pytest.mark.parametrize("mutual", [False, True])
def test_statistics_are_the_same_after_writing_and_reading(mutual: bool, tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", frames=40, videos=False, design="mutual" if mutual else "days")
    first = Statistics.from_json(json.loads((run / "statistics.json").read_text()))
    first.write(tmp_path / "again.json")
    written = json.loads((tmp_path / "again.json").read_text())
    assert Statistics.from_json(written) == first
    assert written["unit"] == "subject"
    assert bool(written["tests"]) != mutual


def test_what_was_not_tested_has_no_numbers_and_what_was_has_them_even_where_they_are_null() -> None:
    refused = Test(kind="pair", refused="too few").to_json()
    assert refused["p"] is None
    assert not {"smallest_p", "statistic_name", "effect", "effects"} & set(refused)
    tested = Test(kind="time course", p=0.2, statistic_name="mass", effects=[]).to_json()
    assert tested["effect"] is None
    assert tested["effects"] == []


@pytest.mark.parametrize("kind", KEYS)
def test_every_key_of_a_test_is_written_in_the_order_of_its_kind(kind: str) -> None:
    whole = Test(kind=kind, refused="", statistic_name="t", smallest_p=0.1, arrangements=10, exact=True, effects=[])
    found = list(whole.to_json())
    assert found == [name for name in KEYS[kind] if name in found]


def test_a_comparison_says_that_nothing_could_be_seen() -> None:
    nothing = Comparison(["a", "b"], arrangements=20, exact=True, smallest_p=0.1, correction="max").to_json()
    assert list(nothing)[-3:] == ["smallest_visible_auc", "correction", "controls"]
    assert nothing["smallest_visible_auc"] is None
    assert "smallest_visible_auc" not in Comparison(["a", "b"], refused="a group of one").to_json()


def test_keys_of_other_versions_and_damaged_values_count_as_missing() -> None:
    found = from_json(Effect, {"name": "AUC", "value": "0.75", "low": "x", "high": float("inf"), "colour": "red"})
    assert found == Effect("AUC", 0.75)
    course = from_json(Course, {"time_s": [0, None, 2], "mean": {"a": [1, "x", 3]}, "clusters": [1, {"p": 0.5}, {}]})
    assert course.time_s == [0.0, None, 2.0]
    assert course.mean == {"a": [1.0, None, 3.0]}
    assert [one.p for one in course.clusters] == [0.5]
    odds: list[object] = [None, [], "text", 7, [None, 1, {}]]
    for odd in odds:
        assert from_json(Statistics, odd) == Statistics()
        assert from_json(Statistics, {"tests": odd, "audit": odd, "n": odd, "design": odd}).tests == []


def test_issues_of_a_run_are_codes_and_those_of_older_runs_are_read_from_their_sentence() -> None:
    said = (
        "With 7 reference subjects no single subject can reach p < 0.05 (smallest possible 0.12); 19 would be needed."
    )
    assert RunFacts.from_json({"warnings": [said]}).issues == [LIMITED_SINGLE_P]
    assert RunFacts.from_json({"warnings": [said], "issues": []}).issues == []
    assert RunFacts.from_json({"issues": [LIMITED_SINGLE_P]}).issues == [LIMITED_SINGLE_P]


def test_a_row_of_scores_is_the_same_after_writing_and_reading() -> None:
    row = ScoreRow("m1", "g", "m1_a", 12, 1.5, 1.0, 2.0, 0.5, 0.25, 80.0, 0.2, 0.1)
    cells = {name: "" if value is None else str(value) for name, value in row.to_row().items()}
    assert ScoreRow.from_row(cells) == row
    assert set(SCORE_COLUMNS) < set(cells)
    assert ScoreRow.from_row({"subject": "m1", "group": "g"}) == ScoreRow("m1", "g")
    assert to_json(Effect())["value"] is None
