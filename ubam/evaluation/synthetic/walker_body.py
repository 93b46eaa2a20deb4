"""What a walker is made of: proportions, limbs with their radii, clothes.

Segment lengths are shares of height after Drillis and Contini (1966); radii are in thousandths of it.
"""

from dataclasses import dataclass

import numpy as np

from ubam.evaluation.synthetic.rendering import Bone, Material


@dataclass(frozen=True)
class Body:
    """Proportions: `height` m; `girth` about 1; lengths as shares of height times the subject's own ratio."""

    height: float
    girth: float
    legs: float
    shoulders: float
    hips: float
    belly: float
    chest: float
    head: float
    hair: str
    sleeves: str
    legwear: str
    loose: float
    untucked: bool


def sample_body(rng: np.random.Generator) -> Body:
    """A random adult; `rng` is used up in a fixed order."""
    return Body(
        height=rng.uniform(1.58, 1.86),
        girth=rng.uniform(0.88, 1.16),
        legs=rng.uniform(0.96, 1.04),
        shoulders=rng.uniform(0.9, 1.1),
        hips=rng.uniform(0.9, 1.12),
        belly=rng.uniform(0.0, 0.045) * rng.uniform(0, 1),
        chest=rng.uniform(0.0, 0.02),
        head=rng.uniform(0.95, 1.05),
        hair=str(rng.choice(["short", "short", "bun", "long", "cap", "bald"])),
        sleeves=str(rng.choice(["long", "short", "short"])),
        legwear=str(rng.choice(["trousers", "trousers", "trousers", "shorts"])),
        loose=rng.uniform(1.0, 1.22),
        untucked=bool(rng.random() < 0.7),
    )


def bones(body: Body) -> list[Bone]:
    """All limbs of the body; radii in m."""
    found: list[Bone] = []
    for side in ("left", "right"):
        found += _arm_bones(body, side) + _leg_bones(body, side)
    return found + _trunk_bones(body) + _head_bones(body)


def _chain(
    names: str, radii: tuple[float, ...], material: str, size: float, stretch: float = 1.0, dim: float = 1.0
) -> list[Bone]:
    """Bones through the points `names` (separated by blanks), radii in thousandths of `size`."""
    points = names.split()
    return [
        Bone(points[i], points[i + 1], radii[i] * size / 1000, radii[i + 1] * size / 1000, material, stretch, dim)
        for i in range(len(points) - 1)
    ]


def _leg_bones(body: Body, side: str) -> list[Bone]:
    size, wide = body.height, body.height * body.girth
    dim = 0.86 if side == "left" else 1.0
    loose = wide * body.loose
    legs: list[Bone] = _chain(f"cuff_{side} ankle_{side}", (22, 20), "skin", wide, dim=dim)
    if body.legwear == "trousers":
        cloth = " ".join(f"{name}_{side}" for name in ("hip", "quad", "knee", "calf", "cuff"))
        legs += _chain(cloth, (56, 49, 35, 34, 27), "legs", 0.5 * (wide + loose), dim=dim)
    else:
        cloth = " ".join(f"{name}_{side}" for name in ("hip", "quad", "hem"))
        bare = " ".join(f"{name}_{side}" for name in ("hem", "knee", "calf", "ankle"))
        legs += _chain(bare, (38, 31, 31, 20), "skin", wide, dim=dim)
        legs += _chain(cloth, (56, 51, 45), "legs", 0.5 * (wide + loose), dim=dim)
    shoe = _chain(f"heel_{side} ball_{side} toe_{side}", (19, 15, 12), "shoes", size, 1.1, dim)
    shoe += _chain(f"heel_{side} ankle_{side}", (18, 21), "shoes", size, 1.0, dim)
    return legs + shoe + _chain(f"ankle_{side} instep_{side} ball_{side}", (20, 19, 14), "shoes", size, 1.1, dim)


def _arm_bones(body: Body, side: str) -> list[Bone]:
    size = body.height * body.girth
    dim = 0.8 if side == "left" else 1.0
    joint = {
        name: f"{name}_{side}"
        for name in ("shoulder", "sleeve", "elbow", "forearm", "wrist", "palm", "fingers", "thumb")
    }
    if body.sleeves == "long":
        arm = _chain("{shoulder} {elbow} {forearm} {wrist}".format(**joint), (33, 26, 25, 19), "shirt", size, dim=dim)
    else:
        arm = _chain("{sleeve} {elbow} {forearm} {wrist}".format(**joint), (25, 22, 22, 15), "skin", size, dim=dim)
        arm += _chain("{shoulder} {sleeve}".format(**joint), (34, 29), "shirt", size, dim=dim)
    hand = _chain("{wrist} {palm} {fingers}".format(**joint), (14, 19, 9), "skin", body.height, 0.6, dim)
    return arm + hand + _chain("{wrist} {thumb}".format(**joint), (10, 6), "skin", body.height, 1.0, dim)


def _trunk_bones(body: Body) -> list[Bone]:
    size = body.height * body.girth
    deep = 1.5 * body.shoulders / body.girth
    legs = _chain("seat belt", (57, 58), "legs", size, 1.35) + _chain("pelvis belt", (57, 58), "legs", size, 1.35)
    hem = 62 * body.loose**0.5 if body.untucked else 59
    trunk = _chain(
        "tail belt waist chest yoke collar" if body.untucked else "belt waist chest yoke collar",
        (hem, 62, 60, 66, 55, 40) if body.untucked else (59, 58, 66, 55, 40),
        "shirt",
        size,
        deep,
    )
    trunk += _chain("belly bust", (56, 56), "shirt", size, deep)
    trunk += _chain("shoulder_left yoke shoulder_right", (34, 48, 34), "plain", size)
    return legs + trunk


def _head_bones(body: Body) -> list[Bone]:
    size = body.height * body.head
    head = _chain("collar neck", (32, 29), "skin", size) + _chain("neck head", (29, 40), "skin", size)
    head += _chain("occiput forehead", (45, 36), "skin", size, 0.85) + _chain(
        "forehead jaw", (34, 21), "skin", size, 0.9
    )
    head += _chain("bridge nose", (7, 9), "skin", size) + _chain("eye_right brow", (5, 5), "dark", size)
    head += _chain("ear_right ear_right", (11, 11), "ear", size, 0.5)
    if body.hair == "bald":
        return head
    if body.hair == "cap":
        head += _chain("nape occiput", (33, 46), "hair", size, 0.86)
        return (
            head
            + _chain("occiput crown fringe", (48, 48, 33), "hat", size, 0.9)
            + _chain("fringe peak", (12, 6), "hat", size, 3.0)
        )
    head += _chain("nape occiput crown fringe", (33, 47, 46, 31), "hair", size, 0.9)
    if body.hair == "bun":
        head += _chain("bun occiput", (21, 30), "hair", size)
    if body.hair == "long":
        head += _chain("occiput nape tress", (46, 40, 24), "hair", size, 1.0)
    return head


def sample_materials(rng: np.random.Generator, palette: str = "any") -> dict[str, Material]:
    """Skin, hair and clothes; `palette` "light" or "dark" draws clothes from one end only."""
    pale = rng.uniform() ** 0.6
    skin = pale * np.array([0.93, 0.75, 0.65]) + (1 - pale) * np.array([0.40, 0.27, 0.20])
    hair = np.array([[0.10, 0.08, 0.07], [0.28, 0.17, 0.10], [0.55, 0.40, 0.22], [0.62, 0.60, 0.58]])[rng.integers(4)]
    shirt, legs, shoes, hat = (_cloth(rng, palette) for _ in range(4))
    sole = np.full(3, rng.choice([0.12, 0.85]))
    striped = rng.random() < 0.4
    second = np.clip(shirt + rng.choice([-1, 1]) * rng.uniform(0.15, 0.4), 0.03, 0.97)
    return {
        "skin": Material(_rgb(skin), grain=0.02),
        "ear": Material(_rgb(skin * 0.86), grain=0.0),
        "hair": Material(_rgb(hair), grain=0.16, grain_size=(0.03, 0.008), gloss=0.12),
        "hat": Material(_rgb(hat), grain=0.05),
        "shirt": Material(
            _rgb(shirt),
            _rgb(second),
            period=rng.uniform(0.05, 0.12) if striped else 0.0,
            grain=rng.uniform(0.04, 0.12),
            grain_size=(rng.uniform(0.02, 0.07), rng.uniform(0.02, 0.07)),
        ),
        "plain": Material(_rgb(0.5 * (shirt + second) if striped else shirt), grain=0.05, grain_size=(0.03, 0.03)),
        "legs": Material(_rgb(legs), grain=rng.uniform(0.03, 0.08), grain_size=(0.08, 0.02)),
        "shoes": Material(_rgb(shoes), under=_rgb(sole), countershade=1.0, grain=0.03, gloss=0.1),
        "dark": Material((0.08, 0.06, 0.05), grain=0.0),
    }


def _cloth(rng: np.random.Generator, palette: str) -> np.ndarray:
    low, high = {"any": (0.08, 0.9), "light": (0.55, 0.95), "dark": (0.05, 0.35)}[palette]
    grey, hue = rng.uniform(low, high), rng.uniform(0, 2 * np.pi)
    colour = grey + rng.uniform(0.01, 0.2) * np.cos(hue + np.array([0, 2.1, 4.2]))
    return np.clip(colour, 0.03, 0.97)


def _rgb(colour: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in np.clip(colour, 0, 1))
    return red, green, blue
