"""Whole runs on a Dask cluster whose machines come and go, and runs and films behind URLs."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support import cluster as here
from tests.support.command_line import call, tiny_quick
from ubam.core import storage
from ubam.core.files import read_csv, write_csv
from ubam.pipeline import job as job_module
from ubam.tracking.crop_store import CropStore

distributed = pytest.importorskip("distributed")
fsspec = pytest.importorskip("fsspec")
pytestmark = [pytest.mark.usefixtures("tiny_preset"), pytest.mark.slow]
EQUAL = ("recordings.csv", "deviation/*.csv", "embeddings/*.npz", "model/*.safetensors", "motifs/*.csv")


@pytest.fixture(scope="module")
def run(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the study in this process, seen by the shipped eye as machines of a cluster see it."""
    out = tmp_path_factory.mktemp("runs") / "run"
    with tiny_quick():
        assert call("run", study, "--out", out, "--preset", "quick", "--workers", 1) == 0
    return out


def _same(first: Path, second: Path) -> None:
    for pattern in EQUAL:
        files = sorted(first.glob(pattern))
        assert [file.name for file in files] == [file.name for file in sorted(second.glob(pattern))]
        for file in files:
            assert file.read_bytes() == (second / file.relative_to(first)).read_bytes(), file


def test_a_run_from_which_a_worker_was_taken_is_the_same_to_the_byte(
    study: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, killed = tmp_path / "run", list[int]()

    def kill_one(stage: str, done: int, total: int) -> None:
        if stage == "crops" and done >= 0.4 * total and not killed:  # two of five
            worker = next(iter(local.workers.values()))
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    monkeypatch.setattr("ubam.cli.run.Bars", lambda quiet: _Watched(kill_one))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local:
        words = ("--out", out, "--preset", "quick", "--workers", 1, "--scheduler", local.scheduler_address)
        assert call("run", study, *words) == 0
    assert killed
    _same(run, out)


class _Watched:
    """Bars that nobody sees."""

    def __init__(self, watch: Any) -> None:
        self._watch = watch

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._watch(stage, done, total)

    def close(self) -> None:
        """Nothing to close."""


def test_a_scheduler_that_goes_away_ends_the_run_which_goes_on_without_it(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with here.scheduler_process() as (address, scheduler), here.worker_process(address):
        monkeypatch.setattr("ubam.cli.run.Bars", lambda quiet: _Watched(_once_cropped(scheduler.kill)))
        words = ("crops", out, "--study", study, "--preset", "quick", "--workers", 1)
        assert call(*words, "--scheduler", address) == 2
    said = capsys.readouterr().err
    assert "went away; what is done is kept, and the same command continues from here" in said
    assert "Traceback" not in said
    monkeypatch.undo()
    before = {path: path.stat().st_mtime_ns for path in (out / "crops").glob("*/store.json")}
    assert 1 <= len(before) < 5
    assert call(*words) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list((out / "crops").glob("*/store.json"))) == 5


def _once_cropped(work: Any) -> Any:
    """Do the work once, after the first of five recordings."""
    left = [work]
    return lambda stage, done, total: left.pop()() if stage == "crops" and done >= 0.2 * total and left else None


def _with_urls(study: Path, memory: Any, table: Path) -> Path:
    """The study, its films in a bucket."""
    rows = read_csv(study)
    for row in rows:
        memory.pipe(f"/bucket/films/{row['video']}", (study.parent / row["video"]).read_bytes())
        row["video"] = f"memory://bucket/films/{row['video']}"
    write_csv(table, rows, list(rows[0]))
    return table


def test_films_and_run_behind_urls_give_the_same_run_which_another_machine_goes_on_with(
    study: Path, run: Path, tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    table = _with_urls(study, memory, tmp_path / "study.csv")
    words = ("run", table, "--out", "memory://bucket/run", "--preset", "quick", "--workers", 1)
    assert call(*words) == 0
    mirror = storage.Mirror("memory://bucket/run")
    _same(run, mirror.folder)
    assert not [path for path in memory.find("/bucket/run") if path.endswith(".part")]
    monkeypatch.setenv("UBAM_CACHE", str(tmp_path / "another machine"))
    capsys.readouterr()
    assert call(*words) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert (mirror.folder / "report.html").read_bytes() == memory.cat("/bucket/run/report.html")
    assert not list((mirror.folder / "crops").glob("*"))  # brought when they are read


def test_a_bucket_that_vanishes_ends_the_run_in_a_sentence_and_what_is_done_stays(
    study: Path, tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out, real = _with_urls(study, memory, tmp_path / "study.csv"), tmp_path / "run", job_module.carry_out
    films = {path: memory.cat(path) for path in memory.find("/bucket")}

    def vanish(*words: Any, **more: Any) -> Any:
        found = real(*words, **more)
        if words[2] == "crops":
            memory.rm("/bucket", recursive=True)
            shutil.rmtree(storage.cache_folder() / "files")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(job_module, "carry_out", vanish)
        words = ("crops", out, "--study", table, "--preset", "quick", "--workers", 1)
        assert call(*words) == 2
    assert "the storage 'bucket' is not there (any more); what is done is kept" in capsys.readouterr().err
    assert len(list((out / "crops").glob("*/store.json"))) == 1
    for path, film in films.items():
        memory.pipe(path, film)
    assert call(*words) == 0
    assert all(CropStore.open(folder).status == "ok" for folder in (out / "crops").iterdir())
