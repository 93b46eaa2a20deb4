"""The audit finds planted confounds, keeps its promise of 5 % where there are none, and says what it cannot see."""

from dataclasses import replace
from itertools import pairwise
from math import comb
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ubam.core.errors import ModelError
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study
from ubam.recordings.study_table import read_study
from ubam.results.records.audit import Comparison, ControlRow, Follows, Identity, PropertyRow
from ubam.statistics.confounds.audit import with_controls
from ubam.statistics.confounds.correlates import WITHOUT_MEAN, follow, identity_leak
from ubam.statistics.confounds.group_differences import (
    Subjects,
    compare,
    label_permutations,
    likeness_aucs,
    of_subjects,
    rank_aucs,
    smallest_visible,
)
from ubam.statistics.confounds.new_subjects import audit_new, load_properties, save_properties
from ubam.statistics.confounds.recording_properties import RecordingProperties, recording_properties
from ubam.statistics.confounds.sentences import with_words
from ubam.tracking.cropping import build_crops


def _keys(reference: int, queries: int) -> list[tuple[str, str]]:
    return [(f"h{i}", "healthy") for i in range(reference)] + [(f"a{i}", "affected") for i in range(queries)]


def _capture(rng: np.random.Generator, count: int, **changes: object) -> RecordingProperties:
    """Recordings in places of their own, with light, size and length that differ by chance."""
    numbers = {name: rng.normal(size=count) for name in ("brightness", "size", "duration")} | {
        "frame_rate": np.full(count, 25.0)
    }
    values: dict[str, object] = {"scene": rng.uniform(0, 255, (count, 48)), "numbers": numbers, "places": {}}
    return RecordingProperties(**(values | changes))  # type: ignore[arg-type]


def _rows(seen: RecordingProperties, keys: list[tuple[str, str]]) -> dict[str, PropertyRow]:
    entry = compare(of_subjects(seen, keys), "healthy", "affected", seed=0)
    return {row.feature: row for row in entry.rows}


def test_aucs_agree_with_counting_pairs() -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.integers(0, 5, 9).astype(float), label_permutations(np.arange(9) < 4, None, 0)
    likeness = rng.normal(size=(9, 9))
    likeness += likeness.T
    fast, alike = rank_aucs(values, labels), likeness_aucs(likeness, labels)
    for row in range(0, len(labels), 17):
        query, other = np.flatnonzero(labels[row]), np.flatnonzero(~labels[row])
        pairs = [(values[q] > values[o]) + 0.5 * (values[q] == values[o]) for q in query for o in other]
        assert fast[row] == pytest.approx(np.mean(pairs))
        lean = [
            np.mean([likeness[i, j] for j in query if j != i]) - np.mean([likeness[i, j] for j in other if j != i])
            for i in range(9)
        ]
        assert alike[row] == pytest.approx(np.mean([lean[q] > lean[o] for q in query for o in other]))


def test_every_arrangement_once_with_the_observed_one_first() -> None:
    observed = np.array([True, False, True, False, False, False])
    labels = label_permutations(observed, None, 0)
    assert np.array_equal(labels[0], observed)
    assert len(np.unique(labels, axis=0)) == len(labels) == comb(6, 2)
    paired = label_permutations(np.array([False, False, False, True, True, True]), np.array([3, 4, 5, 0, 1, 2]), 0)
    assert len(np.unique(paired, axis=0)) == len(paired) == 8
    assert (paired[:, :3] ^ paired[:, 3:]).all()
    assert np.array_equal(paired[0], [False, False, False, True, True, True])
    many = label_permutations(np.arange(40) < 20, None, 1)
    assert len(many) == 2000
    assert (many.sum(1) == 20).all()


def test_groups_filmed_in_their_own_cages_are_told_apart_by_the_background() -> None:
    rng = np.random.default_rng(1)
    keys = _keys(8, 8)
    cages = rng.uniform(0, 255, (4, 48))
    own = cages[[0, 1] * 4 + [2, 3] * 4] + rng.normal(0, 2, (16, 48))
    shared = cages[[0, 1, 2, 3] * 4] + rng.normal(0, 2, (16, 48))
    assert _rows(_capture(rng, 16, scene=own), keys)["background"].verdict == "apart"
    assert _rows(_capture(rng, 16, scene=own), keys)["background"].auc == 1.0
    assert _rows(_capture(rng, 16, scene=shared), keys)["background"].verdict == "no sign"
    entry = compare(of_subjects(_capture(rng, 16, scene=own), keys), "healthy", "affected", 0)
    words = with_words([entry], Follows(), Identity(refused="x"), {}).warnings
    assert "The background alone separates the groups healthy and affected (AUC 1.00" in words[0]
    assert "this result may be about the cage" in words[0]


def test_groups_that_face_opposite_sides_are_told_once(tmp_path: Path) -> None:
    rng, plain = np.random.default_rng(11), {"direction": ["The subjects of affected face left."]}
    seen = _capture(rng, 12, numbers={"direction": np.repeat([1.0, -1.0], 6)})
    entry = compare(of_subjects(seen, _keys(6, 6)), "healthy", "affected", 0)
    assert next(row for row in entry.rows if row.feature == "direction").verdict == "apart"
    assert with_words([entry], Follows(), Identity(refused="x"), plain).warnings == plain["direction"]
    save_properties(tmp_path, seen.only(range(6)), [f"h{i}" for i in range(6)])
    kept = load_properties(tmp_path)
    told = audit_new(seen.only([6]), [("new", "g")], kept).warnings
    assert any(words.startswith("new (g) faces left, those of the reference right:") for words in told)
    assert not any("the side that the subject faces" in words for words in told)
    older = RecordingProperties(seen.scene, {}, {})
    assert audit_new(older.only([6]), [("new", "g")], kept).against[0].rows  # what only one of them has is left out


def test_sessions_and_cameras_of_their_own_are_told() -> None:
    rng = np.random.default_rng(2)
    places = {"site": ["north"] * 7 + ["south"] * 6, "camera": ["a", "b"] * 6 + ["a"]}
    rows = _rows(_capture(rng, 13, places=places), _keys(7, 6))
    assert rows["site"].verdict == "apart"
    assert rows["camera"].verdict == "no sign"


def test_where_nothing_differs_five_percent_of_studies_are_warned() -> None:
    rng, found, studies = np.random.default_rng(3), 0, 200
    for _ in range(studies):
        rows = _rows(_capture(rng, 10), _keys(5, 5))
        found += any(row.verdict == "apart" for row in rows.values())
    assert found <= 0.05 * studies + 3 * np.sqrt(0.05 * 0.95 * studies)


def test_p_is_uniform_on_its_grid_for_one_property() -> None:
    rng, p = np.random.default_rng(4), []
    for _ in range(250):
        rows = _rows(_capture(rng, 9), _keys(5, 4))
        p.append([rows["background"].p, rows["brightness"].p])
    for level in (0.1, 0.3, 0.6):
        share = np.mean(np.array(p) <= level, axis=0)
        assert (share <= level + 0.07).all()
        assert (share >= level - 0.09).all()  # the grid is coarse: 126 arrangements


def test_few_subjects_leave_a_doubt_and_say_what_cannot_be_seen() -> None:
    rng = np.random.default_rng(5)
    numbers = {"brightness": np.array([1.0, 2, 3, 11, 12, 13])}
    entry = compare(of_subjects(_capture(rng, 6, numbers=numbers), _keys(3, 3)), "healthy", "affected", 0)
    row = next(row for row in entry.rows if row.feature == "brightness")
    assert row.p == pytest.approx(2 / 20)
    assert row.verdict == "possible"
    assert entry.smallest_visible_auc is None
    found = with_words([entry], Follows(), Identity(refused="x"), {})
    assert "could give p < 0.05 even if it separated them completely" in found.unknown[0]
    alone = compare(of_subjects(_capture(rng, 4), _keys(3, 1)), "healthy", "affected", 0)
    assert "a group of one subject" in alone.refused


def test_what_is_the_same_for_all_or_unread_is_not_tested() -> None:
    rng = np.random.default_rng(6)
    numbers = {"frame_rate": np.full(10, 25.0), "looks": np.r_[np.nan, rng.normal(size=9)]}
    rows = _rows(_capture(rng, 10, numbers=numbers, scene=np.zeros((10, 48))), _keys(5, 5))
    assert [rows[name].verdict for name in ("frame_rate", "background", "looks")] == ["same", "same", "refused"]


def test_the_same_subjects_before_and_after_swap_their_labels() -> None:
    rng = np.random.default_rng(7)
    names = [f"s{i}" for i in range(8)]
    keys = [(name, "healthy") for name in names] + [(name, "affected") for name in names]
    light = rng.normal(0, 10, 8)
    numbers = {"brightness": np.r_[light, light + 0.5], "size": np.r_[light, light + rng.normal(0, 0.1, 8)]}
    entry = compare(of_subjects(_capture(rng, 16, numbers=numbers), keys), "healthy", "affected", 0)
    assert entry.paired
    assert entry.arrangements == 256
    rows = {row.feature: row for row in entry.rows}
    assert rows["brightness"].p < 0.02 < rows["size"].p


def test_the_smallest_visible_separation_is_the_edge_of_the_rank_test() -> None:
    assert smallest_visible(label_permutations(np.arange(6) < 3, None, 0)) is None
    edge = smallest_visible(label_permutations(np.arange(8) < 4, None, 0))
    assert edge == pytest.approx(1.0)  # 4 + 4: complete separation alone has p = 2/70
    sizes = [smallest_visible(label_permutations(np.arange(2 * n) < n, None, 0)) or 2 for n in (4, 5, 6, 7)]
    assert all(a >= b for a, b in pairwise(sizes))


def test_a_deviation_that_follows_the_light_is_found_within_groups_only() -> None:
    rng = np.random.default_rng(8)
    keys, light = _keys(12, 10), rng.normal(size=22)
    subjects = Subjects(tuple(keys), {}, {"brightness": light, "size": np.r_[np.zeros(12), np.ones(10)] + light * 0})
    entry = follow(subjects, light + rng.normal(0, 0.3, 22) + np.r_[np.zeros(12), np.full(10, 5.0)], None, 0)
    (row,) = entry.rows  # size differs between the groups alone, so there is nothing to follow
    assert row.rho > 0.8
    assert row.low < row.rho < row.high
    assert row.corrected_p < 0.01
    wrong = 0
    for seed in range(60):
        chance = Subjects(tuple(keys), {}, {"brightness": rng.normal(size=22)})
        wrong += follow(chance, rng.normal(size=22), None, seed).rows[0].p <= 0.05
    small = follow(Subjects(tuple(_keys(3, 1)), {}, {"brightness": np.arange(4.0)}), np.arange(4.0), None, 0)
    assert "3 subjects" in small.refused


def test_subjects_with_marks_of_their_own_are_recognised_and_others_are_not() -> None:
    rng = np.random.default_rng(9)
    keys = [(f"s{i // 2}", "healthy") for i in range(16)]
    sessions = ["1", "2"] * 8
    marks = rng.normal(0, 3, (8, 6))
    marked = [rng.normal(size=(40, 6)) + marks[i // 2] for i in range(16)]
    plain = [rng.normal(size=(40, 6)) for _ in range(16)]
    found = identity_leak({"postures": marked, "behaviours": plain}, keys, sessions)
    assert found.across == "recordings"
    assert found.accuracy["postures"] > 0.9
    assert abs(found.accuracy["behaviours"] - found.chance) < 0.1
    assert identity_leak({"postures": marked[:4]}, keys[:4], sessions[:4]).refused
    one_each = identity_leak({"postures": marked[::2]}, keys[::2], [""] * 8)
    assert one_each.across == "halves"
    turned = [rows @ np.diag(1 + 9 * (np.arange(6) == i // 2 % 6)) for i, rows in enumerate(plain)]
    ways = {WITHOUT_MEAN: [rows - rows.mean(0) for rows in turned]}  # each has a way of moving and no place of its own
    assert identity_leak(ways, keys, sessions).accuracy[WITHOUT_MEAN] > 3 / 8
    unmarked = {WITHOUT_MEAN: [rows - rows.mean(0) for rows in plain]}
    assert abs(identity_leak(unmarked, keys, sessions).accuracy[WITHOUT_MEAN] - found.chance) < 0.1
    constant = identity_leak({"postures": [np.zeros((40, 6))] * 16}, keys, sessions)
    assert constant.refused


def test_several_recordings_of_a_subject_count_once() -> None:
    rng = np.random.default_rng(10)
    keys = [("h0", "healthy")] * 20 + [("h1", "healthy"), ("a0", "affected"), ("a1", "affected")]
    subjects = of_subjects(_capture(rng, len(keys)), keys)
    assert len(subjects.keys) == 4
    entry = compare(subjects, "healthy", "affected", 0)
    assert entry.n == {"healthy": 2, "affected": 2}
    assert min(row.p for row in entry.rows if row.p is not None) >= 1 / 6


@pytest.mark.slow
@pytest.mark.parametrize("dark_and_light", [True, False])
def test_rendered_groups_in_other_light_are_told_apart_without_the_subject(
    dark_and_light: bool, tmp_path: Path
) -> None:
    study = read_study(synthesise_study(tmp_path, StudySpec(subjects=11, seconds=0.6, null=dark_and_light, seed=5)))
    stores = [build_crops(r, tmp_path / "crops" / r.recording_id) for r in study.recordings]
    found = recording_properties(study.recordings, stores)
    keys = [(r.subject, r.group) for r in study.recordings]
    entry = compare(of_subjects(found, keys), "healthy", "impaired", seed=0)
    rows = {row.feature: row for row in entry.rows}
    told = [name for name in ("background", "brightness") if rows[name].verdict == "apart"]
    assert bool(told) == dark_and_light
    assert rows["frame_rate"].verdict == rows["resolution"].verdict == rows["direction"].verdict == "same"
    assert np.isfinite(found.numbers["looks"]).all()


def test_a_new_subject_in_another_light_or_cage_is_told_and_one_like_the_reference_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    wall = rng.uniform(0, 255, 48)
    known = [f"h{n // 2}" for n in range(12)]
    there = _capture(
        rng, 12, scene=wall + rng.normal(0, 2, (12, 48)), places={"cage": ["A", "B"] * 6, "camera": ["one"] * 12}
    )
    assert load_properties(tmp_path) is None
    assert "earlier version" in audit_new(there, [("new", "g")] * 12, None).unknown[0]
    save_properties(tmp_path, there, known)
    kept = load_properties(tmp_path)
    assert kept is not None
    frozen, subjects = kept
    assert subjects == known
    assert np.array_equal(frozen.scene, there.scene)
    usual = frozen.only([0, 1])
    told = audit_new(usual, [("new", "g"), ("new", "g")], kept)
    assert told.warnings == []
    assert {row.verdict for row in told.against[0].rows} == {"usual"}
    numbers = {name: values.copy() for name, values in usual.numbers.items()}
    numbers["brightness"] += 9.0
    numbers["frame_rate"] += 5.0
    odd = RecordingProperties(rng.uniform(0, 255, (2, 48)), numbers, {"cage": ["C", "C"], "camera": ["one", "one"]})
    rows = {row.feature: row for row in audit_new(odd, [("new", "g")] * 2, kept).against[0].rows}
    outside = {name for name, row in rows.items() if row.verdict == "outside"}
    assert outside == {"background", "brightness", "frame_rate", "cage"}
    assert "may be about the light or the exposure" in rows["brightness"].words
    again = audit_new(frozen.only([0, 1]), [("h0", "g")] * 2, kept).against[0].rows
    size = next(row for row in again if row.feature == "size")
    others = [frozen.numbers["size"][[2 * n, 2 * n + 1]].mean() for n in range(1, 6)]
    assert (size.low, size.high) == pytest.approx((min(others), max(others)))
    (tmp_path / "capture.npz").write_bytes(b"x")
    with pytest.raises(ModelError, match="copy the folder"):
        load_properties(tmp_path)


@pytest.mark.parametrize(
    ("ours", "control", "visible", "told"),
    [
        (0.95, 0.93, 0.86, True),
        (0.95, 0.80, 0.86, False),  # the control does less well
        (0.25, 0.75, 0.86, False),  # "separated about as well by the empty scene (AUC 0.75) as by ubam (AUC 0.25)"
        (0.80, 0.90, 0.86, False),  # no more than chance gives groups of these sizes
        (1.00, 1.00, None, False),  # too few subjects for any p
    ],
)
def test_a_control_is_compared_only_where_ubam_itself_finds_something(
    ours: float, control: float, visible: float | None, told: bool
) -> None:
    controls = [ControlRow("ubam", ours), ControlRow("background", control, 0.2)]
    entry = Comparison(["healthy", "affected"], {"healthy": 7, "affected": 5}, controls=controls)
    entry = replace(entry, smallest_visible_auc=visible, smallest_p=0.01)
    found = with_words([entry], Follows(), Identity(refused="x"), {})
    assert any("about as well" in words for words in found.warnings) == told


def test_one_subject_against_one_has_no_auc() -> None:
    scored: Any = SimpleNamespace(
        subjects=[
            SimpleNamespace(group=group, deviation=value) for group, value in (("healthy", 1.0), ("affected", 2.0))
        ]
    )
    entry = Comparison(["healthy", "affected"], refused="a group of one subject")
    both = with_controls(entry, scored, {"pixel": scored}, 0)
    assert both.controls == []
