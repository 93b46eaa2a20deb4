"""How long a trained run takes to magnify ten seconds at 640 x 480, as `ubam magnify` does it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from ubam.core.errors import UbamError
from ubam.evaluation.synthetic.study import StudySpec, synthesise_study
from ubam.recordings.study_table import read_study
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip

SECONDS, FPS, SIZE = 10, 25, (640, 480)
SUBJECTS, RENDERED_S = 8, 3.0


def measure_speed(out: Path) -> dict[str, float]:
    """Seconds that each layout of one clip takes, the start of the program included; makes what it needs under `out`.

    Eight rendered walkers, preset `quick`; the first impaired one's recording is enlarged and played forth and back.

    Raises
    ------
    UbamError
        The run or a clip failed.
    """
    table, run = out / "study" / "study.csv", out / "run"
    if not table.exists():
        synthesise_study(out / "study", StudySpec(subjects=SUBJECTS, scene="treadmill", seconds=RENDERED_S, seed=9))
        enlarge(_chosen(table)[1])
    run_command("generator", str(run), "--study", str(table), "--preset", "quick")
    run_command("score", str(run))
    taken = {}
    for layout in ("magnified", "side-by-side"):
        clip, begun = str(out / f"{layout}.mp4"), time.perf_counter()
        run_command(
            "magnify", str(run), "--recording", _chosen(table)[0], "--factor", "2", "--layout", layout, "--out", clip
        )
        taken[layout] = time.perf_counter() - begun
    return taken


def _chosen(table: Path) -> tuple[str, Path]:
    first = next(row for row in read_study(table).recordings if row.group == "impaired")
    return first.recording_id, first.video


def enlarge(video: Path) -> None:
    """Replace a video by one of 10 s at 640 x 480: larger, its edges carried on, played forth and back."""
    frames = list(read_frames(video))
    scale = SIZE[1] / frames[0].shape[0]
    aside = max(0, SIZE[0] - round(scale * frames[0].shape[1]))
    sides = (aside // 2, aside - aside // 2)

    def larger() -> Iterator[np.ndarray]:
        for frame in islice(cycle(frames + frames[-2:0:-1]), SECONDS * FPS):
            full = cv2.resize(frame, (SIZE[0] - aside, SIZE[1]), interpolation=cv2.INTER_CUBIC)
            yield cv2.copyMakeBorder(full, 0, 0, *sides, cv2.BORDER_REPLICATE)

    larger_file = video.with_name(f"{video.stem}-larger.mp4")
    write_clip(larger_file, larger(), FPS)
    larger_file.replace(video)


def run_command(*words: str) -> None:
    """Run `ubam` with these words in a process of its own; UbamError with its last line if it fails."""
    done = subprocess.run([sys.executable, "-m", "ubam", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UbamError(f"ubam {words[0]} failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
