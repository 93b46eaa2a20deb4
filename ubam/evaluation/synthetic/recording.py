"""One rendered recording with its truth: a walker or a rat, healthy or with a named impairment, at any factor."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ubam.core.errors import StudyError
from ubam.evaluation.synthetic import rodent, walker
from ubam.evaluation.synthetic.rendering import Bone, Camera, FloorShadow, Light, Painter, place
from ubam.evaluation.synthetic.scenery import Scene, make_scene

KINDS: dict[str, Any] = {"human": walker, "rodent": rodent}
SCENES = ("walkway", "treadmill")
SUBSTEPS = 4  # moments computed per frame, so that feet stay where they are between frames
LONGEST = 1200  # seconds; the way of the body is held in memory, about 20 MB a minute
NOISE_CHANNELS = 24
MARGIN = 14.0  # px between the subject and the edge of the picture on the walkway
RAT_LENGTH = 0.218  # m from nose to tail base at size 1
SENSOR_NOISE = 0.7  # grey levels; more would only grow the files
# picture size in px, row of the ground from the bottom, pixels per metre or (human) body height in px
FRAMING = {
    ("human", "walkway"): (480, 208, 26, (115, 130)),
    ("human", "treadmill"): (256, 256, 34, (176, 198)),
    ("rodent", "walkway"): (448, 192, 44, (104, 114)),
    ("rodent", "treadmill"): (256, 256, 92, (112, 122)),
}


@dataclass(frozen=True)
class Subject:
    """One body with its natural gait, look, light and camera; all from one seed."""

    kind: str
    seed: int
    body: Any
    gait: Any
    materials: dict[str, Any]
    light: Light
    yaw: float
    side: str


@dataclass(frozen=True)
class Rendered:
    """One recording: `frames()` draws it, `masks()` says where the subject is, `truth` is what is known about it.

    truth: keypoints and keypoints_healthy float32 [T, K, 2] px, names [K], phase float32 [T] in [0, 1), body_height px,
    fps, impairment, severity, factor, side, palette, wall_seed.
    """

    width: int
    height: int
    fps: float
    truth: dict[str, np.ndarray]
    painter: Painter
    shadow: FloorShadow
    scene: Scene
    points: dict[str, np.ndarray]
    travelled: np.ndarray
    noise_seed: tuple[int, ...]

    def between(self, first: int, stop: int) -> "Rendered":
        """The frames from `first` to before `stop`, with their truth; the camera's noise is another."""
        part = np.s_[first:stop]
        truth = self.truth | {name: self.truth[name][part] for name in ("keypoints", "keypoints_healthy", "phase")}
        points = {name: places[part] for name, places in self.points.items()}
        return replace(self, truth=truth, points=points, travelled=self.travelled[part])

    def frames(self) -> Iterator[np.ndarray]:
        """The pictures, uint8 [H, W, 3] RGB."""
        for picture, _ in self.frames_and_masks():
            yield picture

    def masks(self) -> Iterator[np.ndarray]:
        """Where the subject is, bool [H, W] per frame."""
        for _, alpha in self.frames_and_masks():
            yield alpha > 0.5

    def empties(self) -> Iterator[np.ndarray]:
        """The pictures without the subject but with its shadow, and without noise, uint8 [H, W, 3]."""
        for index, travelled in enumerate(self.travelled):
            picture = self.scene.picture(float(travelled))
            self.shadow.darken(picture, {name: place[index] for name, place in self.points.items()})
            yield (picture * 255 + 0.5).clip(0, 255).astype(np.uint8)

    def empty(self) -> np.ndarray:
        """The first picture without the subject, uint8 [H, W, 3]."""
        return (self.scene.picture(0.0) * 255 + 0.5).clip(0, 255).astype(np.uint8)

    def frames_and_masks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pictures uint8 [H, W, 3] with the subject's coverage float32 [H, W] in 0..1."""
        rng = np.random.default_rng(self.noise_seed)
        pool = rng.normal(0, SENSOR_NOISE, (self.height + 16, self.width + 16, 1)).astype(np.float32)
        for index, travelled in enumerate(self.travelled):
            points = {name: place[index] for name, place in self.points.items()}
            picture = self.scene.picture(float(travelled))
            self.shadow.darken(picture, points)
            drawn = self.painter.draw(points)
            alpha = place(picture, *drawn) if drawn else np.zeros((self.height, self.width), np.float32)
            row, column = rng.integers(0, 16, 2)
            picture = picture * 255 + pool[row : row + self.height, column : column + self.width] + 0.5
            yield picture.clip(0, 255).astype(np.uint8), alpha


def make_subject(seed: int, kind: str = "human", palette: str = "any") -> Subject:
    """The subject of `seed`; `palette` "any", "light" or "dark" narrows clothes (or fur) and light."""
    module = KINDS[kind]
    body = module.sample_body(np.random.default_rng([seed, 1]))
    gait = module.sample_gait(np.random.default_rng([seed, 2]))
    materials = module.sample_materials(np.random.default_rng([seed, 3]), palette)
    rng = np.random.default_rng([seed, 4])
    return Subject(
        kind, seed, body, gait, materials, _light(rng, palette), rng.uniform(-6, 6), str(rng.choice(module.AFFECTED))
    )


def _light(rng: np.random.Generator, palette: str) -> Light:
    direction = np.array([rng.uniform(-0.45, 0.45), 1.0, rng.uniform(-0.75, -0.15)])
    direction /= np.linalg.norm(direction)
    gain = {"any": rng.uniform(0.85, 1.12), "light": rng.uniform(0.98, 1.15), "dark": rng.uniform(0.8, 0.95)}[palette]
    warm = rng.uniform(-0.05, 0.05)
    x, y, z = (float(value) for value in direction)
    return Light(
        (x, y, z),
        rng.uniform(0.42, 0.6),
        rng.uniform(0.5, 0.75),
        gain,
        (1 + warm, 1.0, 1 - warm),
        rng.uniform(0.5, 0.75),
    )


@dataclass(frozen=True)
class RecordingSpec:
    """How a subject is recorded.

    recording: its number, from 0; seconds: the most that it lasts, as on the walkway it ends when the subject would
    leave the picture, while a treadmill lasts as long as asked. factor: the joint parameters are healthy + factor *
    (impaired - healthy): 0 the healthy twin of the same moments, 1 the recording as it is, 2 the deviation doubled.
    wall_seed: paints the wall of that seed; None: the subject's own.
    """

    kind: str = "human"
    scene: str = "walkway"
    recording: int = 0
    seconds: float = 5.0
    impairment: str = ""
    severity: float = 0.0
    factor: float = 1.0
    palette: str = "any"
    wall_seed: int | None = None


def render_recording(subject_seed: int, spec: RecordingSpec | None = None) -> Rendered:
    """Prepare one recording of one subject; nothing is drawn before `frames()` is asked for.

    StudyError for a kind, scene or impairment that does not exist.
    """
    spec = spec or RecordingSpec()
    kind, scene, palette = spec.kind, spec.scene, spec.palette
    check(kind, scene, spec.impairment, spec.severity, spec.seconds)
    subject = make_subject(subject_seed, kind, palette)
    module = KINDS[kind]
    camera = _camera(np.random.default_rng([subject_seed, 6]), subject, scene)
    rng = np.random.default_rng([subject_seed, 5, spec.recording])
    frames = max(round(spec.seconds * module.FPS), 2)
    changes = (spec.impairment, spec.severity, spec.factor)
    phase, travelled, shown, twin = _move(rng, subject, camera, frames, changes, scene == "treadmill")
    bones = module.bones(subject.body)
    truth = _truth(module, bones, camera, shown, twin, phase)
    wall_seed = subject_seed if spec.wall_seed is None else spec.wall_seed
    facts = {"side": subject.side, "palette": palette, "wall_seed": wall_seed}
    facts |= zip(("impairment", "severity", "factor"), changes, strict=True)
    truth |= {name: np.array(value) for name, value in facts.items()}
    walls = np.random.default_rng([wall_seed, 7])
    gain = subject.light.gain * rng.uniform(0.97, 1.03)
    scenery = make_scene(walls, kind, camera, module.UNIT, scene, palette, gain)
    shadow = FloorShadow(bones, camera, subject.light, module.UNIT, (-0.6 * module.UNIT, 0.9 * module.UNIT))
    painter = Painter(bones, subject.materials, camera, subject.light)
    seed = (subject_seed, 8, spec.recording)
    return Rendered(camera.width, camera.height, module.FPS, truth, painter, shadow, scenery, shown, travelled, seed)


def check(kind: str, scene: str, impairment: str, severity: float, seconds: float) -> None:
    """StudyError unless such a recording can be rendered."""
    if kind not in KINDS:
        raise StudyError(f"no kind {kind!r}; there are {', '.join(KINDS)}")
    if scene not in SCENES:
        raise StudyError(f"no scene {scene!r}; there are {', '.join(SCENES)}")
    known = KINDS[kind].IMPAIRMENTS
    if impairment and impairment not in known:
        raise StudyError(f"no impairment {impairment!r} for kind {kind}; there are {', '.join(known)}")
    if not 0 <= severity <= 1:
        raise StudyError(f"severity is {severity}, expected 0 to 1")
    if not 0 < seconds <= LONGEST:
        raise StudyError(
            f"a recording of {seconds} seconds cannot be rendered, expected more than 0, at most {LONGEST}"
        )


def _camera(rng: np.random.Generator, subject: Subject, scene: str) -> Camera:
    """A camera at a person's chest (or a rat's) height that frames this subject as the scene asks."""
    width, height, below, size = FRAMING[subject.kind, scene]
    unit = KINDS[subject.kind].UNIT
    long = subject.body.height if subject.kind == "human" else RAT_LENGTH * subject.body.size * subject.body.length
    scale = rng.uniform(*size) / long
    distance, eye = rng.uniform(6.0, 8.5) * unit, rng.uniform(0.95, 1.5) * unit
    ground = height - below + rng.uniform(-4, 4)
    return Camera(width, height, scale * distance, distance, eye, ground - scale * eye, width / 2)


def _smooth_noise(rng: np.random.Generator, channels: int, length: int, width: float) -> np.ndarray:
    """Noise [channels, length] with standard deviation 1 that changes over about `width` samples."""
    white = rng.normal(size=(channels, length))
    return gaussian_filter1d(white, width, axis=1, mode="wrap") * np.sqrt(2 * width * np.sqrt(np.pi))


Points = dict[str, np.ndarray]


def _move(
    rng: np.random.Generator,
    subject: Subject,
    camera: Camera,
    frames: int,
    changes: tuple[str, float, float],
    in_place: bool,
) -> tuple[np.ndarray, np.ndarray, Points, Points]:
    """Phase [T], way of the ground [T] m, and the world points [T, 3] of the body shown and of its healthy twin."""
    module, (impairment, severity, factor) = KINDS[subject.kind], changes
    rate, length = module.FPS * SUBSTEPS, frames * SUBSTEPS
    start = rng.uniform()
    noise = _smooth_noise(rng, NOISE_CHANNELS + 3, length, 0.3 * rate)
    phase = start + np.cumsum(subject.gait.cadence * (1 + 0.025 * noise[0])) / rate
    healthy = module.joint_angles(subject.body, subject.gait, phase, noise[3:])
    impaired = module.impair(healthy, phase, impairment, severity, subject.side)
    changed = {name: value + factor * (impaired[name] - value) for name, value in healthy.items()}
    twin, shown = (module.body_points(subject.body, angles, phase) for angles in (healthy, changed))
    paths = [module.root_path(subject.body, subject.gait, points, phase) for points in (twin, shown)]
    forward = gaussian_filter1d(paths[0][:, 0], 0.04 * rate, mode="nearest")
    travelled = forward.copy()
    if in_place:
        forward = forward - np.linspace(forward[0], forward[-1], length) + 0.035 * module.UNIT * noise[1]
        travelled = travelled - forward
        kept = slice(0, None, SUBSTEPS)
        forward = forward - np.median(forward[kept]) - _middle(twin)
    else:
        forward, kept = _cross(rng, forward, twin, camera)
    up = [gaussian_filter1d(path[:, 1], 0.04 * rate, mode="nearest") for path in paths]
    shown, twin = (
        _to_world(points, forward, rise, subject.yaw, kept) for points, rise in ((shown, up[1]), (twin, up[0]))
    )
    return phase[kept], travelled[kept], shown, twin


def _middle(points: Points) -> float:
    """The middle of the body's mean extent along its way, m from the root."""
    along = np.stack([place[:, 0] for place in points.values()])
    return float(0.5 * (along.min(axis=0) + along.max(axis=0)).mean())


def _cross(rng: np.random.Generator, forward: np.ndarray, points: Points, camera: Camera) -> tuple[np.ndarray, slice]:
    """Put the way [T] into the picture and keep the moments at which the whole body is inside."""
    along = np.stack([place[:, 0] for place in points.values()])
    rear, front = float(along.min()), float(along.max())
    scale = camera.focal / camera.distance
    room = (camera.width - 2 * MARGIN) / scale - (front - rear)
    way = forward - forward[0]
    last = int(np.searchsorted(way, room)) if way[-1] > room else len(way)
    spare = max(room - float(way[last - 1]), 0.0)
    begin = -0.5 * camera.width / scale + MARGIN / scale - rear + spare * rng.uniform(0.2, 0.8)
    return way + begin, slice(0, last, SUBSTEPS)


def _to_world(points: Points, forward: np.ndarray, up: np.ndarray, yaw: float, kept: slice) -> Points:
    """Body frame [T, 3] (forward, up, left) -> world [T, 3] at the kept moments; the heading turns by `yaw` degrees."""
    cosine, sine = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    world = {}
    for name, place_in_body in points.items():
        ahead, height, left = (place_in_body + np.stack([forward, up, 0 * up], axis=1))[kept].T
        world[name] = np.stack([ahead * cosine - left * sine, height, ahead * sine + left * cosine], axis=1)
    return world


def _truth(
    module: Any, bones: list[Bone], camera: Camera, shown: Points, twin: Points, phase: np.ndarray
) -> dict[str, np.ndarray]:
    keypoints, healthy = (
        np.stack([camera.project(points[name])[:, :2] for name in module.KEYPOINTS], axis=1).astype(np.float32)
        for points in (shown, twin)
    )
    edges = [
        camera.project(shown[name])[:, 1] + side * radius * camera.scale(shown[name])
        for bone in bones
        for name, radius in ((bone.start, bone.start_radius), (bone.end, bone.end_radius))
        for side in (-1, 1)
    ]
    top, low = (np.max([sign * edge for edge in edges], axis=0) * sign for sign in (-1, 1))
    return {
        "keypoints": keypoints,
        "keypoints_healthy": healthy,
        "names": np.array(module.KEYPOINTS),
        "phase": (phase % 1).astype(np.float32),
        "body_height": np.array(np.median(low - top), np.float32),
        "fps": np.array(module.FPS),
    }
