"""What other looks would do to the landmarks of a recording: the constant errors that count as normal.

A subject in dark clothes is seen with other small errors than one in light clothes, in every frame alike. The groups
of a study may differ in just that. So the eye looks at some frames of every recording again, with the subject and the
scene in other colours, other light and through another box, and by how much the landmarks move together is what a
constant error of this subject can do. It widens what counts as normal (deviation/normal_variation.py).
"""

from dataclasses import dataclass
from zlib import crc32

import cv2
import numpy as np
from scipy.linalg import block_diag

from ubam.encoding.landmarks.postures import LandmarkCode, Landmarks, centred, facing_right, turned_back
from ubam.tracking.crop_store import CropStore, scene_behind
from ubam.tracking.eye.eye import Eye
from ubam.tracking.eye.landmarks import mirrored
from ubam.tracking.outlines import shipped_eye

FRAMES, CHANGES = 8, 6  # frames of a recording, and other looks of them, that the eye sees
GAIN, LEVEL, PATTERN = 0.4, 40.0, 30.0  # of the subject: of the logarithm, and grey levels
LIGHT, WALL = 0.25, 25.0  # the same of the scene around it
MOVED, SCALED = 0.04, 0.08  # of the box


@dataclass(frozen=True)
class Shown:
    """Pictures of n frames, uint8 [n, S, S, 3] each: the crop, before and after it, the empty scene.

    empty: None where the scene is not known. outline: float32 [n, S, S] in 0..1. heading: [n], radians.
    """

    crops: np.ndarray
    before: np.ndarray
    after: np.ndarray
    empty: np.ndarray | None
    outline: np.ndarray
    heading: np.ndarray


def moved_by_other_looks(store: CropStore, code: LandmarkCode) -> np.ndarray:
    """Second moment float32 [2 K, 2 K] of the constant errors that other looks cause in the postures of a recording."""
    rows = constant_changes(store, code)
    return np.asarray(rows.T @ rows / len(rows), np.float32)


def constant_changes(store: CropStore, code: LandmarkCode) -> np.ndarray:
    """By how much the mean posture of a recording moves in each of some other looks, float64 [n, 2 K]."""
    found = np.flatnonzero(store.found)
    if not len(found):
        return np.zeros((1, len(code.weight)))
    positions = found[np.unique(np.linspace(0, len(found) - 1, FRAMES).astype(int))]
    shown, eye = _shown(store, positions), shipped_eye()
    rng = np.random.default_rng(crc32(shown.crops.tobytes()))  # the same whoever else is in the study
    own = _landmarks(eye, shown, code.plan)
    usual, apart = _postures(own, shown, code), []
    for _ in range(CHANGES):
        changed, move = other_looks(shown, rng)
        seen = (_landmarks(eye, changed, code.plan) - move[:, 2]) @ np.linalg.inv(move[:, :2]).T
        apart.append((_postures(like(seen, own, code.plan), shown, code) - usual).mean(0))
    return np.stack(apart).astype(np.float64)


def block_diagonal(*moments: np.ndarray | None) -> np.ndarray | None:
    """Second moments [D, D] of parts that stand beside each other as one; None where one of them is not known."""
    known = [moment for moment in moments if moment is not None]
    return np.asarray(block_diag(*known), np.float32) if len(known) == len(moments) else None


def _shown(store: CropStore, positions: np.ndarray) -> Shown:
    last = len(store.time_s) - 1
    before, crops, after = (store.crops(np.clip(positions + step, 0, last)) for step in (-1, 0, 1))
    empty = None if store.camera_lost else np.stack([scene_behind(store, int(position)) for position in positions])
    outline = np.stack([store.outline_at(int(position)) for position in positions])
    return Shown(crops, before, after, empty, outline, store.heading[positions])


def _landmarks(eye: Eye, shown: Shown, plan: str) -> np.ndarray:
    neighbours = np.stack([shown.before, shown.after], 1)
    return eye.see(shown.crops, shown.empty, plan, neighbours).landmarks.astype(np.float64)


def _postures(landmarks: np.ndarray, shown: Shown, code: LandmarkCode) -> np.ndarray:
    """Postures [n, 2 K] of landmarks [n, L, 2] in crop sides."""
    xy = centred(turned_back(landmarks - 0.5, shown.heading), code.plan)
    return code.encode(Landmarks(code.plan, facing_right(xy, code.plan)))


def like(seen: np.ndarray, own: np.ndarray, plan: str) -> np.ndarray:
    """Landmarks [n, L, 2] with those of a pair exchanged where they then lie nearer to the frame's own."""
    other = mirrored(plan)
    straight, crossed = (np.linalg.norm(one - own, axis=-1) for one in (seen, seen[:, other]))
    exchanged = crossed + crossed[:, other] < straight + straight[:, other]
    return np.where(exchanged[..., None], seen[:, other], seen)


def other_looks(shown: Shown, rng: np.random.Generator) -> tuple[Shown, np.ndarray]:
    """The pictures in other looks, and by what the box is moved, float64 [2, 3] from shares of it to shares of it."""
    size = shown.crops.shape[1]
    gain, level = np.exp(GAIN * rng.normal(size=(2, 1))), LEVEL * rng.normal() + 0.3 * LEVEL * rng.normal(size=3)
    light, wall = np.exp(LIGHT * rng.normal()), WALL * rng.normal() + 0.3 * WALL * rng.normal(size=3)
    pattern = PATTERN * cv2.resize(rng.normal(size=(6, 6, 1)), (size, size), interpolation=cv2.INTER_CUBIC)
    zoom, shift = 1 + SCALED * rng.uniform(-1, 1), MOVED * rng.uniform(-1, 1, 2)
    move = np.array([[zoom, 0, 0.5 - 0.5 * zoom + shift[0]], [0, zoom, 0.5 - 0.5 * zoom + shift[1]]])

    def scene(pictures: np.ndarray) -> np.ndarray:
        return pictures * light + wall

    def worn(pictures: np.ndarray) -> np.ndarray:
        inside = shown.outline[..., None]
        own = (pictures - 128) * gain[0] + 128 + level + pattern[..., None]
        return scene(pictures * (1 - inside) + own * inside)

    crops, before, after = (_boxed(worn(one), move) for one in (shown.crops, shown.before, shown.after))
    empty = None if shown.empty is None else _boxed(scene(shown.empty), move)
    return Shown(crops, before, after, empty, shown.outline, shown.heading), move


def _boxed(pictures: np.ndarray, move: np.ndarray) -> np.ndarray:
    """Pictures float [n, S, S, 3] through the moved box, uint8."""
    size = pictures.shape[1]
    pixels = move.copy()
    pixels[:, 2] = size * move[:, 2] + 0.5 * move[:, :2].sum(1) - 0.5
    shown = np.clip(pictures, 0, 255).astype(np.uint8)
    return np.stack([
        cv2.warpAffine(one, pixels, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for one in shown
    ])  # fmt: skip
