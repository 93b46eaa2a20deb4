"""A run that is killed, wherever it is, leaves nothing half-written, and goes on to the same results."""

import errno
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.faults.crashes import Copies, Moments, analyse, assert_whole, in_child, in_new_process, results
from tests.faults.dying_worker import crop_or_die
from ubam.cli import main as command_line
from ubam.core.errors import RunError
from ubam.core.parallel import WorkerKilled, each_done, processes
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study
from ubam.pipeline import recording_stages, score_stage
from ubam.results.run_folder import RunFolder
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

    assert in_new_process(work) == 0
    return out, int(told.read_text())


def killed_on_and_on(study: Path, out: Path, until: str, strikes: list[int]) -> int:
    """Start a run that is killed at a moment, start it again, and so on; in how many it was killed."""
    killed = 0
    for strike in strikes:
        ended = in_new_process(partial(analyse, study, out, until, Moments(strike)))
        assert ended in (0, -9)
        killed += ended == -9
        assert_whole(out)
    return killed


def test_a_run_that_is_killed_again_and_again_ends_equal(small: Path, scored: tuple[Path, int], tmp_path: Path) -> None:
    whole, count = scored
    strikes = [1, 2, count // 4, count // 3]  # the first comes before the run's own record is there
    assert killed_on_and_on(small, tmp_path / "run", "score", strikes) == 4
    assert in_new_process(lambda: analyse(small, tmp_path / "run", "score", Moments(0))) == 0
    assert results(tmp_path / "run") == results(whole)
    assert list((tmp_path / "run" / "crops").glob(".*")) == []  # crops are large: what a kill left is removed


@pytest.mark.slow
def test_every_moment_of_a_run_can_be_its_last(small: Path, tmp_path: Path) -> None:
    """What a kill at each of its moments would leave is whole, and goes on to the same results."""
    out, into = tmp_path / "run", tmp_path / "copies"
    assert in_new_process(partial(analyse, small, out, "report", Copies(run=out, into=into))) == 0
    whole, count = results(out), len(list(into.iterdir()))
    assert count > 100
    for moment in range(1, count + 1):
        assert_whole(into / str(moment))
        shutil.rmtree(out)
        shutil.copytree(into / str(moment), out)
        assert in_new_process(partial(analyse, small, out, "report", Moments(0))) == 0, moment
        assert results(out) == whole, moment


def refuse(number: int) -> Callable[[], None]:
    """What a full disk, or one that fails, says."""

    def blow() -> None:
        raise OSError(number, os.strerror(number))

    return blow


@pytest.mark.slow
@pytest.mark.parametrize(("number", "first"), [(errno.ENOSPC, 1), (errno.EIO, 3)])
def test_a_disk_that_is_full_or_fails_leaves_nothing_half_written(
    number: int, first: int, small: Path, scored: tuple[Path, int], tmp_path: Path
) -> None:
    """At every fourth moment of a run, from its beginning: the two errors share the odd ones."""
    whole, count = scored
    out = tmp_path / "run"
    for strike in range(first, count + 1, 4):
        shutil.rmtree(out, ignore_errors=True)

        def work(strike: int = strike) -> None:
            with pytest.raises(OSError, match=os.strerror(number)):
                analyse(small, out, "score", Moments(strike, refuse(number)))

        assert in_new_process(work) == 0
        assert_whole(out)
        left = [path for path in out.rglob(".*") if path.name != ".lock"]
        assert left == []  # an error, unlike a kill, cleans up
    assert in_new_process(lambda: analyse(small, out, "score", Moments(0))) == 0
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
    with locked(tmp_path / "run"), pytest.raises(RunError, match="in use by another ubam process"):
        analyse(small, tmp_path / "run", "check", Moments(0))


def named(name: str) -> Any:
    return SimpleNamespace(recording_id=name, video=Path(f"{name}.mp4"))


FILMS = [named("first"), named("large"), named("last")]


def test_a_worker_that_is_killed_is_noticed() -> None:
    with processes(2) as pool, pytest.raises(WorkerKilled):
        list(each_done(pool, crop_or_die, FILMS))


def test_a_worker_that_is_killed_while_a_run_is_scored_is_named(
    small: Path, scored: tuple[Path, int], tmp_path: Path
) -> None:
    run = shutil.copytree(scored[0], tmp_path / "run")
    RunFolder(run).scores("subjects").unlink()

    def killed(*given: Any) -> None:
        pool = next(one for one in given if isinstance(one, Executor))
        pool.submit(crop_or_die, named("large")).result()

    def work() -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(score_stage, "score_pieces", killed)
            patched.setattr(score_stage, "_here", lambda *_: processes(2))
            with pytest.raises(WorkerKilled, match="ended from outside"):
                analyse(small, run, "score", Moments(0))

    assert in_new_process(work) == 0


class JobOfKilledWorkers:
    """Does the first recording; then its workers are killed, and over the large one again."""

    progress = staticmethod(lambda *_: None)
    files = RunFolder(Path("not checked"))

    def light(self) -> "JobOfKilledWorkers":
        return self

    def each(self, stage: str, work: Any, items: list[Any], meanwhile: Any = None) -> Iterator[tuple[Any, str]]:
        yield items[0], "cropped"
        raise WorkerKilled

    def each_on(self, pool: Any, stage: str, work: Any, items: list[Any]) -> Iterator[tuple[Any, str]]:
        if items[0].recording_id == "large":
            raise WorkerKilled
        yield items[0], "cropped alone"


def test_a_worker_that_is_killed_costs_one_recording() -> None:
    job: Any = JobOfKilledWorkers()
    made: dict[str, Any] = dict(recording_stages.make_crops(job, FILMS))
    assert made["first"] == "cropped"
    assert made["last"] == "cropped alone"
    assert made["large"].status == "failed"
    assert "large.mp4: the process that read it was killed, most likely for want of memory" in made["large"].reason


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_a_command_in_words(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def busy(**_: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(60)

    def work() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` has it ignored
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which shells have ignored in the background
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert ended.value.code == 130

    monkeypatch.setattr(command_line, "cli", busy)
    assert in_child(work) == 0
    assert "Stopped. The same command continues from here." in capfd.readouterr().err


def test_a_terminal_that_is_closed_does_not_end_what_nohup_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        command_line.main()

    monkeypatch.setattr(command_line, "cli", lambda **_: os.kill(os.getpid(), signal.SIGHUP))
    assert in_child(work) == 0
