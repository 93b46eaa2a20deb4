"""How costs and memory grow with the length of a film, with recordings, with subjects, and with workers.

Films are those of the rendered study, played forth and back; subjects are simulated (synthetic/embeddings.py), two
groups of equal size with recordings of 2.4 s, with three controls, intervals and every test.
"""

import json
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch

from ubam.core.files import leave_memory
from ubam.core.parallel import executor, processes
from ubam.core.settings import PRESETS
from ubam.deviation.scores import score_study
from ubam.encoding.embedding import embed_postures
from ubam.encoding.encoders import PostureEncoder
from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import embed
from ubam.encoding.training import build_encoders
from ubam.evaluation.benchmark.simulated_scores import QUERY, REFERENCE, score_simulated
from ubam.evaluation.benchmark.speed.measuring import Measured, line, timed
from ubam.evaluation.benchmark.speed.rows import CROP, EMBED, ENCODE
from ubam.evaluation.benchmark.speed.study import FPS, Place, Spent, run_command
from ubam.evaluation.synthetic.embeddings import groups_study
from ubam.recordings.study_table import Recording, read_study
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.results.run_folder import RunFolder
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops

SCORE, TESTS, STUDY = "score", "intervals, controls and tests", "score, controls and tests"
RECORDED_S, EACH = 2.4, 5  # seconds of a simulated recording; recordings of a subject where recordings grow
SEED = 5
SHARED_STAGES = {"crops": CROP, "score": "scores of a run", "magnify": "clips"}  # which workers share
ARITHMETIC, EMBEDDED, PRODUCTS = "arithmetic alone", 40, 2000


def cropped_length(place: Place, frames: int) -> Measured:
    """Find and crop in a film of so many frames, at the size of the rendered study."""
    recording = next(one for one in _recordings(place) if one.group != "impaired")
    shown = list(read_frames(recording.video))
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        film = Path(folder) / "film.mp4"
        write_clip(film, islice(cycle(shown + shown[-2:0:-1]), frames), FPS)
        del shown
        spent = timed(lambda: build_crops(replace(recording, video=film), Path(folder) / "crops"))
    return line("length", CROP, frames, "frame", spent, frames)


def _recordings(place: Place) -> Sequence[Recording]:
    return read_study(place.table).recordings


def embedded_length(place: Place, frames: int) -> Measured:
    """Postures of so many views, which are read from the disk as they are needed."""
    views = np.array(CropStore.open(place.run.crops(place.recording.recording_id).path).views)
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        kept = np.lib.format.open_memmap(
            Path(folder) / "views.npy", mode="w+", dtype=np.uint8, shape=(frames, *views.shape[1:])
        )
        for start in range(0, frames, len(views)):
            kept[start : start + len(views)] = views[: frames - start]
            leave_memory(kept)
        kept.flush()
        del kept
        spent = timed(partial(_postures, Path(folder) / "views.npy"))
    return line("length", ENCODE, frames, "frame", spent, frames)


def _postures(views: Path) -> None:
    embed_postures(PostureEncoder(), np.load(views, mmap_mode="r"))


def scored_recordings(count: int, part: str = "recordings") -> Measured:
    """Deviations, without intervals, of so many simulated recordings: five of each subject."""
    subjects = max(4, count // EACH)
    sizes = {REFERENCE: subjects // 2, QUERY: subjects - subjects // 2}
    codes = groups_study(SEED, sizes, {QUERY: 0.5}, recordings=max(1, count // subjects), seconds=RECORDED_S)
    spent = timed(lambda: score_study(codes, REFERENCE, intervals=False))
    return line(part, SCORE, len(codes), "recording", spent, len(codes))


def scored_subjects(count: int, workers: int, part: str = "subjects") -> Measured:
    """Everything that `ubam score` computes of so many simulated subjects with two recordings each.

    The workers are there already, as in a run; CPU time is with their start.
    """
    sizes = {REFERENCE: count // 2, QUERY: count - count // 2}
    codes = groups_study(SEED, sizes, {QUERY: 0.5}, recordings=2, seconds=RECORDED_S)
    began = list[Spent]()

    def with_workers() -> None:
        with executor(workers) as pool:
            list(pool.map(_load, range(2 * workers)))
            began.append(timed(lambda: score_simulated(codes, pool, SEED)))

    spent = replace(timed(with_workers), wall_s=began[0].wall_s)
    size = count if part == "subjects" else workers
    return line(part, STUDY, size, "subject", spent, count)


def _load(number: int) -> None:
    """Load what scoring needs, as the first of several small pieces of work does."""
    sizes = {REFERENCE: 4, QUERY: 4}
    score_study(groups_study(number, sizes, {QUERY: 0.5}, seconds=RECORDED_S), REFERENCE, intervals=False)


def tested(count: int) -> Measured:
    """What intervals, controls and tests of such a study take beside its scores alone, by one worker."""
    sizes = {REFERENCE: count // 2, QUERY: count - count // 2}
    codes = groups_study(SEED, sizes, {QUERY: 0.5}, recordings=2, seconds=RECORDED_S)
    alone = timed(lambda: score_study(codes, REFERENCE, intervals=False))
    with executor(1) as pool:
        whole = timed(lambda: score_simulated(codes, pool, SEED))
    spent = replace(whole, cpu_s=whole.cpu_s - alone.cpu_s, wall_s=whole.wall_s - alone.wall_s)
    return line("rows", TESTS, count, "subject", spent, count)


def stages_by(place: Place, workers: int) -> list[Measured]:
    """The stages of a run of the rendered study by so many workers, whose start is a part of the first one.

    A stage has no CPU time of its own; each line has that of the whole run.
    """
    recordings = len(_recordings(place))
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        run = RunFolder(Path(folder) / "run")
        spent = run_command(
            "run", str(place.table), "--out", str(run.path), "--preset", "quick", "--workers", str(workers)
        )
        stages = json.loads(run.run_json.read_text())["stages"]
    took = {row: replace(spent, wall_s=stages[stage]["seconds"]) for stage, row in SHARED_STAGES.items()}
    return [line("workers", row, workers, "recording", one, recordings) for row, one in [*took.items(), ("run", spent)]]


def embedded_by(place: Place, workers: int) -> Measured:
    """Postures, behaviours and changes of looks of EMBEDDED recordings by so many workers that are there already."""
    crops = place.run.crops(place.recording.recording_id).path
    frames = EMBEDDED * len(CropStore.open(crops).time_s)
    return line("workers", EMBED, workers, "frame", _shared(partial(_embed, crops), EMBEDDED, workers), frames)


def arithmetic_by(workers: int) -> Measured:
    """Products of matrices that fit into a core's own memory: as much as more workers can bring on this machine."""
    return line("workers", ARITHMETIC, workers, "product", _shared(_multiply, EMBEDDED, workers), EMBEDDED * PRODUCTS)


def _shared(work: Callable[[int], None], count: int, workers: int) -> Spent:
    """What `work` takes when it is done `count` times by so many processes, each of which has done it before."""
    with processes(workers) as pool:
        for _ in range(2):
            spent = timed(lambda: deque(pool.map(work, range(count)), maxlen=0))
        times = list(pool.map(_cpu_of, [work] * workers))
    return replace(spent, cpu_s=count * statistics.median(times))


def _cpu_of(work: Callable[[int], None]) -> float:
    return timed(lambda: work(0)).cpu_s


def _embed(crops: Path, number: int) -> None:
    torch.set_num_threads(1)
    embed(Networks(*build_encoders(), PRESETS["standard"].as_dict()), CropStore.open(crops))


def _multiply(number: int) -> None:
    matrix = np.random.default_rng(number).normal(size=(128, 128))
    for _ in range(PRODUCTS):
        matrix = np.tanh(matrix @ matrix / 128)
