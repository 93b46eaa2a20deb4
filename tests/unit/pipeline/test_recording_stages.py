"""Recordings are cropped longest first, and told in the order of the study; progress is told within them, too."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ubam.core.files import read_csv, write_csv
from ubam.pipeline.recording_stages import VERDICT_COLUMNS, make_crops
from ubam.pipeline.shares import forget, shares, sharing
from ubam.recordings.validation import Verdict
from ubam.results.run_folder import RunFolder


class Checked:
    """A job whose recordings were checked; it notes in which order they are worked on."""

    def __init__(self, folder: Path, frames: dict[str, int | None]) -> None:
        self.files, self.order = RunFolder(folder), list[str]()
        self.told: list[tuple[int, int]] = []
        verdicts = [
            Verdict(name, "s", "g") if count is None else Verdict(name, "s", "g", fps=25, duration_s=count / 25)
            for name, count in frames.items()
        ]
        write_csv(self.files.recordings_csv, [one.to_json() for one in verdicts], ["recording_id", *VERDICT_COLUMNS])

    def read_verdicts(self) -> list[dict[str, str]]:
        return read_csv(self.files.recordings_csv)

    def light(self) -> "Checked":
        return self

    def each(self, stage: str, work: Any, items: list[Any], meanwhile: Any = None) -> Iterator[tuple[Any, str]]:
        for item in items:
            self.order.append(item.recording_id)
            with sharing(self.files.crops(item.recording_id).path) as tell:
                tell(1, 2)
                meanwhile()
            yield item, f"crops of {item.recording_id}"

    def progress(self, stage: str, done: int, total: int) -> None:
        assert stage == "crops"
        self.told.append((done, total))


def test_the_longest_recording_is_cropped_first_and_one_of_unknown_length_last(tmp_path: Path) -> None:
    job: Any = Checked(tmp_path, {"short": 90, "long": 900, "unknown": None, "middle": 300})
    recordings: list[Any] = [SimpleNamespace(recording_id=name) for name in ("short", "unknown", "long", "middle")]
    made = make_crops(job, recordings)
    assert job.order == ["long", "middle", "short", "unknown"]
    assert [name for name, _ in made] == ["short", "unknown", "long", "middle"]


def test_progress_counts_frames_within_recordings_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ubam.pipeline.shares.EVERY_S", 0)
    job: Any = Checked(tmp_path, {"short": 90, "long": 900})
    job.files.crops_folder.mkdir()
    make_crops(job, [SimpleNamespace(recording_id=name) for name in ("short", "long")])  # type: ignore[misc]
    assert job.told == [(450, 990), (900, 990), (945, 990), (990, 990)]
    assert list(job.files.crops_folder.iterdir()) == []


def test_what_a_killed_worker_left_of_its_share_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".killed.share").write_text("0.9")
    forget(tmp_path / "killed")
    forget(tmp_path / "never begun")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_of_a_share_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / ".begun.share").write_text("")
    (tmp_path / ".odd.name.share").write_text("0.5")
    assert shares(tmp_path) == {"odd.name": 0.5}
    assert shares(tmp_path / "not there") == {}
