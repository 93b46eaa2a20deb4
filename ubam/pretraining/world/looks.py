"""The appearance of a body: clothes, hair and skin of people, coats of animals, cuticles of flies."""

from dataclasses import dataclass

import cv2
import numpy as np

from . import photographs as layer
from .bodies.cast import Cast


@dataclass
class Skirt:
    """A skirt: heights of waist and hem on the canonical body, its widening, colour [3] and matter [4]."""

    waist: float
    hem: float
    flare: float
    colour: np.ndarray
    matter: np.ndarray


@dataclass
class Look:
    """colour [V, 3] within 0..1, matter [V, 4] (layer, scale, strength of the texture, gloss), padding [V] outwards."""

    colour: np.ndarray
    matter: np.ndarray
    padding: np.ndarray
    skirt: Skirt | None = None


def any_colour(random: np.random.Generator) -> np.ndarray:
    """A random colour, mostly one of the dull colours of clothes and rooms."""
    hue, value = random.uniform(0, 180), np.clip(random.beta(1.3, 1.3), 0.03, 0.97)
    saturation = random.beta(1, 2.2)
    pixel = np.array([[[hue, 255 * saturation, 255 * value]]], np.uint8)
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB))[0, 0] / 255.0


def _field(canonical: np.ndarray, random: np.random.Generator, rate: float) -> np.ndarray:
    """A smooth random function of the place on the body, about -1..1, [V]."""
    ways, phases = random.normal(0, rate, (5, 3)), random.uniform(0, 6.3, 5)
    return np.sin(canonical @ ways.T + phases).sum(1) / 2.2


def _cloth(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    kinds = [
        layer.NOISE,
        layer.STRIPES,
        layer.CHECKS,
        layer.DOTS,
        layer.PLAID,
        layer.CLOUDS,
        int(random.integers(0, 30)),
    ]
    kind = random.choice(kinds, p=[0.4, 0.1, 0.06, 0.06, 0.08, 0.2, 0.1])
    strength = random.uniform(0.05, 0.4) if kind in (layer.NOISE, layer.CLOUDS) else random.uniform(0.1, 0.9)
    return any_colour(random), np.array(
        [kind, random.uniform(0.4, 3), strength, random.choice([0, random.uniform(0, 0.4)])]
    )


def _skirt(waist: float, random: np.random.Generator) -> Skirt:
    hems = [random.uniform(-0.3, -0.1), random.uniform(-0.6, -0.3), random.uniform(-0.9, -0.6)]
    return Skirt(waist, random.choice(hems), random.uniform(0.0, 0.12), *_cloth(random))


def _parts_of_person(cast: Cast) -> tuple[np.ndarray, ...]:
    """Which vertices [V] belong to legs, feet, arms, hands and head."""
    main = np.array([cast.names[b].split(".")[0] for b in cast.bones[:, 0]])

    def of(*bones: str) -> np.ndarray:
        return np.any([np.char.startswith(main, bone) for bone in bones], axis=0)

    head = (main == "head") | of("eye")
    return (
        of("upperleg", "lowerleg", "pelvis"), of("foot", "toe"), of("upperarm", "lowerarm"),
        of("wrist", "finger", "metacarpal"), head,
    )  # fmt: skip


def _under_hair(cast: Cast, random: np.random.Generator) -> np.ndarray:
    back, height = cast.canonical[:, 0], cast.canonical[:, 2]
    top = height > random.uniform(0.86, 0.93)
    return top | ((back < random.uniform(-0.75, -0.3)) & (height > random.uniform(0.68, 0.85)))


def _hair(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    dark = random.uniform() < 0.85
    tone = np.array([0.5, 0.35, 0.2]) * random.uniform(0.1, 1.6) if dark else np.ones(3) * random.uniform(0.4, 0.9)
    return np.clip(tone, 0, 1), np.array([layer.FUR, 3, 0.5, 0.2])


def person_look(cast: Cast, random: np.random.Generator) -> Look:
    """Skin, hair, clothes and shoes of a random person."""
    legs, feet, arms, hands, head = _parts_of_person(cast)
    height = cast.canonical[:, 2]
    skin = np.array([0.95, 0.75, 0.62]) * random.uniform(0.25, 1.0) * random.uniform(0.92, 1.05, 3)
    count = len(height)
    colour, matter = np.tile(skin, (count, 1)), np.tile([layer.CLOUDS, 2.0, 0.15, 0.1], (count, 1))
    padding = np.zeros(count)
    waist = random.uniform(0.05, 0.2)
    hem = random.choice([random.uniform(-0.35, -0.1), random.uniform(-0.8, -0.4), -0.87, -2], p=[0.22, 0.2, 0.48, 0.1])
    folds = _field(cast.canonical * [1, 1, 0.6], random, 14)

    def wear(where: np.ndarray, loose: float, cloth: tuple[np.ndarray, np.ndarray]) -> None:
        colour[where], matter[where] = cloth
        padding[where] = 0.003 + loose * (1 + 0.6 * folds[where])

    trunk = ~(legs | feet | arms | hands | head)
    if random.uniform() < 0.94:
        loose = random.choice([0.002, random.uniform(0.005, 0.035)])
        wear((legs & (height > hem)) | (trunk & (height < waist)), loose, _cloth(random))
    reach = np.abs(cast.canonical[:, 1])
    sleeve = random.choice([0.0, random.uniform(0.4, 0.6), random.uniform(0.6, 1.2)], p=[0.15, 0.4, 0.45])
    if random.uniform() < 0.92:
        bottom = waist - random.choice([0.02, random.uniform(0, 0.25)])
        neck = random.uniform(0.62, 0.72)
        wear(((trunk & (height < neck)) | legs) & (height > bottom) | (arms & (reach < sleeve)),
             random.choice([0.003, random.uniform(0.005, 0.03)]), _cloth(random))  # fmt: skip
    if random.uniform() < 0.7:
        wear(feet | (legs & (height < random.uniform(-0.97, -0.85))), random.uniform(0.004, 0.012), _cloth(random))
    elif random.uniform() < 0.3:
        wear(feet | (legs & (height < random.uniform(-0.9, -0.6))), 0.002, _cloth(random))
    if random.uniform() < 0.9:
        wear(head & _under_hair(cast, random), random.uniform(0.003, 0.03), _hair(random))
    skirt = _skirt(waist, random) if random.uniform() < 0.14 else None
    return Look(np.clip(colour, 0, 1), matter, padding * random.uniform(0.5, 1.1), skirt)


def coat_look(cast: Cast, random: np.random.Generator) -> Look:
    """Fur in one colour, with a light belly, in patches or hooded; bare tail, paws and ears."""
    canonical, count = cast.canonical, len(cast.canonical)
    fur = np.array([[0.97, 0.95, 0.92], [0.05, 0.05, 0.05], [0.45, 0.32, 0.2], [0.5, 0.48, 0.45], [0.75, 0.6, 0.4]])
    base = np.clip(fur[random.integers(5)] * random.uniform(0.6, 1.1) + random.normal(0, 0.04, 3), 0.02, 1)
    colour = np.tile(base, (count, 1))
    main = np.array([cast.names[b] for b in cast.bones[:, 0]])
    kind = random.uniform()
    if kind < 0.25:
        other = np.clip(fur[random.integers(5)] + random.normal(0, 0.05, 3), 0.02, 1)
        patches = _field(canonical, random, random.uniform(1, 5)) > random.uniform(-0.5, 0.8)
        colour[patches] = other
    elif kind < 0.4:
        hood = (canonical[:, 0] > random.uniform(0.5, 0.75)) | (np.abs(canonical[:, 1]) < 0.15) & (canonical[:, 2] > 0)
        colour[:], colour[hood] = fur[0], base
    if random.uniform() < 0.4:
        belly = np.clip((random.uniform(-0.3, 0.2) - canonical[:, 2]) * 3, 0, 1)[:, None]
        colour = colour + belly * random.uniform(0.2, 0.9) * (np.array([0.9, 0.88, 0.84]) - colour)
    matter = np.tile([layer.FUR, random.uniform(1, 4), random.uniform(0.1, 0.5), random.uniform(0, 0.15)], (count, 1))
    padding = random.uniform(0, 0.012) * (1 + random.normal(0, 0.5, count))
    if cast.plan == "rodent":
        bare = np.char.startswith(main, ("vertebra_C")) & ~np.char.startswith(main, "vertebra_cervical")
        for part in ("foot", "toe", "hand", "finger"):
            bare |= np.char.startswith(main, part)
        pink = (
            np.array([0.85, 0.62, 0.55]) * random.uniform(0.5, 1.15)
            if random.uniform() < 0.7
            else base * random.uniform(0.5, 1.2)
        )
        colour[bare], padding[bare] = np.clip(pink, 0, 1), 0
        ears = (main == "skull") & (canonical[:, 2] > 0.62)
        if random.uniform() < 0.6:
            colour[ears] = np.clip(0.5 * colour[ears] + 0.5 * pink, 0, 1)
    padding[(main == "skull") | (main == "jaw")] *= 0.3
    return Look(np.clip(colour, 0, 1), matter, padding)


def fly_look(cast: Cast, random: np.random.Generator) -> Look:
    """Colours of a random fly: body, rings of the abdomen, eyes and wings."""
    canonical, count = cast.canonical, len(cast.canonical)
    main = np.array([cast.names[b] for b in cast.bones[:, 0]])
    tone = np.array([[0.55, 0.38, 0.18], [0.1, 0.08, 0.06], [0.35, 0.3, 0.15], [0.85, 0.82, 0.78]])[random.integers(4)]
    base = np.clip(tone * random.uniform(0.6, 1.15) + random.normal(0, 0.03, 3), 0.02, 1)
    colour = np.tile(base, (count, 1))
    rings = np.char.startswith(main, "abdomen") & (
        np.sin(canonical[:, 0] * random.uniform(30, 60)) > random.uniform(-0.5, 0.9)
    )
    colour[rings] *= random.uniform(0.2, 0.9)
    wings = np.char.startswith(main, "wing")
    colour[wings] = 0.5 * base + 0.5 * random.uniform(0.3, 1.0) * np.array([0.9, 0.9, 0.95])
    eyes = (main == "head") & (np.abs(canonical[:, 1]) > 0.12)
    if random.uniform() < 0.7:
        colour[eyes] = np.array([0.6, 0.12, 0.08]) * random.uniform(0.3, 1.3)
    matter = np.tile([layer.CLOUDS, 2.0, random.uniform(0, 0.4), random.uniform(0, 0.8)], (count, 1))
    return Look(np.clip(colour, 0, 1), matter, np.zeros(count))


def draw_look(cast: Cast, random: np.random.Generator) -> Look:
    """A random appearance for the cast's plan; sometimes one flat colour."""
    maker = {"person": person_look, "rodent": coat_look, "dog": coat_look, "fly": fly_look}[cast.plan]
    look = maker(cast, random)
    if random.uniform() < 0.06:
        look.colour[:] = any_colour(random)
        look.matter[:, 2] *= 0.3
    elif random.uniform() < 0.08:  # like a toy: every bone in its own colour
        shades = np.stack([any_colour(random) for _ in cast.names])
        look.colour = shades[cast.bones[:, 0]]
    return look
