import numpy as np
import pytest

from tests.support.posture_studies import make_study
from ubam.deviation.posture_series import PostureSeries
from ubam.evaluation.synthetic.embeddings import groups_study, paired_study
from ubam.results.records.study import Classifier
from ubam.statistics import classifier
from ubam.statistics.classifier import (
    PENALTIES,
    calibrate,
    classify,
    decide,
    hold_out,
    left_out_together,
    within_subjects,
)
from ubam.statistics.group_tests import subjects_of_groups


def classified(codes: list[PostureSeries], reference: str | None = None) -> Classifier:
    return classify(codes, subjects_of_groups(codes, reference), 0)


def test_groups_that_move_otherwise_are_told_apart_and_probabilities_agree() -> None:
    codes = groups_study(0, {"reference": 8, "query": 7}, {"query": 1.5})
    found = classified(codes, "reference")
    assert found.auc > 0.9
    assert found.p <= 0.01
    assert found.brier < 0.3 < found.brier_chance
    for row in found.subjects:
        assert sum(row.probability.values()) == pytest.approx(1)
        assert row.predicted == max(row.probability, key=row.probability.__getitem__)
    assert found == classified(codes, "reference")


def test_without_a_difference_probabilities_stay_near_one_half_and_p_is_not_small() -> None:
    found = [classified(groups_study(seed, {"a": 7, "b": 7}, {}, seconds=2.4)) for seed in range(8)]
    assert sum(one.p <= 0.05 for one in found) <= 3
    assert np.mean([one.brier for one in found]) < 0.65
    assert 0.3 < np.mean([one.accuracy for one in found]) < 0.7


def test_inner_scores_are_those_of_fitting_again_without_the_subject() -> None:
    rng = np.random.default_rng(0)
    features, y = rng.normal(size=(9, 3)), np.sign(rng.normal(size=(9, 2)))
    kernel, penalty = features @ features.T + 1, PENALTIES[1]
    hat = kernel @ np.linalg.inv(kernel + penalty * np.eye(9))
    for names in (list("abcdefghi"), list("aabbccdde")):
        held = hold_out(y, hat @ y, hat, names)
        for row, name in enumerate(names):
            rest = np.array([other != name for other in names])
            weights = np.linalg.solve(kernel[np.ix_(rest, rest)] + penalty * np.eye(rest.sum()), y[rest])
            np.testing.assert_allclose(held[row], kernel[row, rest] @ weights, rtol=1e-6)


@pytest.mark.parametrize("alone", [60, 5])
def test_a_left_out_subject_decides_nothing_about_itself(alone: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "ALONE", alone)
    monkeypatch.setattr(classifier, "FOLDS", 4)
    rng = np.random.default_rng(1)
    static, moving = rng.normal(size=(10, 4)), rng.normal(size=(10, 5))
    labels = np.array([[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]])
    turned = labels.copy()
    turned[0, 0] = 1
    names = [str(number) for number in range(10)]
    one, other = (decide(static, moving, names, rows, 2).scores[0, 0] for rows in (labels, turned))
    np.testing.assert_allclose(one, other)


def test_many_subjects_are_left_out_in_parts_that_hold_each_of_them_once() -> None:
    names = [f"m{number}" for number in range(150) for _ in range(2)]
    parts = left_out_together(names, seed=0)
    assert len(parts) == classifier.FOLDS
    assert sorted(name for part in parts for name in part) == sorted(set(names))
    assert {len(part) for part in parts} == {7, 8}
    assert parts == left_out_together(names, seed=0) != left_out_together(names, seed=1)
    assert left_out_together(names[:120], seed=0) == [[name] for name in names[:120:2]]


def test_the_same_subjects_before_and_after_are_compared_with_themselves() -> None:
    found = classified(paired_study(0, 8, 1.2), "before")
    assert found.auc > 0.9
    assert len(found.subjects) == 16
    assert found.subjects[0].name == "m0 (before)"
    rows = within_subjects(np.array([[1.0], [3.0], [5.0]]), ["a", "a", "b"])
    np.testing.assert_allclose(rows[:, 0], [-1, 1, 0])


def test_three_groups_and_too_few_subjects() -> None:
    found = classified(groups_study(1, {"a": 5, "b": 5, "c": 5}, {"b": 2.0, "c": -2.0}))
    assert found.accuracy > 0.7
    assert found.chance == pytest.approx(1 / 3)
    assert found.auc is None
    assert "fewer than 3 subjects" in classified(make_study(0, 5, 2)).refused


def test_calibration_is_monotone_and_even_where_scores_say_nothing() -> None:
    rng = np.random.default_rng(0)
    positive = np.repeat([True, False], [6, 12])
    p = calibrate(np.where(positive, 1.0, -1.0) + rng.normal(size=18), positive, np.linspace(-3, 3, 7))
    assert (np.diff(p) > 0).all()
    assert abs(calibrate(np.zeros(18), positive, np.zeros(1))[0] - 0.5) < 0.1
