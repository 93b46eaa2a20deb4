"""Outlines that the user brings are the subject: box, view and outline follow them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.videos import walking_frames, write_video
from ubam.core.errors import StudyError
from ubam.recordings.study_table import Recording, read_study
from ubam.recordings.validation import check_recording
from ubam.tracking.cropping import build_crops


def red_trunk(frame: np.ndarray) -> np.ndarray:
    """Where the red trunk of `walking_frames` is, bool [H,W]."""
    red, green, blue = frame.astype(int).transpose(2, 0, 1)
    return (red > 180) & (green < 90) & (blue < 90)


@pytest.fixture
def outlined(tmp_path: Path) -> Recording:
    """A walking figure whose trunk alone is outlined; frames 20 to 24 have no mask."""
    frames = list(walking_frames(50))
    video = write_video(tmp_path / "walk.mp4", iter(frames))
    (tmp_path / "masks").mkdir()
    for t, frame in enumerate(frames):
        if not 20 <= t < 25:
            cv2.imwrite(str(tmp_path / "masks" / f"{t:05d}.png"), red_trunk(frame).astype(np.uint8))
    (tmp_path / "study.csv").write_text(
        f"video,subject,group,mask\n{video.name},a,healthy,masks\n{video.name},b,ill,\n"
    )
    return Recording("walk", 2, video, "a", "healthy", mask=tmp_path / "masks")


def test_box_and_outline_follow_the_masks(outlined: Recording, tmp_path: Path) -> None:
    store = build_crops(outlined, tmp_path / "crops")
    assert not store.found[20:25].any()
    assert store.found[:20].all()
    assert store.found[25:].all()
    assert store.body_height == pytest.approx(32, abs=3)
    for t in (5, 30, 45):
        seen, given = store.outline_at(t) > 0.5, red_trunk(store.crops([t])[0])
        assert (seen & given).sum() / (seen | given).sum() > 0.7


def test_other_masks_make_other_crops(outlined: Recording, tmp_path: Path) -> None:
    first = build_crops(outlined, tmp_path / "crops")
    mask = np.zeros((120, 160), np.uint8)
    mask[80:100, 10:30] = 1
    for t in range(50):
        cv2.imwrite(str(outlined.mask / f"{t:05d}.png"), mask)
    again = build_crops(outlined, tmp_path / "crops")
    assert np.abs(again.box[10] - first.box[10]).max() > 10


def test_masks_that_show_nobody_are_refused(outlined: Recording, tmp_path: Path) -> None:
    for path in outlined.mask.iterdir():
        cv2.imwrite(str(path), np.zeros((120, 160), np.uint8))
    with pytest.raises(StudyError, match="no mask of the subject"):
        build_crops(outlined, tmp_path / "crops")


def test_the_column_of_a_study_names_them_and_check_reads_them(outlined: Recording, tmp_path: Path) -> None:
    text = (tmp_path / "study.csv").read_text().splitlines()
    (tmp_path / "study.csv").write_text("\n".join(text[:2]) + "\n")
    (recording,) = read_study(tmp_path / "study.csv", compared=False).recordings
    assert recording.mask == outlined.mask
    assert check_recording(recording).usable
    for path in sorted(outlined.mask.iterdir())[:40]:
        path.rename(path.with_name(f"{path.stem}x1.png"))
    verdict = check_recording(recording)
    assert verdict.status == "failed"
    assert "masks" in verdict.reason
