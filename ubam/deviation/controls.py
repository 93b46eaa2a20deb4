"""The controls of every score: no learning, no network, no subject."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ubam.deviation.posture_series import PostureSeries
from ubam.encoding.augmentation import moved_by_looks
from ubam.encoding.embedding import embed_postures, looks_of_encoder
from ubam.encoding.encoders import LandmarkEncoder
from ubam.tracking.crop_store import CropStore

PIXEL_SIDE = 16


def control_codes(
    codes: Sequence[PostureSeries], stores: Sequence[CropStore], dim: int, seed: int
) -> dict[str, list[PostureSeries]]:
    """The same recordings coded by an untrained network, by principal components of pixels, by the empty scene."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = LandmarkEncoder(dim)
    components = Components.fit([thumbnails(store.views) for store in stores], dim)
    scenes = principal_components([scene_row(store) for store in stores], dim)

    def shrunk(views: Tensor) -> np.ndarray:
        return components.of(thumbnails(views.permute(0, 2, 3, 1).numpy()))

    coded: dict[str, list[tuple[np.ndarray, np.ndarray | None]]] = {
        "untrained": [
            (embed_postures(untrained, store.views), looks_of_encoder(untrained, store.views, store.found))
            for store in stores
        ],
        "pixel": [
            (components.of(thumbnails(store.views)), moved_by_looks(store.views, store.found, shrunk))
            for store in stores
        ],
        "background": [
            (np.repeat(scene[:1], len(store.views), axis=0), None) for store, scene in zip(stores, scenes, strict=True)
        ],
    }
    return {
        name: [replace(code, posture=posture, looks=looks) for code, (posture, looks) in zip(codes, made, strict=True)]
        for name, made in coded.items()
    }


def thumbnails(views: np.ndarray) -> np.ndarray:
    """Views [N, V, V, 3] as the mean colours of 16 x 16 cells, float32 [N, 768]."""
    side = views.shape[1] // PIXEL_SIDE
    cells = [
        view.reshape(PIXEL_SIDE, side, PIXEL_SIDE, side, 3).mean((1, 3), dtype=np.float32).ravel() for view in views
    ]
    return np.stack(cells)


def scene_row(store: CropStore) -> np.ndarray:
    """The empty scene of a recording as one row [1, F], averaged over a 16 x 16 grid of its picture."""
    background = store.background().astype(np.float32)
    rows = np.array_split(background, PIXEL_SIDE, axis=0)
    cells = [cell.mean((0, 1)) for row in rows for cell in np.array_split(row, PIXEL_SIDE, axis=1)]
    return np.concatenate(cells)[None]


@dataclass(frozen=True)
class Components:
    """The first principal components of many rows: their mean [F] and directions [K, F]."""

    mean: np.ndarray
    directions: np.ndarray

    @classmethod
    def fit(cls, features: Sequence[np.ndarray], dim: int) -> "Components":
        """The first `dim` components of the rows of all arrays [T, F], about 200 of each."""
        sample = np.concatenate([rows[:: max(1, len(rows) // 200)] for rows in features]).astype(np.float64)
        mean = sample.mean(0)
        return cls(mean, np.linalg.svd(sample - mean, full_matrices=False)[2][:dim])

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Rows [T, F] projected on them, float32 [T, K]."""
        found: np.ndarray = ((rows - self.mean) @ self.directions.T).astype(np.float32)
        return found


def principal_components(features: Sequence[np.ndarray], dim: int) -> list[np.ndarray]:
    """Project the rows of every array [T, F] on their common first `dim` principal components, float32 [T, <= dim]."""
    components = Components.fit(features, dim)
    return [components.of(rows) for rows in features]
