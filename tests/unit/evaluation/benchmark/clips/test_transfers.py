"""Transfers are compared by the phase of the gait, read in outlines: known lags, known spreads, real walkers."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import call
from ubam.core.files import read_csv
from ubam.core.typing import Array
from ubam.evaluation.benchmark.clips.transfers import TransferValues, phase_between, spread_of, transfer_table

WALKERS = Path(__file__).parents[6] / "shared" / "data" / "uBAM"
FPS, CHANCE = 25.0, 45.0  # degrees of a whole stride, where the two steps count as the same


def swings(lag_degrees: float, noise: float = 0.0, seed: int = 0) -> Array:
    """Six seconds of legs that swing 1.8 times a second, behind by so many degrees of a stride, with a drift."""
    time = np.arange(150) / FPS
    swing = np.sin(2 * np.pi * 1.8 * time - 2 * np.radians(lag_degrees))
    noisy = 0.2 + 0.04 * swing + 0.02 * time / 6 + noise * np.random.default_rng(seed).normal(size=150)
    return noisy.astype(np.float32)


@pytest.mark.parametrize("lag", [0, 5, 20, 60, 90])
def test_a_lag_is_read_in_degrees_of_a_stride_whose_steps_count_as_one(lag: float) -> None:
    assert phase_between(swings(lag), swings(0), FPS) == pytest.approx(lag, abs=1.5)
    assert phase_between(swings(180 + lag), swings(0), FPS) == pytest.approx(lag, abs=1.5)


def test_noise_and_gaps_cost_little_and_legs_that_do_not_swing_are_a_matter_of_chance() -> None:
    worse, still = swings(20, noise=0.01), np.random.default_rng(1).normal(size=150).astype(np.float32)
    worse[30:34] = np.nan
    assert phase_between(worse, swings(0), FPS) == pytest.approx(20, abs=4)
    assert phase_between(still, swings(0), FPS) == pytest.approx(CHANCE, abs=25)
    assert np.isnan(phase_between(swings(0)[:20], swings(0)[:20], FPS))


def test_legs_that_are_apart_spread_more_than_legs_together_and_arms_do_not_count() -> None:
    outline = np.zeros((64, 64), np.float32)
    outline[10:30, 28:36] = outline[30:60, 30:34] = 1
    together = spread_of(outline)
    outline[12:16, 8:56] = 1  # arms held out
    assert spread_of(outline) == pytest.approx(together, rel=0.1)
    outline[30:60, 16:20] = 1
    assert spread_of(outline) > 3 * together
    assert np.isnan(spread_of(np.zeros((64, 64), np.float32)))


def test_the_table_ends_with_means() -> None:
    values = [TransferValues("a", "b", 4.0, 40.0, 0.9, 0.8, 0.5), TransferValues("b", "a", 6.0, 50.0, 0.7, 0.6, 1.0)]
    assert transfer_table(values).splitlines()[-1].split() == ["mean", "5.00", "45.00", "0.80", "0.70", "0.75"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not WALKERS.is_dir(), reason="the real walkers are not here")
def test_real_walkers_take_on_the_phase_of_others(tmp_path: Path) -> None:
    rows = [f"{WALKERS}/real_subject{number}.mp4,s{number},walkers\n" for number in (1, 2)]
    (tmp_path / "study.csv").write_text("video,subject,group\n" + "".join(rows))
    run = tmp_path / "run"
    assert call("score", run, "--study", tmp_path / "study.csv", "--reference", "none", "--preset", "quick") == 0
    assert call("benchmark", "--transfers", run, "--out", tmp_path / "out") == 0
    found = read_csv(tmp_path / "out" / "transfers.csv")
    assert len(found) == 2
    for row in found:
        assert float(row["phase_error"]) < min(13, 0.5 * float(row["unrelated"]))  # 13: the original's worst
