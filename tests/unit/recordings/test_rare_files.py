"""Files at the edge of what is read: too long, slow, large, unfinished, misnamed, or of another kind."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.support.videos import X264, film
from ubam.core.errors import StudyError, VideoError
from ubam.recordings import container, video_writer
from ubam.recordings.container import early_end, opened, read_packets
from ubam.recordings.folders import looks_like_film
from ubam.recordings.guessing import describe_guess
from ubam.recordings.mask_files import read_masks
from ubam.recordings.study_table import Recording, Study, read_study
from ubam.recordings.validation import check_study
from ubam.recordings.video_reader import probe, read_frame, read_frames, stored_slots
from ubam.recordings.video_writer import write_copy


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Matroska film of 20 frames."""
    return film(tmp_path_factory.mktemp("short") / "a.mkv", *X264, count=20)


def test_a_film_of_more_frames_than_allowed_is_refused(short: Path) -> None:
    with pytest.raises(VideoError, match="declares 20 frames of 160x96, above the limit of 19 frames; cut it first"):
        probe(short, max_frames=19)


@pytest.mark.parametrize("frame", [-1, 20])
def test_a_frame_that_is_not_there_is_refused(frame: int, short: Path) -> None:
    with pytest.raises(VideoError, match=f"there is no frame {frame}"):
        read_frame(short, frame)


def test_a_file_that_takes_long_to_read_is_not_judged(short: Path) -> None:
    with pytest.raises(TimeoutError, match="takes long"):
        read_packets(short, 0, seconds=0)
    assert early_end(short, fps=25, frames=99, duration_s=4, seconds=0) is None


def test_a_file_that_ends_before_it_says_has_the_length_that_is_there(short: Path) -> None:
    frames, seconds = early_end(short, fps=25, frames=99, duration_s=4, seconds=9)
    assert frames == 20
    assert seconds == pytest.approx(0.8)
    assert early_end(short, fps=25, frames=20, duration_s=0.8, seconds=9) is None


def test_a_large_file_is_taken_at_its_word(short: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "large.mkv"
    copy.write_bytes(short.read_bytes())
    monkeypatch.setattr(container, "SCANNED_BYTES", 0)
    assert probe(copy).frames_declared == 20


def test_what_breaks_while_a_file_is_open_is_said_of_that_file(short: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"a\.mkv: is damaged and cannot be read any further"), opened(short):
        raise av.error.InvalidDataError(1, "invalid data")
    with pytest.raises(VideoError, match="no such file"), opened(tmp_path / "gone.mkv"):
        pass


def test_a_copy_hides_what_is_to_be_hidden_and_refuses_a_box_outside(short: Path, tmp_path: Path) -> None:
    write_copy(short, tmp_path / "copy.mp4", blur=lambda _: (0, 0, 160, 32))
    pictures = [next(read_frames(path)).astype(int) for path in (short, tmp_path / "copy.mp4")]
    assert pictures[0][4:28].std() > 3 * pictures[1][4:28, :36].std()  # the barcode is one of 4 x 4 patches
    assert np.abs(pictures[0] - pictures[1])[40:].mean() < 4
    with pytest.raises(VideoError, match="the part to hide is never in the picture"):
        write_copy(short, tmp_path / "none.mp4", blur=lambda _: (200, 0, 300, 32))
    assert not (tmp_path / "none.mp4").exists()


def test_a_copy_that_the_disk_refuses_is_said(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(video_writer, "_copy_frames", full)
    with pytest.raises(VideoError, match=r"could not be copied .*No space left"):
        write_copy(short, tmp_path / "copy.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_study_is_checked_in_its_order_and_a_mask_that_does_not_fit_fails(short: Path, tmp_path: Path) -> None:
    (tmp_path / "masks.json").write_text("[]", encoding="utf-8")
    rows = (Recording("a", 2, short, "a", "g", mask=tmp_path / "masks.json"), Recording("b", 3, short, "b", "g"))
    steps: list[tuple[int, int]] = []
    verdicts = check_study(Study(tmp_path / "study.csv", rows), lambda *step: steps.append(step))
    assert [(verdict.recording_id, verdict.status) for verdict in verdicts] == [("a", "failed"), ("b", "ok")]
    assert "masks.json" in verdicts[0].reason
    assert verdicts[1].to_json()["frames_declared"] == 20
    assert steps == [(1, 2), (2, 2)]


def test_only_an_avi_counts_dropped_frames(short: Path) -> None:
    assert stored_slots(short) is None


@pytest.mark.parametrize(
    ("head", "is_film"),
    [
        (b"\0\0\0\x18ftypmp42", True),
        (b"\0\0\0\x18ftypheic", False),
        (b"RIFF\0\0\0\0AVI ", True),
        (b"RIFF\0\0\0\0WAVE", False),
        (b"text", False),
        (bytes([0x47, *bytes(187)] * 3), True),
    ],
)
def test_a_film_is_known_by_how_it_begins(head: bytes, is_film: bool, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(head)
    assert looks_like_film(tmp_path / "a") is is_film
    assert not looks_like_film(tmp_path / "gone")


def test_nothing_is_said_of_no_files() -> None:
    assert describe_guess([]) == []


def test_masks_that_are_no_film_name_what_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "masks.mp4").write_bytes(b"no film")
    with pytest.raises(StudyError, match="column mask: give a video, a folder of pictures, or COCO JSON"):
        read_masks(tmp_path / "masks.mp4", 4, (8, 8))


def test_a_data_set_without_masks_is_refused(tmp_path: Path) -> None:
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(4)]
    (tmp_path / "masks.json").write_text(json.dumps({"images": images, "annotations": []}), encoding="utf-8")
    with pytest.raises(StudyError, match="holds no mask"):
        read_masks(tmp_path / "masks.json", 4, (8, 8))


def test_as_many_pictures_as_frames_need_no_numbers(tmp_path: Path) -> None:
    for number, name in enumerate("abcd"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((8, 8), 255 * (number == 2), np.uint8))
    assert [bool(mask.any()) for mask in read_masks(tmp_path, 4, (8, 8))] == [False, False, True, False]


def test_a_table_with_an_open_quote_is_refused_with_its_row(tmp_path: Path) -> None:
    cell = "x" * 200_000  # more than one cell may hold
    (tmp_path / "study.csv").write_text(f'video,subject,group\na.mp4,"{cell},g\n', encoding="utf-8")
    with pytest.raises(StudyError, match="cannot be read as CSV"):
        read_study(tmp_path / "study.csv")
