"""Walls, floors and belts behind and under the rendered subjects: what a lab, a corridor or a runway looks like."""

from dataclasses import dataclass

import cv2
import numpy as np

from ubam.evaluation.synthetic.rendering import SUPERSAMPLING, Camera, look_up

WALLS = {
    "human": ("paint", "wainscot", "brick", "tiles", "panels", "paper"),
    "rodent": ("paint", "panels", "tiles", "marks"),
}
FLOORS = {"human": ("planks", "tiles", "lino", "carpet"), "rodent": ("lino", "planks", "mesh")}


@dataclass(frozen=True)
class Belt:
    """A moving belt: `rows` of the picture, where each enlarged pixel lies on it, m, and its brightness."""

    rows: slice
    forward: np.ndarray
    away: np.ndarray
    colour: np.ndarray
    unit: float


@dataclass(frozen=True)
class Scene:
    """`still` float32 [H, W, 3] in 0..1, everything that does not move; `belt` when the floor does."""

    still: np.ndarray
    belt: Belt | None

    def picture(self, travelled: float) -> np.ndarray:
        """A copy of the background after the belt has run `travelled` metres."""
        picture = self.still.copy()
        if self.belt is not None:
            _run_belt(picture, self.belt, travelled)
        return picture


def make_scene(
    rng: np.random.Generator, kind: str, camera: Camera, unit: float, scene: str, palette: str, gain: float
) -> Scene:
    """Paint the surroundings of one recording. `palette`: "any", "light" or "dark"; `unit`: m, 1 for people."""
    wall_depth = rng.uniform(0.9, 1.6) * unit if scene == "walkway" else rng.uniform(1.2, 2.0) * unit
    enlarged = (camera.height * SUPERSAMPLING, camera.width * SUPERSAMPLING)
    row = (np.arange(enlarged[0], dtype=np.float32)[:, None] + 0.5) / SUPERSAMPLING
    column = (np.arange(enlarged[1], dtype=np.float32)[None] + 0.5) / SUPERSAMPLING
    far = (camera.distance + wall_depth) / camera.focal
    x = (column - camera.centre) * far
    y = camera.eye - (row - camera.horizon) * far
    picture = _wall(rng, str(rng.choice(WALLS[kind])), x / unit, y / unit, palette)
    _hang_pictures(rng, picture, x[0] / unit, y[:, 0] / unit, kind)
    ground = camera.focal * camera.eye / np.maximum(row - camera.horizon, 1e-3)
    on_floor = np.broadcast_to(y < 0, picture.shape[:2])
    across = (column - camera.centre) * ground / camera.focal
    floor = _floor(rng, str(rng.choice(FLOORS[kind])), across / unit, (ground - camera.distance) / unit, palette)
    picture[on_floor] = floor[on_floor]
    picture *= _daylight(rng, enlarged)[..., None] * gain
    belt = _add_belt(rng, picture, camera, unit, gain) if scene == "treadmill" else None
    still = cv2.resize(np.clip(picture, 0, 1), (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return Scene(cv2.GaussianBlur(still, (0, 0), 0.6), belt)


def _colour(rng: np.random.Generator, low: float, high: float, chroma: float) -> np.ndarray:
    hue = rng.uniform(0, 2 * np.pi)
    colour = rng.uniform(low, high) + rng.uniform(0, chroma) * np.cos(hue + np.array([0, 2.1, 4.2]))
    return np.clip(colour, 0.03, 0.97).astype(np.float32)


def _wall(rng: np.random.Generator, style: str, x: np.ndarray, y: np.ndarray, palette: str) -> np.ndarray:
    """Colour of the wall at wall coordinates x [1, W] and y [H, 1] in units above the floor."""
    low, high = {"any": (0.3, 0.82), "light": (0.62, 0.86), "dark": (0.16, 0.4)}[palette]
    base, other = _colour(rng, low, high, 0.09), _colour(rng, low, high, 0.11)
    mortar = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    if style == "brick":
        high_course, long = 0.075, 0.22
        course = np.floor(y / high_course)
        shifted = x + 0.5 * long * (course % 2)
        mortar = np.maximum(_line(y, high_course, 0.09), _line(shifted, long, 0.035))
        shade = 1 + 0.06 * look_up(np.floor(shifted / long) * 3.1, course * 7.3 + 0 * x)
    elif style in ("tiles", "panels", "marks"):
        wide = {"tiles": rng.uniform(0.15, 0.3), "panels": rng.uniform(0.5, 0.9), "marks": 0.5}[style]
        tall = wide if style == "tiles" else 10.0
        mortar = np.maximum(_line(x + 0.1, wide, 0.02), _line(y, tall, 0.02 if style == "tiles" else 0.0))
        shade = 1 + 0.02 * look_up(np.floor(x / wide) * 3.1, np.floor(y / wide) * 5.7)
    else:
        shade = np.ones_like(mortar)
    picture = base * (shade * (1 - 0.25 * mortar))[..., None]
    if style == "wainscot":
        picture = np.where((y < rng.uniform(0.8, 1.1))[..., None], other, picture) * np.ones_like(picture)
    if style == "paper":
        picture = picture + 0.06 * np.tanh(3 * np.sin(2 * np.pi * x / rng.uniform(0.12, 0.3)))[..., None]
    skirting = (y > 0) & (y < 0.11) & (x > -1e9)
    picture[skirting] = 0.25 * picture[skirting] + 0.75 * _colour(rng, 0.2, 0.9, 0.05)
    picture *= 1 - 0.35 * (np.abs(y - 0.115) < 0.012)[..., None]
    return (picture * (1 + 0.012 * look_up(x * 4, y * 4) + 0.03 * look_up(x * 0.6, y * 0.5))[..., None]).astype(
        np.float32
    )


def _line(place: np.ndarray, period: float, share: float) -> np.ndarray:
    return ((place / period) % 1 < share).astype(np.float32)


def _hang_pictures(rng: np.random.Generator, wall: np.ndarray, x: np.ndarray, y: np.ndarray, kind: str) -> None:
    """Frames, notices, doors (or cue cards), in place, none over another."""
    free = np.ones(len(x), bool)
    for _ in range(int(rng.integers(1, 5))):
        door = kind == "human" and rng.random() < 0.3
        wide, tall = (rng.uniform(0.8, 1.0), 2.05) if door else (rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.6))
        left = rng.uniform(x[0], x[-1] - wide)
        bottom = 0.0 if door else rng.uniform(0.45, 1.4) if kind == "human" else rng.uniform(0.3, 0.8)
        edge, fill, ink = _colour(rng, 0.1, 0.8, 0.1), _colour(rng, 0.25, 0.85, 0.08), _colour(rng, 0.1, 0.8, 0.2)
        columns = slice(*np.searchsorted(x, [left, left + wide]))
        rows = slice(*np.searchsorted(-y, [-(bottom + tall), -bottom]))
        block = wall[rows, columns]
        if block.shape[0] < 6 or block.shape[1] < 6 or not free[columns].all():
            continue
        free[columns] = False
        inner = fill * np.ones_like(block)
        u = np.linspace(0, 1, block.shape[1], dtype=np.float32)[None]
        v = np.linspace(0, 1, block.shape[0], dtype=np.float32)[:, None]
        if not door:
            blobs = look_up(u * 1.5 + rng.uniform(0, 40), v * 1.5 + rng.uniform(0, 40))
            inner += (ink - fill) * np.clip(0.5 + blobs, 0, 1)[..., None] * 0.7
        frame = np.minimum(np.minimum(u, 1 - u) * wide, np.minimum(v, 1 - v) * tall) < 0.03
        inner[frame] = edge
        wall[rows, columns] = inner


def _floor(rng: np.random.Generator, style: str, x: np.ndarray, z: np.ndarray, palette: str) -> np.ndarray:
    """Colour of the floor at floor coordinates x [H, W] and z [H, 1] in units."""
    low, high = {"any": (0.25, 0.65), "light": (0.45, 0.7), "dark": (0.14, 0.3)}[palette]
    base = _colour(rng, low, high, 0.07)
    z = z * np.ones_like(x)
    if style == "planks":
        plank = np.floor(z / 0.14)
        along = x + 0.37 * plank
        value = 1 - 0.3 * np.maximum(_line(z, 0.14, 0.08), _line(along, 1.1, 0.01))
        value += 0.05 * look_up(plank * 3.3, np.floor(along / 1.1) * 2.7) + 0.04 * look_up(along * 0.8, z * 12)
    elif style in ("tiles", "mesh"):
        wide = rng.uniform(0.3, 0.6) if style == "tiles" else 0.14
        value = 1 - 0.2 * np.maximum(_line(x, wide, 0.03), _line(z, wide, 0.04))
        value += 0.03 * look_up(np.floor(x / wide) * 3.1, np.floor(z / wide) * 5.7)
    else:
        value = 1 + (0.06 if style == "carpet" else 0.025) * look_up(x * 7, z * 7)
    return (base * (value + 0.02 * look_up(x * 0.7, z * 0.7))[..., None]).astype(np.float32)


def _daylight(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A slow gradient of light over the picture, mean about 1."""
    u = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    v = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    spot = np.exp(-((u - rng.uniform(-1, 1)) ** 2) / 0.8 - (v + rng.uniform(0, 1)) ** 2 / 1.5)
    return 0.93 + rng.uniform(-0.08, 0.08) * u - rng.uniform(0, 0.06) * v + rng.uniform(0, 0.15) * spot


def _add_belt(rng: np.random.Generator, picture: np.ndarray, camera: Camera, unit: float, gain: float) -> Belt:
    """Paint a treadmill's deck into the enlarged picture, in place, and return where its belt lies."""
    half = rng.uniform(0.3, 0.4) * unit
    back, front = (camera.horizon + camera.focal * camera.eye / (camera.distance + z) for z in (half, -half))
    deck = _colour(rng, 0.12, 0.35, 0.05) * gain
    side = camera.focal / (camera.distance - half)
    top, bottom = int(front * SUPERSAMPLING), int((front + 0.14 * unit * side) * SUPERSAMPLING)
    picture[top:bottom] = deck * np.linspace(1.25, 0.6, max(min(bottom, len(picture)) - top, 0))[:, None, None]
    picture[int((back - 0.012 * unit * side) * SUPERSAMPLING) : int(back * SUPERSAMPLING)] = deck * 1.4
    for x in rng.uniform(0.55, 0.85) * unit * np.array([1.0, -1.0])[: int(rng.integers(1, 3))]:
        scale = camera.focal / (camera.distance + half)
        left = int((camera.centre + x * scale) * SUPERSAMPLING)
        rail = int((camera.horizon + (camera.eye - 1.0 * unit) * scale) * SUPERSAMPLING)
        width = max(int(0.035 * unit * scale * SUPERSAMPLING), 2)
        picture[max(rail, 0) : int(back * SUPERSAMPLING), max(left, 0) : left + width] = deck * 1.8
    rows = slice(round(float(back)), min(round(float(front)), camera.height))
    row = np.arange(rows.start * SUPERSAMPLING, rows.stop * SUPERSAMPLING, dtype=np.float32)[:, None] + 0.5
    ground = camera.focal * camera.eye / (row / SUPERSAMPLING - camera.horizon)
    column = (np.arange(camera.width * SUPERSAMPLING, dtype=np.float32)[None] + 0.5) / SUPERSAMPLING - camera.centre
    colour = _colour(rng, 0.1, 0.28, 0.02) * gain
    return Belt(rows, column * ground / camera.focal, ground - camera.distance + 0 * column, colour, unit)


def _run_belt(picture: np.ndarray, belt: Belt, travelled: float) -> None:
    x, z = (belt.forward + travelled) / belt.unit, belt.away / belt.unit
    value = 1 + 0.16 * look_up(x * 5, z * 5) + 0.06 * look_up(x * 14, z * 14)
    value += 1.2 * ((x / 1.45) % 1 < 0.022)
    height = belt.rows.stop - belt.rows.start
    small = cv2.resize(value.astype(np.float32), (picture.shape[1], height), interpolation=cv2.INTER_AREA)
    picture[belt.rows] = belt.colour * small[..., None]
