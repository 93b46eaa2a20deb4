"""Shadows cast on the floor: they move with the subject but are not its posture, and their side is the lamp's."""

import cv2
import numpy as np

FEET = 0.14  # share of the body's height above the ground line in which a shadow on the floor may lie
COLOURFUL = 4.0  # mean spread of the three channels, in grey levels, below which a recording counts as grey


def cast_shadow(frame: np.ndarray, background: np.ndarray) -> np.ndarray:
    """How much each pixel looks like background in shadow, float32 [H,W] in 0..1.

    A shadow dims all channels alike (to 35-97 %) and leaves the floor's texture (Cucchiara et al., PAMI 2003).

    Args:
        frame, background: uint8 [H,W,3].
    """
    seen, empty = (cv2.GaussianBlur(x.astype(np.float32), (0, 0), 1.0) for x in (frame, background))
    ratios = (seen + 4) / (empty + 4)
    dimmed = ratios.mean(axis=2)
    tint = ratios.max(axis=2) - ratios.min(axis=2)
    alike = np.clip(1.5 - tint / (0.10 * dimmed + 0.03), 0, 1)
    texture = cv2.GaussianBlur(dimmed * dimmed, (0, 0), 1.5) - cv2.GaussianBlur(dimmed, (0, 0), 1.5) ** 2
    smooth = np.clip(1.5 - np.sqrt(np.maximum(texture, 0)) / 0.16, 0, 1)
    return np.clip(1.6 * alike * smooth, 0, 1) * ((dimmed > 0.35) & (dimmed < 0.97))


def floor_line(box: np.ndarray, ground_y: np.ndarray, body_height: float) -> float:
    """Where the zone of shadows begins in a recording's boxes [T,4], as a share of the box's height."""
    side = box[:, 3] - box[:, 1]  # one size, unless a moving camera zooms
    return float(np.median((ground_y - box[:, 1]) / side)) - FEET * body_height / float(np.median(side))


def without_shadow(salient: np.ndarray, frame: np.ndarray, background: np.ndarray, floor: float) -> np.ndarray:
    """Soft foreground float32 [H,W] of a crop without the shadow below `floor`, a share of the crop's height.

    A grey recording cannot tell a shadow from a grey subject: it stays as it is.
    """
    top = int(np.clip(floor, 0, 1) * len(salient))
    spread = background.max(axis=2).astype(np.float32) - background.min(axis=2)
    if top >= len(salient) - 2 or float(spread.mean()) < COLOURFUL:
        return salient
    cleaned = salient.copy()
    start = max(0, top - 4)  # room for the smoothing
    cleaned[top:] *= 1 - cast_shadow(frame[start:], background[start:])[top - start :]
    return cleaned
