"""Pairs of clips: one moment of one body in two independent looks, scenes, lights and films, with its truth."""

from dataclasses import dataclass

import cv2
import numpy as np

from .cameras import Camera, crop_matrix, draw_view, light_matrix, look
from .cast import Cast
from .film import at_the_border, blurred, develop, interlaced
from .landmarks import LANDMARKS
from .looks import Look, any_colour, draw_look
from .postures import UP, perform
from .renderer import Mesh, Renderer
from .scenes import Parts, Scene, draw_scene, occluders
from .skinned_body import Posed, pose_body, rest_normals, rotation

CROP, COORDINATES = 128, 64
MOST_LANDMARKS = max(len(marks) for marks in LANDMARKS.values())
RINGS, AROUND = 12, 36


@dataclass
class Clip:
    """frames uint8 [3, 128, 128, 3] (before, at, after), empty uint8 [128, 128, 3] (the scene without the subject),

    alpha uint8 [128, 128], place int8 [64, 64, 3] (canonical coordinates times 127) on the body, 0 elsewhere.
    """

    frames: np.ndarray
    empty: np.ndarray
    alpha: np.ndarray
    place: np.ndarray
    on_body: np.ndarray
    visible: np.ndarray


@dataclass
class Pair:
    """Two clips of one moment; landmarks float32 [30, 2] within 0..1 of the crop (NaN: the plan has no such)."""

    clips: list[Clip]
    landmarks: np.ndarray
    empty_kinds: list[int]


class Actor:
    """One body of the cast on the card, with a ring mesh for skirts."""

    def __init__(self, renderer: Renderer, cast: Cast) -> None:
        self.cast, self.skirted = cast, cast.plan == "person"
        count = len(cast.canonical)
        faces = cast.faces
        if self.skirted:
            i = (np.arange(RINGS - 1)[:, None] * (AROUND + 1) + np.arange(AROUND)).reshape(-1) + count
            ring = np.concatenate([np.stack([i, i + 1, i + AROUND + 1], 1), np.stack([i + 1, i + AROUND + 2, i + AROUND + 1], 1)])
            faces = np.concatenate([faces, ring])
        self.count = count + (RINGS * (AROUND + 1) if self.skirted else 0)
        self.mesh = Mesh(renderer, faces, self.count)

    def dress(self, look_: Look) -> None:
        extra = self.count - len(look_.colour)
        colour, matter, canon = look_.colour, look_.matter, self.cast.canonical
        if extra:
            has = look_.skirt
            colour = np.concatenate([colour, np.tile(has[3] if has else np.zeros(3), (extra, 1))])
            matter = np.concatenate([matter, np.tile(has[4] if has else np.zeros(4), (extra, 1))])
            canon = np.concatenate([canon, np.zeros((extra, 3))])
        self.colour, self.matter, self.canon = colour, matter, canon
        self.mesh.paint(canon, colour, matter)

    def move(self, posed: Posed, t: int, look_: Look) -> None:
        positions, normals = posed.vertices[t], posed.normals[t]
        if self.skirted:
            ring, outward, canon = skirt_ring(self.cast, positions, look_)
            positions, normals = np.concatenate([positions, ring]), np.concatenate([normals, outward])
            if look_.skirt is not None:
                self.canon[len(posed.vertices[t]) :] = canon
                self.mesh.paint(self.canon, self.colour, self.matter)
        self.mesh.move(positions, normals)


def skirt_ring(cast: Cast, vertices: np.ndarray, look_: Look) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, normals and places [rings x around, 3] of a skirt over posed vertices; a point where there is none."""
    number = RINGS * (AROUND + 1)
    if look_.skirt is None:
        return np.repeat(vertices[:1], number, 0), np.zeros((number, 3)), np.zeros((number, 3))
    waist, hem, flare = look_.skirt[:3]
    levels = np.linspace(waist, hem, RINGS)
    height, arms = cast.canonical[:, 2], np.abs(cast.canonical[:, 1]) > 0.45
    angle = np.linspace(0, 2 * np.pi, AROUND + 1)
    way = np.stack([np.cos(angle), np.sin(angle)], 1)
    step = abs(hem - waist) / RINGS
    rings, places, least = [], [], np.zeros(AROUND + 1)
    for k, level in enumerate(levels):
        band = np.nonzero((np.abs(height - level) < max(0.04, step)) & ~arms)[0]
        own = vertices[band]
        middle = own.mean(0)
        reach = (own[:, :2] - middle[:2]) @ way.T
        least = np.maximum(reach.max(0), 0.9 * least + flare * 0.2 * (k > 0))
        size = least + 0.01 + flare * 0.3 * k / RINGS
        rings.append(np.concatenate([middle[:2] + way * size[:, None], np.full((AROUND + 1, 1), middle[2])], 1))
        places.append(cast.canonical[band[reach.argmax(0)]])
    outward = np.tile(np.concatenate([way, np.zeros((AROUND + 1, 1))], 1), (RINGS, 1))
    return np.concatenate(rings), outward, np.concatenate(places)


def tail_of(cast: Cast) -> np.ndarray:
    """Which vertices are tail, bool [V]."""
    main = np.array([cast.names[b] for b in cast.bones[:, 0]])
    return np.char.startswith(main, "vertebra_C") & (main != "vertebra_C1") | np.char.startswith(main, "Ca_")


def bystander(view: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray | None:
    """Where a second body stands that is not the subject, [4, 4]; mostly there is none."""
    if random.uniform() > 0.08:
        return None
    across = np.cross(view, UP if abs(view[2]) < 0.9 else [1.0, 0, 0])
    across /= np.linalg.norm(across)
    behind = np.array([view[0], view[1], 0.0]) if abs(view[2]) < 0.6 else np.zeros(3)
    model = np.eye(4)
    model[:3, :3] = rotation(UP, random.uniform(0, 2 * np.pi))[0]
    model[:3, 3] = size * (random.choice([-1, 1]) * random.uniform(0.55, 1.3) * across + random.uniform(0, 1.5) * behind)
    model[2, 3] = 0.0
    return model


class World:
    """Draws pairs with one renderer; the photographs change when it is made anew."""

    def __init__(self, renderer: Renderer, casts: dict[str, Cast]) -> None:
        self.renderer, self.casts = renderer, casts
        self.actors = {plan: Actor(renderer, cast) for plan, cast in casts.items()}

    def draw(self, plan: str, random: np.random.Generator) -> Pair:
        """A pair of clips of a random body of the plan."""
        cast = self.casts[plan]
        build = int(random.integers(len(cast.vertices)))
        heads = cast.heads[build]
        step = random.uniform(0.006, 0.07)
        later = random.uniform(0.1, 3.0, 2)
        times = random.uniform(0, 1) + np.concatenate([[-step, 0, step], later])
        stage = perform(cast, heads, times, random)
        view, roll = draw_view(plan, random)
        travelling = stage.speed * (random.uniform() < 0.5)
        size = float(np.ptp(cast.vertices[build][:, 2 if plan == "person" else 0])) * (0.62 if plan == "rodent" else 1)
        heading = rotation(UP, np.radians(random.normal(0, 10)) * np.ones(len(times)))
        root = (heading @ stage.root_turn, np.zeros((len(times), 3)))
        bare = pose_body(cast, heads, cast.vertices[build], rest_normals(cast.vertices[build], cast.faces),
                         cast.landmark_points[build], stage.turns, root)  # fmt: skip
        shift = np.zeros((len(times), 3))
        shift[:, 0] = travelling * size * (times - times[1]) * 1.2
        lowest = bare.vertices[:3, :, 2].min()
        shift[:, 2] = -lowest
        shift[:, :2] -= bare.vertices[1, :, :2].mean(0)
        distance = size * np.exp(random.uniform(np.log(1.6), np.log(9)))
        target = np.array([0, 0, np.ptp(bare.vertices[1, :, 2]) / 2])
        _, placed = look(view, roll, target, distance)
        partly = random.uniform() < (0.22 if plan == "person" else 0.1)
        without_tail = partly or random.uniform() < 0.25
        points = (bare.vertices[:3] + shift[:3, None])[:, ~tail_of(cast) if without_tail else slice(None)].reshape(-1, 3)
        projection = crop_matrix(placed, points, size, random, partly)
        marks = bare.landmarks[1] + shift[1]
        clips, kinds = [], []
        sharp = Camera(target - view * distance, view, projection @ placed)
        for _ in range(2):
            clip, kind = self._clip(plan, build, stage.turns, root, shift, sharp, (target, distance, roll, projection, size), times, random)
            clips.append(clip)
            kinds.append(kind)
        landmarks = np.full((MOST_LANDMARKS, 2), np.nan, np.float32)
        landmarks[: len(marks)] = sharp.project(marks)
        return Pair(clips, landmarks, kinds)

    def _clip(self, plan, build, turns, root, shift, camera, lens, times, random) -> tuple[Clip, int]:  # type: ignore[no-untyped-def]
        cast, actor, renderer = self.casts[plan], self.actors[plan], self.renderer
        target, distance, roll, projection, size = lens
        look_ = draw_look(cast, random)
        rest = cast.vertices[build]
        normals = rest_normals(rest, cast.faces)
        rest = rest + normals * (look_.padding * (1.0 if plan == "person" else 0.6))[:, None].astype(np.float32)
        kind = int(random.choice(3, p=[0.68, 0.17, 0.15]))  # empty scene: true, median of frames with the subject, another moment
        frames = {0: 3, 1: 5, 2: 4}[kind]
        posed = pose_body(cast, cast.heads[build], rest, normals, cast.landmark_points[build], turns[:frames],
                          (root[0][:frames], shift[:frames]))  # fmt: skip
        actor.dress(look_)
        scene = draw_scene(plan, camera.view, size, random)
        bars = occluders(camera.eye, target, size, random)
        other = bystander(camera.view, size, random)
        set_ = Set(renderer, scene, bars, other, random.uniform() < 0.5)
        sway = np.radians(random.normal(0, 0.25, (8, 2))) * (random.uniform() < 0.25) * (1.0 if random.uniform() < 0.8 else 4)
        light = _light(renderer, scene, target, size, camera, random)
        pictures, truth = [], None
        for t in [*range(frames), None]:
            if t is None and kind != 0:
                continue
            moved = self._swayed(camera, lens, sway[7 if t is None else t])
            if t is not None:
                actor.move(posed, t, look_)
            set_.draw(actor.mesh, t is not None, moved, light, times[t if t is not None else 0], t == 1)
            pictures.append(renderer.read().copy())
            if t == 1:
                truth = renderer.read_truth().astype(np.float32)
        set_.release()
        if kind == 1:
            pictures = [*pictures[:3], np.median(np.stack(pictures), 0).astype(np.uint8)]
        elif kind == 2:
            pictures = [*pictures[:3], pictures[3]]
        if times[2] - times[1] < 0.02 and random.uniform() < 0.3:
            pictures = blurred(pictures)
        developed = develop(pictures, CROP, random)
        if random.uniform() < 0.04:
            developed = interlaced(developed)
        if random.uniform() < 0.12:
            where = int(random.integers(4)), float(random.uniform(0.02, 0.35)), bool(random.uniform() < 0.4)
            developed = [at_the_border(picture, *where) for picture in developed]
            truth = at_the_border(truth, *where[:2], True)
        moved = self._swayed(camera, lens, sway[1])
        return _finish(developed, truth, moved.project(posed.landmarks[1]), kind), kind

    def _swayed(self, camera: Camera, lens, turn: np.ndarray) -> Camera:  # type: ignore[no-untyped-def]
        target, distance, roll, projection, _ = lens
        shifted = projection.copy()
        shifted[0, 2] += turn[0] * projection[0, 0]
        shifted[1, 2] += turn[1] * projection[1, 1]
        _, placed = look(camera.view, roll, target, distance)
        return Camera(camera.eye, camera.view, shifted @ placed)


def _light(renderer, scene: Scene, target, size, camera: Camera, random) -> tuple[np.ndarray, bool]:  # type: ignore[no-untyped-def]
    """Random sun, sky and lamp at the camera; the matrix for shadows."""
    way = random.normal(0, 1, 3)
    way[2] = abs(way[2]) + random.uniform(0.2, 1.5)
    if camera.view[2] > 0.15:
        way[2] = random.choice([-1, 1]) * way[2]
    way /= np.linalg.norm(way)
    level = random.dirichlet([1.5, 2.0, 0.7]) * random.uniform(0.7, 1.5)
    warm = np.exp(random.normal(0, 0.08, 3))
    if random.uniform() < 0.12:  # a lamp at the camera in the dark
        level = np.array([0.05, 0.05, 1.0]) * random.uniform(0.5, 1.3)
    matrix = light_matrix(way, target, 2.2 * size)
    renderer.set(eye=camera.eye, sun_way=way, sun=level[0] * 1.6 * warm, sky=level[1] * np.ones(3) / warm, lamp=level[2] * np.ones(3),
                 dark=random.choice([0.0, 1.0], p=[0.2, 0.8]) * random.uniform(0.4, 1), soft=random.uniform(0.001, 0.012))  # fmt: skip
    return matrix, random.uniform() < 0.5


class Set:
    """A scene on the card."""

    def __init__(self, renderer: Renderer, scene: Scene, bars: Parts, other: np.ndarray | None, stays: bool) -> None:
        self.renderer, self.scene, self.other, self.stays = renderer, scene, other, stays
        self.meshes = {name: self._mesh(parts) for name, parts in
                       (("still", scene.still), ("floor", scene.floor), ("turning", scene.turning), ("bars", bars))}  # fmt: skip
        self.sky = any_colour(np.random.default_rng(int(1e6 * abs(scene.turn)) + len(scene.still.faces)))
        self.backdrop = self._backdrop(scene.backdrop) if scene.backdrop >= 0 else None

    def _mesh(self, parts: Parts) -> Mesh | None:
        if not parts.count:
            return None
        mesh = Mesh(self.renderer, np.concatenate(parts.faces), parts.count)
        mesh.move(np.concatenate(parts.positions), np.concatenate(parts.normals))
        mesh.paint(np.concatenate(parts.places), np.concatenate(parts.colours), np.concatenate(parts.matters))
        return mesh

    def _backdrop(self, photo: int) -> Mesh:
        parts = Parts()
        parts.quad([-1, 1, 0.9999], [2, 0, 0], [0, -2, 0], np.ones(3), [photo, 0.5, 1.6, 0])
        return self._mesh(parts)  # type: ignore[return-value]

    def draw(self, actor: Mesh, present: bool, camera: Camera, light: tuple[np.ndarray, bool], time: float, truth: bool) -> None:
        renderer, scene, meshes, body = self.renderer, self.scene, self.meshes, actor if present else None
        shading = [body] if body is not None else []
        if light[1]:
            shading += [meshes[name] for name in ("still", "bars") if meshes[name] is not None and scene.kind == "room"]
        renderer.cast_shadow(shading, light[0])
        renderer.begin(self.sky, truth)
        if self.backdrop is not None:
            renderer.set(camera=np.eye(4), catcher=0, roll=0.0)
            renderer.draw(self.backdrop)
        renderer.set(camera=camera.matrix, catcher=0, roll=scene.belt * time)
        if meshes["still"] is not None:
            renderer.draw(meshes["still"])
        renderer.set(roll=0.0)
        if body is not None and scene.mirror:
            renderer.draw(body, body=0.6, model=np.diag([1.0, 1, -1, 1]))
        if self.other is not None and (present or self.stays):
            renderer.draw(actor, body=0.6, model=self.other)
        clear = scene.floor_opacity < 1
        if meshes["floor"] is not None and not (clear and camera.view[2] > 0):
            renderer.set(catcher=int(scene.catcher))
            renderer.draw(meshes["floor"], opacity=min(scene.floor_opacity, 0.999 if scene.catcher else 1.0))
            renderer.set(catcher=0)
        if meshes["turning"] is not None:
            renderer.draw(meshes["turning"], model=_about_axle(scene.axle, scene.turn * 2 * np.pi * time))
        if body is not None:
            renderer.draw(body, body=1.0)
        if meshes["floor"] is not None and clear and camera.view[2] > 0:
            renderer.draw(meshes["floor"], opacity=scene.floor_opacity)
        if meshes["bars"] is not None:
            renderer.draw(meshes["bars"])

    def release(self) -> None:
        for mesh in [*self.meshes.values(), self.backdrop]:
            if mesh is not None:
                mesh.release()


def _about_axle(axle: np.ndarray, angle: float) -> np.ndarray:
    model = np.eye(4)
    model[:3, :3] = rotation([0, 1, 0], angle)[0]
    model[:3, 3] = axle
    return model


def _finish(frames: list[np.ndarray], truth: np.ndarray, marks: np.ndarray, kind: int) -> Clip:
    body = truth[..., 3] > 0.5
    alpha = cv2.resize(body.astype(np.float32), (CROP, CROP), interpolation=cv2.INTER_AREA)
    weight = cv2.resize(body.astype(np.float32), (COORDINATES, COORDINATES), interpolation=cv2.INTER_AREA)
    place = cv2.resize(np.where(body[..., None], truth[..., :3], 0), (COORDINATES, COORDINATES), interpolation=cv2.INTER_AREA)
    place = np.where(weight[..., None] > 0.3, place / np.maximum(weight[..., None], 0.3), 0)
    inside = (marks > 0).all(1) & (marks < 1).all(1)
    visible = np.zeros(MOST_LANDMARKS, bool)
    visible[: len(marks)] = inside
    return Clip(np.stack(frames[:3]), frames[3], (255 * alpha).astype(np.uint8),
                np.clip(np.round(place * 127), -127, 127).astype(np.int8), weight > 0.3, visible)  # fmt: skip
