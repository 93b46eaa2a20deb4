"""Retrieval: the moments of other subjects that are most like a given one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ubam.errors import RunError

APART_S = 0.5  # two neighbours of one recording are at least so far apart


def nearest(
    embeddings: Mapping[str, Mapping[str, np.ndarray]],
    subjects: Mapping[str, str],
    recording_id: str,
    time_s: float,
    what: str,
    count: int,
) -> list[dict[str, Any]]:
    """The `count` most similar postures or behaviours (`what`) of other subjects, best first.

    embeddings: per recording the arrays of its .npz; subjects: per recording its subject. Similarity is the cosine
    after the mean over the study is taken away, in -1..1. RunError when `time_s` lies outside the recording.
    """
    times = {name: moment_times(arrays, what) for name, arrays in embeddings.items()}
    own = times[recording_id]
    if not len(own) or not own[0] - APART_S <= time_s <= own[-1] + APART_S:
        span = f"{own[0]:.2f} to {own[-1]:.2f} s" if len(own) else "no windows"
        raise RunError(f"{recording_id} has {span}, not {time_s} s.")
    mean = np.concatenate([arrays[what] for arrays in embeddings.values()]).astype(np.float32).mean(0)
    wanted = _unit(embeddings[recording_id][what][[np.abs(own - time_s).argmin()]] - mean)[0]
    others = [name for name in embeddings if subjects[name] != subjects[recording_id] and len(times[name])]
    found: list[dict[str, Any]] = [
        {"recording_id": name, "subject": subjects[name], "time_s": float(times[name][index]), "similarity": value}
        for name in others
        for index, value in _best(_unit(embeddings[name][what] - mean) @ wanted, times[name], count)
    ]
    return sorted(found, key=lambda row: -row["similarity"])[:count]


def moment_times(arrays: Mapping[str, np.ndarray], what: str) -> np.ndarray:
    """Seconds of each posture, or of the middle of each behaviour window."""
    if what == "posture":
        return arrays["time_s"]
    return (arrays["window_start_s"] + arrays["window_end_s"]) / 2


def _best(similarity: np.ndarray, times: np.ndarray, count: int) -> list[tuple[int, float]]:
    """Largest values that are at least `APART_S` apart."""
    similarity = similarity.copy()
    chosen: list[tuple[int, float]] = []
    while len(chosen) < count and np.isfinite(similarity.max()):
        index = int(similarity.argmax())
        chosen.append((index, float(similarity[index])))
        similarity[np.abs(times - times[index]) < APART_S] = -np.inf
    return chosen


def _unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
