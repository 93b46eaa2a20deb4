import numpy as np
import pytest
from scipy.stats import ttest_ind

from ubam.deviation.posture_series import PostureSeries
from ubam.evaluation.synthetic.embeddings import Impairment, World
from ubam.statistics.group_tests import subjects_of_groups
from ubam.statistics.permuted_references import match_all_subjects
from ubam.statistics.time_clusters import clusters_of, compare_courses, t_courses, time_weights, weigh_clusters


def study(seed: int, severity: float) -> list[PostureSeries]:
    rng, world = np.random.default_rng(seed), World()
    return [
        world.recording(
            world.subject(f"{group}{k}", rng),
            group,
            f"{group}{k}",
            rng,
            impairment=Impairment(amount, between=(1.5, 2.5)),
        )
        for group, count, amount in (("reference", 6, 0.0), ("query", 5, severity))
        for k in range(count)
    ]


def test_a_deviation_in_the_middle_is_found_there_and_nowhere_else() -> None:
    codes = study(0, 2.0)
    rows, courses = compare_courses(match_all_subjects(codes), subjects_of_groups(codes, "reference"), "reference", 0)
    assert rows[0].p <= 0.05
    assert rows[0].p >= rows[0].smallest_p
    (cluster,) = [one for one in courses[0].clusters if one.p <= 0.05]
    assert cluster.direction == "more"
    assert cluster.start_s == pytest.approx(1.5, abs=0.6)
    assert cluster.end_s == pytest.approx(2.5, abs=0.6)
    low, mean, high = (np.array(part["query"]) for part in (courses[0].low, courses[0].mean, courses[0].high))
    assert ((low <= mean) & (mean <= high)).all()


@pytest.mark.slow
def test_without_a_difference_no_time_stands_out_often() -> None:
    p = []
    for seed in range(12):
        codes = study(seed, 0.0)
        rows, _ = compare_courses(
            match_all_subjects(codes), subjects_of_groups(codes, "reference"), "reference", 0, None, 100
        )
        p.append(rows[0].p)
    assert sum(value <= 0.05 for value in p) <= 4  # binomial, 0.3 % beyond


def test_t_against_scipy_and_clusters_by_hand() -> None:
    rng = np.random.default_rng(0)
    curves, labels = rng.normal(size=(1, 7, 3)), np.array([[0, 0, 0, 0, 1, 1, 1]])
    expected = ttest_ind(curves[0, 4:], curves[0, :4]).statistic
    np.testing.assert_allclose(t_courses(curves, labels)[0], expected)
    t = np.array([0.0, 3.0, 2.5, -3.0, 0.1, 4.0])
    assert clusters_of(t, 2.0) == [(1, 3, 5.5), (3, 4, 3.0), (5, 6, 4.0)]
    found, p = weigh_clusters(np.stack([t, np.full(6, 3.0), np.zeros(6)]), 2.0)
    assert [one.p for one in found] == pytest.approx([2 / 3, 2 / 3, 2 / 3])
    assert found[1].direction == "less"
    assert p == pytest.approx(2 / 3)
    assert weigh_clusters(np.zeros((2, 4)), 2.0) == ([], 1.0)


def test_moments_are_brought_to_common_times() -> None:
    relations = match_all_subjects(study(1, 0.0))
    points, weights = time_weights(relations)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.einsum("nm,nmt->nt", relations.time_s, weights), np.tile(points, (11, 1)), rtol=1e-4)


def test_groups_of_one_and_no_reference() -> None:
    codes = [code for code in study(2, 0.0) if code.subject != "x"][:7]
    members = subjects_of_groups(codes, "reference")
    rows, courses = compare_courses(match_all_subjects(codes), members, "reference", 0)
    assert "fewer than 2 subjects" in rows[0].refused
    assert courses == []
    assert compare_courses(match_all_subjects(codes), members, None, 0) == ([], [])
