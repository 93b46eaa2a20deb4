"""What an export holds: the tables of a run, with numbers as numbers, and its tests and audit as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ubam.core.errors import RunError
from ubam.results.records.codec import number, to_json
from ubam.results.records.study import Statistics
from ubam.results.records.tests import Test
from ubam.results.run_data import read_facts, read_table
from ubam.results.run_folder import RunFolder
from ubam.results.run_record import RunRecord
from ubam.results.run_tables import refuse_damaged

TEXT = (
    "recording_id", "video", "subject", "group", "session", "status", "reason", "warnings", "box", "keypoints",
    "impairment",
)  # fmt: skip
SCORES = ("subjects", "recordings", "sessions", "windows", "distances")
Row = dict[str, Any]


@dataclass(frozen=True)
class Exported:
    """A scored run: its folder, run.json, statistics.json, and its tables by name, each with its columns and rows."""

    folder: Path
    record: Mapping[str, object]
    statistics: Mapping[str, object]
    tables: Mapping[str, tuple[list[str], list[Row]]]

    @property
    def files(self) -> RunFolder:
        """The paths in the run folder."""
        return RunFolder(self.folder)

    def rows(self, name: str) -> list[Row]:
        """The rows of a table; none when the run has no such table."""
        return self.tables[name][1] if name in self.tables else []


def read_scored(folder: Path) -> Exported:
    """Read the tables of a run; RunError when `folder` holds no run, one that is not scored yet, or a damaged table."""
    record = RunRecord.open(folder).record
    files = RunFolder(folder)
    if not files.scores("subjects").is_file():
        raise RunError(f"{folder} is not scored yet; do first: ubam score {folder}")
    refuse_damaged(folder)
    statistics = read_facts(files.statistics_json)
    tables = {}
    for name, path in _paths(files).items():
        rows = read_table(path)
        if rows:
            tables[name] = (list(rows[0]), typed(rows))
    tables |= {
        name: (list(rows[0]), rows) for name, rows in _statistics_rows(Statistics.from_json(statistics)).items() if rows
    }
    return Exported(folder, dict(record), statistics, tables)


def _paths(files: RunFolder) -> dict[str, Path]:
    """The file of each table of an export."""
    motifs = {f"motif_{name}": files.motifs(name) for name in ("usage", "windows")}
    return {name: files.scores(name) for name in SCORES} | motifs | {"videos": files.recordings_csv}


def typed(rows: Sequence[Mapping[str, str]]) -> list[Row]:
    """Rows of text with numbers where a whole column is numbers; an empty cell becomes None.

    Names stay text even where they look like numbers: subject 007 is not 7.
    """
    names = [name for name in rows[0] if name not in TEXT] if rows else []
    numeric = set()
    for name in names:
        cells = [row[name] for row in rows if row.get(name)]
        if cells and all(number(cell) is not None for cell in cells):
            numeric.add(name)
    return [{name: _value(cell, name in numeric) for name, cell in row.items()} for row in rows]


def _value(cell: str, is_number: bool) -> Any:
    if not cell:
        return None
    if not is_number:
        return cell
    value = float(cell)
    return int(value) if value.is_integer() and "." not in cell and "e" not in cell.lower() else value


def _statistics_rows(statistics: Statistics) -> dict[str, list[Row]]:
    """The tests, the findings of the audit and the classifier's predictions as rows."""
    audit, classifier = statistics.audit, statistics.classifier
    properties: list[Row] = []
    if audit is not None:
        properties += [
            {"groups": ", ".join(entry.groups)} | _flat(to_json(row))
            for entry in audit.comparisons
            for row in entry.rows
        ]
        properties += [
            {"subject": one.subject} | _flat(to_json(row)) for one in audit.against or [] for row in one.rows
        ]
    likely = [
        {"subject": row.subject, "group": row.group, "predicted": row.predicted}
        | {f"probability {group}": share for group, share in row.probability.items()}
        for row in (classifier.subjects if classifier is not None else [])
    ]
    tests = [_test(test) for test in statistics.tests]
    return {"tests": _even(tests), "audit": _even(properties), "classifier": _even(likely)}


def _test(test: Test) -> Row:
    """A test as one row: n of each group and each effect size in its own column."""
    row: Row = {name: getattr(test, name) for name in ("question", "family", "kind", "unit", "measure")}
    row |= {"test": test.name, "groups": ", ".join(test.groups or [])}
    row |= {f"n {group}": count for group, count in test.n.items()}
    numbers = ("statistic", "p", "smallest_p", "arrangements", "exact", "correction", "correction_p")
    row |= {name: getattr(test, name) for name in numbers}
    for effect in test.effects or ([] if test.effect is None else [test.effect]):
        ends = {"": effect.value, " low": effect.low, " high": effect.high}
        row |= {f"{effect.name}{end}": value for end, value in ends.items()}
    return row | {"refused": test.refused, "downgraded": test.downgraded}


def _flat(row: Mapping[str, object]) -> Row:
    """A row without what a cell cannot hold; the median of each group has its own column."""
    medians = row.get("medians")
    named = {f"median {group}": value for group, value in medians.items()} if isinstance(medians, dict) else {}
    return {name: value for name, value in row.items() if not isinstance(value, (dict, list))} | named


def _even(rows: list[Row]) -> list[Row]:
    """The same columns in every row."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]
