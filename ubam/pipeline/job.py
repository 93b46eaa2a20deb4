"""The job that all stages of a run share: the run, its study, the settings, and where progress is reported."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import torch

from ubam.core.errors import UbamError
from ubam.core.files import read_csv
from ubam.core.parallel import executor
from ubam.core.settings import Settings
from ubam.recordings.study_table import Recording, Study
from ubam.results.run_folder import RunFolder
from ubam.results.run_record import RunRecord
from ubam.tracking.crop_store import CropStore

Progress = Callable[[str, int, int], None]
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
    """What every stage is handed: the run, its study, the settings and where to report progress."""

    run: RunRecord
    study: Study
    settings: Settings
    model: Path | None = None
    scheduler: str | None = None
    progress: Progress = no_progress
    against: Path | None = None

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
        """The recording's own file."""
        return next(r.video for r in self.study.recordings if r.recording_id == recording_id)

    def counted(self, stage: str) -> Callable[[int, int], None]:
        """The progress callback of one stage."""
        return lambda done, total: self.progress(stage, done, total)

    def executor(self) -> Executor:
        """Where per-recording work runs."""
        return executor(self.settings.workers, self.scheduler)

    def read_verdicts(self) -> list[dict[str, str]]:
        """Read the rows of recordings.csv."""
        return read_csv(self.files.recordings_csv)

    def usable(self) -> list[Recording]:
        """The recordings that did not fail, by recordings.csv as it is now."""
        failed = {row["recording_id"] for row in self.read_verdicts() if row["status"] == "failed"}
        return [recording for recording in self.study.recordings if recording.recording_id not in failed]

    def store(self, recording_id: str) -> CropStore:
        """The crops of one recording."""
        return CropStore.open(self.files.crops(recording_id).path)

    def lacks(self, stage: str) -> bool:
        """Whether a file is gone that a stage has written and later ones, or the user, read."""
        if not self.files.recordings_csv.exists():
            return True
        return any(not path.exists() for path in self.written(stage))

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


def most_deviant(rows: Sequence[Mapping[str, str]], reference: str | None) -> list[str]:
    """The most deviant recording of every query subject (every subject without a reference), in table order."""
    best: dict[tuple[str, str], Mapping[str, str]] = {}
    for row in rows:
        key = (row["subject"], row["group"])
        if row["group"] != reference and (key not in best or float(row["deviation"]) > float(best[key]["deviation"])):
            best[key] = row
    return [row["recording_id"] for row in best.values()]
