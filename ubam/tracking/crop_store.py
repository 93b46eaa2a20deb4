"""The crop store: crops and views of one recording, read from their folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ubam.core.affine import inverse
from ubam.core.errors import DamagedFile, VideoError
from ubam.core.seals import Record, check_digests, read_record
from ubam.core.typing import View
from ubam.results.run_folder import CropFolder
from ubam.tracking.camera_motion import Camera
from ubam.tracking.first_pass import from_jpeg
from ubam.tracking.locate import LOST
from ubam.tracking.outlines import outline_of, shipped_eye
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.views import (
    EMPTY,
    around,
    cut,
    moved_scene_at,
    paint_view,
    reduced_size,
    reduction_for,
    scene_through,
    turned,
)

CROP_VERSION = 23


@dataclass(frozen=True)
class CropStore:
    """Crops of one recording, opened from its folder: T frames, S the crop's side, V the view's side.

    frame_index int64 [T] in the file's own counting; time_s float64 [T]; fps: median rate; box float32 [T,4];
    found bool [T]; body_height px; ground_y float32 [T]; noise: grey levels; in_place: the background behind the
    subject is filled in, never seen. views uint8 [T,V,V,3], memory-mapped: saliency, locally normalised grey and signed
    difference to the background, the last two times saliency around 128; (0, 128, 128) where the subject is absent.
    heading float32 [T]: by how much each view is turned back against its crop, radians, clockwise as seen: the heading
    of a subject seen from above (egocentric: it points right in every view), the roll of a moving camera, else 0. moves
    float64 [T,2,3]: pixels of each frame to those of the whole scene where the camera moves; None where it is at rest.
    camera_lost: the camera moves in a way that could not be followed.
    plan_chances: logarithm of the chance of each plan of body (`eye.landmarks.PLANS`).
    outline uint8 [T,S,S], memory-mapped: the subject's soft outline in each crop, 0..255; None in older stores.
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
    heading: np.ndarray
    egocentric: bool
    moves: np.ndarray | None
    camera_lost: bool = False
    outline: np.ndarray | None = None
    plan_chances: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)

    @classmethod
    def open(cls, folder: Path | str) -> "CropStore":
        """Open a store that `build_crops` wrote; VideoError when there is none."""
        folder = Path(folder)
        files = CropFolder(folder)
        if not files.description.is_file():
            raise VideoError(f"{folder}: holds no crops; run the crops stage first")
        try:
            meta: dict[str, Any] = read_description(folder)
        except DamagedFile as error:
            raise VideoError(f"{error}; remove its folder and run the crops stage again") from error
        arrays = {name: np.load(files.array(name)) for name in ARRAYS}
        views = np.load(files.array("views"), mmap_mode="r")
        fields = {name: meta[name] for name in META} | {"warnings": tuple(meta["warnings"])}
        moves, heading, outline = (_read_if_there(files.array(name)) for name in ("moves", "heading", "outline"))
        heading = np.zeros(len(views), np.float32) if heading is None else heading
        fields |= {"egocentric": bool(meta.get("egocentric", False)), "heading": heading, "moves": moves}
        # Older stores have no flag, only the warning.
        fields["camera_lost"] = bool(meta.get("camera_lost", LOST in meta["warnings"]))
        fields["plan_chances"] = tuple(meta.get("plan_chances", (0.0, 0.0, 0.0, 0.0)))
        return cls(folder=folder, views=views, outline=outline, **arrays, **fields)

    def crops(self, indices: Iterable[int]) -> np.ndarray:
        """Crops of the frames at these positions (0..T-1), uint8 [n,S,S,3] RGB."""
        with open(CropFolder(self.folder).pictures, "rb") as blob:
            pictures = [self._crop(blob.fileno(), int(i) % len(self.time_s)) for i in indices]
        return np.stack(pictures) if pictures else np.empty((0, self.crop_size, self.crop_size, 3), np.uint8)

    def _crop(self, blob: int, position: int) -> np.ndarray:
        start, stop = self.offsets[position], self.offsets[position + 1]
        return from_jpeg(os.pread(blob, stop - start, start), self.folder)

    def background(self) -> np.ndarray:
        """The picture without the subject, uint8 [H,W,3] RGB at the recording's size."""
        return self.scene().background

    def outline_at(self, position: int) -> np.ndarray:
        """The subject's soft outline in the crop at a position, float32 [S,S] in 0..1."""
        if self.outline is not None:
            return self.outline[position].astype(np.float32) / 255
        view = turned(np.array(self.views[position]), -float(self.heading[position]))
        size = (self.crop_size, self.crop_size)
        return cv2.resize(view[..., 0].astype(np.float32) / 255, size, interpolation=cv2.INTER_LINEAR)

    def scene(self) -> Scene:
        """Background and noise map at the recording's size.

        Of a moving camera: as its middle frame sees them; `seen` gives those of any frame.
        """
        return self.seen(self.whole_scene(), len(self.time_s) // 2)

    def seen(self, whole: Scene, position: int) -> Scene:
        """The part of `whole_scene()` that the frame at a position shows, at the recording's size."""
        if self.moves is None:
            return whole
        return scene_through(whole, inverse(self.moves[position]), (self.width, self.height))

    def height_at(self, position: int) -> float:
        """The body height in pixels of the frame at a position: it grows with a moving camera's zoom."""
        if self.moves is None:
            return self.body_height
        side = self.box[:, 2] - self.box[:, 0]
        return self.body_height * float(side[position] / np.median(side))

    def view_of(self, picture: np.ndarray, position: int, whole: Scene, size: int | None = None) -> np.ndarray:
        """The view of another picture uint8 [H,W,3] in place of the frame at a position, made like the stored views.

        whole: `whole_scene()`, read once. size: the view's side, that of the stored ones without it.
        """
        side = size or self.views.shape[1]
        box, scene = self.box[position], self.seen(whole, position)
        zoom = reduction_for(box, self.crop_size)
        if zoom < 1:
            small = reduced_size(picture.shape[1], picture.shape[0], zoom)
            stretch = np.array([small[0] / picture.shape[1], small[1] / picture.shape[0]] * 2, np.float32)
            picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
            box, scene = box * stretch, scene.resized(small)
        behind, crop = cut(scene.background, box, self.crop_size), cut(picture, box, self.crop_size)
        salient = outline_of(shipped_eye(), crop, None if self.camera_lost else behind)
        return paint_view(crop, salient, behind, side, float(self.heading[position]))

    def whole_scene(self) -> Scene:
        """All that a moving camera saw of the scene, in the pixels that `moves` leads to; `scene()` of a still one."""
        files = CropFolder(self.folder)
        background = cv2.cvtColor(_read_picture(files.picture("background")), cv2.COLOR_BGR2RGB)
        noise = _read_picture(files.picture("noise")).astype(np.float32) / 4
        return Scene(background, noise, self.in_place)


def read_description(folder: Path) -> Record:
    """What a store says of itself, once its files are what was written.

    Raises
    ------
    DamagedFile
        One is not; stores of versions before the digests are believed.
    OSError
        There is no store.
    """
    description = CropFolder(folder).description
    return _whole(folder, description.stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _whole(folder: Path, written: int) -> Record:
    """The description of a store that was `written` then; its files are read through once in a process."""
    described: dict[str, Any] = read_record(CropFolder(folder).description)
    check_digests(folder, described.get("digests", {}))
    return described


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


def _read_if_there(path: Path) -> np.ndarray | None:
    """An array of a store, memory-mapped; None in stores that have none."""
    return np.load(path, mmap_mode="r") if path.is_file() else None


CLOSE = 128  # pixels a side


def close_view(store: CropStore, position: int) -> View:
    """The view of the frame at a position, uint8 [CLOSE, CLOSE, 3], made like the stored views."""
    if not store.found[position]:
        return np.full((CLOSE, CLOSE, 3), EMPTY, np.uint8)
    crop, salient = store.crops([position])[0], store.outline_at(position)
    behind = around(crop, salient) if store.camera_lost else scene_behind(store, position)
    return paint_view(crop, salient, behind, CLOSE, float(store.heading[position]))


def scene_behind(store: CropStore, position: int) -> np.ndarray:
    """The background in the box of the frame at a position, uint8 [S,S,3]."""
    scene, zoom = _reduced(store.folder, CropFolder(store.folder).picture("background").stat().st_mtime_ns)
    box = store.box[position] * np.float32(zoom)
    if store.moves is None:
        return cut(scene.background, box, store.crop_size)
    size = round(store.width * zoom), round(store.height * zoom)
    camera = Camera(store.moves[position : position + 1], np.ones(1, bool), size).scaled(zoom)
    return moved_scene_at(scene, box, store.crop_size, camera.moves[0], size).background


@lru_cache(maxsize=16)
def _reduced(folder: Path, written: int) -> tuple[Scene, float]:
    """A recording's whole scene at the size at which a box is at most 1.5 crops wide, and how much smaller that is.

    written: when it was; a scene that was written again is read again.
    """
    store = CropStore.open(folder)
    scene, zoom = store.whole_scene(), reduction_for(store.box[0], store.crop_size)
    if zoom < 1:
        height, width = scene.background.shape[:2]
        scene = scene.resized(reduced_size(width, height, zoom))
    return scene, zoom
