"""The magnification benchmark in its folder: every row's clips of rendered subjects, measured against their truth.

Studies are those of the benchmark of embeddings, with the same crops. The networks of each study are learnt once and
kept; what is measured of one row on one recording is a cell, which is also kept, so that a stopped benchmark continues.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ubam.core.errors import UbamError
from ubam.core.files import write_json
from ubam.core.parallel import executor
from ubam.core.provenance import key_of
from ubam.core.settings import Settings
from ubam.core.typing import StageProgress
from ubam.evaluation.benchmark.clips import marks, measures
from ubam.evaluation.benchmark.clips.rows import AT_ONE, CLIP_ROWS, Clip
from ubam.evaluation.benchmark.clips.study import (
    FRAMES,
    SYNTHESIS_STEPS,
    ClipStudy,
    ClipTruth,
    Points,
    learn_study,
    open_clip,
)
from ubam.evaluation.benchmark.rows import REFERENCE
from ubam.evaluation.benchmark.run import Rendering, finish, open_study, prepare, source_fingerprint
from ubam.magnification.magnify import factor_in_postures
from ubam.tracking.crop_store import CROP_VERSION

VERSION = 6  # raise it when a measure or a row changes and kept cells must not be used again
FACTORS = (0.0, 1.0, 1.5, 2.0, 3.0)
NULL_SUBJECTS, NULL_FACTOR = 3, 2.0
MARKED_AT = (1.0, 2.0)  # factors at which marks are measured: of a rebuilt recording, and of a magnified one


@dataclass(frozen=True)
class ClipCell:
    """What was measured of one row on one recording; values by name and factor as `cosine@2`, without one as `slope`.

    impairment: "" for a healthy subject, on which only the null is measured. source: the state of the program. frames:
    of each frame, for rows that mark frames, what `marks.frames_of` names.
    """

    study: Rendering
    recording: str
    impairment: str
    row: str
    source: str
    values: dict[str, float]
    frames: dict[str, list[float]] = field(default_factory=dict)


def choose_clip_rows(names: Sequence[str]) -> list[str]:
    """The rows of these names, all rows without names, and always `truth`; UbamError for an unknown name."""
    unknown = [name for name in names if name not in CLIP_ROWS]
    if unknown:
        raise UbamError(f"There is no row '{unknown[0]}' of clips; the rows are {'; '.join(CLIP_ROWS)}.")
    return [name for name in CLIP_ROWS if not names or name in names or name == "truth"]


def run_clips(
    out: Path,
    studies: Sequence[Rendering],
    rows: Sequence[str],
    settings: Settings,
    workers: int,
    progress: StageProgress,
) -> list[ClipCell]:
    """Render, learn and measure what is missing, and return the cells of `rows`.

    Each cell is computed by one thread of one of `workers` processes. Everything is kept in `out`.
    """
    with executor(workers) as pool:
        finish([pool.submit(prepare, out, study) for study in studies], "rendering and cropping studies", progress)
        open_ones = [study for study in studies if _missing(out, study, rows, settings)]
        learning = [pool.submit(learn_study, out, study, settings, "published" in rows) for study in open_ones]
        finish(learning, "learning from studies", progress)
        tasks = [
            pool.submit(measure_clip, out, study, recording, list(rows), settings)
            for study, recording in _in_turn(out, studies)
        ]
        finish(tasks, "measuring clips", progress)
    return [cell for task in tasks for cell in task.result()]


def _in_turn(out: Path, studies: Sequence[Rendering]) -> list[tuple[Rendering, str]]:
    """All clips, one of each study in turn, so that a stopped benchmark has some of every study."""
    each = [[(study, recording) for recording in clips_of(out, study)] for study in studies]
    return [clip for clips in zip_longest(*each) for clip in clips if clip is not None]


def _missing(out: Path, study: Rendering, rows: Sequence[str], settings: Settings) -> bool:
    """Whether a cell of these rows is missing."""
    files = [_cell_file(out, study, name, row, settings) for name in clips_of(out, study) for row in rows]
    return any(_kept(study, file) is None for file in files)


def clips_of(out: Path, study: Rendering) -> list[str]:
    """The first recording of every impaired subject and of three healthy ones."""
    known, seen, null = open_study(out / "studies" / study.name), set[str](), 0
    chosen = []
    for recording in known.recordings:
        healthy = recording.group == REFERENCE
        if recording.subject in seen or (healthy and null == NULL_SUBJECTS):
            continue
        seen.add(recording.subject)
        null += healthy
        chosen.append(recording.recording_id)
    return chosen


def measure_clip(
    out: Path, study: Rendering, recording: str, rows: Sequence[str], settings: Settings
) -> list[ClipCell]:
    """The cells of these rows on one recording, in a worker; kept ones are read."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    files = {row: _cell_file(out, study, recording, row, settings) for row in rows}
    cells = {row: _kept(study, file) for row, file in files.items()}
    if any(cell is None for cell in cells.values()):
        opened = ClipStudy(out, study, settings)
        impairment = str(np.load(opened.truths / f"{recording}.npz")["impairment"])
        factors = FACTORS if impairment else (1.0, NULL_FACTOR)
        clip, truth = open_clip(opened, recording, factors)
        for row in (name for name, cell in cells.items() if cell is None):
            values, frames = row_values(clip, truth, row, factors)
            cells[row] = ClipCell(study, recording, impairment, row, source_fingerprint(), values, frames)
            kept = {"recording": recording, "impairment": impairment, "row": row, "frames": frames}
            write_json(files[row], kept | {"source": source_fingerprint(), "values": values})
    return [cell for cell in cells.values() if cell is not None]


def _cell_file(out: Path, study: Rendering, recording: str, row: str, settings: Settings) -> Path:
    slug = row.replace(",", "").replace(" ", "-")
    key = key_of(VERSION, CROP_VERSION, settings.as_dict(), FRAMES, SYNTHESIS_STEPS)
    return out / "clips" / study.name / recording / f"{slug}-{key}.json"


def _kept(study: Rendering, file: Path) -> ClipCell | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    values = {name: float("nan") if value is None else value for name, value in kept["values"].items()}
    return ClipCell(
        study, kept["recording"], kept["impairment"], kept["row"], kept["source"], values, kept["frames"]
    )  # fmt: skip


def row_values(
    clip: Clip, truth: ClipTruth, row: str, factors: Sequence[float]
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Everything that is measured of one row on one clip, and of its frames; on a healthy subject's, the null alone."""
    began = time.process_time()
    clip.checked.clear()
    shown = CLIP_ROWS[row](clip, [factor for factor in factors if factor != 1 or row in AT_ONE])
    cost = 1000 * (time.process_time() - began) / max(len(clip.positions) * len(shown), 1)
    subject = measures.subjects_in(clip.recorded, truth.empty)
    values, frames, moved = {"cpu_ms": cost}, dict[str, list[float]](), dict[float, Points]()
    for factor, pictures in shown.items():
        flow = _flow(clip, truth, pictures, subject)
        moved[factor] = measures.read_at(flow, truth.keypoints)
        if factor in clip.checked and factor in MARKED_AT:
            frames = marks.frames_of(clip, truth, factor, pictures, moved[factor])
        if 0.0 not in factors:
            continue
        found = _values_at(clip, truth, factor, pictures, moved[factor])
        if factor == 1:
            sides = clip.store.box[clip.positions, 2] - clip.store.box[clip.positions, 0]
            found |= {"posture": measures.posture_error(moved[factor], sides)}
        if factor == 2:
            found |= _where(truth, flow, subject, moved[factor])
        values |= {f"{name}@{factor:g}": value for name, value in found.items()}
    if 0.0 not in factors:
        return _null_values(truth, moved), frames
    if 2.0 in moved:
        own = {1.0: np.zeros_like(truth.keypoints)} | moved
        values |= dict(zip(("slope", "r2"), measures.response(own), strict=True))
    if row == "truth":
        joints = measures.agreement(truth.own, truth.keypoints - truth.healthy)
        values |= dict(zip(("joints_cosine", "joints_gain"), joints, strict=True))
    return {name: float(value) for name, value in values.items()}, frames


def _flow(clip: Clip, truth: ClipTruth, pictures: NDArray[np.uint8], subject: NDArray[np.bool_]) -> NDArray[np.float32]:
    return measures.shown_flow(clip.recorded, pictures, subject, measures.subjects_in(pictures, truth.empty))


def _null_values(truth: ClipTruth, moved: dict[float, Points]) -> dict[str, float]:
    if NULL_FACTOR not in moved:
        return {}
    return {
        "null_shown": measures.rms_percent(moved[NULL_FACTOR], truth.body_height),
        "null_own": measures.rms_percent(truth.own, truth.body_height),
    }


def _values_at(
    clip: Clip, truth: ClipTruth, factor: float, pictures: NDArray[np.uint8], moved: Points
) -> dict[str, float]:
    region = truth.masks[1.0] | truth.masks[factor]
    values = {
        "dose": _read_dose(clip, pictures),
        "ssim": measures.foreground_ssim(pictures, clip.rendered[factor], truth.masks[factor]),
        "sharpness": measures.sharpness(clip.recorded, pictures, region),
        "flicker": measures.flicker(clip.recorded, pictures, region),
        "background": measures.background_flicker(clip.recorded, pictures, region, 0.1 * truth.body_height),
    }
    if factor != 1:
        deviation = (factor - 1) * (truth.keypoints - truth.healthy)
        values |= dict(zip(("cosine", "gain"), measures.agreement(moved, deviation), strict=True))
    return values


def _read_dose(clip: Clip, pictures: NDArray[np.uint8]) -> float:
    """The factor that the posture code reads in every other picture."""
    whole, positions = clip.store.whole_scene(), clip.positions[::2]
    parts = zip(pictures[::2], positions, strict=True)
    views = np.stack([clip.store.view_of(picture, int(position), whole) for picture, position in parts])
    return factor_in_postures(clip.embed(views), clip.posture[positions], clip.twin[positions])


def _where(truth: ClipTruth, flow: NDArray[np.float32], subject: NDArray[np.bool_], moved: Points) -> dict[str, float]:
    deviation = truth.keypoints - truth.healthy
    most = measures.most_deviating(deviation, truth.body_height)
    pointed = measures.pointing(flow, subject, truth.keypoints, most, truth.body_height)
    ranked = measures.where_keypoints(moved, most)
    when = measures.time_agreement(moved, deviation)
    return {"pointing": pointed[0], "pointing_chance": pointed[1], "ap": ranked[0], "ap_chance": ranked[1]} | {
        "when": when
    }


def settings_facts(settings: Settings) -> dict[str, object]:
    """How clips were made and measured, for clips.json."""
    return {
        "networks": settings.as_dict(), "frames": FRAMES, "factors": FACTORS, "null_subjects": NULL_SUBJECTS,
        "null_factor": NULL_FACTOR, "synthesis_steps": SYNTHESIS_STEPS,
    }  # fmt: skip
