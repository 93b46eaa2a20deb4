"""Light that changes: lamps that go on or off, a camera that adapts, a flicker."""

import cv2
import numpy as np

PARTS = (8, 6)  # across and down
LEAST = 0.1  # by which share the light changes at least
SUDDEN_S = 0.2  # a lamp takes no longer; dusk and a camera that adapts do
STAYS_S = 0.5  # and the light then stays for so long: a flash is none


def light_of(picture: np.ndarray) -> np.ndarray:
    """How bright the parts of a picture uint8 [h,w,3] are, float32 [48]."""
    return cv2.resize(picture, PARTS, interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32).ravel()


def evenly_lit(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    """A picture uint8 [h,w,3] as bright as its background is in most parts: a flicker is no movement."""
    gain = float(np.median((light_of(background) + 1) / (light_of(picture) + 1)))
    return np.asarray(cv2.convertScaleAbs(picture, alpha=gain))


def light_changes(light: np.ndarray, fps: float) -> list[int]:
    """The frames at which most parts of the picture are suddenly brighter or darker, from `light_of` [T,48]."""
    level = np.log(light + 1.0)
    stays, sudden = max(2, round(STAYS_S * fps)), max(1, round(SUDDEN_S * fps / 2))
    found: list[int] = []
    steps = np.zeros(len(level))
    for t in range(sudden + 1, len(level) - sudden):
        steps[t] = _step(level[max(0, t - stays - sudden) : t - sudden], level[t + sudden : t + sudden + stays])
    while len(steps) and steps.max() > np.log1p(LEAST):
        t = int(steps.argmax())
        found.append(_steepest(level, t, sudden + stays // 2))  # the medians tell where only to half a stretch
        steps[max(0, t - 2 * stays) : t + 2 * stays] = 0
    return sorted(found)


def _step(before: np.ndarray, after: np.ndarray) -> float:
    """How far the level of most parts changes from one stretch to another; 0 where it drifts within them as well."""
    change = abs(float(np.median(np.median(after, axis=0) - np.median(before, axis=0))))
    drift = sum(
        abs(float(np.median(part[len(part) // 2 :]) - np.median(part[: -(len(part) // 2) or None])))
        for part in (before, after)
    )
    return change if change > 2 * drift else 0.0


def _steepest(level: np.ndarray, near: int, reach: int) -> int:
    """The frame at most `reach` from another at which the level changes most."""
    start = max(1, near - reach)
    change = np.abs(np.median(np.diff(level[start - 1 : near + reach + 1], axis=0), axis=1))
    return start + int(change.argmax())
