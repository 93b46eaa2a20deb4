"""A study in shards, as an array of jobs does it: each crops its share, and one run finishes them all."""

from pathlib import Path

import pytest

from tests.support.command_line import call
from ubam.core.files import read_csv, write_csv

pytestmark = pytest.mark.usefixtures("tiny_preset", "plain_eye")


def test_shards_crop_their_share_and_the_run_finishes_them(
    study: Path, tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_csv(study)
    for row in rows:
        row["video"] = str(study.parent / row["video"])
    (tmp_path / "cut.mp4").write_bytes((study.parent / "human01.mp4").read_bytes()[:3000])
    names = [Path(row["video"]).stem for row in rows]
    write_csv(tmp_path / "study.csv", [*rows, rows[0] | {"video": "cut.mp4", "subject": "x"}], list(rows[0]))
    how = ("--preset", "quick", "--workers", 1)
    words = ("run", tmp_path / "study.csv", "--out", tmp_path / "run", *how)
    kept: dict[Path, int] = {}
    for shard, share, code in (("1/2", names[0::2], 0), ("2/2", names[1::2], 2)):  # the sixth row is the film cut short
        assert call(*words, "--shard", shard) == code
        made = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "crops").glob("*/store.json")}
        assert {path.parent.name for path in made.keys() - kept.keys()} == set(share)
        assert kept.items() <= made.items()
        kept = made
    assert "1 of 3 recordings failed:\n  cut: " in capsys.readouterr().err
    assert call("score", tmp_path / "run", "--study", tmp_path / "study.csv", *how) == 2
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert [row["status"] for row in read_csv(tmp_path / "run" / "recordings.csv")] == ["ok"] * 5 + ["failed"]
    for name in ("deviation/subjects.csv", *(f"embeddings/{name}.npz" for name in names)):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes(), name
    assert call(*words, "--shard", "3/2") == 2
