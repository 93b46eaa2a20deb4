"""The benchmark of speed: the film it makes, what its lines say, and all of it at a small size."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.command_line import call
from tests.support.videos import walking_frames
from ubam.core.errors import UbamError
from ubam.core.files import read_csv
from ubam.evaluation.benchmark.speed import run, study
from ubam.evaluation.benchmark.speed.measuring import Measured, line, timed
from ubam.evaluation.benchmark.speed.rows import (
    CLIP,
    CROP,
    DECODE,
    EMBED,
    ENCODE,
    EYE,
    GENERATOR,
    NETWORKS,
    WHOLE,
    eye,
    find_and_crop,
)  # fmt: skip
from ubam.evaluation.benchmark.speed.study import Spent, enlarge, run_command
from ubam.evaluation.benchmark.speed.table import ratios, speed_table, with_sums, write_speed
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import probe, read_frames
from ubam.recordings.video_writer import write_clip
from ubam.tracking.outlines import shipped_eye


def test_a_recording_is_enlarged_to_a_length_without_a_jump(tmp_path: Path) -> None:
    video = tmp_path / "walk.mp4"
    write_clip(video, walking_frames(40), 25)
    enlarge(video, 100)
    info, frames = probe(video), np.stack(list(read_frames(video)))
    assert (info.width, info.height, len(frames)) == (640, 480, 100)
    steps = np.abs(np.diff(frames[:, ::8, ::8].astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < 3 * np.median(steps)
    assert list(tmp_path.iterdir()) == [video]


def test_a_command_that_fails_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(UbamError, match=r"ubam score failed: .*nothing"):
        run_command("score", str(tmp_path / "nothing"))


def test_work_is_timed_and_shared_among_its_units() -> None:
    numbers = np.arange(300_000.0)
    spent = timed(lambda: [np.sort(numbers[::-1].copy()) for _ in range(20)], repeats=3)
    assert spent.cpu_s > 0
    assert spent.peak_mb > 20
    assert line("rows", "sorting", 20, "frame", Spent(2.0, 4.0, 50.0), 20) == Measured(
        "rows", "sorting", 20, "frame", 100.0, 200.0, 50.0
    )


def lines() -> list[Measured]:
    """A table in which decoding a frame takes 2 ms."""
    costs = {DECODE: 2.0, CROP: 6.0, EYE: 3.0, ENCODE: 1.0, EMBED: 2.0, NETWORKS: 50.0, GENERATOR: 4.0}
    costs[f"{CLIP}, magnified"] = 8.0
    made = [Measured("rows", row, 10, "frame", cost, 2 * cost, 100.0) for row, cost in costs.items()]
    made.append(Measured("rows", "report", 1, "report", 900.0, 900.0, 100.0))
    made += [Measured("length", CROP, size, "frame", 6.0, 6.0 + size / 1000, 90.0) for size in (1000, 2000)]
    made += [Measured("subjects", "score", size, "subject", 6.0, 6.0, 90.0) for size in (10, 1000)]
    made += [Measured("workers", EMBED, size, "frame", 2.0, 4.0 / size, 90.0) for size in (1, 2)]
    return [*made, *(Measured("workers", CROP, size, "recording", 6.0, 8.0 / size, 90.0) for size in (1, 2))]


def test_every_line_of_a_frame_is_a_ratio_to_decoding_and_growth_one_to_its_beginning() -> None:
    found = with_sums(lines())
    of = {(one.part, one.row, one.size): ratio for one, ratio in zip(found, ratios(found), strict=True)}
    assert of["rows", WHOLE, 10] == (6 + 2) / 2
    assert of["rows", NETWORKS, 10] == 25
    assert of["rows", "report", 1] == 450
    assert [key for key in of if key[1] == WHOLE] == [("rows", WHOLE, 10)]  # workers crop nothing where they embed
    assert of["length", CROP, 1000] == 1
    assert of["length", CROP, 2000] == pytest.approx(8 / 7)
    assert of["workers", CROP, 2] == 0.5


def test_the_table_compares_networks_and_workers_and_is_kept(tmp_path: Path) -> None:
    text = speed_table(lines())
    assert "original's networks 50 times" in text
    assert "Whole embedding costs 4.0 times what decoding does, and 2.5 times without the eye, which takes 38%" in text
    assert "costs 2.0 times what it costs the original's generator" in text
    assert "2 workers take 1/2.00 of the time" in text
    paths = write_speed(lines(), tmp_path)
    assert [path.name for path in paths] == ["speed.csv", "speed.png", "speed.svg"]
    rows = read_csv(paths[0])
    assert len(rows) == len(lines()) + 1
    assert float(rows[0]["ratio"]) == 1


def test_the_eye_is_timed_within_finding_and_cropping(tmp_path: Path) -> None:
    write_clip(tmp_path / "walk.mp4", walking_frames(16), 25)
    recording = Recording("walk", 2, tmp_path / "walk.mp4", "anna", "healthy", box=(10.0, 20.0, 90.0, 120.0))
    place = SimpleNamespace(folder=tmp_path, recording=recording)
    seen = eye(place)  # type: ignore[arg-type]
    whole = find_and_crop(place)  # type: ignore[arg-type]
    assert (seen.row, seen.size, seen.unit) == (EYE, 16, "frame")
    assert 0.2 * whole.cpu_ms < seen.cpu_ms < whole.cpu_ms
    assert vars(shipped_eye()).keys() == {"device", "bfloat16", "network"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_measures_everything_at_a_small_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = run.Sizes((60, 90), (200, 400), (10, 20), (8, 12), (1, 2), 12)
    monkeypatch.setattr(run, "Sizes", lambda: small)
    monkeypatch.setattr(study, "SECONDS", 1)
    monkeypatch.setattr(study, "RENDERED_S", 1.0)
    monkeypatch.setattr(study, "SUBJECTS", 4)
    assert call("benchmark", "--speed", "--out", tmp_path) == 0
    assert "growth with subjects" in capsys.readouterr().out
    rows = read_csv(tmp_path / "speed.csv")
    assert {row["part"] for row in rows} == {"rows", "length", "recordings", "subjects", "workers"}
    assert all(float(row["cpu_ms"]) > 0 and float(row["peak_mb"]) > 30 for row in rows)
    clip = probe(tmp_path / "magnified.mp4")
    assert (clip.width, clip.height, clip.frames_declared) == (640, 480, 25)
