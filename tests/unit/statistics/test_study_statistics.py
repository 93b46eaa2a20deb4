import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ubam.core.errors import StudyError
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import score_study
from ubam.encoding.study_encoder import movement_of, unmoving, unusable
from ubam.evaluation.synthetic.embeddings import groups_study, paired_study, recovery_study
from ubam.recordings.study_table import Recording
from ubam.results.records.motifs import UsageRow
from ubam.results.records.scores import WindowRow
from ubam.results.records.tests import GroupCount
from ubam.statistics.blocks import find_blocks
from ubam.statistics.study_statistics import (
    Inference,
    Question,
    distance_rows,
    session_rows,
    study_statistics,
    usage_of,
)


def recordings_of(codes: list[PostureSeries], **columns: Mapping[str, Any]) -> list[Recording]:
    """The rows of a study; columns: by name the value of each recording or subject."""
    extra = [name for name in columns if name not in ("day", "dose", "session")]
    return [
        Recording(
            code.recording_id, 2, Path("a.mp4"), code.subject, code.group,
            **{name: values[code.recording_id] for name, values in columns.items() if name not in extra},
            extra={name: str(columns[name].get(code.subject, "")) for name in extra},
        )
        for code in codes
    ]  # fmt: skip


def describe(
    codes: list[PostureSeries], reference: str | None, block: str | None = None, **columns: Mapping[str, Any]
) -> Inference:
    scores = score_study(codes, reference, intervals=False)
    windows = [
        WindowRow(code.recording_id, code.subject, code.group, start, start + 0.3, 1.0 + start)
        for code in codes
        for start in (0.0, 1.0)
    ]
    rng = np.random.default_rng(0)
    usage = {(code.subject, code.group): rng.dirichlet([3, 2]) for code in codes}
    recordings = recordings_of(codes, **columns)
    return study_statistics(recordings, codes, scores, {"pixel": scores}, windows, usage, Question(reference, 0, block))


def kinds(inference: Inference) -> list[str]:
    return [row.kind for row in inference.statistics.tests]


def test_two_groups_have_every_test_once_and_all_of_it_can_be_written(tmp_path: Path) -> None:
    found = describe(
        groups_study(0, {"healthy": 5, "lesion": 4}, {"lesion": 1.5}, recordings=2, seconds=2.4), "healthy"
    )
    assert kinds(found) == ["two groups", "time course", "motif usage", "classifier"]
    assert all(row.correction_p >= row.p >= row.smallest_p for row in found.statistics.tests)
    assert found.statistics.counts["healthy"] == GroupCount(5, 10, 20, 13.0)
    assert found.statistics.power[0].smallest_g > 1
    assert found.statistics.mutual is None
    assert found.statistics.notes == []
    assert set(found.statistics.controls) == {"ubam", "pixel"}
    found.statistics.write(tmp_path / "statistics.json")
    assert json.loads((tmp_path / "statistics.json").read_text())["format"] == 2
    rows, columns = distance_rows(found)
    assert len(rows) == len(columns) - 2 == 9
    assert rows[0]["healthy0"] == 0


def test_the_same_study_gives_the_same_numbers(tmp_path: Path) -> None:
    codes = groups_study(1, {"healthy": 5, "lesion": 4}, {}, seconds=2.4)
    written = []
    for name in ("one", "two"):
        describe(codes, "healthy").statistics.write(tmp_path / name)
        written.append((tmp_path / name).read_text())
    assert written[0] == written[1]


def test_all_subjects_in_one_group() -> None:
    found = describe(groups_study(2, {"healthy": 5}, {}, seconds=2.4), "healthy").statistics
    assert found.tests == []
    assert "All subjects are in one group (healthy)" in found.notes[0]
    assert found.classifier is None


def test_a_group_of_one_and_a_reference_of_one() -> None:
    found = describe(groups_study(3, {"healthy": 5, "lesion": 1}, {"lesion": 2.0}, seconds=2.4), "healthy").statistics
    assert found.tests[0].p == pytest.approx(2 / 6)
    assert any("lesion has one subject" in note for note in found.notes)
    assert any("Classifier" in note and "not tested" in note for note in found.notes)
    alone = describe(groups_study(3, {"healthy": 1, "lesion": 5}, {}, seconds=2.4), "healthy").statistics
    assert "healthy has 1 subject" in alone.tests[0].refused
    assert all(row.p is None for row in alone.tests)


def test_subjects_in_both_groups_are_before_and_after_and_it_is_said() -> None:
    found = describe(paired_study(0, 5, 1.0), "before").statistics
    assert found.tests[0].kind == "paired"
    assert found.design.paired == [["before", "after"]]
    assert any("hold the same subjects" in note for note in found.notes)


def test_days_give_curves_and_missing_ones_are_named() -> None:
    codes, day_of = recovery_study(0, 3, 3, (1, 7, 28), 1.5, 1.0)
    codes = [replace(code, posture=code.posture[:60]) for code in codes if code.recording_id != "query1_day7"]
    found = describe(codes, "reference", day=day_of)
    assert {"slope", "slopes differ"} <= set(kinds(found))
    assert found.statistics.design.repeated.column == "day"
    assert [curve.group for curve in found.statistics.curves] == ["reference", "query"]
    assert any("query1 lacks day 7" in note for note in found.statistics.notes)
    rows = session_rows(found.sessions, [])
    assert len(rows) == 17
    assert {"subject", "day", "deviation_low"} <= set(rows[0])


def test_cages_that_are_the_groups_refuse_their_tests_and_the_rest_is_made() -> None:
    codes = groups_study(4, {"healthy": 4, "lesion": 4}, {"lesion": 2.0}, seconds=2.4)
    cages = {code.subject: code.group for code in codes}
    found = describe(codes, "healthy", "cage", cage=cages).statistics
    assert "cage and group cannot be separated" in found.tests[0].refused
    assert any("cannot be separated" in note for note in found.notes)
    assert found.design.block.use == "ignored"
    assert len(found.classifier.subjects) == 8
    assert found.classifier.p is None


def test_without_a_reference_every_subject_is_ranked() -> None:
    codes = groups_study(5, {"a": 4, "b": 1}, {"b": 3.0}, seconds=2.4)
    found = describe(codes, None).statistics
    assert found.mutual.subjects[0].subject == "b0"
    assert found.mutual.subjects[0].windows[0].deviation == 2.0
    assert found.controls == {}


def test_blocks_come_from_their_column_or_are_asked_for() -> None:
    codes = groups_study(6, {"a": 2, "b": 2}, {}, seconds=2.4)
    cages = {"a0": "1", "a1": "2", "b0": "1", "b1": "2"}
    blocks, notes = find_blocks(recordings_of(codes, block=cages), None)
    assert blocks is not None
    assert blocks.of == cages
    assert find_blocks(recordings_of(codes, cage=cages), None)[0] is None
    assert "--block cage" in find_blocks(recordings_of(codes, cage=cages), None)[1][0]
    blocks, notes = find_blocks(recordings_of(codes, cage=cages | {"a0": ""}), "cage")
    assert blocks is None
    assert "a0 has an empty cell" in notes[0]
    with pytest.raises(StudyError, match="has no such column, only cage"):
        find_blocks(recordings_of(codes, cage=cages), "litter")


def test_postures_that_are_no_numbers_or_never_change_are_named() -> None:
    rng = np.random.default_rng(0)
    assert list(unusable({"good": 1.0, "bad": 0.0})) == ["bad"]
    assert "100%" in unusable({"good": 1.0, "bad": 0.0})["bad"]
    postures = {"good": rng.normal(size=(20, 3)), "still": np.ones((20, 3)), "other": rng.normal(size=(20, 3))}
    movement = {name: movement_of(posture) for name, posture in postures.items()}
    assert unmoving(movement)[0].startswith("still: the posture is the same")
    assert "no score here says anything" in unmoving({"still": movement["still"]})[0]


def test_usage_is_read_from_its_rows() -> None:
    rows = [UsageRow("a", "g", motif, share, 1, 1.0) for motif, share in ((1, 0.25), (2, 0.75))]
    np.testing.assert_allclose(usage_of(rows)["a", "g"], [0.25, 0.75])


def test_postures_that_are_all_the_same_give_numbers_and_no_discovery() -> None:
    codes = groups_study(7, {"healthy": 4, "lesion": 4}, {}, seconds=2.4)
    codes = [replace(code, posture=np.ones_like(code.posture)) for code in codes]
    found = describe(codes, "healthy").statistics
    assert all(row.p > 0.05 for row in found.tests if row.kind != "motif usage")
    assert all(np.isfinite(row.statistic) for row in found.tests)
