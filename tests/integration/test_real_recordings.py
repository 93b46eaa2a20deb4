"""Whole runs on real recordings, skipped where they are absent: they end in a report, whatever is in the picture."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command_line import call
from ubam.core import settings
from ubam.core.files import read_csv

pytestmark = pytest.mark.slow
MIRROR = "lightning-pose/mirror_mouse.mp4"
STUDIES = {
    "treadmill walkers": [
        "uBAM/real_subject1.mp4,1,query,,",
        *(f"uBAM/real_subject{n}.mp4,{n},reference,," for n in (2, 3)),
    ],
    "mirror mouse": [f"{MIRROR},m,reference,0,1.98", f"{MIRROR},m,query,1.98,3.97"],
    "home cage": [
        f"sleap/tests/data/videos/minimal_{view}.mp4,{view},cage,," for view in ("back", "mid", "side", "top")
    ],
    "wide field": ["Sports2D/Sports2D/Demo/demo.mp4,a,first,0,3.8", "Sports2D/Sports2D/Demo/demo.mp4,b,second,3.8,7.6"],
}


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about the way through, not about what is learnt."""
    small = replace(settings.PRESETS["quick"], train_steps=20, generator_steps=3, clip_seconds=0.5)
    monkeypatch.setitem(settings.PRESETS, "quick", small)


@pytest.mark.parametrize("name", STUDIES)
def test_a_real_study_ends_in_a_report(name: str, shared_data: Path, tmp_path: Path) -> None:
    rows = [f"{shared_data}/{row}" for row in STUDIES[name]]
    (tmp_path / "study.csv").write_text("\n".join(["video,subject,group,start_s,end_s", *rows]))
    assert call("run", tmp_path / "study.csv", "--out", tmp_path / "run", "--preset", "quick", "--workers", 2) == 0
    recordings = read_csv(tmp_path / "run" / "recordings.csv")
    assert all(row["status"] == "ok" for row in recordings)
    assert (tmp_path / "run" / "report.html").stat().st_size > 100_000
    if name == "home cage":
        assert all("stays in one place" in row["warnings"] for row in recordings)
