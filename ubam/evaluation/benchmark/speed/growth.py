"""How costs and memory grow with the length of a film, with recordings, with subjects, and with workers.

Films are those of the rendered study, played forth and back; subjects are simulated (synthetic/embeddings.py), two
groups of equal size with recordings of 2.4 s, with three controls, intervals and every test.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from ubam.core.files import leave_memory
from ubam.deviation.scores import score_study
from ubam.encoding.embedding import embed_postures
from ubam.encoding.encoders import PostureEncoder
from ubam.evaluation.benchmark.simulated_scores import QUERY, REFERENCE, score_simulated
from ubam.evaluation.benchmark.speed.measuring import Measured, line, timed
from ubam.evaluation.benchmark.speed.rows import CROP, ENCODE
from ubam.evaluation.benchmark.speed.study import FPS, Place, run_command
from ubam.evaluation.synthetic.embeddings import groups_study
from ubam.recordings.study_table import Recording, read_study
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops

SCORE, TESTS, STUDY = "score", "intervals, controls and tests", "score, controls and tests"
RECORDED_S, EACH = 2.4, 5  # seconds of a simulated recording; recordings of a subject where recordings grow
SEED = 5


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
    """Everything that `ubam score` computes of so many simulated subjects with two recordings each."""
    sizes = {REFERENCE: count // 2, QUERY: count - count // 2}
    codes = groups_study(SEED, sizes, {QUERY: 0.5}, recordings=2, seconds=RECORDED_S)
    spent = timed(lambda: score_simulated(codes, workers, SEED))
    size = count if part == "subjects" else workers
    return line(part, STUDY, size, "subject", spent, count)


def tested(count: int) -> Measured:
    """What intervals, controls and tests of such a study take beside its scores alone, by one worker."""
    sizes = {REFERENCE: count // 2, QUERY: count - count // 2}
    codes = groups_study(SEED, sizes, {QUERY: 0.5}, recordings=2, seconds=RECORDED_S)
    alone = timed(lambda: score_study(codes, REFERENCE, intervals=False))
    whole = timed(lambda: score_simulated(codes, 1, SEED))
    spent = replace(whole, cpu_s=whole.cpu_s - alone.cpu_s, wall_s=whole.wall_s - alone.wall_s)
    return line("rows", TESTS, count, "subject", spent, count)


def cropped_by(place: Place, workers: int) -> Measured:
    """The crops of the rendered study by so many workers, the start of the program included."""
    recordings = len(_recordings(place))
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        spent = run_command("crops", str(Path(folder) / "run"), "--study", str(place.table), "--workers", str(workers))
    return line("workers", CROP, workers, "recording", spent, recordings)
