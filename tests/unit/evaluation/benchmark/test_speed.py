"""The benchmark of speed: the recording it makes, and that it times clips of that size."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import call
from tests.support.videos import walking_frames
from ubam.core.errors import UbamError
from ubam.evaluation.benchmark import speed
from ubam.evaluation.benchmark.speed import enlarge
from ubam.recordings.video_reader import probe, read_frames
from ubam.recordings.video_writer import write_clip


def test_a_recording_is_enlarged_to_ten_seconds_without_a_jump(tmp_path: Path) -> None:
    video = tmp_path / "walk.mp4"
    write_clip(video, walking_frames(40), 25)
    enlarge(video)
    info, frames = probe(video), np.stack(list(read_frames(video)))
    assert (info.width, info.height, len(frames)) == (640, 480, 250)
    steps = np.abs(np.diff(frames[:, ::8, ::8].astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < 3 * np.median(steps)
    assert list(tmp_path.iterdir()) == [video]


def test_a_command_that_fails_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(UbamError, match=r"ubam score failed: .*nothing"):
        speed.run_command("score", str(tmp_path / "nothing"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_times_clips_of_that_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speed, "SECONDS", 1)
    monkeypatch.setattr(speed, "RENDERED_S", 1.0)
    assert call("benchmark", "--speed", "--out", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["magnified", "side-by-side"]
    assert all("for 1 s at 640 x 480" in line and "x real time" in line for line in lines)
    clip = probe(tmp_path / "magnified.mp4")
    assert (clip.width, clip.height, clip.frames_declared) == (640, 480, 25)
