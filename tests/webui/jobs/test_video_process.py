"""What the process that reads one film writes down of it, its keypoints and its masks."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.clients import small_video
from webui.jobs import video_process

LIMITS = {"bytes": 2**33, "cpu_seconds": 60, "pixels": 10**7, "seconds": 100.0}


@pytest.fixture
def video(tmp_path: Path) -> Path:
    small_video(tmp_path / "video.mp4")
    return tmp_path / "video.mp4"


def probed(video: Path, **changes: Any) -> dict[str, Any]:
    order: Any = {
        "do": "probe", "video": str(video), "out": str(video.parent), "given_fps": None, "keypoints": None,
        "mask": None, "lacking": {}, "limits": LIMITS,
    } | changes  # fmt: skip
    video_process.probe_video(order)
    return dict(json.loads((video.parent / "probe.json").read_text(encoding="utf-8")))


def test_a_clock_that_was_given_counts_also_for_the_limit(video: Path) -> None:
    assert probed(video)["duration_s"] == pytest.approx(1.0)
    assert probed(video, given_fps=5.0)["duration_s"] == pytest.approx(5.0)
    refused = probed(video, given_fps=0.2)
    assert (refused["status"], refused["reason"]) == ("failed", "Lasts 125 s, above the limit of 100 s; cut it")


def test_a_film_of_too_many_pixels_is_refused_and_a_wide_one_is_shown_small(video: Path, tmp_path: Path) -> None:
    refused = probed(video, limits=LIMITS | {"pixels": 100})
    assert refused["status"] == "failed"
    assert str(tmp_path) not in refused["reason"]
    (tmp_path / "wide").mkdir()
    small_video(tmp_path / "wide" / "video.mp4", size=(1920, 64))
    assert probed(tmp_path / "wide" / "video.mp4")["status"] == "ok"
    assert _width(tmp_path / "wide" / "frame.jpg") == video_process.SHOWN_WIDTH


def _width(path: Path) -> int:
    from PIL import Image

    with Image.open(path) as picture:
        return picture.width


def test_a_film_without_a_frame_is_refused(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ubam.recordings import video_reader

    monkeypatch.setattr(video_reader, "read_frames", lambda *_, **__: iter(()))
    assert probed(video)["reason"] == "No frame could be decoded; copy it again or convert it to MP4"


def test_keypoints_and_masks_are_looked_at_and_told_in_the_users_words(video: Path, tmp_path: Path) -> None:
    marks, masks = tmp_path / "0123.csv", tmp_path / "4567.mp4"
    head = ["scorer,me,me,me", "bodyparts,nose,nose,nose", "coords,x,y,likelihood"]
    marks.write_text("\n".join([*head, *(f"{frame},20,20,0.9" for frame in range(25))]))
    small_video(masks, seconds=0.2)
    found = probed(video, keypoints=str(marks), lacking={"keypoints": "not there"})
    assert (found["status"], found["keypoints_said"]) == ("ok", "ok")
    marks.write_text("nothing of the kind")
    told = probed(video, keypoints=str(marks))
    assert (told["status"], told["keypoints_said"][:15]) == ("ok", "The keypoints: ")
    assert "0123" not in told["keypoints_said"]
    refused = probed(video, mask=str(masks), keypoints=str(marks))
    assert refused["status"] == "failed"
    assert refused["reason"].startswith("The masks: ")
    assert "4567" not in refused["reason"]
    lacking = probed(video, lacking={"mask": "The study has no file 'm.mp4'."})
    assert (lacking["status"], lacking["reason"]) == ("failed", "The study has no file 'm.mp4'.")
    assert probed(video, lacking={"keypoints": "There is none."})["keypoints_said"] == "There is none."


def test_a_damaged_film_of_full_length_is_partial(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ubam.recordings import container

    monkeypatch.setattr(container, "early_end", lambda *_, **__: (25, 1.0))
    found = probed(video)
    assert (found["status"], found["reason"][:34]) == ("partial", "The file is damaged in places; wha")


@pytest.mark.parametrize("face", [[], [[0.0, 4.0, 4.0, 30.0, 30.0]]])
def test_a_copy_is_made_with_and_without_a_face_to_hide(
    video: Path, tmp_path: Path, face: list[list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = {"do": "copy", "video": str(video), "out": str(tmp_path / "copy.mp4"), "face": face, "width": 32}
    limited: list[int] = []
    monkeypatch.setattr(video_process, "end_with_parent", lambda: None)
    monkeypatch.setattr("webui.jobs.video_process.resource.setrlimit", lambda kind, _: limited.append(kind))
    monkeypatch.setattr(sys, "argv", ["video_process", json.dumps(order | {"limits": LIMITS})])
    video_process.main()
    assert len(limited) == 3
    assert (tmp_path / "copy.mp4").read_bytes()[4:8] == b"ftyp"
    probe = order | {"do": "probe", "out": str(tmp_path), "given_fps": None, "keypoints": None, "mask": None}
    probe |= {"lacking": {}, "limits": LIMITS}
    monkeypatch.setattr(sys, "argv", ["video_process", json.dumps(probe)])
    video_process.main()
    assert json.loads((tmp_path / "probe.json").read_text())["status"] == "ok"
