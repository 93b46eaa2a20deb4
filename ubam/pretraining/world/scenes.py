"""Scenes of laboratories and clinics around a body that stands on z = 0: rooms, treadmills, arenas, cages, wheels."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from . import photographs as layer
from .looks import any_colour


@dataclass
class Parts:
    """Collects triangles with their surfaces."""

    positions: list[np.ndarray] = field(default_factory=list)
    normals: list[np.ndarray] = field(default_factory=list)
    places: list[np.ndarray] = field(default_factory=list)
    colours: list[np.ndarray] = field(default_factory=list)
    matters: list[np.ndarray] = field(default_factory=list)
    faces: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def add(
        self, positions: np.ndarray, normals: Any, places: np.ndarray, faces: np.ndarray, colour: Any, matter: Any
    ) -> None:
        """Append N vertices with their faces; normals, colour and matter are given once for all or for each vertex."""
        number = len(positions)
        self.positions.append(positions)
        self.normals.append(np.broadcast_to(normals, (number, 3)))
        self.places.append(places)
        self.colours.append(np.broadcast_to(colour, (number, 3)))
        self.matters.append(np.broadcast_to(matter, (number, 4)))
        self.faces.append(faces + self.count)
        self.count += number

    def quad(self, corner: Any, right: Any, up: Any, colour: Any, matter: Any, repeat: float = 1.0) -> None:
        """A rectangle, cut into 6 x 6, from `corner` along `right` and `up`; its texture repeats every 1 / repeat."""
        corner, right, up = (np.asarray(v, float) for v in (corner, right, up))
        n = 7
        a, b = (grid.reshape(-1, 1) for grid in np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n)))
        normal = np.cross(right, up)
        normal = normal / max(np.linalg.norm(normal), 1e-9)
        places = np.concatenate([a * np.linalg.norm(right), b * np.linalg.norm(up), 0 * a], 1) * repeat
        i = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).reshape(-1)
        faces = np.concatenate([np.stack([i, i + 1, i + n], 1), np.stack([i + 1, i + n + 1, i + n], 1)])
        self.add(corner + a * right + b * up, normal, places, faces, colour, matter)

    def box(self, low: Any, high: Any, colour: Any, matter: Any) -> None:
        """Append a box between two opposite corners."""
        low, high = np.asarray(low, float), np.asarray(high, float)
        x, y, z = np.diag(high - low)
        for corner, right, up in (
            (low, y, z),
            (low + x, y, z),
            (low, x, z),
            (low + y, x, z),
            (low + z, x, y),
            (low, x, y),
        ):
            self.quad(corner, right, up, colour, matter)

    def tube(self, path: np.ndarray, radius: float, colour: Any, matter: Any) -> None:
        """A round tube along points [n, 3]."""
        around = np.linspace(0, 2 * np.pi, 9)
        along = np.gradient(path, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        helper = np.where(np.abs(along[:, 2:]) < 0.9, [[0, 0, 1.0]], [[1.0, 0, 0]])
        first = np.cross(along, helper)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        second = np.cross(along, first)
        out = np.cos(around)[None, :, None] * first[:, None] + np.sin(around)[None, :, None] * second[:, None]
        positions = (path[:, None] + radius * out).reshape(-1, 3)
        i = (np.arange(len(path) - 1)[:, None] * 9 + np.arange(8)).reshape(-1)
        faces = np.concatenate([np.stack([i, i + 1, i + 9], 1), np.stack([i + 1, i + 10, i + 9], 1)])
        self.add(positions, out.reshape(-1, 3), positions[:, :3] * [1, 1, 1], faces, colour, matter)

    def blob(self, centre: Any, size: Any, colour: Any, matter: Any) -> None:
        """An ellipsoid with half axes `size` [3]."""
        u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 17), np.linspace(0, np.pi, 9))
        ball = np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)], -1).reshape(-1, 3)
        i = (np.arange(8)[:, None] * 17 + np.arange(16)).reshape(-1)
        faces = np.concatenate([np.stack([i, i + 1, i + 17], 1), np.stack([i + 1, i + 18, i + 17], 1)])
        self.add(np.asarray(centre) + ball * size, ball, ball, faces, colour, matter)


@dataclass
class Scene:
    """What surrounds the body. still: drawn always; floor: drawn last, `floor_opacity` below 1 shows what is below it.

    turning: parts on an axle along y through `axle` that turn by `turn` radians a cycle (a wheel).
    """

    kind: str
    still: Parts = field(default_factory=Parts)
    floor: Parts = field(default_factory=Parts)
    turning: Parts = field(default_factory=Parts)
    axle: np.ndarray = field(default_factory=lambda: np.zeros(3))
    turn: float = 0.0
    belt: float = 0.0
    floor_opacity: float = 1.0
    mirror: bool = False
    catcher: bool = False
    backdrop: int = -1
    dark: bool = False


def _surface(random: np.random.Generator, kinds: tuple[int, ...] = ()) -> np.ndarray:
    """Matter of a wall or floor: plain or textured."""
    if random.uniform() < 0.35:
        return np.array([layer.CLOUDS, 0.5, random.uniform(0, 0.25), random.uniform(0, 0.2)])
    chosen = int(random.choice(kinds)) if kinds and random.uniform() < 0.6 else int(random.integers(0, 48))
    strength = 1.2 if chosen < 38 and random.uniform() < 0.4 else random.uniform(0.1, 0.8)
    return np.array([chosen, np.exp(random.normal(0, 0.6)), strength, random.uniform(0, 0.3)])


def draw_scene(plan: str, view: np.ndarray, size: float, random: np.random.Generator) -> Scene:
    """A scene for a camera that looks along `view` [3] at a body of `size` units."""
    if view[2] > 0.15:
        return _glass(size, random)
    if random.uniform() < 0.22:
        scene = Scene("photograph", catcher=True, backdrop=int(random.integers(0, 38)))
        wide = 12 * size
        scene.floor.quad([-wide, -wide, 0], [2 * wide, 0, 0], [0, 2 * wide, 0], np.zeros(3), np.zeros(4))
        return scene
    if view[2] < -0.8 or (plan in ("rodent", "fly") and view[2] < -0.45):
        return _arena(size, random)
    if plan in ("rodent", "fly"):
        return _cage(view, size, random) if random.uniform() < 0.75 else _room(plan, view, size, random)
    return _room(plan, view, size, random)


def _glass(size: float, random: np.random.Generator) -> Scene:
    scene = Scene("glass", floor_opacity=random.uniform(0.02, 0.25), mirror=False)
    wide, above = 6 * size, size * random.uniform(0.7, 3)
    scene.floor.quad([-wide, -wide, 0], [2 * wide, 0, 0], [0, 2 * wide, 0], any_colour(random), _surface(random))
    scene.still.quad(
        [-wide, -wide, above], [0, 2 * wide, 0], [2 * wide, 0, 0], any_colour(random), _surface(random), 1 / size
    )
    if random.uniform() < 0.4:
        gap = random.uniform(0.25, 0.8) * size
        for side in (-1, 1):
            scene.still.box(
                [-wide, side * gap - 0.02 * size, 0],
                [wide, side * gap + 0.02 * size, above],
                any_colour(random),
                _surface(random),
            )
    if random.uniform() < 0.3:
        for k in range(-8, 9):
            at = k * size * random.uniform(0.2, 0.3)
            scene.still.tube(
                np.array([[at, -wide, -0.01], [at, wide, -0.01]]), 0.004 * size, any_colour(random), np.zeros(4)
            )
    return scene


def _arena(size: float, random: np.random.Generator) -> Scene:
    scene = Scene("arena", mirror=random.uniform() < 0.15)
    scene.floor_opacity = random.uniform(0.8, 0.97) if scene.mirror else 1.0
    kinds = (layer.CHIPS, layer.NOISE, layer.GRID, layer.CLOUDS, layer.DOTS)
    wide = size * random.uniform(0.7, 5)
    wall, height = any_colour(random), size * random.uniform(0.2, 1.5)
    matter = _surface(random, kinds)
    matter[1] *= random.uniform(1, 4) / size
    middle = np.array([*random.uniform(-0.6, 0.6, 2) * wide * 0.8, 0])
    far = 4 * wide
    scene.floor.quad([-far, -far, 0], [2 * far, 0, 0], [0, 2 * far, 0], any_colour(random), matter)
    if random.uniform() < 0.5:
        tilt = random.uniform(0, 0.3) * height
        m, w = middle, wide + 0.3 * size
        ring = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        for (ax, ay), (bx, by) in pairwise(ring):
            a, b = m + np.array([ax, ay, 0]) * w, m + np.array([bx, by, 0]) * w
            top = np.array([(ax + bx) / 2 * tilt, (ay + by) / 2 * tilt, height])
            scene.still.quad(a, b - a, top, wall, _surface(random), 1 / size)
    elif random.uniform() < 0.6:
        angle = np.linspace(0, 2 * np.pi, 49)
        radius = wide + 0.3 * size
        path = middle + np.stack([np.cos(angle) * radius, np.sin(angle) * radius, 0 * angle], 1)
        scene.still.tube(path, size * random.uniform(0.02, 0.3), wall, _surface(random))
    _clutter(scene, size, random, 0.4)
    return scene


def _cage(view: np.ndarray, size: float, random: np.random.Generator) -> Scene:
    scene = Scene("cage")
    behind = _flat(view)
    across = np.array([-behind[1], behind[0], 0])
    away, wide = size * random.uniform(0.4, 2.5), 8 * size
    matter = _surface(random, (layer.CHIPS, layer.NOISE, layer.PLANKS, layer.GRID))
    matter[1] *= random.uniform(1, 4) / size
    scene.floor.quad(
        -across * wide - behind * wide, 2 * across * wide, behind * (wide + away), any_colour(random), matter
    )
    scene.still.quad(
        behind * away - across * wide - [0, 0, size],
        2 * across * wide,
        [0, 0, 8 * size],
        any_colour(random),
        _surface(random),
        1 / size,
    )
    if random.uniform() < 0.3:
        _wheel(scene, size, random)
    if random.uniform() < 0.3:
        gap = size * random.uniform(0.06, 0.25)
        where = (
            behind * (away * random.uniform(0.6, 1))
            if random.uniform() < 0.5
            else -behind * size * random.uniform(0.4, 0.7)
        )
        colour, radius = any_colour(random), size * random.uniform(0.004, 0.012)
        for k in range(-14, 15):
            start = where + across * k * gap - [0, 0, size]
            scene.still.tube(np.array([start, start + np.array([0, 0, 4 * size])]), radius, colour, [0, 0, 0, 0.6])
    _clutter(scene, size, random, 0.4)
    return scene


def _wheel(scene: Scene, size: float, random: np.random.Generator) -> None:
    radius, broad = size * random.uniform(0.7, 1.6), size * random.uniform(0.15, 0.35)
    scene.floor = Parts()
    scene.axle = np.array([0, 0, radius if random.uniform() < 0.5 else -radius])
    scene.turn = random.normal(0, 0.8)
    angle = np.linspace(0, 2 * np.pi, 61)
    colour, matter = any_colour(random), _surface(random)
    for side in (-1, 1):
        path = np.stack([radius * np.cos(angle), 0 * angle + side * broad, radius * np.sin(angle)], 1)
        scene.turning.tube(path, size * random.uniform(0.01, 0.05), colour, matter)
        for a in angle[:: int(random.choice([5, 6, 10]))]:
            scene.turning.tube(
                np.array([[0, side * broad, 0], path[0] * 0 + [radius * np.cos(a), side * broad, radius * np.sin(a)]]),
                0.008 * size,
                colour,
                matter,
            )
    for a in angle[:: int(random.choice([1, 2, 3]))]:
        rung = np.array(
            [[radius * np.cos(a), -broad, radius * np.sin(a)], [radius * np.cos(a), broad, radius * np.sin(a)]]
        )
        scene.turning.tube(rung, size * random.uniform(0.006, 0.015), colour, matter)


def _flat(view: np.ndarray) -> np.ndarray:
    flat = np.array([view[0], view[1], 0.0])
    return flat / max(np.linalg.norm(flat), 1e-6)


def _room(plan: str, view: np.ndarray, size: float, random: np.random.Generator) -> Scene:
    scene = Scene("room", mirror=random.uniform() < 0.12)
    scene.floor_opacity = random.uniform(0.75, 0.97) if scene.mirror else 1.0
    behind = _flat(view)
    across = np.array([-behind[1], behind[0], 0])
    away, wide = size * np.exp(random.normal(0.3, 0.6)), 12 * size
    matter = _surface(random, (layer.PLANKS, layer.CHECKS, layer.CLOUDS, layer.GRID, layer.NOISE))
    wall, high = any_colour(random), 6 * size
    scene.floor.quad(
        -across * wide - behind * wide, 2 * across * wide, behind * (wide + away), any_colour(random), matter, 1 / size
    )
    scene.still.quad(behind * away - across * wide, 2 * across * wide, [0, 0, high], wall, _surface(random), 1 / size)
    if random.uniform() < 0.5:
        near, skirting = behind * (away - 0.01 * size), [0, 0, size * random.uniform(0.03, 0.12)]
        scene.still.quad(near - across * wide, 2 * across * wide, skirting, any_colour(random), np.zeros(4))
    _on_wall(scene, behind * (away - 0.02 * size), across, size, random)
    for _ in range(random.poisson(1.2)):  # furniture
        at = behind * size * random.uniform(0.3, max(0.4, away / size)) + across * size * random.choice(
            [-1, 1]
        ) * random.uniform(0.25, 1.8)
        half = size * random.uniform(0.05, 0.4, 3)
        scene.still.box(at - half * [1, 1, 0], at + half * [1, 1, 2], any_colour(random), _surface(random))
    if plan in ("person", "dog") and random.uniform() < 0.35:
        _treadmill(scene, size, random)
    elif random.uniform() < 0.15:
        _rails(scene, behind, across, size, random)
    _clutter(scene, size, random, 0.3)
    return scene


def _on_wall(scene: Scene, wall: np.ndarray, across: np.ndarray, size: float, random: np.random.Generator) -> None:
    """Posters, windows and doors."""
    for _ in range(random.poisson(2.0)):
        at = wall + across * size * random.normal(0, 1.2) + np.array([0, 0, size * random.uniform(-0.2, 1)])
        pattern, bright = int(random.integers(0, 30)), random.uniform() < 0.3
        glow = [pattern, 0.4, 1.6 if bright else 1.2 if random.uniform() < 0.5 else 0.0, 0]
        wide, high = across * size * random.uniform(0.1, 0.9), [0, 0, size * random.uniform(0.2, 1.5)]
        scene.still.quad(at, wide, high, any_colour(random), glow, 1 / size)


def _treadmill(scene: Scene, size: float, random: np.random.Generator) -> None:
    """A belt along x with side boards; rails beside and before the body."""
    colour, half, long = (
        random.uniform(0.02, 0.3) * np.ones(3),
        size * random.uniform(0.18, 0.35),
        size * random.uniform(0.5, 1.0),
    )
    scene.belt = random.uniform(0.3, 1.0)
    scene.still.quad(
        [-long, -half, 0.002 * size], [2 * long, 0, 0], [0, 2 * half, 0], colour, [layer.NOISE, 1, 0.3, 0.05], 1 / size
    )
    frame = any_colour(random)
    for side in (-1, 1):
        low = np.array([-long, side * half - 0.05 * size, -0.1 * size])
        scene.still.box(low, low + np.array([2 * long, 0.1 * size, 0.12 * size]), frame, [layer.NOISE, 1, 0.1, 0.3])
        if random.uniform() < 0.7:
            height, radius = size * random.uniform(0.4, 0.7), size * random.uniform(0.008, 0.025)
            bar, matter = any_colour(random), [layer.NOISE, 1, 0.1, 0.8]
            y = side * (half + 0.04 * size)
            scene.still.tube(
                np.array([[-long * random.uniform(0, 1), y, height], [long, y, height * random.uniform(0.9, 1.2)]]),
                radius,
                bar,
                matter,
            )
            for x in random.uniform(-1, 1, random.integers(1, 4)) * long:
                scene.still.tube(
                    np.array([[x, y, 0], [x + random.normal(0, 0.15) * size, y, height]]), radius, bar, matter
                )
    if random.uniform() < 0.5:
        scene.still.box(
            [long, -half, 0], [long + 0.2 * size, half, size * random.uniform(0.3, 0.8)], frame, _surface(random)
        )


def _rails(scene: Scene, behind: np.ndarray, across: np.ndarray, size: float, random: np.random.Generator) -> None:
    where = behind * size * (random.uniform(0.3, 1) if random.uniform() < 0.6 else -random.uniform(0.3, 0.6))
    colour, radius = any_colour(random), size * random.uniform(0.006, 0.02)
    for height in random.uniform(0.1, 0.8, random.integers(1, 3)) * size:
        ends = np.stack([where - across * 6 * size, where + across * 6 * size]) + np.array([0, 0, height])
        scene.still.tube(ends, radius, colour, [layer.NOISE, 1, 0.1, 0.7])
    if random.uniform() < 0.6:
        for k in random.uniform(-1.5, 1.5, random.integers(1, 6)):
            start = where + across * k * size
            scene.still.tube(
                np.stack([start, start + np.array([0, 0, size])]), radius, colour, [layer.NOISE, 1, 0.1, 0.7]
            )


def _clutter(scene: Scene, size: float, random: np.random.Generator, share: float) -> None:
    """Small objects and cables on the floor around the body."""
    if random.uniform() > share:
        return
    for _ in range(random.integers(1, 5)):
        angle, distance = random.uniform(0, 2 * np.pi), size * random.uniform(0.35, 1.3)
        at = np.array([np.cos(angle), np.sin(angle), 0]) * distance
        half = size * random.uniform(0.02, 0.15, 3)
        kind = random.choice(["box", "blob", "cable"])
        if kind == "box":
            scene.still.box(at - half * [1, 1, 0], at + half * [1, 1, 2], any_colour(random), _surface(random))
        elif kind == "blob":
            scene.still.blob(at + np.array([0, 0, half[2]]), half, any_colour(random), _surface(random))
        else:
            steps = np.linspace(-1, 1, 20)
            path = at + np.stack([steps * size, 0.2 * size * np.sin(3 * steps + angle), 0 * steps + 0.01 * size], 1)
            scene.still.tube(path, 0.008 * size, any_colour(random), np.zeros(4))


def occluders(eye: np.ndarray, target: np.ndarray, size: float, random: np.random.Generator) -> Parts:
    """Bars, cables and plates between the camera and the body; often none."""
    parts = Parts()
    if random.uniform() > 0.18:
        return parts
    view = target - eye
    view = view / np.linalg.norm(view)
    right = np.cross(view, [0, 0, 1.0] if abs(view[2]) < 0.9 else [1.0, 0, 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, view)
    kind = random.choice(["bars", "bar", "cable", "plate"], p=[0.25, 0.4, 0.2, 0.15])
    near = target + (eye - target) * random.uniform(0.15, 0.4)
    colour, matter = any_colour(random), np.array([layer.NOISE, 1, 0.1, random.uniform(0, 0.8)])
    angle = random.choice([0, np.pi / 2, random.uniform(0, np.pi)]) + random.normal(0, 0.05)
    along, side = np.cos(angle) * right + np.sin(angle) * up, -np.sin(angle) * right + np.cos(angle) * up
    if kind in ("bars", "bar"):
        radius = size * random.uniform(0.004, 0.012 if kind == "bars" else 0.03)
        gap = size * random.uniform(0.08, 0.3)
        for k in range(-5, 6) if kind == "bars" else [random.normal(0, 1)]:
            middle = near + side * k * (gap if kind == "bars" else 0.25 * size)
            parts.tube(np.stack([middle - 3 * size * along, middle + 3 * size * along]), radius, colour, matter)
    elif kind == "cable":
        steps = np.linspace(-1.5, 1.5, 30)[:, None]
        path = (
            near
            + steps * size * along
            + side * size * (0.25 * np.sin(random.uniform(1, 4) * steps + angle) + random.normal(0, 0.15))
        )
        parts.tube(path, size * random.uniform(0.004, 0.012), colour, matter)
    else:
        middle = near + (side * random.choice([-1, 1]) * random.uniform(0.3, 0.6)) * size
        parts.quad(
            middle - 0.5 * size * along - 0.25 * size * side,
            size * along,
            0.5 * size * side * random.uniform(0.3, 1),
            colour,
            _surface(random),
            1 / size,
        )
    return parts
