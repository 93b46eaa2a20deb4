"""Damaged, foreign and hostile files are refused or said to be partial; never another file's frames, never silence."""

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.videos import frame_times, walking_frames, write_video
from ubam.core.errors import VideoError
from ubam.recordings.video_reader import probe, read_frame, read_frames
from ubam.recordings.video_writer import write_clip

READERS: list[Callable[[Path], object]] = [
    probe, frame_times, lambda path: list(read_frames(path)), lambda path: read_frame(path, 0),
]  # fmt: skip


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_video(tmp_path / "sound.mp4", walking_frames(60))


def foreign_files(folder: Path) -> dict[str, bytes]:
    return {
        "empty.mp4": b"",
        "text.mp4": b"these are not the frames that you are looking for\n" * 50,
        "concat.mp4": b"ffconcat version 1.0\nfile 'sound.mp4'\n",
        "playlist.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nsound.mp4\n#EXT-X-ENDLIST\n",
        "sdp.mp4": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "noise.mp4": np.random.default_rng(0).bytes(5000),
    }


@pytest.mark.parametrize("name", list(foreign_files(Path())))
def test_what_is_not_a_video_is_refused_by_every_reader(tmp_path: Path, sound: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(foreign_files(tmp_path)[name])
    for reader in READERS:
        with pytest.raises(VideoError, match=name):
            reader(path)


def test_a_missing_file_and_a_missing_frame_are_named(tmp_path: Path, sound: Path) -> None:
    for reader in READERS:
        with pytest.raises(VideoError, match="no such file"):
            reader(tmp_path / "none.mp4")
    for index in (-1, 60, 10_000):
        with pytest.raises(VideoError, match=f"no frame {index}"):
            read_frame(sound, index)


def test_a_truncated_file_yields_its_frames_and_the_decoders_complaint(tmp_path: Path, sound: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(sound.read_bytes()[: int(sound.stat().st_size * 0.6)])
    damage: list[str] = []
    count = sum(1 for _ in read_frames(cut, damage=damage))
    assert 0 < count < probe(cut).frames_declared == 60
    assert damage
    assert not any("0x7f" in line for line in damage)


def test_bit_rot_is_noticed(tmp_path: Path, sound: Path) -> None:
    rotten = bytearray(sound.read_bytes())
    for place in np.random.default_rng(0).integers(len(rotten) // 3, len(rotten), 40):
        rotten[place] ^= 0xFF
    (tmp_path / "rotten.mp4").write_bytes(rotten)
    damage: list[str] = []
    assert sum(1 for _ in read_frames(tmp_path / "rotten.mp4", damage=damage)) > 0
    assert damage


def test_too_large_a_picture_is_refused_before_a_frame_is_read(sound: Path) -> None:
    with pytest.raises(VideoError, match="160x120, above the limit"):
        probe(sound, max_pixels=100 * 100)
    with pytest.raises(VideoError, match="60 frames"):
        probe(sound, max_frames=50)


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, signal, resource, numpy as np; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from ubam.recordings.video_writer import write_clip\n"
        "noise = np.random.default_rng(0).integers(0, 255, (40, 120, 160, 3), dtype=np.uint8)\n"
        "write_clip(sys.argv[1], noise, 25)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    target = tmp_path / "clip.mp4"
    ended = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=False)
    assert "VideoError" in ended.stderr
    assert "disk full" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failing_source_of_frames_leaves_the_old_clip(tmp_path: Path) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield np.zeros((16, 16, 3), np.uint8)
        raise KeyboardInterrupt

    path = write_video(tmp_path / "clip.mp4", walking_frames(5))
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_clip(path, frames(), 25)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_decoders_say_nothing_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"ftyp" * 100)
    script = (
        "import sys\nfrom ubam.recordings.video_reader import probe\ntry: probe(sys.argv[1])\nexcept Exception: pass\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "bad.mp4")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout + ended.stderr == ""
