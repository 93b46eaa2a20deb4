"""What an analysis works on: a checked plan, then the job that all stages share; it names every path in a run."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ubam.core.errors import UbamError
from ubam.core.files import read_csv
from ubam.core.parallel import executor
from ubam.core.settings import Settings
from ubam.recordings.study_table import Recording, Study
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
    """Where nobody watches."""


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
    def model_folder(self) -> Path:
        """The trained networks, and beside them the frozen reference."""
        return self.folder / "model"

    @property
    def pose_file(self) -> Path:
        """How keypoints became a part of the posture; absent where none were used."""
        return self.model_folder / "keypoints.json"

    def crops_folder(self, recording_id: str) -> Path:
        """The crop store of one recording."""
        return self.folder / "crops" / recording_id

    def embedding_file(self, recording_id: str) -> Path:
        """Postures and behaviours of one recording."""
        return self.folder / "embeddings" / f"{recording_id}.npz"

    @property
    def windows_file(self) -> Path:
        """The deviation of every window."""
        return self.folder / "deviation" / "windows.csv"

    def evidence_file(self, recording_id: str) -> Path:
        """Peaks, nearest reference pictures and region maps of one recording."""
        return self.folder / "evidence" / f"{recording_id}.npz"

    def preview_file(self, recording_id: str) -> Path:
        """The small clip under which the report draws the deviation over time."""
        return self.folder / "preview" / f"{recording_id}.mp4"

    def clip_file(self, recording_id: str, factor: float) -> Path:
        """The magnified clip; the first factor has the plain name, any other says its own."""
        first = factor == self.settings.factors[0]
        return self.folder / "magnified" / (f"{recording_id}.mp4" if first else f"{recording_id}_x{factor:g}.mp4")

    def video(self, recording_id: str) -> Path:
        """The recording's own file."""
        return next(r.video for r in self.study.recordings if r.recording_id == recording_id)

    def counted(self, stage: str) -> Callable[[int, int], None]:
        """The progress callback of one stage."""
        return lambda done, total: self.progress(stage, done, total)

    def executor(self) -> Executor:
        """Where per-recording work runs."""
        return executor(self.settings.workers, self.scheduler)

    def verdicts(self) -> list[dict[str, str]]:
        """The rows of recordings.csv."""
        return read_csv(self.folder / "recordings.csv")

    def usable(self) -> list[Recording]:
        """The recordings that did not fail."""
        failed = {row["recording_id"] for row in self.verdicts() if row["status"] == "failed"}
        return [recording for recording in self.study.recordings if recording.recording_id not in failed]

    def store(self, recording_id: str) -> CropStore:
        """The crops of one recording."""
        return CropStore.open(self.crops_folder(recording_id))

    def lacks(self, stage: str) -> bool:
        """Whether a file is gone that a stage has written and later ones, or the user, read."""
        if not (self.folder / "recordings.csv").exists():
            return True
        return any(not path.exists() for path in self.written(stage))

    def written(self, stage: str) -> list[Path]:
        """The files of a stage, besides recordings.csv, without which it is not done."""
        if stage == "crops":
            return [self.crops_folder(recording.recording_id) / "store.json" for recording in self.usable()]
        if stage == "train":
            return [self.model_folder / "model.json"]
        if stage == "embed":
            return [self.embedding_file(recording.recording_id) for recording in self.usable()]
        if stage == "score":
            deviation = [self.folder / "deviation" / f"{name}.csv" for name in ("subjects", "recordings", "windows")]
            return [*deviation, self.folder / "statistics.json"]
        if stage == "generator":
            trained = "held_out" in self.run.record.get("generator", {})
            return [self.model_folder / "model.json", self.model_folder / "generator.safetensors"] if trained else []
        if stage == "magnify":
            clips = [self.clip_file(name, factor) for name in self.shown() for factor in self.settings.factors]
            return clips + [self.evidence_file(name) for name in self.shown()]
        return [self.folder / "report.html"] if stage == "report" else []

    def shown(self) -> list[str]:
        """The recordings of a scored run that get a clip: the most deviant one of every query subject."""
        scored = self.folder / "deviation" / "recordings.csv"
        return most_deviant(read_csv(scored), self.settings.reference) if scored.exists() else []

    def outcome(self, done: list[str]) -> dict[str, Any]:
        """What a person or a program wants to know at the end of a run."""
        subjects = self.folder / "deviation" / "subjects.csv"
        report = self.folder / "report.html"
        return {
            "run": str(self.folder),
            "done": done,
            "report": str(report) if report.exists() else None,
            "recordings": self.verdicts(),
            "subjects": read_csv(subjects) if subjects.exists() else [],
            "warnings": self.run.record.get("warnings", []),
        }


def row_of(recording: Recording) -> dict[str, Any]:
    """The columns of the study for one recording, its extra ones included."""
    columns = {name: getattr(recording, name) for name in RECORDING_COLUMNS} | {
        "box": recording.box,
        "fps": recording.fps,
    }
    keypoints = {"keypoints": recording.keypoints.name} if recording.keypoints else {}
    return columns | {"video": recording.video.name} | keypoints | recording.extra


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
