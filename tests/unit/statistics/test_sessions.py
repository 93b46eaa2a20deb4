from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from ubam.deviation.scores import score_study
from ubam.evaluation.synthetic.embeddings import recovery_study
from ubam.recordings.study_table import Recording
from ubam.statistics.blocks import Blocks
from ubam.statistics.sessions import Session, repeated_columns, score_sessions
from ubam.statistics.slopes import compare_sessions, slope, slopes_under


def session(subject: str, group: str, day: float | None, deviation: float, name: str = "") -> Session:
    names = (f"{subject}_{day}{name}",)
    return Session(subject, group, name, day, None, names, deviation, deviation, deviation, 0.5, 0.5)


def over_days(group: str, slopes: list[float], days: list[float]) -> list[Session]:
    rng = np.random.default_rng(0)
    return [
        session(f"{group}{number}", group, day, 2 + rising * day + 0.01 * rng.normal())
        for number, rising in enumerate(slopes)
        for day in days
    ]


def test_slopes_under_every_order_of_the_days_against_loops() -> None:
    curves = [(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])), (np.array([1.0, 4.0]), np.array([5.0, 1.0]))]
    found, exact = slopes_under(curves, 0)
    expected = [
        (slope(curves[0][0], np.array(first)) + slope(curves[1][0], np.array(second))) / 2
        for first, second in product(permutations(curves[0][1]), permutations(curves[1][1]))
    ]
    assert exact
    assert found[0] == pytest.approx(expected[0])
    np.testing.assert_allclose(np.sort(found), np.sort(expected))
    many, exact = slopes_under([curves[0]] * 6, 0)
    assert not exact
    assert len(many) == 2000
    assert many[0] == pytest.approx(slope(*curves[0]))


def test_a_group_that_recovers_has_a_slope_and_differs_from_one_that_does_not() -> None:
    days = [1.0, 7.0, 14.0, 28.0]
    sessions = over_days("healthy", [0.0, 0.001, -0.001, 0.0], days)
    sessions += over_days("lesion", [-0.05, -0.04, -0.06, -0.05], days)
    rows, curves = compare_sessions(sessions, ["day"], "healthy", 0)
    by_kind = {(row.kind, *(row.groups or [])): row for row in rows}
    lesion = by_kind["slope", "lesion"]
    assert lesion.p < 0.01
    assert lesion.effect.low <= lesion.effect.value == pytest.approx(-0.05, abs=0.002)
    assert by_kind["slope", "healthy"].p > 0.05
    differ = by_kind["slopes differ", "healthy", "lesion"]
    assert differ.p == differ.smallest_p == pytest.approx(2 / 70)
    assert [point.x for point in curves[1].mean] == days
    assert len(curves[1].points) == 16
    assert curves[1].mean[0].deviation > curves[1].mean[-1].deviation


def test_missing_days_are_named_and_a_subject_of_one_day_gives_no_slope() -> None:
    sessions = over_days("lesion", [0.1, 0.1, 0.1], [1.0, 2.0, 3.0])
    sessions = [one for one in sessions if (one.subject, one.day) != ("lesion1", 2.0)]
    sessions = [one for one in sessions if one.subject != "lesion2" or one.day == 1.0]
    rows, curves = compare_sessions(sessions, ["day"], None, 0)
    whys = {row.subject: row.why for row in rows[0].left_out}
    assert "lacks day 2" in whys["lesion1"]
    assert "has one day only" in whys["lesion2"]
    assert rows[0].n == {"lesion": 2}
    assert {row.subject for row in curves[0].subjects} == {"lesion0", "lesion1"}


def test_two_sessions_are_before_and_after() -> None:
    sessions = [
        session(f"m{number}", "treated", None, 1.0 + number / 10 + change, name)
        for number in range(6)
        for name, change in (("pre", 0.0), ("post", 0.5))
    ]
    rows, _ = compare_sessions(sessions, ["session"], None, 0)
    assert rows[0].kind == "paired sessions"
    assert rows[0].p == 2 / 2**6
    assert rows[0].effect.value == pytest.approx(0.5)
    assert rows[0].levels == ["pre", "post"]


def test_one_subject_over_days_is_refused_but_its_curve_is_drawn() -> None:
    rows, curves = compare_sessions(over_days("lesion", [0.1], [1.0, 2.0]), ["day"], "healthy", 0)
    assert "needs at least 2" in rows[0].refused
    assert len(curves[0].points) == 2


def test_slopes_of_groups_that_are_blocks_cannot_be_told_apart() -> None:
    sessions = over_days("a", [0.1, 0.1], [1.0, 2.0]) + over_days("b", [0.2, 0.2], [1.0, 2.0])
    blocks = Blocks("site", {one.subject: one.group for one in sessions})
    rows, _ = compare_sessions(sessions, ["day"], "a", 0, blocks)
    assert "cannot be exchanged" in next(row for row in rows if row.kind == "slopes differ").refused


def test_the_columns_over_which_subjects_were_seen_again() -> None:
    def recording(subject: str, **columns: object) -> Recording:
        return Recording("", 2, Path("a.mp4"), subject, "g", **columns)  # type: ignore[arg-type]

    assert repeated_columns([recording("a", day=1.0), recording("b", day=2.0)]) == []
    assert repeated_columns([recording("a", day=1.0, session="x"), recording("a", day=2.0, session="y")]) == ["day"]
    assert repeated_columns([recording("a", session="x"), recording("a", session="y")]) == ["session"]


def test_sessions_are_scored_as_subjects_are() -> None:
    codes, day_of = recovery_study(0, 4, 2, (1, 7), 1.5, 1.0)
    codes = [replace(code, posture=code.posture[:60]) for code in codes]
    recordings = [
        Recording(code.recording_id, 2, Path("a.mp4"), code.subject, code.group, day=day_of[code.recording_id])
        for code in codes
    ]
    scores = score_study(codes, "reference", intervals=False)
    sessions = score_sessions(recordings, codes, scores, 0)
    assert len(sessions) == len(codes)
    assert all(one.low <= one.deviation <= one.high for one in sessions)
    first, last = ([one.deviation for one in sessions if one.group == "query" and one.day == day] for day in (1, 7))
    assert min(first) > max(last)
    assert score_sessions(recordings, codes, scores, 0) == sessions
