from itertools import combinations
from math import comb

import numpy as np
import pytest

from tests.moving_codes import make_study
from ubam.checking import smallest_p
from ubam.deviation import shrink
from ubam.scoring import score_study
from ubam.statistics import (
    SAMPLES_PER_SUBJECT,
    Relations,
    chain,
    compare_groups,
    permutation_test,
    relate,
    separation,
    separation_interval,
)


def slow_chain(relations: Relations, reference: list[int], queries: list[int]) -> list[float]:
    """The same chain in plain loops: twin, residual, units of the reference, length, summary."""

    def residual(index: int, others: list[int]) -> np.ndarray:
        return relations.own[index] - sum(relations.others[index][other] for other in others) / len(others)

    def deviation(rows: np.ndarray) -> float:
        lengths = np.array([np.sqrt(row @ inverse @ row / len(row)) for row in rows])
        bounded = np.minimum(lengths, np.quantile(lengths, 0.9))
        return float(np.sqrt((bounded**2).mean()))

    own = [residual(index, [other for other in reference if other != index]) for index in reference]
    moments = [row.T @ row / len(row) for row in own]
    middle = np.median([np.trace(moment) for moment in moments])
    moment = sum(min(1.0, middle / np.trace(moment)) * moment for moment in moments) / len(own)
    inverse = np.linalg.inv(shrink(moment, SAMPLES_PER_SUBJECT * len(reference)))
    left_out = [[other for other in reference if other != missing] for missing in reference]
    scores = [float(np.mean([deviation(residual(index, others)) for others in left_out])) for index in queries]
    return [deviation(row) for row in own] + scores


def test_the_chain_against_loops() -> None:
    relations = relate(make_study(0, 4, 3, shift=1.0))
    reference, queries = [0, 2, 3], [1, 4, 6]
    np.testing.assert_allclose(
        chain(relations, reference, queries), slow_chain(relations, reference, queries), rtol=1e-4
    )


def test_the_permutation_test_against_all_arrangements() -> None:
    relations = relate(make_study(1, 4, 3, shift=0.5))
    found = permutation_test(relations, range(4), range(4, 7), seed=0)
    values = []
    for chosen in combinations(range(7), 4):
        scores = slow_chain(relations, list(chosen), [i for i in range(7) if i not in chosen])
        values.append(np.mean(scores[4:]) - np.mean(scores[:4]))
    above, below = np.mean(np.array(values) >= values[0] - 1e-5), np.mean(np.array(values) <= values[0] + 1e-5)
    assert found["p"] == pytest.approx(min(1, 2 * min(above, below)))
    assert found["statistic"] == pytest.approx(values[0], rel=1e-3)
    assert found["exact"]


@pytest.mark.parametrize(("n", "expected"), [(3, 0.10), (4, 0.029), (5, 0.008)])
def test_the_smallest_p_is_what_the_group_sizes_allow(n: int, expected: float) -> None:
    assert smallest_p(n, n) == pytest.approx(expected, abs=5e-4)
    assert smallest_p(n, n) == 2 / comb(2 * n, n)


def test_a_planted_difference_reaches_the_smallest_p_and_a_null_study_does_not_often() -> None:
    planted = relate(make_study(2, 5, 4, shift=4.0))
    assert permutation_test(planted, range(5), range(5, 9), 0)["p"] == pytest.approx(2 / comb(9, 4))
    null = [
        permutation_test(relate(make_study(seed, 4, 4, frames=50)), range(4), range(4, 8), 0)["p"] for seed in range(25)
    ]
    assert sum(p <= 0.05 for p in null) <= 5  # binomial, 0.1 % beyond
    assert 0.3 < np.mean(null) < 0.75


def test_more_groups_are_corrected_and_a_group_that_cannot_be_tested_says_why() -> None:
    codes = make_study(3, 4, 3, shift=3.0)
    codes += [type(code)(f"x{code.recording_id}", f"x{code.subject}", "other", code.posture, 1) for code in codes[:3]]
    codes.append(type(codes[0])("again", "r0", "after", codes[0].posture, 1))
    scores = score_study(codes, "healthy", intervals=False).subjects
    tests = compare_groups(codes, {(s.subject, s.group): s.deviation for s in scores}, "healthy", 0)
    by_group = {test["groups"][1]: test for test in tests}
    assert by_group["impaired"]["correction"] == "Benjamini-Hochberg"
    assert by_group["impaired"]["correction_p"] >= by_group["impaired"]["p"]
    assert "r0 in both groups" in by_group["after"]["refused"]
    assert by_group["after"]["p"] is None


def test_a_reference_of_one_is_refused() -> None:
    codes = make_study(4, 1, 2)
    scores = score_study(codes, "healthy", intervals=False).subjects
    tests = compare_groups(codes, {(s.subject, s.group): s.deviation for s in scores}, "healthy", 0)
    assert "needs at least 2" in tests[0]["refused"]


def test_separation_is_the_area_under_the_curve() -> None:
    normal, other = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])
    assert separation(normal, other) == pytest.approx((1.5 + 3) / 6)
    low, high = separation_interval(normal, other, seed=0)
    assert 0 <= low <= separation(normal, other) <= high <= 1
