"""The capsule person: a body, a way of walking and two impairments; the feet lead and the limbs reach for them."""

from dataclasses import dataclass

import numpy as np

from ubam.evaluation.synthetic.capsules.motion import SIDES, Points, foot_path, reach, stacked, turned_about

FPS = 25.0
KEYPOINTS = (
    "head", "neck", "pelvis",
    *(f"{joint}_{side}" for side in SIDES for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")),
)  # fmt: skip
IMPAIRMENTS = {"lean": "static", "stiff_knee": "dynamic"}
LARGEST_LEAN = 22.0  # degrees at severity 1
STIFFENED = 0.85  # share of the knee's bend that is gone at severity 1
CHANNELS = 8


@dataclass(frozen=True)
class Body:
    """Lengths in m (of one leg's thigh and shank, one arm's parts); `girth` multiplies all radii, `belly` in m."""

    height: float
    thigh: float
    shank: float
    trunk: float
    upper_arm: float
    forearm: float
    shoulders: float
    hips: float
    head: float
    girth: float
    belly: float
    foot: float


@dataclass(frozen=True)
class Gait:
    """cadence: cycles a second; step, lift, bob in leg lengths; angles in degrees; stance: share of the cycle."""

    cadence: float
    stance: float
    step: float
    lift: float
    bob: float
    lean: float
    nod: float
    twist: float
    swing: float
    elbow: float
    heel: float
    narrow: float


def sample_body(rng: np.random.Generator) -> Body:
    """A body between a child of 1.2 m and a tall adult."""
    height = rng.choice([rng.uniform(1.2, 1.5), rng.uniform(1.5, 1.95)], p=[0.2, 0.8])
    legs, trunk = height * rng.uniform(0.455, 0.50), height * rng.uniform(0.29, 0.325)
    return Body(
        height, legs * rng.uniform(0.5, 0.54), legs * 0.48, trunk, height * rng.uniform(0.165, 0.185),
        height * rng.uniform(0.14, 0.16), height * rng.uniform(0.19, 0.25), height * rng.uniform(0.10, 0.13),
        height * 0.062 * (1 + 0.35 * (1.75 - height)) * rng.uniform(0.94, 1.08), rng.uniform(0.82, 1.3),
        height * rng.uniform(0, 0.03), height * rng.uniform(0.115, 0.135),
    )  # fmt: skip


def sample_gait(rng: np.random.Generator) -> Gait:
    """A natural gait."""
    return Gait(
        rng.uniform(0.75, 1.05), rng.uniform(0.58, 0.66), rng.uniform(0.6, 0.86), rng.uniform(0.08, 0.16),
        rng.uniform(0.03, 0.055), rng.uniform(-3, 6), rng.uniform(-8, 14), rng.uniform(3, 10), rng.uniform(10, 32),
        rng.uniform(8, 40), rng.uniform(0.5, 1.1), rng.uniform(0.3, 0.9),
    )  # fmt: skip


def speed(body: Body, gait: Gait) -> float:
    """Forward, m a cycle: what passes under a standing foot."""
    return gait.step * (body.thigh + body.shank) / gait.stance


def pose(
    body: Body, gait: Gait, phase: np.ndarray, chance: np.ndarray, impairment: str, level: float, side: str
) -> Points:
    """The named points [T, 3] in the body frame, the floor at y = 0; `level` is the severity times the factor."""
    size = body.height
    feet = {name: _foot(body, gait, phase + (0.0 if name == "right" else 0.5), name) for name in SIDES}
    up = _hip_height(body, gait, phase) + 0.002 * size * chance[0]
    pelvis = stacked(0.004 * size * chance[1], up, 0.012 * size * np.sin(2 * np.pi * phase))
    twist = np.radians(gait.twist) * np.sin(2 * np.pi * phase + 0.4)
    points: Points = {"pelvis": pelvis}
    for name, sign in SIDES.items():
        across = sign * body.hips / 2
        hip = pelvis + stacked(across * np.sin(twist), -0.015 * size, across)
        stiff = level * STIFFENED if impairment == "stiff_knee" and name == side else 0.0
        points |= _leg(body, gait, hip, *feet[name], stiff, name)
    lean = np.radians(gait.lean + 1.2 * chance[2] + (level * LARGEST_LEAN if impairment == "lean" else 0.0))
    return points | _upper(body, gait, pelvis, phase, twist, lean, chance)


def _hip_height(body: Body, gait: Gait, phase: np.ndarray) -> np.ndarray:
    """Of the hips [T], m: as high as both legs allow, which have to reach the ground on their paths."""
    leg, cycle = body.thigh + body.shank, np.linspace(0, 1, 65)

    def bob(at: np.ndarray) -> np.ndarray:
        return np.asarray(0.5 * gait.bob * leg * np.cos(4 * np.pi * (at - 0.3)))

    ankles = [_foot(body, gait, cycle + shift, name)[0] for name, shift in (("right", 0.0), ("left", 0.5))]
    room = [ankle[:, 1] + np.sqrt((0.99 * leg) ** 2 - ankle[:, 0] ** 2) - bob(cycle) for ankle in ankles]
    return np.asarray(np.min(room) + 0.015 * body.height + bob(phase))


def _foot(body: Body, gait: Gait, own: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """The ankle [T, 3] and the pitch of the foot [T] in radians, toes down positive."""
    leg = body.thigh + body.shank
    forward, up, swing = foot_path(own, gait.stance, gait.step * leg, gait.lift * leg)
    standing = np.clip(own % 1 / gait.stance, 0, 1)
    late = np.clip((standing - 0.62) / 0.38, 0, 1) ** 2 * (1 - swing) ** 2
    early = np.clip(1 - own % 1 / (0.16 * gait.stance), 0, 1) + np.clip((swing - 0.75) / 0.25, 0, 1) ** 2 * (swing < 1)
    pitch = np.radians(48 * gait.heel * late - 16 * np.clip(early, 0, 1))
    ankle = 0.052 * body.height + up + 0.62 * body.foot * np.sin(np.maximum(pitch, 0))
    return stacked(forward - 0.03 * leg, ankle, SIDES[side] * 0.5 * body.hips * gait.narrow), pitch


def _leg(
    body: Body, gait: Gait, hip: np.ndarray, ankle: np.ndarray, pitch: np.ndarray, stiff: float, side: str
) -> Points:
    """A leg that reaches for its ankle; a stiff one keeps its knee straighter and swings around sideways instead."""
    front = stacked(1.0, 0.05 + 0 * pitch, 0.08 * SIDES[side])
    knee, reached = reach(hip, ankle, body.thigh, body.shank, front)
    if stiff > 0:
        knee, reached = _stiffened(body, hip, reached, stiff, front, SIDES[side])
    c, s = np.cos(pitch), np.sin(pitch)
    sole = 0.03 * body.height
    ball = reached + stacked(0.6 * body.foot * c - sole * s, -sole * c - 0.6 * body.foot * s, 0.0)
    heel = reached + stacked(-0.22 * body.foot * c - sole * s, -sole * c + 0.22 * body.foot * s, 0.0)
    toe = ball + stacked(0.22 * body.foot * c, -np.minimum(0.22 * body.foot * s, 0), 0.0)
    return {
        f"hip_{side}": hip, f"knee_{side}": knee, f"ankle_{side}": reached, f"heel_{side}": heel, f"ball_{side}": ball,
        f"toe_{side}": toe,
    }  # fmt: skip


def _stiffened(
    body: Body, hip: np.ndarray, ankle: np.ndarray, stiff: float, front: np.ndarray, sign: float
) -> tuple[np.ndarray, ...]:
    span = np.linalg.norm(ankle - hip, axis=1)
    cosine = (body.thigh**2 + body.shank**2 - span**2) / (2 * body.thigh * body.shank)
    inner = np.pi - (1 - stiff) * (np.pi - np.arccos(np.clip(cosine, -1, 1)))
    longer = np.sqrt(body.thigh**2 + body.shank**2 - 2 * body.thigh * body.shank * np.cos(inner))
    longer = np.maximum(longer, span)
    aside = np.sqrt(longer**2 - span**2) * sign
    gap = (ankle - hip) + stacked(0.0, 0.0, aside)
    target = hip + gap / np.linalg.norm(gap, axis=1, keepdims=True) * longer[:, None]
    return reach(hip, target, body.thigh, body.shank, front)


def _upper(
    body: Body, gait: Gait, pelvis: np.ndarray, phase: np.ndarray, twist: np.ndarray, lean: np.ndarray,
    chance: np.ndarray,
) -> Points:  # fmt: skip
    size, still = body.height, np.zeros(len(phase))

    def spine(up: float, ahead: float = 0.0, right: np.ndarray | float = 0.0) -> np.ndarray:
        return turned_about(pelvis + stacked(ahead, up, right + still), pelvis, lean * (0.6 + 0.4 * up / body.trunk))

    points = {
        "waist": spine(0.3 * body.trunk, body.belly), "chest": spine(0.68 * body.trunk, 0.008 * size),
        "neck": spine(body.trunk),
    }  # fmt: skip
    nod = np.radians(gait.nod + 2 * chance[3]) + 0.45 * lean
    skull = stacked(0.012 * size, 0.045 * size + body.head, still)
    base = points["neck"]
    points["head"] = turned_about(base + skull, base, nod)
    points["crown"] = turned_about(base + skull * [0.7, 1.28, 1], base, nod)
    points["face"] = turned_about(base + skull + stacked(0.45 * body.head, -0.35 * body.head, still), base, nod)
    for name, sign in SIDES.items():
        out = sign * body.shoulders / 2
        shoulder = spine(0.93 * body.trunk, 0.0, out * np.cos(twist)) - stacked(out * np.sin(1.4 * twist), 0.0, 0.0)
        own = phase + (0.0 if name == "right" else 0.5)
        swing = np.radians(-gait.swing * np.cos(2 * np.pi * own) + 3 * chance[4] + 2)
        bend = np.radians(gait.elbow * (1 + 0.35 * np.sin(2 * np.pi * own)) + 2 * chance[5])
        elbow = shoulder + body.upper_arm * stacked(np.sin(swing), -np.cos(swing), sign * 0.14)
        wrist = elbow + body.forearm * stacked(np.sin(swing + bend), -np.cos(swing + bend), sign * 0.02)
        points |= {f"shoulder_{name}": shoulder, f"elbow_{name}": elbow, f"wrist_{name}": wrist}
        points[f"hand_{name}"] = wrist + 0.28 * (wrist - elbow)
    return points


def limbs(body: Body) -> list[tuple[str, str, float, float, str]]:
    """Round cones as (start, end, radius at the start, at the end, what it wears)."""
    s, g, h = body.height * body.girth, 0.5 + 0.5 * body.girth, body.head
    trunk = [
        ("hip_right", "hip_left", 0.052 * s, 0.052 * s, "trousers"), ("pelvis", "waist", 0.062 * s, 0.058 * s, "shirt"),
        ("waist", "chest", 0.06 * s, 0.066 * s, "shirt"),
        ("shoulder_right", "shoulder_left", 0.036 * s, 0.036 * s, "shirt"),
        ("chest", "neck", 0.062 * s, 0.03 * s, "shirt"), ("neck", "head", 0.028 * s, 0.028 * s, "skin"),
        ("head", "face", 0.92 * h, 0.62 * h, "skin"), ("crown", "head", 0.88 * h, 0.8 * h, "hair"),
    ]  # fmt: skip
    for side in SIDES:
        joint = {name: f"{name}_{side}" for name in (
            "hip", "knee", "ankle", "heel", "ball", "toe", "shoulder", "elbow", "wrist", "hand")}  # fmt: skip
        trunk += [
            (joint["hip"], joint["knee"], 0.047 * s, 0.032 * s, "trousers"),
            (joint["knee"], joint["ankle"], 0.031 * s, 0.02 * s, "shins"),
            (joint["heel"], joint["ball"], 0.021 * body.height * g, 0.017 * body.height * g, "shoes"),
            (joint["ball"], joint["toe"], 0.017 * body.height * g, 0.013 * body.height * g, "shoes"),
            (joint["ankle"], joint["heel"], 0.02 * s, 0.018 * body.height * g, "shoes"),
            (joint["shoulder"], joint["elbow"], 0.03 * s, 0.023 * s, "sleeves"),
            (joint["elbow"], joint["wrist"], 0.022 * s, 0.016 * s, "forearms"),
            (joint["wrist"], joint["hand"], 0.017 * s, 0.014 * s, "skin"),
        ]  # fmt: skip
    return trunk
