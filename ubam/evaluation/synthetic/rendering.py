"""Pixels from bodies: tapered limbs with a depth buffer, cloth and fur, light, and a shadow on the floor.

World: x to the right of the picture, y up, z away from the camera, metres. Pictures are RGB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SUPERSAMPLING = 2  # the body is drawn at twice the size and reduced by area, so that its edges are smooth


@dataclass(frozen=True)
class Camera:
    """A level camera: `focal` px, `distance` m to the plane z = 0, `eye` m above it, `horizon` and `centre` px."""

    width: int
    height: int
    focal: float
    distance: float
    eye: float
    horizon: float
    centre: float

    def scale(self, points: np.ndarray) -> np.ndarray:
        """Pixels per metre at world points [..., 3]."""
        return self.focal / (self.distance + points[..., 2])

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points [..., 3] in m -> column, row and depth [..., 3] in px."""
        scale = self.scale(points)
        column = self.centre + scale * points[..., 0]
        row = self.horizon + scale * (self.eye - points[..., 1])
        return np.stack([column, row, points[..., 2] * self.focal / self.distance], axis=-1)


@dataclass(frozen=True)
class Material:
    """How a surface looks; colours are RGB in 0..1, lengths in m.

    `second` mixes in as stripes of `period` (0: none) across the limb, or along it when `lengthwise`; `under` replaces
    the colour where the surface looks down (a belly) by the share `countershade`; `grain` is the strength of cloth or
    fur noise and `grain_size` its extent along and around the limb.
    """

    colour: tuple[float, float, float]
    second: tuple[float, float, float] = (0.0, 0.0, 0.0)
    period: float = 0.0
    lengthwise: bool = False
    under: tuple[float, float, float] = (0.0, 0.0, 0.0)
    countershade: float = 0.0
    grain: float = 0.05
    grain_size: tuple[float, float] = (0.02, 0.02)
    gloss: float = 0.0


@dataclass(frozen=True)
class Bone:
    """A limb between two named points: radii in m, `stretch` its extent in depth over its extent in the picture."""

    start: str
    end: str
    start_radius: float
    end_radius: float
    material: str
    stretch: float = 1.0
    dim: float = 1.0


@dataclass(frozen=True)
class Light:
    """`direction` points to the light (unit, world); `ambient` and `diffuse` in 0..1, `gain` multiplies both."""

    direction: tuple[float, float, float]
    ambient: float
    diffuse: float
    gain: float
    tint: tuple[float, float, float]
    shadow: float


@dataclass(frozen=True)
class Surface:
    """The visible surface inside a window of the enlarged picture: flat pixel indices and what lies there."""

    corner: tuple[int, int]
    shape: tuple[int, int]
    pixels: np.ndarray
    bone: np.ndarray
    along: np.ndarray
    depth: np.ndarray


def noise_texture(seed: int = 7, size: int = 256) -> np.ndarray:
    """A tile of smooth noise [size, size], mean 0, standard deviation 1, that wraps around."""
    generator = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(generator.normal(size=(size, size)))
    row, column = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    smooth = np.fft.irfft2(spectrum * np.exp(-((row**2 + column**2) * (2 * np.pi * 2.0) ** 2) / 2))
    return (smooth / smooth.std()).astype(np.float32)


NOISE = noise_texture()


def look_up(along: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Noise at coordinates in which one unit is about one grain; the shape that both broadcast to."""
    row, column = np.broadcast_arrays(along, around)
    width = 1024 if row.size > 1024 else row.size
    short = -row.size % width
    place_in_tile = [np.pad(each.astype(np.float32).ravel() * 5 % 256, (0, short)) for each in (column, row)]
    columns, rows = (each.reshape(-1, width) for each in place_in_tile)
    found = cv2.remap(NOISE, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return found.ravel()[: row.size].reshape(row.shape)


def rasterise(start: np.ndarray, end: np.ndarray, radius: np.ndarray, stretch: np.ndarray) -> Surface | None:
    """The nearest surface of tapered capsules seen along z; exact for spheres swept along a segment.

    start, end: [P, 3] px of the enlarged picture; radius: [P, 2] px; stretch: [P]. The front of a swept sphere is
    z(t) - stretch * sqrt(q(t)) with q quadratic in t, so that its extremum is closed-form.
    """
    low = np.floor(np.minimum(start[:, :2] - radius[:, :1], end[:, :2] - radius[:, 1:])).astype(int) - 1
    high = np.ceil(np.maximum(start[:, :2] + radius[:, :1], end[:, :2] + radius[:, 1:])).astype(int) + 2
    corner, far = low.min(axis=0), high.max(axis=0)
    corner -= corner % SUPERSAMPLING
    far += -(far - corner) % SUPERSAMPLING
    shape = (int(far[1] - corner[1]), int(far[0] - corner[0]))
    depth = np.full(shape, np.inf, np.float32)
    bone = np.full(shape, -1, np.int16)
    along = np.zeros(shape, np.float32)
    columns = (np.arange(shape[1], dtype=np.float32) + (corner[0] + 0.5))[None]
    rows = (np.arange(shape[0], dtype=np.float32) + (corner[1] + 0.5))[:, None]
    for index, ((left, top), (right, bottom)) in enumerate(
        zip((low - corner).tolist(), (high - corner).tolist(), strict=True)
    ):
        box = slice(top, bottom), slice(left, right)
        limb = (*start[index].tolist(), *end[index].tolist(), *radius[index].tolist(), float(stretch[index]))
        front, where = _front(columns[:, left:right], rows[top:bottom], limb)
        nearer = front < depth[box]
        np.copyto(depth[box], front, where=nearer)
        np.copyto(along[box], where, where=nearer)
        np.copyto(bone[box], index, where=nearer)
    pixels = np.flatnonzero(bone >= 0)
    if not len(pixels):
        return None
    corner_xy = (int(corner[0]), int(corner[1]))
    return Surface(corner_xy, shape, pixels, bone.ravel()[pixels], along.ravel()[pixels], depth.ravel()[pixels])


def _front(columns: np.ndarray, rows: np.ndarray, limb: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Depth of one capsule's front (inf beside it) and where along it that is, 0..1, at a grid of pixels.

    limb: start x, y, z, end x, y, z, both radii (px) and the stretch in depth.
    """
    x0, y0, z0, x1, y1, z1, first, last, stretch = limb
    dx, dy, dz, widening = x1 - x0, y1 - y0, z1 - z0, last - first
    square = widening**2 - dx * dx - dy * dy
    if square > -1e-3:  # one end hides the other: a sphere
        larger = float(last > first)
        x, y = columns - (x0 + dx * larger), rows - (y0 + dy * larger)
        inside = max(first, last) ** 2 - x * x - y * y
        where = np.full(inside.shape, larger, np.float32)
        deep: float | np.ndarray = z0 + dz * larger
    else:
        x, y = columns - x0, rows - y0
        linear = x * dx + (y * dy + first * widening)
        constant = first**2 - x * x - y * y
        slope = dz / stretch
        factor = 1 / (square - slope * slope)
        tilt = np.sqrt(np.maximum((square * constant - linear * linear) * factor, 0))
        where = np.clip((slope * tilt - linear) / square, 0, 1)
        inside = (square * where + 2 * linear) * where + constant
        deep = z0 + dz * where
    outside = inside <= 0
    front: np.ndarray = deep - stretch * np.sqrt(np.where(outside, 0, inside))
    front[outside] = np.inf
    return front, where


class Painter:
    """Draws one body into pictures: bones with their materials under one light, seen by one camera."""

    def __init__(self, bones: Sequence[Bone], materials: dict[str, Material], camera: Camera, light: Light) -> None:
        self.bones, self.camera, self.light = tuple(bones), camera, light
        used = [materials[bone.material] for bone in bones]
        self.radius = np.array([(bone.start_radius, bone.end_radius) for bone in bones])
        self.stretch = np.array([bone.stretch for bone in bones])
        self.colour = np.array([material.colour for material in used], np.float32)
        self.second = np.array([material.second for material in used], np.float32)
        self.under = np.array([material.under for material in used], np.float32)
        self.number = np.array(
            [
                (m.period, m.lengthwise, m.countershade, m.grain, *m.grain_size, m.gloss, bone.dim)
                for m, bone in zip(used, bones, strict=True)
            ],
            np.float32,
        )

    def draw(self, points: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, tuple[int, int]] | None:
        """Colour [h, w, 3] (times alpha, 0..1), alpha [h, w] and the window's column and row, from points in m."""
        start = np.stack([points[bone.start] for bone in self.bones])
        end = np.stack([points[bone.end] for bone in self.bones])
        scale = np.stack([self.camera.scale(start), self.camera.scale(end)], axis=1)
        pixel = [self.camera.project(ends) * SUPERSAMPLING for ends in (start, end)]
        radius = np.maximum(self.radius * scale * SUPERSAMPLING, 0.6)
        surface = rasterise(pixel[0], pixel[1], radius, self.stretch)
        if surface is None:
            return None
        lengths = self._lengths(start, end)
        colour = self._shade(surface, pixel[0], pixel[1], radius, lengths)
        return _reduce(surface, colour)

    def _lengths(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Where each bone begins and how long it is along its chain [P, 2], m, so that stripes run on over joints."""
        length = np.linalg.norm(end - start, axis=1)
        begin = np.zeros(len(length))
        for index in range(1, len(length)):
            previous, this = self.bones[index - 1], self.bones[index]
            follows = previous.end == this.start and previous.material == this.material
            begin[index] = begin[index - 1] + length[index - 1] if follows else 0.37 * index
        return np.stack([begin, length], axis=1).astype(np.float32)

    def _shade(
        self, surface: Surface, start: np.ndarray, end: np.ndarray, radius: np.ndarray, lengths: np.ndarray
    ) -> np.ndarray:
        """Colour [pixels, 3] of the surface in 0..1."""
        bone, along = surface.bone, surface.along
        delta = (end - start).astype(np.float32)
        here = (radius[:, 0][bone] + (radius[:, 1] - radius[:, 0])[bone] * along).astype(np.float32)
        row, column = np.divmod(surface.pixels, surface.shape[1])
        normal_x = (column + (surface.corner[0] + 0.5) - start[bone, 0] - delta[bone, 0] * along) / here
        normal_y = (row + (surface.corner[1] + 0.5) - start[bone, 1] - delta[bone, 1] * along) / here
        flat = np.maximum(np.hypot(delta[:, 0], delta[:, 1]), 1e-3)
        across = np.clip((normal_y * delta[bone, 0] - normal_x * delta[bone, 1]) / flat[bone], -1, 1)
        normal = np.stack([normal_x, -normal_y, -np.sqrt(np.maximum(1 - normal_x**2 - normal_y**2, 0))])
        normal[2] /= self.stretch[bone]
        normal = _smooth(normal / np.linalg.norm(normal, axis=0), surface).astype(np.float32)
        around = np.arcsin(across) * here / (SUPERSAMPLING * self.camera.focal / self.camera.distance)
        along_m = lengths[bone, 0] + lengths[bone, 1] * along
        return self._lit(self._albedo(bone, along_m, around, normal[1]), normal, surface)

    def _albedo(self, bone: np.ndarray, along: np.ndarray, around: np.ndarray, up: np.ndarray) -> np.ndarray:
        period, lengthwise, countershade, grain, grain_along, grain_around, _, _ = self.number[bone].T
        place = np.where(lengthwise > 0, around, along) / np.maximum(period, 1e-6)
        stripe = np.where(period > 0, 0.5 + 0.5 * np.tanh(5 * np.sin(2 * np.pi * place)), 0)[:, None]
        colour = self.colour[bone] * (1 - stripe) + self.second[bone] * stripe
        below = (countershade * np.clip(0.25 - 1.3 * up, 0, 1))[:, None]
        colour = colour * (1 - below) + self.under[bone] * below
        return colour * (1 + grain * look_up(along / grain_along, around / grain_around + 3.7 * bone))[:, None]

    def _lit(self, albedo: np.ndarray, normal: np.ndarray, surface: Surface) -> np.ndarray:
        light = np.array(self.light.direction, np.float32)
        facing = light @ normal
        half = light + np.array([0, 0, -1], np.float32)
        shine = np.maximum((half / np.linalg.norm(half)) @ normal, 0) ** 24 * self.number[surface.bone, 6]
        wrapped = np.clip(0.75 * facing + 0.25, 0, 1)
        sky = self.light.ambient * (0.62 + 0.38 * normal[1])
        bright = (sky + self.light.diffuse * wrapped) * _occlusion(surface) * self.number[surface.bone, 7]
        tint = np.array(self.light.tint, np.float32)
        return np.clip(self.light.gain * (albedo * (bright[:, None] * tint) + shine[:, None]), 0, 1)


def _smooth(values: np.ndarray, surface: Surface) -> np.ndarray:
    """Blur values [3, pixels] a little within the body, so that one limb runs into the next."""
    picture = np.zeros((surface.shape[0] * surface.shape[1], 4), np.float32)
    picture[surface.pixels, :3], picture[surface.pixels, 3] = values.T, 1
    blurred = cv2.blur(picture.reshape(*surface.shape, 4), (5, 5)).reshape(-1, 4)[surface.pixels]
    mixed = blurred[:, :3] + 0.3 * values.T * blurred[:, 3:]
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).T


def _occlusion(surface: Surface) -> np.ndarray:
    """Light that reaches each pixel, 0.55..1: less where the surroundings lie nearer to the camera."""
    picture = np.zeros((surface.shape[0] * surface.shape[1], 2), np.float32)
    picture[surface.pixels, 0], picture[surface.pixels, 1] = surface.depth, 1
    width = max(9, surface.shape[0] // 12) | 1
    blurred = cv2.blur(picture.reshape(*surface.shape, 2), (width, width)).reshape(-1, 2)[surface.pixels]
    behind = surface.depth - blurred[:, 0] / blurred[:, 1]
    return 1 - 0.45 * np.clip(behind / (0.7 * width), 0, 1)


def _reduce(surface: Surface, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    picture = np.zeros((surface.shape[0] * surface.shape[1], 4), np.float32)
    picture[surface.pixels, :3], picture[surface.pixels, 3] = colour, 1
    size = (surface.shape[1] // SUPERSAMPLING, surface.shape[0] // SUPERSAMPLING)
    small = cv2.resize(picture.reshape(*surface.shape, 4), size, interpolation=cv2.INTER_AREA)
    corner = (surface.corner[0] // SUPERSAMPLING, surface.corner[1] // SUPERSAMPLING)
    return small[..., :3], small[..., 3], corner


def place(background: np.ndarray, colour: np.ndarray, alpha: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    """Lay a drawn body over `background` float32 [H, W, 3] in 0..1, in place; what lies outside is cut off.

    Returns the alpha of the whole picture, [H, W].
    """
    height, width = background.shape[:2]
    whole = np.zeros((height, width), np.float32)
    left, top = max(corner[0], 0), max(corner[1], 0)
    right, bottom = min(corner[0] + alpha.shape[1], width), min(corner[1] + alpha.shape[0], height)
    if right <= left or bottom <= top:
        return whole
    inside = slice(top - corner[1], bottom - corner[1]), slice(left - corner[0], right - corner[0])
    target = background[top:bottom, left:right]
    target *= 1 - alpha[inside][..., None]
    target += colour[inside]
    whole[top:bottom, left:right] = alpha[inside]
    return whole


class FloorShadow:
    """The shadow on the plane y = 0: bones projected along the light, blurred, the blur growing with their height."""

    def __init__(self, bones: Sequence[Bone], camera: Camera, light: Light, unit: float, depth: tuple[float, float]):
        self.bones, self.light = tuple(bones), light
        self.density = 60 / unit
        widest = (max(bone.start_radius, bone.end_radius) for bone in bones)
        self.thickness = [max(round(2 * radius * self.density), 1) for radius in widest]
        half = 0.55 * camera.width * camera.distance / camera.focal + 0.5 * unit
        self.corner = (-half, depth[0])
        self.size = (int(2 * half * self.density), max(int((depth[1] - depth[0]) * self.density), 4))
        row = np.arange(camera.height, dtype=np.float32)[:, None] + 0.5
        away = camera.focal * camera.eye / np.maximum(row - camera.horizon, 1e-3) - camera.distance
        column = (np.arange(camera.width, dtype=np.float32)[None] + 0.5 - camera.centre) / camera.focal
        self.map_x = ((column * (away + camera.distance) + half) * self.density).astype(np.float32)
        self.map_y = ((away - depth[0]) * self.density * np.ones_like(column)).astype(np.float32)
        self.first = int(np.argmax((row > camera.horizon) & (away < depth[1])))
        self.unit = unit

    def darken(self, picture: np.ndarray, points: dict[str, np.ndarray]) -> None:
        """Multiply the floor of `picture` float32 [H, W, 3] by the shadow, in place."""
        low, high = self._cast(points)
        rows = slice(self.first, None)
        sharp = cv2.GaussianBlur(low, (0, 0), 1.6)
        soft = cv2.GaussianBlur(high, (0, 0), 6)
        dark = np.maximum(sharp, 0.75 * soft)
        seen = cv2.remap(dark, self.map_x[rows], self.map_y[rows], cv2.INTER_LINEAR, borderValue=0)
        picture[rows] *= 1 - self.light.shadow * seen[..., None]

    def _cast(self, points: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Shadow maps [Z, X] of what is near the floor and of what is higher."""
        low, high = (np.zeros(self.size[::-1], np.float32) for _ in range(2))
        ends = np.array([(points[bone.start], points[bone.end]) for bone in self.bones])
        lean = np.array(self.light.direction)
        ground = ends[..., [0, 2]] - ends[..., 1:2] * lean[[0, 2]] / lean[1]
        cells = np.round((ground - self.corner) * self.density * 16).astype(int).tolist()
        near = (ends[..., 1].mean(axis=1) < 0.16 * self.unit).tolist()
        for (start, end), is_near, thickness in zip(cells, near, self.thickness, strict=True):
            cv2.line(low if is_near else high, start, end, 1.0, thickness, cv2.LINE_AA, 4)
        return low, high
