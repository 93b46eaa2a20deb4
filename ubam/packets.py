"""What the container of a video says and stores, read without decoding a picture: its length, its packets, its damage.

Beside video.py, which decodes and encodes, the only file that runs ffmpeg.
"""

import os
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,h264,hevc,asf,flv,ogg,mxf,nut,dv,gif,ivf,rm,"
    "mjpeg,yuv4mpegpipe,wtv"
)
DAMAGE = re.compile(r"corrupt|prematurely|truncated", re.IGNORECASE)
NO_TIME = -(2**62)  # ffmpeg prints less than this for a packet without a time


def ffmpeg_binary() -> str:
    """The ffmpeg in use: $UBAM_FFMPEG, else the one that imageio-ffmpeg brings."""
    return os.environ.get("UBAM_FFMPEG") or str(imageio_ffmpeg.get_ffmpeg_exe())


def _opening(path: Path, level: str) -> list[str]:
    """The beginning of a command that reads a file: no playlist, no concatenation, no network."""
    command = [ffmpeg_binary(), "-hide_banner", "-nostdin", "-loglevel", level]
    return [*command, "-format_whitelist", FORMATS, "-protocol_whitelist", "file", "-i", f"file:{path.absolute()}"]


def shown_seconds(path: Path) -> float | None:
    """The duration that ffmpeg prints, edit lists counted; None when the file does not say."""
    said = subprocess.run(_opening(path, "info"), capture_output=True, check=False).stderr.decode("utf-8", "replace")
    found = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", said)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def read_packets(path: Path, seconds: float | None = None) -> tuple[np.ndarray, float, bool]:
    """Sorted ticks of the stored pictures, int64 [N]; seconds of one tick; whether the container is damaged or cut.

    seconds: raises subprocess.TimeoutExpired where reading the whole file takes longer.
    """
    command = [*_opening(path, "warning"), "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-"]
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
