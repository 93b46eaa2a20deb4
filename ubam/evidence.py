"""What a person is shown of a deviation besides the magnified clip: peaks, the nearest reference, where in the body."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ubam.crops import CropStore
from ubam.deviation import Twin
from ubam.localisation import occlusion_map, peaks
from ubam.video import probe, read_frames, write_clip

SHOWN_REFERENCES = 3
PREVIEW_WIDTH = 480
PREVIEW_FRAMES = 15_000  # ten minutes at 25 frames a second


def gather_evidence(
    store: CropStore,
    twin: Twin,
    open_store: Callable[[str], CropStore],
    windows: np.ndarray,
    embed: Callable[[np.ndarray], np.ndarray],
) -> dict[str, np.ndarray]:
    """Arrays of evidence/<recording_id>.npz: the P most deviant stretches, each with its picture and its references'.

    windows float [W, 3]: start, end, deviation of every window; embed: views to postures, to find where hiding a region
    brings the posture nearest to the twin.
    """
    found = peaks(windows[:, 2], windows[:, :2].mean(1))
    times = np.array([peak for _, peak, _ in found])
    frames = np.abs(store.time_s[:, None] - times[None]).argmin(0)
    shown = twin.references[:SHOWN_REFERENCES]
    nearest = [np.stack([open_store(name).crops([path[frame]])[0] for name, path in shown]) for frame in frames]
    moments = [[open_store(name).time_s[path[frame]] for name, path in shown] for frame in frames]
    views = np.array(store.views[frames])
    return {
        "peak_time_s": times,
        "peak_start_s": np.array([start for start, _, _ in found]),
        "peak_end_s": np.array([end for _, _, end in found]),
        "query_crop": store.crops(frames),
        "nearest_crop": np.stack(nearest),
        "nearest_recording": np.array([[name for name, _ in shown]] * len(frames)),
        "nearest_time_s": np.array(moments),
        "region_map": occlusion_map(embed, views, twin.posture[frames], grid=(12, 12), smoothing=0.0),
    }


def write_preview(store: CropStore, video: Path, out: Path) -> None:
    """A small clip of the recording as it was analysed, for the player above the timeline."""
    info = probe(video)
    scale = min(1.0, PREVIEW_WIDTH / info.width)
    size = (max(2, round(info.width * scale)), max(2, round(info.height * scale)))
    first, count = int(store.frame_index[0]), min(len(store.frame_index), PREVIEW_FRAMES)
    write_clip(out, read_frames(video, start_frame=first, stop_frame=first + count, size=size), store.fps, crf=28)


def clip_frames(store: CropStore, peak: tuple[float, float], seconds: float) -> slice:
    """The frames of a clip of about `seconds` around the stretch `peak` (start, end in seconds)."""
    middle = sum(peak) / 2
    first = int(np.searchsorted(store.time_s, middle - seconds / 2))
    length = max(2, round(seconds * store.fps))
    first = max(0, min(first, len(store.time_s) - length))
    return slice(first, min(first + length, len(store.time_s)))


def most_deviant(rows: Sequence[Mapping[str, str]], reference: str | None) -> list[str]:
    """The most deviant recording of every query subject (every subject without a reference), in table order."""
    best: dict[tuple[str, str], Mapping[str, str]] = {}
    for row in rows:
        key = (row["subject"], row["group"])
        if row["group"] != reference and (key not in best or float(row["deviation"]) > float(best[key]["deviation"])):
            best[key] = row
    return [row["recording_id"] for row in best.values()]
