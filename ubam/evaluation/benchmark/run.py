"""The benchmark in its folder: studies are rendered once, codings and cells kept, so that a stopped one goes on."""

import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ubam.core.errors import UbamError
from ubam.core.files import read_arrays, write_json
from ubam.core.parallel import executor
from ubam.core.provenance import key_of
from ubam.core.typing import StageProgress
from ubam.encoding.study_encoder import Embedding
from ubam.evaluation.benchmark.measures import (
    LEVEL,
    Samples,
    Truth,
    deviation_measures,
    drawn_p,
    embedding_measures,
    errors_alone,
    join,
    root_centred,
    shuffled_auc,
    turned_back,
)
from ubam.evaluation.benchmark.rows import REFERENCE, Coded, KnownStudy, Row, benchmark_rows
from ubam.evaluation.synthetic.capsules.study import CapsuleStudy
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study
from ubam.recordings.study_table import read_study
from ubam.tracking.crop_store import CROP_VERSION, CropStore
from ubam.tracking.cropping import build_crops

CODINGS = 5  # raise it when a coding changes and kept ones must not be used again
MEASURES = 9  # the same of measures
SCENE = "treadmill"  # as long as asked; on the walkway a subject leaves the picture
RECORDINGS = 2
CAPSULES = {  # kinds of the second test renderer: whom it shows, and from where
    "capsule human": ("human", "side"), "capsule rodent": ("rodent", "side"),
    "capsule rodent above": ("rodent", "above"),
}  # fmt: skip
VARIETIES: dict[str, dict[str, Any]] = {
    "main": {},
    "null": {"null": True},
    "confounded 0.5": {"confound": 0.5},
    "confounded 0.9": {"confound": 0.9},
}


@dataclass(frozen=True)
class Rendering:
    """One study of the benchmark: `variety` is a key of VARIETIES, `seconds` the length of each recording.

    recordings: of each subject.
    """

    kind: str
    variety: str
    seed: int
    subjects: int
    seconds: float
    recordings: int = RECORDINGS

    @property
    def name(self) -> str:
        """The name of its folder; other sizes are other studies."""
        each = "" if self.recordings == RECORDINGS else f"x{self.recordings}"
        return f"{_slug(self.kind)}-{_slug(self.variety)}-{self.seed}-{self.subjects}{each}x{self.seconds:g}s"

    @property
    def spec(self) -> StudySpec:
        """What it is made of, where the first renderer makes it."""
        return StudySpec(
            kind=self.kind, subjects=self.subjects, recordings_per_subject=self.recordings, seed=self.seed,
            scene=SCENE, seconds=self.seconds, **VARIETIES[self.variety],
        )  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """All measures of one row on one study; `source` is the state of the program that made it."""

    study: Rendering
    row: str
    source: str
    values: dict[str, float]


def renderings(
    kinds: Iterable[str], seeds: Iterable[int], varieties: Iterable[str], subjects: int, seconds: float,
    recordings: int = RECORDINGS,
) -> list[Rendering]:  # fmt: skip
    """All studies to measure on, seed by seed, so that a stopped benchmark has whole seeds."""
    return [
        Rendering(kind, variety, seed, subjects, seconds, recordings)
        for seed in seeds
        for variety in varieties
        for kind in kinds
    ]


def choose_rows(names: Sequence[str]) -> list[Row]:
    """The rows of these names, all without names; UbamError for a name that is none."""
    rows = benchmark_rows()
    unknown = [name for name in names if name not in rows]
    if unknown:
        raise UbamError(f"There is no row '{unknown[0]}'; the rows are {', '.join(rows)}.")
    return [row for name, row in rows.items() if not names or name in names]


def run_benchmark(
    out: Path, studies: Sequence[Rendering], rows: Sequence[Row], workers: int, progress: StageProgress,
    tests: bool = True,
) -> list[Cell]:  # fmt: skip
    """Render what is not rendered, measure what is not measured, and return the cells of `rows` on `studies`.

    tests: whether groups are tested, too; that takes most of the time of a small study. Each cell is worked out by one
    thread of one of `workers` processes. Everything is kept in `out`.
    """
    with executor(workers) as pool:
        finish([pool.submit(prepare, out, study) for study in studies], "rendering and cropping studies", progress)
        tasks = [
            pool.submit(measure, out, study, [row.name for row in group], tests)
            for study in studies
            for group in _by_coding(_rows_for(rows, study))
        ]
        finish(tasks, "measuring rows on studies", progress)
    return [cell for task in tasks for cell in task.result()]


def finish(tasks: Sequence[Future[Any]], what: str, progress: StageProgress) -> None:
    """Wait for all tasks; when one fails or the user stops, those that have not begun never will."""
    progress(what, 0, len(tasks))
    try:
        for done, task in enumerate(as_completed(tasks), 1):
            task.result()
            progress(what, done, len(tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        raise


def _rows_for(rows: Iterable[Row], study: Rendering) -> list[Row]:
    return [row for row in rows if not row.main_only or study.variety == "main"]


def _by_coding(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows that share a coding together, so that no two processes do the same one."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_coding_key(row)].append(row)
    return list(groups.values())


def prepare(out: Path, study: Rendering) -> None:
    """Render the study and crop its recordings, unless that is done."""
    cv2.setNumThreads(1)
    folder = out / "studies" / study.name
    if not (folder / "study.csv").exists():  # written last
        _render(folder, study)
    for recording in read_study(folder / "study.csv").recordings:
        build_crops(recording, folder / "crops" / recording.recording_id)


def _render(folder: Path, study: Rendering) -> None:
    if study.kind in CAPSULES:
        kind, view = CAPSULES[study.kind]
        CapsuleStudy(
            kind,
            study.subjects,
            study.recordings,
            study.seed,
            view=view,
            seconds=study.seconds,
            **VARIETIES[study.variety],
        ).write(folder)
        return
    synthesise_study(folder, study.spec)


def open_study(folder: Path) -> KnownStudy:
    """A rendered study with its crops in `folder`/crops and its truth in `folder`/truth."""
    recordings = read_study(folder / "study.csv").recordings
    stores = [CropStore.open(folder / "crops" / recording.recording_id) for recording in recordings]
    truths = [
        _read_truth(folder / "truth" / f"{recording.recording_id}.npz", store)
        for recording, store in zip(recordings, stores, strict=True)
    ]
    return KnownStudy(recordings, stores, truths, folder.parents[1] / "networks" / folder.name)


def _read_truth(path: Path, store: CropStore) -> Truth:
    truth, shown = read_arrays(path), store.frame_index
    names, height = truth["names"].tolist(), float(truth["body_height"])
    keypoints = root_centred(truth["keypoints"], names, height)
    if "heading" not in truth:
        return Truth(keypoints[shown], truth["phase"][shown], tuple(names), height)
    keypoints = turned_back(keypoints, truth["heading"])
    return Truth(keypoints[shown], truth["phase"][shown], tuple(names), height, truth["heading"][shown])


def measure(out: Path, study: Rendering, names: Sequence[str], tests: bool = True) -> list[Cell]:
    """The cells of rows that share one coding on one study, in a worker; kept ones are read."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = [benchmark_rows()[name] for name in names]
    cells = {row.name: read_cell(out, study, row, tests) for row in rows}
    if all(cells.values()):
        return [cell for cell in cells.values() if cell is not None]
    known = open_study(out / "studies" / study.name)
    coded = _coded(out, study, rows[0], known)
    done = []
    for row in rows:
        cell = cells[row.name]
        if cell is None:
            cell = Cell(study, row.name, source_fingerprint(), cell_values(study, row, known, coded, tests))
        write_json(_cell_file(out, study, row, tests), {"source": cell.source, "row": row.name, "values": cell.values})
        done.append(cell)
    return done


def read_cell(out: Path, study: Rendering, row: Row, tests: bool = True) -> Cell | None:
    """The cell that was kept, if one of these settings and this version was."""
    try:
        kept = json.loads(_cell_file(out, study, row, tests).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    values = {name: float("nan") if value is None else value for name, value in kept["values"].items()}
    return Cell(study, row.name, kept["source"], values)


def cell_values(study: Rendering, row: Row, known: KnownStudy, coded: Coded, tests: bool = True) -> dict[str, float]:
    """The measures of a row whose embeddings of a study are `coded`, those of its variety; tests: of groups, too."""
    codes = known.codes([one.posture for one in coded.embeddings], [one.looks for one in coded.embeddings])
    if row.shuffled:
        return {"auc": shuffled_auc(codes, REFERENCE)}
    measures = deviation_measures(
        codes, known.severity, REFERENCE, scores=coded.scores, test=tests and study.variety in ("main", "null")
    )
    if tests and study.variety == "null" and coded.scores is None:
        p = drawn_p(codes, REFERENCE, zlib.crc32(study.name.encode()))
        measures |= {"p_drawn": p, "positive_drawn": float(p <= LEVEL)}
    if study.variety == "null" and row.errors is not None:
        measures["errors_alone"] = errors_alone(known.codes(row.errors(known)), known.severity, REFERENCE)
    if study.variety != "main":
        return {name: value for name, value in measures.items() if not name.startswith("rho")}
    cost = {"train_s": coded.train_s, "embed_ms": coded.embed_ms}
    measures |= {name: value for name, value in cost.items() if value is not None}
    return embedding_measures(*samples(known, coded.embeddings)) | measures


def samples(known: KnownStudy, embeddings: Sequence[Embedding]) -> tuple[Samples, Samples]:
    """The postures of frames, and the behaviours of windows, in which the subject was found throughout."""
    postures: list[Samples] = []
    behaviours: list[Samples] = []
    seen: Counter[str] = Counter()
    for recording, store, truth, coded in zip(known.recordings, known.stores, known.truths, embeddings, strict=True):
        found = np.flatnonzero(store.found)
        missing = np.concatenate([[0], np.cumsum(~store.found)])
        whole = missing[coded.last + 1] == missing[coded.first]
        middle = ((coded.first + coded.last) // 2)[whole]
        for features, frames, parts in (
            (coded.posture[found], found, postures),
            (coded.behaviour[whole], middle, behaviours),
        ):
            subject, number = np.full(len(frames), recording.subject), np.full(len(frames), seen[recording.subject])
            parts.append(Samples(features, subject, number, truth.phase[frames], truth.keypoints[frames]))
        seen[recording.subject] += 1
    return join(postures), join(behaviours)


def _coded(out: Path, study: Rendering, row: Row, known: KnownStudy) -> Coded:
    path = out / "codings" / study.name / f"{_slug(row.coding)}-{_coding_key(row)}.npz"
    if not path.exists():
        row.code(known).save(path)
    return Coded.load(path)


def _coding_key(row: Row) -> str:
    return key_of(CODINGS, CROP_VERSION, row.coding, dict(row.settings))


def _cell_file(out: Path, study: Rendering, row: Row, tests: bool) -> Path:
    version = f"{MEASURES}" if tests else f"{MEASURES}-untested"
    return out / "cells" / study.name / f"{_slug(row.name)}-{_coding_key(row)}-{version}.json"


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def source_fingerprint() -> str:
    """A short fingerprint of the program's source, to see whether two cells were made by the same state of it."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[2].rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
