"""The crop store: crops and background-normalised views of one recording on disk, written whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ubam.core.files import content_hash
from ubam.core.typing import Progress
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import VideoInfo, probe, read_frames
from ubam.results.run_folder import CropFolder
from ubam.tracking.camera_motion import Camera
from ubam.tracking.crop_store import CROP_VERSION, CropStore
from ubam.tracking.first_pass import FirstPass, declared_frames, read_first_pass, to_jpeg
from ubam.tracking.locate import Finding, find_subject
from ubam.tracking.outlines import Glimpse, outlines, shipped_eye, with_neighbours
from ubam.tracking.scene import Scene
from ubam.tracking.views import EMPTY, around, cut, moved_scene_at, paint_view, reduced_size, reduction_for, scene_at

ABSENT = 0.1  # of an outline that is unlike the empty scene: with less, nobody is there


def build_crops(
    recording: Recording,
    out: Path | str,
    *,
    crop_size: int = 128,
    view_size: int = 64,
    progress: Progress | None = None,
) -> CropStore:
    """Find the subject of a recording and write its crops and views into the folder `out`; returns at once when done.

    Two passes over the video, memory flat in its length. They are done again when the video's content, the row's start,
    end, box or fps, the sizes or this code's version changed.

    Raises:
        VideoError: the video is missing, unreadable, or has fewer than 8 frames to use.
    """
    out = Path(out)
    info = probe(recording.video)
    key = _key(recording, crop_size, view_size)
    if _is_current(out, key):
        return CropStore.open(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        meta = _write_store(recording, info, folder, crop_size, view_size, progress)
        _write_json(CropFolder(folder).description, meta | {"key": key})
        if out.exists():
            shutil.rmtree(out)
        os.replace(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return CropStore.open(out)


def _key(recording: Recording, crop_size: int, view_size: int) -> str:
    row = (recording.recording_id, recording.start_s, recording.end_s, recording.box, recording.fps)
    parts = (CROP_VERSION, crop_size, view_size, row, content_hash(recording.video))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _is_current(out: Path, key: str) -> bool:
    try:
        return bool(json.loads(CropFolder(out).description.read_text(encoding="utf-8"))["key"] == key)
    except (OSError, ValueError, KeyError):
        return False


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(value, handle, indent=1, ensure_ascii=False)
        handle.flush()
        os.fsync(handle.fileno())


def _write_store(
    recording: Recording, info: VideoInfo, folder: Path, crop_size: int, view_size: int, progress: Progress | None
) -> dict[str, Any]:
    survey = read_first_pass(recording, info, folder, progress)
    finding = find_subject(recording, survey)
    survey.samples = survey.samples[:0]
    count, damage = _write_crops(recording, survey, finding, folder, crop_size, view_size, progress)
    _write_scene(folder, finding.scene)
    track, times = finding.track, survey.times[:count]
    arrays = {"frame_index": survey.first + np.arange(count), "time_s": times, "box": track.box[:count],
              "found": track.found[:count], "ground_y": track.ground_y[:count]}  # fmt: skip
    if finding.heading is not None:
        arrays["heading"] = finding.heading[:count]
    if finding.camera is not None:
        arrays["moves"] = finding.camera.moves[:count]
    for name, array in arrays.items():
        np.save(CropFolder(folder).array(name), array)
    status, reason = _verdict(recording, info, survey, count, damage)
    return {
        "recording_id": recording.recording_id, "fps": float(1 / np.median(np.diff(times))),
        "noise": float(np.median(finding.scene.noise)), "in_place": finding.scene.hidden,
        "body_height": track.body_height, "egocentric": finding.egocentric,
        "width": info.width, "height": info.height, "crop_size": crop_size,
        "frames_declared": declared_frames(recording, info),
        "frames_decoded": count, "status": status, "reason": reason, "warnings": [*info.warnings, *track.warnings],
        "camera_lost": finding.lost,
    }  # fmt: skip


def _write_scene(folder: Path, scene: Scene) -> None:
    """background.png, noise.png (grey levels times 4) and, for a subject in place, still.png."""
    files = CropFolder(folder)
    cv2.imwrite(str(files.picture("background")), cv2.cvtColor(scene.background, cv2.COLOR_RGB2BGR))
    cv2.imwrite(str(files.picture("noise")), (scene.noise * 4).clip(0, 255).round().astype(np.uint8))
    if scene.hidden:
        cv2.imwrite(str(files.picture("still")), cv2.cvtColor(scene.still, cv2.COLOR_RGBA2BGRA))


def _write_crops(
    recording: Recording, survey: FirstPass, finding: Finding, folder: Path,
    crop_size: int, view_size: int, progress: Progress | None,
) -> tuple[int, list[str]]:  # fmt: skip
    total, damage = len(survey.times), []  # type: int, list[str]
    scaled = _Scaled.of(finding, survey, crop_size)
    frames = read_frames(
        recording.video, start_frame=survey.first, stop_frame=survey.first + total, size=scaled.size, damage=damage
    )
    files = CropFolder(folder)
    views = _rows(files.array("views"), (total, view_size, view_size, 3))
    outline = _rows(files.array("outline"), (total, crop_size, crop_size))
    offsets = [0]
    with open(files.pictures, "wb") as blob:
        for position, (crop, salient) in enumerate(_seen(frames, scaled, crop_size)):
            if finding.track.found[position]:
                views[position] = scaled.view(crop, salient, position, view_size)
                outline[position] = np.round(salient * 255)
            else:
                views[position] = EMPTY
            offsets.append(offsets[-1] + blob.write(to_jpeg(crop)))
            if progress and position % 32 == 31:
                progress(total + position + 1, 2 * total)
    _finish_crops(folder, {"views": views, "outline": outline}, offsets)
    if progress:
        progress(2 * total, 2 * total)
    return len(offsets) - 1, damage


def _seen(frames: Iterator[np.ndarray], scaled: "_Scaled", size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The crop of every frame, and the soft outline that the eye sees in it."""
    ahead, glimpses = tee(scaled.glimpses(frames, size))
    found = outlines(shipped_eye(), ahead, size)
    for position, (glimpse, salient) in enumerate(zip(glimpses, found, strict=True)):
        yield glimpse.crop, scaled.seen(glimpse, salient, position)


def _rows(path: Path, shape: tuple[int, ...]) -> np.memmap:
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)


def _finish_crops(folder: Path, rows: Mapping[str, np.memmap], offsets: list[int]) -> None:
    """Write where each crop begins; give the arrays as many rows as there are crops; drop the small pictures."""
    files = CropFolder(folder)
    for name, array in rows.items():
        array.flush()
        if len(offsets) <= len(array):
            np.save(folder / "shorter.npy", array[: len(offsets) - 1])
            os.replace(folder / "shorter.npy", files.array(name))
    np.save(files.array("offsets"), np.array(offsets))
    (folder / "small.bin").unlink()


@dataclass(frozen=True)
class _Scaled:
    """A finding at the size (width, height) at which a box is at most 1.5 crops wide: the decoder scales best."""

    finding: Finding
    size: tuple[int, int]
    boxes: np.ndarray
    scene: Scene
    camera: Camera | None

    @classmethod
    def of(cls, finding: Finding, survey: FirstPass, crop_size: int) -> "_Scaled":
        scene, boxes, camera = finding.scene, finding.track.box, finding.camera
        height, width = survey.samples.shape[1:3]
        zoom = reduction_for(boxes[0], crop_size)
        size = reduced_size(width, height, zoom)
        stretch = np.array([size[0] / width, size[1] / height] * 2, np.float32)
        if zoom < 1:
            whole_height, whole_width = scene.background.shape[:2]
            scene = scene.resized(reduced_size(whole_width, whole_height, zoom))
            camera = camera and camera.scaled(zoom)
        return cls(finding, size, boxes * stretch, scene, camera)

    def glimpses(self, frames: Iterator[np.ndarray], size: int) -> Iterator[Glimpse]:
        """What the eye is shown of every frame: its box there, a moment before and after, and of the empty scene."""
        for position, three in enumerate(with_neighbours(frames)):
            before, crop, after = (cut(frame, self.boxes[position], size) for frame in three)
            yield Glimpse(before, crop, after, None if self.finding.lost else self.behind(position, size).background)

    def behind(self, position: int, size: int) -> Scene:
        """The scene in the box of a frame, at size x size pixels."""
        if self.camera is None:
            return scene_at(self.scene, self.boxes[position], size)
        return moved_scene_at(self.scene, self.boxes[position], size, self.camera.moves[position], self.size)

    def seen(self, glimpse: Glimpse, salient: np.ndarray, position: int) -> np.ndarray:
        """The outline that the eye saw, or none where nothing in it is unlike a scene that was seen empty."""
        if self.scene.hidden or self.finding.lost:
            return salient
        unlike = self.behind(position, len(salient)).saliency(glimpse.crop)
        return salient if (unlike * salient).sum() > ABSENT * salient.sum() else np.zeros_like(salient)

    def view(self, crop: np.ndarray, salient: np.ndarray, position: int, size: int) -> np.ndarray:
        """The view of the crop at a position, whose soft outline is known."""
        heading = 0.0 if self.finding.heading is None else float(self.finding.heading[position])
        behind = around(crop, salient) if self.finding.lost else self.behind(position, len(crop)).background
        return paint_view(crop, salient, behind, size, heading)


def _verdict(
    recording: Recording, info: VideoInfo, survey: FirstPass, count: int, damage: list[str]
) -> tuple[str, str]:
    declared = declared_frames(recording, info)
    if damage:
        return "partial", f"{count} of {declared} frames could be read: {damage[0]}"
    step = float(np.median(np.diff(survey.times)))
    wanted = info.duration_s if recording.end_s is None else min(recording.end_s, info.duration_s)
    short = count < declared - 2 and (recording.fps is not None or survey.times[-1] + 2.5 * step < wanted)
    if short or count < len(survey.times):
        return "partial", f"{count} of {declared} frames could be read: the file ends early"
    return "ok", ""
