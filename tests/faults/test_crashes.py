"""A run that is killed, wherever it is, leaves nothing half-written, and goes on to the same results."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.faults.crashes import Moments, analyse, assert_whole, in_child, results
from ubam.core.errors import RunError
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study
from ubam.results.run_record import locked
from ubam.tracking.cropping import rows_on_disk

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rendered subjects, less than a second each."""
    spec = StudySpec(subjects=2, seconds=0.8, seed=3)
    return synthesise_study(tmp_path_factory.mktemp("small"), spec)


@pytest.fixture(scope="module")
def scored(small: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A run up to its scores that nothing disturbed, and how many moments it had."""
    out = tmp_path_factory.mktemp("scored")
    told = out.parent / "moments"

    def work() -> None:
        moments = Moments(0)
        analyse(small, out, "score", moments)
        told.write_text(str(moments.count))

    assert in_child(work) == 0
    return out, int(told.read_text())


def killed_on_and_on(study: Path, out: Path, until: str, strikes: list[int]) -> int:
    """Start a run that is killed at a moment, start it again, and so on; in how many it was killed."""
    killed = 0
    for strike in strikes:
        ended = in_child(lambda strike=strike: analyse(study, out, until, Moments(strike)))
        assert ended in (0, -9)
        killed += ended == -9
        assert_whole(out)
    return killed


def test_a_run_that_is_killed_again_and_again_ends_equal(small: Path, scored: tuple[Path, int], tmp_path: Path) -> None:
    whole, count = scored
    strikes = [2, count // 8, count // 4, count // 4, count // 3]
    assert killed_on_and_on(small, tmp_path / "run", "score", strikes) >= 4
    assert in_child(lambda: analyse(small, tmp_path / "run", "score", Moments(0))) == 0
    assert results(tmp_path / "run") == results(whole)


@pytest.mark.slow
def test_every_moment_of_a_run_can_be_its_last(small: Path, tmp_path: Path) -> None:
    whole, told = tmp_path / "whole", tmp_path / "moments"

    def work() -> None:
        moments = Moments(0)
        analyse(small, whole, "report", moments)
        told.write_text(str(moments.count))

    assert in_child(work) == 0
    out, strike = tmp_path / "run", 1
    for strike in range(1, int(told.read_text()) + 1):
        ended = in_child(lambda strike=strike: analyse(small, out, "report", Moments(strike)))
        assert_whole(out)
        if ended == 0:  # it came to its end before that moment: begin again, for the moments after it
            assert results(out) == results(whole)
            shutil.rmtree(out)
    assert in_child(lambda: analyse(small, out, "report", Moments(0))) == 0
    assert results(out) == results(whole)


def refuse(number: int) -> Callable[[], None]:
    """What a full disk, or one that fails, says."""

    def blow() -> None:
        raise OSError(number, os.strerror(number))

    return blow


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_is_full_or_fails_leaves_nothing_half_written(
    number: int, small: Path, scored: tuple[Path, int], tmp_path: Path
) -> None:
    whole, count = scored
    out = tmp_path / "run"
    for strike in (count // 6, count // 3):

        def work(strike: int = strike) -> None:
            with pytest.raises(OSError, match=os.strerror(number)):
                analyse(small, out, "score", Moments(strike, refuse(number)))

        assert in_child(work) == 0
        assert_whole(out)
        left = [path for path in out.rglob(".*") if path.name != ".lock"]
        assert left == []  # an error, unlike a kill, cleans up
    assert in_child(lambda: analyse(small, out, "score", Moments(0))) == 0
    assert results(out) == results(whole)


def test_room_for_crops_is_taken_before_they_are_made(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory-mapped file on a full disk ends the process at the first touch, without a word."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        rows_on_disk(tmp_path / "views.npy", (5, 4, 4, 3), np.uint8)


def test_two_runs_in_one_folder_are_refused(small: Path, tmp_path: Path) -> None:
    def work() -> None:
        with pytest.raises(RunError, match="in use by another ubam process"):
            analyse(small, tmp_path / "run", "check", Moments(0))

    with locked(tmp_path / "run"):
        assert in_child(work) == 0
