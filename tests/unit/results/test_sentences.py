"""The table of conditions under which a run says something: no sentence stands where its condition does not hold."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_folders import make_fake_run
from ubam.core.files import read_csv, write_csv, write_json
from ubam.results.caveats import warnings_of
from ubam.results.run_data import RunData, read_run
from ubam.results.sentences import headline

ANSWERS: dict[str, dict[str, Any] | None] = {
    "no test": None,
    "refused": {"refused": "one subject"},
    "nothing": {"p": 0.214},
    "found": {"p": 0.01},
}
REFERENCES, QUERIES = (0, 1, 2, 6), (0, 1, 3)
# A text, and what must hold of a run that says it: (reference subjects, scored queries, test, preset).
NEEDS: dict[str, Callable[[int, int, str, str], bool]] = {
    r"further from the healthy reference": lambda r, q, test, preset: r >= 2 and q >= 1,
    r"would do so in 1 of": lambda r, q, test, preset: r >= 2 and q >= 1,
    r"differs from healthy": lambda r, q, test, preset: test == "found",
    r"No difference between the groups": lambda r, q, test, preset: test == "nothing",
    r"^Not tested": lambda r, q, test, preset: test == "refused",
    r"Small movements of a single limb": lambda r, q, test, preset: r >= 1 and q >= 1,
    r"there is no other group": lambda r, q, test, preset: q == 0 and r > 1,
    r"compared with nobody else": lambda r, q, test, preset: q == 0 and r == 1,
    r"With one healthy subject": lambda r, q, test, preset: r == 1 and q >= 1,
    r"nothing says what is normal": lambda r, q, test, preset: r == 0 and q >= 1,
    r"first look": lambda r, q, test, preset: preset == "quick",
}
CONDITIONS = list(itertools.product(REFERENCES, QUERIES, ANSWERS, ("quick", "standard")))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Path]:
    place = tmp_path_factory.mktemp("conditions")
    return {(r, q): _run(place / f"{r}-{q}", r, q) for r, q in itertools.product(REFERENCES, QUERIES) if r + q}


def _run(folder: Path, reference: int, query: int) -> Path:
    """A run in which p are what so many reference subjects allow; with none, the reference's recordings failed."""
    run = make_fake_run(folder, reference_subjects=max(reference, 1), query_subjects=query, frames=20, videos=False)
    path = run / "deviation" / "subjects.csv"
    rows = [row for row in read_csv(path) if reference or row["group"] != "healthy"]
    for row in rows:
        known = reference >= 2
        row |= {"p_value": row["p_value"] if known else "", "smallest_p": f"{1 / (reference + 1)}" if known else ""}
    write_csv(path, rows, list(rows[0]))
    if not query:
        recordings = [row for row in read_csv(run / "recordings.csv") if row["group"] == "healthy"]
        write_csv(run / "recordings.csv", recordings, list(recordings[0]))
    return run


def _with(run: Path, answer: dict[str, Any] | None, preset: str) -> RunData:
    statistics = json.loads((run / "statistics.json").read_text())
    test: dict[str, Any] = {"family": "groups", "kind": "two groups", "groups": ["healthy", "affected"]}
    test |= {"n": {"healthy": 2, "affected": 2}}
    statistics |= {"tests": [] if answer is None else [test | answer], "power": [], "audit": None, "notes": []}
    write_json(run / "statistics.json", statistics)
    record = json.loads((run / "run.json").read_text()) | {"preset": preset, "warnings": []}
    write_json(run / "run.json", record)
    return read_run(run)


def _texts(data: RunData) -> Iterator[str]:
    yield from (words for words in headline(data) if words)
    yield from warnings_of(data)


@pytest.mark.parametrize(("reference", "query", "test", "preset"), CONDITIONS)
def test_a_sentence_stands_only_where_its_condition_holds(
    runs: dict[tuple[int, int], Path], reference: int, query: int, test: str, preset: str
) -> None:
    if not reference + query:
        pytest.skip("nobody was scored")
    said = list(_texts(_with(runs[reference, query], ANSWERS[test], preset)))
    for pattern, holds in NEEDS.items():
        if any(re.search(pattern, words) for words in said):
            assert holds(reference, query, test, preset), (pattern, said)
    for words in said:
        assert re.search(r"[.:?]$", words), words
        assert not re.search(r"  | [.,;]|\bNone\b of 0|\b0\.\d of|\bnan\b|\b1 subjects\b|\b1 recordings\b", words), (
            words
        )
    assert len(set(said)) == len(said)


def test_every_row_of_the_table_is_said_somewhere(runs: dict[tuple[int, int], Path]) -> None:
    said = [
        words
        for reference, query, test, preset in CONDITIONS
        if reference + query
        for words in _texts(_with(runs[reference, query], ANSWERS[test], preset))
    ]
    assert [pattern for pattern in NEEDS if not any(re.search(pattern, words) for words in said)] == []


@pytest.mark.parametrize(("test", "first"), [("nothing", "No difference between"), ("found", "As a group, affected")])
def test_the_answer_of_the_groups_comes_first(runs: dict[tuple[int, int], Path], test: str, first: str) -> None:
    assert headline(_with(runs[6, 3], ANSWERS[test], "standard"))[0].startswith(first)
