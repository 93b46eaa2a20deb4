"""The crop store: whole, in step with the video, redone only when it must be."""

import json
import shutil
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.videos import frame_times, walking_frames, write_video
from ubam.core.errors import VideoError
from ubam.evaluation.synthetic.study import StudySpec, render_again
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.tracking import first_pass, outlines
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops
from ubam.tracking.scene.empty_scene import IN_PLACE
from ubam.tracking.views import cut


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("crops") / "walk.mp4", walking_frames(60))


@pytest.fixture(scope="module")
def recording(video: Path) -> Recording:
    return Recording("walk", 2, video, "anna", "healthy")


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A shorter film of the same walker in a given box: quick to crop where it is not about finding it."""
    video = write_video(tmp_path_factory.mktemp("brief") / "walk.mp4", walking_frames(16))
    return Recording("walk", 2, video, "anna", "healthy", box=(10.0, 20.0, 90.0, 120.0))


@pytest.fixture(scope="module")
def store(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> CropStore:
    return build_crops(recording, tmp_path_factory.mktemp("store") / "walk")


@pytest.mark.parametrize("masked", [False, True])
def test_crops_are_the_same_where_frames_are_read_while_the_eye_looks(
    masked: bool, brief: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More crops than the eye looks at together, so that a batch is made while it looks at another."""
    if masked:
        outline = np.zeros((16, 120, 160, 3), np.uint8)
        outline[:, 30:110, 30:70] = 255
        write_clip(tmp_path / "mask.mp4", outline, 25)
        brief = replace(brief, mask=tmp_path / "mask.mp4")
    made = []
    for ahead in (False, True):
        monkeypatch.setattr(outlines, "looks_while_reading", lambda eye, ahead=ahead: ahead)
        folder = build_crops(brief, tmp_path / str(ahead)).folder
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert len(made[0]) > 10
    assert made[0] == made[1]


def test_every_frame_has_a_crop_a_view_a_time_and_a_box(store: CropStore, video: Path) -> None:
    assert (store.recording_id, store.status, store.reason) == ("walk", "ok", "")
    assert (store.width, store.height, store.frames_declared, store.frames_decoded) == (160, 120, 60, 60)
    assert store.fps == pytest.approx(25)
    assert store.frame_index.tolist() == list(range(60))
    assert np.allclose(store.time_s, frame_times(video))
    assert store.views.shape == (60, 64, 64, 3)
    assert store.views.dtype == np.uint8
    assert store.box.shape == (60, 4)
    assert store.background().shape == (120, 160, 3)
    assert store.crops([0, 59, 7]).shape == (3, 128, 128, 3)
    assert store.crops([]).shape == (0, 128, 128, 3)


def test_crops_show_the_frame_inside_the_box(store: CropStore, video: Path) -> None:
    frames = list(read_frames(video))
    for index in (3, 30, 58):
        direct = cut(frames[index], store.box[index], 128)
        assert np.abs(store.crops([index])[0].astype(int) - direct).mean() < 4  # JPEG halves the colours


def test_views_hold_the_subject_and_little_else(store: CropStore) -> None:
    salient = store.views[..., 0] / 255
    assert 0.06 < salient.mean() < 0.3
    assert salient[:, :, :6].mean() < 0.02
    assert salient[:, 26:38, 30:34].mean() > 0.6
    assert np.abs(store.views[:, :4, :4, 1:].astype(int) - 128).max() <= 4


def test_a_finished_store_is_opened_and_a_changed_one_redone(brief: Recording, tmp_path: Path) -> None:
    out = tmp_path / "walk"
    build_crops(brief, out)
    written = (out / "store.json").stat().st_mtime_ns
    assert build_crops(brief, out).frames_decoded == 16
    assert (out / "store.json").stat().st_mtime_ns == written
    assert build_crops(replace(brief, fps=50.0), out).fps == pytest.approx(50)
    assert build_crops(replace(brief, start_s=0.2), out).frame_index[0] == 5
    assert build_crops(replace(brief, end_s=0.32), out).frames_decoded == 8
    assert build_crops(replace(brief, box=(0.0, 0.0, 90.0, 90.0)), out).box[0].tolist() == [0, 0, 90, 90]
    assert build_crops(brief, out, view_size=32).views.shape == (16, 32, 32, 3)


def test_what_cannot_be_redone_leaves_the_finished_store_as_it_is(
    recording: Recording, store: CropStore, tmp_path: Path
) -> None:
    out = tmp_path / "walk"
    shutil.copytree(store.folder, out)
    with pytest.raises(VideoError, match="frames could be used"):
        build_crops(replace(recording, start_s=2.3), out)
    assert CropStore.open(out).frames_decoded == 60
    assert [path.name for path in tmp_path.iterdir()] == ["walk"]


def test_a_part_keeps_the_files_own_frame_numbers_and_times(recording: Recording, tmp_path: Path) -> None:
    part = build_crops(replace(recording, start_s=1.0, end_s=2.0), tmp_path / "part")
    assert part.frame_index.tolist() == list(range(25, 50))
    assert part.time_s[0] == pytest.approx(1.0)
    assert (part.frames_declared, part.frames_decoded, part.status) == (25, 25, "ok")


def test_fps_of_the_study_replaces_the_files_clock(brief: Recording, tmp_path: Path) -> None:
    slow = build_crops(replace(brief, fps=250.0), tmp_path / "slow")
    assert slow.fps == pytest.approx(250)
    assert slow.time_s[-1] == pytest.approx(15 / 250)
    assert slow.status == "ok"


def test_a_given_box_is_used_as_it_is(brief: Recording, tmp_path: Path) -> None:
    boxed = build_crops(brief, tmp_path / "boxed")
    assert np.allclose(boxed.box, [0, 20, 100, 120])
    assert boxed.found.all()
    assert boxed.body_height == 100


def test_an_interrupted_build_leaves_nothing_half_written(recording: Recording, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        assert total == 60
        if done > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_crops(recording, tmp_path / "walk", progress=stop)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(VideoError, match="no crops"):
        CropStore.open(tmp_path / "walk")


def test_the_same_video_gives_the_same_store_and_progress_rises_to_the_end(
    recording: Recording, store: CropStore, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    again = build_crops(recording, tmp_path / "walk", progress=lambda done, total: seen.append((done, total)))
    assert np.array_equal(again.views, store.views)
    assert np.array_equal(again.box, store.box)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (60, 60)
    assert 5 < len(seen) == len(set(seen))
    assert any(4 < done < 18 for done, _ in seen)  # while the body is followed


def test_memory_does_not_grow_with_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_pass, "SAMPLE_BYTES", 15 * 160 * 120 * 3)
    peaks = []
    for count in (80, 160):
        video = write_video(tmp_path / f"{count}.mp4", walking_frames(count))
        tracemalloc.start()
        build_crops(Recording(str(count), 2, video, "a", "g"), tmp_path / str(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_a_dark_rat_that_walks_in_place_is_not_taken_for_one_that_sits(tmp_path: Path) -> None:
    rat = render_again(
        "rodent01", 0, 1.0, StudySpec(kind="rodent", subjects=10, seed=101, scene="treadmill", seconds=1.6, null=True)
    )
    masks = []

    def frames() -> Iterator[np.ndarray]:
        for picture, mask in rat.frames_and_masks():
            masks.append(mask)
            yield picture

    write_clip(tmp_path / "rat.mp4", frames(), rat.fps)
    store = build_crops(Recording("rat", 2, tmp_path / "rat.mp4", "s", "g"), tmp_path / "crops")
    assert store.in_place
    shared = []
    for view, box, number in zip(store.views, store.box, store.frame_index, strict=True):
        found, true = cv2.resize(view[..., 0], (128, 128)) > 127, cut(masks[number], box, 128) > 0.5
        shared.append((found & true).sum() / (found | true).sum())
    assert np.mean(shared) > 0.76


def test_the_meta_file_is_plain_json(store: CropStore) -> None:
    meta = json.loads((store.folder / "store.json").read_text(encoding="utf-8"))
    assert meta["warnings"] == []
    assert len(meta["key"]) == 64


@pytest.mark.slow
def test_real_recordings_are_found_and_what_is_difficult_is_said(shared_data: Path, tmp_path: Path) -> None:
    walker = build_crops(Recording("s1", 2, shared_data / "uBAM/real_subject3.mp4", "s", "g"), tmp_path / "s1")
    assert walker.found.all()
    assert IN_PLACE in walker.warnings
    still = build_crops(
        Recording("cage", 2, shared_data / "sleap/tests/data/videos/minimal_back.mp4", "s", "g"), tmp_path / "cage"
    )
    assert IN_PLACE in still.warnings
    assert 120 < still.box[0, 2] - still.box[0, 0] < 260
    fly = build_crops(
        Recording("fly", 2, shared_data / "DeepFly3D/tests/data/reference/camera_0.mp4", "s", "g"), tmp_path / "fly"
    )
    assert (fly.frames_decoded, round(fly.fps, 3)) == (15, 0.2)
