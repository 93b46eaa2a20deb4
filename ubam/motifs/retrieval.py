"""The most similar moments of other subjects, by the static or the dynamic part of recordings."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ubam.core.errors import RunError
from ubam.encoding.embedding import moment_times

APART_S = 0.5  # two neighbours of one recording are at least so far apart


@dataclass(frozen=True)
class Neighbour:
    """A moment of another subject that is like the one asked for; similarity: cosine, -1..1."""

    recording_id: str
    subject: str
    time_s: float
    similarity: float
    group: str = ""


def nearest(
    embeddings: Mapping[str, Mapping[str, np.ndarray]],
    subjects: Mapping[str, str],
    recording_id: str,
    time_s: float,
    what: str,
    count: int,
) -> list[Neighbour]:
    """The `count` most similar postures or behaviours (`what`) of other subjects, best first.

    embeddings: per recording the arrays of its .npz; subjects: per recording its subject. Behaviours are compared by
    their dynamic part, postures after the mean over the study is taken away, since how a body is held is part of them.
    Similarity is the cosine, in -1..1. RunError when `time_s` lies outside the recording.
    """
    times = {name: moment_times(arrays, what) for name, arrays in embeddings.items()}
    own = times[recording_id]
    if not len(own) or not own[0] - APART_S <= time_s <= own[-1] + APART_S:
        span = f"{own[0]:.2f} to {own[-1]:.2f} s" if len(own) else "no windows"
        raise RunError(f"{recording_id} has {span}, not {time_s} s.")
    codes = _comparable(embeddings, what)
    wanted = codes[recording_id][np.abs(own - time_s).argmin()]
    others = [name for name in embeddings if subjects[name] != subjects[recording_id] and len(times[name])]
    found = [
        Neighbour(name, subjects[name], float(times[name][index]), value)
        for name in others
        for index, value in _best(codes[name] @ wanted, times[name], count)
    ]
    return sorted(found, key=lambda row: -row.similarity)[:count]


def static_part(rows: np.ndarray) -> np.ndarray:
    """What is constant in one recording: the mean [D] of its postures or behaviours [N, D]; zeros when N is 0."""
    rows = rows.astype(np.float32)
    return rows.mean(0) if len(rows) else np.zeros(rows.shape[1], np.float32)


def dynamic_part(rows: np.ndarray) -> np.ndarray:
    """What changes in one recording: its postures or behaviours [N, D] without their static part, float32.

    Where windows of other subjects are compared, this leaves much of who it is behind (measured in
    docs/notes/2026-11-22-retrieval.md); a recording that holds a single behaviour from end to end loses what sets that
    one apart.
    """
    return rows.astype(np.float32) - static_part(rows)


def _comparable(embeddings: Mapping[str, Mapping[str, np.ndarray]], what: str) -> dict[str, np.ndarray]:
    """Unit rows per recording, centred on the recording (behaviour) or on the study (posture)."""
    if what == "behaviour":
        return {name: _unit(dynamic_part(arrays[what])) for name, arrays in embeddings.items()}
    mean = static_part(np.concatenate([arrays[what] for arrays in embeddings.values()]))
    return {name: _unit(arrays[what] - mean) for name, arrays in embeddings.items()}


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
