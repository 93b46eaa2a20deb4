"""Two recordings in phase: each moment of one has beside it the same moment of the other's movement."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ubam.core.files import write_arrays, write_csv
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.results.embeddings import Embeddings
from ubam.results.run_folder import RunFolder
from webui.jobs.phase_film import GAP, SIDE, leaps, matched_frames, write_in_phase

RATE = 25.0


def walking(cycles_per_s: float, begins: float, frames: int, name: str) -> tuple[Embeddings, np.ndarray]:
    """Postures of somebody who walks at an even pace, and the phase [T] of every frame in cycles."""
    phase = begins + np.arange(frames) / RATE * cycles_per_s
    rng = np.random.default_rng(len(name))
    waves = [f(2 * np.pi * k * phase) / k for k in (1, 2, 3) for f in (np.sin, np.cos)]
    mixed = np.stack(waves, 1) @ np.random.default_rng(0).normal(size=(6, 24))
    posture = (mixed + rng.normal(0, 0.1, mixed.shape)).astype(np.float32)
    box, whole = np.tile(np.array([10, 8, 58, 56], np.float32), (frames, 1)), np.arange(frames)
    edges = np.array([0.0])
    return Embeddings(name, "p", name, posture, posture[:1], whole / RATE, whole, box, edges, edges), phase


@pytest.mark.parametrize(("pace", "begins"), [(1.0, 0.37), (0.8, 0.1), (1.25, 0.6)])
def test_the_moments_have_the_same_phase(pace: float, begins: float) -> None:
    left, ours = walking(1.0, 0.0, 150, "first")
    right, theirs = walking(pace, begins, 250, "second")
    apart = theirs[matched_frames(left, right)] - ours
    out = np.abs(apart - np.round(apart))  # of a cycle
    untouched = np.abs(theirs[:150] - ours - np.round(theirs[:150] - ours))
    assert np.median(out) < 0.04
    assert (out < 0.12).mean() > 0.9
    assert np.median(untouched) > 2 * np.median(out), "without matching they are out of phase"


def test_a_leap_is_where_the_other_film_does_not_go_on() -> None:
    times = np.arange(50) / RATE
    assert leaps(times, 1.0 + 0.8 * times) == 0
    assert leaps(times, np.where(times < 1.0, times, times - 0.9)) == 1


def grey_film(path: Path, phase: np.ndarray) -> None:
    """A film whose grey level is the phase of the cycle."""
    shades = 40 + 180 * np.abs(2 * (phase % 1.0) - 1)
    write_clip(path, (np.full((64, 64, 3), round(shade), np.uint8) for shade in shades), RATE)


def run_of_two(folder: Path) -> dict[str, Path]:
    """A run folder with two recordings; their films."""
    films = {}
    for name, (pace, begins, frames) in {"first": (1.0, 0.0, 50), "second": (0.8, 0.3, 100)}.items():
        one, phase = walking(pace, begins, frames, name)
        films[name] = folder.parent / f"{name}.mp4"
        grey_film(films[name], phase)
        write_arrays(
            RunFolder(folder).embedding(name), posture=one.postures.astype(np.float16), behaviour=one.behaviours,
            time_s=one.time_s, frame_index=one.frame_index, box=one.box, window_start_s=one.window_start_s,
            window_end_s=one.window_end_s,
        )  # fmt: skip
    rows = [{"recording_id": name, "subject": "p", "group": name, "status": "ok"} for name in films]
    write_csv(folder / "recordings.csv", rows, ["recording_id", "subject", "group", "status"])
    (folder / "run.json").write_text(json.dumps({"stages": {}, "preset": "quick"}), encoding="utf-8")
    return films


def test_the_film_has_both_panels_of_the_same_moment(tmp_path: Path) -> None:
    films, said = run_of_two(tmp_path / "run"), []
    out = tmp_path / "clip.mp4"
    write_in_phase(tmp_path / "run", ("first", "second"), films, out, lambda *step: said.append(step))
    shown = list(read_frames(out))
    assert (len(shown), shown[0].shape) == (50, (SIDE, 2 * SIDE + GAP, 3))
    grey = np.array([[cv2.mean(one[:, :SIDE])[0], cv2.mean(one[:, SIDE + GAP :])[0]] for one in shown])
    assert np.median(np.abs(grey[:, 0] - grey[:, 1])) < 20  # of 180 levels in half a cycle
    facts = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert (facts["recording_id"], facts["appearance"], facts["frames"]) == ("first", "second", 50)
    assert said[-1] == ("magnify", 50, 50)
