"""Films made on the fly as cameras and programs store them; a barcode in every frame tells its index."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ubam.recordings.ffmpeg import ffmpeg_binary

BITS = 10
WIDTH, HEIGHT = 160, 96
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p")


def barcode_frames(count: int, width: int = WIDTH, height: int = HEIGHT) -> Iterator[np.ndarray]:
    """Frames uint8 [H,W,3]: grey, in the upper third the bits of the index, below a dark square that walks right."""
    bar = width // (BITS + 2)
    for index in range(count):
        frame = np.full((height, width, 3), 120, np.uint8)
        frame[: height // 3, :bar] = 235  # a white bar, then a dark one, then the bits
        for place in range(BITS):
            frame[: height // 3, (place + 2) * bar : (place + 3) * bar] = 235 if index >> place & 1 else 20
        frame[: height // 3, bar : 2 * bar] = 20
        left = round((width - 24) * index / max(count - 1, 1))
        frame[height // 2 : height // 2 + 24, left : left + 24] = 30
        yield frame


def index_of(frame: np.ndarray) -> int:
    """The index that a frame's barcode tells, whatever its brightness."""
    height, width = frame.shape[:2]
    bar = width / (BITS + 2)
    row = frame[height // 12 : height // 4].astype(float).mean((0, 2))
    levels = [row[int((place + 0.25) * bar) : int((place + 0.75) * bar)].mean() for place in range(BITS + 2)]
    middle = (levels[0] + levels[1]) / 2
    return sum(1 << place for place in range(BITS) if levels[place + 2] > middle)


def ff(*arguments: object) -> None:
    """Run ffmpeg."""
    subprocess.run([ffmpeg_binary(), "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


def film(
    path: Path, *options: str, count: int = 50, fps: float = 25, width: int = WIDTH, height: int = HEIGHT,
    before: Sequence[str] = (),
) -> Path:  # fmt: skip
    """A film of barcodes, encoded with these options (H.264 without any)."""
    command = [ffmpeg_binary(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", str(fps), *before, "-i", "pipe:", *(options or X264), str(path)]
    pictures = b"".join(frame.tobytes() for frame in barcode_frames(count, width, height))
    subprocess.run(command, input=pictures, check=True)
    return path
