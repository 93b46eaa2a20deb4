"""What the magnification benchmark prints and writes: a table per kind, every value in a CSV, settings in a JSON."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ubam.core.files import write_csv, write_json
from ubam.core.provenance import installed_versions
from ubam.core.settings import Settings
from ubam.evaluation.benchmark.clips.run import ClipCell, settings_facts
from ubam.evaluation.benchmark.run import RECORDINGS, SCENE, Rendering
from ubam.evaluation.benchmark.table import Mean, aligned, mean_of, mean_text

CSV_COLUMNS = ("study", "kind", "seed", "recording", "impairment", "row", "measure", "factor", "value", "unit")
CORRECTED = ("cosine", "gain")  # divided by what the ruler reads on true pictures of the same recordings
UNITS = {"cpu_ms": "CPU milliseconds a frame", "posture": "px of a box of 64", "background": "grey levels",
         "null_shown": "% of body height", "null_own": "% of body height"}  # fmt: skip
JOINTS = "true joints"
LEGEND = (
    "Mean over studies ± its standard error. cos, gain: shown displacement of the true keypoints against the true\n"
    "one, divided by what the ruler reads on true pictures (row `truth`), at a factor. true joints: what matched\n"
    "references would show if every joint were known, on no ruler. code: the factor that the posture code reads.\n"
    "null: shown on healthy subjects at factor 2; own: how far their joints are from their references', % of height.\n"
    "marked frames: error over what is shown, at the keypoints, in frames that the clip marks and in others."
)


@dataclass(frozen=True)
class Column:
    """A measure with its factor as in `ClipCell`, its heading and digits; impairment: only of recordings with it."""

    name: str
    heading: str
    digits: int = 2
    impairment: str | None = None


def columns(impairments: Sequence[str]) -> dict[str, list[Column]]:
    """The blocks of the table of a kind that has these impairments."""
    split = [
        Column(f"{name}@2", f"{short}.{impairment[:5]}", impairment=impairment)
        for name, short in (("cosine", "cos"), ("gain", "gain"))
        for impairment in impairments
    ]
    return {
        "direction": [Column(f"cosine@{factor}", f"cos.{factor}") for factor in ("0", "1.5", "2", "3")]
        + [Column(f"gain@{factor}", f"gain.{factor}") for factor in ("0", "1.5", "2", "3")],
        "direction at factor 2, by impairment": split,
        "dose": [
            Column("slope", "slope"), Column("r2", "R2", 3), Column("dose@0", "code.0"), Column("dose@2", "code.2"),
            Column("dose@3", "code.3"), Column("null_shown", "null %", 1), Column("null_own", "own %", 1),
        ],
        "picture": [
            Column("posture@1", "posture.1"), Column("ssim@0", "SSIM.0"), Column("ssim@1", "SSIM.1"),
            Column("ssim@2", "SSIM.2"), Column("sharpness@2", "sharp.2"),
            Column("flicker@2", "flicker.2"), Column("background@2", "behind.2"), Column("cpu_ms", "CPU ms", 0),
        ],
        "where and when, factor 2": [
            Column("pointing@2", "pointing"), Column("pointing_chance@2", "chance"), Column("ap@2", "precision"),
            Column("ap_chance@2", "chance"), Column("when@2", "when"),
        ],
        "marked frames, factor 2": [
            Column("marked@2", "share"), Column("marked_error@2", "wrong"), Column("trusted_error@2", "others"),
        ],
    }  # fmt: skip


def study_value(cells: Sequence[ClipCell], row: str, column: Column) -> float:
    """The mean of a measure over one study's recordings; cosine and gain divided by those of the row `truth`.

    A ratio of means over the same recordings, so that a recording with hardly any deviation weighs little. For the row
    `truth` itself, the reading of the ruler. nan without cells.
    """
    name = column.name.split("@")[0]
    if row == JOINTS and column.name.endswith("@2"):
        return _mean(_values(cells, "truth", f"joints_{name}", column.impairment).values())
    values = _values(cells, row, column.name, column.impairment)
    if row == "truth" or name not in CORRECTED:
        return _mean(values.values())
    ruler = _values(cells, "truth", column.name, column.impairment)
    return _mean(values.values()) / _mean([ruler[recording] for recording in values])


def _values(cells: Sequence[ClipCell], row: str, name: str, impairment: str | None) -> dict[str, float]:
    """A measure of one row, by recording."""
    return {
        cell.recording: cell.values[name]
        for cell in cells
        if cell.row == row and name in cell.values and impairment in (None, cell.impairment)
    }


def _mean(values: Iterable[float]) -> float:
    kept = [value for value in values if np.isfinite(value)]
    return float(np.mean(kept)) if kept else float("nan")


def clip_means(cells: Sequence[ClipCell], row: str, column: Column) -> Mean:
    """`study_value` over studies."""
    studies: dict[Rendering, list[ClipCell]] = defaultdict(list)
    for cell in cells:
        studies[cell.study].append(cell)
    return mean_of([study_value(own, row, column) for own in studies.values()])


def clip_table(cells: Sequence[ClipCell], rows: Sequence[str]) -> str:
    """The table as text, once for each kind."""
    lines = [LEGEND]
    for kind in dict.fromkeys(cell.study.kind for cell in cells):
        own = [cell for cell in cells if cell.study.kind == kind]
        for title, block in columns(impairments_of(own)).items():
            found = [["", *(column.heading for column in block)]]
            for row in (*rows[:1], JOINTS, *rows[1:]):
                shown = [mean_text(clip_means(own, row, column), column.digits) for column in block]
                if any(shown) and (row != JOINTS or title.startswith("direction")):
                    found.append([row, *shown])
            lines += ["", f"{title}: {kind}", *aligned(found)]
    return "\n".join(lines)


def impairments_of(cells: Sequence[ClipCell]) -> list[str]:
    """The impairments of these cells, sorted."""
    return sorted({cell.impairment for cell in cells if cell.impairment})


def write_clip_results(out: Path, cells: Sequence[ClipCell], rows: Sequence[str], settings: Settings) -> None:
    """Write clips.csv, one line per value as measured, and clips.json: settings, seeds, versions, the table's means."""
    lines = []
    for cell in cells:
        study = {"study": cell.study.variety, "kind": cell.study.kind, "seed": cell.study.seed, "row": cell.row}
        for name, value in cell.values.items():
            measure, _, factor = name.partition("@")
            own = {"recording": cell.recording, "impairment": cell.impairment, "measure": measure, "factor": factor}
            lines.append(study | own | {"value": value, "unit": UNITS.get(measure, "")})
    write_csv(out / "clips.csv", lines, CSV_COLUMNS)
    write_json(out / "clips.json", settings_facts(settings) | {
        "studies": [asdict(study) | {"name": study.name} for study in dict.fromkeys(cell.study for cell in cells)],
        "scene": SCENE, "recordings_per_subject": RECORDINGS, "rows": list(rows),
        "versions": installed_versions() | {"ubam": version("ubam")},
        "source": sorted({cell.source for cell in cells}), "threads_per_cell": 1, "cpu_cores": os.cpu_count(),
        "means": _all_means(cells, rows),
    })  # fmt: skip


def _all_means(cells: Sequence[ClipCell], rows: Sequence[str]) -> list[dict[str, object]]:
    found = []
    for kind in dict.fromkeys(cell.study.kind for cell in cells):
        own = [cell for cell in cells if cell.study.kind == kind]
        for column in (column for block in columns(impairments_of(own)).values() for column in block):
            for row in (*rows, JOINTS):
                mean = clip_means(own, row, column)
                if mean.studies:
                    named = {"kind": kind, "row": row, "measure": column.name, "impairment": column.impairment or "all"}
                    found.append(named | asdict(mean))
    return found
