from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import trim_mean

from tests.support.posture_studies import make_code, make_study
from ubam.core.errors import ModelError
from ubam.deviation import twin
from ubam.deviation.normal_variation import TRIM, length, running_mean, shrink, trimmed_mean
from ubam.deviation.reference_model import ReferenceModel
from ubam.deviation.scores import cut_in_parts, score_study
from ubam.deviation.twin import Matcher, movement_basis


def test_a_planted_deviation_is_found_and_a_healthy_query_is_not() -> None:
    deviant = score_study(make_study(0, 7, 3, shift=3.0), "healthy", intervals=False).subjects
    assert [score.p_value for score in deviant[7:]] == [1 / 8] * 3
    assert all(score.static > score.dynamic for score in deviant[7:])
    p_values = [
        score.p_value
        for seed in range(12)
        for score in score_study(make_study(seed, 6, 2), "healthy", intervals=False).subjects[6:]
    ]
    assert 0.35 < np.mean(p_values) < 0.8


def test_reference_subjects_are_scored_without_themselves() -> None:
    codes = make_study(1, 5, 1)
    changed = [replace(codes[0], posture=codes[0].posture + 5.0), *codes[1:]]
    before, after = (ReferenceModel().fit(group[:5], codes) for group in (codes, changed))
    np.testing.assert_allclose(before.score(codes[0]).moment, after.score(codes[0]).moment, rtol=1e-5)
    assert after.score(changed[0]).moment.mean() > before.score(codes[0]).moment.mean()


def test_p_values_of_the_reference_lie_on_their_grid() -> None:
    scores = score_study(make_study(2, 6, 0), "healthy", intervals=False).subjects
    np.testing.assert_allclose(sorted(score.p_value for score in scores), np.arange(1, 7) / 6)


def test_the_interval_holds_the_deviation_and_widens_when_the_movement_is_less_steady() -> None:
    steady = make_study(4, 6, 1, shift=2.0)
    sway = 1.5 * np.sin(np.arange(90) / 12)[:, None] * np.ones(12) / np.sqrt(12)
    unsteady = [*steady[:-1], replace(steady[-1], posture=(steady[-1].posture + sway).astype(np.float32))]
    scores = [score_study(codes, "healthy", seed=1).subjects[-1] for codes in (steady, unsteady)]
    assert all(0 <= score.low <= score.deviation <= score.high for score in scores)
    assert scores[1].high - scores[1].low > scores[0].high - scores[0].low > 0
    assert score_study(steady, "healthy", seed=1).subjects[-1] == scores[0]


def test_without_a_reference_each_is_scored_against_all_others() -> None:
    codes = make_study(5, 7, 1, shift=4.0)
    scores = score_study(codes, None, intervals=False).subjects
    assert max(scores, key=lambda score: score.deviation).subject == "q0"
    assert all(score.smallest_p == pytest.approx(1 / 8) for score in scores)


def test_a_single_reference_subject_is_cut_in_parts_and_gives_no_p() -> None:
    rng = np.random.default_rng(6)
    reference = make_code(rng, "mouse", "before", frames=200, name="before")
    query = replace(reference, recording_id="after", group="after", posture=reference.posture + 1.5)
    scores = score_study([reference, query], "before")
    before, after = scores.subjects
    assert np.isnan(before.p_value)
    assert np.isnan(after.p_value)
    assert after.deviation > 2 * before.deviation
    assert len(scores.recordings["before"].frame) == len(np.unique(scores.recordings["before"].frame))
    assert sum(len(part.posture) for part in cut_in_parts(reference)) == 200


def test_a_frozen_reference_gives_the_same_scores(tmp_path: Path) -> None:
    codes = make_study(7, 5, 2, shift=1.0)
    fitted = ReferenceModel().fit(codes[:5], codes)
    fitted.save(tmp_path)
    loaded = ReferenceModel.load(tmp_path)
    for code in codes:
        np.testing.assert_array_equal(loaded.score(code).moment, fitted.score(code).moment)
    (tmp_path / "reference.json").write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        ReferenceModel.load(tmp_path)


def test_the_twin_never_shows_the_querys_own_subject() -> None:
    codes = make_study(8, 4, 1)
    matcher = Matcher(codes[:4], movement_basis(codes))
    assert all(name != codes[0].recording_id for name, _ in matcher.twin(codes[0]).references)
    shown = matcher.twin(codes[4])
    assert len(shown.references) == 4
    assert shown.posture.shape == codes[4].posture.shape
    assert all(frame.min() >= 0 and frame.max() < 90 for _, frame in shown.references)


def test_of_many_reference_subjects_some_are_matched_whatever_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "MATCHED", 5)
    names = [f"r{number}" for number in range(12)]
    chosen = twin.matched_subjects(names)
    assert len(chosen) == 5
    assert set(twin.matched_subjects(names[::-1])) == set(chosen)
    assert twin.matched_subjects(names[:5]) == names[:5]
    codes = make_study(3, 12, 1)
    fitted = ReferenceModel().fit(codes[:12], codes)
    assert {name for name, _ in fitted.matcher.twin(codes[-1]).references} == set(chosen)
    assert len(fitted.score(codes[0]).moment) == 1
    assert len(fitted.score(codes[-1]).moment) == 12  # every subject of the reference is left out once


def test_scores_by_some_of_many_reference_subjects_are_those_by_all_within_their_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = make_study(4, 24, 4, shift=4.0)
    everybody = score_study(codes, "healthy", intervals=False).subjects
    monkeypatch.setattr(twin, "MATCHED", 12)
    some = score_study(codes, "healthy").subjects
    inside = [one.low < all_.deviation < one.high for one, all_ in zip(some, everybody, strict=True)]
    assert np.mean(inside) > 0.9
    assert [one.p_value for one in some[24:]] == [one.p_value for one in everybody[24:]] == [1 / 25] * 4


def test_smooth_and_length_against_loops() -> None:
    rng = np.random.default_rng(9)
    residual, units = rng.normal(size=(20, 5)), rng.normal(size=(5, 5))
    slow = [residual[max(0, m - 4) : min(20, max(0, m - 4) + 8)].mean(0) for m in range(20)]
    np.testing.assert_allclose(running_mean(residual), slow)
    np.testing.assert_allclose(length(residual, units), [np.sqrt(np.sum((r @ units) ** 2) / 5) for r in residual])


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9, 12])
def test_trimmed_mean_against_scipy(count: int) -> None:
    stack = np.random.default_rng(0).normal(size=(count, 4, 3))
    np.testing.assert_allclose(trimmed_mean(stack), trim_mean(stack, TRIM, axis=0))


def test_shrinkage_keeps_the_trace_and_ends_at_a_sphere() -> None:
    covariance = np.diag([4.0, 1.0, 1.0])
    shrunk = shrink(covariance, 10)
    assert np.trace(shrunk) == pytest.approx(6.0)
    assert 1 < shrunk[1, 1] < shrunk[0, 0] < 4
    np.testing.assert_allclose(shrink(np.eye(3), 2), np.eye(3), atol=1e-6)


def test_constant_postures_give_finite_scores() -> None:
    codes = [replace(code, posture=np.zeros_like(code.posture)) for code in make_study(0, 3, 1)]
    scores = score_study(codes, "healthy").subjects
    assert all(np.isfinite([score.deviation, score.p_value]).all() for score in scores)


@pytest.mark.parametrize("frames", [5, 9, 12, 40])
def test_recordings_of_any_length_can_be_scored(frames: int) -> None:
    rng = np.random.default_rng(0)
    codes = [make_code(rng, f"r{number}", "healthy", frames=90 if number else frames) for number in range(4)]
    codes.append(make_code(rng, "q", "impaired", frames=frames))
    assert all(np.isfinite(score.deviation) for score in score_study(codes, "healthy").subjects)


def test_recordings_whose_names_begin_alike_keep_their_own_parts() -> None:
    rng = np.random.default_rng(0)
    codes = [make_code(rng, "m", group, frames=120, name=name) for group, name in (("a", "m"), ("b", "m_2"))]
    scores = score_study(codes, None, intervals=False)
    assert all(scores.recordings[code.recording_id].frame.max() < 120 for code in codes)
