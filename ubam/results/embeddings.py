"""The postures and behaviours of one recording, as a run folder keeps them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ubam.core.errors import RunError
from ubam.core.files import read_arrays
from ubam.results.run_data import read_run
from ubam.results.run_folder import RunFolder


@dataclass(frozen=True)
class Embeddings:
    """One recording of T frames and W windows.

    postures float32 [T, D]; behaviours float32 [W, E]; time_s float64 [T], seconds of the video's own clock;
    frame_index int64 [T], counted in the file from 0; box float32 [T, 4] (x0, y0, x1, y1) in pixels;
    window_start_s, window_end_s float64 [W]: the times of each window's first and last frame. looks float32 [D, D]:
    what imagined changes of appearance do to the postures; None where that is not known.
    """

    recording_id: str
    subject: str
    group: str
    postures: np.ndarray
    behaviours: np.ndarray
    time_s: np.ndarray
    frame_index: np.ndarray
    box: np.ndarray
    window_start_s: np.ndarray
    window_end_s: np.ndarray
    looks: np.ndarray | None = None

    @property
    def fps(self) -> float:
        """Frames per second, by the median step."""
        return float(1 / np.median(np.diff(self.time_s)))


def read_embeddings(folder: Path, recording_id: str) -> Embeddings:
    """Read the embeddings of one recording of the run in `folder`.

    Raises
    ------
    RunError
        The run has no such recording, the recording failed, or it is not embedded yet.
    """
    rows = {row["recording_id"]: row for row in read_run(folder).recordings}
    if recording_id not in rows:
        raise RunError(f"{folder} has no recording '{recording_id}'; it has {', '.join(rows) or 'none'}.")
    row, path = rows[recording_id], RunFolder(folder).embedding(recording_id)
    if row.get("status") == "failed":
        raise RunError(f"{recording_id} failed and has no embeddings: {row.get('reason')}")
    if not path.is_file():
        raise RunError(f"{recording_id} has no embeddings yet; do first: ubam embed {folder}")
    arrays = read_arrays(path)
    kept = ("time_s", "frame_index", "box", "window_start_s", "window_end_s")
    return Embeddings(
        recording_id, row["subject"], row["group"], arrays["posture"], arrays["behaviour"],
        **{name: arrays[name] for name in kept}, looks=arrays.get("looks"),
    )  # fmt: skip
