"""What a run folder holds, read for the report: any file or field may be missing, and the rest is still read."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ubam.core.files import read_csv
from ubam.results.records.codec import number
from ubam.results.records.run import RunFacts
from ubam.results.records.scores import ScoreRow
from ubam.results.records.study import AgainstReference, Statistics
from ubam.results.run_folder import RunFolder
from ubam.results.run_tables import refuse_damaged


@dataclass(frozen=True)
class Timeline:
    """The windows of one recording: start and end (s) and deviation, each [W]."""

    start: np.ndarray
    end: np.ndarray
    deviation: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """The middle of each window (s), [W]."""
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class RunData:
    """Everything of a run folder that the report shows, except pictures and clips, which are read when needed."""

    folder: Path
    record: RunFacts
    recordings: list[dict[str, str]]
    subjects: list[ScoreRow]
    by_recording: dict[str, ScoreRow]
    timelines: dict[str, Timeline]
    statistics: Statistics
    reference: str | None
    damaged: list[str] = field(default_factory=list)

    @property
    def files(self) -> RunFolder:
        """The paths in the run folder."""
        return RunFolder(self.folder)

    @property
    def frozen(self) -> AgainstReference | None:
        """The frozen reference that a run scored new subjects by; None for any other run."""
        return self.statistics.against

    @property
    def reference_here(self) -> str | None:
        """The reference group where its subjects are in this run: a new subject is never one of a frozen reference."""
        return None if self.frozen else self.reference

    @property
    def reference_count(self) -> int:
        """How many subjects the reference has that could be scored, in this run or in the frozen one."""
        if self.frozen:
            return self.frozen.n
        return sum(score.deviation is not None for score in self.references)

    @property
    def queries(self) -> list[ScoreRow]:
        """The subjects outside the reference group (all, without one in this run), most deviant first."""
        here = self.reference_here
        chosen = [score for score in self.subjects if here is None or score.group != here]
        return sorted(chosen, key=lambda score: -np.inf if score.deviation is None else score.deviation, reverse=True)

    @property
    def references(self) -> list[ScoreRow]:
        """The subjects of the reference group, in the order of the study; none where the reference is a frozen one."""
        here = self.reference_here
        return [score for score in self.subjects if here is not None and score.group == here]

    @property
    def groups(self) -> list[str]:
        """All groups in the order of the study, those with failed recordings only included."""
        named = [row.get("group", "") for row in self.recordings] + [score.group for score in self.subjects]
        return list(dict.fromkeys(group for group in named if group))

    def recordings_of(self, subject: str, group: str) -> list[ScoreRow]:
        """The scored recordings of a subject in a group (it may be in two, before and after), most deviant first."""
        scores = [score for score in self.by_recording.values() if (score.subject, score.group) == (subject, group)]
        return sorted(scores, key=lambda score: -np.inf if score.deviation is None else score.deviation, reverse=True)

    def row(self, recording_id: str) -> dict[str, str]:
        """The row of recordings.csv, or an empty one."""
        return next((row for row in self.recordings if row.get("recording_id") == recording_id), {})

    def normal(self, name: str) -> list[float]:
        """The reference subjects' own `deviation`, `static` or `dynamic`, of this run or of the frozen reference."""
        if self.frozen:
            return self.frozen.usual.get(name, [])
        return [value for score in self.references if (value := getattr(score, name)) is not None]

    def usual(self) -> tuple[float, float] | None:
        """The range, from the 5th to the 95th percentile, of the windows of reference recordings; None without any."""
        if self.frozen:
            ends = self.normal("windows")
            return (ends[0], ends[1]) if len(ends) == 2 else None
        names = {score.recording_id for score in self.by_recording.values() if score.group == self.reference}
        mine = [line for name, line in self.timelines.items() if name in names]
        values = np.concatenate([line.deviation for line in mine]) if mine else np.empty(0)
        values = values[np.isfinite(values)]
        return (float(np.percentile(values, 5)), float(np.percentile(values, 95))) if len(values) else None


def read_run(folder: Path) -> RunData:
    """Read a run folder; files that are missing count as empty, unreadable ones too, and are named in `damaged`.

    RunError where a table is not what the run wrote.
    """
    refuse_damaged(folder)
    damaged: list[str] = []
    files = RunFolder(folder)
    record = RunFacts.from_json(_json(files.run_json, damaged))
    statistics = Statistics.from_json(_json(files.statistics_json, damaged))
    recordings = _csv(files.recordings_csv, damaged)
    by_recording = [ScoreRow.from_row(row) for row in _csv(files.scores("recordings"), damaged)]
    return RunData(
        folder=folder,
        record=record,
        recordings=recordings,
        subjects=[ScoreRow.from_row(row) for row in _csv(files.scores("subjects"), damaged)],
        by_recording={score.recording_id: score for score in by_recording},
        timelines=_timelines(_csv(files.scores("windows"), damaged)),
        statistics=statistics,
        reference=record.reference or statistics.reference or None,
        damaged=damaged,
    )


def arrays_if_there(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz, or none when the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return {}


def read_facts(path: Path) -> dict[str, object]:
    """The object in a JSON file, or an empty one when it is missing or damaged."""
    return _json(path, [])


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV, or none when it is missing or damaged."""
    return _csv(path, [])


def _timelines(rows: list[dict[str, str]]) -> dict[str, Timeline]:
    values: dict[str, list[list[float]]] = {}
    for row in rows:
        cells = [number(row.get(name)) for name in ("t_start_s", "t_end_s", "deviation")]
        if cells[0] is not None and cells[1] is not None:
            line = [np.nan if cell is None else cell for cell in cells]
            values.setdefault(row.get("recording_id", ""), []).append(line)
    return {name: Timeline(*np.asarray(sorted(lines), dtype=float).T) for name, lines in values.items()}


def _json(path: Path, damaged: list[str]) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        damaged.append(path.name)
        return {}
    return value if isinstance(value, dict) else {}


def _csv(path: Path, damaged: list[str]) -> list[dict[str, str]]:
    if not path.exists():
        return []
    try:
        rows = read_csv(path)
        return [{name: cell or "" for name, cell in row.items()} if None in row.values() else row for row in rows]
    except (OSError, ValueError, UnicodeDecodeError):
        damaged.append(path.name)
        return []
