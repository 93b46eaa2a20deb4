"""`ubam benchmark --eye`: one table of what is seen of the subject, rows by sets, on pictures that taught nothing.

Four parts: outlines (and landmarks) against truth on both test renderers; labelled keypoints of real recordings inside
the outlines; postures and deviations of both renderers' studies; null studies, in which groups differ in looks only.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from ubam.core.errors import UbamError
from ubam.core.files import read_arrays
from ubam.core.parallel import executor
from ubam.evaluation.benchmark.eye import measures
from ubam.evaluation.benchmark.eye.rows import EyeRow, eye_rows, look_at
from ubam.evaluation.benchmark.eye.sets import SETS, Known, Labelled, labelled, labelled_recordings, rendered
from ubam.evaluation.benchmark.eye.sheets import Tile, write_sheet
from ubam.evaluation.benchmark.eye.table import HEADINGS, Value, means, write_eye_results
from ubam.evaluation.benchmark.measures import errors_alone, root_centred, turned_back
from ubam.evaluation.benchmark.rows import REFERENCE, Coded, KnownStudy, Row, stacked
from ubam.evaluation.benchmark.run import (
    CAPSULES,
    RECORDINGS,
    Cell,
    Rendering,
    cell_values,
    choose_rows,
    finish,
    open_study,
    prepare,
    renderings,
    run_benchmark,
    source_fingerprint,
)
from ubam.evaluation.benchmark.table import Mean, mean_of
from ubam.recordings.study_table import Recording
from ubam.tracking.crop_store import CropStore

SEEDS = (2, 4, 5, 6, 7, 8, 9, 10, 11, 12)  # nothing is chosen on 1 and 3
SUBJECTS, SECONDS = 12, 4.0
KINDS = ("human", "rodent", *CAPSULES)
POSTURE_ROWS = (
    "untrained", "pixel", "background", "standard", "learned", "landmarks", "keypoints", "keypoints 0.5%",
    "keypoints 2%",
)  # fmt: skip
REACH = 0.02  # body lengths beside an outline within which a labelled point counts as inside: labels lie on edges
NEAR = (0.05, 0.02)  # body heights
SHEET = 24  # tiles
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured: seeds (the outlines part takes the first), subjects and seconds of each study.

    recordings: of each subject, in the studies of postures. tests: whether their groups are tested, too.
    """

    out: Path
    seeds: tuple[int, ...] = SEEDS
    subjects: int = SUBJECTS
    seconds: float = SECONDS
    kinds: tuple[str, ...] = KINDS
    workers: int = 1
    recordings: int = RECORDINGS
    tests: bool = True

    def studies(self, variety: str) -> list[Rendering]:
        """The studies of a variety, seed by seed."""
        return renderings(self.kinds, self.seeds, [variety], self.subjects, self.seconds, self.recordings)


# ---- outlines ----


def measure_outlines(plan: Plan, rows: Sequence[EyeRow], progress: Progress) -> list[Value]:
    """Every row on every rendered set; contact sheets go into the folder `sheets`."""
    wanted = [one.name for one in SETS.values() if _asked(one.capsules, one.kind, one.view, plan.kinds)]
    names = [row.name for row in rows]
    with executor(plan.workers) as pool:
        tasks = [pool.submit(_outlines_of_set, plan, name, names) for name in wanted]
        finish(tasks, "outlines on rendered sets", progress)
    return [value for task in tasks for value in task.result()]


def _asked(capsules: bool, kind: str, view: str, kinds: Sequence[str]) -> bool:
    known = {CAPSULES[name]: name for name in CAPSULES}
    return (known[kind, view] if capsules else kind) in kinds


def _outlines_of_set(plan: Plan, name: str, names: Sequence[str]) -> list[Value]:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    known = rendered(plan.out / "sets", SETS[name], plan.subjects, plan.seconds, plan.seeds[0])
    values = []
    for row in (eye_rows()[one] for one in names):
        found, tiles = on_rendered(known, row)
        write_sheet(
            plan.out / "sheets" / f"{_slug(name)}-{row.name}.png", tiles[:: max(1, len(tiles) // SHEET)][:SHEET]
        )
        values += [Value("outlines", name, row.name, key, m.mean, m.error, m.studies, "subjects")
                   for key, m in found.items()]  # fmt: skip
    return values


def on_rendered(known: Sequence[Known], row: EyeRow) -> tuple[dict[str, Mean], list[Tile]]:
    """What a row sees on a set: means over subjects of the measures of frames, and a tile of each frame."""
    subjects: dict[str, list[float]] = defaultdict(list)
    errors: list[np.ndarray] = []
    visible: list[np.ndarray] = []
    whose: list[str] = []
    tiles = []
    for one in known:
        frames: dict[str, list[float]] = defaultdict(list)
        looked = list(look_at(one.recording, one.store, row, one.positions.tolist()))
        for number, (seen, alpha) in enumerate(zip(looked, one.alpha, strict=True)):
            found, true = seen.outline > 0.5, alpha > 0.5
            for key, value in outline_values(found, true).items():
                frames[key].append(value)
            frames["found"].append(float(one.store.found[one.positions[number]]))
            caption, box = f"{one.recording.subject} {frames['iou'][-1]:.2f}", one.store.box[one.positions[number]]
            tiles.append(Tile(seen.picture, seen.outline, None, None, caption, box))
        for key, values in frames.items():
            subjects[key].append(float(np.nanmean(values)) if np.isfinite(values).any() else np.nan)
        if row.landmarks:
            errors.append(_landmark_errors(one, row, [seen.landmarks for seen in looked]))
            visible.append(one.visible[:, _shared(one.names, row)[0]])
            whose += [one.recording.subject] * len(looked)
    shown = {key: mean_of(values) for key, values in subjects.items()}
    if errors:
        shown |= landmark_values(np.concatenate(errors), np.concatenate(visible), whose)
    return shown, tiles


def outline_values(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """The measures of one outline, masks bool [H, W]."""
    return {
        "iou": measures.overlap(found, true), "missed": measures.missed_share(found, true),
        "foreign": measures.foreign_share(found, true), "pieces": float(measures.pieces(found)),
    }  # fmt: skip


def _shared(names: Sequence[str], row: EyeRow) -> tuple[list[int], list[int]]:
    """Which of the true keypoints and which of the row's landmarks have a common name."""
    common = [name for name in names if name in row.landmarks]
    return [list(names).index(name) for name in common], [row.landmarks.index(name) for name in common]


def _landmark_errors(known: Known, row: EyeRow, landmarks: Sequence[np.ndarray | None]) -> np.ndarray:
    """Found minus true [N, K, 2] of the common names, body heights."""
    of_truth, of_row = _shared(known.names, row)
    found = np.stack([one[of_row] for one in landmarks if one is not None])
    return np.asarray((found - known.keypoints[:, of_truth]) / known.body_height)


def landmark_values(errors: np.ndarray, visible: np.ndarray, subject: Sequence[str]) -> dict[str, Mean]:
    """Measures of landmarks whose errors [N, K, 2] are known, of keypoints in the picture that nothing hides."""
    who, own = np.asarray(subject), measures.without_definitions(errors, subject)
    shares: dict[str, list[float]] = defaultdict(list)
    for name in np.unique(who):
        mine = who == name
        for near in NEAR:
            shares[f"pck{100 * near:g}"].append(measures.near_share(errors[mine], near, visible[mine]))
            shares[f"pck{100 * near:g}_defined"].append(measures.near_share(own[mine], near, visible[mine]))
    constant = Mean(measures.constant_error(errors, subject), float("nan"), len(np.unique(who)))
    return {key: mean_of(values) for key, values in shares.items()} | {"constant_error": constant}


# ---- real recordings ----


def measure_real(plan: Plan, folder: Path, rows: Sequence[EyeRow], progress: Progress) -> list[Value]:
    """Every row on the labelled recordings of a folder; UbamError when it holds none."""
    recordings = labelled_recordings(folder, plan.out / "real")
    if not recordings:
        raise UbamError(f"{folder}: holds no .slp with its video and no CSV of DeepLabCut beside its pictures")
    values: list[Value] = []
    shares: list[tuple[tuple[str, str, str], float]] = []
    for number, recording in enumerate(recordings):
        progress("labelled keypoints of real recordings", number, len(recordings))
        known = labelled(recording, plan.out / "real")
        for row in rows:
            found, tiles = on_labelled(known, row)
            write_sheet(plan.out / "sheets" / f"{recording.recording_id}-{row.name}.png", tiles[:SHEET])
            shares += [((recording.recording_id, row.name, key), value) for key, value in found.items()]
            frames = len(known.positions)
            values += [
                Value("real", recording.recording_id, row.name, key, value, float("nan"), frames, "frames")
                for key, value in found.items()
            ]
    progress("labelled keypoints of real recordings", len(recordings), len(recordings))
    return values + means("real", ((("all recordings", *key[1:]), value) for key, value in shares), "recordings")


def on_labelled(known: Labelled, row: EyeRow) -> tuple[dict[str, float], list[Tile]]:
    """Share of labelled points inside the outline, over all frames, and how large the outline is beside their hull.

    Where other animals are labelled, too: the share of their points that the outline holds.
    """
    held: list[np.ndarray] = []
    strange: list[np.ndarray] = []
    areas, tiles = [], []
    looked = look_at(known.recording, known.store, row, known.positions.tolist())
    for position, points, others, seen in zip(known.positions, known.points, known.others, looked, strict=False):
        mask = seen.outline > 0.5
        held.append(measures.inside(mask, points, REACH * known.body_length))
        strange.append(measures.inside(mask, others, 0))
        areas.append(measures.over_hull(mask, points))
        caption = f"{held[-1].mean():.2f}" if len(held[-1]) else ""
        tiles.append(Tile(seen.picture, seen.outline, None, points, caption, known.store.box[position]))
    found = known.store.found[known.positions]
    area = float(np.nanmedian(areas)) if np.isfinite(areas).any() else float("nan")
    shares = {"inside": float(np.concatenate(held).mean()), "over_hull": area, "found": float(found.mean())}
    if any(len(one) for one in strange):
        shares["others_inside"] = float(np.concatenate(strange).mean())
    return shares, tiles


# ---- postures and null studies ----


def measure_postures(
    plan: Plan, rows: Sequence[Row], eyes: Sequence[EyeRow], variety: str, progress: Progress
) -> list[Value]:
    """Rows of the posture benchmark, and the landmarks of eyes that have some, on studies of both renderers."""
    cells = run_benchmark(plan.out, plan.studies(variety), rows, plan.workers, progress, plan.tests) if rows else []
    names = [eye.name for eye in eyes if eye.landmarks]
    with executor(plan.workers) as pool:
        tasks = [pool.submit(_eye_on_study, plan.out, study, name) for study in plan.studies(variety) for name in names]
        finish(tasks, "landmarks on studies", progress)
    cells += [task.result() for task in tasks]
    shown = (((cell.study.kind, cell.row, key), value) for cell in cells for key, value in cell.values.items())
    part = "postures" if variety == "main" else "null"
    return means(part, ((key, value) for key, value in shown if key[2] in HEADINGS), "studies")


def _eye_on_study(out: Path, study: Rendering, name: str) -> Cell:
    """Landmarks as postures: the measures of the posture benchmark, on null studies that of their errors alone, too."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    prepare(out, study)
    folder, row = out / "studies" / study.name, eye_rows()[name]
    known = open_study(folder)
    landmarks = [_landmarks(one, store, row) for one, store in zip(known.recordings, known.stores, strict=True)]
    postures = [_in_body_units(found, store, row) for found, store in zip(landmarks, known.stores, strict=True)]
    coded = Coded([stacked(code.posture, code.stride) for code in known.codes(postures)])
    values = cell_values(study, Row(name, name, {}, lambda _: coded), known, coded)
    if study.variety == "null":
        errors = [_root_errors(folder, known, number, row, found) for number, found in enumerate(landmarks)]
        values["errors_alone"] = errors_alone(known.codes(errors), known.severity, REFERENCE)
    return Cell(study, name, source_fingerprint(), values)


def _landmarks(recording: Recording, store: CropStore, row: EyeRow) -> np.ndarray:
    """Landmarks [T, K, 2] px of every frame; where nothing was found, those of the last frame in which it was."""
    found = np.stack([
        seen.landmarks
        for seen in look_at(recording, store, row, range(len(store.frame_index)))
        if seen.landmarks is not None
    ])  # fmt: skip
    known = np.isfinite(found).all((1, 2))
    last = np.maximum.accumulate(np.where(known, np.arange(len(found)), 0))
    return np.asarray(np.nan_to_num(found[last]))


def _in_body_units(landmarks: np.ndarray, store: CropStore, row: EyeRow) -> np.ndarray:
    """Landmarks as postures [T, 2K]: from the middle of the hips, by their own spread, turned as the store's views.

    The spread is the median over frames of their root mean square distance from their middle: nothing but the eye says
    how large the subject is.
    """
    apart = landmarks - landmarks.mean(1, keepdims=True)
    spread = float(np.median(np.sqrt((apart**2).sum(-1).mean(1))))
    centred = root_centred(landmarks, row.landmarks, max(spread, 1e-6))
    return turned_back(centred, store.heading).reshape(len(centred), -1).astype(np.float32)


def _root_errors(folder: Path, known: KnownStudy, number: int, row: EyeRow, landmarks: np.ndarray) -> np.ndarray:
    """Found minus true [T, 2K] of the common names, from the middle of the hips, body heights."""
    recording, store = known.recordings[number], known.stores[number]
    truth = read_arrays(folder / "truth" / f"{recording.recording_id}.npz")
    of_truth, of_row = _shared(truth["names"].tolist(), row)
    common, height = [row.landmarks[one] for one in of_row], float(truth["body_height"])
    true = truth["keypoints"][store.frame_index][:, of_truth]
    errors = root_centred(landmarks[:, of_row], common, height) - root_centred(true, common, height)
    return errors.reshape(len(errors), -1).astype(np.float32)


# ---- all of it ----


def run_eye(
    plan: Plan, parts: Sequence[str], names: Sequence[str], real: Path | None, progress: Progress
) -> list[Value]:
    """The parts of the benchmark, with the rows of these names, all without names; written into the plan's folder.

    real: the folder of real recordings; the part `real` is left out without it. Returns all values that the folder now
    holds for this plan, those of parts and rows that were measured before, too.
    """
    known = eye_rows()
    eyes = [row for name, row in known.items() if not names or name in names]
    others = [name for name in names if name not in known]
    rows = choose_rows(others or POSTURE_ROWS) if others or not names else []
    values: list[Value] = []
    if "outlines" in parts:
        values += measure_outlines(plan, eyes, progress)
    if "real" in parts and real is not None:
        values += measure_real(plan, real, eyes, progress)
    if "postures" in parts:
        values += measure_postures(plan, rows, eyes, "main", progress)
    if "null" in parts:
        values += measure_postures(plan, rows, eyes, "null", progress)
    size = {
        "seeds": list(plan.seeds), "subjects": plan.subjects, "seconds": plan.seconds, "recordings": plan.recordings,
    }  # fmt: skip
    return write_eye_results(plan.out, values, size)


def _slug(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-")
