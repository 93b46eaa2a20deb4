"""Masks that users bring, in every form that outlining programs export."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ubam.core.errors import StudyError
from ubam.recordings.mask_files import check_masks, masks_hash, read_masks
from ubam.recordings.video_writer import write_clip

FRAMES, SIZE = 6, (48, 32)  # width, height


def discs() -> np.ndarray:
    """A disc that moves to the right, bool [FRAMES, H, W]."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.stack([np.hypot(x - 10 - 4 * k, y - 15) < 6 for k in range(FRAMES)])


def packed(mask: np.ndarray) -> str:
    """COCO's run lengths of a mask, written slowly after the description of the format."""
    flat = mask.T.ravel().astype(int)
    lengths, value, run = [], 0, 0
    for one in flat:
        if one != value:
            lengths.append(run)
            value, run = one, 0
        run += 1
    lengths.append(run)
    text = ""
    for k, length in enumerate(lengths):
        rest = length - (lengths[k - 2] if k > 2 else 0)
        while True:
            bits, rest = rest & 31, rest >> 5
            last = (rest == 0 and not bits & 16) or (rest == -1 and bool(bits & 16))
            text += chr(48 + bits + (0 if last else 32))
            if last:
                break
    return text


def runs(mask: np.ndarray) -> list[int]:
    """The same as plain numbers."""
    flat = np.concatenate([[0], mask.T.ravel().astype(int)])
    edges = np.flatnonzero(np.diff(flat))
    return np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()


def assert_is_discs(path: Path, close: float = 1.0) -> None:
    masks = list(read_masks(path, FRAMES, SIZE))
    assert len(masks) == FRAMES
    for mask, disc in zip(masks, discs(), strict=True):
        assert mask is not None
        assert set(np.unique(mask)) <= {0, 255}
        assert ((mask > 0) == disc).mean() >= close


def test_a_video_of_masks(tmp_path: Path) -> None:
    pictures = [np.repeat(disc[..., None], 3, 2).astype(np.uint8) * 255 for disc in discs()]
    write_clip(tmp_path / "masks.mp4", pictures, 25.0, crf=4)
    assert_is_discs(tmp_path / "masks.mp4", 0.99)


@pytest.mark.parametrize("first", [0, 1])
def test_numbered_pictures_from_0_or_1(tmp_path: Path, first: int) -> None:
    for k, disc in enumerate(discs()):
        cv2.imwrite(str(tmp_path / f"frame_{k + first:05d}.png"), disc.astype(np.uint8) * 7)  # an object's number
    assert_is_discs(tmp_path)


def test_pictures_of_another_size_are_scaled(tmp_path: Path) -> None:
    for k, disc in enumerate(discs()):
        large = cv2.resize(disc.astype(np.uint8) * 255, (SIZE[0] * 2, SIZE[1] * 2), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(tmp_path / f"{k}.png"), large)
    assert_is_discs(tmp_path)


def test_a_frame_without_a_picture_has_no_mask(tmp_path: Path) -> None:
    for k in (0, 2, 5):
        cv2.imwrite(str(tmp_path / f"{k:04d}.png"), discs()[k].astype(np.uint8) * 255)
    there = [mask is not None for mask in read_masks(tmp_path, FRAMES, SIZE)]
    assert there == [True, False, True, False, False, True]


def test_reading_may_begin_later(tmp_path: Path) -> None:
    for k, disc in enumerate(discs()):
        cv2.imwrite(str(tmp_path / f"{k:04d}.png"), disc.astype(np.uint8) * 255)
    masks = list(islice(read_masks(tmp_path, FRAMES, SIZE, first=3), 2))
    for mask, disc in zip(masks, discs()[3:], strict=False):
        np.testing.assert_array_equal(mask > 0, disc)


@pytest.mark.parametrize("write", [packed, runs], ids=["packed", "numbers"])
def test_a_data_set_of_coco_with_run_lengths(tmp_path: Path, write: Callable[[np.ndarray], Any]) -> None:
    images = [
        {"id": 10 + k, "file_name": f"frame_{k:06d}.PNG", "height": SIZE[1], "width": SIZE[0]} for k in range(FRAMES)
    ]
    annotations = [
        {"id": k, "image_id": 10 + k, "segmentation": {"size": [SIZE[1], SIZE[0]], "counts": write(disc)}}
        for k, disc in enumerate(discs())
    ]
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    assert_is_discs(tmp_path / "coco.json")


def test_a_data_set_of_coco_with_polygons(tmp_path: Path) -> None:
    images = [{"id": k, "file_name": f"{k}.jpg", "height": SIZE[1], "width": SIZE[0]} for k in range(FRAMES)]
    annotations = []
    for k, disc in enumerate(discs()):
        outlines, _ = cv2.findContours(disc.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        annotations.append({"id": k, "image_id": k, "segmentation": [outlines[0].ravel().tolist()]})
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    assert_is_discs(tmp_path / "coco.json")


def test_a_list_of_run_lengths_one_a_frame(tmp_path: Path) -> None:
    masks = [{"size": [SIZE[1], SIZE[0]], "counts": packed(disc)} for disc in discs()]
    (tmp_path / "sam.json").write_text(json.dumps(masks))
    assert_is_discs(tmp_path / "sam.json")


def test_two_parts_of_a_subject_are_joined(tmp_path: Path) -> None:
    disc = discs()[0]
    left, right = disc & (np.arange(SIZE[0]) < 10), disc & (np.arange(SIZE[0]) >= 10)
    parts = [{"size": [SIZE[1], SIZE[0]], "counts": packed(part)} for part in (left, right)]
    (tmp_path / "sam.json").write_text(json.dumps({"0": parts}))
    mask = next(read_masks(tmp_path / "sam.json", FRAMES, SIZE))
    np.testing.assert_array_equal(mask > 0, disc)


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    pictures = [np.zeros((32, 48, 3), np.uint8)] * (FRAMES - 1)
    write_clip(tmp_path / "short.mp4", pictures, 25.0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.json").write_text('{"points": [1, 2]}')
    (tmp_path / "text.json").write_text("no JSON")
    (tmp_path / "odd").mkdir()
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / "odd" / f"{name}.png"), np.zeros((4, 4), np.uint8))
    wanted = {
        "short.mp4": "5 frames of masks",
        "empty": "no pictures",
        "other.json": "do not say which",
        "text.json": "COCO",
        "odd": "do not say which",
        "none.mp4": "no such file",
    }
    for name, words in wanted.items():
        with pytest.raises(StudyError, match=words):
            check_masks(tmp_path / name, FRAMES)


def test_the_hash_of_a_folder_follows_its_pictures(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((4, 4), np.uint8))
    before = masks_hash(tmp_path)
    cv2.imwrite(str(tmp_path / "0.png"), np.full((4, 4), 255, np.uint8))
    assert masks_hash(tmp_path) != before
