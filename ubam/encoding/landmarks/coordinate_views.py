"""Views of outline and body coordinates: what is to be seen of a posture, and nothing of the subject's looks.

Grey, clothes, fur and the scene are not in them. Left and right are not told apart, as the eye can't tell them apart
from the side; how far a place lies from the middle of the body is kept.
"""

from typing import Any

import cv2
import numpy as np

from ubam.tracking.body import read_body
from ubam.tracking.crop_store import CropStore


class CoordinateViews:
    """The pictures uint8 [T, V, V, 4] of a recording, read on demand; see `coordinate_view`."""

    def __init__(self, store: CropStore, plan: str) -> None:
        self.store, self.places = store, read_body(store, plan).places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: Any, /) -> np.ndarray:
        frames = np.atleast_1d(np.arange(len(self))[index])
        outline = np.array(self.store.views[frames, ..., 0])
        places = [
            turned_places(self.places[frame], float(self.store.heading[frame]), outline.shape[-1]) for frame in frames
        ]
        shown = coordinate_view(outline, np.stack(places))
        return shown[0] if np.isscalar(index) else shown


def coordinate_view(outline: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Pictures uint8 [n, V, V, 4] of outlines uint8 [n, V, V] and places int8 [n, V, V, 4], as `Body` has them.

    Channels: the outline; 128 + front, distance from the middle plane and height on the canonical body, each of -127 to
    127, times the outline.
    """
    where = places[..., :3].astype(np.float32)
    where[..., 1] = np.abs(where[..., 1])
    inside = 128 + where * (outline[..., None] / np.float32(255))
    return np.concatenate([outline[..., None], inside.round().clip(0, 255).astype(np.uint8)], -1)


def turned_places(places: np.ndarray, heading: float, size: int) -> np.ndarray:
    """Places int8 [64, 64, 4] of a crop at the size of a view that is turned back by `heading` radians."""
    turned: np.ndarray = np.asarray(places).view(np.uint8)  # bytes that are moved and never mixed
    if heading:
        middle = (len(turned) - 1) / 2
        matrix = cv2.getRotationMatrix2D((middle, middle), float(np.degrees(heading)), 1.0)
        turned = cv2.warpAffine(turned, matrix, turned.shape[1::-1], flags=cv2.INTER_NEAREST)
    if len(turned) != size:
        turned = cv2.resize(turned, (size, size), interpolation=cv2.INTER_NEAREST)
    return np.asarray(turned).view(np.int8)
