"""What the benchmark prints and writes: one table over studies, every value in a CSV, settings and means in a JSON."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ubam.core.files import write_csv, write_json
from ubam.core.provenance import installed_versions
from ubam.evaluation.benchmark.measures import LEVEL
from ubam.evaluation.benchmark.rows import Row
from ubam.evaluation.benchmark.run import RECORDINGS, SCENE, Cell, source_fingerprint

COLUMNS = ("study", "kind", "seed", "row", "measure", "value", "unit")


@dataclass(frozen=True)
class Measure:
    """One column of the table: a measure of one variety of study.

    chance: what a method without any knowledge gives, as a number or as the name of the measure that holds it.
    """

    variety: str
    name: str
    heading: str
    unit: str
    digits: int
    chance: float | str | None = None

    def key(self, row: str) -> tuple[str, str, str]:
        """Where its means are found, after the kind."""
        return self.variety, row, self.name


BLOCKS: dict[str, tuple[Measure, ...]] = {
    "postures and behaviours": (
        Measure("main", "r2w", "R2w", "", 2, 0.0),
        Measure("main", "pck", "PCK", "share", 2),
        Measure("main", "phase_posture", "phase", "degrees", 1, 90.0),
        Measure("main", "half_phase_posture", "half", "degrees", 1, 45.0),
        Measure("main", "phase_behaviour", "b.phase", "degrees", 1, 90.0),
        Measure("main", "half_phase_behaviour", "b.half", "degrees", 1, 45.0),
        Measure("main", "map", "b.mAP", "", 2, "map_chance"),
        Measure("main", "identity_posture", "identity", "share", 2, "identity_chance"),
        Measure("main", "identity_behaviour", "b.ident.", "share", 2, "identity_chance"),
        Measure("main", "map_dynamic", "d.mAP", "", 2, "map_chance"),
        Measure("main", "identity_dynamic", "d.ident.", "share", 2, "identity_chance"),
    ),
    "deviation": (
        Measure("main", "auc", "AUC", "", 2, 0.5),
        Measure("main", "auc_static", "static", "", 2, 0.5),
        Measure("main", "auc_dynamic", "dynamic", "", 2, 0.5),
        Measure("main", "rho", "rho", "", 2, 0.0),
        Measure("main", "rho_impaired", "rho imp.", "", 2, 0.0),
        Measure("main", "p", "p", "", 3, 0.5),
        Measure("null", "auc", "null AUC", "", 2, 0.5),
        Measure("null", "p", "null p", "", 3, 0.5),
        Measure("null", "positive", "null false", "share", 3, LEVEL),
        Measure("null", "positive_drawn", "drawn false", "share", 3, LEVEL),
        Measure("confounded 0.5", "auc", "AUC c0.5", "", 2),
        Measure("confounded 0.9", "auc", "AUC c0.9", "", 2),
    ),
    "cost": (
        Measure("main", "train_s", "training", "CPU seconds", 0),
        Measure("main", "embed_ms", "a frame", "CPU milliseconds", 2),
    ),
}
UNITS = {measure.name: measure.unit for block in BLOCKS.values() for measure in block} | {"identity_chance": "share"}
ALL = "all kinds"
LEGEND = (
    "Mean over studies ± its standard error. phase, half: degrees to the nearest posture of another subject, in the\n"
    "cycle and in the half cycle; b.: of behaviours, d.: of their dynamic part; p: mean of the group test;\n"
    "null false: share of null studies (groups differ in looks) with p of 0.05 or less; drawn false: of groups\n"
    "drawn at random in them; c0.5, c0.9: confounded studies, the wall goes with the group at that probability."
)

Key = tuple[str, str, str, str]  # kind (or "all"), variety of study, row, measure


@dataclass(frozen=True)
class Mean:
    """Mean over studies, its standard error (nan for one study), and in how many studies the value exists."""

    mean: float
    error: float
    studies: int


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of the values that are numbers."""
    kept = np.array([value for value in values if np.isfinite(value)])
    if not len(kept):
        return Mean(np.nan, np.nan, 0)
    error = kept.std(ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else np.nan
    return Mean(float(kept.mean()), float(error), len(kept))


def means(cells: Sequence[Cell]) -> dict[Key, Mean]:
    """Every measure of each row over the studies of a variety, of all kinds and of each kind."""
    values: dict[Key, list[float]] = defaultdict(list)
    for cell in cells:
        for kind in (ALL, cell.study.kind):
            for name, value in cell.values.items():
                values[kind, cell.study.variety, cell.row, name].append(value)
    return {key: mean_of(found) for key, found in values.items()}


def table(cells: Sequence[Cell], order: Sequence[str]) -> str:
    """The table as text, rows in this order; once for all kinds together and once for each kind."""
    kinds = list(dict.fromkeys(cell.study.kind for cell in cells))
    found = means(cells)
    lines = [LEGEND]
    for kind in [ALL, *kinds] if len(kinds) > 1 else kinds:
        for title, block in BLOCKS.items():
            shown = [measure for measure in block if any((kind, *measure.key(row)) in found for row in order)]
            if shown:
                lines += ["", *_block(found, kind, order, shown, f"{title}: {kind}")]
    present = source_fingerprint()
    aged = sum(cell.source != present for cell in cells)
    if aged:
        lines += [
            "",
            f"Note: another state of the program made {aged} of {len(cells)} cells; remove cells/ and codings/",
        ]
        lines += ["to make them anew."]
    return "\n".join(lines)


def _block(found: dict[Key, Mean], kind: str, rows: Sequence[str], shown: Sequence[Measure], title: str) -> list[str]:
    """One line per row that has one of the measures, and one that says what chance gives."""
    chances = [_chance(found, kind, rows, measure) for measure in shown]
    lines = [["", *(measure.heading for measure in shown)], ["chance", *chances]]
    for row in rows:
        cells = [mean_text(found.get((kind, *measure.key(row))), measure.digits) for measure in shown]
        if any(cells):
            lines.append([row, *cells])
    return [title, *aligned(lines)]


def _chance(found: dict[Key, Mean], kind: str, rows: Sequence[str], measure: Measure) -> str:
    if isinstance(measure.chance, str):
        said = [found.get((kind, measure.variety, row, measure.chance)) for row in rows]
        return next((mean_text(mean, measure.digits) for mean in said if mean is not None), "")
    return "" if measure.chance is None else f"{measure.chance:.{measure.digits}f}"


def mean_text(mean: Mean | None, digits: int) -> str:
    """The mean and, of more than one study, its standard error; nothing where no study has the value."""
    if mean is None or not mean.studies:
        return ""
    return f"{mean.mean:.{digits}f}" + (f"±{mean.error:.{digits}f}" if np.isfinite(mean.error) else "")


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of equally many cells as text, the first cell of each to the left, the others to the right, two apart."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        (
            f"{name:{widths[0]}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        ).rstrip()
        for name, *cells in lines
    ]


def write_results(out: Path, cells: Sequence[Cell], rows: Sequence[Row]) -> None:
    """Write benchmark.csv, one line per value, and benchmark.json: settings, seeds, versions, means."""
    values = [(cell, name, value) for cell in cells for name, value in cell.values.items()]
    lines = [
        {"study": cell.study.variety, "kind": cell.study.kind, "seed": cell.study.seed, "row": cell.row}
        | {"measure": name, "value": value, "unit": UNITS.get(name, "")}
        for cell, name, value in values
    ]
    write_csv(out / "benchmark.csv", lines, COLUMNS)
    write_json(out / "benchmark.json", {
        "studies": [asdict(study) | {"name": study.name} for study in dict.fromkeys(cell.study for cell in cells)],
        "scene": SCENE, "recordings_per_subject": RECORDINGS,
        "rows": {row.name: {"coding": row.coding, "settings": dict(row.settings)} for row in rows},
        "versions": installed_versions() | {"ubam": version("ubam")},
        "source": sorted({cell.source for cell in cells}),
        "threads_per_cell": 1, "cpu_cores": os.cpu_count(),
        "means": [dict(zip(("kind", "study", "row", "measure"), key, strict=True)) | asdict(mean)
                  for key, mean in means(cells).items()],
    })  # fmt: skip
