"""Left and right of a recording: exchanged at random in every frame, they are put in order again."""

import numpy as np
import pytest

from ubam.tracking.eye.landmarks import LANDMARKS, PLANS
from ubam.tracking.sides import limbs_of, settle_sides

FPS, FRAMES = 25.0, 60
NAMES = LANDMARKS["person"]
LEGS = limbs_of("person")[1]


def walker() -> np.ndarray:
    """Landmarks [T, L, 2] of a stick figure of height 1 that walks in place, its legs in antiphase."""
    rng, phase = np.random.default_rng(0), 2 * np.pi * np.arange(FRAMES) / 24
    places = np.tile(np.linspace(0, 0.4, len(NAMES))[None, :, None], (FRAMES, 1, 2)) * [0.1, 1.0]
    for side, ahead in ((0, 0.0), (1, np.pi)):
        for joint, limb in enumerate(LEGS):
            swing = 0.1 * joint * np.sin(phase + ahead)
            lift = 0.02 * joint * np.maximum(0, np.cos(phase + ahead))
            places[:, limb[side]] = np.stack([swing, 0.5 + 0.15 * joint - lift], 1)
    return places + 0.003 * rng.normal(size=places.shape)


def exchanged(places: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    """Each joint of the legs exchanged in a share of the frames."""
    rng, mixed = np.random.default_rng(seed), places.copy()
    for left, right in LEGS:
        frames = rng.random(len(places)) < share
        mixed[frames, left], mixed[frames, right] = places[frames, right], places[frames, left]
    return mixed


def settled(places: np.ndarray) -> np.ndarray:
    return np.take_along_axis(places, settle_sides(places, "person", FPS)[..., None], 1)


def test_legs_keep_their_sides_when_the_eye_exchanges_every_third() -> None:
    true = walker()
    mixed = exchanged(true, 0.35)
    feet = [number for limb in LEGS[2:] for number in limb]
    far = np.abs(true[:, LEGS[3][0]] - true[:, LEGS[3][1]]).sum(-1) > 0.1
    wrong_before = (np.linalg.norm(mixed - true, axis=-1)[far][:, feet] > 0.05).mean()
    wrong = (np.linalg.norm(settled(mixed) - true, axis=-1)[far][:, feet] > 0.05).mean()
    assert wrong_before > 0.25
    assert wrong < 0.02


def test_legs_pass_each_other_though_one_hides_the_other_meanwhile() -> None:
    true = walker()
    mixed = exchanged(true, 0.3, seed=3)
    near = np.abs(true[:, LEGS[3][0]] - true[:, LEGS[3][1]]).sum(-1) < 0.12
    for left, right in LEGS:
        mixed[near, left] = mixed[near, right]
    far = ~near
    feet = list(LEGS[3])
    assert (np.linalg.norm(settled(mixed) - true, axis=-1)[far][:, feet] > 0.05).mean() < 0.02


def test_what_is_in_order_stays() -> None:
    assert np.array_equal(settle_sides(walker(), "person", FPS)[:, [3]], np.full((FRAMES, 1), 3))
    feet = list(LEGS[3])
    assert (settle_sides(walker(), "person", FPS)[:, feet] == feet).mean() > 0.9


def test_two_frames_say_nothing() -> None:
    assert np.array_equal(settle_sides(walker()[:2], "person", FPS), np.tile(np.arange(len(NAMES)), (2, 1)))


@pytest.mark.parametrize("plan", PLANS)
def test_every_limb_is_made_of_pairs(plan: str) -> None:
    names = LANDMARKS[plan]
    joints = [joint for limb in limbs_of(plan) for joint in limb]
    assert all(names[left].replace("_left", "_right") == names[right] for left, right in joints)
    assert len({number for joint in joints for number in joint}) == 2 * len(joints)
