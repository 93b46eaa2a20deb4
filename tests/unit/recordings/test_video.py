"""Videos in and out: every frame, in order, at its own time, exact whatever way it is read."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.videos import frame_times, numbered_frames, walking_frames, write_video
from ubam.core.errors import VideoError
from ubam.recordings.ffmpeg import ffmpeg_binary
from ubam.recordings.video_reader import glimpse, probe, read_frame, read_frames, read_timed_frames
from ubam.recordings.video_writer import write_clip


def encode(out: Path, *options: str, source: str = "testsrc2=size=160x120:rate=25:duration=3") -> Path:
    """Make a video with ffmpeg's own pattern, whose every frame differs."""
    command = [ffmpeg_binary(), "-y", "-loglevel", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"]
    subprocess.run([*command, *options, str(out)], check=True)
    return out


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("video") / "pattern.mp4", "-g", "20")


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Variable frame rate: every third of the first 50 frames, then all."""
    chosen = "select='not(mod(n,3))+gt(n,50)'"
    return encode(tmp_path_factory.mktemp("video") / "uneven.mp4", "-vf", chosen, "-fps_mode", "vfr", "-g", "12")


def test_a_written_clip_has_its_frames_rate_and_size(tmp_path: Path) -> None:
    path = write_video(tmp_path / "größe und so.mp4", numbered_frames(60), fps=29.97)
    info = probe(path)
    assert (info.width, info.height, info.frames_declared) == (64, 48, 60)
    assert info.fps == pytest.approx(29.97)
    assert [round(frame.mean() / 4) for frame in read_frames(path)] == list(range(60))
    assert frame_times(path) == pytest.approx(np.arange(60) / 29.97, abs=1e-4)


def test_odd_sizes_gain_a_repeated_row_and_column(tmp_path: Path) -> None:
    frames = [np.full((31, 45, 3), 90, np.uint8)] * 5
    write_clip(tmp_path / "odd.mp4", frames, 0.2)
    info = probe(tmp_path / "odd.mp4")
    assert (info.width, info.height, info.fps) == (46, 32, 0.2)
    assert np.abs(next(read_frames(tmp_path / "odd.mp4")).astype(int) - 90).max() <= 2


def test_a_clip_carries_no_metadata_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (write_video(tmp_path / name, walking_frames(9)).read_bytes() for name in ("a.mp4", "b.mp4"))
    assert first == second
    assert b"Lavf" not in first
    assert first.index(b"moov") < first.index(b"mdat")


def test_all_ways_of_reading_give_the_same_bytes(pattern: Path) -> None:
    frames = list(read_frames(pattern))
    timed = list(read_timed_frames(pattern))
    assert [index for index, _, _ in timed] == list(range(75))
    assert all(np.array_equal(frame, other) for frame, (_, _, other) in zip(frames, timed, strict=True))
    assert all(np.array_equal(read_frame(pattern, index), frames[index]) for index in (74, 0, 33, 19, 20))


def test_a_part_a_step_and_a_crop_are_exact(pattern: Path) -> None:
    frames = np.stack(list(read_frames(pattern)))
    part = np.stack(list(read_frames(pattern, start_frame=10, stop_frame=40, step=7)))
    assert np.array_equal(part, frames[10:40:7])
    for x0, y0, x1, y1 in ((3, 5, 100, 98), (4, 6, 104, 99), (0, 0, 160, 119)):
        cropped = np.stack(list(read_frames(pattern, stop_frame=9, crop=(x0, y0, x1, y1))))
        assert np.array_equal(cropped, frames[:9, y0:y1, x0:x1])
    assert next(read_frames(pattern, crop=(3, 5, 100, 98), size=(31, 17))).shape == (17, 31, 3)


def test_an_uneven_frame_rate_keeps_its_own_times_and_frames(uneven: Path) -> None:
    times = frame_times(uneven)
    assert np.diff(times)[:3] == pytest.approx([0.12] * 3)
    assert np.diff(times)[-3:] == pytest.approx([0.04] * 3)
    frames = list(read_frames(uneven))
    assert len(frames) == len(times)
    for index in (0, 5, len(frames) // 2, len(frames) - 1):
        assert np.array_equal(read_frame(uneven, index), frames[index])


def test_fps_overrides_the_files_clock(uneven: Path) -> None:
    times = frame_times(uneven, fps=250)
    assert times == pytest.approx(np.arange(len(times)) / 250)
    assert [index for index, _, _ in read_timed_frames(uneven, fps=250, start_s=0.02, end_s=0.03)] == [5, 6, 7]


def test_a_rotated_phone_video_is_upright_everywhere(tmp_path: Path, pattern: Path) -> None:
    turned = tmp_path / "turned.mp4"
    command = [ffmpeg_binary(), "-loglevel", "error", "-display_rotation", "90", "-i", str(pattern), "-c", "copy"]
    subprocess.run([*command, str(turned)], check=True)
    info = probe(turned)
    frame = next(read_frames(turned))
    assert (info.width, info.height) == (120, 160)
    assert np.array_equal(frame, next(read_timed_frames(turned))[2])
    assert np.array_equal(frame, np.rot90(next(read_frames(pattern))))


@pytest.mark.parametrize(("frames", "shown"), [(100, 50), (240, 100)])
def test_a_glimpse_is_of_the_middle_and_at_most_ten_seconds_in(tmp_path: Path, frames: int, shown: int) -> None:
    write_clip(tmp_path / "a.mp4", (np.full((48, 64, 3), 10 + number, np.uint8) for number in range(frames)), 10.0)
    assert glimpse(tmp_path / "a.mp4").mean() == pytest.approx(10 + shown, abs=3)  # one key frame, the first


@pytest.mark.parametrize("suffix", ["mkv", "avi", "mov", "webm", "ts"])
def test_other_containers_give_every_frame_at_rising_times(tmp_path: Path, suffix: str) -> None:
    path = encode(tmp_path / f"video.{suffix}", *(("-c:v", "libvpx") if suffix == "webm" else ()))
    damage: list[str] = []
    assert len(list(read_frames(path, damage=damage))) == 75
    assert damage == []
    times = frame_times(path)
    assert times == pytest.approx(np.arange(75) / 25, abs=2e-3)
    assert probe(path).frames_declared == pytest.approx(75, abs=1)


def test_closing_the_iterator_closes_the_file(pattern: Path) -> None:
    frames: Any = read_frames(pattern)
    next(frames)
    assert _times_open(pattern) == 1
    frames.close()
    assert _times_open(pattern) == 0


def _times_open(path: Path) -> int:
    return sum(link.exists() and link.resolve() == path.resolve() for link in Path("/proc/self/fd").iterdir())


def test_real_recordings_declare_what_they_hold(shared_data: Path) -> None:
    fly = shared_data / "DeepFly3D/tests/data/reference/camera_0.mp4"
    assert probe(fly).fps == 0.2
    assert frame_times(fly)[-1] == pytest.approx(70)
    mouse = probe(shared_data / "lightning-pose/mirror_mouse.mp4")
    assert (mouse.width, mouse.height, mouse.fps, mouse.frames_declared) == (396, 406, 250, 994)


def test_frames_of_different_sizes_are_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one is"):
        write_clip(tmp_path / "x.mp4", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 6, 3), np.uint8)], 25)
    with pytest.raises(VideoError, match="no frame"):
        write_clip(tmp_path / "x.mp4", [], 25)
    assert list(tmp_path.iterdir()) == []
