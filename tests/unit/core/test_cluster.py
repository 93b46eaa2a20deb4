"""Work on a real Dask cluster, whose scheduler and workers are processes of their own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import cluster as here
from ubam.core import cluster
from ubam.core.errors import UbamError
from ubam.core.parallel import each_done, executor
from ubam.core.provenance import source_hash, version_of

dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def two_workers() -> Iterator[str]:
    """The address of a cluster with two worker processes of one thread."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local:
        yield local.scheduler_address


def _processes(log: Path, pool: Any) -> set[int]:
    return {process for _, process in each_done(pool, here.note, range(6), log, 0.05)}


def test_every_item_comes_back_with_its_result(two_workers: str) -> None:
    with executor(1, two_workers) as pool:
        assert dict(each_done(pool, here.double, range(100))) == {number: 2 * number for number in range(100)}


def test_a_slow_worker_does_not_hold_the_rest(two_workers: str, tmp_path: Path) -> None:
    released = tmp_path / "released"
    with executor(1, two_workers) as pool:
        slow = min(_processes(tmp_path / "warm", pool))
        results = each_done(pool, here.hang_in, range(40), slow, released)
        others = [next(results) for _ in range(38)]  # the slow one has one in its hands, and perhaps one to come
        released.touch()
        assert len(list(results)) == 2
    assert slow not in {process for _, process in others}


def test_the_work_of_a_killed_worker_is_done_again_elsewhere(two_workers: str, tmp_path: Path) -> None:
    log, results, killed = tmp_path / "log", {}, 0
    with executor(1, two_workers) as pool:
        for item, process in each_done(pool, here.note, range(20), log, 0.1):
            results[item] = process
            if len(results) == 6:
                os.kill(killed := process, signal.SIGKILL)
    begun = [tuple(map(int, line.split())) for line in log.read_text().splitlines()]
    again = {number for number, _ in begun if [other for other, _ in begun].count(number) > 1}
    assert sorted(results) == list(range(20))
    assert again <= {number for number, process in begun if process == killed}  # the lost ones at most


def test_a_worker_with_other_versions_is_named(two_workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "deciding_versions", lambda: (("ubam", "0.0.7"),))
    with (
        executor(1, two_workers) as pool,
        pytest.raises(UbamError, match=r"worker tcp://\S+ has ubam \S+ and .*0\.0\.7"),
    ):
        list(each_done(pool, here.double, [1]))


def test_what_is_compared_tells_the_decoder_and_two_states_of_one_version(tmp_path: Path) -> None:
    assert {"ubam", "python", "torch", "av"} <= set(dict(cluster.deciding_versions()))
    assert dict(cluster.deciding_versions())["ubam"] == f"{version_of('ubam')}+{source_hash()}"
    package, seen = tmp_path / "package", set[str]()
    (package / "within").mkdir(parents=True)
    for name, text in (("a.py", "1"), ("a.py", "2"), ("within/a.py", "2"), ("within/a.pyc", "1")):
        (package / name).write_text(text)
        source_hash.cache_clear()
        seen.add(source_hash(package))
    source_hash.cache_clear()
    assert len(seen) == 3  # what Python compiles changes nothing


def test_a_full_disk_of_a_worker_names_the_worker(two_workers: str) -> None:
    with executor(1, two_workers) as pool, pytest.raises(OSError, match=r"No space left.*3\.npz on tcp://"):
        list(each_done(pool, here.fill_the_disk, [3]))


def test_an_address_where_nothing_answers_is_said() -> None:
    with pytest.raises(UbamError, match="No Dask scheduler answers at"):
        cluster.Cluster("tcp://127.0.0.1:1", timeout_s=1)


def test_a_scheduler_that_goes_away_is_said_at_once(tmp_path: Path) -> None:
    with here.scheduler_process() as (address, scheduler), here.worker_process(address), executor(1, address) as pool:
        results = each_done(pool, here.note, range(100), tmp_path / "log", 0.1)
        next(results)
        scheduler.kill()
        with pytest.raises(UbamError, match="went away; what is done is kept"):
            list(results)
    assert len((tmp_path / "log").read_text().splitlines()) < 50


@pytest.mark.slow
def test_a_worker_without_ubam_is_named() -> None:
    with (
        here.scheduler_process() as (address, _),
        here.worker_process(address, with_ubam=False),
        executor(1, address) as pool,
        pytest.raises(UbamError, match="lacks ubam"),
    ):
        list(each_done(pool, here.double, range(3)))


@pytest.mark.slow
def test_work_that_ends_every_worker_is_given_up() -> None:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local,
        executor(1, local.scheduler_address) as pool,
        pytest.raises(UbamError, match="over the same recording"),
    ):
        list(each_done(pool, here.end_the_worker, [0]))
