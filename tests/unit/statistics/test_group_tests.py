import tracemalloc
from dataclasses import replace
from itertools import combinations, product
from math import comb

import numpy as np
import pytest

from tests.support.oracles.permutations import slow_chain
from tests.support.posture_studies import make_code, make_study
from ubam.deviation import twin
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import score_study
from ubam.recordings.validation import smallest_p
from ubam.results.records.tests import Test
from ubam.statistics.blocks import Blocks
from ubam.statistics.effect_sizes import change_effects, group_effects, hedges_g, separation
from ubam.statistics.group_tests import compare_groups, pseudo_f, share_subjects, variance_ratio
from ubam.statistics.permutations import one_sided, permute_labels, two_sided
from ubam.statistics.permuted_references import match_all_subjects, score_under_references, subject_distances


def rows_of(codes: list[PostureSeries], reference: str | None, blocks: Blocks | None = None) -> dict[str, Test]:
    """The rows of a study by the names of their groups."""
    scores = score_study(codes, reference, intervals=False).subjects
    rows = compare_groups(codes, {(s.subject, s.group): s.deviation for s in scores}, reference, 0, blocks)
    return {" ".join(row.groups or []): row for row in rows}


def mask(count: int, chosen: list[int]) -> np.ndarray:
    return np.isin(np.arange(count), chosen)


def test_the_chain_against_loops() -> None:
    relations = match_all_subjects(make_study(0, 4, 3, shift=1.0))
    references = [[0, 2, 3], [1, 4, 5, 6], [0, 1]]
    found = score_under_references(relations, np.array([mask(7, chosen) for chosen in references]))
    for row, chosen in zip(found, references, strict=True):
        np.testing.assert_allclose(row, slow_chain(relations, chosen), rtol=1e-4)


def before_and_after(seed: int, subjects: int, shift: float) -> list[PostureSeries]:
    """The same subjects before and after, each with a body of its own that stays."""
    rng, codes = np.random.default_rng(seed), []
    for number in range(subjects):
        body, direction = 0.6 * rng.normal(size=12), np.random.default_rng(98).normal(size=12) / np.sqrt(12)
        for group, moved in (("before", 0.0), ("after", shift)):
            code = make_code(rng, f"m{number}", group, name=f"m{number}_{group}")
            codes.append(replace(code, posture=(code.posture + body + moved * direction).astype(np.float32)))
    return codes


def test_the_chain_never_compares_a_subject_with_itself() -> None:
    relations = match_all_subjects(before_and_after(0, 4, 1.0))
    found = score_under_references(relations, np.array([mask(8, [0, 2, 4, 6]), mask(8, [1, 2, 4, 7])]))
    for row, chosen in zip(found, ([0, 2, 4, 6], [1, 2, 4, 7]), strict=True):
        np.testing.assert_allclose(row, slow_chain(relations, chosen), rtol=1e-4)
    assert relations.names[0] == "m0 (before)"
    assert not relations.others[0, 1].any()


def test_a_large_study_is_matched_with_some_units_that_any_reference_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = make_study(0, 8, 4, shift=1.0)
    everybody = match_all_subjects(codes, "healthy")
    assert everybody.matched.tolist() == list(range(12))
    monkeypatch.setattr(twin, "MATCHED", 4)
    some = match_all_subjects(codes, "healthy")
    assert len(some.matched) == 6  # of which two thirds, the share of the reference, are 4
    assert some.others.shape[:2] == some.kin.shape == (12, 6)
    np.testing.assert_array_equal(some.others, everybody.others[:, some.matched])
    labels = np.array([mask(12, list(range(8))), mask(12, [0, 3, 4, 5, 8, 9, 10, 11])])
    for row, chosen in zip(score_under_references(some, labels), labels, strict=True):
        np.testing.assert_allclose(row, slow_chain(some, np.flatnonzero(chosen).tolist()), rtol=1e-4)
    turned = some.of(np.array([11, 3, 5, 0, 8, 9]))
    assert [turned.names[unit] for unit in turned.matched] == [
        name for name in turned.names if name in [some.names[unit] for unit in some.matched]
    ]
    among = some.among_matched()
    np.testing.assert_allclose(among.others[0, 1], some.others[some.matched[0], 1])
    assert subject_distances(among).shape == (6, 6)
    assert len(match_all_subjects(codes).matched) == 12  # without a reference everybody is compared with everybody


def test_a_difference_is_found_with_some_as_with_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = make_study(2, 9, 9, shift=2.5)
    whole = rows_of(codes, "healthy")["healthy impaired"]
    monkeypatch.setattr(twin, "MATCHED", 5)
    part = rows_of(codes, "healthy")["healthy impaired"]
    assert part.p == whole.p == whole.smallest_p
    assert part.statistic == pytest.approx(whole.statistic, rel=0.2)


def test_the_permutation_test_against_all_arrangements() -> None:
    codes = make_study(1, 4, 3, shift=0.5)
    relations, found = match_all_subjects(codes), rows_of(codes, "healthy")["healthy impaired"]
    values = []
    for chosen in combinations(range(7), 4):
        scores = np.array(slow_chain(relations, list(chosen)))
        values.append(scores[~mask(7, list(chosen))].mean() - scores[mask(7, list(chosen))].mean())
    above, below = np.mean(np.array(values) >= values[0] - 1e-5), np.mean(np.array(values) <= values[0] + 1e-5)
    assert found.p == pytest.approx(min(1, 2 * min(above, below)))
    assert found.statistic == pytest.approx(values[0], rel=1e-3)
    assert found.exact


def test_the_paired_test_against_all_exchanges() -> None:
    codes = before_and_after(1, 4, 0.7)
    relations, found = match_all_subjects(codes), rows_of(codes, "before")["before after"]
    values = []
    for flips in product((0, 1), repeat=4):
        chosen = [2 * number + flip for number, flip in enumerate(flips)]
        scores = np.array(slow_chain(relations, chosen))
        values.append(scores[~mask(8, chosen)].mean() - scores[mask(8, chosen)].mean())
    assert found.kind == "paired"
    turned = np.array(values) + np.array(values)[::-1]  # both groups exchanged as a whole: the same division
    assert found.p == pytest.approx(one_sided(turned))
    assert found.arrangements == 16
    assert found.smallest_p == 2 / 16
    assert [effect.name for effect in found.effects] == ["AUC", "mean change", "Hedges' g"]


@pytest.mark.parametrize(("n", "expected"), [(3, 0.10), (4, 0.029), (5, 0.008)])
def test_the_smallest_p_is_what_the_group_sizes_allow(n: int, expected: float) -> None:
    assert smallest_p(n, n) == pytest.approx(expected, abs=5e-4)
    assert smallest_p(n, n) == 2 / comb(2 * n, n)


def test_a_planted_difference_reaches_the_smallest_p_and_a_null_study_does_not_often() -> None:
    planted = rows_of(make_study(2, 5, 4, shift=4.0), "healthy")["healthy impaired"]
    assert planted.p == planted.smallest_p == pytest.approx(2 / comb(9, 4))
    null = [rows_of(make_study(seed, 4, 4, frames=50), "healthy")["healthy impaired"].p for seed in range(25)]
    assert sum(p <= 0.05 for p in null) <= 5  # binomial, 0.1 % beyond
    assert 0.3 < np.mean(null) < 0.75


def three_groups(seed: int, *shifts: float) -> list[PostureSeries]:
    rng = np.random.default_rng(seed)
    return [
        make_code(rng, f"{group}{number}", group, shift=shift)
        for group, shift in zip(("healthy", "mild", "severe"), shifts, strict=True)
        for number in range(4)
    ]


def test_three_groups_are_tested_at_once_and_then_in_pairs() -> None:
    rows = rows_of(three_groups(0, 0, 0.3, 4.0), "healthy")
    assert list(rows) == ["healthy mild severe", "healthy mild", "healthy severe", "mild severe"]
    assert rows["healthy mild severe"].kind == "omnibus"
    assert rows["healthy mild severe"].p < 0.01
    assert rows["healthy severe"].p == rows["healthy severe"].smallest_p == rows["mild severe"].p
    assert rows["healthy mild"].correction == "Benjamini-Hochberg over 3 tests"
    assert all(row.correction_p >= row.p for row in rows.values())
    assert rows["mild severe"].effect.value == 1


def test_without_a_reference_distances_are_compared() -> None:
    rows = rows_of(three_groups(1, 0, 0, 4.0), None)
    assert rows["healthy mild severe"].p < 0.01
    assert rows["healthy severe"].p == rows["healthy severe"].smallest_p
    assert rows["healthy mild"].p > 0.05
    paired = rows_of(before_and_after(2, 5, 3.0), None)["before after"]
    assert paired.p == paired.smallest_p == 2 / 2**5


def test_labels_are_exchanged_within_blocks_only() -> None:
    codes = make_study(3, 4, 4, shift=4.0)
    of = {code.subject: f"cage{number % 2}" for number, code in enumerate(codes)}
    row = rows_of(codes, "healthy", Blocks("cage", of))["healthy impaired"]
    assert row.arrangements == comb(4, 2) ** 2
    assert row.blocks.use == "within"
    assert row.p == row.smallest_p
    arranged = permute_labels([0, 0, 1, 1, 0, 1], ["a", "a", "a", "a", "b", "b"])
    assert len(arranged) == 12
    assert len({tuple(row) for row in arranged.labels}) == 12
    assert arranged.labels[0].tolist() == [0, 0, 1, 1, 0, 1]
    assert (arranged.labels[:, :4].sum(1) == 2).all()


def test_blocks_that_hold_one_group_each_are_exchanged_whole_and_few_of_them_are_refused() -> None:
    codes = make_study(4, 8, 8, shift=4.0)
    cages = {code.subject: f"cage{number // 2}" for number, code in enumerate(codes)}
    row = rows_of(codes, "healthy", Blocks("cage", cages))["healthy impaired"]
    assert row.unit == "block (cage)"
    assert row.arrangements == comb(8, 4)
    assert row.smallest_p == 2 / comb(8, 4)
    assert "one group only" in row.downgraded
    sites = {code.subject: code.group for code in codes}
    refused = rows_of(codes, "healthy", Blocks("site", sites))["healthy impaired"]
    assert "cannot be separated" in refused.refused
    assert refused.p is None


def test_a_subject_in_two_groups_is_left_out_or_compared_with_itself() -> None:
    codes = make_study(3, 4, 3, shift=3.0)
    codes.append(replace(codes[0], recording_id="again", group="after"))
    rows = rows_of(codes, "healthy")
    assert "r0 in both groups" in rows["healthy after"].refused
    assert rows["healthy after"].p is None
    assert rows["healthy impaired"].p is not None
    chosen, shared, left_out = share_subjects(["a", "b", "c", "d"], ["a", "b", "x"], "before", "after")
    assert shared
    assert chosen == {"before": ["a", "b"], "after": ["a", "b"]}
    assert [row.subject for row in left_out] == ["c", "d", "x"]
    chosen, shared, left_out = share_subjects(list("abcdef"), list("auvwxyz"), "one", "two")
    assert not shared
    assert chosen["two"] == list("uvwxyz")
    assert left_out[0].subject == "a"


def test_groups_of_one() -> None:
    assert "needs at least 2" in rows_of(make_study(4, 1, 2), "healthy")["healthy impaired"].refused
    row = rows_of(make_study(4, 5, 1, shift=4.0), "healthy")["healthy impaired"]
    assert row.p == row.smallest_p == pytest.approx(2 / 6)
    assert "impaired has one subject" in row.downgraded
    assert rows_of(make_study(4, 5, 0), "healthy") == {}


def test_random_arrangements_hold_the_real_one_and_are_the_same_again() -> None:
    first, again = permute_labels([0] * 12 + [1] * 9, seed=3), permute_labels([0] * 12 + [1] * 9, seed=3)
    assert not first.exact
    assert len(first) == 2000
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.labels[0].tolist() == [0] * 12 + [1] * 9
    assert len(permute_labels([0, 0, 1, 1, 2])) == 30


def test_distances_and_pseudo_f_against_loops() -> None:
    found = subject_distances(match_all_subjects(make_study(5, 3, 3, shift=2.0)))
    np.testing.assert_allclose(found, found.T)
    assert found[:3, 3:].mean() > 1.1 * found[0, 1]
    labels = np.array([0, 0, 0, 1, 1, 1])

    def within(members: list[int]) -> float:
        return sum(found[i, j] ** 2 for i, j in combinations(members, 2)) / len(members)

    inside = within([0, 1, 2]) + within([3, 4, 5])
    expected = (within(list(range(6))) - inside) / (inside / 4)
    assert pseudo_f(found, labels[None])[0] == pytest.approx(expected)


def test_the_variance_ratio_is_f() -> None:
    from scipy.stats import f_oneway

    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=9), np.array([0, 0, 0, 1, 1, 1, 1, 2, 2])
    groups = [scores[labels == group] for group in range(3)]
    assert variance_ratio(scores[None], labels[None])[0] == pytest.approx(f_oneway(*groups).statistic)


def test_effect_sizes() -> None:
    normal, other = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])
    assert separation(normal, other) == pytest.approx((1.5 + 3) / 6)
    pooled = np.sqrt((2 + 2) / 3)
    assert hedges_g(normal, other) == pytest.approx(1 / pooled * (1 - 3 / (4 * 3 - 1)), rel=2e-2)
    auc, delta, g = group_effects(normal, other, seed=0)
    assert delta.value == pytest.approx(2 * auc.value - 1)
    assert all(one.low <= one.value <= one.high for one in (auc, delta, g))
    assert 0 <= auc.low < auc.high <= 1
    assert group_effects(normal, other, seed=0) == [auc, delta, g]
    mean, spread = change_effects(np.array([1.0, 1.2, 0.8, 1.1]), seed=0)
    assert mean.low < 1.025 < mean.high
    assert spread.value > 3
    assert np.isnan(group_effects(np.array([1.0]), np.array([2.0]), 0)[2].value)


def test_the_auc_of_ranks_is_that_of_all_pairs_and_takes_no_memory_for_them() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(40, 12)).round(1), rng.normal(0.3, size=(40, 9)).round(1)
    apart = second[:, :, None] - first[:, None]
    assert np.array_equal(separation(first, second), ((apart > 0) + 0.5 * (apart == 0)).mean((1, 2)))
    many = rng.normal(size=(500, 300))
    tracemalloc.start()
    try:
        separation(many, many + 0.1)
        assert tracemalloc.get_traced_memory()[1] < 50e6, "all pairs of these take 360 MB"
    finally:
        tracemalloc.stop()


def test_p_values_of_both_kinds() -> None:
    values = np.array([5.0, 1.0, 2.0, 5.0])
    assert one_sided(values) == 0.5
    assert two_sided(values) == 1.0
    assert two_sided(np.array([9.0, *np.arange(7)])) == 0.25
