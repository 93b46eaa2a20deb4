"""Damaged films never crash or hang the reader, and none is taken for whole that is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import fuzz_films
from tests.support.videos import X264, film

NUMBER = int(os.environ.get("UBAM_FUZZED_FILMS", "300"))
FILMS = {
    "mp4": X264,
    "mkv": X264,
    "ts": X264,
    "avi": ("-c:v", "mjpeg", "-q:v", "5"),
    "webm": ("-c:v", "libvpx", "-b:v", "1M", "-deadline", "realtime"),
    "mpg": ("-c:v", "mpeg2video", "-q:v", "4"),
    "gif": ("-pix_fmt", "rgb8"),
    "flv": X264,
}


@pytest.mark.timeout(1800)
def test_mutated_films_are_read_or_refused(tmp_path: Path) -> None:
    for suffix, options in FILMS.items():
        film(tmp_path / f"sound.{suffix}", *options, count=20, width=96, height=64)
    script = Path(fuzz_films.__file__)
    command = [sys.executable, str(script), str(tmp_path), *map(str, range(NUMBER))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"ended with {done.returncode} after {lines[-1:]}: {done.stderr[-2000:]}"
    assert [line for line in lines if line.startswith("wrong")] == []
    assert sum(line.startswith("try") for line in lines) == NUMBER
