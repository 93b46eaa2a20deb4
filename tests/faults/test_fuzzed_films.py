"""Films with flipped, cut and doubled bytes: read or refused, without a crash, a hang or a wrong `ok`."""

from pathlib import Path

import pytest

from tests.faults.fuzz_films import fuzz

FOUND = (377, 1805)  # seeds that crashed the reader once


@pytest.mark.timeout(1800)
def test_mutated_films_are_read_or_refused(tmp_path: Path) -> None:
    assert fuzz(tmp_path, 0, 300) == (300, [])


@pytest.mark.parametrize("seed", FOUND)
def test_what_crashed_once_does_not_again(seed: int, tmp_path: Path) -> None:
    assert fuzz(tmp_path, seed, seed + 1) == (1, [])
