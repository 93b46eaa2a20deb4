"""Pairs of clips: one body at two moments, in two independent appearances, scenes, lights and films, with the truth.

Both moments of an appearance share everything but time, so that what an answer is off by in both can be told from what
comes and goes.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

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
MOMENTS = {TRUE: 6, GHOST: 8, OTHER_MOMENT: 7}  # times of a shot that are drawn
TRUTHS = 1, 4  # of those times: the two moments
NEAR = 2.0  # times its depth under the nearest skin: a landmark is visible where its pixel shows skin so near to it
FINEST = 0.02  # body sizes, for landmarks that lie on the skin
TURNING, FASTEST_TURN = 0.1, 200.0  # share of the shots in which the body turns; degrees in a cycle


@dataclass
class Clip:
    """A moment with its neighbours and its truth.

    frames uint8 [3, 160, 160, 3] (before, at, after), empty uint8 [160, 160, 3] (the scene without the subject, or what
    a program would take for it), alpha uint8 [160, 160], place int8 [80, 80, 3] (canonical coordinates times 127; 0 off
    the body), on_body bool [80, 80], visible bool [30]: landmarks that neither the rest of the body nor anything else
    hides.
    """

    frames: np.ndarray
    empty: np.ndarray
    alpha: np.ndarray
    place: np.ndarray
    on_body: np.ndarray
    visible: np.ndarray


@dataclass
class Pair:
    """Two clips of one moment; landmarks float32 [30, 2] in crop sides (NaN where the plan has none)."""

    clips: list[Clip]
    landmarks: np.ndarray
    empty_kinds: list[int]


@dataclass
class Shot:
    """What both clips of a pair share: the body's posture over time and the camera.

    times [T] in cycles (before, at and after each of two moments, two others), turns [T, J, 3, 3], root [T, 3, 3],
    shift [T, 3].
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

    def draw(self, plan: str, random: np.random.Generator) -> list[Pair]:
        """Both moments of a random body of the plan, each as a pair of clips."""
        shot = draw_shot(self.casts[plan], random)
        places = shot.camera(np.zeros(2)).project(shot.posed(0.0, MOMENTS[TRUE]).landmarks[list(TRUTHS)])
        landmarks = np.full((len(TRUTHS), MOST_LANDMARKS, 2), np.nan, np.float32)
        landmarks[:, : places.shape[1]] = places
        first, second = (self._clips(shot, landmarks, random) for _ in range(2))
        kinds = [kind for _, kind in (first, second)]
        looks = zip(first[0], second[0], strict=True)
        return [Pair(list(both), marks, kinds) for both, marks in zip(looks, landmarks, strict=True)]

    def _clips(self, shot: Shot, landmarks: np.ndarray, random: np.random.Generator) -> tuple[list[Clip], int]:
        """The two moments in one appearance, and the kind of its empty scene."""
        look_, kind = draw_look(shot.cast, random), int(random.choice(3, p=[0.68, 0.17, 0.15]))
        posed = shot.posed(look_.padding * (1.0 if shot.cast.plan == "person" else 0.6), MOMENTS[kind])
        pictures, truths = self._pictures(shot, look_, posed, kind, random)
        moments = [pictures[:3], pictures[3:6]]
        empty = np.median(np.stack(pictures), 0).astype(np.uint8) if kind == GHOST else pictures[6]
        if shot.times[2] - shot.times[1] < 0.02 and random.uniform() < 0.3:
            moments = [blurred(frames) for frames in moments]
        *taken, empty = develop([*moments[0], *moments[1], empty], CROP, random)
        moments = [taken[:3], taken[3:]]
        if random.uniform() < 0.04:
            moments = [interlaced(frames) for frames in moments]
        if random.uniform() < 0.12:
            side, share, black = int(random.integers(4)), random.uniform(0.02, 0.35), random.uniform() < 0.4
            moments = [[at_the_border(frame, side, share, black) for frame in frames] for frames in moments]
            empty = at_the_border(empty, side, share, black)
            truths = [at_the_border(truth, side, share, True) for truth in truths]
        marked = zip(moments, truths, landmarks, TRUTHS, strict=True)
        return [
            _with_truth(frames, empty, truth, visible(truth, marks, posed, moment, shot.cast, shot.size))
            for frames, truth, marks, moment in marked
        ], kind

    def _pictures(
        self, shot: Shot, look_: Look, posed: Posed, kind: int, random: np.random.Generator
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Pictures of the times, then of the empty scene where that is the true one; the truth of the two moments."""
        actor, renderer = self.actors[shot.cast.plan], self.renderer
        actor.dress(look_)
        film_set = FilmSet(renderer, shot.cast.plan, shot.camera(np.zeros(2)), shot.target, shot.size, random)
        middle = np.array([1, 1, 1, 4, 4, 4, 1, 1])  # the truth is that of a camera at rest
        sway = np.radians(random.normal(0, random.choice([0.0, 0.25, 1.0], p=[0.75, 0.2, 0.05]), (9, 2)))
        sway[:8] -= sway[middle]
        zooms = np.exp(random.choice([0.0, random.normal(0, 1.0)], p=[0.95, 0.05]) * (shot.times - shot.times[middle]))
        pictures, truths = [], []
        for moment in range(len(posed.vertices)):
            actor.move(posed, moment, look_)
            told = moment in TRUTHS
            film_set.draw(actor.mesh, True, shot.camera(sway[moment], zooms[moment]), shot.times[moment], told)
            pictures.append(renderer.read().copy())
            if told:
                truths.append(renderer.read_truth().astype(np.float32))
        if kind == TRUE:
            film_set.draw(actor.mesh, False, shot.camera(sway[8]), shot.times[0], False)
            pictures.append(renderer.read().copy())
        film_set.release()
        return pictures, truths


def draw_shot(cast: Cast, random: np.random.Generator) -> Shot:
    """A random body of the cast in a random action, before a random camera."""
    build, step = int(random.integers(len(cast.vertices))), random.uniform(0.006, 0.07)
    around, later = np.array([-step, 0, step]), random.uniform(0.15, 0.85)
    times = random.uniform(0, 1) + np.concatenate([around, later + around, random.uniform(1.0, 3.0, 2)])
    own = np.concatenate([around, around, times[6:] - times[1]])  # since the moment: the camera follows a traveller
    stage = perform(cast, cast.heads[build], times, random)
    view, roll = draw_view(cast.plan, random)
    long = float(np.ptp(cast.vertices[build][:, 2 if cast.plan == "person" else 0]))
    size = long * (0.62 if cast.plan == "rodent" else 1)  # without the tail
    turning = random.uniform(-FASTEST_TURN, FASTEST_TURN) * (random.uniform() < TURNING)
    heading = rotation(UP, np.radians(random.normal(0, 10) + turning * (times - times[1])))
    shot = Shot(cast, build, times, stage.turns, heading @ stage.root_turn, np.zeros((len(times), 3)), view, roll, size,
                size * np.exp(random.uniform(np.log(1.6), np.log(9))), np.zeros(3), np.eye(4))  # fmt: skip
    bare = shot.posed(0.0, MOMENTS[TRUE]).vertices
    shot.shift[:, 0] = stage.speed * (random.uniform() < 0.5) * size * own * 1.2
    shot.shift[:, 2] = -bare[..., 2].min()
    shot.shift[:, :2] -= bare[1, :, :2].mean(0)
    shot.target = np.array([0, 0, np.ptp(bare[1, :, 2]) / 2])
    partly = 0.22 if cast.plan == "person" else 0.1
    shown = str(random.choice(["part", "surroundings", "body"], p=[partly, SURROUNDINGS, 1 - partly - SURROUNDINGS]))
    counted = ~tail_of(cast) if shown == "part" or random.uniform() < 0.25 else np.ones(bare.shape[1], bool)
    points = (bare + shot.shift[: len(bare), None])[:, counted].reshape(-1, 3)
    _, placed = look(view, roll, shot.target, shot.distance)
    shot.projection = crop_matrix(placed, points, size, random, shown)
    return shot


def tail_of(cast: Cast) -> np.ndarray:
    """Which vertices belong to the tail, bool [V]."""
    main = np.array([cast.names[b] for b in cast.bones[:, 0]])
    return np.char.startswith(main, "vertebra_C") & (main != "vertebra_C1") | np.char.startswith(main, "Ca_")


def visible(
    truth: np.ndarray, landmarks: np.ndarray, posed: Posed, moment: int, cast: Cast, size: float
) -> np.ndarray:  # fmt: skip
    """Which landmarks [30, 2] a picture with the truth [S, S, 4] shows, bool [30].

    Their pixel is of the skin around them: neither the rest of the body nor anything else is in front.
    size: the body's.
    """
    shown, skin, points = np.zeros(len(landmarks), bool), posed.vertices[moment], posed.landmarks[moment]
    cells = np.nan_to_num(landmarks[: len(points)], nan=-1.0) * len(truth)
    inside = np.flatnonzero(((cells >= 0) & (cells < len(truth))).all(1))
    column, row = cells[inside].astype(int).T
    seen = skin[cKDTree(cast.canonical).query(truth[row, column, :3])[1]]
    depth = cKDTree(skin).query(points[inside])[0]
    near = np.linalg.norm(seen - points[inside], axis=1) < NEAR * depth + FINEST * size
    shown[inside] = near & (truth[row, column, 3] > 0.5)
    return shown


def _with_truth(frames: list[np.ndarray], empty: np.ndarray, truth: np.ndarray, shown: np.ndarray) -> Clip:
    body = truth[..., 3] > 0.5
    alpha, weight = (
        cv2.resize(body.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) for side in (CROP, COORDINATES)
    )
    place = np.where(body[..., None], truth[..., :3], 0)
    place = cv2.resize(place, (COORDINATES, COORDINATES), interpolation=cv2.INTER_AREA)
    on_body = weight > 0.3
    place = np.where(on_body[..., None], place / np.maximum(weight, 0.3)[..., None], 0)
    return Clip(np.stack(frames), empty, (255 * alpha).astype(np.uint8),
                np.clip(np.round(place * 127), -127, 127).astype(np.int8), on_body, shown)  # fmt: skip
