"""Pairs of clips: one moment of one body in two independent appearances, scenes, lights and films, with the truth."""

from dataclasses import dataclass

import cv2
import numpy as np

from .bodies.actor import Actor
from .bodies.cast import Cast
from .bodies.landmarks import LANDMARKS
from .bodies.postures import perform
from .bodies.skinned_body import Posed, pose_body, rest_normals, rotation
from .cameras import Camera, crop_matrix, draw_view, look
from .film import at_the_border, blurred, develop, interlaced
from .film_set import UP, FilmSet
from .looks import Look, draw_look
from .renderer import Renderer

CROP, COORDINATES = 160, 80
MOST_LANDMARKS = max(len(marks) for marks in LANDMARKS.values())
TRUE, GHOST, OTHER_MOMENT = range(
    3
)  # the empty scene is empty; a median that contains the subject; shows the subject elsewhere
SURROUNDINGS = 0.3  # share of the pairs that show much around the body
MOMENTS = {TRUE: 3, GHOST: 5, OTHER_MOMENT: 4}


@dataclass
class Clip:
    """A moment with its neighbours and its truth.

    frames uint8 [3, 160, 160, 3] (before, at, after), empty uint8 [160, 160, 3] (the scene without the subject, or what
    a program would take for it), alpha uint8 [160, 160], place int8 [80, 80, 3] (canonical coordinates times 127; 0 off
    the body), on_body bool [80, 80].
    """

    frames: np.ndarray
    empty: np.ndarray
    alpha: np.ndarray
    place: np.ndarray
    on_body: np.ndarray


@dataclass
class Pair:
    """Two clips of one moment; landmarks float32 [30, 2] in crop sides (NaN where the plan has none)."""

    clips: list[Clip]
    landmarks: np.ndarray
    empty_kinds: list[int]


@dataclass
class Shot:
    """What both clips of a pair share: the body's posture over time and the camera.

    times [T] in cycles (before, at, after, two others), turns [T, J, 3, 3], root [T, 3, 3], shift [T, 3].
    """

    cast: Cast
    build: int
    times: np.ndarray
    turns: np.ndarray
    root: np.ndarray
    shift: np.ndarray
    view: np.ndarray
    roll: float
    size: float
    distance: float
    target: np.ndarray
    projection: np.ndarray

    def camera(self, sway: np.ndarray, zoom: float = 1.0) -> Camera:
        """The camera, turned by two small angles and zoomed in."""
        shifted = np.diag([zoom, zoom, 1.0, 1.0]) @ self.projection
        shifted[0, 2] += sway[0] * shifted[0, 0]
        shifted[1, 2] += sway[1] * shifted[1, 1]
        eye, placed = look(self.view, self.roll, self.target, self.distance)
        return Camera(eye, self.view, shifted @ placed)

    def posed(self, padding: np.ndarray | float, moments: int) -> Posed:
        """The body at the first moments, with its skin moved outwards by `padding` [V]."""
        rest = self.cast.vertices[self.build]
        normals = rest_normals(rest, self.cast.faces)
        rest = rest + normals * np.broadcast_to(padding, len(rest))[:, None].astype(np.float32)
        return pose_body(self.cast, self.cast.heads[self.build], rest, normals, self.cast.landmark_points[self.build],
                         self.turns[:moments], (self.root[:moments], self.shift[:moments]))  # fmt: skip


class World:
    """Draws pairs with one renderer, which holds the photographs for walls and clothes."""

    def __init__(self, renderer: Renderer, casts: dict[str, Cast]) -> None:
        self.renderer, self.casts = renderer, casts
        self.actors = {plan: Actor(renderer, cast) for plan, cast in casts.items()}

    def draw(self, plan: str, random: np.random.Generator) -> Pair:
        """A pair of clips of a random body of the plan."""
        shot = draw_shot(self.casts[plan], random)
        marks = shot.camera(np.zeros(2)).project(shot.posed(0.0, 2).landmarks[1])
        landmarks = np.full((MOST_LANDMARKS, 2), np.nan, np.float32)
        landmarks[: len(marks)] = marks
        drawn = [self._clip(shot, random) for _ in range(2)]
        return Pair([clip for clip, _ in drawn], landmarks, [kind for _, kind in drawn])

    def _clip(self, shot: Shot, random: np.random.Generator) -> tuple[Clip, int]:
        look_, kind = draw_look(shot.cast, random), int(random.choice(3, p=[0.68, 0.17, 0.15]))
        posed = shot.posed(look_.padding * (1.0 if shot.cast.plan == "person" else 0.6), MOMENTS[kind])
        pictures, truth = self._pictures(shot, look_, posed, kind, random)
        if kind == GHOST:
            pictures = [*pictures[:3], np.median(np.stack(pictures), 0).astype(np.uint8)]
        if shot.times[2] - shot.times[1] < 0.02 and random.uniform() < 0.3:
            pictures = blurred(pictures)
        pictures = develop(pictures, CROP, random)
        if random.uniform() < 0.04:
            pictures = interlaced(pictures)
        if random.uniform() < 0.12:
            side, share, black = int(random.integers(4)), random.uniform(0.02, 0.35), random.uniform() < 0.4
            pictures = [at_the_border(picture, side, share, black) for picture in pictures]
            truth = at_the_border(truth, side, share, True)
        return _with_truth(pictures, truth), kind

    def _pictures(
        self, shot: Shot, look_: Look, posed: Posed, kind: int, random: np.random.Generator
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Pictures of the moments, then of the empty scene where that is the true one; the truth of the second."""
        actor, renderer = self.actors[shot.cast.plan], self.renderer
        actor.dress(look_)
        film_set = FilmSet(renderer, shot.cast.plan, shot.camera(np.zeros(2)), shot.target, shot.size, random)
        sway = np.radians(random.normal(0, random.choice([0.0, 0.25, 1.0], p=[0.75, 0.2, 0.05]), (6, 2)))
        sway -= sway[1]  # the truth is that of the second moment
        zooms = np.exp(random.choice([0.0, random.normal(0, 1.0)], p=[0.95, 0.05]) * (shot.times - shot.times[1]))
        pictures, truth = [], np.zeros(0)
        for moment in range(len(posed.vertices)):
            actor.move(posed, moment, look_)
            film_set.draw(actor.mesh, True, shot.camera(sway[moment], zooms[moment]), shot.times[moment], moment == 1)
            pictures.append(renderer.read().copy())
            if moment == 1:
                truth = renderer.read_truth().astype(np.float32)
        if kind == TRUE:
            film_set.draw(actor.mesh, False, shot.camera(sway[5]), shot.times[0], False)
            pictures.append(renderer.read().copy())
        film_set.release()
        return pictures, truth


def draw_shot(cast: Cast, random: np.random.Generator) -> Shot:
    """A random body of the cast in a random action, before a random camera."""
    build, step = int(random.integers(len(cast.vertices))), random.uniform(0.006, 0.07)
    times = random.uniform(0, 1) + np.concatenate([[-step, 0, step], random.uniform(0.1, 3.0, 2)])
    stage = perform(cast, cast.heads[build], times, random)
    view, roll = draw_view(cast.plan, random)
    long = float(np.ptp(cast.vertices[build][:, 2 if cast.plan == "person" else 0]))
    size = long * (0.62 if cast.plan == "rodent" else 1)  # without the tail
    heading = rotation(UP, np.radians(random.normal(0, 10)) * np.ones(len(times)))
    shot = Shot(cast, build, times, stage.turns, heading @ stage.root_turn, np.zeros((len(times), 3)), view, roll, size,
                size * np.exp(random.uniform(np.log(1.6), np.log(9))), np.zeros(3), np.eye(4))  # fmt: skip
    bare = shot.posed(0.0, 3).vertices
    shot.shift[:, 0] = stage.speed * (random.uniform() < 0.5) * size * (times - times[1]) * 1.2
    shot.shift[:, 2] = -bare[..., 2].min()
    shot.shift[:, :2] -= bare[1, :, :2].mean(0)
    shot.target = np.array([0, 0, np.ptp(bare[1, :, 2]) / 2])
    partly = 0.22 if cast.plan == "person" else 0.1
    shown = str(random.choice(["part", "surroundings", "body"], p=[partly, SURROUNDINGS, 1 - partly - SURROUNDINGS]))
    counted = ~tail_of(cast) if shown == "part" or random.uniform() < 0.25 else np.ones(bare.shape[1], bool)
    points = (bare + shot.shift[:3, None])[:, counted].reshape(-1, 3)
    _, placed = look(view, roll, shot.target, shot.distance)
    shot.projection = crop_matrix(placed, points, size, random, shown)
    return shot


def tail_of(cast: Cast) -> np.ndarray:
    """Which vertices belong to the tail, bool [V]."""
    main = np.array([cast.names[b] for b in cast.bones[:, 0]])
    return np.char.startswith(main, "vertebra_C") & (main != "vertebra_C1") | np.char.startswith(main, "Ca_")


def _with_truth(pictures: list[np.ndarray], truth: np.ndarray) -> Clip:
    body = truth[..., 3] > 0.5
    alpha, weight = (
        cv2.resize(body.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) for side in (CROP, COORDINATES)
    )
    place = np.where(body[..., None], truth[..., :3], 0)
    place = cv2.resize(place, (COORDINATES, COORDINATES), interpolation=cv2.INTER_AREA)
    on_body = weight > 0.3
    place = np.where(on_body[..., None], place / np.maximum(weight, 0.3)[..., None], 0)
    return Clip(np.stack(pictures[:3]), pictures[3], (255 * alpha).astype(np.uint8),
                np.clip(np.round(place * 127), -127, 127).astype(np.int8), on_body)  # fmt: skip
