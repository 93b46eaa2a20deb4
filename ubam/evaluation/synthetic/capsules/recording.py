"""One recording of the second test renderer, with its truth: a capsule person or rat, from the side or from above."""

import colorsys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ubam.core.errors import StudyError
from ubam.evaluation.synthetic.capsules import person as capsule_person
from ubam.evaluation.synthetic.capsules import rat as capsule_rat
from ubam.evaluation.synthetic.capsules.casting import Cones, View, cast
from ubam.evaluation.synthetic.capsules.motion import Points, smooth_chance
from ubam.evaluation.synthetic.capsules.scenery import RING, Film, Light, Scene, compose, developed, sample_surface

KINDS: dict[str, Any] = {"human": capsule_person, "rodent": capsule_rat}
SCENES = ("in place", "travelling")
VIEWS = ("side", "above")
SIZE = (320, 240)  # px
# px from crown to sole, or from the rat's nose to the base of its tail
SPAN = {
    ("human", "in place"): (150, 185), ("human", "travelling"): (105, 135),
    ("rodent", "in place"): (105, 130), ("rodent", "travelling"): (75, 100),
}  # fmt: skip
LONGEST = 600  # seconds; points are held in memory
CONTRAST = 0.2  # at least between each part of a subject and its wall, in the channel that differs most
DIMMED = 0.8  # what the side of a body that the camera sees has of the light
TRIES = 100
EDGE_PX = 12
FLOW = {"human": 0.006, "rodent": 0.02}  # over which limbs melt into each other, body heights (lengths)
TONES = {"any": (0.08, 0.85), "light": (0.55, 0.9), "dark": (0.06, 0.34)}


@dataclass(frozen=True)
class Place:
    """How a recording is filmed: one of `SCENES` and `VIEWS`, and whether the subject faces right in the picture."""

    scene: str = "in place"
    view: str = "side"
    faces_right: bool = True


@dataclass(frozen=True)
class Change:
    """A named impairment ("" for none), its severity 0 to 1, and the factor at which it is shown, 0: the twin."""

    impairment: str = ""
    severity: float = 0.0
    factor: float = 1.0


@dataclass(frozen=True)
class Drawn:
    """A frame uint8 [H, W, 3], the subject's coverage float32 [H, W] in 0..1, and which keypoints are seen [K]."""

    picture: np.ndarray
    alpha: np.ndarray
    visible: np.ndarray


@dataclass(frozen=True)
class CapsuleRecording:
    """A recording that is drawn on demand, any frame for itself.

    truth: keypoints and keypoints_healthy float32 [T, K, 2] px, names [K], phase float32 [T] in [0, 1), body_height px,
    fps, impairment, severity, factor, side, palette, scene, view, sway float32 [T, 3] (px across, px down, radians),
    heading float32 [T]: of a subject seen from above, radians clockwise from the right of the picture; else 0.
    """

    seed: tuple[int, int]
    base: View
    scene: Scene
    light: Light
    film: Film
    limbs: Sequence[tuple[str, str, float, float, str]]
    looks: dict[str, tuple[np.ndarray, np.ndarray, int]]
    melt: float
    points: Points
    truth: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.truth["phase"])

    def frames(self) -> Iterator[Drawn]:
        """All frames in order."""
        return (self.draw(frame) for frame in range(len(self)))

    def draw(self, frame: int) -> Drawn:
        """One frame with its truth."""
        view, cones = self.base.swayed(*self.truth["sway"][frame].tolist()), self.cones(frame)
        seen = cast(view, cones)
        alpha = np.zeros((view.height, view.width), np.float32)
        depth = np.full(alpha.shape, np.inf, np.float32)
        if seen is not None:
            height, width = seen.alpha.shape
            window = np.s_[seen.corner[1] : seen.corner[1] + height, seen.corner[0] : seen.corner[0] + width]
            alpha[window], depth[window] = seen.alpha, np.where(seen.alpha > 0.5, seen.depth, np.inf)
        picture = compose(self.scene, view, cones, seen, self.light)
        frame_rng = np.random.default_rng([*self.seed, 8, frame])
        return Drawn(developed(picture, self.film, frame_rng), alpha, self._visible(view, depth, frame))

    def cones(self, frame: int) -> Cones:
        """The body at a frame."""
        start = np.stack([self.points[first][frame] for first, *_ in self.limbs])
        end = np.stack([self.points[last][frame] for _, last, *_ in self.limbs])
        radius = np.array([limb[2:4] for limb in self.limbs])
        worn = [self.looks[limb[4]] for limb in self.limbs]
        colour, second, rings = (np.array([look[part] for look in worn]) for part in range(3))
        return Cones(start, end, radius, colour, second, rings, self.melt)

    def _visible(self, view: View, depth: np.ndarray, frame: int) -> np.ndarray:
        """Which keypoints lie in the picture behind nothing but the limbs that meet in them."""
        names = self.truth["names"].tolist()
        place = view.project(np.stack([self.points[name][frame] for name in names]))
        own = np.array([max((max(x[2:4]) for x in self.limbs if name in x[:2]), default=0.0) for name in names])
        column, row = np.floor(place[:, :2]).astype(int).T
        inside = (column >= 0) & (column < view.width) & (row >= 0) & (row < view.height)
        front = depth[row.clip(0, view.height - 1), column.clip(0, view.width - 1)]
        return np.asarray(inside & (front > place[:, 2] - 1.4 * own - 2 * self.melt))


def film_recording(
    subject_seed: int, *, kind: str = "human", place: Place = Place(), recording: int = 0, seconds: float = 5.0,
    change: Change = Change(), palette: str = "any",
) -> CapsuleRecording:  # fmt: skip
    """Prepare one recording of one subject; nothing is drawn yet.

    The subject of a seed has its body, gait, colours, wall, light and camera from that seed; its recordings differ in
    their moments and noise. A travelling subject's recording ends before it leaves the picture. StudyError for a kind,
    scene, view or impairment that does not exist.
    """
    check(kind, place, change, seconds)
    module = KINDS[kind]
    body = module.sample_body(np.random.default_rng([subject_seed, 1]))
    gait = module.sample_gait(np.random.default_rng([subject_seed, 2]))
    rng = np.random.default_rng([subject_seed, 5, recording])
    limbs = module.limbs(body)
    side = _affected(np.random.default_rng([subject_seed, 4]), place)
    phase, shown, twin = _move(rng, module, (body, gait), place, change, seconds, side)
    base = _camera(np.random.default_rng([subject_seed, 6]), kind, body, place)
    step = gait.cadence * module.speed(body, gait) / module.FPS
    shown, twin, heading = _into_picture(rng, base, place, shown, twin, step)
    frames = len(heading)
    sway = _sway(rng, frames, module.FPS)
    truth = _truth(module, base, shown, twin, sway) | {"phase": (phase[:frames] % 1).astype(np.float32)}
    truth |= {
        "body_height": np.array(_height(limbs, twin) * _scale(base, twin), np.float32), "fps": np.array(module.FPS),
        "impairment": np.array(change.impairment), "severity": np.array(change.severity),
        "factor": np.array(change.factor), "side": np.array(side), "palette": np.array(palette),
        "scene": np.array(place.scene), "view": np.array(place.view), "sway": sway,
        "heading": -heading.astype(np.float32) if place.view == "above" else np.zeros(frames, np.float32),
    }  # fmt: skip
    unit = body.height if kind == "human" else body.length
    light, film = _light(np.random.default_rng([subject_seed, 3]), unit, place, palette)
    scene, looks = _scenery(np.random.default_rng([subject_seed, 7]), kind, base, unit, place, palette, film.grey)
    return CapsuleRecording(
        (subject_seed, recording), base, scene, light, film, limbs, looks, FLOW[kind] * unit, shown, truth
    )


def check(kind: str, place: Place, change: Change, seconds: float) -> None:
    """StudyError for what does not exist."""
    if kind not in KINDS:
        raise StudyError(f"no kind {kind!r}; there are {', '.join(KINDS)}")
    if place.scene not in SCENES or place.view not in VIEWS:
        raise StudyError(f"no scene {place.scene!r} seen from {place.view!r}; there are {SCENES} and {VIEWS}")
    if change.impairment and change.impairment not in KINDS[kind].IMPAIRMENTS:
        names = ", ".join(KINDS[kind].IMPAIRMENTS)
        raise StudyError(f"no impairment {change.impairment!r} for kind {kind}; there are {names}")
    if not 0 <= change.severity <= 1:
        raise StudyError(f"severity is {change.severity}, expected 0 to 1")
    if not 0 < seconds <= LONGEST:
        raise StudyError(f"a recording of {seconds} seconds; expected more than 0, at most {LONGEST}")


def _affected(rng: np.random.Generator, place: Place) -> str:
    """The side of a one-sided impairment: that which the camera sees."""
    if place.view == "above":
        return str(rng.choice(["right", "left"]))
    return "right" if place.faces_right else "left"


def _move(
    rng: np.random.Generator, module: Any, subject: tuple[Any, Any], place: Place, change: Change, seconds: float,
    side: str,
) -> tuple[np.ndarray, Points, Points]:  # fmt: skip
    """Phase [T] and the body's points [T, 3] as shown and as the healthy twin, in the body frame."""
    frames = max(round(seconds * module.FPS), 2)
    chance = smooth_chance(rng, module.CHANNELS + 1, frames, 0.3 * module.FPS)
    phase = rng.uniform() + np.cumsum(subject[1].cadence * (1 + 0.03 * chance[0])) / module.FPS
    level = change.severity * change.factor
    shown, twin = (module.pose(*subject, phase, chance[1:], change.impairment, amount, side) for amount in (level, 0.0))
    return phase, shown, twin


def _camera(rng: np.random.Generator, kind: str, body: Any, place: Place) -> View:
    """A camera that shows the subject at the size the scene asks for."""
    unit = body.height if kind == "human" else body.length
    focal = rng.uniform(380, 620)
    distance = focal * unit / rng.uniform(*SPAN[kind, place.scene])
    if place.view == "above":
        aside = rng.uniform(-0.15, 0.15, 2) * distance
        eye, at = np.array([aside[0], distance, aside[1]]), np.zeros(3)
    else:
        middle = (0.48 if kind == "human" else 0.2) * unit
        eye = np.array([rng.uniform(-0.1, 0.1) * distance, middle + rng.uniform(0.0, 0.35) * distance, 0.0])
        eye[2] = np.sqrt(distance**2 - (eye[1] - middle) ** 2 - eye[0] ** 2)
        at = np.array([0.0, middle, 0.0])
    return View.looking(SIZE, focal, eye, at)


def _into_picture(
    rng: np.random.Generator, base: View, place: Place, shown: Points, twin: Points, step: float
) -> tuple[Points, Points, np.ndarray]:
    """Both bodies in the world, as long as the twin stays in the picture, and their heading [T]; `step`: m a frame."""
    frames = len(twin["neck"])
    drift = smooth_chance(rng, 2, frames, 25.0)
    above = place.view == "above"
    heading = (0.0 if place.faces_right else np.pi) + np.radians(rng.uniform(-7, 7)) + np.radians(1.0) * drift[0]
    if above:
        heading = rng.uniform(0, 2 * np.pi) + np.radians(12.0) * drift[0]
    pace = step * np.ones(frames) if place.scene == "travelling" else 0.0 * drift[1]
    way = np.cumsum(np.stack([pace * np.cos(heading), -pace * np.sin(heading)], 1), 0)
    if place.scene == "in place":
        size = float(np.ptp(np.concatenate(list(twin.values()))[:, 0]))
        way = way + 0.02 * size * np.stack([drift[1] * np.cos(heading), -drift[1] * np.sin(heading)], 1)
    last = _staying(base, above, way, twin) if place.scene == "travelling" else frames
    way = way[:last] - 0.5 * (way[:last].min(0) + way[:last].max(0))
    heading = heading[:last]
    shown, twin = (_to_world({n: p[:last] for n, p in body.items()}, way, heading) for body in (shown, twin))
    return shown, twin, heading


def _staying(base: View, above: bool, way: np.ndarray, body: Points) -> int:
    """For how many frames a body that goes that way [T, 2] fits into the picture."""
    along = np.concatenate(list(body.values()))[:, 0]
    metre = _scale(base, body)
    sides = np.array([base.width, base.height if above else np.inf]) / metre
    room = sides - np.ptp(along) - 2 * EDGE_PX / metre
    spread = np.maximum.accumulate(way, 0) - np.minimum.accumulate(way, 0)
    out = np.flatnonzero((spread > np.maximum(room, 0)).any(1))
    return max(int(out[0]), 2) if len(out) else len(way)


def _to_world(body: Points, way: np.ndarray, heading: np.ndarray) -> Points:
    c, s = np.cos(heading), np.sin(heading)
    return {
        name: np.stack([way[:, 0] + c * p[:, 0] + s * p[:, 2], p[:, 1], way[:, 1] - s * p[:, 0] + c * p[:, 2]], 1)
        for name, p in body.items()
    }


def _scale(base: View, body: Points) -> float:
    """Pixels per metre where the body is, its way's middle taken for the origin."""
    middle = np.array([0.0, float(np.median(body["neck"][:, 1])) / 2, 0.0])
    return base.focal / float(base.project(middle)[2])


def _height(limbs: Sequence[tuple[str, str, float, float, str]], body: Points) -> float:
    """Median over time of the vertical extent, m."""
    ends = [(body[name][:, 1], radius) for limb in limbs for name, radius in zip(limb[:2], limb[2:4], strict=True)]
    top, low = np.max([y + radius for y, radius in ends], 0), np.min([y - radius for y, radius in ends], 0)
    return float(np.median(top - low))


def _sway(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """How the picture moves, float32 [T, 3]: a hand-held or badly fixed camera, by a few pixels."""
    amount = rng.uniform(0.4, 2.0)
    noise = smooth_chance(rng, 3, frames, rng.uniform(0.15, 0.6) * fps)
    return (noise.T * [amount, 0.7 * amount, 0.002 * amount]).clip(-6, 6).astype(np.float32)


def _truth(module: Any, base: View, shown: Points, twin: Points, sway: np.ndarray) -> dict[str, np.ndarray]:
    views = [base.swayed(*row) for row in sway.tolist()]
    keypoints, healthy = (
        np.stack([
            view.project(np.stack([body[name][frame] for name in module.KEYPOINTS]))[:, :2]
            for frame, view in enumerate(views)
        ]).astype(np.float32)
        for body in (shown, twin)
    )  # fmt: skip
    return {"keypoints": keypoints, "keypoints_healthy": healthy, "names": np.array(module.KEYPOINTS)}


def _hue(rng: np.random.Generator, tone: tuple[float, float], saturation: tuple[float, float]) -> np.ndarray:
    return np.array(colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(*saturation), rng.uniform(*tone)))


def _looks(rng: np.random.Generator, kind: str, palette: str) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Colour, second colour and rings of every part."""
    tone = TONES[palette]
    if kind == "human":
        skin = np.array([0.92, 0.72, 0.58]) * rng.uniform(0.4, 1.0)
        shirt, trousers, shoes = (_hue(rng, tone, (0.1, 0.95)) for _ in range(3))
        sleeves, forearms = rng.choice([0, 1], 2, p=[0.3, 0.7])
        shins = trousers if rng.uniform() < 0.75 else skin
        hair = np.array([0.5, 0.35, 0.2]) * rng.uniform(0.1, 1.3)
        ringed = RING if rng.uniform() < 0.25 else 0
        second = _hue(rng, tone, (0.1, 0.9))
        colours = {
            "skin": skin, "shirt": shirt, "trousers": trousers, "shoes": shoes, "shins": shins, "hair": hair,
            "sleeves": shirt if sleeves else skin, "forearms": shirt if sleeves and forearms else skin,
        }  # fmt: skip
        return {part: (c, second, ringed if part == "shirt" else 0) for part, c in colours.items()}
    fur = np.array([1.0, 0.9, 0.78]) * rng.uniform(*tone)
    hood = fur if rng.uniform() < 0.5 else np.array([1.0, 0.9, 0.8]) * rng.uniform(*tone)
    pink = np.array([0.86, 0.62, 0.56]) * rng.uniform(0.6, 1.05)
    saddle = hood if rng.uniform() < 0.3 else fur
    colours = {"front": hood, "saddle": saddle, "rear": fur, "tail": pink, "ears": pink, "paws": pink}
    return {part: (c, c, 0) for part, c in colours.items()} | {"eyes": (np.full(3, 0.03), np.zeros(3), 0)}


def _scenery(
    rng: np.random.Generator, kind: str, base: View, unit: float, place: Place, palette: str, grey: bool
) -> tuple[Scene, dict[str, tuple[np.ndarray, np.ndarray, int]]]:
    """The scene and what the subject wears before it: in the best of many tries nothing of it is as the wall."""
    best = -1.0
    for _ in range(TRIES):
        looks = _looks(rng, kind, palette)
        wall = sample_surface(rng, (0.15, 0.85), unit)
        floor = sample_surface(rng, (0.15, 0.8), unit) if place.view == "side" else wall
        behind = [wall.colour, floor.colour] + [s.second for s in (wall, floor) if s.texture != "plain"]
        worn = [look[0] for part, look in looks.items() if part != "eyes"]
        contrast = min(_contrast(DIMMED * a, b, grey) for a in worn for b in behind)
        if contrast > best:  # as is the first, since no contrast is negative
            best, chosen = contrast, (looks, wall, floor)
        if best >= CONTRAST:
            break
    looks, wall, floor = chosen
    behind_z = -rng.uniform(0.35, 1.4) * unit if place.view == "side" else -1e3
    return Scene(base, wall, floor, rng.choice([0.0, 0.06]) * unit, behind_z), looks


def _contrast(one: np.ndarray, other: np.ndarray, grey: bool) -> float:
    difference = np.abs(one - other)
    return float(difference.mean() if grey else difference.max())


def _light(rng: np.random.Generator, unit: float, place: Place, palette: str) -> tuple[Light, Film]:
    towards = np.array(
        [rng.uniform(-0.7, 0.7), 1.0, rng.uniform(0.1, 0.9) if place.view == "side" else rng.uniform(-0.5, 0.5)]
    )
    direct = rng.uniform(0.35, 0.6)
    light = Light(
        towards / np.linalg.norm(towards), 1.0 - direct + rng.uniform(-0.1, 0.05), direct, rng.uniform(0.2, 0.6),
        unit * rng.uniform(0.01, 0.08),
    )  # fmt: skip
    bright = {"any": (0.8, 1.1), "light": (0.98, 1.15), "dark": (0.72, 0.9)}[palette]
    gain = rng.uniform(*bright) * (1 + rng.uniform(-0.06, 0.06, 3))
    return light, Film(gain, bool(rng.uniform() < 0.2), rng.uniform(0.5, 3.0), rng.uniform(0, 0.3))
