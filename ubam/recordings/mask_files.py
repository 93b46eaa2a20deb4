"""Outlines that users bring: one mask for each frame, from a video, a folder of pictures or COCO JSON."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from ubam.core.errors import StudyError, VideoError
from ubam.core.files import content_hash
from ubam.recordings.video_reader import probe, read_frames

PICTURES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")
MOST_PIXELS = 16384 * 16384  # of one mask; one that says it is larger is damaged
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, cv2.error)
GREY = 127  # of a mask video, which compression blurs; in pictures everything but 0 is the subject


def check_masks(path: Path, frames: int) -> None:
    """See that a file or folder of masks can be read and fits a video of `frames` frames.

    Raises
    ------
        StudyError: what is wrong with it, in one sentence.
    """
    next(read_masks(path, frames, (16, 16)), None)


def read_masks(path: Path, frames: int, size: tuple[int, int], first: int = 0) -> Iterator[np.ndarray | None]:
    """The subject's mask in every frame from `first` on, uint8 [H,W], 0 or 255; None for a frame that has none.

    Parameters
    ----------
    path
        A video as long as the recording (grey above half is the subject); a folder of one picture a frame
        (anything but black is the subject); or JSON with masks of COCO: run lengths or polygons.
    frames
        How many frames the recording has.
    size
        Width and height of the masks that are given out.

    Raises
    ------
        StudyError: no such file, not a kind that is known, or masks of another number of frames.
    """
    if path.is_dir():
        return _of_pictures(path, frames, size, first)
    if not path.is_file():
        raise StudyError(f"{path}: no such file of masks; check the column mask")
    if path.suffix.casefold() == ".json":
        return _of_json(path, frames, size, first)
    return _of_video(path, frames, size, first)


def masks_hash(path: Path) -> str:
    """The content of a file of masks, or of every file of a folder of them, as one hash."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return hashlib.sha256("".join(content_hash(file) for file in files if file.is_file()).encode()).hexdigest()


def _of_video(path: Path, frames: int, size: tuple[int, int], first: int) -> Iterator[np.ndarray]:
    try:
        declared = probe(path).frames_declared
    except VideoError as error:
        raise StudyError(f"{error} (column mask: give a video, a folder of pictures, or COCO JSON)") from error
    if declared != frames:
        raise StudyError(f"{path}: has {declared} frames of masks, the recording has {frames}; give one mask a frame")
    pictures = read_frames(path, start_frame=first, size=size)
    return (np.where(picture.max(axis=2) > GREY, np.uint8(255), np.uint8(0)) for picture in pictures)


def _of_pictures(path: Path, frames: int, size: tuple[int, int], first: int) -> Iterator[np.ndarray | None]:
    files = sorted(file for file in path.iterdir() if file.suffix.casefold() in PICTURES and file.name[0] != ".")
    if not files:
        raise StudyError(f"{path}: holds no pictures; a folder of masks has one picture for each frame")
    by_frame = dict(zip(_frames_of([file.name for file in files], frames, path), files, strict=True))
    return (_picture(by_frame[frame], size) if frame in by_frame else None for frame in range(first, frames))


def _picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    try:
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # an empty file, or one that says it is larger than any picture
        picture = None
    if picture is None:
        raise StudyError(f"{path}: cannot be read as a picture; write this mask again")
    colours = picture[..., :3].max(axis=2) if picture.ndim == 3 else picture
    return _sized((colours > 0).astype(np.uint8) * np.uint8(255), size)


def _sized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if mask.shape[1::-1] == size:
        return mask
    smaller = size[0] < mask.shape[1]
    grey = cv2.resize(mask, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.where(grey > GREY, np.uint8(255), np.uint8(0))


def _frames_of(names: Sequence[str], frames: int, path: Path) -> list[int]:
    """The frame of each name, in order: by its last number, counted from 0 or from 1; by order where all are there."""
    numbers = [int(found[-1]) if (found := re.findall(r"\d+", Path(name).stem)) else -1 for name in names]
    usable = len(set(numbers)) == len(numbers) and min(numbers) >= 0
    if usable and max(numbers) < frames:
        return [number - 1 for number in numbers] if min(numbers) == 1 and len(names) == frames else numbers
    if usable and max(numbers) == frames and min(numbers) > 0:
        return [number - 1 for number in numbers]
    if len(names) == frames:
        return list(range(frames))
    raise StudyError(
        f"{path}: has {len(names)} masks whose names do not say which of the {frames} frames each belongs to; "
        "number them as the frames, from 0"
    )


# ---- COCO ----


class Shape(NamedTuple):
    """A mask as COCO writes it: {"size": [H, W], "counts": ...}, or polygons in a picture of that height and width."""

    written: Any
    height: int = 0
    width: int = 0


def _of_json(path: Path, frames: int, size: tuple[int, int], first: int) -> Iterator[np.ndarray | None]:
    try:
        shapes = _shapes(json.loads(path.read_text(encoding="utf-8")), frames, path)
        masks = {frame: [_decoded(one) for one in several[:1]] for frame, several in list(shapes.items())[:1]}
    except (OSError, RecursionError, *UNREADABLE) as error:
        raise StudyError(f"{path}: is not COCO JSON with a mask (run lengths or polygons) for each frame") from error
    if not masks:
        raise StudyError(f"{path}: holds no mask")
    return (_union(shapes[frame], size, path, frame) if frame in shapes else None for frame in range(first, frames))


def _shapes(told: Any, frames: int, path: Path) -> dict[int, list[Shape]]:
    """The shapes of each frame: of a COCO data set, or of a list or table of masks, one or several a frame."""
    if "annotations" not in told:
        listed = list(told.items()) if isinstance(told, dict) else list(enumerate(told))
        numbers = _frames_of([str(name) for name, _ in listed], frames, path)
        return {
            number: [Shape(one) for one in (mask if isinstance(mask, list) else [mask])]
            for number, (_, mask) in zip(numbers, listed, strict=True)
            if mask
        }
    images = sorted(told["images"], key=lambda image: str(image["file_name"]))
    numbers = _frames_of([str(image["file_name"]) for image in images], frames, path)
    frame_of = {image["id"]: (number, image) for number, image in zip(numbers, images, strict=True)}
    shapes: dict[int, list[Shape]] = {}
    for annotation in told["annotations"]:
        number, image = frame_of[annotation["image_id"]]
        shape = Shape(annotation["segmentation"], int(image["height"]), int(image["width"]))
        shapes.setdefault(number, []).append(shape)
    return shapes


def _decoded(shape: Shape) -> np.ndarray:
    """The mask uint8 [H,W], 0 or 255."""
    if isinstance(shape.written, dict):
        height, width = shape.written["size"]
        counts = shape.written["counts"]
        lengths = _unpacked(counts) if isinstance(counts, str) else counts
        if sum(lengths) != height * width:
            raise ValueError("its runs are longer or shorter than the picture")
        _check_size(height, width)
        flat = np.repeat(np.arange(len(lengths)) % 2, lengths).astype(np.uint8) * np.uint8(255)
        return np.ascontiguousarray(flat.reshape(width, height).T)
    _check_size(shape.height, shape.width)
    mask = np.zeros((shape.height, shape.width), np.uint8)
    polygons = [np.round(np.reshape(polygon, (-1, 2))).astype(np.int32) for polygon in shape.written]
    return np.asarray(cv2.fillPoly(mask, polygons, 255))


def _check_size(height: int, width: int) -> None:
    if not 0 < height * width <= MOST_PIXELS:
        raise ValueError(f"{width}x{height} is no size of a picture")


def _unpacked(text: str) -> list[int]:
    """Run lengths from COCO's text: 5 bits a letter, the lowest first; from the fourth on, differences to two before.

    Source: `rleFrString` of pycocotools.
    """
    lengths: list[int] = []
    value = shift = 0
    for letter in text.encode():
        bits = letter - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            value |= -1 << shift if bits & 0x10 else 0
            lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
            value = shift = 0
    return lengths


def _union(shapes: Sequence[Shape], size: tuple[int, int], path: Path, frame: int) -> np.ndarray:
    try:
        return np.asarray(np.max([_sized(_decoded(shape), size) for shape in shapes], axis=0))
    except UNREADABLE as error:
        raise StudyError(f"{path}: its mask of frame {frame} is damaged; write the masks again") from error
