"""The command line, called inside the process of the test."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ubam.cli import main
from ubam.core import settings


@contextmanager
def tiny_quick() -> Iterator[None]:
    """`quick`, only smaller: these tests are about the way through, not about what is learnt."""
    kept = settings.PRESETS["quick"]
    settings.PRESETS["quick"] = replace(kept, train_steps=12, batch_windows=4, generator_steps=3, clip_seconds=0.6)
    try:
        yield
    finally:
        settings.PRESETS["quick"] = kept


def call(*words: object) -> int:
    """Run the command line in this process and return its exit code."""
    before = sys.argv
    sys.argv = ["ubam", *map(str, words)]
    try:
        main.main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0
