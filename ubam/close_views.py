"""Views of a recording's frames at twice the size of the stored ones, made again from its crops."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.background import Scene
from ubam.crops import CropStore
from ubam.finding import LOST
from ubam.stabilisation import Camera
from ubam.views import EMPTY, make_view, moved_scene_at, scene_at

CLOSE = 128  # pixels a side

View = NDArray[np.uint8]


def close_view(store: CropStore, position: int) -> View:
    """The view of the frame at a position, uint8 [CLOSE, CLOSE, 3], as the stored ones are made.

    Where the camera was lost the stored view is enlarged: what stood out there is not kept.
    """
    if not store.found[position]:
        return np.full((CLOSE, CLOSE, 3), EMPTY, np.uint8)
    if LOST in store.warnings:
        view = cv2.resize(np.array(store.views[position]), (CLOSE, CLOSE), interpolation=cv2.INTER_LINEAR)
        return np.asarray(view, np.uint8)
    crop = store.crops([position])[0]
    return make_view(crop, _behind(store, position), CLOSE, store.floor, float(store.heading[position]))


def _behind(store: CropStore, position: int) -> Scene:
    """The scene in the box of a frame, at the size of crops."""
    scene, zoom = _reduced(store.folder, (store.folder / "background.png").stat().st_mtime_ns)
    box = store.box[position] * np.float32(zoom)
    if store.moves is None:
        return scene_at(scene, box, store.crop_size)
    size = round(store.width * zoom), round(store.height * zoom)
    camera = Camera(store.moves[position : position + 1], np.ones(1, bool), size).scaled(zoom)
    return moved_scene_at(scene, box, store.crop_size, camera.moves[0], size)


@lru_cache(maxsize=16)
def _reduced(folder: Path, written: int) -> tuple[Scene, float]:
    """A recording's whole scene at the size at which a box is at most 1.5 crops wide, and how much smaller that is.

    written: when it was; a scene that was written again is read again.
    """
    store = CropStore.open(folder)
    scene, zoom = store.whole_scene(), min(1.0, 1.5 * store.crop_size / float(store.box[0, 2] - store.box[0, 0]))
    if zoom < 1:
        height, width = scene.background.shape[:2]
        scene = scene.resized((max(1, round(width * zoom)), max(1, round(height * zoom))))
    return scene, zoom
