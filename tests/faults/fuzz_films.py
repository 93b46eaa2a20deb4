"""Films with flipped, cut and doubled bytes: python -m tests.faults.fuzz_films --count 2000.

They are read in children that limit their memory, and are ended where a film takes more than ten seconds. What is
printed: how many were tried, and each that crashed or hung a child or was taken for whole and is not.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.support.videos import X264, film
from ubam.core.errors import VideoError
from ubam.recordings.study_table import Recording
from ubam.recordings.validation import check_recording
from ubam.recordings.video_reader import probe, read_frames

MEMORY, SECONDS = 3 << 30, 10
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


def mutated(content: bytes, seed: int) -> bytes:
    """The bytes of a film with damage that its seed decides; headers are hit as often as pictures."""
    random = np.random.default_rng(seed)
    damaged = bytearray(content)
    reach = len(damaged) if seed % 2 else min(len(damaged), 2000)
    for place in random.integers(0, reach, random.integers(1, 40)):
        damaged[place] = random.integers(256)
    if seed % 5 == 0:
        del damaged[random.integers(1, len(damaged)) :]
    if seed % 7 == 0:
        place = random.integers(len(damaged))
        damaged[place:place] = damaged[: random.integers(1, 500)]
    return bytes(damaged)


def judge(path: Path) -> str:
    """Why a film is wrongly taken for whole; empty where it is not."""
    verdict = check_recording(Recording("a", 2, path, "a", "g"))
    if verdict.status != "ok":
        return ""
    damage: list[str] = []
    count = sum(1 for _ in read_frames(path, damage=damage))
    declared = probe(path).frames_declared
    return "" if damage or count >= declared - 2 else f"{count} of {declared} frames and nothing said"


def try_films(folder: Path, first: int, stop: int) -> None:
    """In a child: try the seeds from `first` on, before `stop`, each on the film whose turn it is."""
    films = sorted(folder.glob("sound.*"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(first, stop):
        print("try", seed, flush=True)
        source = films[seed % len(films)]
        path = folder / f"mutated{source.suffix}"
        path.write_bytes(mutated(source.read_bytes(), seed))
        signal.alarm(SECONDS)  # ends the process where a film hangs
        try:
            why = judge(path)
        except VideoError:
            why = ""
        signal.alarm(0)
        if why:
            print(f"wrong {seed}: {source.suffix}: {why}", flush=True)


def fuzz(folder: Path, first: int, stop: int) -> tuple[int, list[str]]:
    """How many films, of the seeds from `first` on and before `stop`, were tried in children; what went wrong."""
    for suffix, options in FILMS.items():
        film(folder / f"sound.{suffix}", *options, count=20, width=96, height=64)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    wrong, tried = [], 0
    while first < stop:
        command = [sys.executable, "-m", __spec__.name, "--child", str(folder), str(first), str(stop)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        lines = done.stdout.splitlines()
        seeds = [int(line.split()[1]) for line in lines if line.startswith("try")]
        wrong += [line for line in lines if line.startswith("wrong")]
        last = seeds[-1] if seeds else first
        if done.returncode != 0:
            how = "hung" if done.returncode == -signal.SIGALRM else f"crashed ({done.returncode})"
            wrong.append(f"{how} {last}: {done.stderr[-500:]}")
        tried, first = tried + len(seeds), last + 1
    return tried, wrong


def main() -> None:
    """The command line."""
    if "--child" in sys.argv:
        folder, first, stop = sys.argv[sys.argv.index("--child") + 1 :]
        return try_films(Path(folder), int(first), int(stop))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    count = parser.parse_args().count
    with TemporaryDirectory() as folder:
        tried, wrong = fuzz(Path(folder), 0, count)
    print("\n".join([*wrong, f"{tried} films tried, {len(wrong)} wrong"]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
