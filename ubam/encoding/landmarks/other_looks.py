"""What other looks would do to the landmarks of a recording: the constant errors that count as normal.

A subject in dark clothes is seen with other small errors than one in light clothes, in every frame alike. The groups
of a study may differ in just that. So the eye looks at some frames of every recording again, with the subject and the
scene in other colours, other light and through another box, and by how much the landmarks move together is what a
constant error of this subject can do. It widens what counts as normal (deviation/normal_variation.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import cv2
import numpy as np
from scipy.linalg import block_diag

from ubam.encoding.landmarks.coordinate_views import coordinate_view, turned_places
from ubam.encoding.landmarks.postures import centred, facing_right, turned_back
from ubam.tracking.crop_store import CropStore, scene_behind
from ubam.tracking.eye.eye import Eye, Seen
from ubam.tracking.eye.landmarks import LANDMARKS, mirrored
from ubam.tracking.outlines import shipped_eye
from ubam.tracking.views import turned

FRAMES, CHANGES = 5, 4  # frames of a recording, and other looks of them, that the eye sees
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


@dataclass(frozen=True)
class SeenAgain:
    """What the eye sees in n frames of a recording as they are, and in some other looks.

    moves: of each other look, by what the box was moved, float64 [2, 3] from shares of it to shares of it. heading:
    [n], radians.
    """

    own: Seen
    changed: list[Seen]
    moves: list[np.ndarray]
    heading: np.ndarray


def see_again(store: CropStore, plan: str) -> SeenAgain | None:
    """Some frames of a recording as the eye sees them in other looks; None where nobody was found."""
    found = np.flatnonzero(store.found)
    if not len(found):
        return None
    positions = found[np.unique(np.linspace(0, len(found) - 1, FRAMES).astype(int))]
    shown, eye = _shown(store, positions), shipped_eye()
    rng = np.random.default_rng(crc32(shown.crops.tobytes()))  # the same whoever else is in the study
    others = [other_looks(shown, rng) for _ in range(CHANGES)]
    return SeenAgain(
        _see(eye, shown, plan), [_see(eye, changed, plan) for changed, _ in others], [move for _, move in others],
        shown.heading,
    )  # fmt: skip


def moved_landmarks(store: CropStore, plan: str) -> np.ndarray:
    """By how much the mean landmarks of a recording move in each of some other looks, float32 [n, L, 2], body sizes.

    These are the constant errors that looks cause.
    """
    seen = see_again(store, plan)
    if seen is None:
        return np.zeros((1, len(LANDMARKS[plan]), 2), np.float32)
    usual, apart = _placed(seen.own.landmarks, seen.heading, plan), []
    for changed, move in zip(seen.changed, seen.moves, strict=True):
        back = (changed.landmarks - move[:, 2]) @ np.linalg.inv(move[:, :2]).T
        apart.append((_placed(like(back, seen.own.landmarks, plan), seen.heading, plan) - usual).mean(0))
    return np.nan_to_num(np.stack(apart)).astype(np.float32)


def moved_coordinates(store: CropStore, plan: str, encode: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Second moment float32 [D, D] of what other looks do to postures that are made of body coordinates.

    encode: pictures uint8 [n, 64, 64, 4] (`coordinate_view`) to postures [n, D].
    """
    seen = see_again(store, plan)
    if seen is None:
        width = encode(np.zeros((1, 64, 64, 4), np.uint8)).shape[1]
        return np.zeros((width, width), np.float32)
    own = encode(_coordinates(seen.own, seen.heading))
    apart = np.concatenate([encode(_coordinates(one, seen.heading)) - own for one in seen.changed]).astype(np.float64)
    return np.asarray(apart.T @ apart / len(apart), np.float32)


def _coordinates(seen: Seen, heading: np.ndarray) -> np.ndarray:
    places = np.round(np.concatenate([seen.places, seen.left[..., None]], -1) * 127).astype(np.int8)
    outline = [turned(cv2.resize(one, (64, 64), interpolation=cv2.INTER_AREA), float(way))
               for one, way in zip(seen.alpha, heading, strict=True)]  # fmt: skip
    return coordinate_view(
        np.round(np.stack(outline) * 255).astype(np.uint8),
        np.stack([turned_places(one, float(way), 64) for one, way in zip(places, heading, strict=True)]),
    )


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


def _see(eye: Eye, shown: Shown, plan: str) -> Seen:
    return eye.see(shown.crops, shown.empty, plan, np.stack([shown.before, shown.after], 1))


def _placed(landmarks: np.ndarray, heading: np.ndarray, plan: str) -> np.ndarray:
    """Landmarks [n, L, 2] in crop sides as in the body frame, [n, L, 2]."""
    return facing_right(centred(turned_back(landmarks.astype(np.float64) - 0.5, heading), plan), plan)


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
