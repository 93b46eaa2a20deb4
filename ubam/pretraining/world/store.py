"""Drawn pairs on disk: parts of 250 as plain arrays (`parts.Parts` reads them); pairs 2 k and 2 k + 1 are one shot."""

import os
from pathlib import Path

import numpy as np

from .bodies.cast import PLANS, load_cast
from .pairs import MOST_LANDMARKS, Pair, World
from .parts import PART
from .photographs import draw_layers
from .renderer import Renderer

SHARES = {"person": 0.42, "rodent": 0.33, "dog": 0.12, "fly": 0.13}
NAMES = ("frames", "empty", "alpha", "place", "on_body", "visible")


def draw_part(cast_folder: Path, folder: Path, seed: int, number: int) -> Path:
    """Draw part `number` into `folder` unless it is there; the same seed and number give the same pairs."""
    done = folder / f"part{number:05d}"
    if done.exists():
        return done
    random = np.random.default_rng([seed, number])
    casts = {plan: load_cast(cast_folder, plan) for plan in PLANS}
    world = World(Renderer(draw_layers(random)), casts)
    plans = random.choice(len(PLANS), PART // 2, p=[SHARES[plan] for plan in PLANS])
    shots = [world.draw(PLANS[plan], np.random.default_rng([seed, number, k])) for k, plan in enumerate(plans)]
    pairs, plans = [pair for shot in shots for pair in shot], plans.repeat(2)
    working = folder / f"working{number:05d}-{os.getpid()}"
    working.mkdir(parents=True)
    for name, array in _arrays(pairs, plans).items():
        np.save(working / f"{name}.npy", array)
    working.rename(done)
    return done


def _arrays(pairs: list[Pair], plans: np.ndarray) -> dict[str, np.ndarray]:
    arrays = {
        name: np.stack([np.stack([getattr(clip, name) for clip in pair.clips]) for pair in pairs]) for name in NAMES
    }
    arrays["landmarks"] = np.stack([pair.landmarks for pair in pairs]).reshape(len(pairs), MOST_LANDMARKS, 2)
    arrays["plan"] = plans.astype(np.int8)
    arrays["empty_kind"] = np.array([pair.empty_kinds for pair in pairs], np.int8)
    return arrays
