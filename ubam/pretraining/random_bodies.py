"""Random articulated bodies for pre-training, with many body plans, proportions and postures.

The body frame has x forward, y up and z to the body's left; lengths are in units of the body's size. The bodies share
no joints, movements or textures with the rendered subjects of `ubam.evaluation.synthetic`, which measure the method.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

Vector = np.ndarray
SIDES = (("right", -1.0), ("left", 1.0))


@dataclass
class Body:
    """A body of one plan.

    joints: positions [3] by name. limbs: (start, end, radius at each, part), as drawn. names: joints to be learnt.
    """

    plan: str
    joints: dict[str, Vector] = field(default_factory=dict)
    limbs: list[tuple[str, str, float, float, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(
        self, name: str, start: str, offset: Sequence[float] | Vector, radii: tuple[float, float], part: str,
        learnt: bool = True,
    ) -> None:  # fmt: skip
        """Add a limb from joint `start` to the new joint `name` at `offset` [3] from it."""
        self.joints[name] = self.joints[start] + np.asarray(offset, float)
        self.limbs.append((start, name, *radii, part))
        if learnt:
            self.names.append(name)


def sagittal(angle: float, length: float, aside: float = 0.0) -> Vector:
    """Offset [3] of a hanging limb that swings forward by `angle` and to the left by `aside`, in degrees."""
    swing, out = np.radians(angle), np.radians(aside)
    return length * np.array([np.sin(swing) * np.cos(out), -np.cos(swing) * np.cos(out), np.sin(out)])


def biped(rng: np.random.Generator) -> Body:
    """A walking, standing, bending or stepping person: 19 joints."""
    size, girth = rng.uniform(0.88, 1.13, 8), rng.uniform(0.7, 1.45)
    body = Body("biped", {"pelvis": np.zeros(3)}, names=["pelvis"])
    lean = rng.normal(4, 10) if rng.random() < 0.7 else rng.uniform(-25, 70)
    bend = rng.normal(0, 8)
    body.add("waist", "pelvis", sagittal(180 - lean + bend / 2, 0.13 * size[0]), (0.09 * girth, 0.085 * girth), "trunk")
    body.add("neck", "waist", sagittal(180 - lean - bend, 0.2 * size[0]), (0.085 * girth, 0.075 * girth), "trunk")
    nod = lean + rng.normal(5, 12)
    body.add("head", "neck", sagittal(180 - nod, 0.11 * size[1]), (0.035, 0.05), "skin")
    head = rng.uniform(0.052, 0.068)
    body.add("crown", "head", sagittal(180 - nod, 0.03), (head, head), "hair", learnt=False)
    shoulders, hips = rng.uniform(0.08, 0.12), rng.uniform(0.045, 0.075)
    walking = rng.random() < 0.7
    phase, swing, lift = rng.uniform(0, 2 * np.pi), rng.uniform(5, 38), rng.uniform(10, 75)
    for side, sign in SIDES:
        beat = phase + (np.pi if sign > 0 else 0) + rng.normal(0, 0.25)
        body.add(f"hip_{side}", "pelvis", (0, -0.01, sign * hips), (0.08 * girth, 0.075 * girth), "legs")
        _leg(body, rng, side, size, girth, (beat, swing, lift) if walking else None)
        body.add(f"shoulder_{side}", "neck", (0, -0.03, sign * shoulders), (0.05, 0.045 * girth), "trunk")
        arm = rng.normal(0, 12) - swing * rng.uniform(0, 1) * np.cos(beat) if walking else rng.uniform(-50, 130)
        _arm(body, rng, side, sign, arm + 0.3 * lean, (size[5], size[6], girth), walking)
    return body


def _arm(
    body: Body, rng: np.random.Generator, side: str, sign: float, arm: float, build: tuple[float, float, float],
    walking: bool,
) -> None:  # fmt: skip
    upper, fore, girth = build
    aside = sign * abs(rng.normal(4, 8))
    elbow = sagittal(arm, 0.165 * upper, aside)
    body.add(f"elbow_{side}", f"shoulder_{side}", elbow, (0.04 * girth, 0.033 * girth), "arms")
    bent = arm + (abs(rng.normal(20, 18)) if walking else rng.uniform(0, 130))
    body.add(f"wrist_{side}", f"elbow_{side}", sagittal(bent, 0.15 * fore, aside), (0.032 * girth, 0.024), "skin")
    hand = sagittal(bent + rng.normal(0, 15), 0.07)
    body.add(f"hand_{side}", f"wrist_{side}", hand, (0.026, 0.02), "skin", learnt=False)


def _leg(
    body: Body,
    rng: np.random.Generator,
    side: str,
    size: np.ndarray,
    girth: float,
    gait: tuple[float, float, float] | None,
) -> None:
    if gait is None:
        hip, knee, ankle = rng.uniform(-40, 90), rng.uniform(0, 115) ** 1.0, rng.uniform(-35, 25)
        knee *= rng.random() < 0.8
    else:
        beat, swing, lift = gait
        hip = rng.normal(3, 4) + swing * np.cos(beat)
        knee = abs(rng.normal(6, 5)) + lift * max(0.0, np.cos(beat + rng.uniform(0.7, 1.5))) ** rng.uniform(0.8, 2)
        ankle = rng.normal(0, 10) - 0.25 * lift * max(0.0, -np.sin(beat + 0.4))
    loose = rng.uniform(0.9, 1.3)
    shin = rng.choice(["legs", "skin"])
    aside = rng.normal(0, 3)
    body.add(
        f"knee_{side}",
        f"hip_{side}",
        sagittal(hip, 0.245 * size[2], aside),
        (0.068 * girth, 0.046 * girth * loose),
        "legs",
    )
    body.add(
        f"ankle_{side}",
        f"knee_{side}",
        sagittal(hip - knee, 0.245 * size[3], aside),
        (0.044 * girth * loose, 0.028 * loose),
        shin,
    )
    foot = hip - knee + 90 + ankle
    body.add(f"heel_{side}", f"ankle_{side}", sagittal(foot - 120, 0.045), (0.026, 0.022), "shoes")
    body.add(f"toe_{side}", f"heel_{side}", sagittal(foot - 4, 0.15 * size[4]), (0.024, 0.018), "shoes")


def quadruped(rng: np.random.Generator) -> Body:
    """A rodent, cat or dog on its feet, rearing or sitting: spine, head, tail and four legs of three parts."""
    fat, legs = rng.uniform(0.07, 0.2), rng.uniform(0.16, 0.5)
    body = Body("quadruped", {"rump": np.zeros(3)}, names=["rump"])
    pitch = rng.normal(0, 8) if rng.random() < 0.75 else rng.uniform(-15, 75)
    hunch = rng.normal(0, 14) if rng.random() < 0.8 else rng.uniform(0, 45)
    _spine(body, rng, pitch, hunch, fat)
    walking = rng.random() < 0.8
    phase, swing, lift = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.16), rng.uniform(0.01, 0.09)
    offsets = {"hind": 0.0, "fore": rng.choice([np.pi, np.pi / 2, rng.uniform(0, 2 * np.pi)])}
    ground = (
        min(body.joints["rump"][1], body.joints["chest"][1]) - fat * rng.uniform(0.6, 1) - legs * rng.uniform(0.3, 0.7)
    )
    for side, sign in SIDES:
        for pair, root in (("hind", "rump"), ("fore", "chest")):
            beat = phase + offsets[pair] + (np.pi if sign > 0 else 0) + rng.normal(0, 0.3)
            hip, deep = f"{pair}_root_{side}", rng.uniform(0.1, 0.5)
            body.add(
                hip,
                root,
                (rng.normal(0, 0.02), -deep * fat, sign * 0.6 * fat),
                (0.7 * fat, 0.55 * fat),
                "coat",
                learnt=False,
            )
            reach = np.array([swing * np.cos(beat), lift * max(0.0, -np.sin(beat)), 0.0])
            foot = np.array([body.joints[hip][0] + rng.normal(0.02, 0.03), ground, body.joints[hip][2]]) + reach
            if not walking or (pair == "fore" and pitch > 25):
                foot = body.joints[hip] + sagittal(
                    rng.uniform(-60, 70), legs * rng.uniform(0.5, 1), sign * rng.uniform(0, 25)
                )
            _limb(body, rng, pair, side, foot, legs, fat)
    return body


def _spine(body: Body, rng: np.random.Generator, pitch: float, hunch: float, fat: float) -> None:
    step, arch = rng.uniform(0.15, 0.2), (hunch, 0.0, -hunch, rng.normal(5, 20))
    shape = fat * np.array(
        [rng.uniform(0.75, 1.1), 1.0, rng.uniform(0.8, 1.05), rng.uniform(0.7, 0.95), rng.uniform(0.45, 0.75)]
    )
    for k, name in enumerate(("loin", "back", "chest", "neck")):
        last = 90 + pitch + arch[k] + rng.normal(0, 4)
        offset = sagittal(last, step * (0.75 if name == "neck" else 1))
        body.add(name, ("rump", "loin", "back", "chest")[k], offset, (shape[k], shape[k + 1]), "coat")
    head, nod = rng.uniform(0.1, 0.17), last - 90 + rng.normal(-15, 20)
    body.add("skull", "neck", sagittal(90 + nod + 10, 0.6 * head), (0.5 * fat, 0.42 * fat), "head")
    body.add("nose", "skull", sagittal(90 + nod - 10, rng.uniform(0.7, 1.1) * head), (0.4 * fat, 0.12 * fat), "head")
    ear = rng.uniform(0.03, 0.08)
    for side, sign in SIDES:
        tip = sagittal(180 - nod + rng.normal(20, 20), ear) + np.array([0, 0, sign * 0.35 * fat])
        body.add(f"ear_{side}", "skull", tip, (0.2 * fat, rng.uniform(0.2, 0.4) * fat), "skin", learnt=side == "right")
    length, thick, turn = (
        rng.uniform(0.05, 0.14),
        rng.uniform(0.08, 0.25) * fat,
        pitch - 90 - hunch / 2 + rng.normal(0, 25),
    )
    curl = rng.normal(0, 14)
    _tail(body, rng, (length, thick, turn, curl), 0.02)


def _tail(body: Body, rng: np.random.Generator, shape: tuple[float, float, float, float], sway: float) -> None:
    """A tail of five parts. shape: length, thickness, first direction and curl (degrees). sway: to the side."""
    length, thick, turn, curl = shape
    for k in range(5):
        turn += curl + rng.normal(0, 6)
        offset = sagittal(turn, length) + np.array([0, 0, rng.normal(0, sway) if sway else 0.0])
        radii = (thick * (1 - 0.18 * k), thick * (0.82 - 0.18 * k))
        body.add(f"tail_{k}", f"tail_{k - 1}" if k else "rump", offset, radii, "tail")


def _limb(body: Body, rng: np.random.Generator, pair: str, side: str, foot: Vector, legs: float, fat: float) -> None:
    """Hip, knee and ankle between body and foot. Knees of hind legs bend forward, those of front legs backward."""
    hip, back = body.joints[f"{pair}_root_{side}"], 1.0 if pair == "hind" else -1.0
    sole = rng.uniform(0.15, 0.34) * legs if pair == "hind" else rng.uniform(0.06, 0.16) * legs
    raised = np.radians(rng.uniform(5, 70))
    ankle = foot + sole * np.array([-np.cos(raised), np.sin(raised), 0.0])
    apart = ankle - hip
    reach = float(np.linalg.norm(apart))
    upper = max(rng.uniform(0.35, 0.55) * legs, 0.52 * reach)
    bulge = np.sqrt(max(upper**2 - (reach / 2) ** 2, 0.0))
    normal = np.array([-apart[1], apart[0], 0.0]) / max(float(np.hypot(apart[0], apart[1])), 1e-6)
    knee = hip + apart / 2 + back * bulge * normal
    thick = fat * rng.uniform(0.3, 0.55)
    skin = str(rng.choice(["coat", "skin"]))
    for name, start, place, radii, part in (
        ("knee", "root", knee, (1.3 * thick, 0.7 * thick), "coat"),
        ("ankle", "knee", ankle, (0.7 * thick, 0.3 * thick), "coat"),
        ("foot", "ankle", foot, (0.3 * thick, 0.26 * thick), skin),
        (
            "toe",
            "foot",
            foot + np.array([rng.uniform(0.2, 0.6) * sole + 0.01, 0, 0]),
            (0.26 * thick, 0.18 * thick),
            skin,
        ),
    ):
        first = f"{pair}_{start}_{side}"
        body.add(f"{pair}_{name}_{side}", first, place - body.joints[first], radii, part)


def from_above(rng: np.random.Generator) -> Body:
    """A four-legged animal seen from above (here x forward, y to its left, z down), turning and stretching."""
    fat, curve = rng.uniform(0.09, 0.2), rng.normal(0, 14)
    body = Body("from above", {"rump": np.zeros(3)}, names=["rump"])
    shape = fat * np.array(
        [rng.uniform(0.7, 1.1), 1.0, rng.uniform(0.75, 1), rng.uniform(0.6, 0.9), rng.uniform(0.4, 0.7)]
    )
    turn, step = 90 - 1.5 * curve, rng.uniform(0.12, 0.19)
    for k, name in enumerate(("loin", "back", "chest", "neck")):
        turn += curve + rng.normal(0, 3)
        body.add(name, ("rump", "loin", "back", "chest")[k], sagittal(turn, step), (shape[k], shape[k + 1]), "coat")
    turn += rng.normal(0, 14)
    body.add("skull", "neck", sagittal(turn, rng.uniform(0.06, 0.1)), (0.5 * fat, 0.42 * fat), "head")
    body.add("nose", "skull", sagittal(turn, rng.uniform(0.08, 0.15)), (0.4 * fat, 0.1 * fat), "head")
    ear = rng.uniform(0.03, 0.09)
    phase, swing = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.13)
    for side, sign in SIDES:
        tip = sagittal(turn + sign * rng.uniform(95, 125), ear)
        body.add(f"ear_{side}", "skull", tip, (0.2 * fat, rng.uniform(0.2, 0.45) * fat), "skin")
        for pair, root in (("hind", "rump"), ("fore", "chest")):
            beat = phase + (np.pi if (sign > 0) ^ (pair == "fore") else 0) + rng.normal(0, 0.5)
            out = sagittal(90 + sign * rng.uniform(60, 95), fat * rng.uniform(0.7, 1.1)) + np.array(
                [swing * np.cos(beat), 0, 0.5 * fat]
            )
            start = f"{pair}_knee_{side}"
            body.add(start, root, out, (0.5 * fat, 0.3 * fat), "coat", learnt=False)
            paw = np.array([rng.uniform(0.02, 0.1), sign * rng.uniform(-0.3, 0.5) * fat, 0.3 * fat])
            body.add(f"{pair}_foot_{side}", start, paw, (0.18 * fat, 0.12 * fat), "skin")
    length, thick, curl = rng.uniform(0.04, 0.14), rng.uniform(0.1, 0.25) * fat, rng.normal(0, 16)
    _tail(body, rng, (length, thick, -90 - 1.5 * curve + rng.normal(0, 15), curl), 0.0)
    return body


def insect(rng: np.random.Generator) -> Body:
    """A six-legged animal with wings from above: head, thorax, abdomen, wing tips and feet."""
    body, fat, turn = (
        Body("insect", {"thorax": np.zeros(3)}, names=["thorax"]),
        rng.uniform(0.07, 0.15),
        rng.normal(0, 8),
    )
    body.add("head", "thorax", sagittal(90 + turn, rng.uniform(0.14, 0.22)), (fat, rng.uniform(0.6, 1.1) * fat), "head")
    bent = turn + rng.normal(0, 10)
    body.add("waist", "thorax", sagittal(-90 + bent, rng.uniform(0.1, 0.2)), (fat, 1.1 * fat), "coat")
    body.add(
        "abdomen",
        "waist",
        sagittal(-90 + bent + rng.normal(0, 12), rng.uniform(0.15, 0.35)),
        (1.15 * fat, 0.5 * fat),
        "trunk",
    )
    phase = rng.uniform(0, 2 * np.pi)
    spread = abs(rng.normal(0, 25)) if rng.random() < 0.6 else rng.uniform(30, 110)
    for side, sign in SIDES:
        single = spread if rng.random() < 0.7 else rng.uniform(0, 100)
        wing = sagittal(-90 + turn - sign * (8 + single), rng.uniform(0.35, 0.6)) + np.array([0, 0, -0.1])
        body.add(f"wing_{side}", "thorax", wing, (0.03, rng.uniform(0.06, 0.12)), "skin")
        for k, aim in enumerate((45, 90, 140)):
            beat = phase + np.pi * ((k + (sign > 0)) % 2) + rng.normal(0, 0.4)
            angle = 90 + sign * (aim + rng.uniform(5, 22) * np.cos(beat) + rng.normal(0, 8))
            reach, thick = rng.uniform(0.12, 0.24), rng.uniform(0.012, 0.026)
            body.add(
                f"knee_{k}_{side}", "thorax", sagittal(angle, fat + 0.5 * reach), (thick, thick), "legs", learnt=False
            )
            body.add(
                f"foot_{k}_{side}",
                f"knee_{k}_{side}",
                sagittal(angle + rng.normal(sign * 15, 15), reach),
                (thick, 0.7 * thick),
                "legs",
            )
    return body


def branching(rng: np.random.Generator) -> Body:
    """A chain of four to six parts with two branches, unlike any animal: the encoder shall learn other shapes, too."""
    body, turn = Body("branching", {"part_0": np.zeros(3)}, names=["part_0"]), rng.uniform(0, 360)
    thick = rng.uniform(0.04, 0.12)
    for k in range(1, 6):
        turn += rng.normal(0, 40)
        offset = sagittal(turn, rng.uniform(0.12, 0.22), rng.normal(0, 20))
        body.add(
            f"part_{k}",
            f"part_{k - 1}",
            offset,
            (thick * rng.uniform(0.7, 1.2), thick * rng.uniform(0.6, 1.1)),
            str(rng.choice(["coat", "trunk"])),
        )
    for name, start in (("branch_0", "part_2"), ("branch_1", "part_4")):
        body.add(
            name,
            start,
            sagittal(rng.uniform(0, 360), rng.uniform(0.15, 0.35), rng.normal(0, 20)),
            (0.6 * thick, 0.4 * thick),
            "legs",
        )
    return body


PLANS: dict[str, tuple[Callable[[np.random.Generator], Body], float]] = {
    "biped": (biped, 0.36),
    "quadruped": (quadruped, 0.32),
    "from above": (from_above, 0.16),
    "insect": (insect, 0.09),
    "branching": (branching, 0.07),
}
"""Body plans by name: the function that draws one, and its share of the pictures."""
