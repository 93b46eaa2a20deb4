"""Keypoints that the user already has: DeepLabCut CSV and H5, SLEAP .slp and analysis .h5, read into one form.

DeepLabCut's H5 is a pandas table whose column names are pickled: they are read by an unpickler that knows no class and
no function, so that a file cannot run anything.
"""

import codecs
import csv
import io
import json
import pickle
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any, Protocol

import h5py
import numpy as np

from ubam.core.errors import StudyError
from ubam.recordings.cells import without_separator_line
from ubam.recordings.video_reader import stored_slots

SURE = 0.6  # DeepLabCut's own cutoff (pcutoff); SLEAP leaves unsure points out of its files
CERTAIN = 1.01  # a likelihood of 1, and what rounding makes of it
PARTS = ("x", "y", "likelihood")
MOST_BYTES = 2 << 30  # of one array: two days of 20 points at 25 frames a second
TOLERANCE = 2  # frames by which a tracker's count and the video's may differ
Column = tuple[str, str, str]  # animal, point, and x, y or likelihood


@dataclass(frozen=True)
class Keypoints:
    """The points of every animal in one video.

    names: the K points; frame int64 [F]: frames of the video in its own counting; xy float32 [F, animals, K, 2] in
    pixels of the video, NaN where a point is missing or its tracker unsure; complete: there is a row for every frame of
    the video, and not only for labelled pictures.
    """

    names: tuple[str, ...]
    frame: np.ndarray
    xy: np.ndarray
    complete: bool


class _TableError(ValueError):
    """What is wrong with a file of keypoints, in words for its user."""


def read_keypoints(path: Path, video: Path, frames: int) -> Keypoints:
    """Read the keypoints of a video of which `frames` frames can be decoded.

    A point at (0, 0) is a missing one, as trackers write it. Rows that number an AVI's frames with the dropped ones are
    brought to the frames that are there. Labelled pictures (`img0144.png`) belong to the frame in their name, or, when
    there are as many as frames, to the frames in order. A SLEAP project of several videos gives the points of the one
    with the video's file name.

    Raises
    ------
    StudyError
        The file is missing, of no known format, or of a video of another length.
    """
    if not path.is_file():
        raise StudyError(f"{path}: no such keypoints file; write its path relative to the study's own folder")
    try:
        points = _read_csv(path) if path.suffix.casefold() in (".csv", ".tsv", ".txt") else _read_hdf5(path, video)
    except (
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        EOFError,
        RuntimeError,  # of HDF5, and of what is nested too deeply
        MemoryError,
        OverflowError,
        pickle.PickleError,
    ) as error:
        what = f" ({error})" if isinstance(error, _TableError | pickle.PickleError) else ""
        raise StudyError(
            f"{path}: cannot be read as keypoints{what}; give a CSV or H5 of DeepLabCut, or a .slp or analysis .h5 of "
            "SLEAP"
        ) from error
    points = replace(points, xy=np.where((points.xy == 0).all(-1, keepdims=True), np.float32(np.nan), points.xy))
    return _fitted(points, path, video, frames)


def _fitted(points: Keypoints, path: Path, video: Path, frames: int) -> Keypoints:
    """The points with their frames, when they can be of a video of that length."""
    rows = len(points.frame)
    if not np.isfinite(points.xy).any():
        raise StudyError(f"{path}: holds no point that its tracker was sure of; give the keypoints of this video")
    if points.complete and rows != frames:
        return _without_dropped(points, path, video, frames)
    if not points.complete and rows == frames:
        return replace(points, frame=np.arange(rows))
    if rows and points.frame.max() >= frames + TOLERANCE:
        raise StudyError(
            f"{path}: names frame {points.frame.max()}, its video has {frames} frames; give the keypoints of this video"
        )
    return points


def _without_dropped(points: Keypoints, path: Path, video: Path, frames: int) -> Keypoints:
    """The rows of frames that are there, of a table that counts those that the camera dropped; others nearly fit."""
    rows = len(points.frame)
    slots = stored_slots(video)
    if slots is not None and len(slots) == frames and rows == slots[-1] + 1:
        return replace(points, frame=np.arange(frames), xy=points.xy[slots])
    if abs(rows - frames) > TOLERANCE:
        raise StudyError(f"{path}: has {rows} rows, its video {frames} frames; give the keypoints of this video")
    return points


# ---- DeepLabCut ----


def _read_csv(path: Path) -> Keypoints:
    """Header rows up to `coords`; before the values one column (a frame or picture) or three (a picture's path)."""
    text, separator = without_separator_line(_text_of(path))
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    last = next((i for i, row in enumerate(rows[:8]) if row[0].strip().casefold() == "coords"), None)
    if last is None:
        raise _TableError("it has no row that begins with 'coords'")
    header = {row[0].strip().casefold(): row for row in rows[: last + 1]}
    if "bodyparts" not in header:
        raise _TableError("it has no row that begins with 'bodyparts'")
    first = next(i for i, cell in enumerate(header["coords"][1:], 1) if cell.strip())
    animals = header.get("individuals", [""] * len(header["coords"]))
    columns = list(zip(animals[first:], header["bodyparts"][first:], header["coords"][first:], strict=True))
    values = [_numbers(row[first:], separator) for row in rows[last + 1 :]]
    if not values or any(len(row) != len(columns) for row in values):
        raise _TableError(f"its rows do not have the {len(columns)} values that its header names")
    return _from_columns(columns, np.stack(values), [row[first - 1] for row in rows[last + 1 :]])


def _text_of(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise _TableError(f"it has {path.stat().st_size / 1e9:.0f} GB")
    with open(path, "rb") as handle:
        wide = handle.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what Excel calls Unicode text
    try:
        return path.read_text(encoding="utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return path.read_text(encoding="cp1252", errors="replace")  # what older programs write


def _numbers(cells: Sequence[str], separator: str) -> np.ndarray:
    """A row of numbers; where cells are not separated by commas, a comma is the decimal one."""
    plain = cells if separator == "," else [cell.replace(",", ".") for cell in cells]
    try:
        return np.array([float(cell.strip() or "nan") for cell in plain], np.float32)
    except ValueError:
        wrong = next(cell for cell in plain if not _is_number(cell))
        raise _TableError(f"'{wrong}' stands where a number should") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip() or "nan")
    except ValueError:
        return False
    return True


def _from_columns(columns: Sequence[Column], values: np.ndarray, index: Sequence[Any]) -> Keypoints:
    """Points from a table [F, C] and the names of its columns and rows; points of no animal (`single`) are left out.

    Columns besides x, y and likelihood (variances of an ensemble, for example) are left out.
    """
    if any(what == "z" for _, _, what in columns):
        raise _TableError("it holds points in space (x, y, z), which are no places in the picture")
    if not {"x", "y"} <= {what for _, _, what in columns}:
        raise _TableError("it has no columns x and y")
    animals = list(dict.fromkeys(animal for animal, _, _ in columns))
    if len(animals) > 1:
        animals = [animal for animal in animals if animal != "single"]
    names = list(dict.fromkeys(name for animal, name, _ in columns if animal in animals))
    xyp = np.full((len(values), len(animals), len(names), 3), np.nan, np.float32)
    xyp[..., 2] = 1
    for (animal, name, what), value in zip(columns, values.T, strict=True):
        if animal in animals and what in PARTS:
            xyp[:, animals.index(animal), names.index(name), PARTS.index(what)] = value
    if (xyp[..., 2] > CERTAIN).any():
        raise _TableError(f"its likelihoods go up to {np.nanmax(xyp[..., 2]):g}, and should to 1")
    whole = np.isfinite(xyp[..., :2]).all(-1) & (xyp[..., 2] >= SURE)
    numbers, complete = _frames_of(index)
    return Keypoints(tuple(names), numbers, np.where(whole[..., None], xyp[..., :2], np.float32(np.nan)), complete)


def _frames_of(index: Sequence[Any]) -> tuple[np.ndarray, bool]:
    """Frames of rows that are named by a number, or by a picture whose name holds one; whether they are all frames.

    Numbers with gaps are those of single frames.
    """
    words = [item.decode() if isinstance(item, bytes) else str(item) for item in index]
    if all(re.fullmatch(r"\s*\d+(\.0*)?\s*", word) for word in words):
        numbers = np.array([int(float(word)) for word in words], np.int64)
        steps = np.diff(numbers)
        if (steps < 1).any():
            raise _TableError(f"its rows name frame {numbers[1:][steps < 1][0]} twice or out of order")
        return numbers, bool((steps == 1).all() and (len(numbers) == 0 or numbers[0] == 0))
    found = [re.search(r"(\d+)\D*$", re.split(r"[/\\]", word)[-1]) for word in words]
    if not all(found):
        raise _TableError(f"the row '{words[found.index(None)]}' names no frame")
    return np.array([int(match[1]) for match in found if match], np.int64), False


class _PlainUnpickler(pickle.Unpickler):
    """Lists, tuples, numbers and strings only."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it holds an object of {module}.{name}")


def _read_hdf5(path: Path, video: Path) -> Keypoints:
    with h5py.File(path, "r") as file:
        file.visititems(_refuse_absurd)
        if {"frames", "instances", "points", "pred_points"} <= set(file):
            return _read_slp(file, video)
        if {"tracks", "node_names"} <= set(file):
            return _read_analysis(file)
        for group in file.values():
            if "pandas_type" in group.attrs:
                return _read_table(group) if "table" in group else _read_fixed(group)
    raise _TableError("it holds no table of pandas and no tracks")


def _refuse_absurd(name: str, item: h5py.Dataset | h5py.Group) -> None:
    """Refuse an array that says it is larger than any keypoints: a header of a few bytes may ask for terabytes."""
    if isinstance(item, h5py.Dataset) and item.nbytes > MOST_BYTES:
        raise _TableError(f"its array {name} would have {item.nbytes / 1e9:.0f} GB")


def _read_table(group: h5py.Group) -> Keypoints:
    """pandas' format "table": rows of an index and one or several blocks of values."""
    table = group["table"]
    blocks = [name for name in table.dtype.names if name.startswith("values_block")]
    kinds = [_PlainUnpickler(io.BytesIO(bytes(table.attrs[f"{name}_kind"]))).load() for name in blocks]
    values = np.concatenate([table[name] for name in blocks], axis=1)
    return _from_columns([_column(label) for kind in kinds for label in kind], values, table["index"])


def _read_fixed(group: h5py.Group) -> Keypoints:
    """pandas' format "fixed": blocks of values, labels as codes into the names of each level."""
    blocks = range(int(group.attrs["nblocks"]))
    columns = [_column(label) for block in blocks for label in _labels(group, f"block{block}_items")]
    values = np.concatenate([group[f"block{block}_values"] for block in blocks], axis=1)
    return _from_columns(columns, values, [label[-1] for label in _labels(group, "axis1")])


def _labels(group: h5py.Group, axis: str) -> list[tuple[Any, ...]]:
    if axis in group:
        return [(item,) for item in group[axis]]
    levels = range(int(group.attrs[f"{axis}_nlevels"]))
    named = [group[f"{axis}_level{i}"][:][group[f"{axis}_label{i}"][:]] for i in levels]
    return list(zip(*named, strict=True))


def _column(label: Sequence[Any]) -> Column:
    """(scorer, [individual,] bodypart, coordinate) as a column."""
    words = [item.decode() if isinstance(item, bytes) else str(item) for item in label]
    return words[-3] if len(words) == 4 else "", words[-2], words[-1]


# ---- SLEAP ----


class _File(Protocol):
    def __getitem__(self, name: str) -> Any: ...


def _read_analysis(file: _File) -> Keypoints:
    """SLEAP's analysis file: tracks [track, xy, node, frame], or in the order that its `dims` says.

    It ends with the last frame in which something was found, so it may be shorter than its video.
    """
    tracks = file["tracks"]
    order = json.loads(tracks.attrs["dims"]) if "dims" in tracks.attrs else ["track", "xy", "node", "frame"]
    xy = np.transpose(tracks[:], [order.index(axis) for axis in ("frame", "track", "node", "xy")]).astype(np.float32)
    return Keypoints(tuple(name.decode() for name in file["node_names"]), np.arange(len(xy)), xy, False)


def _read_slp(file: _File, video: Path) -> Keypoints:
    """SLEAP's project: frames -> instances -> points; a prediction that was corrected by hand is left out."""
    described = json.loads(file["metadata"].attrs["json"])
    nodes = [node["id"] for node in described["skeletons"][0]["nodes"]]
    frames, instances = np.sort(file["frames"][:], order="frame_id"), np.sort(file["instances"][:], order="frame_id")
    frames = frames[frames["video"] == _video_number(file, video)] if len(file["videos_json"]) > 1 else frames
    instances = instances[np.isin(instances["frame_id"], frames["frame_id"]) & (instances["skeleton"] == 0)]
    instances = instances[_standing(instances)]
    xy = np.full((len(instances), len(nodes), 2), np.nan, np.float32)
    for kind, points in enumerate((file["points"][:], file["pred_points"][:])):
        mine = instances["instance_type"] == kind
        chosen = points[instances["point_id_start"][mine, None].astype(np.int64) + np.arange(len(nodes))]
        seen = chosen["visible"][..., None]
        xy[mine] = np.where(seen, np.stack([chosen["x"], chosen["y"]], -1), np.nan) if mine.any() else xy[mine]
    row = np.searchsorted(frames["frame_id"], instances["frame_id"])
    slot = np.arange(len(row)) - np.searchsorted(row, row)
    placed = np.full((len(frames), int(slot.max(initial=0)) + 1, len(nodes), 2), np.nan, np.float32)
    placed[row, slot] = xy
    names = tuple(described["nodes"][node]["name"] for node in nodes)
    return Keypoints(names, frames["frame_idx"].astype(np.int64), placed, False)


def _video_number(file: _File, video: Path) -> int:
    names = [json.loads(text)["backend"].get("filename", "") for text in file["videos_json"]]
    same = [number for number, name in enumerate(names) if PureWindowsPath(name).name == video.name]
    if not same:
        raise _TableError(f"none of its {len(names)} videos is called {video.name}")
    return same[0]


def _standing(instances: np.ndarray) -> np.ndarray:
    """Instances bool [N] that no hand-made one of the same frame replaces."""
    hand = instances[instances["instance_type"] == 0]
    key = instances["frame_id"].astype(np.int64) * 100_000 + instances["track"]
    tracked = np.isin(key, key[instances["instance_type"] == 0]) & (instances["track"] >= 0)
    replaced = tracked | np.isin(instances["instance_id"], hand["from_predicted"])
    standing: np.ndarray = (instances["instance_type"] == 0) | ~replaced
    return standing
