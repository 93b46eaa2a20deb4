"""What a run folder says through `ubam.open_run`: tables, arrays, figures, neighbours, and clear errors."""

from pathlib import Path

import numpy as np
import pytest

import ubam
from tests.support.run_folders import make_fake_run
from ubam.core.errors import RunError
from ubam.core.files import read_csv


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with made-up numbers: 7 healthy and 6 affected subjects, one recording failed."""
    return make_fake_run(tmp_path_factory.mktemp("runs") / "run", videos=False)


@pytest.fixture
def run(folder: Path) -> ubam.Run:
    return ubam.open_run(folder)


def test_the_tables_hold_what_the_files_hold_with_numbers_as_numbers(run: ubam.Run, folder: Path) -> None:
    written = read_csv(folder / "deviation" / "subjects.csv")
    assert run.subjects.column("subject") == [row["subject"] for row in written]
    assert run.subjects.column("deviation") == [float(row["deviation"]) for row in written]
    assert len(run.windows) == len(read_csv(folder / "deviation" / "windows.csv"))
    assert isinstance(run.windows[0]["t_start_s"], int | float)
    assert run.tests.column("p") != []
    assert run.reference == "healthy"
    assert run.warnings == ["background brightness alone separates the groups (AUC 0.81): check the light"]


def test_a_failed_recording_stands_in_the_table_with_its_reason(run: ubam.Run, folder: Path) -> None:
    assert run.recordings.column("recording_id") == [row["recording_id"] for row in read_csv(folder / "recordings.csv")]
    (failed,) = run.recordings.where(status="failed")
    assert (failed["recording_id"], failed["deviation"]) == ("h99_walk", None)
    assert "re-export it" in str(failed["reason"])
    assert all(row["deviation"] for row in run.recordings.where(status="ok"))


def test_embeddings_are_arrays_of_one_recording(run: ubam.Run) -> None:
    one = run.embeddings("a01_walk")
    assert (one.subject, one.group) == ("A01", "affected")
    assert one.fps == pytest.approx(25)
    assert one.postures.shape == (len(one.time_s), 16)
    assert one.postures.dtype == np.float32
    assert one.box.shape == (len(one.time_s), 4)
    assert len(one.behaviours) == len(one.window_start_s) == len(one.window_end_s)


def test_neighbours_are_a_table_of_other_subjects(run: ubam.Run) -> None:
    found = run.neighbours("a01_walk", 2.0, what="posture", count=3)
    assert len(found) == 3
    assert "A01" not in found.column("subject")
    assert found.column("similarity") == sorted(found.column("similarity"), reverse=True)


def test_the_figures_are_those_of_the_report(run: ubam.Run) -> None:
    from matplotlib.figure import Figure

    assert {"subjects", "groups", "timeline_a01_walk"} <= set(run.figures)
    assert isinstance(run.figure("subjects"), Figure)
    with pytest.raises(RunError, match="no figure 'subject'; it has subjects, "):
        run.figure("subject")


@pytest.mark.parametrize(
    ("name", "said"),
    [("h99_walk", "failed and has no embeddings: h99_walk.mp4 is not a video"), ("x", "no recording 'x'")],
)
def test_a_recording_without_embeddings_is_an_error_that_says_why(run: ubam.Run, name: str, said: str) -> None:
    with pytest.raises(RunError, match=said):
        run.embeddings(name)


def test_a_folder_without_a_run_and_a_run_without_scores_are_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no run \(run.json is missing\)"):
        ubam.open_run(tmp_path)
    (tmp_path / "run.json").write_text('{"stages": {}}', encoding="utf-8")
    begun = ubam.open_run(tmp_path)
    assert (begun.reference, begun.warnings) == (None, [])
    for ask in (lambda: begun.subjects, lambda: begun.report):
        with pytest.raises(RunError, match="do first: ubam"):
            ask()


def test_models_and_references_that_have_learnt_nothing_say_so(folder: Path) -> None:
    one = ubam.open_run(folder).embeddings("a01_walk")
    with pytest.raises(ubam.UbamError, match="call fit first, or load one"):
        ubam.Deviation().score(one)
    with pytest.raises(ubam.UbamError, match="call fit first, or load one"):
        ubam.Model("quick").save(folder)
    with pytest.raises(ubam.UbamError, match="The reference is empty"):
        ubam.Deviation().fit([])
    with pytest.raises(ubam.UbamError, match="no preset 'fast'"):
        ubam.Model("fast")
