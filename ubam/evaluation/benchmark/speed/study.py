"""What is measured: a trained run of rendered walkers, one of whom has a film of 10 s at 640 x 480."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from ubam.core.errors import UbamError
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study
from ubam.recordings.study_table import Recording, read_study
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.results.run_folder import RunFolder

SECONDS, FPS, SIZE = 10, 25, (640, 480)  # of the film that is measured
SUBJECTS, RENDERED_S = 8, 3.0


@dataclass(frozen=True)
class Place:
    """Where the rendered study and its run lie."""

    folder: Path

    @property
    def table(self) -> Path:
        """The rendered study."""
        return self.folder / "study" / "study.csv"

    @property
    def run(self) -> RunFolder:
        """Its run."""
        return RunFolder(self.folder / "run")

    @property
    def recording(self) -> Recording:
        """The first recording of an impaired walker, whose film is the long one."""
        return next(row for row in read_study(self.table).recordings if row.group == "impaired")

    def make(self) -> None:
        """Render the study and score it in a run with preset `quick`, unless that is done; UbamError if it fails."""
        if not self.table.exists():
            study = StudySpec(subjects=SUBJECTS, scene="treadmill", seconds=RENDERED_S, seed=9)
            synthesise_study(self.folder / "study", study)
            enlarge(self.recording.video, SECONDS * FPS)
        run_command("generator", str(self.run.path), "--study", str(self.table), "--preset", "quick")
        run_command("score", str(self.run.path))


def enlarge(video: Path, frames: int) -> None:
    """Replace a video by so many frames at 640 x 480: larger, its edges carried on, played forth and back."""
    shown = list(read_frames(video))
    scale = SIZE[1] / shown[0].shape[0]
    aside = max(0, SIZE[0] - round(scale * shown[0].shape[1]))
    sides = (aside // 2, aside - aside // 2)

    def larger() -> Iterator[np.ndarray]:
        for frame in islice(cycle(shown + shown[-2:0:-1]), frames):
            full = cv2.resize(frame, (SIZE[0] - aside, SIZE[1]), interpolation=cv2.INTER_CUBIC)
            yield cv2.copyMakeBorder(full, 0, 0, *sides, cv2.BORDER_REPLICATE)

    larger_file = video.with_name(f"{video.stem}-larger.mp4")
    write_clip(larger_file, larger(), FPS)
    larger_file.replace(video)


@dataclass(frozen=True)
class Spent:
    """What something took: CPU and wall-clock seconds, and the most memory that its process held, in megabytes."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def run_command(*words: str) -> Spent:
    """Run `ubam` with these words in a process of its own; UbamError with its last line if it fails."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "ubam", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        said = process.stderr.read() if process.stderr else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UbamError(f"ubam {words[0]} failed: {(said.strip().splitlines() or ['it said nothing'])[-1]}")
    return Spent(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)
