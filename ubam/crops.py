"""The crop store: crops and background-normalised views of one recording on disk, written whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ubam.background import Scene, median_background, noise_map, reduced, without_strays
from ubam.errors import VideoError
from ubam.files import content_hash
from ubam.shadows import floor_line, without_shadow
from ubam.study import Recording
from ubam.subject import Track, fixed_track, learn_scene, track_subject
from ubam.video import VideoInfo, probe, read_frames, read_timed_frames

CROP_VERSION = 8
SMALL_SIDE = 256
MIN_FRAMES = 8
SAMPLE_BYTES = 160_000_000
EMPTY = np.array([0, 128, 128], np.uint8)  # the view where the subject is absent
Progress = Callable[[int, int], None] | None


@dataclass(frozen=True)
class CropStore:
    """Crops of one recording, opened from its folder: T frames, S the crop's side, V the view's side.

    frame_index int64 [T] in the file's own counting; time_s float64 [T]; fps: median rate; box float32 [T,4];
    found bool [T]; body_height px; ground_y float32 [T]; noise: grey levels; in_place: the background behind the
    subject is filled in, never seen. views uint8 [T,V,V,3], memory-mapped: saliency, locally normalised grey and signed
    difference to the background, the last two times saliency around 128; (0, 128, 128) where the subject is absent.
    """

    folder: Path
    recording_id: str
    frame_index: np.ndarray
    time_s: np.ndarray
    fps: float
    box: np.ndarray
    found: np.ndarray
    body_height: float
    ground_y: np.ndarray
    width: int
    height: int
    frames_declared: int
    frames_decoded: int
    status: str
    reason: str
    warnings: tuple[str, ...]
    noise: float
    in_place: bool
    crop_size: int
    views: np.ndarray
    offsets: np.ndarray

    @classmethod
    def open(cls, folder: Path | str) -> "CropStore":
        """Open a store that `build_crops` wrote; VideoError when there is none."""
        folder = Path(folder)
        if not (folder / "store.json").is_file():
            raise VideoError(f"{folder}: holds no crops; run the crops stage first")
        meta = json.loads((folder / "store.json").read_text(encoding="utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy") for name in ARRAYS}
        views = np.load(folder / "views.npy", mmap_mode="r")
        fields = {name: meta[name] for name in META} | {"warnings": tuple(meta["warnings"])}
        return cls(folder=folder, views=views, **arrays, **fields)

    def crops(self, indices: Iterable[int]) -> np.ndarray:
        """Crops of the frames at these positions (0..T-1), uint8 [n,S,S,3] RGB."""
        with open(self.folder / "crops.bin", "rb") as blob:
            pictures = [self._crop(blob.fileno(), int(i) % len(self.time_s)) for i in indices]
        return np.stack(pictures) if pictures else np.empty((0, self.crop_size, self.crop_size, 3), np.uint8)

    def _crop(self, blob: int, position: int) -> np.ndarray:
        start, stop = self.offsets[position], self.offsets[position + 1]
        return _decoded(os.pread(blob, stop - start, start), self.folder)

    def background(self) -> np.ndarray:
        """The picture without the subject, uint8 [H,W,3] RGB at the recording's size."""
        return self.scene().background

    @property
    def floor(self) -> float:
        """Where the zone of shadows begins in the boxes, as a share of their height."""
        return floor_line(self.box, self.ground_y, self.body_height)

    def scene(self) -> Scene:
        """Background, noise map and, for a subject in place, its still part, at the recording's size."""
        background = cv2.cvtColor(_read_picture(self.folder / "background.png"), cv2.COLOR_BGR2RGB)
        noise = _read_picture(self.folder / "noise.png").astype(np.float32) / 4
        still = np.dstack([background, np.zeros(noise.shape, np.uint8)])
        if self.in_place:
            still = cv2.cvtColor(_read_picture(self.folder / "still.png"), cv2.COLOR_BGRA2RGBA)
        return Scene(background, noise, still, self.in_place)


def _decoded(encoded: bytes, place: Path) -> np.ndarray:
    """A JPEG as uint8 [h,w,3] RGB."""
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
    if picture is None:
        raise VideoError(f"{place}: its crops are damaged; remove that folder and run the crops stage again")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _read_picture(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise VideoError(f"{path}: is missing or damaged; remove its folder and run the crops stage again")
    return picture


ARRAYS = ("frame_index", "time_s", "box", "found", "ground_y", "offsets")
META = (
    "recording_id", "fps", "body_height", "width", "height", "frames_declared", "frames_decoded", "status", "reason",
    "noise", "in_place", "crop_size",
)  # fmt: skip


def build_crops(
    recording: Recording, out: Path | str, *, crop_size: int = 128, view_size: int = 64, progress: Progress = None
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
        _write_json(folder / "store.json", meta | {"key": key})
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
        return bool(json.loads((out / "store.json").read_text(encoding="utf-8"))["key"] == key)
    except (OSError, ValueError, KeyError):
        return False


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(value, handle, indent=1, ensure_ascii=False)
        handle.flush()
        os.fsync(handle.fileno())


def _write_store(
    recording: Recording, info: VideoInfo, folder: Path, crop_size: int, view_size: int, progress: Progress
) -> dict[str, Any]:
    survey = _survey(recording, info, folder, progress)
    scene, track = _find_subject(recording, info, survey)
    survey.samples = survey.samples[:0]
    count, damage = _write_crops(recording, survey, scene, track, folder, crop_size, view_size, progress)
    _write_scene(folder, scene)
    times = survey.times[:count]
    arrays = {"frame_index": survey.first + np.arange(count), "time_s": times, "box": track.box[:count],
              "found": track.found[:count], "ground_y": track.ground_y[:count]}  # fmt: skip
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    status, reason = _verdict(recording, info, survey, count, damage)
    return {
        "recording_id": recording.recording_id, "fps": float(1 / np.median(np.diff(times))),
        "noise": float(np.median(scene.noise)), "in_place": scene.hidden, "body_height": track.body_height,
        "width": info.width, "height": info.height, "crop_size": crop_size,
        "frames_declared": _declared(recording, info),
        "frames_decoded": count, "status": status, "reason": reason, "warnings": list(track.warnings),
    }  # fmt: skip


def _write_scene(folder: Path, scene: Scene) -> None:
    """background.png, noise.png (grey levels times 4) and, for a subject in place, still.png."""
    cv2.imwrite(str(folder / "background.png"), cv2.cvtColor(scene.background, cv2.COLOR_RGB2BGR))
    cv2.imwrite(str(folder / "noise.png"), (scene.noise * 4).clip(0, 255).round().astype(np.uint8))
    if scene.hidden:
        cv2.imwrite(str(folder / "still.png"), cv2.cvtColor(scene.still, cv2.COLOR_RGBA2BGRA))


@dataclass
class Survey:
    """What the first pass learns: times float64 [T] from frame_index `first` on, full-size samples, small pictures."""

    first: int
    times: np.ndarray
    samples: np.ndarray
    blob: Path
    offsets: np.ndarray
    reduction: int

    def small_frames(self) -> Iterator[np.ndarray]:
        """The small pictures of every frame, uint8 [h,w,3] RGB."""
        with open(self.blob, "rb") as blob:
            for start, stop in zip(self.offsets[:-1], self.offsets[1:], strict=True):
                yield _decoded(blob.read(stop - start), self.blob)


def _survey(recording: Recording, info: VideoInfo, folder: Path, progress: Progress) -> Survey:
    reduction = _reduction(info.width, info.height)
    samples = _Samples(int(np.clip(SAMPLE_BYTES // (info.width * info.height * 3), 15, 41)))
    first, times, offsets = 0, [], [0]  # type: int, list[float], list[int]
    frames = read_timed_frames(recording.video, fps=recording.fps, start_s=recording.start_s, end_s=recording.end_s)
    total = _declared(recording, info)
    with open(folder / "small.bin", "wb") as blob:
        for index, time_s, frame in frames:
            first = index if not times else first
            times.append(time_s)
            samples.offer(frame)
            offsets.append(offsets[-1] + blob.write(_jpeg(reduced(frame, reduction))))
            if progress and len(times) % 32 == 0:
                progress(min(len(times), total), 2 * total)
    if len(times) < MIN_FRAMES:
        raise VideoError(
            f"{recording.video}: only {len(times)} frames could be used, at least {MIN_FRAMES} are needed; "
            "check start_s and end_s, or record longer"
        )
    return Survey(first, np.array(times), np.stack(samples.kept), folder / "small.bin", np.array(offsets), reduction)


def _reduction(width: int, height: int) -> int:
    """How many times smaller a picture is surveyed: whole numbers are quick."""
    return -(-max(width, height) // SMALL_SIDE)


class _Samples:
    """At most `capacity` frames evenly spread over a stream whose length is not known beforehand."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.every, self.seen = capacity, 1, 0
        self.kept: list[np.ndarray] = []

    def offer(self, frame: np.ndarray) -> None:
        if self.seen % self.every == 0:
            if len(self.kept) == self.capacity:
                self.kept, self.every = self.kept[::2], 2 * self.every
            if self.seen % self.every == 0:
                self.kept.append(frame)
        self.seen += 1


def _jpeg(picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def _find_subject(recording: Recording, info: VideoInfo, survey: Survey) -> tuple[Scene, Track]:
    if recording.box is not None:
        return _scene_in_box(recording, survey.samples, recording.box, len(survey.times))
    scene, small, remarks = learn_scene(survey.samples, survey.reduction)
    rate = float(1 / np.median(np.diff(survey.times)))
    track = track_subject(survey.small_frames(), small, scale=survey.reduction, fps=rate)
    return scene, replace(track, warnings=remarks + track.warnings)


def _scene_in_box(
    recording: Recording, samples: np.ndarray, box: tuple[float, float, float, float], count: int
) -> tuple[Scene, Track]:
    """The scene learnt inside a given box only, as another subject may move outside; the box itself is the track."""
    height, width = samples.shape[1:3]
    left, right = (round(min(max(x, 0.0), width)) for x in box[::2])
    top, bottom = (round(min(max(y, 0.0), height)) for y in box[1::2])
    if right - left < 8 or bottom - top < 8:
        raise VideoError(
            f"{recording.video}: the box {box} of row {recording.row} lies outside its {width}x{height} picture"
        )
    inside = np.ascontiguousarray(samples[:, top:bottom, left:right])
    part, _, remarks = learn_scene(inside, _reduction(right - left, bottom - top))
    median = median_background(samples)
    whole = Scene(
        median, noise_map(samples, median), np.dstack([median, np.zeros((height, width), np.uint8)]), part.hidden
    )
    for name in ("background", "noise", "still"):
        getattr(whole, name)[top:bottom, left:right] = getattr(part, name)
    return whole, fixed_track(count, box, remarks)


def _write_crops(
    recording: Recording, survey: Survey, scene: Scene, track: Track, folder: Path,
    crop_size: int, view_size: int, progress: Progress,
) -> tuple[int, list[str]]:  # fmt: skip
    total, damage = len(track.box), []  # type: int, list[str]
    size, boxes, scene = _scaled(scene, track.box, crop_size)
    floor = floor_line(track.box, track.ground_y, track.body_height)
    frames = read_frames(
        recording.video, start_frame=survey.first, stop_frame=survey.first + total, size=size, damage=damage
    )
    shape = (total, view_size, view_size, 3)
    views = np.lib.format.open_memmap(folder / "views.npy", mode="w+", dtype=np.uint8, shape=shape)
    offsets = [0]
    with open(folder / "crops.bin", "wb") as blob:
        for position, frame in enumerate(frames):
            crop = cut(frame, boxes[position], crop_size)
            behind = scene_at(scene, boxes[position], crop_size)
            views[position] = make_view(crop, behind, view_size, floor) if track.found[position] else EMPTY
            offsets.append(offsets[-1] + blob.write(_jpeg(crop)))
            if progress and position % 32 == 31:
                progress(total + position + 1, 2 * total)
    views.flush()
    _finish_crops(folder, views, offsets)
    if progress:
        progress(2 * total, 2 * total)
    return len(offsets) - 1, damage


def _finish_crops(folder: Path, views: np.ndarray, offsets: list[int]) -> None:
    """Write where each crop begins; give views as many rows as there are crops; drop the small pictures."""
    if len(offsets) <= len(views):
        np.save(folder / "shorter.npy", views[: len(offsets) - 1])
        os.replace(folder / "shorter.npy", folder / "views.npy")
    np.save(folder / "offsets.npy", np.array(offsets))
    (folder / "small.bin").unlink()


def _scaled(scene: Scene, boxes: np.ndarray, crop_size: int) -> tuple[tuple[int, int], np.ndarray, Scene]:
    """Frame size (width, height), boxes and scene at which a box is at most 1.5 crops wide: the decoder scales best."""
    height, width = scene.background.shape[:2]
    zoom = min(1.0, 1.5 * crop_size / float(boxes[0, 2] - boxes[0, 0]))
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    stretch = np.array([size[0] / width, size[1] / height] * 2, np.float32)
    return size, boxes * stretch, scene if zoom == 1.0 else scene.resized(size)


def scene_at(scene: Scene, box: np.ndarray, size: int) -> Scene:
    """The scene inside a square box, at size x size pixels."""
    still = cut(scene.still, box, size) if scene.hidden else scene.still
    return Scene(cut(scene.background, box, size), cut(scene.noise, box, size), still, scene.hidden)


def cut(picture: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """The square box (x0, y0, x1, y1) of a picture [H,W,...] as [size,size,...]; black outside the picture.

    Exact below the pixel: a slowly moving box does not jitter.
    """
    zoom = size / float(box[2] - box[0])
    matrix = np.array([[zoom, 0, 0.5 * zoom - 0.5 - box[0] * zoom], [0, zoom, 0.5 * zoom - 0.5 - box[1] * zoom]])
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)


def make_view(crop: np.ndarray, behind: Scene, size: int, floor: float = 1.0) -> np.ndarray:
    """The encoder's input, uint8 [size,size,3], from a crop uint8 [S,S,3] and the scene behind it.

    Channels: saliency; 128 + grey, normalised within a quarter of the crop, times saliency; 128 + half the difference
    to the background times saliency. Shadows below `floor`, a share of the crop's height, are left out.
    """
    salient = without_strays(without_shadow(behind.saliency(crop), crop, behind.background, floor))
    grey, grey_behind = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32) for x in (crop, behind.background))
    reach = (crop.shape[0] // 4 | 1, crop.shape[0] // 4 | 1)
    weight = cv2.blur(salient, reach) + 1e-3
    mean = cv2.blur(grey * salient, reach) / weight
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey * salient, reach) / weight - mean * mean, 0)) + 6
    normal = np.clip((grey - mean) / spread, -2.5, 2.5) * 50 * salient + 128
    difference = 128 + (grey - grey_behind) / 2 * salient
    view = cv2.merge([salient * 255, normal, difference]).clip(0, 255).round().astype(np.uint8)
    return cv2.resize(view, (size, size), interpolation=cv2.INTER_AREA)


def _declared(recording: Recording, info: VideoInfo) -> int:
    """Frames that the file declares, of the recording's part where one is given."""
    fps = recording.fps or info.fps
    start = min(info.frames_declared, int(np.ceil((recording.start_s or 0) * fps)))
    stop = info.frames_declared if recording.end_s is None else int(np.ceil(recording.end_s * fps))
    return max(1, min(stop, info.frames_declared) - start)


def _verdict(recording: Recording, info: VideoInfo, survey: Survey, count: int, damage: list[str]) -> tuple[str, str]:
    declared = _declared(recording, info)
    if damage:
        return "partial", f"{count} of {declared} declared frames were decoded; the decoder said: {damage[0]}"
    step = float(np.median(np.diff(survey.times)))
    wanted = info.duration_s if recording.end_s is None else min(recording.end_s, info.duration_s)
    short = count < declared - 2 and (recording.fps is not None or survey.times[-1] + 2.5 * step < wanted)
    if short or count < len(survey.times):
        return "partial", f"{count} of {declared} declared frames were decoded; the file ends early"
    return "ok", ""
