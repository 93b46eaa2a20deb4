"""Reads films with flipped, cut and doubled bytes in this process, which limits itself: fuzz_films.py FOLDER SEEDS...

Prints each seed before it is tried, then `wrong SEED: why` for a film that is taken for whole and is not.
"""

import resource
import signal
import sys
from pathlib import Path

import numpy as np

from ubam.core.errors import VideoError
from ubam.recordings.study_table import Recording
from ubam.recordings.validation import check_recording
from ubam.recordings.video_reader import probe, read_frames

MEMORY, SECONDS = 3 << 30, 10


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


def main() -> None:
    """Try every seed on the film whose turn it is."""
    folder, *seeds = sys.argv[1:]
    films = sorted(Path(folder).glob("sound.*"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in map(int, seeds):
        print("try", seed, flush=True)
        source = films[seed % len(films)]
        path = Path(folder) / f"mutated{source.suffix}"
        path.write_bytes(mutated(source.read_bytes(), seed))
        signal.alarm(SECONDS)  # ends the process where a film hangs
        try:
            why = judge(path)
        except VideoError:
            why = ""
        signal.alarm(0)
        if why:
            print(f"wrong {seed}: {source.suffix}: {why}", flush=True)


if __name__ == "__main__":
    main()
