"""Recordings are cropped longest first, and told in the order of the study."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ubam.core.files import write_csv
from ubam.pipeline.recording_stages import make_crops
from ubam.results.run_folder import RunFolder


class Checked:
    """A job whose recordings were checked; it notes in which order they are worked on."""

    def __init__(self, folder: Path, frames: dict[str, str]) -> None:
        self.files, self.order = RunFolder(folder), list[str]()
        self.rows = [{"recording_id": name, "frames_decoded": count} for name, count in frames.items()]
        write_csv(self.files.recordings_csv, self.rows, list(self.rows[0]))

    def read_verdicts(self) -> list[dict[str, str]]:
        return self.rows

    def light(self) -> "Checked":
        return self

    def each(self, stage: str, work: Any, items: list[Any]) -> Iterator[tuple[Any, str]]:
        for item in items:
            self.order.append(item.recording_id)
            yield item, f"crops of {item.recording_id}"


def test_the_longest_recording_is_cropped_first_and_one_of_unknown_length_last(tmp_path: Path) -> None:
    job: Any = Checked(tmp_path, {"short": "90", "long": "900", "unknown": "", "middle": "300"})
    recordings: list[Any] = [SimpleNamespace(recording_id=name) for name in ("short", "unknown", "long", "middle")]
    made = make_crops(job, recordings)
    assert job.order == ["long", "middle", "short", "unknown"]
    assert [name for name, _ in made] == ["short", "unknown", "long", "middle"]
