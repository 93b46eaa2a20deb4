"""The proofs of the statistics, on few studies: what `ubam benchmark --statistics` does on hundreds."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from ubam.deviation.scores import score_study
from ubam.evaluation.benchmark import proofs
from ubam.evaluation.benchmark.proofs import CHECKS, conformal_rates, rate, run_proofs, table
from ubam.evaluation.synthetic.embeddings import Impairment, World, groups_study


def too_many(hits: int, studies: int, level: float = 0.05) -> bool:
    """Whether so many or more rejections have a chance below one in a thousand at this level."""
    return bool(binom.sf(hits - 1, studies, level) < 1e-3)


@pytest.mark.parametrize(
    ("name", "studies"),
    [
        ("null_several", 10),
        pytest.param("null_blocks", 6, marks=pytest.mark.slow),
        pytest.param("null_paired", 10, marks=pytest.mark.slow),
    ],
)
def test_tests_of_groups_that_do_not_differ_reject_no_more_than_promised(name: str, studies: int) -> None:
    found = [CHECKS[name](seed) for seed in range(studies)]
    for test in found[0]:
        if test != "blocks ignored":
            assert not too_many(sum(one[test] <= 0.05 for one in found), studies), test


@pytest.mark.slow
@pytest.mark.parametrize("name", ["null_groups", "null_days"])
def test_other_tests_reject_no_more_than_promised(name: str) -> None:
    found = [CHECKS[name](seed) for seed in range(40)]
    ours = [test for test in found[0] if "units" not in test and "in-sample" not in test and "conformal" not in test]
    for test in ours:
        assert not too_many(sum(one[test] <= 0.05 for one in found), 40), test


@pytest.mark.slow
def test_what_publications_do_rejects_far_more_than_promised() -> None:
    found = [CHECKS["null_groups"](seed) for seed in range(4)]
    assert sum(one["in-sample reference"] <= 0.05 for one in found) >= 3
    assert sum(one["frames as units"] <= 0.05 for one in found) >= 1


def test_a_lean_of_severity_one_half_is_found() -> None:
    found = [CHECKS["planted_groups"](seed) for seed in range(4)]
    assert sum(one["two groups"] <= 0.05 for one in found) >= 3
    assert CHECKS["planted_days"](0)["slope"] <= 0.05


def test_p_of_healthy_new_subjects_is_as_often_small_as_it_says() -> None:
    p = [
        one.p_value
        for seed in range(12)
        for one in score_study(
            groups_study(seed, {"reference": 9, "query": 5}, {}, seconds=2.4), "reference", intervals=False
        ).subjects[9:]
    ]
    assert set(np.round(np.array(p) * 10, 6)) <= set(range(1, 11))
    assert not too_many(sum(value <= 0.1 for value in p), len(p), 0.1)
    assert not too_many(sum(value > 0.5 for value in p), len(p), 0.5)


def test_scores_do_not_depend_on_frame_rate_or_length() -> None:
    rng, world = np.random.default_rng(0), World()
    subjects = [world.subject(f"s{k}", rng) for k in range(8)]

    def deviation(fps: float, seconds: float) -> float:
        drawn = np.random.default_rng(1)
        codes = [world.recording(one, "reference", one.name, drawn, seconds=4) for one in subjects[:7]]
        codes.append(
            world.recording(subjects[7], "query", "q", drawn, impairment=Impairment(1.0), seconds=seconds, fps=fps)
        )
        return score_study(codes, "reference", intervals=False).subjects[-1].deviation

    usual = deviation(25, 4)
    assert deviation(50, 4) == pytest.approx(usual, rel=0.15)
    assert deviation(25, 8) == pytest.approx(usual, rel=0.15)


def test_proofs_go_on_where_they_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def check(seed: int) -> dict[str, float]:
        done.append(seed)
        return {"a test": 0.01 * (seed + 1)}

    monkeypatch.setattr(proofs, "CHECKS", {"null_paired": check})
    run_proofs(tmp_path, 4)
    summary = run_proofs(tmp_path, 8)
    assert done == list(range(8))
    found = summary["checks"]["null_paired"]["rates"]["a test"]
    assert found["share"] == 5 / 8
    assert found["low"] < 5 / 8 < found["high"]
    assert "a test" in table(summary)


def test_rates_have_exact_intervals() -> None:
    found = rate([True] * 5 + [False] * 95)
    assert (found["low"], found["high"]) == pytest.approx((0.0164, 0.1128), abs=1e-4)
    grid = np.repeat((np.arange(13) + 1) / 13, 10)
    for name, one in conformal_rates(grid, 12).items():
        assert one["share"] == pytest.approx(float(name.split()[-1]), abs=1e-3)
