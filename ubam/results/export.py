"""A finished run as one file for other programs: a zip of everything, a workbook, a Parquet table, an NWB file."""

import json
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ubam.core.errors import UbamError
from ubam.core.files import atomic_path, read_arrays
from ubam.results.methods import methods_paragraph
from ubam.results.records.run import RunFacts
from ubam.results.records.scores import SCORE_COLUMNS
from ubam.results.run_data import read_run
from ubam.results.run_folder import CROPS, RunFolder
from ubam.results.tables import Exported, Row, read_scored

STORED = (".mp4", ".png", ".npz", ".jpg")  # compressed already
ROWS_OF_A_SHEET = 1_048_575  # Excel's limit, less the header
SHEETS = (
    "subjects", "recordings", "sessions", "tests", "audit", "classifier", "motif_usage", "distances", "videos",
    "windows", "motif_windows",
)  # fmt: skip


class Written(TypedDict):
    """What an export wrote: the file, its size, and how many rows, files or recordings it holds."""

    file: str
    bytes: int
    holds: dict[str, int]


def export_run(folder: Path, target: Path) -> Written:
    """Write the run in `folder` as `target`, by its ending .zip, .xlsx, .parquet or .nwb; what was written.

    Raises
    ------
    UbamError
        Another ending, or the package that the format needs is not installed.
    RunError
        No run, or one that is not scored.
    """
    ending = target.suffix.lower()
    if ending not in WRITERS:
        raise UbamError(f"{target}: cannot tell the format; end the name with one of {', '.join(WRITERS)}.")
    package, write = WRITERS[ending]
    _require(package, target)
    run = read_scored(folder)
    with atomic_path(target) as temporary:
        held = write(run, temporary, target)
    return {"file": str(target), "bytes": target.stat().st_size, "holds": held}


def _require(package: str, target: Path) -> None:
    if not package:
        return
    try:
        import_module(package)
    except ImportError:
        raise UbamError(
            f"{target}: {target.suffix} needs the package {package}, which is not installed; "
            "get it with: pip install 'ubam[export]'"
        ) from None


def write_zip(run: Exported, temporary: Path, target: Path) -> dict[str, int]:
    """Everything in the run folder but crops and checkpoints of training, under the run's name."""
    names = [path for path in sorted(run.folder.rglob("*")) if path.is_file() and not _left_out(run.folder, path)]
    names = [path for path in names if path.resolve() not in (target.resolve(), temporary.resolve())]
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in names:
            kind = zipfile.ZIP_STORED if path.suffix in STORED else zipfile.ZIP_DEFLATED
            archive.write(path, Path(run.folder.resolve().name) / path.relative_to(run.folder), kind)
    return {"files": len(names)}


def _left_out(folder: Path, path: Path) -> bool:
    parts, model = path.relative_to(folder).parts, RunFolder(folder).model
    checkpoints = (model.checkpoint.name, model.generator_checkpoint.name)
    return parts[0] == CROPS or path.name in checkpoints or path.name.startswith(".")


def write_xlsx(run: Exported, temporary: Path, target: Path) -> dict[str, int]:
    """A workbook: a sheet with what the run is, then one for each table; text is never read as a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    book = Workbook(write_only=True)

    def add(name: str, header: list[str], rows: list[list[Any]], widths: tuple[int, ...] = ()) -> None:
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for place, width in enumerate(widths):
            sheet.column_dimensions["ABCDEFGH"[place]].width = width
        for number, row in enumerate([header, *rows]):
            cells = []
            for value in row:
                text = isinstance(value, str)
                cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value) if text else value)
                if text:
                    cell.data_type = "s"
                if number == 0:
                    cell.font = Font(bold=True)
                cells.append(cell)
            sheet.append(cells)

    add("about", ["what", "value"], _about(run), (26, 120))
    held = {}
    for name in [name for name in SHEETS if name in run.tables]:
        columns, rows = run.tables[name]
        held[name] = len(rows)
        for part in range(0, len(rows), ROWS_OF_A_SHEET):
            number = part // ROWS_OF_A_SHEET
            lines = [[row[column] for column in columns] for row in rows[part : part + ROWS_OF_A_SHEET]]
            add(f"{name} {number + 1}" if number else name, columns, lines)
    book.save(temporary)
    return held


def _about(run: Exported) -> list[list[Any]]:
    record = run.record
    names = ("ubam", "study", "preset", "seed", "reference", "device")
    rows = [[name, str(record.get(name))] for name in names if record.get(name) is not None]
    rows.append(["methods", methods_paragraph(read_run(run.folder))])
    rows += [["warning", words] for words in RunFacts.from_json(record).warnings]
    return [*rows, ["research tool", "This is the output of a research tool. It is not a medical device."]]


def window_rows(run: Exported) -> list[tuple[str, list[Row], np.ndarray]]:
    """For each recording its id, its windows with motif and columns of the study, and its behaviours [W, E]."""
    about = {row["recording_id"]: row for row in run.rows("recordings")}
    mine: dict[str, list[Row]] = {}
    for row in run.rows("windows"):
        mine.setdefault(row["recording_id"], []).append(row)
    motifs = {(row["recording_id"], row["t_start_s"]): row.get("motif") for row in run.rows("motif_windows")}
    shared = [name for name in (run.tables["recordings"][0] if about else []) if name not in SCORE_COLUMNS]
    found = []
    for name, windows in mine.items():
        path = run.files.embedding(name)
        behaviour = read_arrays(path)["behaviour"] if path.is_file() else np.empty((0, 0), np.float32)
        columns = {column: about.get(name, {}).get(column) for column in shared}
        rows = [columns | row | {"motif": motifs.get((name, row["t_start_s"]))} for row in windows]
        found.append((name, rows, behaviour if len(behaviour) == len(rows) else np.empty((0, 0), np.float32)))
    return found


def write_parquet(run: Exported, temporary: Path, target: Path) -> dict[str, int]:
    """One row per window: study columns, times, deviation, motif, behaviour; run and statistics in the metadata."""
    import pyarrow
    import pyarrow.parquet

    parts = window_rows(run)
    columns = list(dict.fromkeys(name for _, rows, _ in parts for row in rows for name in row))
    kinds = {name: _kind([row.get(name) for _, rows, _ in parts for row in rows]) for name in columns}
    fields = [pyarrow.field(name, getattr(pyarrow, kind)()) for name, kind in kinds.items()]
    wide = max((behaviour.shape[1] for _, _, behaviour in parts), default=0)
    fields += [pyarrow.field("behaviour", pyarrow.list_(pyarrow.float32(), wide))] if wide else []
    notes = {"ubam.run": json.dumps(dict(run.record)), "ubam.statistics": json.dumps(dict(run.statistics))}
    schema = pyarrow.schema(fields, metadata=notes)
    with pyarrow.parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for _, rows, behaviour in parts:
            arrays = [
                pyarrow.array([_as(row.get(name), kind) for row in rows], getattr(pyarrow, kind)())
                for name, kind in kinds.items()
            ]
            if wide:
                vectors = behaviour.astype(np.float32).tolist() if len(behaviour) else [None] * len(rows)
                arrays.append(pyarrow.array(vectors, fields[-1].type))
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
    return {"windows": sum(len(rows) for _, rows, _ in parts)}


def _kind(values: list[Any]) -> str:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int) for value in known):
        return "int64"
    return "float64" if known and all(isinstance(value, (int, float)) for value in known) else "string"


def _as(value: Any, kind: str) -> Any:
    return None if value is None else {"int64": int, "float64": float, "string": str}[kind](value)


def _write_nwb(run: Exported, temporary: Path, target: Path) -> dict[str, int]:
    from ubam.results.export_nwb import write_nwb

    return write_nwb(run, window_rows(run), temporary)


Writer = Callable[[Exported, Path, Path], dict[str, int]]
WRITERS: dict[str, tuple[str, Writer]] = {
    ".zip": ("", write_zip),
    ".xlsx": ("openpyxl", write_xlsx),
    ".parquet": ("pyarrow", write_parquet),
    ".nwb": ("pynwb", _write_nwb),
}
