"""A finished run, read for the page: tables, evidence, maps, and the list of its files."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from apiflask import abort

from ubam.core.errors import RunError, UbamError
from ubam.core.files import read_arrays, read_csv
from ubam.results.run_folder import CROPS, LAYERS, LOCK, RunFolder
from ubam.results.run_tables import refuse_damaged
from webui.context import service
from webui.data.face import face_keys
from webui.data.models import Recording, Run
from webui.data.session import database
from webui.results.path_redaction import places
from webui.results.records import (
    Cell,
    ClipRecord,
    ComparedSubject,
    ComparisonRecord,
    EvidenceRecord,
    FileRecord,
    MapRecord,
    MapsRecord,
    NearestRecord,
    PeakRecord,
    Row,
    WindowRecord,
)

HIDDEN = (CROPS, LAYERS, LOCK)
SHOWN_LAYOUT = "side-by-side"


def folder_of(run: Run) -> Path:
    """The run folder."""
    return service().storage.run(run)


def files_in(run: Run) -> RunFolder:
    """The paths in the run folder."""
    return RunFolder(folder_of(run))


def cut_from(run: Run) -> tuple[str, ...]:
    """Folders that no answer about a run names: the service's, its own, and those that its study names.

    Nothing is read of a run whose folder the server may no longer read: its address alone is hidden.
    """
    known = service()
    hidden = [known.settings.data, *known.storage.folders]
    try:
        folder = folder_of(run)
    except UbamError:
        return places(Path(str(run.folder)).parent, *hidden)
    named = [folder.parent, *hidden]
    record = _read_json(RunFolder(folder).run_json) or {}
    study = Path(str(record.get("study") or folder))
    named += [study.parent, *(Path(row["video"]).parent for row in _rows(folder) if row.get("video", "")[:1] == "/")]
    return places(*named)


def names_in(run: Run) -> dict[str, dict[str, str]]:
    """The rows of recordings.csv by recording_id; only names that are safe as file names."""
    _whole(run, files_in(run).recordings_csv)
    rows = {row.get("recording_id", ""): row for row in _rows(folder_of(run))}
    return {name: row for name, row in rows.items() if name and "/" not in name and not name.startswith(".")}


def _rows(folder: Path) -> list[dict[str, str]]:
    path = RunFolder(folder).recordings_csv
    return read_csv(path) if path.is_file() else []


def _whole(run: Run, file: Path) -> Path:
    """A table or record of a run; 409 where it is not what the run wrote."""
    try:
        refuse_damaged(folder_of(run), file)
    except RunError:
        abort(409, f"{file.name} of this run is damaged, or was changed by hand; start the run again.")
    return file


def row_of(run: Run, name: str) -> dict[str, str]:
    """A row of recordings.csv; 404 for a recording that the run does not have."""
    row = names_in(run).get(name)
    if row is None:
        abort(404, "This run has no such recording.")
    return row


def check_faces(run: Run) -> None:
    """409 where a face was hidden, or its box changed, after the run was made: its pictures show the face."""
    for name, entry in run.recordings.items():
        recording = database().get(Recording, entry["id"])
        before = face_keys(entry["face_box"], entry.get("face_path"))
        if recording is not None and recording.face and recording.face != before:
            abort(
                409,
                f"A face box was drawn on {name} after this run was made, so its pictures are held back; run again.",
            )


def numbers(rows: list[dict[str, str]]) -> list[Row]:
    """Rows of a CSV with numbers as numbers and empty cells as nothing."""
    return [{name: _number(name, cell) for name, cell in row.items()} for row in rows]


TEXTS = ("recording_id", "subject", "group", "session", "video", "status", "reason", "warnings")


def _number(name: str, cell: str) -> Cell:
    if name in TEXTS:
        return cell
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return cell or None
    return value if np.isfinite(value) else None


def table(run: Run, file: Path) -> list[Row]:
    """A CSV of a run; empty while it is not there."""
    return numbers(read_csv(_whole(run, file))) if file.is_file() else []


def document(run: Run, file: Path) -> Any:
    """A JSON file of a run; None while it is not there."""
    return _read_json(_whole(run, file))


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None


def recordings_json(run: Run) -> list[Row]:
    """recordings.csv with the scores beside it, and which recording of the study each was."""
    scores = {row["recording_id"]: row for row in table(run, files_in(run).scores("recordings"))}
    rows = []
    for recording_id, cells in names_in(run).items():
        row, entry = numbers([cells])[0], run.recordings.get(recording_id, {})
        scored = {name: value for name, value in scores.get(recording_id, {}).items() if name not in row}
        rows.append(row | scored | {"study_recording": entry.get("id"), "file_name": entry.get("file_name")})
    return rows


def clips_of(run: Run) -> list[ClipRecord]:
    """The clips that came with the run."""
    found, written = [], files_in(run).all_clip_facts()
    for name in names_in(run):
        for facts_file in [path for path in written if path.name.startswith(name)]:
            facts = _read_json(facts_file) or {}
            if facts.get("recording_id") == name and facts_file.with_suffix(".mp4").is_file():
                found.append(_clip_of(run, name, facts_file.stem, facts))
    return found


def _clip_of(run: Run, name: str, stem: str, facts: dict[str, Any]) -> ClipRecord:
    has_layers = stem == name and files_in(run).layers(name).is_file()
    return {
        "id": None, "run": run.id, "recording_id": name, "factor": facts.get("factor"), "appearance": None,
        "layout": facts.get("layout", SHOWN_LAYOUT), "from_s": facts.get("from_s"), "to_s": facts.get("to_s"),
        "status": "done", "error": "", "fraction": 1.0, "queue_position": None, "facts": facts,
        "url": f"/api/v1/runs/{run.id}/files/magnified/{stem}.mp4",
        "layers": f"runs/{run.id}/recordings/{name}/layers" if has_layers else None,
    }  # fmt: skip


def files_of(run: Run) -> list[FileRecord]:
    """Every file of the run but its crops, with its size and address."""
    folder = folder_of(run)
    found: list[FileRecord] = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[0] in HIDDEN or any(part.startswith(".") for part in inside.parts):
            continue
        if path.is_file() and not path.is_symlink():
            url = f"/api/v1/runs/{run.id}/files/{inside.as_posix()}"
            found.append({"path": inside.as_posix(), "bytes": path.stat().st_size, "url": url})
    return found


def windows_of(run: Run, name: str) -> list[WindowRecord]:
    """The deviation of each window of one recording."""
    row_of(run, name)
    path = files_in(run).scores("windows")
    if not path.is_file():
        return []
    rows = numbers([row for row in read_csv(_whole(run, path)) if row["recording_id"] == name])
    return [{"t_start_s": row["t_start_s"], "t_end_s": row["t_end_s"], "deviation": row["deviation"]} for row in rows]


def evidence_of(run: Run, name: str) -> EvidenceRecord:
    """The peaks of one recording with addresses of their pictures, and the clock of its preview."""
    row, arrays = row_of(run, name), evidence_arrays(run, name)
    base, others = f"/api/v1/runs/{run.id}/recordings/{name}/evidence", names_in(run)
    peaks: list[PeakRecord] = []
    for peak in range(len(arrays["peak_time_s"]) if arrays else 0):
        nearest: list[NearestRecord] = [
            {"recording_id": str(other), "subject": others.get(str(other), {}).get("subject", ""),
             "time_s": float(arrays["nearest_time_s"][peak][rank]), "url": f"{base}/{peak}/nearest-{rank}.jpg"}
            for rank, other in enumerate(arrays["nearest_recording"][peak])
        ]  # fmt: skip
        time_s, start_s, end_s = (float(arrays[f"peak_{key}"][peak]) for key in ("time_s", "start_s", "end_s"))
        peaks.append({
            "time_s": time_s, "start_s": start_s, "end_s": end_s, "query": f"{base}/{peak}/query.jpg",
            "where": f"{base}/{peak}/where.jpg", "nearest": nearest,
        })  # fmt: skip
    has_preview = files_in(run).preview(name).is_file()
    return {"peaks": peaks, "clock": _clock(run, name, row) if has_preview else []}


def evidence_arrays(run: Run, name: str) -> dict[str, np.ndarray]:
    """The arrays of evidence/<name>.npz; empty for a recording without."""
    path = files_in(run).evidence(name)
    return _arrays(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=4)
def _arrays(path: Path, modified_ns: int) -> dict[str, np.ndarray]:
    return read_arrays(path)


def _clock(run: Run, name: str, row: dict[str, str]) -> list[list[float]]:
    from ubam.report.charts import clip_clock

    path = files_in(run).embedding(name)
    time_s = None
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            time_s = stored["time_s"]
    return clip_clock(time_s, row)


def evidence_picture(run: Run, name: str, peak: int, what: str) -> np.ndarray:
    """The picture of a peak: `query`, `where` (region map over it) or `nearest-0`, ...; 404 for any other."""
    arrays = evidence_arrays(run, name)
    if not arrays or not 0 <= peak < len(arrays["query_crop"]):
        abort(404, "There is no such peak.")
    if what == "query":
        return np.asarray(arrays["query_crop"][peak])
    if what == "where":
        from ubam.report.media import heat_picture

        return heat_picture(arrays["query_crop"][peak], arrays["region_map"][peak])
    rank = what.removeprefix("nearest-")
    if not (rank.isascii() and rank.isdigit() and len(rank) < 3 and int(rank) < len(arrays["nearest_crop"][peak])):
        abort(404, "There is no such picture.")
    return np.asarray(arrays["nearest_crop"][peak][int(rank)])


def maps_of(run: Run) -> MapsRecord:
    """The 2-D maps of postures and behaviours."""
    path = files_in(run).maps
    if not path.is_file():
        return {"posture": None, "behaviour": None}
    arrays, rows = _arrays(path, path.stat().st_mtime_ns), names_in(run)
    return {"posture": _map(arrays, rows, "posture"), "behaviour": _map(arrays, rows, "behaviour")}


def _map(arrays: dict[str, np.ndarray], rows: dict[str, dict[str, str]], what: str) -> MapRecord | None:
    if f"{what}_xy" not in arrays:
        return None
    names = [str(name) for name in arrays[f"{what}_recording"]]
    found: MapRecord = {
        "xy": np.round(arrays[f"{what}_xy"].astype(float), 4).tolist(),
        "recording": names,
        "time_s": np.round(arrays[f"{what}_time_s"].astype(float), 3).tolist(),
        "subject": [rows.get(name, {}).get("subject", "") for name in names],
        "group": [rows.get(name, {}).get("group", "") for name in names],
    }
    if f"{what}_motif" in arrays:
        found["motif"] = arrays[f"{what}_motif"].astype(int).tolist()
    return found


def crop_jpeg(run: Run, name: str, time_s: float) -> bytes:
    """The crop of a recording nearest to a moment, as the JPEG that lies in the crop store."""
    crops = files_in(run).crops(name)
    row_of(run, name)
    if not crops.pictures.is_file():
        abort(404, "The crops of this recording are not there.")
    times, offsets = np.load(crops.array("time_s")), np.load(crops.array("offsets"))
    frame = int(np.abs(times - time_s).argmin())
    with open(crops.pictures, "rb") as blob:
        blob.seek(int(offsets[frame]))
        return blob.read(int(offsets[frame + 1] - offsets[frame]))


def compare(runs: tuple[Run, Run]) -> ComparisonRecord:
    """Per subject the deviation in both runs, and how alike the two rankings are (Spearman)."""
    tables = [
        {(row["subject"], row["group"]): row["deviation"] for row in table(run, files_in(run).scores("subjects"))}
        for run in runs
    ]
    keys = list(dict.fromkeys([*tables[0], *tables[1]]))
    rows: list[ComparedSubject] = [
        {"subject": s, "group": g, "a": tables[0].get((s, g)), "b": tables[1].get((s, g))} for s, g in keys
    ]
    both = [(row["a"], row["b"]) for row in rows if isinstance(row["a"], float) and isinstance(row["b"], float)]
    return {"subjects": rows, "n": len(both), "rank_correlation": _spearman(both)}


def _spearman(pairs: list[tuple[float, float]]) -> float | None:
    """Spearman's rank correlation; None of fewer than three pairs, or where one side is the same for all."""
    from scipy.stats import spearmanr  # here, so that other pages do not wait for scipy.stats

    first, second = np.array(pairs, dtype=float).reshape(-1, 2).T
    if len(pairs) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return round(float(spearmanr(first, second).statistic), 4)
