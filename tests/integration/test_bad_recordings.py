"""Recordings that cannot be used say so; those that can be used in part are marked partial."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.plain_eye import plain_eye
from tests.support.videos import walking_frames, write_video
from ubam.core.errors import VideoError
from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.recordings.study_table import Recording
from ubam.tracking.cropping import build_crops


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("sound") / "sound.mp4", walking_frames(60))


def test_a_truncated_recording_is_partial_with_both_counts(sound: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(sound.read_bytes()[: int(sound.stat().st_size * 0.7)])
    with plain_eye():
        store = build_crops(Recording("cut", 2, cut, "a", "g"), tmp_path / "store")
    assert store.status == "partial"
    assert store.frames_decoded < store.frames_declared == 60
    assert f"{store.frames_decoded} of 60" in store.reason
    assert len(store.views) == len(store.time_s) == len(store.box) == store.frames_decoded
    store.crops([store.frames_decoded - 1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_s": 99.0}, "only 0 frames.*check start_s"),
        ({"start_s": 2.3}, "only 2 frames"),
        ({"box": (500.0, 500.0, 600.0, 600.0)}, "row 2 lies outside its 160x120 picture"),
    ],
)
def test_nothing_to_use_is_named_and_leaves_nothing(
    sound: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(VideoError, match=message):
        build_crops(Recording("x", 2, sound, "a", "g", **changes), tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        build_crops(Recording("x", 2, tmp_path / "none.mp4", "a", "g"), tmp_path / "store")
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(VideoError, match="cannot be read as a video"):
        build_crops(Recording("x", 2, tmp_path / "text.mp4", "a", "g"), tmp_path / "store")


def test_two_arenas_in_one_video_do_not_disturb_each_other(tmp_path: Path) -> None:
    """A person walks from the left box into the right one: each box shows it only while it is there."""
    rendered = render_recording(4, RecordingSpec(scene="walkway", seconds=2.4))
    film = write_video(tmp_path / "film.mp4", rendered.frames())
    left = build_crops(Recording("l", 2, film, "a", "g", box=(105.0, 0.0, 245.0, 208.0)), tmp_path / "l")
    right = build_crops(Recording("r", 3, film, "b", "g", box=(245.0, 0.0, 385.0, 208.0)), tmp_path / "r")
    early, late = slice(0, 12), slice(48, 60)
    assert left.views[early, ..., 0].mean() > 5 * left.views[late, ..., 0].mean()
    assert right.views[late, ..., 0].mean() > 5 * right.views[early, ..., 0].mean()
