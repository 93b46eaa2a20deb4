"""What goes wrong on many machines while recordings are cropped: one sentence says it, and what is done stays."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.known_crops import use_crops_of
from tests.support import cluster as here
from tests.support.command_line import call
from ubam.core import cluster as cluster_module
from ubam.core.files import read_csv, write_csv
from ubam.core.storage import Mirror
from ubam.pipeline import job as job_module
from ubam.tracking import outlines

distributed = pytest.importorskip("distributed")
pytest.importorskip("fsspec")
pytestmark = pytest.mark.usefixtures("tiny_preset", "plain_eye")
HOW = ("--preset", "quick", "--workers", 1)
FILMS, RUNS = "memory://films", "memory://runs"


@dataclass(frozen=True)
class Cluster:
    """A scheduler with four worker processes; told: the folder in which one tells them things."""

    address: str
    told: Path


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four workers with a plain eye."""
    told = tmp_path_factory.mktemp("told")
    how = {"threads_per_worker": 1, "dashboard_address": None, "preload": [here.__name__]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(here.TOLD, str(told))
        with distributed.LocalCluster(n_workers=4, **how) as local:
            yield Cluster(local.scheduler_address, told)


def test_a_worker_that_is_killed_over_a_recording_costs_that_one_and_no_byte(
    study: Path, run: Path, four: Cluster, tmp_path: Path
) -> None:
    (four.told / "kill").write_text("human03")
    out = tmp_path / "run"
    assert call("embed", out, "--study", study, *HOW, "--scheduler", four.address) == 0
    begun = [line.split() for line in (four.told / "begun").read_text().splitlines()]
    killed, times = (four.told / "killed").read_text(), Counter(name for name, _ in begun)
    assert set(times) == {f"human{number:02d}" for number in range(1, 6)}
    assert {name for name, count in times.items() if count > 1} <= {name for name, by in begun if by == killed}
    assert times["human03"] == max(times.values()) == 2
    assert len({by for _, by in begun}) > 2
    made = [path for part in ("crops/*/*", "embeddings/*", "model/*.safetensors") for path in sorted(out.glob(part))]
    assert len(made) > 5 * 10
    for path in made:
        assert path.read_bytes() == (run / path.relative_to(out)).read_bytes(), path


@dataclass(frozen=True)
class Given:
    """What trouble is made of."""

    memory: Any
    four: Cluster
    patch: pytest.MonkeyPatch

    def after_one(self, trouble: Callable[[], Any]) -> None:
        """Make the trouble once a recording was cropped."""
        real = job_module.carry_out

        def carry_out(*words: Any, **more: Any) -> Any:
            found = real(*words, **more)
            if words[2] == "crops":
                trouble()
            return found

        self.patch.setattr(job_module, "carry_out", carry_out)

    @contextmanager
    def refusing(self, *, reading: bool) -> Iterator[tuple[str, ...]]:
        """The storage refuses once a recording was cropped."""

        def refuse(*_: Any, **__: Any) -> None:
            raise PermissionError("403 Forbidden")

        self.after_one(lambda: self.patch.setattr(type(self.memory), "info" if reading else "put_file", refuse))
        yield ()

    @contextmanager
    def vanishing(self, bucket: str) -> Iterator[tuple[str, ...]]:
        """A bucket is removed once a recording was cropped, and is there again in the end with its films alone."""
        films = {path: self.memory.cat(path) for path in self.memory.find("/films")}
        self.after_one(lambda: self.memory.exists(bucket) and self.memory.rm(bucket, recursive=True))
        yield ()
        self.memory.makedirs(bucket, exist_ok=True)
        for path, film in films.items():
            self.memory.pipe(path, film)

    @contextmanager
    def nobody(self) -> Iterator[tuple[str, ...]]:
        """Nothing answers."""
        self.patch.setattr(cluster_module, "Cluster", partial(cluster_module.Cluster, timeout_s=1))
        yield ("--scheduler", "tcp://127.0.0.1:1")

    @contextmanager
    def other_version(self) -> Iterator[tuple[str, ...]]:
        """Workers have another decoder."""
        self.patch.setattr(cluster_module, "deciding_versions", lambda: (("av", "0.0.7"),))
        yield ("--scheduler", self.four.address)

    @contextmanager
    def other_eye(self) -> Iterator[tuple[str, ...]]:
        """Workers are of another kind."""
        there = outlines.multiplies_bfloat16("cpu")
        self.patch.setattr(outlines, "multiplies_bfloat16", lambda device: not there)
        yield ("--scheduler", self.four.address)

    @contextmanager
    def no_package(self) -> Iterator[tuple[str, ...]]:
        """Workers lack ubam."""
        with distributed.Client(self.four.address, set_as_default=False) as client:
            client.run(here.without_ubam)
            yield ("--scheduler", self.four.address)
            client.run(here.with_ubam)

    @contextmanager
    def full(self) -> Iterator[tuple[str, ...]]:
        """The disk of one worker is full."""
        (self.four.told / "full").write_text("human02")
        yield ("--scheduler", self.four.address)
        (self.four.told / "full").unlink()


Trouble = Callable[[Given], AbstractContextManager[tuple[str, ...]]]
ON_WORKERS: dict[str, tuple[Trouble, str]] = {
    "nobody": (Given.nobody, "No Dask scheduler answers at tcp://127.0.0.1:1"),
    "other version": (Given.other_version, "has av .* and this machine 0.0.7"),
    "other eye": (Given.other_eye, "The eye of the worker tcp://.* looks on cpu in"),
    "no package": (Given.no_package, "lacks ubam"),
    "full disk": (Given.full, "No space left on device .*human02 on tcp://"),
}
BEHIND_URLS: dict[str, tuple[Trouble, str]] = {
    "films refused": (partial(Given.refusing, reading=True), "films/human.*refuses .403 Forbidden"),
    "run refused": (partial(Given.refusing, reading=False), "runs/run.*refuses .403 Forbidden"),
    "films vanish": (partial(Given.vanishing, bucket="/films"), "the storage 'films' is not there .any more"),
    "run vanishes": (partial(Given.vanishing, bucket="/runs"), "the storage 'runs' is not there .any more"),
}


@pytest.mark.parametrize("name", [*ON_WORKERS, *BEHIND_URLS])
def test_trouble_is_one_sentence_and_what_is_done_stays(
    name: str, study: Path, run: Path, four: Cluster, memory: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    trouble, said = (ON_WORKERS | BEHIND_URLS)[name]
    use_crops_of(run, monkeypatch)
    away = name in BEHIND_URLS
    table, out = (_behind_urls(study, memory, tmp_path), f"{RUNS}/run") if away else (study, tmp_path / "run")
    assert call("run", table, "--out", out, *HOW, "--shard", "1/5") == 0
    with pytest.MonkeyPatch.context() as patch, trouble(Given(memory, four, patch)) as more:
        capsys.readouterr()
        assert call("crops", out, "--study", table, *HOW, *more) == 2
        told = capsys.readouterr().err
    [sentence] = [line for line in told.splitlines() if line.startswith("ubam: ")]
    assert "Traceback" not in told
    assert re.search(said, sentence), sentence
    crops = (Mirror(str(out)).folder if away else Path(out)) / "crops"
    kept = _made(crops)
    assert 1 <= len(kept) < 5
    assert call("crops", out, "--study", table, *HOW) == 0
    assert kept.items() <= _made(crops).items()
    assert len(_made(crops)) == 5


def _made(crops: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in crops.glob("*/store.json")}


def _behind_urls(study: Path, memory: Any, folder: Path) -> Path:
    """The study with its films in a bucket; there is another one for runs."""
    memory.makedirs("/runs", exist_ok=True)
    rows = read_csv(study)
    for row in rows:
        memory.pipe(f"/films/{row['video']}", (study.parent / row["video"]).read_bytes())
        row["video"] = f"{FILMS}/{row['video']}"
    write_csv(folder / "study.csv", rows, list(rows[0]))
    return folder / "study.csv"
