"""A run as Neurodata Without Borders (NWB 2): postures, behaviours, deviations over time, and the tables of scores."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import DynamicTable, VectorData
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.epoch import TimeIntervals
from pynwb.file import Subject

from ubam.core.files import read_arrays
from ubam.results.methods import methods_paragraph
from ubam.results.run_data import read_run
from ubam.results.tables import Exported, Row

CLOCK = "Times are seconds of each recording's own clock: recordings overlap in time, recording_id keeps them apart."
UNIT = "in units of the variation between reference subjects"
TABLES = ("subjects", "recordings", "sessions", "motif_usage", "tests", "audit", "classifier")


def write_nwb(run: Exported, windows: Sequence[tuple[str, list[Row], np.ndarray]], path: Path) -> dict[str, int]:
    """Write one NWB file of the whole run; how many recordings and windows it holds."""
    record = run.record
    file = NWBFile(
        session_description=f"Deviation of movement, computed by ubam from videos. {CLOCK}",
        identifier=str(record.get("study_key") or run.folder.name),
        session_start_time=_started(record),
        notes=f"session_start_time is when the analysis began: videos do not tell when they were filmed. {CLOCK}",
        protocol=methods_paragraph(read_run(run.folder)),
        source_script=json.dumps(dict(record)),
        source_script_file_name=run.files.run_json.name,
        keywords=["behaviour", "video", "deviation", "ubam"],
    )
    names = list(dict.fromkeys((row["subject"], row["group"]) for row in run.rows("subjects")))
    if len({subject for subject, _ in names}) == 1:
        file.subject = Subject(subject_id=names[0][0], description=f"group {names[0][1]}")
    module = file.create_processing_module(
        "behavior", f"Postures, behaviours and deviations of each recording. {CLOCK}"
    )
    for name, rows, _ in windows:
        _add_recording(module, run.files.embedding(name), name, rows)
    _add_windows(file, [row for _, rows, _ in windows for row in rows])
    for name in TABLES:
        if run.rows(name):
            module.add(_table(name, *run.tables[name]))
    if run.rows("distances"):
        columns, rows = run.tables["distances"]
        module.add(_distances(columns, rows))
    with NWBHDF5IO(path, "w") as out:
        out.write(file)
    return {"recordings": len(windows), "windows": sum(len(rows) for _, rows, _ in windows)}


def _started(record: Any) -> datetime:
    times = [stage.get("started") for stage in dict(record.get("stages") or {}).values() if stage.get("started")]
    return datetime.fromisoformat(min(times)) if times else datetime.fromtimestamp(0, UTC)


def _add_recording(module: Any, path: Path, name: str, rows: Sequence[Row]) -> None:
    """Posture, box and behaviour of one recording over its time, and the deviation of its windows."""
    label = name.replace("/", "_").replace(":", "_")  # the two signs that NWB names cannot hold
    middle = np.array([(row["t_start_s"] + row["t_end_s"]) / 2 for row in rows])
    deviation = np.array([np.nan if row["deviation"] is None else row["deviation"] for row in rows], dtype=float)
    about = f"Recording {name}, subject {rows[0]['subject']}, group {rows[0]['group']}."
    module.add(_series(f"deviation_{label}", deviation, middle, UNIT, f"Deviation of each window. {about}"))
    if not path.is_file():
        return
    arrays = read_arrays(path)
    time = arrays["time_s"]
    module.add(_series(f"posture_{label}", arrays["posture"], time, "a.u.", f"Embedding of each frame. {about}"))
    module.add(_series(f"box_{label}", arrays["box"], time, "pixels", f"Subject's box: x0, y0, x1, y1. {about}"))
    if len(arrays["behaviour"]):
        starts = arrays["window_start_s"]
        words = f"Embedding of each window, which begins at its timestamp. {about}"
        module.add(_series(f"behaviour_{label}", arrays["behaviour"], starts, "a.u.", words))


def _series(name: str, data: np.ndarray, time: np.ndarray, unit: str, about: str) -> TimeSeries:
    kept = H5DataIO(np.asarray(data, np.float32), compression="gzip")
    return TimeSeries(name=name, data=kept, timestamps=np.asarray(time, float), unit=unit, description=about)


def _add_windows(file: NWBFile, rows: Sequence[Row]) -> None:
    table = TimeIntervals(name="windows", description=f"Every window with its deviation. {CLOCK}")
    for name in ("recording_id", "subject", "group", "deviation", "motif"):
        table.add_column(name, name if name != "deviation" else f"deviation, {UNIT}")
    for row in rows:
        table.add_interval(
            start_time=float(row["t_start_s"]), stop_time=float(row["t_end_s"]), recording_id=str(row["recording_id"]),
            subject=str(row["subject"]), group=str(row["group"]), deviation=_number(row["deviation"]),
            motif=int(row["motif"] or 0),
        )  # fmt: skip
    if rows:
        file.add_time_intervals(table)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _table(name: str, columns: Sequence[str], rows: Sequence[Row]) -> DynamicTable:
    found = []
    for column in columns:
        cells = [row[column] for row in rows]
        known = [cell for cell in cells if cell is not None]
        numeric = known and all(isinstance(cell, (int, float)) for cell in known)
        data = [_number(cell) for cell in cells] if numeric else ["" if cell is None else str(cell) for cell in cells]
        found.append(VectorData(name=column.replace("/", "_").replace(":", "_"), description=column, data=data))
    return DynamicTable(name=name, description=f"The table {name} of the run", columns=found)


def _distances(columns: Sequence[str], rows: Sequence[Row]) -> DynamicTable:
    """The matrix as one column of vectors, so that subjects' names are values and not names of columns."""
    names = [name for name in columns if name not in ("subject", "group")]
    matrix = np.array([[_number(row[name]) for name in names] for row in rows])
    found = [VectorData(name=n, description=n, data=[str(row[n]) for row in rows]) for n in ("subject", "group")]
    found.append(VectorData(name="distance", description="to each subject, in the order of the rows", data=matrix))
    return DynamicTable(name="distances", description="How differently any two subjects move", columns=found)
