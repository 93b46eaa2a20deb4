"""The crop store: crops and background-normalised views of one recording on disk, written whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
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
from ubam.tracking.foreground import floor_line
from ubam.tracking.locate import Finding, find_subject, moving_parts
from ubam.tracking.scene import Scene
from ubam.tracking.views import (
    EMPTY,
    around,
    cut,
    make_view,
    moved_scene_at,
    paint_view,
    reduced_size,
    reduction_for,
    scene_at,
)


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
        "body_height": track.body_height, "egocentric": finding.egocentric, "camera_lost": finding.lost,
        "width": info.width, "height": info.height, "crop_size": crop_size,
        "frames_declared": declared_frames(recording, info),
        "frames_decoded": count, "status": status, "reason": reason, "warnings": list(track.warnings),
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
    files, shape = CropFolder(folder), (total, view_size, view_size, 3)
    views = np.lib.format.open_memmap(files.array("views"), mode="w+", dtype=np.uint8, shape=shape)
    offsets = [0]
    with open(files.pictures, "wb") as blob:
        for position, (frame, apart) in enumerate(zip(frames, _moving_parts(finding, survey), strict=False)):
            crop = cut(frame, scaled.boxes[position], crop_size)
            found = finding.track.found[position]
            views[position] = scaled.view(crop, position, view_size, apart) if found else EMPTY
            offsets.append(offsets[-1] + blob.write(to_jpeg(crop)))
            if progress and position % 32 == 31:
                progress(total + position + 1, 2 * total)
    views.flush()
    _finish_crops(folder, views, offsets)
    if progress:
        progress(2 * total, 2 * total)
    return len(offsets) - 1, damage


def _moving_parts(finding: Finding, survey: FirstPass) -> Iterator[np.ndarray | None]:
    """The soft foreground of each small frame where the camera was lost, and None for ever where it was not."""
    return moving_parts(survey) if finding.lost else repeat(None)


def _finish_crops(folder: Path, views: np.ndarray, offsets: list[int]) -> None:
    """Write where each crop begins; give views as many rows as there are crops; drop the small pictures."""
    files = CropFolder(folder)
    if len(offsets) <= len(views):
        np.save(folder / "shorter.npy", views[: len(offsets) - 1])
        os.replace(folder / "shorter.npy", files.array("views"))
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
    floor: float
    reduction: int

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
        floor = 1.0 if finding.egocentric else floor_line(boxes, finding.track.ground_y, finding.track.body_height)
        return cls(finding, size, boxes * stretch, scene, camera, floor, survey.reduction)

    def view(self, crop: np.ndarray, position: int, size: int, apart: np.ndarray | None) -> np.ndarray:
        """The view of the crop at a position; apart: the soft foreground of a lost camera's small frame."""
        heading = 0.0 if self.finding.heading is None else float(self.finding.heading[position])
        if apart is not None:
            salient = cut(apart, self.finding.track.box[position] / self.reduction, len(crop))
            return paint_view(crop, salient, around(crop, salient), size)
        if self.camera is None:
            behind = scene_at(self.scene, self.boxes[position], len(crop))
        else:
            move = self.camera.moves[position]
            behind = moved_scene_at(self.scene, self.boxes[position], len(crop), move, self.size)
        return make_view(crop, behind, size, self.floor, heading)


def _verdict(
    recording: Recording, info: VideoInfo, survey: FirstPass, count: int, damage: list[str]
) -> tuple[str, str]:
    declared = declared_frames(recording, info)
    if damage:
        return "partial", f"{count} of {declared} declared frames were decoded; the decoder said: {damage[0]}"
    step = float(np.median(np.diff(survey.times)))
    wanted = info.duration_s if recording.end_s is None else min(recording.end_s, info.duration_s)
    short = count < declared - 2 and (recording.fps is not None or survey.times[-1] + 2.5 * step < wanted)
    if short or count < len(survey.times):
        return "partial", f"{count} of {declared} declared frames were decoded; the file ends early"
    return "ok", ""
