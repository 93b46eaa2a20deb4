"""How many cores and how much memory a process may use, by cgroups made of files."""

import os
from pathlib import Path

import pytest

from ubam.core.parallel import usable_cores, usable_memory

ALL = len(os.sched_getaffinity(0))
UNLIMITED = 0x7FFFFFFFFFFFF000  # what version 1 writes


def _own(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "own").write_text("".join(f"{line}\n" for line in lines))
    return tmp_path / "own"


def _write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


@pytest.mark.parametrize(("quota", "cores"), [("100000 100000", 1), ("max 100000", ALL), ("50000 100000", 1)])
def test_the_quota_of_a_cgroup_holds(quota: str, cores: int, tmp_path: Path) -> None:
    _write(tmp_path / "cpu.max", quota)
    assert usable_cores(tmp_path, _own(tmp_path, "0::/")) == cores


@pytest.mark.parametrize(("quota", "cores"), [(100000, 1), (-1, ALL)])
def test_that_of_the_older_version_holds_too(quota: int, cores: int, tmp_path: Path) -> None:
    _write(tmp_path / "cpu" / "cpu.cfs_quota_us", quota)
    _write(tmp_path / "cpu" / "cpu.cfs_period_us", 100000)
    assert usable_cores(tmp_path, _own(tmp_path, "2:cpu,cpuacct:/")) == cores


@pytest.mark.parametrize("limited", ["", "jobs.slice", "jobs.slice/job_7", "jobs.slice/job_7/step"])
def test_the_smallest_quota_from_the_own_group_to_the_root_holds(limited: str, tmp_path: Path) -> None:
    own = _own(tmp_path, "1:name=systemd:/elsewhere", "0::/jobs.slice/job_7/step")
    for group in ("", "jobs.slice", "jobs.slice/job_7", "jobs.slice/job_7/step", "another"):
        _write(tmp_path / "cgroups" / group / "cpu.max", "100000 100000" if group == limited else "max 100000")
        _write(tmp_path / "cgroups" / group / "memory.max", 5_000 if group == limited else 70_000 if group else "max")
    _write(tmp_path / "cgroups" / "another" / "cpu.max", "1000 100000")
    _write(tmp_path / "cgroups" / "another" / "memory.max", 1)
    assert usable_cores(tmp_path / "cgroups", own) == 1
    assert usable_memory(tmp_path / "cgroups", own) == 5_000


@pytest.mark.parametrize("group", ["", "docker/8f0a"])
def test_quota_and_memory_of_the_older_version_hold_in_each_group(group: str, tmp_path: Path) -> None:
    own = _own(tmp_path, "4:memory:/docker/8f0a", "2:cpu,cpuacct:/docker/8f0a", "0::/")
    _write(tmp_path / "memory" / "memory.limit_in_bytes", UNLIMITED)
    _write(tmp_path / "cpu" / group / "cpu.cfs_quota_us", 100000)
    _write(tmp_path / "cpu" / group / "cpu.cfs_period_us", 100000)
    _write(tmp_path / "memory" / group / "memory.limit_in_bytes", 3_000)
    assert usable_cores(tmp_path, own) == 1
    assert usable_memory(tmp_path, own) == 3_000


def test_within_a_container_the_root_is_read_where_the_path_is_that_of_the_machine(tmp_path: Path) -> None:
    _write(tmp_path / "cpu.max", "100000 100000")
    _write(tmp_path / "memory.max", 4_000)
    own = _own(tmp_path, "0::/kubepods/pod_1/8f0a")
    assert (usable_cores(tmp_path, own), usable_memory(tmp_path, own)) == (1, 4_000)


def test_without_cgroups_the_affinity_decides(tmp_path: Path) -> None:
    assert usable_cores(tmp_path, tmp_path / "nothing") == ALL
    assert usable_memory(tmp_path, tmp_path / "nothing") is None
    _write(tmp_path / "memory" / "memory.limit_in_bytes", UNLIMITED)
    assert usable_memory(tmp_path, _own(tmp_path, "4:memory:/")) is None
