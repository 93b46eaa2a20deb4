"""How a person walks: sagittal gait, impairments, and the points of the body in space.

Joint curves follow the textbook sagittal patterns of level walking (Winter, The Biomechanics and Motor Control of Human
Gait, 1991; Perry, Gait Analysis, 1992). The body's frame: forward, up, left; angles in degrees, lengths in metres.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ubam.evaluation.synthetic.walker_body import Body, bones, sample_body, sample_materials

__all__ = [
    "AFFECTED",
    "FPS",
    "IMPAIRMENTS",
    "KEYPOINTS",
    "UNIT",
    "Body",
    "Gait",
    "body_points",
    "bones",
    "impair",
    "joint_angles",
    "root_path",
    "sample_body",
    "sample_gait",
    "sample_materials",
]

UNIT = 1.0
FPS = 25.0
KEYPOINTS = (
    "head",
    "neck",
    "pelvis",
    *(f"{joint}_{side}" for side in ("right", "left") for joint in ("shoulder", "elbow", "wrist")),
    *(f"{joint}_{side}" for side in ("right", "left") for joint in ("hip", "knee", "ankle", "heel", "toe")),
)
IMPAIRMENTS = {"lean": "static", "stiff_knee": "dynamic"}
LARGEST_LEAN = 25.0  # degrees of trunk lean at severity 1
AFFECTED = ("right", "left")  # which leg a stiff knee may have
SIDES = {"right": -1.0, "left": 1.0}
# knots over the gait cycle from heel strike, percent -> degrees
HIP = (
    (0, 30),
    (10, 25),
    (20, 17),
    (30, 7),
    (40, -3),
    (50, -10),
    (56, -9),
    (65, 3),
    (72, 17),
    (80, 29),
    (88, 34),
    (95, 32),
)
KNEE = (
    *(
        (0, 4),
        (7, 12),
        (14, 18),
        (20, 17),
        (30, 10),
        (40, 5),
        (46, 7),
        (53, 19),
        (60, 40),
        (67, 57),
        (73, 62),
        (80, 50),
    ),
    *((87, 24), (93, 7), (97, 2)),
)
ANKLE = (
    (0, 0),
    (6, -6),
    (12, -2),
    (20, 3),
    (30, 7),
    (42, 10),
    (49, 7),
    (55, -5),
    (62, -18),
    (68, -12),
    (76, -3),
    (86, 1),
    (95, 1),
)


@dataclass(frozen=True)
class Gait:
    """How this subject walks when healthy: cycles a second, amplitudes about 1, offsets in degrees."""

    cadence: float
    hip: float
    knee: float
    ankle: float
    arm: float
    elbow: float
    hip_offset: float
    knee_offset: float
    lean: float
    head: float
    sway: float
    asymmetry: float
    unsteady: float


def sample_gait(rng: np.random.Generator) -> Gait:
    """A random natural gait."""
    return Gait(
        cadence=rng.uniform(0.82, 0.96),
        hip=rng.uniform(0.88, 1.06),
        knee=rng.uniform(0.92, 1.06),
        ankle=rng.uniform(0.8, 1.15),
        arm=rng.uniform(0.6, 1.35),
        elbow=rng.uniform(8, 20),
        hip_offset=rng.uniform(-2, 2),
        knee_offset=rng.uniform(-1, 4),
        lean=rng.uniform(0, 5),
        head=rng.uniform(-4, 6),
        sway=rng.uniform(0.6, 1.4),
        asymmetry=rng.normal(0, 0.02),
        unsteady=rng.uniform(0.6, 1.4),
    )


def periodic(knots: tuple[tuple[float, float], ...], phase: np.ndarray) -> np.ndarray:
    """A smooth periodic curve through `knots` (percent of the cycle, value) at `phase` in cycles."""
    place, value = np.array(knots, dtype=float).T
    place = np.concatenate([place - 100, place, place + 100])
    value = np.concatenate([value, value, value])
    slope = np.gradient(value, place)
    x = (phase % 1) * 100
    index = np.clip(np.searchsorted(place, x, side="right") - 1, 0, len(place) - 2)
    gap = place[index + 1] - place[index]
    u = (x - place[index]) / gap
    start, end = value[index], value[index + 1]
    rise, settle = slope[index] * gap, slope[index + 1] * gap
    return (
        start * (1 + 2 * u) * (1 - u) ** 2
        + end * (3 - 2 * u) * u**2
        + rise * u * (1 - u) ** 2
        + settle * (u - 1) * u**2
    )


def joint_angles(body: Body, gait: Gait, phase: np.ndarray, noise: np.ndarray) -> dict[str, np.ndarray]:
    """Healthy joint parameters, each [T], from the phase of the right leg in cycles [T] and noise [16, T] (sd 1).

    The curves alone would jerk the pelvis from step to step; both legs are turned a little about the hips so that
    the feet stay on the ground while the pelvis moves on steadily.
    """
    angles = _textbook_angles(gait, phase, noise)
    cycle = (len(phase) - 1) / max(float(phase[-1] - phase[0]), 1e-6)
    for _ in range(2):
        forward = root_path(body, gait, body_points(body, angles, phase), phase)[:, 0]
        ahead = _smoothed(forward, 0.13 * cycle) - forward
        for side in SIDES:
            angles[f"hip_{side}"] = angles[f"hip_{side}"] - np.degrees(ahead / (0.5 * body.height))
    return angles


def _smoothed(path: np.ndarray, width: float) -> np.ndarray:
    """`path` [T] without its bumps; a straight line stays what it is, up to the ends."""
    line = np.linspace(path[0], path[-1], len(path))
    return line + gaussian_filter1d(path - line, width, mode="nearest")


def _textbook_angles(gait: Gait, phase: np.ndarray, noise: np.ndarray) -> dict[str, np.ndarray]:
    angles: dict[str, np.ndarray] = {}
    shaky = iter(noise * gait.unsteady)
    for side, shift in (("right", 0.0), ("left", 0.5)):
        own = phase + shift
        even = 1 + gait.asymmetry * SIDES[side]
        angles[f"hip_{side}"] = gait.hip * even * periodic(HIP, own) + gait.hip_offset + 0.9 * next(shaky)
        angles[f"knee_{side}"] = np.maximum(
            gait.knee * even * periodic(KNEE, own) + gait.knee_offset + 1.2 * next(shaky), 0.5
        )
        angles[f"ankle_{side}"] = gait.ankle * periodic(ANKLE, own) + 0.7 * next(shaky)
        angles[f"spread_{side}"] = 1.5 + 1.0 * np.cos(2 * np.pi * own)
        swing = np.cos(2 * np.pi * (own - 0.52))
        angles[f"shoulder_{side}"] = gait.arm * (16 * swing - 6) + 1.5 * next(shaky)
        angles[f"elbow_{side}"] = gait.elbow + gait.arm * 7 * (1 + swing) + 1.5 * next(shaky)
    angles["trunk"] = gait.lean - 1.2 * np.cos(4 * np.pi * (phase - 0.08)) + 0.6 * next(shaky)
    angles["head"] = gait.head + 1.0 * np.cos(4 * np.pi * (phase - 0.2)) + 1.0 * next(shaky)
    angles["twist"] = 5 * gait.sway * np.cos(2 * np.pi * phase) + 0.5 * next(shaky)
    angles["list"] = 3.5 * gait.sway * np.sin(2 * np.pi * (phase + 0.02))
    angles["shift"] = 0.02 * gait.sway * np.sin(2 * np.pi * (phase - 0.1))
    return angles


def impair(
    angles: dict[str, np.ndarray], phase: np.ndarray, impairment: str, severity: float, side: str
) -> dict[str, np.ndarray]:
    """The same moments with the named impairment at `severity` in 0..1; `side` is the affected leg."""
    changed = dict(angles)
    if impairment == "lean":
        lean = LARGEST_LEAN * severity
        changed["trunk"] = angles["trunk"] + lean
        changed["head"] = angles["head"] - 0.35 * lean
        for arm in SIDES:
            changed[f"shoulder_{arm}"] = angles[f"shoulder_{arm}"] + 0.15 * lean
            changed[f"elbow_{arm}"] = angles[f"elbow_{arm}"] + 0.3 * lean
    elif impairment == "stiff_knee":
        own = phase + (0.0 if side == "right" else 0.5)
        knee, stance = angles[f"knee_{side}"], 12.0
        changed[f"knee_{side}"] = knee - 0.6 * severity * np.maximum(knee - stance, 0)
        swing = periodic(((0, 0), (15, 0), (30, 0), (45, 0), (58, 0.6), (70, 1), (82, 0.7), (94, 0.0)), own)
        changed[f"hip_{side}"] = angles[f"hip_{side}"] - 7 * severity * swing
        changed[f"spread_{side}"] = angles[f"spread_{side}"] + 9 * severity * swing
        changed[f"ankle_{side}"] = angles[f"ankle_{side}"] + 10 * severity * swing
        changed["list"] = angles["list"] + SIDES[side] * 7 * severity * swing
    return changed


def body_points(body: Body, angles: dict[str, np.ndarray], phase: np.ndarray) -> dict[str, np.ndarray]:
    """Points of the body [T, 3] (forward, up, left) from the middle of the pelvis."""
    size = body.height
    points: dict[str, np.ndarray] = {}
    turn, tip = np.radians(angles["twist"]), np.radians(angles["list"])
    points["pelvis"] = _stack(0 * turn, 0 * turn, angles["shift"])
    for side, sign in SIDES.items():
        out = sign * 0.052 * size * body.hips
        points[f"hip_{side}"] = points["pelvis"] + _stack(
            -sign * out * np.sin(turn) * sign, out * np.sin(tip), out + 0 * turn
        )
        _add_leg(points, body, angles, phase, side)
    _add_trunk(points, body, angles, turn)
    for side in SIDES:
        _add_arm(points, body, angles, side)
    return points


def _stack(forward: np.ndarray | float, up: np.ndarray | float, left: np.ndarray | float) -> np.ndarray:
    return np.stack(np.broadcast_arrays(forward, up, left), axis=-1).astype(float)


def _ray(angle: np.ndarray, spread: np.ndarray | float = 0.0) -> np.ndarray:
    """Unit vectors [T, 3] that hang down at 0, point forward at 90 degrees, and lean out to the left by `spread`."""
    a, s = np.radians(angle), np.radians(spread)
    return _stack(np.sin(a) * np.cos(s), -np.cos(a) * np.cos(s), np.sin(s))


def _add_leg(
    points: dict[str, np.ndarray], body: Body, angles: dict[str, np.ndarray], phase: np.ndarray, side: str
) -> None:
    size, leg = body.height, body.height * body.legs
    thigh = angles[f"hip_{side}"]
    shank = thigh - angles[f"knee_{side}"]
    pitch = shank + angles[f"ankle_{side}"]
    spread = SIDES[side] * angles[f"spread_{side}"]
    hip = points[f"hip_{side}"]
    knee = hip + 0.245 * leg * _ray(thigh, spread)
    ankle = knee + 0.246 * leg * _ray(shank, 0.5 * spread)
    forward, down = _ray(90 + pitch), _ray(pitch)
    heel = ankle - 0.024 * size * forward + 0.022 * size * down
    ball = ankle + 0.078 * size * forward + 0.028 * size * down
    own = (phase + (0.0 if side == "right" else 0.5)) % 1
    bend = np.clip(-pitch, 0, 32) * np.clip((own - 0.3) / 0.1, 0, 1) * np.clip((0.72 - own) / 0.1, 0, 1)
    points |= {
        f"knee_{side}": knee,
        f"ankle_{side}": ankle,
        f"heel_{side}": heel,
        f"ball_{side}": ball,
        f"toe_{side}": ball + 0.034 * size * _ray(90 + pitch + bend),
        f"instep_{side}": ankle + 0.034 * size * forward + 0.008 * size * down,
        f"calf_{side}": knee + 0.3 * (ankle - knee) - 0.012 * size * _ray(90 + shank),
        f"cuff_{side}": knee + 0.93 * (ankle - knee),
        f"quad_{side}": hip + 0.4 * (knee - hip) + 0.010 * size * _ray(90 + thigh),
        f"hem_{side}": hip + 0.8 * (knee - hip),
    }


def _add_trunk(points: dict[str, np.ndarray], body: Body, angles: dict[str, np.ndarray], turn: np.ndarray) -> None:
    size, lean = body.height, angles["trunk"]
    up = {share: -_ray(-share * lean) for share in (0.6, 1.0, 1.15)}
    front = {share: _ray(90 - share * lean) for share in (0.6, 1.0, 1.15)}
    pelvis = points["pelvis"]
    waist = pelvis + 0.105 * size * up[0.6] + 0.004 * size * front[0.6]
    chest = waist + 0.105 * size * up[1.0] + 0.006 * size * front[1.0]
    collar = chest + 0.075 * size * up[1.15] - 0.006 * size * front[1.15]
    points |= {
        "seat": pelvis - 0.015 * size * front[0.6] + 0.012 * size * up[0.6],
        "tail": pelvis + 0.012 * size * up[0.6] - 0.004 * size * front[0.6],
        "yoke": chest + 0.045 * size * up[1.15] - 0.006 * size * front[1.15],
        "belt": pelvis + 0.055 * size * up[0.6],
        "waist": waist,
        "belly": waist + (0.01 * size + body.belly) * front[0.6] - 0.02 * size * up[0.6],
        "chest": chest,
        "bust": chest + (0.012 * size + body.chest) * front[1.0] - 0.012 * size * up[1.0],
        "collar": collar,
    }
    for side, sign in SIDES.items():
        out = sign * 0.108 * size * body.shoulders
        socket = collar - 0.018 * size * up[1.15]
        points[f"shoulder_{side}"] = socket + _stack(out * np.sin(turn), 0 * turn, out + 0 * turn)
    _add_head(points, body, lean, angles["head"])


def _add_head(points: dict[str, np.ndarray], body: Body, lean: np.ndarray, nod: np.ndarray) -> None:
    size, unit, collar = body.height, body.height * body.head, points["collar"]
    neck = collar - 0.045 * size * _ray(0.3 * nod - 0.9 * lean - 12)
    above, ahead = -_ray(nod - lean), _ray(90 + nod - lean)
    skull = neck + 0.052 * unit * above + 0.004 * size * ahead
    points |= {
        "neck": neck,
        "head": skull,
        "crown": skull + 0.016 * unit * above + 0.002 * unit * ahead,
        "fringe": skull + 0.022 * unit * above + 0.021 * unit * ahead,
        "occiput": skull - 0.016 * unit * ahead + 0.008 * unit * above,
        "nape": skull - 0.028 * unit * ahead - 0.018 * unit * above,
        "forehead": skull + 0.022 * unit * ahead + 0.014 * unit * above,
        "jaw": skull + 0.026 * unit * ahead - 0.040 * unit * above,
        "bridge": skull + 0.048 * unit * ahead - 0.002 * unit * above,
        "nose": skull + 0.059 * unit * ahead - 0.014 * unit * above,
        "brow": skull + 0.044 * unit * ahead + 0.008 * unit * above,
        "peak": skull + 0.082 * unit * ahead + 0.012 * unit * above,
        "bun": skull - 0.062 * unit * ahead + 0.012 * unit * above,
        "tress": skull - 0.040 * unit * ahead - 0.075 * unit * above,
    }
    for side, sign in SIDES.items():
        outwards = _stack(0 * lean, 0 * lean, sign * 0.043 * unit)
        points[f"ear_{side}"] = skull - 0.004 * unit * ahead - 0.010 * unit * above + outwards
        points[f"eye_{side}"] = skull + 0.043 * unit * ahead + 0.002 * unit * above + 0.4 * outwards


def _add_arm(points: dict[str, np.ndarray], body: Body, angles: dict[str, np.ndarray], side: str) -> None:
    size = body.height
    upper = angles[f"shoulder_{side}"] - 0.1 * angles["trunk"]
    fore = upper + angles[f"elbow_{side}"]
    shoulder = points[f"shoulder_{side}"]
    elbow = shoulder + 0.172 * size * _ray(upper, SIDES[side] * 7.0)
    wrist = elbow + 0.146 * size * _ray(fore, SIDES[side] * 2.0)
    points |= {
        f"elbow_{side}": elbow,
        f"wrist_{side}": wrist,
        f"sleeve_{side}": shoulder + 0.75 * (elbow - shoulder),
        f"forearm_{side}": elbow + 0.3 * (wrist - elbow),
        f"palm_{side}": wrist + 0.045 * size * _ray(fore + 6),
        f"fingers_{side}": wrist + 0.088 * size * _ray(fore + 22),
        f"thumb_{side}": wrist + 0.055 * size * _ray(fore + 38),
    }


def root_path(body: Body, gait: Gait, points: dict[str, np.ndarray], phase: np.ndarray) -> np.ndarray:
    """Where the pelvis is [T, 2] (forward, up): the foot in stance stays where it is, the lowest sole touches y = 0."""
    contacts, weights = [], []
    for side, shift in (("right", 0.0), ("left", 0.5)):
        own = (phase + shift) % 1
        lifted = np.clip((own - 0.60) / 0.06, 0, 1) * np.clip((1.0 - own) / 0.03, 0, 1)
        for name, radius in SOLES:
            contacts.append(points[f"{name}_{side}"][:, :2] - [0, radius * body.height])
            weights.append(contacts[-1][:, 1] + 0.25 * lifted)
    place, low = np.stack(contacts), np.stack(weights)
    weight = np.exp(-(low - low.min(axis=0)) / 0.006)
    weight /= weight.sum(axis=0)
    speed = -(weight[:, 1:] * np.diff(place[..., 0], axis=1)).sum(axis=0)
    forward = np.concatenate([[0.0], np.cumsum(speed)])
    return np.stack([forward, -(weight * low).sum(axis=0)], axis=1)


SOLES = (("heel", 0.019), ("ball", 0.014), ("toe", 0.012))
