"""A run makes a table again that is not what it was, and nothing else; where it cannot, it says so."""

import shutil
from pathlib import Path

import pytest

from tests.support.command_line import call
from ubam.pipeline import runner

pytestmark = pytest.mark.usefixtures("tiny_preset", "known_crops")


@pytest.mark.parametrize("name", ["deviation/subjects.csv", "recordings.csv"])
def test_a_table_with_a_changed_digit_is_made_again(
    name: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    for stage in ("train", "generator", "magnify"):
        monkeypatch.setitem(runner.WORK, stage, lambda job: pytest.fail("more was done than the table needs"))
    whole = {path: path.read_bytes() for path in copy.rglob("*.csv")}
    (copy / name).write_bytes(whole[copy / name].replace(b"1", b"2"))
    assert call("magnify", copy, "--workers", 1) == 0
    assert {path: path.read_bytes() for path in whole} == whole


def test_a_table_that_cannot_be_made_again_is_refused(
    run: Path, study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, moved = tmp_path / "run", tmp_path / "study"
    shutil.copytree(run, copy)
    shutil.copytree(study.parent, moved)
    (copy / "recordings.csv").write_bytes((copy / "recordings.csv").read_bytes().replace(b"1", b"2"))
    (moved / "human01.mp4").unlink()
    assert call("report", copy, "--study", moved / study.name) == 2
    assert "human01.mp4" in capsys.readouterr().err
