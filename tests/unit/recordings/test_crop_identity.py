"""Crops, views of them and clips show the frames that they say: a barcode in each film tells its own index."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.videos import X264, ff, film, index_of
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import read_frames, read_timed_frames
from ubam.recordings.video_writer import write_clip
from ubam.tracking.cropping import build_crops

pytestmark = pytest.mark.usefixtures("plain_eye")

COUNT, SIDE = 24, 128
WHOLE = (0.0, 0.0, 160.0, 96.0)  # its square lies 32 pixels above and below the picture
INSIDE = slice(round(32 / 160 * SIDE) + 1, round(128 / 160 * SIDE) - 1)
MJPEG = ("-c:v", "mjpeg", "-q:v", "3")
DROPPED = ("-vf", "select='lt(n,8)+gt(n,15)'", "-fps_mode", "vfr")
FILMS = {
    "b_frames.mp4": ("-c:v", "libx264", "-bf", "3", "-crf", "12", "-pix_fmt", "yuv420p"),
    "uneven.mkv": (*DROPPED, *X264),
    "dropped.avi": (*DROPPED, *MJPEG),
    "stream.ts": (*X264, "-f", "mpegts"),
    "open.webm": ("-c:v", "libvpx", "-b:v", "3M", "-deadline", "good", "-cpu-used", "5"),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_crop_shows_its_own_frame(name: str, tmp_path: Path) -> None:
    path = film(tmp_path / name, *FILMS[name], count=COUNT)
    timed = {index: (index_of(frame), time_s) for index, time_s, frame in read_timed_frames(path)}
    store = build_crops(Recording("a", 2, path, "a", "g", box=WHOLE), tmp_path / "crops")
    shown = [index_of(crop[INSIDE]) for crop in store.crops(list(range(len(store.frame_index))))]
    assert [(one, time_s) for one, time_s in zip(shown, store.time_s, strict=True)] == list(timed.values())
    assert store.frame_index.tolist() == list(timed)
    dropped = range(8, 16) if name in ("uneven.mkv", "dropped.avi") else ()
    assert shown == [index for index in range(COUNT) if index not in dropped]


def test_a_part_of_a_film_has_crops_of_that_part(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *FILMS["b_frames.mp4"], count=COUNT)
    recording = Recording("a", 2, path, "a", "g", box=WHOLE, start_s=0.32, end_s=0.72)
    store = build_crops(recording, tmp_path / "crops")
    assert [index_of(crop[INSIDE]) for crop in store.crops(list(range(10)))] == list(range(8, 18))
    assert store.time_s == pytest.approx(np.arange(8, 18) / 25)


def test_a_clip_of_a_part_has_its_frames_in_order(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *FILMS["b_frames.mp4"], count=COUNT)
    write_clip(tmp_path / "clip.mp4", read_frames(path, start_frame=5, stop_frame=20), 25, crf=16)
    assert [index_of(frame) for frame in read_frames(tmp_path / "clip.mp4")] == list(range(5, 20))


def test_a_film_that_begins_later_begins_at_zero(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", count=COUNT)
    ff("-i", tmp_path / "a.mp4", "-c", "copy", "-output_ts_offset", "7", tmp_path / "later.mkv")
    recording = Recording("a", 2, tmp_path / "later.mkv", "a", "g", box=WHOLE)
    store = build_crops(recording, tmp_path / "crops")
    assert (store.time_s[0], index_of(store.crops([0])[0][INSIDE])) == (0, 0)
