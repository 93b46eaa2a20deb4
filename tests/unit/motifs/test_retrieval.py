"""Retrieval finds the same moment in other subjects, whatever is constant in a recording, and never the own subject."""

import numpy as np
import pytest

from ubam.core.errors import RunError
from ubam.motifs.retrieval import Neighbour, dynamic_part, nearest, static_part

SUBJECTS = {"a1": "a", "a2": "a", "b1": "b", "c1": "c"}


def _embeddings(body: float) -> dict[str, dict[str, np.ndarray]]:
    """Recordings of one movement, four seconds a round, each begun elsewhere and with `body` times an offset."""
    rng = np.random.default_rng(3)
    time = 0.1 * np.arange(120)
    embeddings = {}
    for number, name in enumerate(SUBJECTS):
        angle = 2 * np.pi * (time / 4 + number / 7)
        moving = np.stack([np.cos(angle), np.sin(angle), 0.3 * np.cos(2 * angle)], axis=1)
        rows = moving + body * rng.normal(size=3) + 0.01 * rng.normal(size=(120, 3))
        embeddings[name] = {"behaviour": rows.astype(np.float32), "window_start_s": time, "window_end_s": time + 0.2}
        embeddings[name] |= {"posture": rows.astype(np.float32), "time_s": time, "angle": angle}
    return embeddings


def _turn_apart(embeddings: dict[str, dict[str, np.ndarray]], row: Neighbour, time_s: float) -> float:
    here = np.interp(time_s, embeddings["a1"]["window_start_s"] + 0.1, embeddings["a1"]["angle"])
    other = embeddings[row.recording_id]
    there = np.interp(row.time_s, other["window_start_s"] + 0.1, other["angle"])
    return float(abs((there - here + np.pi) % (2 * np.pi) - np.pi))


def test_the_same_moment_of_others_is_found_whatever_their_bodies() -> None:
    embeddings = _embeddings(body=5.0)
    for time_s in (1.0, 3.3, 7.0):
        rows = nearest(embeddings, SUBJECTS, "a1", time_s, "behaviour", 4)
        assert {row.subject for row in rows} == {"b", "c"}
        assert all(_turn_apart(embeddings, row, time_s) < 0.2 for row in rows)
        assert [row.similarity for row in rows] == sorted((row.similarity for row in rows), reverse=True)


def test_neighbours_of_a_posture_are_held_alike() -> None:
    embeddings = _embeddings(body=0.0)
    embeddings["b1"]["posture"] = embeddings["b1"]["posture"] + np.array([3, 0, 0], np.float32)
    rows = nearest(embeddings, SUBJECTS, "a1", 1.0, "posture", 1)
    assert [row.subject for row in rows] == ["c"]


def test_the_parts_add_up() -> None:
    rows = np.random.default_rng(0).normal(2, 1, (9, 4)).astype(np.float16)
    assert static_part(rows) + dynamic_part(rows) == pytest.approx(rows.astype(np.float32), abs=1e-5)
    assert dynamic_part(rows).mean(0) == pytest.approx(np.zeros(4), abs=1e-5)
    assert dynamic_part(np.empty((0, 4), np.float16)).shape == (0, 4)


def test_a_time_outside_the_recording_is_refused_with_its_span() -> None:
    with pytest.raises(RunError, match=r"0\.10 to 12\.00 s"):
        nearest(_embeddings(0.0), SUBJECTS, "a1", 99.0, "behaviour", 3)
