"""The crop store: crops and background-normalised views of one recording on disk, written whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ubam.core.files import content_hash, leave_memory
from ubam.core.progress import Progress, rising, stretched
from ubam.core.seals import digests_of, write_record
from ubam.recordings.film import VideoInfo
from ubam.recordings.mask_files import masks_hash, read_masks
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import probe, read_frames
from ubam.results.run_folder import CropFolder
from ubam.tracking.body import BODY_ARRAYS, write_plan
from ubam.tracking.camera_motion import Camera
from ubam.tracking.crop_store import CROP_VERSION, CropStore, read_description
from ubam.tracking.eye.eye import PLACES
from ubam.tracking.eye.landmarks import LANDMARKS, PLANS
from ubam.tracking.eye.network import SIDE
from ubam.tracking.finding import Finding
from ubam.tracking.first_pass import FirstPass, declared_frames, to_jpeg
from ubam.tracking.heading import TURNED, UPRIGHT
from ubam.tracking.locate import survey_and_find
from ubam.tracking.outlines import (
    Glimpse,
    Look,
    eye_fingerprint,
    looks,
    noted,
    plan_chances,
    present,
    shipped_eye,
    with_neighbours,
)
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.views import EMPTY, around, cut, moved_scene_at, paint_view, reduced_size, reduction_for, scene_at

PLAN_FRAMES = 12  # that tell which plan of body a recording shows
FOUND = 0.3  # share of the time, about, after which the subject is found in a long film
KEPT = 1024  # frames whose rows are in memory before they are left to the disk


def build_crops(
    recording: Recording,
    out: Path | str,
    *,
    crop_size: int = 128,
    view_size: int = 64,
    plan: str | None = None,
    progress: Progress | None = None,
) -> CropStore:
    """Find the subject of a recording and write its crops and views into the folder `out`; returns at once when done.

    Two passes over the video, memory flat in its length. They are done again when the video's content, the row's start,
    end, box or fps, the sizes or this code's version changed, or the `plan` of the body calls for other views; without
    one the eye decides. `progress` is told frames, as if every pass had its share of them.

    Raises
    ------
    VideoError
        The video is missing, unreadable, or has fewer than 8 frames to use.
    """
    out = Path(out)
    info = probe(recording.video)
    key = _key(recording, crop_size, view_size)
    if _is_current(out, key, plan):
        return CropStore.open(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    _clear(out)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        meta = _write_store(recording, info, folder, crop_size, view_size, plan, progress and rising(progress))
        _seal(folder, meta | {"key": key})
        if out.exists():
            shutil.rmtree(out)
        os.replace(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return CropStore.open(out)


def _key(recording: Recording, crop_size: int, view_size: int) -> str:
    row = (recording.recording_id, recording.start_s, recording.end_s, recording.box, recording.fps)
    masks = None if recording.mask is None else masks_hash(recording.mask)
    parts = (CROP_VERSION, eye_fingerprint(), crop_size, view_size, row, content_hash(recording.video), masks)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _clear(out: Path) -> None:
    """Remove what a process that was killed over this recording has left beside its folder."""
    for left in out.parent.glob(f".{escape(out.name)}-{'?' * 8}"):  # as `mkdtemp` names them
        shutil.rmtree(left, ignore_errors=True)


def _is_current(out: Path, key: str, plan: str | None) -> bool:
    """Whether a store is there, of this key and whole, with views that are turned where those of the plan are."""
    try:
        told = read_description(out)
        upright = (plan or _likeliest(told["plan_chances"])) == UPRIGHT
        turned = told.get("like_from_above", told["egocentric"]) and not upright
        return bool(told["key"] == key and told["egocentric"] == turned)
    except (OSError, ValueError, KeyError):
        return False


def _seal(folder: Path, meta: dict[str, Any]) -> None:
    """Describe a whole store, with the digests of its files; each is on the disk before the store takes its place."""
    files = CropFolder(folder)
    apart = {files.body, *(files.array(name) for name in BODY_ARRAYS)}
    written = sorted(path for path in folder.iterdir() if path.is_file())
    for path in written:
        with open(path, "rb+") as handle:
            os.fsync(handle.fileno())
    write_record(files.description, meta | {"digests": digests_of(path for path in written if path not in apart)})


def _write_store(
    recording: Recording, info: VideoInfo, folder: Path, crop_size: int, view_size: int, plan: str | None,
    progress: Progress | None,
) -> dict[str, Any]:  # fmt: skip
    whole = declared_frames(recording, info)
    survey, finding = survey_and_find(recording, info, folder, stretched(progress, 0, FOUND, whole))
    scaled = _Scaled.of(finding, survey, crop_size)
    chances = scaled.plan_chances(survey, crop_size)
    survey.samples = survey.samples[:0]
    plan = plan or _likeliest(chances)
    like_from_above = finding.egocentric
    if like_from_above:
        finding = finding.seen_upright() if plan == UPRIGHT else finding.saying(TURNED)
        scaled = _Scaled.of(finding, survey, crop_size)
    told = stretched(progress, FOUND, 1, whole)
    count, damage = _write_crops(recording, survey, scaled, plan, folder, (crop_size, view_size), told)
    write_plan(folder, plan)
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
        "like_from_above": like_from_above,
        "width": info.width, "height": info.height, "crop_size": crop_size,
        "frames_declared": declared_frames(recording, info),
        "frames_decoded": count, "status": status, "reason": reason, "warnings": [*info.warnings, *track.warnings],
        "camera_lost": finding.lost, "plan_chances": [float(chance) for chance in chances],
    }  # fmt: skip


def _likeliest(chances: Sequence[float] | np.ndarray) -> str:
    return PLANS[int(np.argmax(chances))]


def _write_scene(folder: Path, scene: Scene) -> None:
    """background.png and noise.png (grey levels times 4)."""
    files = CropFolder(folder)
    pictures = {
        "background": cv2.cvtColor(scene.background, cv2.COLOR_RGB2BGR),
        "noise": (scene.noise * 4).clip(0, 255).round().astype(np.uint8),
    }
    for name, picture in pictures.items():  # cv2.imwrite says nothing on a full disk
        files.picture(name).write_bytes(bytes(cv2.imencode(".png", picture)[1]))


def _write_crops(
    recording: Recording, survey: FirstPass, scaled: "_Scaled", plan: str, folder: Path,
    sides: tuple[int, int], progress: Progress | None,
) -> tuple[int, list[str]]:  # fmt: skip
    """Write crops, views, outlines and bodies; returns the number of crops and the decoder's complaints."""
    total, damage = len(survey.times), []  # type: int, list[str]
    crop_size, view_size = sides
    frames = read_frames(
        recording.video, start_frame=survey.first, stop_frame=survey.first + total, size=scaled.size, damage=damage
    )
    files, found = CropFolder(folder), scaled.finding.track.found
    rows = {
        "views": rows_on_disk(files.array("views"), (total, view_size, view_size, 3)),
        "outline": rows_on_disk(files.array("outline"), (total, crop_size, crop_size)),
        "landmarks": rows_on_disk(files.array("landmarks"), (total, len(LANDMARKS[plan]), 4), np.float32),
        "places": rows_on_disk(files.array("places"), (total, PLACES, PLACES, 4), np.int8),
    }
    offsets = [0]
    with open(files.pictures, "wb") as blob:
        for position, (crop, look) in enumerate(_seen(frames, scaled, survey, crop_size, plan)):
            rows["views"][position] = EMPTY
            if found[position]:
                rows["views"][position] = scaled.view(crop, look.outline, position, view_size)
                rows["outline"][position] = np.round(look.outline * 255)
                rows["landmarks"][position], rows["places"][position] = look.landmarks, look.places
            offsets.append(offsets[-1] + blob.write(to_jpeg(crop)))
            if position % KEPT == KEPT - 1:
                for written in rows.values():
                    leave_memory(written)
            if progress and position % 32 == 31:
                progress(position + 1, total)
    _finish_crops(folder, rows, offsets)
    if progress:
        progress(1, 1)
    return len(offsets) - 1, damage


def _seen(
    frames: Iterator[np.ndarray], scaled: "_Scaled", survey: FirstPass, size: int, plan: str
) -> Iterator[tuple[np.ndarray, Look]]:
    """The crop of every frame, and what the eye sees in it; with the user's own outline where one was given."""
    shown = deque[tuple[np.ndarray, Glimpse]]()
    ahead = noted(scaled.shown(frames, size), shown)
    found = looks(shipped_eye(), (glimpse for _, glimpse in ahead), size, plan)
    if scaled.finding.masks is None:
        for position, look in enumerate(found):
            crop, _ = shown.popleft()
            yield crop, look._replace(outline=scaled.seen(crop, look.outline, position))
        return
    given = read_masks(scaled.finding.masks, survey.declared, scaled.size, survey.first)
    for position, (look, mask) in enumerate(zip(found, given, strict=False)):
        crop, _ = shown.popleft()
        whole = np.zeros(scaled.size[::-1], np.uint8) if mask is None else mask
        yield crop, look._replace(outline=cut(whole, scaled.boxes[position], size) / np.float32(255))


def rows_on_disk(path: Path, shape: tuple[int, ...], kind: type[np.generic] = np.uint8) -> np.memmap:
    """A new array on disk whose room is taken at once: a disk that fills up later would end the process."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
    with open(path, "rb+") as handle:
        os.posix_fallocate(handle.fileno(), 0, array.offset + array.nbytes)
    return array


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

    def plan_chances(self, survey: FirstPass, size: int) -> np.ndarray:
        """The mean logarithm of the chance of each plan of body, float32 [4], from some frames."""
        some = np.unique(np.linspace(0, len(survey.samples) - 1, PLAN_FRAMES).astype(int))
        shown = []
        for sample, position in zip(survey.samples[some], survey.sampled[some], strict=True):
            small = cv2.resize(sample, self.size, interpolation=cv2.INTER_AREA)
            shown += [glimpse for _, glimpse in self.shown(iter([small]), size, int(position))]
        return plan_chances(shipped_eye(), shown)

    def shown(self, frames: Iterator[np.ndarray], size: int, first: int = 0) -> Iterator[tuple[np.ndarray, Glimpse]]:
        """The crop of every frame and what the eye is shown: the box there, in its neighbours, in the empty scene."""
        for position, three in enumerate(with_neighbours(frames), first):
            box = self.boxes[position]
            before, here, after = (cut(frame, box, SIDE) for frame in three)
            empty = None if self.finding.lost else self.behind(position, SIDE).background
            yield cut(three[1], box, size), Glimpse(before, here, after, empty)

    def behind(self, position: int, size: int) -> Scene:
        """The scene in the box of a frame, at size x size pixels."""
        if self.camera is None:
            return scene_at(self.scene, self.boxes[position], size)
        return moved_scene_at(self.scene, self.boxes[position], size, self.camera.moves[position], self.size)

    def seen(self, crop: np.ndarray, salient: np.ndarray, position: int) -> np.ndarray:
        """The outline that the eye saw; empty where nothing in it differs from a scene that was seen empty."""
        if self.finding.lost:
            return salient
        return present(salient, crop, self.behind(position, len(salient)))

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
