"""What a run folder holds is read as far as it can be; what cannot be read is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.run_folders import make_fake_run
from ubam.results.records.study import AgainstReference
from ubam.results.run_data import RunData, arrays_if_there, read_facts, read_run, read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fake_run(tmp_path_factory.mktemp("runs") / "run", reference_subjects=3, query_subjects=2, frames=60)


@pytest.fixture(scope="module")
def run(folder: Path) -> RunData:
    return read_run(folder)


def test_subjects_are_told_apart_and_sorted(run: RunData) -> None:
    assert len(run.references) == run.reference_count == 3
    deviations = [score.deviation or 0 for score in run.queries]
    assert len(deviations) == 2
    assert deviations == sorted(deviations, reverse=True)
    low, high = run.usual() or (np.nan, np.nan)
    assert 0 <= low < high
    assert len(run.normal("deviation")) == 3
    first = run.queries[0]
    mine = run.recordings_of(first.subject, first.group)
    assert mine
    assert all(score.subject == first.subject for score in mine)
    assert run.row(mine[0].recording_id)["group"] == first.group
    assert run.row("nobody") == {}


def test_of_a_frozen_reference_nobody_is_in_the_run(run: RunData) -> None:
    against = AgainstReference(group="healthy", n=7, usual={"windows": [0.4, 1.2], "deviation": [0.6, 0.9]})
    scored = replace(run, statistics=replace(run.statistics, against=against))
    assert scored.references == []
    assert len(scored.queries) == 5
    assert scored.reference_count == 7
    assert scored.usual() == (0.4, 1.2)
    assert scored.normal("deviation") == [0.6, 0.9]
    nothing = replace(run, statistics=replace(run.statistics, against=replace(against, usual={})))
    assert nothing.usual() is None
    assert nothing.normal("deviation") == []


def test_without_windows_nothing_is_usual(run: RunData) -> None:
    assert replace(run, timelines={}).usual() is None


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x00{", b"[1, 2]", b"{", b"PK\x03\x04"])
def test_what_cannot_be_read_counts_as_empty(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(damage)
    assert read_facts(path) == {}
    assert arrays_if_there(path) == {}
    assert read_facts(tmp_path / "absent") == {}
    assert read_table(tmp_path / "absent") == []
    assert arrays_if_there(tmp_path / "absent") == {}
    if b"\xff" in damage:
        assert read_table(path) == []


def test_arrays_are_read_whole(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", one=np.arange(3), two=np.eye(2))
    assert {name: array.shape for name, array in arrays_if_there(tmp_path / "some.npz").items()} == {
        "one": (3,),
        "two": (2, 2),
    }
