"""A rat that walks: proportions, fur, footfalls, impairments, and the points of the body in space.

Lateral-sequence walk to trot: hind foot, then the fore foot of the same side a quarter to two fifths of a cycle later
(Hildebrand, The quadrupedal gaits of vertebrates, BioScience 1989). Frame: forward, up, left; degrees, metres. The
pace is that of a high-speed recording played slowly: about one stride a second.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from ubam.evaluation.synthetic.rendering import Bone, Material

UNIT = 0.14
FPS = 30.0
KEYPOINTS = (
    "nose",
    "ear",
    "neck",
    "chest",
    "back",
    "loin",
    "tail_base",
    "tail_middle",
    "tail_tip",
    *(f"{joint}_{side}" for side in ("right", "left") for joint in ("shoulder", "elbow", "wrist", "forepaw")),
    *(f"{joint}_{side}" for side in ("right", "left") for joint in ("hip", "knee", "ankle", "hindpaw")),
)
IMPAIRMENTS = {"hunch": "static", "dragged_limb": "dynamic"}
AFFECTED = ("right",)  # filmed from the affected side: the other hind limb is hidden behind the near one
SIDES = {"right": -1.0, "left": 1.0}
SPINE = ("tail_base", "rump", "loin", "back", "chest", "withers", "neck")
SPINE_RADII = (0.014, 0.028, 0.036, 0.036, 0.031, 0.027, 0.022)
RINGS = 17  # bones along the spine, enough for a smooth back
TAIL = 9


@dataclass(frozen=True)
class Body:
    """Proportions: `size` about 1 scales everything; the others are ratios about 1."""

    size: float
    length: float
    girth: float
    legs: float
    head: float
    ears: float
    tail: float
    hooded: bool


@dataclass(frozen=True)
class Gait:
    """The natural walk: strides a second, stride as a share of body length, share of the cycle on the ground, ..."""

    cadence: float
    stride: float
    duty: float
    lag: float
    lift: float
    height: float
    arch: float
    bob: float
    head: float
    tail_rise: float
    tail_sway: float
    unsteady: float


def sample_body(rng: np.random.Generator) -> Body:
    """A random rat; `rng` is used up in a fixed order."""
    return Body(
        size=rng.uniform(0.92, 1.06),
        length=rng.uniform(0.95, 1.06),
        girth=rng.uniform(0.88, 1.14),
        legs=rng.uniform(0.92, 1.08),
        head=rng.uniform(0.94, 1.06),
        ears=rng.uniform(0.85, 1.2),
        tail=rng.uniform(0.85, 1.05),
        hooded=bool(rng.random() < 0.35),
    )


def sample_gait(rng: np.random.Generator) -> Gait:
    """A random natural gait."""
    return Gait(
        cadence=rng.uniform(0.95, 1.15),
        stride=rng.uniform(0.48, 0.56),
        duty=rng.uniform(0.56, 0.66),
        lag=rng.uniform(0.26, 0.42),
        lift=rng.uniform(0.010, 0.015),
        height=rng.uniform(0.95, 1.05),
        arch=rng.uniform(0.005, 0.011),
        bob=rng.uniform(0.001, 0.0022),
        head=rng.uniform(-14, 2),
        tail_rise=rng.uniform(-6, 10),
        tail_sway=rng.uniform(0.6, 1.4),
        unsteady=rng.uniform(0.6, 1.4),
    )


def limb_phases(gait: Gait) -> dict[str, float]:
    """Where each foot is in its cycle when the right hind foot lands."""
    return {"hind_right": 0.0, "fore_right": -gait.lag, "hind_left": 0.5, "fore_left": 0.5 - gait.lag}


def joint_angles(body: Body, gait: Gait, phase: np.ndarray, noise: np.ndarray) -> dict[str, np.ndarray]:
    """Healthy parameters, each [T]: feet relative to hip and shoulder (m), spine, head and tail, from the phase [T]."""
    shaky = iter(noise * gait.unsteady)
    angles: dict[str, np.ndarray] = {}
    stride = gait.stride * 0.2
    for limb, shift in limb_phases(gait).items():
        own = (phase + shift) % 1
        swing = np.clip((own - gait.duty) / (1 - gait.duty), 0, 1)
        stance = np.clip(own / gait.duty, 0, 1)
        reach = 0.5 * stride * gait.duty
        slope = -(1 - gait.duty) / gait.duty  # enters and leaves the swing at the speed of the ground
        ease = swing**2 * (3 - 2 * swing)
        glide = slope * (swing * (1 - swing) ** 2 - (1 - swing) * swing**2)
        angles[f"{limb}_x"] = np.where(swing > 0, -1 + 2 * (ease + glide), 1 - 2 * stance) * reach + 0.0008 * next(
            shaky
        )
        rise = np.sin(np.pi * swing**0.85) ** 1.3 * (gait.lift if limb.startswith("hind") else 1.1 * gait.lift)
        angles[f"{limb}_y"] = rise
        push = np.clip((own - 0.55 * gait.duty) / (0.45 * gait.duty), 0, 1) * (swing == 0)
        angles[f"{limb}_heel"] = 24 + 34 * np.where(swing > 0, (1 - swing) ** 1.5, push**1.5)
    beat = 2 * np.pi * phase
    angles["arch"] = gait.arch + 0.0015 * np.sin(2 * beat + 0.6) + 0.0006 * next(shaky)
    angles["hip_height"] = 0.061 * gait.height + gait.bob * np.sin(2 * beat) + 0.0004 * next(shaky)
    angles["shoulder_height"] = 0.053 * gait.height + gait.bob * np.sin(2 * beat + 1.6) + 0.0004 * next(shaky)
    angles["head"] = gait.head + 2.5 * np.sin(2 * beat + 2.2) + 2.0 * next(shaky)
    angles["neck"] = 12 + 1.5 * np.sin(2 * beat + 1.9) + 1.5 * next(shaky)
    angles["tuck"] = 0.6 * next(shaky) * 0.001
    angles["shorten"] = 0 * phase
    angles["drop"] = 0 * phase
    angles["bend"] = 7 * np.sin(beat) + 1.0 * next(shaky)
    angles["tail_rise"] = gait.tail_rise + 2.0 * np.sin(2 * beat) + 3.0 * next(shaky)
    for index in range(TAIL):
        wave = np.sin(beat - 0.55 * index)
        angles[f"tail_{index}_side"] = 5 * gait.tail_sway * wave * (0.6 + 0.1 * index)
        angles[f"tail_{index}_up"] = 2.2 * gait.tail_sway * np.sin(2 * beat - 0.8 * index)
    angles["tail_curl"] = 2.0 + 1.6 * next(shaky)
    return angles


def impair(
    angles: dict[str, np.ndarray], phase: np.ndarray, impairment: str, severity: float, side: str
) -> dict[str, np.ndarray]:
    """The same moments with the named impairment at `severity` in 0..1; `side` is the affected hind limb."""
    changed = dict(angles)
    if impairment == "hunch":
        changed["arch"] = angles["arch"] + 0.019 * severity
        changed["tuck"] = angles["tuck"] - 0.007 * severity
        changed["shorten"] = angles["shorten"] + 0.08 * severity
        changed["neck"] = angles["neck"] - 16 * severity
        changed["head"] = angles["head"] - 12 * severity
    elif impairment == "dragged_limb":
        limb = f"hind_{side}"
        changed[f"{limb}_x"] = angles[f"{limb}_x"] * (1 - 0.6 * severity) - 0.036 * severity
        changed[f"{limb}_y"] = angles[f"{limb}_y"] * (1 - 0.95 * severity)
        changed[f"{limb}_heel"] = angles[f"{limb}_heel"] * (1 - 0.5 * severity)
        changed["drop"] = angles["drop"] + 0.008 * severity
    return changed


def body_points(body: Body, angles: dict[str, np.ndarray], phase: np.ndarray) -> dict[str, np.ndarray]:
    """Points of the body [T, 3] (forward, up, left); up is from the floor, forward from the hips."""
    size = body.size
    points: dict[str, np.ndarray] = {}
    _add_spine(points, body, angles)
    for limb in ("hind_left", "fore_left", "hind_right", "fore_right"):
        _add_limb(points, body, angles, limb)
    _add_head(points, body, angles)
    _add_tail(points, body, angles)
    return {name: place * size for name, place in points.items()}


def _stack(forward: np.ndarray | float, up: np.ndarray | float, left: np.ndarray | float) -> np.ndarray:
    return np.stack(np.broadcast_arrays(forward, up, left), axis=-1).astype(float)


def _add_spine(points: dict[str, np.ndarray], body: Body, angles: dict[str, np.ndarray]) -> None:
    hips, withers, arch = angles["hip_height"] - 0.5 * angles["drop"], angles["shoulder_height"], angles["arch"]
    length = 0.118 * body.length * (1 - angles["shorten"])
    shares = np.array([-0.30, -0.06, 0.20, 0.50, 0.78, 1.0, 1.16])
    tuck = angles["tuck"]
    lift = np.array([-0.004, 0.0, 0.0, 0.0, 0.0, 0.004, 0.010])
    bow = np.array([0.05, 0.45, 0.92, 1.0, 0.62, 0.18, 0.0])
    bend = np.radians(angles["bend"])
    for index, name in enumerate(SPINE):
        share = shares[index]
        level = hips + (withers - hips) * np.clip(share, -0.3, 1.1) + lift[index] + bow[index] * arch
        level = level + tuck * np.clip(0.25 - share, 0, 0.6) * 2
        if name == "neck":
            level = level + 0.018 * np.sin(np.radians(angles["neck"]))
        side = 0.010 * bend * np.sin(np.pi * (share - 0.1)) * 3
        points[name] = _stack(share * length - tuck * 0.3 * (share < 0), level, side)
    spline = CubicSpline(np.arange(len(SPINE)), np.stack([points[name] for name in SPINE]), axis=0)
    for index, place in enumerate(np.linspace(0, len(SPINE) - 1, RINGS + 1)):
        points[f"ring_{index}"] = spline(place)


def _add_limb(points: dict[str, np.ndarray], body: Body, angles: dict[str, np.ndarray], limb: str) -> None:
    part, side = limb.split("_")
    sign, hind = SIDES[side], part == "hind"
    out = sign * (0.018 if hind else 0.014) * body.girth
    anchor, drop = (points["rump"], -0.004) if hind else (points["chest"] * 0.45 + points["withers"] * 0.55, -0.014)
    root = anchor * [1, 1, 1] + _stack(0.004 if hind else 0.0, drop, out)
    paw_radius = 0.0035
    shift = 0.017 if hind else 0.004
    base = 0.0 if hind else 0.118 * body.length * 0.92
    paw = _stack(angles[f"{limb}_x"] + base + shift, angles[f"{limb}_y"] + paw_radius, 1.15 * out)
    heel = np.radians(angles[f"{limb}_heel"])
    foot = (0.029 if hind else 0.011) * body.legs
    ankle = paw + foot * _stack(-np.cos(heel), np.sin(heel), 0.0)
    upper, lower = (0.029, 0.037) if hind else (0.023, 0.027)
    joint = _bend(root, ankle, upper * body.legs, lower * body.legs, 1.0 if hind else -1.0)
    names = ("hip", "knee", "ankle", "hindpaw") if hind else ("shoulder", "elbow", "wrist", "forepaw")
    for name, place in zip(names, (root, joint, ankle, paw), strict=True):
        points[f"{name}_{side}"] = place
    points[f"{names[3]}_tip_{side}"] = paw + _stack(0.007, -0.0008, 0.0)


def _bend(root: np.ndarray, end: np.ndarray, upper: float, lower: float, forward: float) -> np.ndarray:
    """The middle joint of a two-bone limb, bent forward (1) or backward (-1); the limb stretches when out of reach."""
    gap = end - root
    reach = np.linalg.norm(gap, axis=-1, keepdims=True)
    whole = np.maximum((upper + lower), reach * 1.01)
    first = upper * whole / (upper + lower)
    second = lower * whole / (upper + lower)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    off = np.sqrt(np.maximum(first**2 - along**2, 0))
    unit = gap / reach
    normal = np.stack([-unit[..., 1], unit[..., 0], 0 * unit[..., 0]], axis=-1)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    return root + along * unit + forward * off * normal


def _add_head(points: dict[str, np.ndarray], body: Body, angles: dict[str, np.ndarray]) -> None:
    size = body.head
    tilt = np.radians(angles["head"])
    ahead, above = _stack(np.cos(tilt), np.sin(tilt), 0.0), _stack(-np.sin(tilt), np.cos(tilt), 0.0)
    skull = points["neck"] + 0.019 * size * _stack(np.cos(tilt * 0.6), np.sin(tilt * 0.6), 0.0)
    points |= {
        "skull": skull,
        "muzzle": skull + 0.019 * size * ahead - 0.003 * size * above,
        "snout": skull + 0.031 * size * ahead - 0.005 * size * above,
        "nose": skull + 0.036 * size * ahead - 0.004 * size * above,
        "jaw": skull + 0.012 * size * ahead - 0.010 * size * above,
    }
    for side, sign in SIDES.items():
        ear = skull - 0.004 * ahead * size + 0.014 * above * size + _stack(0.0, 0.0, sign * 0.011)
        points[f"ear_root_{side}"] = ear
        points[f"ear_tip_{side}"] = ear - 0.003 * ahead * body.ears + 0.006 * above * body.ears
        eye = 0.011 * ahead + 0.0055 * above
        points[f"eye_{side}"] = skull + eye * size + _stack(0.0, 0.0, sign * 0.0115 * size)
    points["ear"] = points["ear_tip_right"]


def _add_tail(points: dict[str, np.ndarray], body: Body, angles: dict[str, np.ndarray]) -> None:
    length = 0.155 * body.tail / TAIL
    place = points["tail_base"] + _stack(0.0, 0.002, 0.0)
    points["tail_joint_0"] = place
    pitch = -8 + angles["tail_rise"]
    for index in range(TAIL):
        level = np.radians(pitch + angles["tail_curl"] * index + angles[f"tail_{index}_up"])
        side = np.radians(angles[f"tail_{index}_side"])
        step = _stack(-np.cos(level) * np.cos(side), np.sin(level), np.sin(side))
        place = place + length * step
        floor = 0.003 - place[:, 1]
        place = place + _stack(0.0, np.maximum(floor, 0), 0.0)
        points[f"tail_joint_{index + 1}"] = place
    points["tail_middle"] = points[f"tail_joint_{TAIL // 2}"]
    points["tail_tip"] = points[f"tail_joint_{TAIL}"]


def root_path(body: Body, gait: Gait, points: dict[str, np.ndarray], phase: np.ndarray) -> np.ndarray:
    """Where the hips are [T, 2] (forward, up): one stride a cycle, so that feet on the ground stay where they are."""
    forward = body.size * gait.stride * 0.2 * (phase - phase[0])
    return np.stack([forward, 0 * forward], axis=1)


def bones(body: Body) -> list[Bone]:
    """All limbs of the body; radii in m."""
    size = body.size
    found: list[Bone] = []
    for side in ("left", "right"):
        found += _limb_bones(body, side)
    wide = CubicSpline(np.arange(len(SPINE)), np.array(SPINE_RADII) * size)
    radii = wide(np.linspace(0, len(SPINE) - 1, RINGS + 1))
    share = np.interp(np.linspace(0, 1, RINGS + 1), [0, 0.15, 0.8, 1], [1, body.girth, body.girth, 1])
    for index in range(RINGS):
        coat = "hood" if body.hooded and index >= RINGS - 5 else "fur"
        start, end = (float(radii[i] * share[i]) for i in (index, index + 1))
        found.append(Bone(f"ring_{index}", f"ring_{index + 1}", start, end, coat, 1.0))
    for index in range(TAIL):
        start, end = (0.0062 * (1 - 0.8 * i / TAIL) * size for i in (index, index + 1))
        found.append(Bone(f"tail_joint_{index}", f"tail_joint_{index + 1}", start, end, "tail"))
    return found + _head_bones(body)


def _limb_bones(body: Body, side: str) -> list[Bone]:
    size, wide = body.size, body.size * body.girth
    dim = 0.72 if side == "left" else 1.0
    fore = "hood" if body.hooded else "fur"
    return [
        Bone(f"hip_{side}", f"knee_{side}", 0.026 * wide, 0.014 * wide, "fur", 0.75, dim),
        Bone(f"knee_{side}", f"ankle_{side}", 0.0138 * wide, 0.0058 * size, "fur", 0.9, dim),
        Bone(f"ankle_{side}", f"hindpaw_{side}", 0.0048 * size, 0.0042 * size, "skin", 1.0, dim),
        Bone(f"hindpaw_{side}", f"hindpaw_tip_{side}", 0.0042 * size, 0.0026 * size, "skin", 1.4, dim),
        Bone(f"shoulder_{side}", f"elbow_{side}", 0.016 * wide, 0.0098 * wide, fore, 0.8, dim),
        Bone(f"elbow_{side}", f"wrist_{side}", 0.0092 * wide, 0.0046 * size, fore, 0.9, dim),
        Bone(f"wrist_{side}", f"forepaw_{side}", 0.0042 * size, 0.0038 * size, "skin", 1.0, dim),
        Bone(f"forepaw_{side}", f"forepaw_tip_{side}", 0.0036 * size, 0.0022 * size, "skin", 1.4, dim),
    ]


def _head_bones(body: Body) -> list[Bone]:
    size = body.size * body.head
    coat = "hood" if body.hooded else "fur"
    ear = 0.0088 * body.ears * size
    head = [
        Bone("neck", "skull", 0.020 * size, 0.0165 * size, coat),
        Bone("skull", "muzzle", 0.0165 * size, 0.0095 * size, coat),
        Bone("muzzle", "snout", 0.0095 * size, 0.0058 * size, coat),
        Bone("snout", "nose", 0.0058 * size, 0.0028 * size, "skin"),
        Bone("skull", "jaw", 0.0135 * size, 0.0065 * size, coat),
        Bone("eye_right", "eye_right", 0.0032 * size, 0.0032 * size, "eye"),
    ]
    for side, dim in (("left", 0.75), ("right", 1.0)):
        head.append(Bone(f"ear_root_{side}", f"ear_tip_{side}", 0.7 * ear, ear, "ear", 0.35, dim))
    return head


def sample_materials(rng: np.random.Generator, palette: str = "any") -> dict[str, Material]:
    """Fur and skin; `palette` "light" or "dark" draws coats from one end only."""
    light = np.array([[0.86, 0.83, 0.78], [0.74, 0.66, 0.55], [0.70, 0.70, 0.70]])
    dark = np.array([[0.20, 0.17, 0.15], [0.36, 0.28, 0.21], [0.30, 0.31, 0.33], [0.45, 0.33, 0.22]])
    coats = {"any": np.concatenate([light, dark]), "light": light, "dark": dark}[palette]
    coat = coats[rng.integers(len(coats))] * rng.uniform(0.9, 1.1)
    hood = dark[rng.integers(len(dark))] * rng.uniform(0.8, 1.1) if coat.mean() > 0.5 else coat * 0.75
    pink = np.array([0.85, 0.60, 0.55]) * rng.uniform(0.75, 1.05)
    grain = rng.uniform(0.08, 0.15)
    belly = _rgb(np.clip(coat * 1.35 + 0.08, 0, 0.95))
    fur = Material(
        _rgb(coat), under=belly, countershade=rng.uniform(0.2, 0.8), grain=grain, grain_size=(0.009, 0.0022), gloss=0.04
    )
    return {
        "fur": fur,
        "hood": Material(_rgb(hood), grain=grain, grain_size=(0.009, 0.0022), gloss=0.05),
        "skin": Material(_rgb(pink), grain=0.03, grain_size=(0.003, 0.003)),
        "tail": Material(_rgb(pink * 0.9), _rgb(pink * 0.78), period=0.005, grain=0.03, grain_size=(0.003, 0.003)),
        "ear": Material(_rgb(pink * 0.9), grain=0.02, grain_size=(0.004, 0.004)),
        "eye": Material((0.04, 0.03, 0.03), grain=0.0, gloss=0.9),
    }


def _rgb(colour: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in np.clip(colour, 0, 1))
    return red, green, blue
