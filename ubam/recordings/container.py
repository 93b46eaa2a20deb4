"""What the container of a video says and stores, read without decoding a picture: its length, its packets, its damage.

Beside video_reader.py, which decodes and encodes, the only file that runs ffmpeg.
"""

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np

from ubam.recordings.ffmpeg import opening_command

DAMAGE = re.compile(r"corrupt|prematurely|truncated", re.IGNORECASE)
NO_TIME = -(2**62)  # ffmpeg prints less than this for a packet without a time


def shown_seconds(path: Path) -> float | None:
    """The duration that ffmpeg prints, edit lists counted; None when the file does not say."""
    said = subprocess.run(opening_command(path, "info"), capture_output=True, check=False).stderr.decode(
        "utf-8", "replace"
    )
    found = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", said)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def read_packets(path: Path, seconds: float | None = None) -> tuple[np.ndarray, float, bool]:
    """Sorted ticks of the stored pictures, int64 [N]; seconds of one tick; whether the container is damaged or cut.

    seconds: raises subprocess.TimeoutExpired where reading the whole file takes longer.
    """
    command = [*opening_command(path, "warning"), "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=seconds)
    lines = done.stdout.decode("ascii", "replace").splitlines()
    tick = next((Fraction(line.split(":")[1].strip()) for line in lines if line.startswith("#tb 0:")), Fraction(1, 25))
    ticks = np.array([int(line.split(",")[2]) for line in lines if line and line[0] != "#"], dtype=np.int64)
    damaged = DAMAGE.search(done.stderr.decode("utf-8", "replace")) is not None
    return np.sort(ticks[ticks > NO_TIME]), float(tick), damaged


def early_end(path: Path, *, fps: float, frames: int, duration_s: float, seconds: float) -> tuple[int, float] | None:
    """Pictures and seconds that are there of a file that is cut short or damaged; None for a file that is whole.

    fps, frames, duration_s: what the file declares. A file that takes longer than `seconds` to read is not judged: the
    analysis will tell.
    """
    try:
        ticks, tick, damaged = read_packets(path, seconds)
    except subprocess.TimeoutExpired:
        return None
    end_s = (ticks[-1] - ticks[0]) * tick + 1 / fps if len(ticks) else 0.0
    short = len(ticks) < frames - 2 and end_s + 2.5 / fps < duration_s
    return (len(ticks), float(end_s)) if short or damaged else None
