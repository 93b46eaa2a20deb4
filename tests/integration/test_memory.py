"""Memory of magnified clips: flat in their length, whatever the size of the picture; each clip in its own process."""

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.support import stick_figure
from ubam.recordings.study_table import Recording
from ubam.recordings.video_writer import write_clip
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops

WIDTH, HEIGHT = 1920, 1080
FRAMES = 75  # three seconds
MEGABYTE = 2**20
MOST_GROWTH = 40 * MEGABYTE  # 60 more frames of 1920x1080 are 356 MB
MOST_AT_ALL = 700 * MEGABYTE  # above what the process had before: a dozen pictures and their maps

PROGRAM = """
import resource, sys
from pathlib import Path
import cv2, numpy as np
from tests.support import stick_figure as stick
from ubam.magnification.layouts.write import write_magnified
from ubam.magnification.magnify import EmbeddedRecording, magnify
from ubam.tracking.crop_store import CropStore
cv2.setNumThreads(1)
folder, frames, layout = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
query, others = CropStore.open(folder / "large_crops"), [CropStore.open(folder / f"small{n}_crops") for n in range(3)]
path = np.arange(len(query.time_s)) % stick.FRAMES
references = [(store, path) for store in others]
posture, codes = stick.embed(query.views), [stick.embed(store.views)[path] for store in others]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made = magnify(EmbeddedRecording(query, folder / "large.mp4", posture), references, slice(0, frames), [2.0],
               embed=stick.embed, twin=np.median(codes, axis=0), plan="person")
write_magnified(folder / f"{layout}{frames}.mp4", layout, made, 2.0)
print(1024 * before, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def recording(folder: Path, name: str) -> Recording:
    return Recording(
        recording_id=name, row=2, video=folder / f"{name}.mp4", subject=name, group="", day=None, dose=None,
        severity=None, start_s=None, end_s=None, box=None, fps=None, extra={},
    )  # fmt: skip


def large(folder: Path) -> CropStore:
    """A leaning figure in a picture of 1920x1080, three seconds."""
    drawn = stick_figure.pictures(18.0, 230, 0)
    frames = (cv2.resize(drawn[n % len(drawn)], (WIDTH, HEIGHT)) for n in range(FRAMES))
    write_clip(folder / "large.mp4", frames, 25, crf=20)
    return build_crops(recording(folder, "large"), folder / "large_crops")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("memory")
    assert (large(place).width, large(place).height) == (WIDTH, HEIGHT)
    for number in range(3):
        stick_figure.record(place, f"small{number}", float(number), 190, number + 1)
    return place


def peak(folder: Path, frames: int, layout: str) -> tuple[int, int]:
    words = [sys.executable, "-c", PROGRAM, str(folder), str(frames), layout]
    said = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    before, after = said.stdout.split()
    return int(before), int(after)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["side-by-side", "magnified", "overlay"])
def test_memory_of_a_large_clip_is_bounded_and_does_not_grow_with_its_length(folder: Path, layout: str) -> None:
    short, long = (peak(folder, frames, layout) for frames in (15, FRAMES))
    assert long[1] - short[1] < MOST_GROWTH, (short, long)
    assert long[1] - long[0] < MOST_AT_ALL, (short, long)


CROPPING = """
import resource, sys
from pathlib import Path
import cv2, torch
from tests.integration.test_memory import recording
from ubam.tracking.cropping import build_crops
cv2.setNumThreads(1)
torch.set_num_threads(1)
build_crops(recording(Path(sys.argv[1]), sys.argv[2]), Path(sys.argv[1]) / f"{sys.argv[2]}_crops")
print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_of_cropping_hardly_grows_with_the_length_of_the_film(tmp_path: Path) -> None:
    drawn = stick_figure.pictures(18.0, 230, 0)
    peaks = []
    for name, frames in (("short", 600), ("long", 3000)):
        write_clip(tmp_path / f"{name}.mp4", (drawn[n % len(drawn)] for n in range(frames)), 25)
        said = subprocess.run(
            [sys.executable, "-c", CROPPING, str(tmp_path), name], check=True, capture_output=True, text=True
        )
        peaks.append(int(said.stdout))
    assert peaks[1] < peaks[0] + 100 * MEGABYTE  # looks that were held took 300 more
