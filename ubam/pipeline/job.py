"""The job that all stages of a run share: the run, its study, the settings, and where progress is reported."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import torch

from ubam.core.cluster import own_name
from ubam.core.errors import RunError, UbamError
from ubam.core.files import read_arrays, read_csv
from ubam.core.parallel import WorkerKilled, Workers, each_done, usable_memory
from ubam.core.settings import Settings
from ubam.core.storage import Mirror
from ubam.recordings.study_table import Recording, Study
from ubam.results.run_folder import RunFolder
from ubam.results.run_record import RunRecord
from ubam.tracking.crop_store import CropStore
from ubam.tracking.outlines import look_on, sight

Progress = Callable[[str, int, int], None]
Item = TypeVar("Item")
Result = TypeVar("Result")
RECORDING_COLUMNS = (
    "recording_id",
    "video",
    "subject",
    "group",
    "session",
    "day",
    "dose",
    "start_s",
    "end_s",
    "severity",
)

ON_THE_GPU = 2 << 30  # bytes that a worker takes there at most: CUDA itself, the networks, a batch
IN_MEMORY = 1 << 30  # and in memory: a film of 10,000 frames takes 0.8 GB while its subject is found


def no_progress(stage: str, done: int, total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Outcome:
    """A finished run in short.

    done: the stages that were carried out. recordings, subjects: rows of recordings.csv and deviation/subjects.csv.
    warnings: what a reader must know before trusting the numbers.
    """

    run: str
    done: list[str]
    report: str | None
    recordings: list[dict[str, str]]
    subjects: list[dict[str, str]]
    warnings: list[str]


@dataclass(frozen=True)
class Job:
    """What every stage is handed: the run, its study, the settings and where to report progress.

    mirror: the storage with which the run folder is kept in step. workers: of the run, while its stages are done.
    sight: how the eye looks on the machine that hands work to others.
    """

    run: RunRecord
    study: Study
    settings: Settings
    model: Path | None = None
    scheduler: str | None = None
    progress: Progress = no_progress
    against: Path | None = None
    mirror: Mirror | None = None
    workers: Workers | None = None
    sight: str | None = None

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.run.folder

    @property
    def files(self) -> RunFolder:
        """The paths in the run folder."""
        return RunFolder(self.folder)

    def clip(self, recording_id: str, factor: float) -> Path:
        """The magnified clip; the first factor has the plain name, any other says its own."""
        return self.files.clip(recording_id, None if factor == self.settings.factors[0] else factor)

    def video(self, recording_id: str) -> Path:
        """The recording's own file; it is fetched where the study names a URL."""
        return next(r for r in self.study.recordings if r.recording_id == recording_id).fetched().video

    def counted(self, stage: str) -> Callable[[int, int], None]:
        """The progress callback of one stage."""
        return lambda done, total: self.progress(stage, done, total)

    def each(
        self, stage: str, work: Callable[..., Result], items: Sequence[Item], *shared: Any,
        meanwhile: Callable[[], None] | None = None,
    ) -> Iterator[tuple[Item, Result]]:  # fmt: skip
        """Do `work(item, job, *shared)` for recordings, or their ids; each with its result, as soon as it is done.

        A worker is handed the job as `here` makes it; what it writes of a recording is brought to the storage.
        `meanwhile` is called once a second, and tells progress in place of this. WorkerKilled when one was ended from
        outside; the next call begins with new ones.
        """
        own = self.workers or Workers(workers_of(self.settings), self.scheduler)
        with nullcontext() if self.workers else own:
            try:
                with closing(self.each_on(own.pool(), stage, work, items, *shared, meanwhile=meanwhile)) as results:
                    for done, pair in enumerate(results, 1):
                        if meanwhile is None:
                            self.progress(stage, done, len(items))
                        yield pair
            except WorkerKilled:
                own.end()
                raise

    def each_on(
        self, pool: Executor, stage: str, work: Callable[..., Result], items: Sequence[Item], *shared: Any,
        meanwhile: Callable[[], None] | None = None,
    ) -> Generator[tuple[Item, Result]]:  # fmt: skip
        """The same on a given executor, without progress."""
        own = sight(device_of(self.settings.device)) if self.scheduler else None
        handed = replace(self, progress=no_progress, workers=None, sight=own)
        yield from each_done(pool, carry_out, items, handed, stage, work, *shared, meanwhile=meanwhile)

    def light(self) -> "Job":
        """The job without the rows of its study and the record of its run: little to hand to a worker."""
        record = RunRecord(self.folder, {"stages": {}})
        return replace(self, run=record, study=replace(self.study, recordings=(), notes=()))

    def here(self) -> "Job":
        """The job on this machine, whose copy of a run folder in a storage may lie elsewhere."""
        if self.mirror is None or self.mirror.folder == self.folder:
            return self
        return replace(self, run=RunRecord(self.mirror.folder, self.run.record))

    def has(self, path: Path) -> bool:
        """Whether a file or folder of the run is here, or in its storage."""
        return path.exists() or (self.mirror is not None and self.mirror.holds(path))

    def bring(self, *paths: Path) -> None:
        """Fetch files and folders of the run from its storage, where it has one."""
        if self.mirror is not None:
            self.mirror.pull(*paths)

    def read_verdicts(self) -> list[dict[str, str]]:
        """Read the rows of recordings.csv."""
        return read_csv(self.files.recordings_csv)

    def usable(self) -> list[Recording]:
        """The recordings that did not fail, by recordings.csv as it is now."""
        failed = {row["recording_id"] for row in self.read_verdicts() if row["status"] == "failed"}
        return [recording for recording in self.study.recordings if recording.recording_id not in failed]

    def store(self, recording_id: str) -> CropStore:
        """The crops of one recording."""
        folder = self.files.crops(recording_id).path
        self.bring(folder)
        return CropStore.open(folder)

    def embedding(self, recording_id: str) -> dict[str, np.ndarray]:
        """The arrays of one recording's embedding."""
        path = self.files.embedding(recording_id)
        self.bring(path)
        return read_arrays(path)

    def keep(self, *paths: Path) -> None:
        """Bring files and folders of the run to its storage, where it has one."""
        if self.mirror is not None:
            self.mirror.push(*paths)

    def drop(self, *paths: Path) -> None:
        """Remove files of the run, here and in its storage."""
        for path in paths:
            path.unlink(missing_ok=True)
            if self.mirror is not None:
                self.mirror.drop(path)

    def lacks(self, stage: str) -> bool:
        """Whether a file is gone that a stage has written and later ones, or the user, read."""
        if not self.files.recordings_csv.exists():
            return True
        return any(not self.has(path) for path in self.written(stage))

    def made_of(self, stage: str, recording_id: str) -> list[Path]:
        """What a worker writes of one recording in a stage, files and folders."""
        files = self.files
        if stage in ("crops", "bodies"):
            return [files.crops(recording_id).path]
        if stage == "embed":
            return [files.crops(recording_id).path, files.learnt(recording_id), files.embedding(recording_id)]
        if stage == "magnify":
            clips = [self.clip(recording_id, factor) for factor in self.settings.factors]
            plots = [files.figure(f"{name}_{recording_id}") for name in ("where", "when")]
            pictures = [plot.with_name(plot.name + suffix) for plot in plots for suffix in (".png", ".svg")]
            shown = [*clips, *(clip.with_suffix(".json") for clip in clips), *pictures]
            return [
                files.crops(recording_id).path, *shown, files.evidence(recording_id), files.preview(recording_id)
            ]  # fmt: skip
        return []

    def written(self, stage: str) -> list[Path]:
        """The files of a stage, besides recordings.csv, without which it is not done."""
        files = self.files
        if stage == "crops":
            return [files.crops(recording.recording_id).description for recording in self.usable()]
        if stage == "train":
            return [files.model.description]
        if stage == "embed":
            return [files.embedding(recording.recording_id) for recording in self.usable()]
        if stage == "score":
            return [*(files.scores(name) for name in ("subjects", "recordings", "windows")), files.statistics_json]
        if stage == "generator":
            trained = "held_out" in self.run.record.get("generator", {})
            return [files.model.description, files.model.weights("generator")] if trained else []
        if stage == "magnify":
            clips = [self.clip(name, factor) for name in self.shown() for factor in self.settings.factors]
            return clips + [files.evidence(name) for name in self.shown()]
        return [files.report] if stage == "report" else []

    def shown(self) -> list[str]:
        """The recordings of a scored run that get a clip: the most deviant one of every query subject."""
        scored = self.files.scores("recordings")
        return most_deviant(read_csv(scored), self.settings.reference) if scored.exists() else []

    def outcome(self, done: list[str]) -> Outcome:
        """What a person or a program wants to know at the end of a run."""
        subjects, report = self.files.scores("subjects"), self.files.report
        return Outcome(
            run=str(self.folder),
            done=done,
            report=str(report) if report.exists() else None,
            recordings=self.read_verdicts(),
            subjects=read_csv(subjects) if subjects.exists() else [],
            warnings=self.run.record.get("warnings", []),
        )


def in_one_process(job: Job) -> Job:
    """The job, whose recordings are worked on one after the other in this process."""
    return replace(job, settings=replace(job.settings, workers=1), workers=None)


def carry_out(item: str | Recording, job: Job, stage: str, work: Callable[..., Result], *shared: Any) -> Result:
    """Do the work of one recording in a worker, and bring what it wrote to the storage of the run.

    One thread for each process: the other recordings have the other cores. The eye looks on the run's device.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    look_on(device_of(job.settings.device))
    _require_sight(job.sight, device_of(job.settings.device))
    own = job.here()
    if own.mirror is None and not own.folder.is_dir():
        raise RunError(
            f"A worker does not see the run folder {own.folder}: put it on a disk that all workers share, or name a "
            "storage, such as --out s3://BUCKET/RUN."
        )
    result = work(item, own, *shared)
    name = item.recording_id if isinstance(item, Recording) else str(item)
    own.keep(*(path for path in own.made_of(stage, name) if path.exists()))
    return result


def _require_sight(expected: str | None, device: str) -> None:
    """RunError in a worker whose eye looks otherwise than it does where the work comes from, if that is told."""
    if expected is not None and sight(device) != expected:
        raise RunError(
            f"The eye of the worker {own_name()} looks {sight(device)} and that of this machine {expected}, so its "
            "numbers could differ; use workers of one kind, and start the run on a machine of that kind."
        )


def row_of(recording: Recording) -> dict[str, object]:
    """The columns of the study for one recording, its extra ones included."""
    columns = {name: getattr(recording, name) for name in RECORDING_COLUMNS} | {
        "box": recording.box,
        "fps": recording.fps,
    }
    files = {"keypoints": recording.keypoints, "mask": recording.mask}
    named = {name: path.name for name, path in files.items() if path}
    return columns | {"video": recording.video.name} | named | recording.extra


def device_of(name: str) -> str:
    """`cpu` or `cuda` for auto, cpu or cuda; UbamError when cuda is asked for and not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UbamError("--device cuda: torch finds no GPU here; use --device cpu, or see `ubam doctor`.")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def workers_of(settings: Settings) -> int:
    """How many workers a run has: no more than the memory of its cgroups, and of its GPU, has room for."""
    memory = usable_memory()
    room = [settings.workers] if memory is None else [settings.workers, memory // IN_MEMORY]
    if device_of(settings.device) != "cpu":
        room.append(torch.cuda.get_device_properties(0).total_memory // ON_THE_GPU)
    return max(1, min(room))


def most_deviant(rows: Sequence[Mapping[str, str]], reference: str | None) -> list[str]:
    """The most deviant recording of every query subject (every subject without a reference), in table order."""
    best: dict[tuple[str, str], Mapping[str, str]] = {}
    for row in rows:
        key = (row["subject"], row["group"])
        if row["group"] != reference and (key not in best or float(row["deviation"]) > float(best[key]["deviation"])):
            best[key] = row
    return [row["recording_id"] for row in best.values()]
