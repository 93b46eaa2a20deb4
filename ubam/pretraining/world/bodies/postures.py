"""Postures over time: what people, quadrupeds and flies do in front of a laboratory's camera."""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from .cast import Cast
from .skinned_body import rotation

FRONT, LEFT, UP = np.eye(3)
HIP = ([0, 0.1, 0.5, 0.6, 0.85, 0.95], [28, 25, -10, -5, 32, 30])
KNEE = ([0, 0.15, 0.4, 0.6, 0.73, 0.97], [3, 17, 4, 35, 60, 3])
ANKLE = ([0, 0.07, 0.2, 0.45, 0.62, 0.8, 0.95], [0, -6, 3, 11, -18, 2, 1])


class Stage:
    """Collects the turns [T, J, 3, 3] of a body's bones at the times of its frames."""

    def __init__(self, cast: Cast, heads: np.ndarray, times: np.ndarray, random: np.random.Generator) -> None:
        self.cast, self.heads, self.times, self.random = cast, heads, times, random
        self.turns = np.tile(np.eye(3), (len(times), len(cast.names), 1, 1))
        self.root_turn = np.tile(np.eye(3), (len(times), 1, 1))
        self.speed = 0.0

    def turn(self, bone: str, axis: np.ndarray, degrees: np.ndarray | float) -> None:
        """Turn a bone around an axis of the rest posture, after its earlier turns."""
        j = self.cast.names.index(bone)
        angle = np.broadcast_to(np.radians(degrees), (len(self.times),))
        self.turns[:, j] = rotation(axis, angle) @ self.turns[:, j]

    def bend(self, bone: str, child: str, degrees: np.ndarray | float, towards: np.ndarray = FRONT) -> None:
        """Turn the bone that ends at `child` towards a direction of the rest posture."""
        names = self.cast.names
        along = self.heads[names.index(child)] - self.heads[names.index(bone)]
        self.turn(bone, np.cross(along, towards), degrees)

    def sway(self, mean: float | np.ndarray, spread: float, swing: float) -> np.ndarray:
        """An angle [T] that moves slowly around the mean."""
        phase, rate = self.random.uniform(0, 2 * np.pi), self.random.uniform(0.2, 1.2)
        return (
            mean
            + self.random.normal(0, spread)
            + self.random.normal(0, swing) * np.sin(rate * 2 * np.pi * self.times + phase)
        )

    def root(self, axis: np.ndarray, degrees: np.ndarray | float) -> None:
        """Turn the whole body around an axis, after its earlier turns."""
        angle = np.broadcast_to(np.radians(degrees), (len(self.times),))
        self.root_turn = rotation(axis, angle) @ self.root_turn


def _curve(points: tuple[Sequence[float], Sequence[float]], phase: np.ndarray) -> np.ndarray:
    at, degrees = points
    return CubicSpline([*at, at[0] + 1], [*degrees, degrees[0]], bc_type="periodic")(np.mod(phase, 1))


def perform(cast: Cast, heads: np.ndarray, times: np.ndarray, random: np.random.Generator) -> Stage:
    """A random action of the plan; times [T] in cycles."""
    stage = Stage(cast, heads, times, random)
    {"person": _person, "rodent": _quadruped, "dog": _quadruped, "fly": _fly}[cast.plan](stage)
    return stage


def _person(s: Stage) -> None:
    r = s.random
    action = r.choice(["walk", "run", "stand", "sit", "squat", "free"], p=[0.5, 0.08, 0.12, 0.1, 0.06, 0.14])
    if action in ("walk", "run"):
        _gait(s, action == "run")
    lean = (
        r.normal(3, 7) + (r.uniform(5, 45) if action == "squat" else 0) + (r.uniform(-5, 20) if action == "sit" else 0)
    )
    for bone in ("spine05", "spine04", "spine03", "spine02"):
        s.turn(bone, LEFT, s.sway(lean / 4, 2.5, 1))
        s.turn(bone, UP, s.sway(0, 4, 2))
        s.turn(bone, FRONT, s.sway(0, 2.5, 1))
    s.turn("neck02", LEFT, s.sway(r.uniform(0, 20) - lean / 3, 8, 3))
    s.turn("head", UP, s.sway(0, 20, 4))
    for side in "LR":
        if action in ("stand", "sit", "squat", "free"):
            hip, knee = {
                "stand": (4, 6),
                "sit": (82, 85),
                "squat": (r.uniform(30, 110), r.uniform(40, 120)),
                "free": (25, 35),
            }[action]
            wide = 25 if action == "free" else 4
            s.bend(f"upperleg01.{side}", f"lowerleg01.{side}", s.sway(hip, wide, 3))
            s.bend(f"lowerleg01.{side}", f"foot.{side}", -np.clip(s.sway(knee, wide, 3), 0, 140))
            s.turn(f"foot.{side}", LEFT, s.sway(0, 10, 3))
        s.turn(f"upperleg01.{side}", FRONT, (1 if side == "L" else -1) * s.sway(-2, 5 if action != "free" else 14, 1))
        s.turn(f"upperleg01.{side}", UP, s.sway(0, 8, 1))
        _arm(s, side, action)
    if action in ("stand", "free", "sit"):
        s.root(LEFT, s.sway(0, 4, 1))


def _gait(s: Stage, running: bool) -> None:
    r = s.random
    s.speed = r.uniform(0.6, 1.2) * (1.7 if running else 1)
    backwards = -1 if r.uniform() < 0.05 else 1
    common = np.exp(r.normal(0 if not running else 0.35, 0.2, 3))
    for side, shift in (("L", 0.0), ("R", 0.5 + r.normal(0, 0.03))):
        phase = backwards * s.times + shift
        amplitude = common * np.exp(r.normal(0, 0.12, 3)) * np.where(r.uniform(size=3) < 0.07, r.uniform(0.1, 0.5), 1)
        s.bend(f"upperleg01.{side}", f"lowerleg01.{side}", amplitude[0] * _curve(HIP, phase) + r.normal(0, 5))
        knee = amplitude[1] * _curve(KNEE, phase) + max(0.0, r.normal(3, 7)) + (15 if running else 0)
        s.bend(f"lowerleg01.{side}", f"foot.{side}", -np.clip(knee, 0, 140))
        s.turn(f"foot.{side}", LEFT, -amplitude[2] * _curve(ANKLE, phase) + r.normal(0, 5))
        swing = s.random.choice([0.0, 1.0], p=[0.2, 0.8]) * r.uniform(5, 30) * (1.5 if running else 1)
        s.turn(f"upperarm01.{side}", LEFT, swing * np.cos(2 * np.pi * phase))
    s.root(UP, r.normal(5, 3) * np.sin(2 * np.pi * s.times))
    s.root(FRONT, r.normal(0, 3) + r.normal(2, 2) * np.sin(2 * np.pi * s.times))


def _arm(s: Stage, side: str, action: str) -> None:
    """Move the arms from the rest posture, 45 degrees out, to hanging, holding or reaching."""
    r, sign = s.random, 1 if side == "L" else -1
    pose = r.choice(["hang", "hold", "reach", "any"], p=[0.55, 0.2, 0.15, 0.1])
    down = {"hang": r.normal(36, 5), "hold": r.normal(30, 12), "reach": r.normal(10, 25), "any": r.uniform(-60, 40)}[
        pose
    ]
    forward = {
        "hang": r.normal(0, 8),
        "hold": r.uniform(0, 40),
        "reach": r.uniform(30, 150),
        "any": r.uniform(-40, 150),
    }[pose]
    elbow = {
        "hang": abs(r.normal(12, 12)),
        "hold": r.uniform(20, 120),
        "reach": r.uniform(0, 60),
        "any": r.uniform(0, 140),
    }[pose]
    if action == "run":
        elbow = r.uniform(60, 110)
    j = s.cast.names.index(f"upperarm01.{side}")
    before = s.turns[:, j].copy()
    s.turns[:, j] = np.eye(3)
    s.turn(f"upperarm01.{side}", FRONT, -sign * s.sway(down, 2, 2))
    s.turn(f"upperarm01.{side}", LEFT, -s.sway(forward, 2, 4))
    s.turns[:, j] = before @ s.turns[:, j]
    s.bend(f"lowerarm01.{side}", f"wrist.{side}", np.clip(s.sway(elbow, 2, 4), 0, 145))
    s.turn(f"wrist.{side}", FRONT, s.sway(0, 15, 4))
    for finger in range(2, 6):
        for joint in (1, 2):
            s.turn(f"finger{finger}-{joint}.{side}", FRONT, sign * -r.uniform(0, 40))


def _quadruped(s: Stage) -> None:
    r, rodent = s.random, s.cast.plan == "rodent"
    shares = [0.42, 0.11, 0.14, 0.12, 0.08, 0.05, 0.08] if rodent else [0.55, 0.15, 0.2, 0.03, 0.03, 0.04, 0.0]
    action = r.choice(["walk", "gallop", "stand", "rear", "curl", "crouch", "groom"], p=shares)
    trunk = [f"vertebra_{k}" for k in range(1, 7)] if rodent else [f"L_{k}" for k in range(1, 8)]
    neck = (["vertebra_cervical_5", "vertebra_cervical_3", "vertebra_cervical_1", "vertebra_atlant"] if rodent
            else ["C_7", "C_5", "C_3", "C_1"])  # fmt: skip
    hunch = {"rear": r.uniform(-25, 25), "curl": r.uniform(30, 110), "groom": r.uniform(20, 70)}.get(
        action, r.normal(0, 15)
    )
    sideways = r.normal(0, 22 if rodent else 10) + (r.normal(0, 60) if action == "curl" and r.uniform() < 0.5 else 0)
    twist = r.normal(0, 8)
    wave = r.normal(0, 10) * np.sin(2 * np.pi * s.times)
    for bone in trunk:
        # the trunk hangs from the thorax: bones run backwards, so a hunch turns them down
        s.turn(bone, LEFT, -s.sway(hunch / len(trunk), 1, 0.5))
        s.turn(bone, UP, s.sway((sideways + wave) / len(trunk), 1, 0.5))
        s.turn(bone, FRONT, twist / len(trunk))
    for bone in neck:
        s.turn(bone, LEFT, s.sway((hunch / 3 + r.normal(0, 25)) / len(neck), 3, 2))
        s.turn(bone, UP, s.sway((r.normal(0, 30) - sideways / 3) / len(neck), 3, 2))
    s.turn("skull", LEFT, s.sway(0, 12, 4))
    s.turn("jaw", LEFT, -abs(r.normal(0, 4)) - (12 if not rodent or r.uniform() < 0.9 else 0))
    _four_limbs(s, action)
    _tail(s, rodent)
    if action in ("rear", "groom"):
        s.root(LEFT, -s.sway(r.uniform(25, 80), 3, 2))
    elif action == "curl":
        s.root(LEFT, -s.sway(hunch * r.uniform(0.1, 0.7), 3, 2))
        s.root(FRONT, r.normal(0, 10))
    else:
        s.root(LEFT, s.sway(0, 5, 1))
        s.root(FRONT, s.sway(0, 4, 1))


def _four_limbs(s: Stage, action: str) -> None:
    r = s.random
    moving = action in ("walk", "gallop")
    s.speed = r.uniform(0.3, 1.2) * moving
    shifts = {
        "walk": [0, 0.5, 0.25, 0.75] if r.uniform() < 0.5 else [0, 0.5, 0.5, 0],
        "gallop": [0, 0.1, 0.5, 0.6],
    }.get(action, [0] * 4)
    size = r.uniform(12, 32) * moving * (1.4 if action == "gallop" else 1)
    for number, (front, side) in enumerate([(False, "L"), (False, "R"), (True, "L"), (True, "R")]):
        phase = 2 * np.pi * (s.times + shifts[number] + r.normal(0, 0.03))
        own = size * np.exp(r.normal(0, 0.15)) * (r.uniform(0.1, 0.5) if r.uniform() < 0.06 else 1)
        swing, lift = own * np.cos(phase), own * np.clip(-np.sin(phase), 0, None)
        loose = 8 if moving else 14
        if front and action == "groom":
            _stroke(s, side)
        elif front:
            reach = r.uniform(10, 70) if action == "rear" else r.uniform(0, 50) if action == "curl" else 0
            s.turn(f"upper_arm_{side}", LEFT, -(swing + s.sway(reach, loose, 2)))
            s.turn(f"lower_arm_{side}", LEFT, -(0.9 * lift + np.abs(s.sway(0, loose, 2))))
            s.turn(f"hand_{side}", LEFT, 1.2 * lift + s.sway(0, loose, 2))
            s.turn(f"upper_arm_{side}", FRONT, s.sway(0, 8, 2))
        else:
            back = r.uniform(10, 60) if action in ("rear", "groom") else -20 if action in ("curl", "crouch") else 0
            s.turn(f"upper_leg_{side}", LEFT, -(swing - s.sway(back, loose, 2)))
            s.turn(f"lower_leg_{side}", LEFT, lift + s.sway(0, loose, 2))
            s.turn(f"foot_{side}", LEFT, -0.7 * lift - s.sway(back / 3, loose, 2))
            s.turn(f"upper_leg_{side}", FRONT, s.sway(0, 8, 2))


def _stroke(s: Stage, side: str) -> None:
    """Rub the snout with a bent forelimb, in several strokes a cycle; both paws together or in turn."""
    r, sign = s.random, 1 if side == "L" else -1
    phase = 2 * np.pi * r.integers(3, 7) * s.times + r.choice([0.0, np.pi], p=[0.8, 0.2]) * (side == "R")
    stroke = r.uniform(5, 20) * np.cos(phase)
    s.turn(f"upper_arm_{side}", LEFT, -(r.uniform(30, 80) + stroke))
    s.turn(f"upper_arm_{side}", FRONT, sign * r.uniform(0, 15))
    s.turn(f"lower_arm_{side}", LEFT, -(r.uniform(50, 110) - stroke))
    s.turn(f"hand_{side}", LEFT, s.sway(0, 20, 4))


def _tail(s: Stage, rodent: bool) -> None:
    r = s.random
    bones = (
        [n for n in s.cast.names if n.startswith("vertebra_C") and "cerv" not in n]
        if rodent
        else [n for n in s.cast.names if n.startswith("Ca_")]
    )
    up, aside = r.normal(0, 45 if not rodent else 30), r.normal(0, 60)
    ripple, waves, phase = r.normal(0, 70), r.uniform(0.5, 2), r.uniform(0, 6.3)
    s.turn(bones[0], LEFT, s.sway(0, 15, 3))
    s.turn(bones[0], UP, s.sway(0, 15, 5))
    for k, bone in enumerate(bones):
        at = k / len(bones)
        turn = (aside + ripple * np.sin(2 * np.pi * (waves * at - s.times * 0.7) + phase)) / len(bones)
        s.turn(bone, UP, turn)
        s.turn(bone, LEFT, (up + 0.3 * ripple * np.cos(5 * at + phase)) / len(bones))


def _fly(s: Stage) -> None:
    r = s.random
    wings = r.choice(["folded", "spread", "one", "flight"], p=[0.7, 0.1, 0.15, 0.05])
    for side, sign in (("left", 1), ("right", -1)):
        out = {
            "folded": r.normal(4, 6),
            "spread": r.uniform(10, 60),
            "one": r.normal(4, 6),
            "flight": r.uniform(40, 90),
        }[wings]
        if wings == "one" and side == r.choice(["left", "right"]):
            out = r.uniform(30, 90)
        s.turn(f"wing_{side}", FRONT, sign * r.normal(0, 8))
        s.turn(f"wing_{side}", UP, sign * (90 - s.sway(out, 2, 3)))
        s.turn(f"wing_{side}", LEFT, s.sway(-6, 5, 2))
    for k in ("", "_2", "_3", "_4", "_5", "_6", "_7"):
        s.turn(f"abdomen{k}", LEFT, s.sway(0, 3, 0.5))
        s.turn(f"abdomen{k}", UP, s.sway(0, 2, 0.5))
    s.turn("head", UP, s.sway(0, 8, 3))
    moving = r.uniform() < 0.65
    s.speed = r.uniform(0.3, 1.2) * moving
    size = r.uniform(8, 28) * moving
    for leg, offset in (("T1", 0.0), ("T2", 0.5), ("T3", 0.0)):
        for side, sign in (("left", 1), ("right", -1)):
            phase = 2 * np.pi * (s.times + offset + (0 if side == "left" else 0.5) + r.normal(0, 0.05))
            s.turn(f"coxa_{leg}_{side}", UP, -sign * size * np.cos(phase) + s.sway(0, 9, 2))
            s.turn(
                f"femur_{leg}_{side}", FRONT, sign * (0.6 * size * np.clip(-np.sin(phase), 0, None) + s.sway(0, 9, 2))
            )
            s.turn(f"tibia_{leg}_{side}", FRONT, -sign * s.sway(0, 14, 3))
            s.turn(f"tarsus_{leg}_{side}", FRONT, -sign * s.sway(0, 12, 3))
    s.root(LEFT, s.sway(0, 5, 1))
    s.root(FRONT, s.sway(0, 5, 1))
