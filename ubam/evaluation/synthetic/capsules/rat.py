"""The capsule rat: a body, a trot of its own and two impairments, to be seen from the side or from above."""

from dataclasses import dataclass

import numpy as np

from ubam.evaluation.synthetic.capsules.motion import SIDES, Points, foot_path, reach, stacked

FPS = 25.0
KEYPOINTS = (
    "nose", "neck", "back", "tail_base", "tail_middle",
    *(f"{joint}_{side}" for side in SIDES for joint in ("ear", "shoulder", "elbow", "forepaw")),
    *(f"{joint}_{side}" for side in SIDES for joint in ("hip", "knee", "hindpaw")),
)  # fmt: skip
IMPAIRMENTS = {"hunch": "static", "dragged_limb": "dynamic"}
LARGEST_HUNCH = 0.42  # of the height of the back, added to its middle at severity 1
CHANNELS = 8
TAIL = 7


@dataclass(frozen=True)
class Body:
    """Lengths in m; `girth` multiplies the radii of the trunk, `legs` and `limb` lengths and radii of the limbs."""

    length: float
    girth: float
    back: float
    belly: float
    head: float
    legs: float
    limb: float
    tail: float
    ear: float


@dataclass(frozen=True)
class Gait:
    """cadence: cycles a second; step, lift in body lengths; sway of spine and tail in radians; offsets in cycles."""

    cadence: float
    stance: float
    step: float
    lift: float
    fore: float
    bob: float
    sway: float
    tail: float
    tail_up: float
    nod: float
    spread: float


def sample_body(rng: np.random.Generator) -> Body:
    """A young to a large rat."""
    length = rng.uniform(0.145, 0.21)
    return Body(
        length, rng.uniform(0.84, 1.22), length * rng.uniform(0.27, 0.33), rng.uniform(0.9, 1.15),
        rng.uniform(0.88, 1.14), rng.uniform(0.92, 1.1), rng.uniform(0.85, 1.2), length * rng.uniform(0.7, 1.05),
        rng.uniform(0.75, 1.25),
    )  # fmt: skip


def sample_gait(rng: np.random.Generator) -> Gait:
    """A natural walk or slow trot."""
    return Gait(
        rng.uniform(1.3, 2.2), rng.uniform(0.58, 0.68), rng.uniform(0.26, 0.36), rng.uniform(0.05, 0.09),
        rng.uniform(0.42, 0.58), rng.uniform(0.006, 0.016), rng.uniform(0.03, 0.12), rng.uniform(0.08, 0.3),
        rng.uniform(-0.05, 0.3), rng.uniform(-0.25, 0.25), rng.uniform(0.8, 1.25),
    )  # fmt: skip


def speed(body: Body, gait: Gait) -> float:
    """Forward, m a cycle."""
    return gait.step * body.length / gait.stance


def pose(
    body: Body, gait: Gait, phase: np.ndarray, chance: np.ndarray, impairment: str, level: float, side: str
) -> Points:
    """The named points [T, 3] in the body frame, the floor at y = 0; `level` is the severity times the factor."""
    hunch = level if impairment == "hunch" else 0.0
    points = _spine(body, gait, phase, chance, hunch)
    for name in SIDES:
        own = phase + (0.0 if name == "right" else 0.5)
        dragged = level if impairment == "dragged_limb" and name == side else 0.0
        points |= _hind(body, gait, points["rump"], own, dragged, name)
        points |= _fore(body, gait, points["withers"], own + gait.fore, name)
    return points | _tail(body, gait, points["tail_base"], phase, chance)


def _spine(body: Body, gait: Gait, phase: np.ndarray, chance: np.ndarray, hunch: float) -> Points:
    size, turn = body.length, 2 * np.pi * phase
    bob = gait.bob * size * np.sin(2 * turn) + 0.004 * size * chance[0]
    sway = gait.sway * size

    def at(along: float, up: float, lag: float) -> np.ndarray:
        """A place of the trunk: shares of its length from the middle and of the height of the back."""
        arch = hunch * LARGEST_HUNCH * (1 - (along / 0.42) ** 2) if abs(along) < 0.6 else 0.0
        drawn = along * (1 - 0.16 * hunch)  # a hunched back is shorter
        return stacked(drawn * size, body.back * (up + arch) + bob * (1 - 0.3 * lag), sway * np.sin(turn - 2.2 * lag))

    points = {
        "tail_base": at(-0.46, 0.6, 0.0), "rump": at(-0.31, 0.72, 0.2), "loin": at(-0.12, 0.8, 0.4),
        "back": at(0.06, 0.78, 0.7), "withers": at(0.24, 0.68, 1.0), "neck": at(0.38, 0.72, 1.2),
    }  # fmt: skip
    drop = 0.32 + gait.nod + 0.08 * chance[1] + 0.06 * np.sin(2 * turn + 1) + 0.3 * hunch
    glance = 0.25 * chance[2] - 0.5 * gait.sway * np.sin(turn - 2.6)
    ahead = stacked(np.cos(drop) * np.cos(glance), -np.sin(drop), np.sin(glance))
    above = stacked(np.sin(drop), np.cos(drop), 0.0)
    aside = stacked(-np.sin(glance), 0.0, np.cos(glance))
    head = 0.26 * size * body.head
    points["skull"] = points["neck"] + 0.38 * head * ahead + 0.06 * head * above
    points["nose"] = points["neck"] + 0.98 * head * ahead - 0.04 * head * above
    for name, sign in SIDES.items():
        ear = points["skull"] + 0.16 * head * above - 0.1 * head * ahead + sign * 0.2 * head * aside
        points[f"ear_{name}"] = ear
        points[f"ear_tip_{name}"] = ear + 0.16 * head * body.ear * (above + 0.7 * sign * aside - 0.2 * ahead)
        points[f"eye_{name}"] = points["skull"] + 0.22 * head * ahead + 0.06 * head * above + sign * 0.2 * head * aside
    return points


def _hind(body: Body, gait: Gait, rump: np.ndarray, own: np.ndarray, dragged: float, side: str) -> Points:
    """Hip, knee, hock and paw; a dragged limb is hardly lifted, steps short and trails behind."""
    size, sign = body.length, SIDES[side]
    forward, up, _ = foot_path(own, gait.stance, gait.step * size, gait.lift * size)
    forward, up = forward * (1 - 0.75 * dragged) - 0.17 * size * dragged, up * (1 - 0.95 * dragged)
    hip = rump + stacked(0.0, -0.1 * body.back, sign * 0.1 * size * body.girth)
    out = sign * 0.13 * size * body.girth * gait.spread * (1 + 0.25 * dragged)
    paw = stacked(forward - 0.2 * size, up + 0.012 * size, out)
    raised = np.clip(up / (gait.lift * size), 0, 1)
    hock = paw + stacked(
        -0.12 * size * (1 - 0.25 * raised) * body.legs, (0.035 + 0.05 * raised) * size, -0.01 * sign * size
    )
    long = 0.15 * size * body.legs
    knee, hock = reach(hip, hock, long, long * 1.05, stacked(1.0 + 0 * own, 0.25, 0.35 * sign))
    paw = np.where((dragged > 0.5) & (np.abs(paw - hock).max(1, keepdims=True) > 0.3 * size), hock, paw)
    return {
        f"hip_{side}": hip, f"knee_{side}": knee, f"hock_{side}": hock, f"hindpaw_{side}": paw,
        f"hindtoe_{side}": paw + stacked(0.05 * size + 0 * own, -0.004 * size, 0.01 * sign * size),
    }  # fmt: skip


def _fore(body: Body, gait: Gait, withers: np.ndarray, own: np.ndarray, side: str) -> Points:
    size, sign = body.length, SIDES[side]
    forward, up, _ = foot_path(own, gait.stance, 0.9 * gait.step * size, 0.9 * gait.lift * size)
    shoulder = withers + stacked(0.02 * size, -0.2 * body.back, sign * 0.075 * size * body.girth)
    paw = stacked(forward + 0.27 * size, up + 0.01 * size, sign * 0.08 * size * gait.spread)
    long = 0.115 * size * body.legs
    elbow, wrist = reach(shoulder, paw, long, 1.15 * long, stacked(-1.0 + 0 * own, 0.0, 0.4 * sign))
    return {
        f"shoulder_{side}": shoulder, f"elbow_{side}": elbow, f"forepaw_{side}": wrist,
        f"foretoe_{side}": wrist + stacked(0.03 * size + 0 * own, -0.002 * size, 0.0),
    }  # fmt: skip


def _tail(body: Body, gait: Gait, base: np.ndarray, phase: np.ndarray, chance: np.ndarray) -> Points:
    """The tail falls to the floor or is held up, and a wave runs along it."""
    piece, points, last = body.tail / TAIL, {}, base
    for number in range(TAIL):
        share = (number + 1) / TAIL
        wave = gait.tail * (1 + share) * np.sin(2 * np.pi * (phase - 0.35 * share)) + 0.3 * share * chance[3]
        rise = gait.tail_up * (0.3 + share) + 0.12 * chance[4] - 0.55 * (1 - share)
        ahead = stacked(-np.cos(rise) * np.cos(wave), np.sin(rise), np.sin(wave) * np.cos(rise))
        last = last + piece * ahead
        last[:, 1] = np.maximum(last[:, 1], 0.02 * body.length)
        points[f"tail_{number + 1}"] = last
    points["tail_middle"] = points[f"tail_{TAIL // 2 + 1}"]
    return points


def limbs(body: Body) -> list[tuple[str, str, float, float, str]]:
    """Round cones as (start, end, radius at the start, at the end, what it wears)."""
    s, g, thin = body.length, body.length * body.girth, body.length * 0.5 * (1 + body.limb)
    head = s * body.head
    cones = [
        ("tail_base", "rump", 0.055 * g, 0.118 * g, "rear"),
        ("rump", "loin", 0.118 * g, 0.135 * g * body.belly, "rear"),
        ("loin", "back", 0.135 * g * body.belly, 0.125 * g * body.belly, "saddle"),
        ("back", "withers", 0.125 * g * body.belly, 0.1 * g, "saddle"), ("withers", "neck", 0.1 * g, 0.07 * g, "front"),
        ("neck", "skull", 0.07 * g, 0.07 * head, "front"), ("skull", "nose", 0.066 * head, 0.019 * head, "front"),
    ]  # fmt: skip
    radii = 0.028 * s * (1 - 0.75 * np.linspace(0, 1, TAIL + 1))
    joints = ["tail_base", *(f"tail_{number + 1}" for number in range(TAIL))]
    cones += [(joints[k], joints[k + 1], radii[k], radii[k + 1], "tail") for k in range(TAIL)]
    for side in SIDES:
        cones += [
            (f"ear_{side}", f"ear_tip_{side}", 0.022 * head * body.ear, 0.034 * head * body.ear, "ears"),
            (f"eye_{side}", f"eye_{side}", 0.014 * head, 0.014 * head, "eyes"),
            (f"hip_{side}", f"knee_{side}", 0.085 * thin, 0.045 * thin, "rear"),
            (f"knee_{side}", f"hock_{side}", 0.045 * thin, 0.019 * thin, "rear"),
            (f"hock_{side}", f"hindpaw_{side}", 0.016 * thin, 0.017 * thin, "paws"),
            (f"hindpaw_{side}", f"hindtoe_{side}", 0.017 * thin, 0.011 * thin, "paws"),
            (f"shoulder_{side}", f"elbow_{side}", 0.06 * thin, 0.03 * thin, "front"),
            (f"elbow_{side}", f"forepaw_{side}", 0.027 * thin, 0.015 * thin, "front"),
            (f"forepaw_{side}", f"foretoe_{side}", 0.015 * thin, 0.01 * thin, "paws"),
        ]  # fmt: skip
    return cones
