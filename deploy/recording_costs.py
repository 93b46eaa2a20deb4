"""What one recording costs on one core: CPU milliseconds and bytes for each of its frames.

    python recording_costs.py STUDY RUN        # RUN is a finished run of STUDY, whose networks are used

Prints a row of CSV for the first recording. CPU time is that of the process, so other work beside it does no harm.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import torch

from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import embed
from ubam.recordings.study_table import read_study
from ubam.recordings.video_reader import read_frames
from ubam.results.run_folder import RunFolder
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops


def main() -> None:
    """Decode, crop and embed the first recording of the study, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("run", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    recording, files = read_study(asked.study).recordings[0], RunFolder(asked.run)
    model = Networks.load(files.model.path)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / recording.recording_id
        decoding = _cpu_ms(lambda: sum(1 for _ in read_frames(recording.video)))
        cropping = _cpu_ms(lambda: build_crops(recording, out))
        store = CropStore.open(out)
        embedding = _cpu_ms(lambda: embed(model, store))
        frames, kept = len(store.time_s), sum(file.stat().st_size for file in out.iterdir())
    coded = files.embedding(recording.recording_id).stat().st_size
    times = ",".join(f"{spent / frames:.2f}" for spent in (decoding, cropping, embedding))
    sizes = ",".join(f"{size // frames}" for size in (recording.video.stat().st_size, kept, coded))
    print("frames,width,height,decode_ms,crop_ms,embed_ms,video_bytes,crop_bytes,embedding_bytes")
    print(f"{frames},{store.width},{store.height},{times},{sizes}")


def _cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


if __name__ == "__main__":
    main()
