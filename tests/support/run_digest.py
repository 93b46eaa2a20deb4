"""What a run found, as one hash a file: `python -m tests.support.run_digest RUN`.

Two runs that print the same lines hold the same tables, statistics, embeddings and clip frames to the last digit.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2

from ubam.core.files import read_arrays


def digests(run: Path) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of each result of a run folder."""
    for table in [*sorted((run / "deviation").glob("*.csv")), run / "statistics.json"]:
        yield table.name, hashlib.sha256(table.read_bytes()).hexdigest()
    for embedding in sorted((run / "embeddings").glob("*.npz")):
        yield embedding.name, _of_arrays(embedding)
    for clip in sorted((run / "magnified").glob("*.mp4")):
        yield clip.name, _of_frames(clip)


def _of_arrays(path: Path) -> str:
    found = hashlib.sha256()
    for name, array in sorted(read_arrays(path).items()):
        found.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()


def _of_frames(path: Path) -> str:
    found, capture = hashlib.sha256(), cv2.VideoCapture(str(path))
    while True:
        there, frame = capture.read()
        if not there:
            return found.hexdigest()
        found.update(frame.tobytes())


if __name__ == "__main__":
    for name, value in digests(Path(sys.argv[1])):
        print(value[:16], name)
