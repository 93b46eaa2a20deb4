"""Cameras of laboratories and clinics: where they stand, how they sway, and which part of the body their crop shows."""

from dataclasses import dataclass

import numpy as np

MOST_SURROUNDINGS = 4.0  # times the side of a crop that shows the whole body


@dataclass
class Camera:
    """A camera at `eye` [3], with its viewing direction [3] and the matrix [4, 4] from the world to the crop."""

    eye: np.ndarray
    view: np.ndarray
    matrix: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 3] in the crop, 0..1 from its upper left corner, [..., 2]."""
        flat = np.concatenate([points, np.ones_like(points[..., :1])], -1) @ self.matrix.T
        ndc = flat[..., :2] / flat[..., 3:]
        return np.stack([0.5 + 0.5 * ndc[..., 0], 0.5 - 0.5 * ndc[..., 1]], -1)


def draw_view(plan: str, random: np.random.Generator) -> tuple[np.ndarray, float]:
    """The viewing direction [3] (of length 1) and the roll in radians. The body faces +x."""
    kinds = {
        "person": (["side", "front", "oblique", "above"], [0.5, 0.15, 0.3, 0.05]),
        "dog": (["side", "front", "oblique", "above"], [0.5, 0.1, 0.3, 0.1]),
        "rodent": (["side", "oblique", "above", "below"], [0.32, 0.18, 0.35, 0.15]),
        "fly": (["side", "oblique", "above", "below"], [0.15, 0.2, 0.45, 0.2]),
    }
    names, shares = kinds[plan]
    kind = random.choice(names, p=shares)
    turn = random.choice([-90, 90]) + random.normal(0, 14) if kind == "side" else random.uniform(-180, 180)
    if kind == "front":
        turn = random.choice([0, 180]) + random.normal(0, 15)
    down = {"side": abs(random.normal(3, 7)), "front": abs(random.normal(3, 7)), "oblique": random.uniform(8, 50),
            "above": random.uniform(60, 90), "below": -random.uniform(65, 90)}[kind]  # fmt: skip
    turn, down = np.radians(turn), np.radians(down)
    view = np.array([np.cos(turn) * np.cos(down), np.sin(turn) * np.cos(down), -np.sin(down)])
    rolled = random.uniform(-np.pi, np.pi) if kind in ("above", "below") else np.radians(random.normal(0, 3))
    return view, rolled


def look(view: np.ndarray, roll: float, target: np.ndarray, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Eye [3] and matrix [4, 4] from the world to the camera (x right, y up, looking along -z)."""
    eye = target - view * distance
    right = np.cross(view, [0, 0, 1.0])
    if np.linalg.norm(right) < 1e-3:
        right = np.array([0, -1.0, 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, view)
    c, s = np.cos(roll), np.sin(roll)
    turn = np.stack([c * right + s * up, -s * right + c * up, -view])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, -turn @ eye
    return eye, matrix


def crop_matrix(
    placed: np.ndarray, points: np.ndarray, size: float, random: np.random.Generator, shown: str
) -> np.ndarray:
    """Projection [4, 4] whose picture is a square around the body's points [n, 3], seen from `placed` [4, 4].

    shown: "body"; "part" of it, as a camera at a treadmill shows; or the "surroundings", with the body anywhere in
    them, as in a first look that has to find it.
    """
    seen = points @ placed[:3, :3].T + placed[:3, 3]
    flat = seen[:, :2] / -seen[:, 2:]
    low, high = flat.min(0), flat.max(0)
    side = max(high - low) * np.exp(random.uniform(np.log(1.04), np.log(1.75)))
    middle = (low + high) / 2
    if shown == "surroundings":
        side *= np.exp(random.uniform(0.0, np.log(MOST_SURROUNDINGS)))
        middle = middle + random.uniform(-0.5, 0.5, 2) * (side - (high - low))
    elif shown == "part":
        side *= random.uniform(0.5, 0.85)
        middle = middle + random.uniform(-0.3, 0.3, 2) * (high - low) * [0.5, 1.0]
        if random.uniform() < 0.4:  # the lower half: legs on a treadmill
            middle[1] = low[1] + side * random.uniform(0.35, 0.5)
    else:
        middle = middle + random.normal(0, 0.04, 2) * side
    near, far = 0.02 * size, 60 * size
    scale = 2 / side
    return np.array([
        [scale, 0, scale * middle[0], 0], [0, scale, scale * middle[1], 0],
        [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)], [0, 0, -1, 0],
    ])  # fmt: skip


def light_matrix(way: np.ndarray, target: np.ndarray, radius: float) -> np.ndarray:
    """Orthographic matrix [4, 4] of a light that shines from `way` [3] (unit, towards the light) on a ball."""
    _, matrix = look(-way, 0.0, target, 3 * radius)
    shape = np.diag([1 / radius, 1 / radius, -1 / (3 * radius), 1.0])
    shape[2, 3] = -1.0
    return shape @ matrix
