import numpy as np
import pytest

from ubam.deviation.scores import SubjectScore
from ubam.results.records.scores import WindowRow
from ubam.statistics.motif_usage import compare_usage, standardised
from ubam.statistics.power import describe_power, power_of_changes, power_of_groups
from ubam.statistics.without_reference import describe_without_reference, unusual

MEMBERS = {"healthy": [f"h{k}" for k in range(6)], "lesion": [f"l{k}" for k in range(6)]}


def shares(seed: int, more: float) -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(seed)
    habits = {"healthy": np.array([5.0, 5.0, 5.0]), "lesion": np.array([5.0, 5.0, 5.0 + more])}
    return {(name, group): rng.dirichlet(4 * habits[group]) for group, names in MEMBERS.items() for name in names}


def test_a_motif_that_is_used_more_is_found_and_named() -> None:
    rows, motifs = compare_usage(shares(0, 25.0), MEMBERS, "healthy", 0)
    assert motifs is not None
    third = motifs.tests[2]
    assert third.correction_p <= 0.05
    assert third.correction_p >= third.p
    assert third.difference == pytest.approx(third.share["lesion"] - third.share["healthy"])
    assert "motif 3" in motifs.words
    assert rows[0].correction_p == rows[0].p == min(test.correction_p for test in motifs.tests)
    assert rows[0].correction == "max-statistic over 3 motifs"


def test_the_largest_of_many_differences_is_no_discovery_in_itself() -> None:
    p = [compare_usage(shares(seed, 0.0), MEMBERS, "healthy", 0)[0][0].p for seed in range(60)]
    assert sum(value <= 0.05 for value in p) <= 9  # binomial, 0.1 % beyond


def test_one_motif_one_group_or_a_group_of_one() -> None:
    single = {key: np.ones(1) for key in shares(0, 0.0)}
    assert compare_usage(single, MEMBERS, "healthy", 0) == ([], None)
    assert compare_usage(shares(0, 0.0), {"healthy": MEMBERS["healthy"]}, "healthy", 0) == ([], None)
    rows, _ = compare_usage(shares(0, 0.0), MEMBERS | {"lesion": ["l0"]}, "healthy", 0)
    assert "fewer than 2 subjects" in rows[0].refused


def test_standardised_differences_against_loops() -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.random((5, 2)), np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]])
    for row, found in zip(labels, standardised(values, labels), strict=True):
        expected = (values[row == 1].mean(0) - values[row == 0].mean(0)) / values.std(0)
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(("sizes", "g"), [((12, 9), 1.3), ((5, 5), 2.0)])
def test_the_power_that_is_promised_is_that_of_simulated_studies(sizes: tuple[int, int], g: float) -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(3000, sizes[0])), g + rng.normal(size=(3000, sizes[1]))
    found = (ttest_ind(first, second, axis=1).pvalue <= 0.05).mean()
    assert power_of_groups(g, *sizes) == pytest.approx(found, abs=0.03)
    assert power_of_changes(0.0, 8) == pytest.approx(0.05, abs=1e-3)


def test_what_group_sizes_can_see() -> None:
    row = describe_power(("a", "b"), 12, 9, 0.001, paired=False)
    assert power_of_groups(row.smallest_g, 12, 9) == pytest.approx(0.8, abs=1e-6)
    assert describe_power(("a", "b"), 50, 50, 0.001, paired=False).smallest_g < row.smallest_g
    small = describe_power(("a", "b"), 3, 3, 0.1, paired=False)
    assert small.smallest_g is None
    assert "no difference can reach" in small.words
    assert describe_power(("a", "b"), 8, 8, 0.01, paired=True).smallest_auc is None


def test_without_a_reference_the_most_unusual_windows_are_shown_apart() -> None:
    values = [1.0, 5.0, 4.9, *[1.0] * 8, 3.0]
    windows = [WindowRow("a", "m1", "g", k / 10, k / 10 + 0.3, value) for k, value in enumerate(values)]
    assert [row.deviation for row in unusual(windows)] == [5.0, 3.0]
    scores = [
        SubjectScore(name, "g", value, value, value, 0.0, 0.0, 0.0, 0.5, 0.1)
        for name, value in (("m1", 1.0), ("m2", 2.0))
    ]
    found = describe_without_reference(scores, windows)
    assert [row.subject for row in found.subjects] == ["m2", "m1"]
    assert found.subjects[1].windows[0].deviation == 5.0
