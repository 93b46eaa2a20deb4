"""The errors of the eye's landmarks in recordings whose true keypoints are known."""

from collections.abc import Sequence

import numpy as np

from ubam.evaluation.benchmark.measures import Truth, root_centred, turned_back
from ubam.tracking.body import likeliest_plan, read_body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.eye.landmarks import LANDMARKS
from ubam.tracking.sides import settle_sides


def landmark_errors(stores: Sequence[CropStore], truths: Sequence[Truth]) -> list[np.ndarray]:
    """Landmarks minus true keypoints [T, 2 K] of the common names, from the middle of the hips, body heights.

    Which limb of a pair is which is told by the truth, once for a recording.
    """
    plan, found = likeliest_plan(stores), []
    for store, truth in zip(stores, truths, strict=True):
        common = [name for name in truth.names if name in LANDMARKS[plan]]
        seen = root_centred(_landmarks(store, plan, common), common, truth.body_height)
        seen = seen if truth.heading is None else turned_back(seen, truth.heading)
        true = truth.keypoints[:, [truth.names.index(name) for name in common]]
        found.append((sides_as(true, seen, common) - true).reshape(len(true), -1).astype(np.float32))
    return found


def _landmarks(store: CropStore, plan: str, names: Sequence[str]) -> np.ndarray:
    """Landmarks of these names that keep their sides, px from the corner of the box, float64 [T, K, 2]."""
    side = (store.box[:, 2] - store.box[:, 0])[:, None, None]
    xy = np.asarray(read_body(store, plan).landmarks, np.float64) * side
    order = settle_sides(xy, plan, store.fps)
    return np.take_along_axis(xy, order[..., None], 1)[:, [LANDMARKS[plan].index(name) for name in names]]


def sides_as(true: np.ndarray, seen: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Landmarks [T, K, 2], those of a pair exchanged where they then lie nearer to the true ones over all frames."""
    other = list(range(len(names)))
    for number, name in enumerate(names):
        opposite = name.replace("_left", "_right") if name.endswith("_left") else name.replace("_right", "_left")
        other[number] = list(names).index(opposite) if opposite in names else number
    straight, crossed = (np.linalg.norm(one - true, axis=-1).sum(0) for one in (seen, seen[:, other]))
    exchanged = crossed + crossed[other] < straight + straight[other]
    return np.asarray(np.where(exchanged[:, None], seen[:, other], seen))
