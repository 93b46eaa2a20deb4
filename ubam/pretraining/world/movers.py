"""What moves on a film set besides the subject: a hand that reaches in, bedding, a swinging cable."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import photographs as layer
from .bodies.skinned_body import rotation
from .looks import any_colour
from .scenes import Parts

FINGERS = 4
HAND, BEDDING, CABLE = 0.07, 0.3, 0.06  # shares of the films of rodents that show one


@dataclass
class Mover:
    """A thing that moves. moved: its place [4, 4] at a time in cycles; stays: whether the empty scene shows it, too."""

    parts: Parts
    moved: Callable[[float], np.ndarray]
    stays: bool


def draw_movers(plan: str, size: float, random: np.random.Generator) -> list[Mover]:
    """The movers around a body of `size` units at the origin; only rodents have some."""
    if plan != "rodent":
        return []
    drawn = []
    if random.uniform() < HAND:
        drawn.append(_hand(size, random))
    if random.uniform() < BEDDING:
        drawn += _bedding(size, random)
    if random.uniform() < CABLE:
        drawn.append(_cable(size, random))
    return drawn


def _hand(size: float, random: np.random.Generator) -> Mover:
    """A gloved or bare hand on its forearm, which comes from one side and from above."""
    long = size * random.uniform(0.7, 1.8)
    colour = any_colour(random) if random.uniform() < 0.5 else np.array([0.8, 0.6, 0.5]) * random.uniform(0.4, 1.1)
    matter = np.array([layer.NOISE, 1, 0.05, 0.1])
    around = rotation(np.array([0.0, 0, 1]), random.uniform(0, 2 * np.pi))[0]
    inwards = around @ np.array([1.0, 0, -random.uniform(0.0, 0.6)])
    aside = around @ np.array([0.0, 1, 0])
    tip = -inwards * size * random.uniform(0.1, 0.6) + np.array([0, 0, size * random.uniform(0.15, 0.5)])
    palm = tip - 0.6 * long * inwards
    parts = Parts()
    parts.blob(palm, long * np.array([0.25, 0.25, 0.12]), colour, matter)
    parts.tube(np.stack([palm, palm - 4 * long * inwards]), 0.13 * long, colour, matter)
    for k in range(FINGERS):
        root = palm + aside * long * 0.12 * (k - 1.5)
        bent = root + 0.3 * long * inwards + np.array([0, 0, 0.05 * long])
        end = tip + aside * long * 0.08 * (k - 1.5) - np.array([0, 0, random.uniform(0, 0.15) * long])
        parts.tube(np.stack([root, bent, end]), 0.05 * long, colour, matter)
    reach, phase = size * random.uniform(0.1, 0.8), random.uniform(0, 2 * np.pi)
    return Mover(parts, lambda cycles: _shifted(inwards * reach * np.sin(4 * cycles + phase)), False)


def _bedding(size: float, random: np.random.Generator) -> list[Mover]:
    """Chips on the floor; some of those beside the body are pushed."""
    colour, flat = any_colour(random), random.uniform(0.01, 0.04)
    lying, pushed = Parts(), Parts()
    for k in range(int(random.integers(20, 70))):
        parts = pushed if k % 5 == 0 else lying
        angle, away = random.uniform(0, 2 * np.pi), size * random.uniform(0.15, 0.6 if k % 5 == 0 else 1.6)
        at = np.array([np.cos(angle), np.sin(angle), 0]) * away
        half = size * random.uniform(0.01, 0.05, 3) * [1, 1, flat / 0.04]
        shade = np.clip(colour * random.uniform(0.7, 1.3), 0, 1)
        parts.box(at - half * [1, 1, 0], at + half * [1, 1, 2], shade, np.array([layer.NOISE, 1, 0.3, 0]))
    way, phase = random.normal(0, 0.05, 3) * size * [1, 1, 0.3], random.uniform(0, 2 * np.pi)
    still = Mover(lying, lambda _: np.eye(4), True)
    return [still, Mover(pushed, lambda cycles: _shifted(way * np.sin(6 * cycles + phase)), True)]


def _cable(size: float, random: np.random.Generator) -> Mover:
    """A thin cable from the body upwards, as of an implant, which swings with it."""
    steps = np.linspace(0, 1, 20)[:, None]
    lean, bend = random.normal(0, 0.5, 3) * [1, 1, 0], random.normal(0, 0.3, 3) * [1, 1, 0]
    path = size * (np.array([0.2, 0, 0.3]) + steps * (np.array([0, 0, 3.0]) + lean) + np.sin(3 * steps) * bend)
    parts = Parts()
    parts.tube(path, size * random.uniform(0.004, 0.012), any_colour(random), np.zeros(4))
    swing, phase = size * random.normal(0, 0.1, 3) * [1, 1, 0], random.uniform(0, 2 * np.pi)
    return Mover(parts, lambda cycles: _shifted(swing * np.sin(5 * cycles + phase)), False)


def _shifted(by: np.ndarray) -> np.ndarray:
    model = np.eye(4)
    model[:3, 3] = by
    return model
