"""How far workers are with the recordings in their hands: each leaves a number in a small file beside its crops.

Whoever sees the run folder can read them, whichever machine the worker is on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ubam.core.progress import Progress

EVERY_S = 1.0


@contextmanager
def sharing(crops: Path) -> Iterator[Progress]:
    """A progress callback of the recording whose crops will be at `crops`; its file goes with the block."""
    path, told = _file(crops), [time.monotonic()]

    def tell(done: int, total: int) -> None:
        if time.monotonic() - told[0] >= EVERY_S:
            told[0] = time.monotonic()
            with suppress(OSError):  # a disk that is full is told of by the crops themselves
                path.write_text(f"{done / max(total, 1):.4f}")

    try:
        yield tell
    finally:
        path.unlink(missing_ok=True)


def forget(crops: Path) -> None:
    """Remove what a worker that was killed over a recording has left of its share; `crops` as for `sharing`."""
    _file(crops).unlink(missing_ok=True)


def _file(crops: Path) -> Path:
    return crops.with_name(f".{crops.name}.share")


def shares(crops: Path) -> dict[str, float]:
    """The share done, 0..1, of each recording that is being cropped into the folder `crops`, by its id."""
    found = dict[str, float]()
    for path in crops.glob(".*.share"):
        with suppress(OSError, ValueError):  # it is being written, or is gone
            found[path.name[1 : -len(".share")]] = min(1.0, float(path.read_text()))
    return found
