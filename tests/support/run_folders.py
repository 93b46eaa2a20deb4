"""A finished run folder with made-up numbers and small drawn walkers, after the contract of the run folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from tests.support import statistics_records
from ubam.core.files import write_arrays, write_csv, write_json

RATE = 25.0
SIZE = (160, 120)
RECORDING_COLUMNS = [
    *("recording_id", "video", "subject", "group", "session", "day", "dose", "status", "reason", "frames_declared"),
    *("frames_decoded", "fps", "duration_s", "width", "height", "warnings"),
]
SCORE_COLUMNS = [
    *("subject", "group", "n_windows", "deviation", "deviation_low", "deviation_high", "static", "dynamic"),
    *("reference_percentile", "p_value", "smallest_p"),
]
CONTROL_COLUMNS = ["deviation_untrained", "deviation_pixel", "deviation_background"]

Rows = list[dict[str, Any]]
Windows = dict[str, dict[str, np.ndarray]]


def make_fake_run(
    run: Path,
    *,
    reference_subjects: int = 7,
    query_subjects: int = 6,
    frames: int = 150,
    videos: bool = True,
    effect: float = 1.0,
    design: Literal["groups", "mutual", "days"] = "groups",
    names: dict[str, str] | None = None,
) -> Path:
    """Fill `run`: two groups, one recording each (the first query subject has two), one failed, one partial.

    `names` renames subjects. The design "mutual" leaves out the reference, and "days" adds curves over days. `effect`
    is the shift of the query group in the units of the reference's own spread times three.
    """
    rng, mutual = np.random.default_rng(0), design == "mutual"
    recordings = _recordings(reference_subjects, query_subjects, frames, names or {})
    usable = [row for row in recordings if row["status"] != "failed"]
    windows = {row["recording_id"]: _windows(row, frames, effect, rng) for row in usable}
    for row in usable:
        _arrays(run, row, frames, windows[row["recording_id"]], rng)
    _tables(run, recordings, windows, None if mutual else "healthy", design == "days", rng)
    _maps(run, usable, rng)
    _motifs(run, usable, "" if mutual else "healthy", rng)
    queries = [row for row in usable if mutual or row["group"] == "affected"]
    for row in queries:
        _evidence(run, row, windows[row["recording_id"]], usable)
    for number, row in enumerate(queries if videos else []):
        _clips(run, row, frames, number)
    return run


def _recordings(n_reference: int, n_query: int, frames: int, names: dict[str, str]) -> list[dict[str, Any]]:
    subjects = [(f"H{number:02d}", "healthy") for number in range(1, n_reference + 1)]
    subjects += [(f"A{number:02d}", "affected") for number in range(1, n_query + 1)]
    rows = [_recording(subject, group, f"{subject.lower()}_walk", frames, names) for subject, group in subjects]
    if n_query:
        rows.append(_recording("A01", "affected", "a01_walk_2", frames, names))
        rows[-1] |= {"session": "2", "warnings": "several subjects in view: the largest moving one was taken"}
    rows[0] |= {"status": "partial", "reason": "the file ends early: 131 of 150 frames", "frames_decoded": 131}
    failed = _recording("H99", "healthy", "h99_walk", frames, names)
    failed |= {"status": "failed", "reason": "h99_walk.mp4 is not a video: re-export it", "frames_decoded": ""}
    return [*rows, failed | {"fps": "", "duration_s": "", "width": "", "height": ""}]


def _recording(subject: str, group: str, name: str, frames: int, names: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"recording_id": name, "video": f"videos/{name}.mp4", "subject": names.get(subject, subject)}
    row |= {"group": group, "session": "1", "status": "ok", "frames_declared": frames, "frames_decoded": frames}
    return row | {"fps": RATE, "duration_s": frames / RATE, "width": SIZE[0], "height": SIZE[1], "warnings": ""}


def _windows(row: dict[str, Any], frames: int, effect: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    start = np.arange(0, frames - 8, 4) / RATE
    level = rng.normal(1.0, 0.12) + (effect * abs(rng.normal(0.6, 0.35)) if row["group"] == "affected" else 0)
    swing = 0.15 * np.sin(start * 2.3 + rng.uniform(0, 6)) + rng.normal(0, 0.05, len(start))
    bump = effect * 0.8 * np.exp(-((start - start[-1] * rng.uniform(0.3, 0.8)) ** 2) / 0.3)
    deviation = level * (1 + swing) + (bump if row["group"] == "affected" else 0)
    return {"start": start, "end": start + 7 / RATE, "deviation": np.maximum(deviation, 0.05)}


def _arrays(run: Path, row: dict[str, Any], frames: int, windows: dict[str, np.ndarray], rng: Any) -> None:
    time = np.arange(frames) / RATE
    write_arrays(
        run / "embeddings" / f"{row['recording_id']}.npz",
        posture=rng.normal(size=(frames, 16)).astype(np.float16),
        frame_index=np.arange(frames),
        time_s=time,
        box=np.tile(np.array([30, 10, 130, 110], np.float32), (frames, 1)),
        behaviour=rng.normal(size=(len(windows["start"]), 8)).astype(np.float16),
        window_start_s=windows["start"],
        window_end_s=windows["end"],
    )


def _tables(
    run: Path, recordings: Rows, windows: Windows, reference: str | None, days: bool, rng: np.random.Generator
) -> None:
    write_csv(run / "recordings.csv", recordings, RECORDING_COLUMNS)
    write_csv(run / "deviation" / "windows.csv", list(_window_rows(recordings, windows)), _WINDOW_COLUMNS)
    by_recording = [row for row in recordings if row["recording_id"] in windows]
    scores = _scores([(row, windows[row["recording_id"]]["deviation"]) for row in by_recording], reference, rng)
    for row, score in zip(by_recording, scores, strict=True):
        score["recording_id"] = row["recording_id"]
    write_csv(run / "deviation" / "recordings.csv", scores, ["recording_id", *SCORE_COLUMNS])
    first = {row["subject"]: row for row in by_recording}
    pooled = [
        (row, np.concatenate([windows[r["recording_id"]]["deviation"] for r in by_recording if r["subject"] == name]))
        for name, row in first.items()
    ]
    subjects = _scores(pooled, reference, rng)
    write_csv(run / "deviation" / "subjects.csv", subjects, SCORE_COLUMNS + CONTROL_COLUMNS)
    statistics = statistics_records.describe(subjects, reference, days, rng)
    write_json(run / "statistics.json", statistics)
    if days:
        rows = statistics_records.sessions(statistics["curves"])
        write_csv(run / "deviation" / "sessions.csv", rows, list(rows[0]))
    apart = statistics_records.distances(subjects, rng)
    write_csv(run / "deviation" / "distances.csv", apart, list(apart[0]))
    write_json(run / "run.json", _run_json(recordings, reference))


_WINDOW_COLUMNS = ["recording_id", "subject", "group", "t_start_s", "t_end_s", "deviation"]


def _window_rows(recordings: Rows, windows: Windows) -> Iterator[dict[str, Any]]:
    for row in recordings:
        for start, end, value in zip(*windows.get(row["recording_id"], {}).values(), strict=True):
            yield {**row, "t_start_s": start, "t_end_s": end, "deviation": value}


def _scores(
    pooled: list[tuple[dict[str, Any], np.ndarray]], reference: str | None, rng: np.random.Generator
) -> list[dict[str, Any]]:
    level = [float(np.median(values)) for _, values in pooled]
    normal = np.sort([value for value, (row, _) in zip(level, pooled, strict=True) if row["group"] == reference])
    scores = []
    for value, (row, values) in zip(level, pooled, strict=True):
        static = float(rng.uniform(0.2, 0.7)) * value
        low, high = value - 0.08 * rng.uniform(0.5, 2), value + 0.1 * rng.uniform(0.5, 2)
        score = {**row, "n_windows": len(values), "deviation": value, "deviation_low": low, "deviation_high": high}
        score |= {"static": static, "dynamic": value - static}
        if len(normal):
            count = len(normal) - (row["group"] == reference)
            above = max(int((normal >= value).sum()) - (row["group"] == reference), 0)
            score |= {"reference_percentile": 100 * float((normal <= value).mean()), "smallest_p": 1 / (1 + count)}
            score["p_value"] = (1 + above) / (1 + count)
        score |= {name: 1 + rng.normal(0, 0.2) for name in CONTROL_COLUMNS}
        scores.append(score)
    return scores


def _run_json(recordings: Rows, reference: str | None) -> dict[str, Any]:
    stages = {"crops": 21.4, "train": 63.0, "embed": 7.7, "score": 3.1, "magnify": 48.9}
    done = {
        name: {"state": "done", "seconds": s, "finished": "2026-11-20T10:12:44+00:00"} for name, s in stages.items()
    }
    return {
        "ubam": "0.1.0",
        "study": "/home/lab/gait study/study.csv",
        "preset": "quick",
        "seed": 0,
        "reference": reference,
        "device": "cpu",
        "settings": {"train": {"steps": 400, "batch_windows": 12}, "dim": 64, "crop_size": 128},
        "versions": {"python": "3.11.2", "torch": "2.13.0", "numpy": "2.4.0"},
        "inputs": {row["recording_id"]: "9f" * 32 for row in recordings if row["status"] != "failed"},
        "stages": done,
        "warnings": ["background brightness alone separates the groups (AUC 0.81): check the light"],
        "factors": [1.5, 2.5],
    }


def _maps(run: Path, usable: list[dict[str, Any]], rng: np.random.Generator) -> None:
    arrays: dict[str, np.ndarray] = {}
    for what, per_recording in (("posture", 60), ("behaviour", 20)):
        turn = rng.uniform(0, 2 * np.pi, (len(usable), per_recording))
        shift = np.asarray([[0.5 * (row["group"] == "affected") + rng.normal(0, 0.15)] for row in usable])
        xy = np.stack([np.cos(turn) + shift, np.sin(turn) * 0.8 + shift], axis=-1) + rng.normal(
            0, 0.08, (*turn.shape, 2)
        )
        arrays[f"{what}_xy"] = xy.reshape(-1, 2).astype(np.float32)
        arrays[f"{what}_recording"] = np.repeat([row["recording_id"] for row in usable], per_recording)
        arrays[f"{what}_time_s"] = np.sort(rng.uniform(0, 5, turn.shape), axis=1).ravel()
    arrays["behaviour_motif"] = rng.integers(1, 4, len(arrays["behaviour_xy"]))
    write_arrays(run / "maps.npz", **arrays)


def _motifs(run: Path, usable: list[dict[str, Any]], reference: str, rng: np.random.Generator) -> None:
    subjects = list(dict.fromkeys((row["subject"], row["group"]) for row in usable))
    rows = []
    for (subject, group), shares in zip(subjects, rng.dirichlet([5, 3, 2], len(subjects)), strict=True):
        for motif, share in enumerate(shares, start=1):
            row = {"subject": subject, "group": group, "motif": motif, "share": share}
            rows.append(row | {"bouts": 9, "mean_bout_s": 0.7})
    write_csv(run / "motifs" / "usage.csv", rows, list(rows[0]))
    examples = [
        {"recording_id": row["recording_id"], "subject": row["subject"], "t_start_s": 1.0, "t_end_s": 1.28}
        for row in usable[:3]
    ]
    motifs = [{"motif": motif, "share": 1 / 3, "shades_into": None, "examples": examples} for motif in (1, 2, 3)]
    facts = {
        "count": 3,
        "kind": "phases",
        "words": "The windows go round one movement.",
        "reference": reference or None,
    }
    cycle = {"order": [1, 3, 2], "share": 0.93}
    write_json(run / "motifs" / "motifs.json", facts | {"cycle": cycle, "motifs": motifs})


def _evidence(run: Path, row: dict[str, Any], windows: dict[str, np.ndarray], usable: list[dict[str, Any]]) -> None:
    order = np.argsort(windows["deviation"])[::-1]
    peaks = [order[0]]
    peaks += [index for index in order if all(abs(index - peak) > 8 for peak in peaks)][:1]
    others = [other for other in usable if other["subject"] != row["subject"]][:3]
    time = (windows["start"][peaks] + windows["end"][peaks]) / 2
    nearest = [[_walker(t * 7, 0.0, number, (128, 128)) for number in range(len(others))] for t in time]
    query = [_walker(t * 7, 0.6, 5, (128, 128)) for t in time]
    across, down = np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-1, 1, 32))
    region = np.exp(-((across - 0.15) ** 2 + (down - 0.5) ** 2) / 0.08).astype(np.float32)
    write_arrays(
        run / "evidence" / f"{row['recording_id']}.npz",
        peak_time_s=time,
        peak_start_s=windows["start"][peaks],
        peak_end_s=windows["end"][peaks],
        query_crop=np.asarray(query, dtype=np.uint8),
        nearest_crop=np.asarray(nearest, dtype=np.uint8).reshape(len(time), len(others), 128, 128, 3),
        nearest_recording=np.asarray([[other["recording_id"] for other in others]] * len(time), dtype=str),
        nearest_time_s=np.tile(time[:, None] + 0.3, (1, len(others))),
        region_map=np.tile(region / region.sum(), (len(time), 1, 1)),
    )


def _clips(run: Path, row: dict[str, Any], frames: int, number: int) -> None:
    from ubam.recordings.video_writer import write_clip

    name = row["recording_id"]
    times = np.arange(frames) / RATE
    write_clip(run / "preview" / f"{name}.mp4", (_walker(t * 7, 0.6, number, SIZE) for t in times), RATE)
    three = (np.hstack([_walker(t * 7, f, number, SIZE) for f in (0, 0.6, 1.2)]) for t in times[40:90])
    write_clip(run / "magnified" / f"{name}.mp4", three, RATE)
    facts = {"recording_id": name, "layout": "side-by-side", "factor": 2.5, "factor_measured": 2.13}
    facts |= {"appearance_kept": 0.94, "from_s": 1.6, "to_s": 3.6, "factor_geometric": 2.2}
    write_json(run / "magnified" / f"{name}.json", facts)


def _walker(phase: float, stiff: float, look: int, size: tuple[int, int]) -> np.ndarray:
    """A drawn walker, uint8 [H, W, 3]: `stiff` straightens one knee and leans the trunk, `look` picks its colours."""
    width, height = size
    rng = np.random.default_rng(look)
    wall, shirt, legs = (rng.integers(low, high, 3) for low, high in ((150, 225), (60, 200), (30, 120)))
    picture = np.full((height, width, 3), wall, np.uint8)
    picture[int(height * 0.88) :] = wall * 0.8
    hip = np.array([width / 2, height * 0.52])
    neck = hip + height * 0.28 * np.array([np.sin(0.05 + stiff * 0.25), -np.cos(0.05 + stiff * 0.25)])
    for side, shade in ((1.0, 0.75), (-1.0, 1.0)):
        swing = 0.45 * np.sin(phase + (np.pi if side > 0 else 0)) * (1 - 0.4 * stiff * (side < 0))
        bend = 0.5 * max(0.0, np.sin(phase + 1.2 + (np.pi if side > 0 else 0))) * (1 - stiff * (side < 0))
        knee = hip + height * 0.18 * np.array([np.sin(swing), np.cos(swing)])
        foot = knee + height * 0.18 * np.array([np.sin(swing - bend), np.cos(swing - bend)])
        for a, b in ((hip, knee), (knee, foot), (foot, foot + np.array([height * 0.05, 0]))):
            _limb(picture, a, b, legs * shade, height // 14)
    _limb(picture, hip, neck, shirt, height // 8)
    cv2.circle(picture, _point(neck - (0, height * 0.09)), height // 13, (205, 160, 130), -1, cv2.LINE_AA)
    return picture


def _limb(picture: np.ndarray, a: np.ndarray, b: np.ndarray, colour: np.ndarray, width: int) -> None:
    cv2.line(picture, _point(a), _point(b), [int(value) for value in colour], max(width, 1), cv2.LINE_AA)


def _point(xy: np.ndarray) -> tuple[int, int]:
    return round(float(xy[0])), round(float(xy[1]))
