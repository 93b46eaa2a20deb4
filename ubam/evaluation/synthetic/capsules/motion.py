"""What the capsule people and rats share: feet that follow a path, limbs that reach for them, and smooth chance.

Body frame: x forward, y up, z to the subject's right; metres. A phase is in cycles.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

Points = dict[str, np.ndarray]  # of every named place, [T, 3] m
SIDES = {"right": 1.0, "left": -1.0}


def smooth_chance(rng: np.random.Generator, channels: int, frames: int, width: float) -> np.ndarray:
    """Noise [channels, frames] of standard deviation 1 that changes over about `width` frames."""
    pad = int(4 * width) + 1
    white = rng.normal(size=(channels, frames + 2 * pad))
    smooth = gaussian_filter1d(white, width, axis=1)[:, pad : pad + frames]
    return np.asarray(smooth * np.sqrt(2 * width * np.sqrt(np.pi)))


def foot_path(own: np.ndarray, stance: float, step: float, lift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a foot is: forward and up [T] m of its middle place, and the share of its swing that is done [T].

    own: the foot's own phase, 0 when it lands. For the share `stance` of the cycle it stands still while the body
    passes over it by `step` m, and is carried forward, at most `lift` m up, in the rest.
    """
    own = own % 1
    standing = own < stance
    swing = np.where(standing, 0.0, (own - stance) / (1 - stance))
    speed = step * (1 - stance) / stance  # of the ground, per swing: the foot leaves and lands without a jerk
    carried = -step / 2 - speed * swing + (step + speed) * swing**2 * (3 - 2 * swing)
    forward = np.where(standing, step * (0.5 - own / stance), carried)
    return forward, lift * np.sin(np.pi * swing) ** 2, swing


def reach(root: np.ndarray, target: np.ndarray, upper: float, lower: float, bend: np.ndarray) -> tuple[np.ndarray, ...]:
    """The joint between two bones [T, 3] from `root` towards `target` [T, 3], and where the second bone then ends.

    upper, lower: lengths, m. bend [T, 3]: the direction to which the joint points. A target out of reach is not
    reached: the limb is all but straight then.
    """
    gap = target - root
    distance = np.linalg.norm(gap, axis=1, keepdims=True)
    ahead = gap / np.maximum(distance, 1e-9)
    span = np.clip(distance, abs(upper - lower) * 1.01 + 1e-6, 0.998 * (upper + lower))
    along = (span**2 + upper**2 - lower**2) / (2 * span)
    out = bend - (bend * ahead).sum(1, keepdims=True) * ahead
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    joint = root + along * ahead + np.sqrt(np.maximum(upper**2 - along**2, 0)) * out
    return joint, root + span * ahead


def stacked(forward: np.ndarray | float, up: np.ndarray | float, right: np.ndarray | float) -> np.ndarray:
    """Points [T, 3] of three coordinates that broadcast."""
    return np.stack(np.broadcast_arrays(forward, up, right), -1).astype(float)


def turned_about(points: np.ndarray, pivot: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Points [T, 3] turned forwards and down by `angle` [T] radians about a crosswise axis through `pivot` [T, 3]."""
    x, y = points[:, 0] - pivot[:, 0], points[:, 1] - pivot[:, 1]
    c, s = np.cos(angle), np.sin(angle)
    return stacked(pivot[:, 0] + c * x + s * y, pivot[:, 1] - s * x + c * y, points[:, 2])
