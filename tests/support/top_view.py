"""An animal drawn from above, with body, head, ears and tail, on curved ways with known heading."""

from itertools import pairwise

import cv2
import numpy as np

Picture = np.ndarray


def wander(count: int, size: tuple[int, int], speed: float, random: np.random.Generator) -> np.ndarray:
    """Places and heading (x, y, radians) float64 [count, 3]: curved, now and then slower, away from the walls."""
    middle = np.array(size) / 2
    at, heading, turn, pace = middle.copy(), random.uniform(0, 2 * np.pi), 0.0, 1.0
    states = []
    for t in range(count):
        pace += 0.15 * ((1.0, 0.3)[t // 40 % 2] - pace)
        turn += random.normal(0, 0.035) - 0.12 * turn
        home = np.arctan2(*(middle - at)[::-1])
        outside = np.clip(np.hypot(*((at - middle) / (0.33 * np.array(size)))) - 1, 0, 1)
        heading += (turn + 0.06 + 0.12 * outside * np.sin(home - heading)) * (0.3 + 0.7 * pace)
        at = at + speed * pace * np.array([np.cos(heading), np.sin(heading)])
        states.append((*at, heading))
    return np.array(states)


def draw(picture: Picture, state: np.ndarray, t: int, length: float, colour: tuple[int, int, int]) -> None:
    """Draw the animal into a picture uint8 [H,W,3]."""
    x, y, heading = state
    forward, right = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])

    def place(ahead: float, aside: float) -> tuple[int, int]:
        at = 8 * (np.array([x, y]) + length * (ahead * forward + aside * right))
        return int(at[0]), int(at[1])

    def blob(ahead: float, aside: float, long: float, wide: float, light: float = 1.0) -> None:
        axes, tint = (int(8 * long * length), int(8 * wide * length)), [min(255, int(light * c)) for c in colour]
        cv2.ellipse(picture, place(ahead, aside), axes, np.degrees(heading), 0, 360, tint, -1, cv2.LINE_AA, 3)

    tail = [place(-0.42 - 0.06 * k, 0.02 * k * np.sin(0.3 * t + 0.5 * k)) for k in range(8)]
    for start, end in pairwise(tail):
        cv2.line(picture, start, end, colour, max(1, round(0.04 * length)), cv2.LINE_AA, 3)
    for side in (-1, 1):
        blob(-0.25 - 0.06 * side * np.sin(0.8 * t), 0.19 * side, 0.07, 0.04, 0.8)
    blob(-0.12, 0, 0.33, 0.19)
    blob(0.12, 0, 0.22, 0.15)
    blob(0.36, 0, 0.16, 0.1, 1.1)
    for side in (-1, 1):
        blob(0.27, 0.1 * side, 0.05, 0.05, 1.4)


def film(
    seed: int, count: int = 200, size: tuple[int, int] = (240, 180), length: float = 40.0, dark: bool = True
) -> tuple[list[Picture], np.ndarray]:
    """Frames uint8 [H,W,3] of one animal, and its states from `wander`."""
    random = np.random.default_rng(seed)
    floor = cv2.resize(random.normal(200 if dark else 70, 9, (size[1] // 6, size[0] // 6, 3)), size)
    colour = (60, 50, 45) if dark else (190, 185, 180)
    states = wander(count, size, 2.0, random)
    frames = []
    for t, state in enumerate(states):
        picture = (floor + random.normal(0, 2, (size[1], size[0], 1))).clip(0, 255).astype(np.uint8)
        draw(picture, state, t, length, colour)
        frames.append(picture)
    return frames, states
