"""The rows beside every score: what it would be without learning, without the network, without the subject."""

from collections.abc import Sequence

import numpy as np
import torch

from ubam.crops import CropStore
from ubam.deviation import Code
from ubam.embedding import embed_postures
from ubam.networks import LandmarkEncoder

CONTROLS = ("untrained", "pixel", "background")
PIXEL_SIDE = 16


def control_codes(codes: Sequence[Code], stores: Sequence[CropStore], dim: int, seed: int) -> dict[str, list[Code]]:
    """The same recordings coded by an untrained network, by principal components of pixels, by the empty scene."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = LandmarkEncoder(dim)
    thumbnails = [np.stack([thumbnail(view) for view in store.views]) for store in stores]
    coded = {
        "untrained": [embed_postures(untrained, store.views) for store in stores],
        "pixel": principal_components(thumbnails, dim),
        "background": [
            np.repeat(code[:1], len(store.views), axis=0)
            for store, code in zip(
                stores, principal_components([scene_row(store) for store in stores], dim), strict=True
            )
        ],
    }
    return {
        name: [
            Code(code.recording_id, code.subject, code.group, posture, code.stride)
            for code, posture in zip(codes, postures, strict=True)
        ]
        for name, postures in coded.items()
    }


def thumbnail(view: np.ndarray) -> np.ndarray:
    """A view uint8 [V, V, 3] as the mean colours of 16 x 16 cells, float32 [768]."""
    side = view.shape[0] // PIXEL_SIDE
    return view.reshape(PIXEL_SIDE, side, PIXEL_SIDE, side, 3).mean((1, 3), dtype=np.float32).ravel()


def scene_row(store: CropStore) -> np.ndarray:
    """The empty scene of a recording as one row [1, F], averaged over a 16 x 16 grid of its picture."""
    background = store.background().astype(np.float32)
    rows = np.array_split(background, PIXEL_SIDE, axis=0)
    cells = [cell.mean((0, 1)) for row in rows for cell in np.array_split(row, PIXEL_SIDE, axis=1)]
    return np.concatenate(cells)[None]


def principal_components(features: Sequence[np.ndarray], dim: int) -> list[np.ndarray]:
    """Project the rows of every array [T, F] on their common first `dim` principal components, float32 [T, <= dim]."""
    sample = np.concatenate([rows[:: max(1, len(rows) // 200)] for rows in features]).astype(np.float64)
    mean = sample.mean(0)
    _, _, directions = np.linalg.svd(sample - mean, full_matrices=False)
    return [((rows - mean) @ directions[:dim].T).astype(np.float32) for rows in features]
