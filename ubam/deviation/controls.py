"""The controls of every score: no learning, no network, no subject."""

from collections.abc import Mapping, Sequence
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
SAMPLED, ALL_SAMPLED = 200, 40_000  # rows of a recording, and of a study, from which components are found


Coded = tuple[np.ndarray, np.ndarray | None]  # postures [T, D], and what changes of looks do to them [D, D]


def control_codes(
    codes: Sequence[PostureSeries], stores: Sequence[CropStore], dim: int, seed: int
) -> dict[str, list[PostureSeries]]:
    """The same recordings coded by an untrained network, by principal components of pixels, by the empty scene."""
    components = fit_pixels(stores, dim)
    return join_controls(codes, stores, [code_simply(store, components, dim, seed) for store in stores], dim)


def fit_pixels(stores: Sequence[CropStore], dim: int) -> "Components":
    """The principal components of the pixels of a study's views, from about 200 frames of each recording at most."""
    return Components.fit([thumbnails(store.views[:: _step(len(store.views), len(stores))]) for store in stores], dim)


def code_simply(store: CropStore, components: "Components", dim: int, seed: int) -> dict[str, Coded]:
    """One recording coded by an untrained network (`untrained`) and by components of its pixels (`pixel`)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = LandmarkEncoder(dim)

    def shrunk(views: Tensor) -> np.ndarray:
        return components.of(thumbnails(views.permute(0, 2, 3, 1).numpy()))

    return {
        "untrained": (embed_postures(untrained, store.views), looks_of_encoder(untrained, store.views, store.found)),
        "pixel": (components.of(thumbnails(store.views)), moved_by_looks(store.views, store.found, shrunk)),
    }


def join_controls(
    codes: Sequence[PostureSeries], stores: Sequence[CropStore], made: Sequence[Mapping[str, Coded]], dim: int
) -> dict[str, list[PostureSeries]]:
    """The recordings as each control codes them, `made` by `code_simply`; by the empty scene (`background`), too."""
    scenes = principal_components([scene_row(store) for store in stores], dim)
    constant: list[Coded] = [
        (np.repeat(scene[:1], len(store.views), axis=0), None) for store, scene in zip(stores, scenes, strict=True)
    ]
    coded = {name: [one[name] for one in made] for name in ("untrained", "pixel")} | {"background": constant}
    return {
        name: [replace(code, posture=posture, looks=looks) for code, (posture, looks) in zip(codes, ways, strict=True)]
        for name, ways in coded.items()
    }


def _step(rows: int, recordings: int) -> int:
    """Every how many rows of a recording one is taken for the components."""
    return max(1, rows // max(1, min(SAMPLED, ALL_SAMPLED // recordings)))


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
        """The first `dim` components of the rows of all arrays [T, F], about 200 of each, 40,000 of all."""
        sample = np.concatenate([rows[:: _step(len(rows), len(features))] for rows in features]).astype(np.float64)
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
