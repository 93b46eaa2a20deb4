"""A whole magnification benchmark, seen by the shipped eye, that is stopped and goes on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command_line import call
from ubam.core.files import read_csv
from ubam.core.settings import PRESETS
from ubam.evaluation.benchmark.clips import run as benchmark_clips
from ubam.evaluation.benchmark.clips import study as benchmark_clips_study
from ubam.evaluation.benchmark.clips.table import JOINTS


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_stopped_magnification_benchmark_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (benchmark_clips, benchmark_clips_study):
        monkeypatch.setattr(module, "FRAMES", 4)
        monkeypatch.setattr(module, "SYNTHESIS_STEPS", 2)
    monkeypatch.setitem(PRESETS, "quick", replace(PRESETS["quick"], train_steps=2))
    study = ("--kind", "human", "--seed", 4, "--subjects", 6, "--seconds", 1, "--workers", 1)
    words = ("benchmark", "--magnification", "--out", tmp_path, *study)
    rows = ("--row", "eulerian", "--row", "published", "--row", "swap")
    assert call(*words, *rows) == 0
    first = capsys.readouterr().out
    cells = {path: path.stat().st_mtime_ns for path in tmp_path.glob("clips/*/*/*.json")}
    assert len(cells) == 4 * (2 + 3)  # two impaired and three healthy
    stopped = next(path for path in cells if path.name.startswith("eulerian"))
    stopped.unlink()
    assert call(*words, *rows) == 0
    assert all(path == stopped or path.stat().st_mtime_ns == before for path, before in cells.items())
    assert capsys.readouterr().out.splitlines()[:12] == first.splitlines()[:12]
    found = read_csv(tmp_path / "clips.csv")
    assert {row["row"] for row in found} == {"truth", "eulerian", "published", "swap"}
    seen = {row["measure"]: float(row["value"]) for row in found if row["row"] == "truth" and row["factor"] == "1"}
    assert seen["ssim"] == pytest.approx(1)
    facts = json.loads((tmp_path / "clips.json").read_text())
    assert facts["frames"] == 4
    assert facts["networks"]["preset"] == "quick"
    assert {mean["row"] for mean in facts["means"]} == {"truth", "eulerian", "published", "swap", JOINTS}
    assert call("benchmark", "--magnification", "--out", tmp_path, "--row", "nonsense") == 2
