"""Small films of an animal seen from above while something else moves; its place in every frame is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tests.support.top_view import draw, wander

FPS, COUNT = 25, 150
WIDTH, HEIGHT = 320, 240
LENGTH = 40.0  # pixels of the animal's body
DARK = (60, 50, 45)


@dataclass(frozen=True)
class Staged:
    """A film and what is true of it.

    frames uint8 [T,H,W,3]; places float64 [T,2]: the animal's middle; seen bool [T]: whether it can be seen; disturbed
    bool [T]: whether something much larger is in view; length: of the animal in pixels.
    """

    frames: np.ndarray
    places: np.ndarray
    seen: np.ndarray
    disturbed: np.ndarray
    length: float


Change = Callable[[np.ndarray, int, np.ndarray], np.ndarray]


def staged(
    seed: int, change: Change, *, floor: np.ndarray | None = None, states: np.ndarray | None = None,
    length: float = LENGTH, colour: tuple[int, int, int] = DARK,
) -> Staged:  # fmt: skip
    """An animal on a floor; `change` lays into each picture what else is there, given its number and the state."""
    random = np.random.default_rng(seed)
    floor = plain_floor(random) if floor is None else floor
    height, width = floor.shape[:2]
    states = wander(COUNT, (width, height), 0.05 * length, random) if states is None else states
    frames = []
    for t, state in enumerate(states):
        picture = floor.copy()
        draw(picture, state, t, length, colour)
        noisy = change(picture, t, state) + random.normal(0, 2, (height, width, 1))
        frames.append(noisy.clip(0, 255).astype(np.uint8))
    return Staged(
        np.stack(frames), states[:, :2].copy(), np.ones(len(states), bool), np.zeros(len(states), bool), length
    )


def plain_floor(random: np.random.Generator, size: tuple[int, int] = (WIDTH, HEIGHT), grey: float = 190) -> np.ndarray:
    """A floor with a soft pattern and a rim, uint8 [H,W,3]."""
    width, height = size
    coarse = random.normal(grey, 9, (height // 6, width // 6, 3)).astype(np.float32)
    floor = cv2.resize(coarse, size).clip(0, 255).astype(np.uint8)
    cv2.rectangle(floor, (6, 6), (width - 7, height - 7), (95, 90, 90), 3)
    return floor


def nothing(picture: np.ndarray, t: int, state: np.ndarray) -> np.ndarray:
    """Nothing else moves."""
    return picture


def point(at: np.ndarray) -> tuple[int, int]:
    """A place in the picture as OpenCV takes it."""
    return int(at[0]), int(at[1])


def pushed(seed: int, pixels: float, at_s: float = 3.0) -> Staged:
    """The camera is pushed once, by so many pixels, and stays there."""
    still = staged(seed, nothing)
    after = np.arange(COUNT) >= at_s * FPS
    shift = np.array([0.8, 0.6]) * pixels
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    frames = still.frames.copy()
    for t in np.flatnonzero(after):
        frames[t] = cv2.warpAffine(frames[t], matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return replace(still, frames=frames, places=still.places + after[:, None] * shift)


def wheel(seed: int, radius: float = 34.0, turns_per_s: float = 1.3) -> Staged:
    """A wheel runs in the corner all the time."""

    def change(picture: np.ndarray, t: int, state: np.ndarray) -> np.ndarray:
        middle = np.array([WIDTH - radius - 12, radius + 12])
        cv2.circle(picture, point(middle), int(radius), (70, 70, 75), 3, cv2.LINE_AA)
        for spoke in range(5):
            angle = 2 * np.pi * (turns_per_s * t / FPS + spoke / 5)
            end = middle + radius * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(picture, point(middle), point(end), (70, 70, 75), 3, cv2.LINE_AA)
        return picture

    return staged(seed, change)


def cable(seed: int) -> Staged:
    """A cable hangs from above to a clip on the head, and waves."""

    def change(picture: np.ndarray, t: int, state: np.ndarray) -> np.ndarray:
        head = state[:2] + 0.3 * LENGTH * np.array([np.cos(state[2]), np.sin(state[2])])
        top = np.array([WIDTH / 2, 0.0])
        along = np.linspace(0, 1, 20)[:, None]
        wave = 14 * np.sin(np.pi * along) * np.sin(0.22 * t + 3 * along)
        points = (top + along * (head - top) + wave * [1, 0]).astype(np.int32)
        cv2.polylines(picture, [points], False, (40, 40, 40), 2, cv2.LINE_AA)
        cv2.circle(picture, point(head), 4, (225, 225, 230), -1, cv2.LINE_AA)
        return picture

    return staged(seed, change)


def arm(seed: int, from_s: float = 3.0, to_s: float = 5.0) -> Staged:
    """The experimenter's arm comes in from above, moves about and goes again."""

    def change(picture: np.ndarray, t: int, state: np.ndarray) -> np.ndarray:
        inside = np.clip(min(t - from_s * FPS, to_s * FPS - t) / 8, 0, 1)
        if inside > 0:
            hand = np.array([0.45 * WIDTH + 25 * np.sin(0.3 * t), -60 + inside * (0.65 * HEIGHT + 60)])
            cv2.line(picture, (int(0.6 * WIDTH), -40), point(hand), (150, 165, 205), 52, cv2.LINE_AA)
            cv2.circle(picture, point(hand), 36, (140, 155, 200), -1, cv2.LINE_AA)
        return picture

    film, t = staged(seed, change), np.arange(COUNT)
    whole = (t >= from_s * FPS + 8) & (t <= to_s * FPS - 8)
    return replace(film, disturbed=whole)


def lamp(seed: int, left: float = 0.4, at_s: float = 3.0) -> Staged:
    """A lamp goes out: this share of the light is left."""

    def change(picture: np.ndarray, t: int, state: np.ndarray) -> np.ndarray:
        return picture * (left if t >= at_s * FPS else 1.0)

    return staged(seed, change)


def bedding(seed: int) -> Staged:
    """Shavings on the floor lie otherwise wherever the animal has walked."""
    random = np.random.default_rng(seed + 1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]

    def shavings() -> np.ndarray:
        layer = np.full((HEIGHT, WIDTH, 3), 175, np.uint8)
        for _ in range(1500):
            x, y, turn = random.uniform(0, WIDTH), random.uniform(0, HEIGHT), random.uniform(0, np.pi)
            tint = random.uniform(120, 235) * np.array([1.0, 0.93, 0.8])
            end = int(x + 7 * np.cos(turn)), int(y + 7 * np.sin(turn))
            cv2.line(layer, (int(x), int(y)), end, tint.tolist(), 2, cv2.LINE_AA)
        return layer

    layers = [shavings() for _ in range(6)]
    floor = layers[0].copy()
    still = staged(seed, nothing, floor=floor)
    frames = []
    for t, state in enumerate(np.concatenate([still.places, _headings(still)], 1)):
        picture = floor.copy()
        draw(picture, state, t, LENGTH, DARK)
        frames.append((picture + random.normal(0, 2, (HEIGHT, WIDTH, 1))).clip(0, 255).astype(np.uint8))
        stirred = np.hypot(columns - state[0], rows - state[1]) < 0.4 * LENGTH
        if t % 4 == 0:
            floor[stirred] = layers[random.integers(1, 6)][stirred]
    return replace(still, frames=np.stack(frames))


def _headings(still: Staged) -> np.ndarray:
    step = np.gradient(still.places, axis=0)
    return np.arctan2(step[:, 1], step[:, 0])[:, None]


def house(seed: int) -> Staged:
    """The animal walks into a house, stays there for almost two seconds and comes out again."""
    random = np.random.default_rng(seed)
    floor = plain_floor(random)
    low, high = (20, 85), (100, 155)
    ahead = np.linspace(WIDTH - 50, 60, 50)
    x = np.concatenate([ahead, np.full(45, 60.0), np.linspace(60, WIDTH - 50, 55)])
    heading = np.concatenate([np.full(50, np.pi), np.linspace(np.pi, 0, 45), np.zeros(55)])
    states = np.stack([x, 120 + 8 * np.sin(x / 25), heading], 1)

    def change(picture: np.ndarray, t: int, state: np.ndarray) -> np.ndarray:
        cv2.rectangle(picture, low, high, (110, 130, 150), -1)
        cv2.rectangle(picture, low, high, (80, 95, 110), 3)
        return picture

    film = staged(seed, change, floor=floor, states=states)
    return replace(film, seen=states[:, 0] > high[0])


def clock(seed: int) -> Staged:
    """The animal walks through, while a clock runs in the corner all the time."""
    random = np.random.default_rng(seed)
    x = np.concatenate([np.full(35, -60.0), np.linspace(-60, WIDTH + 60, 80), np.full(35, WIDTH + 60.0)])
    states = np.stack([x, 150 + 8 * np.sin(x / 25), np.zeros(len(x))], 1)

    def change(picture: np.ndarray, t: int, state: np.ndarray) -> np.ndarray:
        cv2.putText(picture, f"{1000 + 7 * t}", (14, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
        return picture

    film = staged(seed, change, floor=plain_floor(random), states=states)
    return replace(film, seen=(x > 0.5 * LENGTH) & (x < WIDTH - 0.5 * LENGTH))


def tiny(seed: int, length: float = 20.0) -> Staged:
    """A small animal in a wide arena."""
    random = np.random.default_rng(seed)
    return staged(seed, nothing, floor=plain_floor(random, (1280, 720)), length=length)


def white_on_white(seed: int, darker: int = 10) -> Staged:
    """An animal almost as bright as the floor."""
    random = np.random.default_rng(seed)
    floor = plain_floor(random, grey=215)
    return staged(seed, nothing, floor=floor, colour=(215 - darker,) * 3)
