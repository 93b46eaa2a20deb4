"""Walls, floors, light and looks of the second test renderer: plain and textured, one scene a camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from ubam.evaluation.synthetic.capsules.casting import Cones, Seen, View, shadow

MARGIN = 16  # px around the picture that a swaying camera may show
DENSITY = 2  # samples of the scene per pixel and direction
SHADE_STEP = 2  # px between the points at which the shadow is computed; it is soft
TEXTURES = ("plain", "plain", "stripes", "tiles", "mottled", "posters")
RING = 3  # of a striped limb


@dataclass(frozen=True)
class Surface:
    """A wall or floor: two colours RGB 0..1, its texture, the size of it in m, and numbers that place it."""

    texture: str
    colour: np.ndarray
    second: np.ndarray
    size: float
    place: np.ndarray

    def paint(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Colours [..., 3] at places u, v [...] in m."""
        share = np.zeros_like(u)
        a, b = u / self.size + self.place[0], v / self.size + self.place[1]
        if self.texture == "stripes":
            share = (np.sin(2 * np.pi * (a * np.cos(self.place[2]) + b * np.sin(self.place[2]))) > 0).astype(float)
        elif self.texture == "tiles":
            share = 1.0 * ((a % 1 < 0.06) | (b % 1 < 0.06))
        elif self.texture == "mottled":
            share = _mottled(a, b, self.place)
        elif self.texture == "posters":
            cell = np.floor(a / 3).astype(int)
            tone = np.modf(np.abs(np.sin(cell * 12.9898 + self.place[2]) * 43758.5453))[0]
            inside = (a / 3 % 1 > 0.25) & (a / 3 % 1 < 0.45 + 0.5 * tone) & (np.abs(b % 6 - 3) < 1 + tone)
            share = np.where(inside, 0.4 + 0.6 * tone, 0.0)
        return self.colour + share[..., None] * (self.second - self.colour)


def _mottled(a: np.ndarray, b: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Smooth blotches of several sizes, 0..1."""
    tile = gaussian_filter(np.random.default_rng(int(1e6 * place[2])).normal(size=(64, 64)), 1.2, mode="wrap")
    tile = (tile / tile.std()).astype(np.float32)
    total: np.ndarray = np.zeros(a.shape, np.float32)
    for octave in (1.0, 2.3, 5.1):
        column, row = ((each * octave * 8 % 64).astype(np.float32) for each in (a, b))
        total = total + cv2.remap(tile, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP) / octave
    return np.asarray(np.clip(0.5 + 0.3 * total, 0, 1))


def sample_surface(rng: np.random.Generator, tone: tuple[float, float], unit: float, textured: bool = True) -> Surface:
    """A surface whose grey lies in `tone`; `unit` is the subject's size in m."""
    colour = _tinted(rng, rng.uniform(*tone), 0.14)
    second = np.clip(colour + rng.choice([-1, 1]) * rng.uniform(0.08, 0.3) + rng.uniform(-0.06, 0.06, 3), 0.02, 0.98)
    texture = str(rng.choice(TEXTURES)) if textured else "plain"
    return Surface(texture, colour, second, unit * rng.uniform(0.06, 0.3), rng.uniform(0, 1, 3) * [1, 1, np.pi])


def _tinted(rng: np.random.Generator, grey: float, strength: float) -> np.ndarray:
    tint = rng.normal(size=3)
    return np.clip(grey + strength * (tint - tint.mean()), 0.02, 0.98)


@dataclass(frozen=True)
class Light:
    """towards [3]: unit vector to it; ambient and direct strengths; shadow: share it takes; softness of that in m."""

    towards: np.ndarray
    ambient: float
    direct: float
    shadow: float
    softness: float

    def shade(self, normal: np.ndarray) -> np.ndarray:
        """Brightness [...] of surfaces with these normals [..., 3]."""
        facing = np.clip(0.25 + 0.75 * (normal @ self.towards.astype(np.float32)), 0, 1)
        bright: np.ndarray = self.ambient * (0.85 + 0.15 * normal[..., 1]) + self.direct * facing
        return bright


@dataclass(frozen=True)
class Film:
    """What the camera makes of light: gain per colour [3], grey: without colours; noise in grey levels; vignette."""

    gain: np.ndarray
    grey: bool
    noise: float
    vignette: float


class Scene:
    """Floor (y = 0) and, `wall_z` m behind the subject's way, a wall; painted once, seen by a camera that turns."""

    def __init__(self, view: View, wall: Surface, floor: Surface, skirting: float, wall_z: float) -> None:
        self.view, self.wall_z = view, wall_z
        shape = (DENSITY * (view.height + 2 * MARGIN), DENSITY * (view.width + 2 * MARGIN))
        row, column = np.mgrid[: shape[0], : shape[1]]
        directions = view.rays((column + 0.5) / DENSITY - MARGIN, (row + 0.5) / DENSITY - MARGIN)
        points, on_wall = self.hits(directions)
        painted = wall.paint(points[..., 0], points[..., 1]), floor.paint(points[..., 0], points[..., 2])
        colour = np.where(on_wall[..., None], *painted)
        colour[on_wall & (points[..., 1] < skirting)] *= 0.55
        falling = 1 - 0.12 * np.clip(np.hypot(points[..., 0], points[..., 2]) / (6 * abs(wall_z) + 1e-6), 0, 1)
        self.canvas = (colour * falling[..., None]).astype(np.float32)

    def hits(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where rays [..., 3] from the camera meet floor or wall [..., 3], and which of them meet the wall [...]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            floor = -self.view.eye[1] / directions[..., 1]
            wall = (self.wall_z - self.view.eye[2]) / directions[..., 2]
        floor, wall = (np.where((way > 0) & np.isfinite(way), way, np.inf) for way in (floor, wall))
        on_wall = wall < floor
        way = np.minimum(np.minimum(floor, wall), 1e3)
        return self.view.eye + directions * way[..., None], on_wall

    def seen(self, view: View) -> np.ndarray:
        """The empty scene as the turned camera sees it, float32 [H, W, 3]."""
        corners = np.array([[0, 0], [view.width, 0], [0, view.height], [view.width, view.height]], float)
        there = self.view.project(self.view.eye + view.rays(corners[:, 0], corners[:, 1]))[:, :2]
        source = (DENSITY * (there + MARGIN) - 0.5).astype(np.float32)
        target = (corners - 0.5).astype(np.float32)
        move = cv2.getPerspectiveTransform(source, target)
        size = (view.width, view.height)
        return np.asarray(cv2.warpPerspective(self.canvas, move, size, flags=cv2.INTER_LINEAR))

    def shaded(self, view: View, cones: Cones, light: Light) -> np.ndarray:
        """How much brightness the body's shadow leaves of each pixel, float32 [H, W]."""
        row, column = np.mgrid[0 : view.height : SHADE_STEP, 0 : view.width : SHADE_STEP] + 0.5 * SHADE_STEP
        points, _ = self.hits(view.rays(column, row))
        dark = shadow(points.reshape(-1, 3), light.towards, cones, light.softness).reshape(row.shape)
        size = (view.width, view.height)
        return np.asarray(1 - light.shadow * cv2.resize(dark.astype(np.float32), size, interpolation=cv2.INTER_LINEAR))


def compose(scene: Scene, view: View, cones: Cones, seen: Seen | None, light: Light) -> np.ndarray:
    """The picture float32 [H, W, 3] in 0..1 before the camera's own doing."""
    picture = scene.seen(view) * scene.shaded(view, cones, light)[..., None]
    if seen is not None:
        left, top = seen.corner
        height, width = seen.alpha.shape
        part = picture[top : top + height, left : left + width]
        body = seen.colour * light.shade(seen.normal)[..., None]
        part += seen.alpha[..., None] * (body - part)
    return picture


def developed(picture: np.ndarray, film: Film, rng: np.random.Generator) -> np.ndarray:
    """The frame uint8 [H, W, 3] that the camera writes."""
    height, width = picture.shape[:2]
    if film.grey:
        picture = np.repeat(picture @ np.array([[0.3], [0.59], [0.11]], np.float32), 3, axis=2)
    row, column = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    falling = (1 - film.vignette * (row**2 + column**2) / 2).astype(np.float32)
    noise = rng.standard_normal((height, width, 1 if film.grey else 3), np.float32) * film.noise
    frame = 255 * picture * film.gain.astype(np.float32) * falling[..., None] + noise
    return np.asarray((frame + 0.5).clip(0, 255).astype(np.uint8))
