"""How many cores a process may use, by cgroups made of files."""

import os
from pathlib import Path

import pytest

from ubam.core.parallel import usable_cores


@pytest.mark.parametrize(("quota", "cores"), [("100000 100000", 1), ("max 100000", None), ("50000 100000", 1)])
def test_the_quota_of_a_cgroup_holds(quota: str, cores: int | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert usable_cores(tmp_path) == (cores or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(("quota", "cores"), [(100000, 1), (-1, None)])
def test_that_of_the_older_version_holds_too(quota: int, cores: int | None, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == (cores or len(os.sched_getaffinity(0)))


def test_without_cgroups_the_affinity_decides(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == len(os.sched_getaffinity(0))
