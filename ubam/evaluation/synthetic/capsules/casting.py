"""Bodies of round cones melted together, seen by sphere tracing (Hart 1996): the pictures of the second test renderer.

World: x to the right, y up, z towards a camera that looks from the side; metres. Pictures are RGB.
"""

from dataclasses import dataclass, replace

import numpy as np

STEPS = 20  # of a ray; 12 reach the surface, the others serve rays that graze it
NEAR_ENOUGH = 0.1  # px from the surface at which a ray has arrived
EDGE = 0.5  # px by which bodies are drawn thinner, so that the outer half of the soft edge ends where they do
BRIDGE = 2.0  # px around the drawn cones in which rays are cast


@dataclass(frozen=True)
class View:
    """A pinhole camera: picture size and `focal` in px, `eye` [3] m, rows of `turn` [3, 3]: right, down and ahead."""

    width: int
    height: int
    focal: float
    eye: np.ndarray
    turn: np.ndarray

    @classmethod
    def looking(cls, size: tuple[int, int], focal: float, eye: np.ndarray, at: np.ndarray) -> "View":
        """The camera at `eye` that looks at the point `at`; what points away from the viewer (-z) is up in a plan."""
        ahead = (at - eye) / np.linalg.norm(at - eye)
        up = np.array([0.0, 1.0, 0.0]) if abs(ahead[1]) < 0.95 else np.array([0.0, 0.0, -1.0])
        right = np.cross(ahead, up)
        right /= np.linalg.norm(right)
        return cls(*size, focal, np.asarray(eye, float), np.stack([right, np.cross(ahead, right), ahead]))

    def swayed(self, across: float, down: float, roll: float) -> "View":
        """The same camera, turned so that the picture moves by (across, down) px and `roll` radians."""
        a, d = across / self.focal, down / self.focal
        skew = np.array([[0.0, -roll, a], [roll, 0.0, d], [-a, -d, 0.0]])
        return replace(self, turn=_rotation(skew) @ self.turn)

    def rays(self, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Directions [..., 3] of pixel places (whole numbers are corners), one metre ahead each."""
        across = (column - 0.5 * self.width) / self.focal
        down = (row - 0.5 * self.height) / self.focal
        return np.stack([across, down, np.ones_like(across)], -1) @ self.turn

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 3] m to column, row (px) and distance ahead (m), [..., 3]."""
        seen = (points - self.eye) @ self.turn.T
        column = 0.5 * self.width + self.focal * seen[..., 0] / seen[..., 2]
        return np.stack([column, 0.5 * self.height + self.focal * seen[..., 1] / seen[..., 2], seen[..., 2]], -1)


def _rotation(skew: np.ndarray) -> np.ndarray:
    """The rotation of a small antisymmetric matrix, to the third order (Cayley)."""
    unit = np.eye(3)
    turn: np.ndarray = np.linalg.solve(unit - skew / 2, unit + skew / 2)
    return turn


@dataclass(frozen=True)
class Cones:
    """P round cones: start, end [P, 3] m; radius [P, 2] m at both; colour, second [P, 3] in 0..1.

    rings [P]: how many times the second colour goes around between the ends, 0 for none. melt: m over which cones flow
    into each other.
    """

    start: np.ndarray
    end: np.ndarray
    radius: np.ndarray
    colour: np.ndarray
    second: np.ndarray
    rings: np.ndarray
    melt: float


@dataclass(frozen=True)
class Seen:
    """What is seen of a body inside a window of the picture, whose upper left corner is `corner` (column, row).

    alpha [h, w] in 0..1; depth [h, w]: metres ahead, infinite beside the body; normal, colour [h, w, 3].
    """

    corner: tuple[int, int]
    alpha: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    colour: np.ndarray


class _Field:
    """The signed distance of cones, in single precision around their middle and in units of their extent."""

    def __init__(self, cones: Cones, thinner: float) -> None:
        ends = np.concatenate([cones.start, cones.end])
        self.middle = 0.5 * (ends.min(0) + ends.max(0))
        self.unit = float(np.ptp(ends, axis=0).max() + 2 * cones.radius.max())
        self.start = ((cones.start - self.middle) / self.unit).astype(np.float32)
        along = (cones.end - cones.start) / self.unit
        self.along = along.astype(np.float32)
        self.square = np.maximum((along**2).sum(1), 1e-9).astype(np.float32)
        radius = (np.maximum(cones.radius - thinner, 0.3 * cones.radius) / self.unit).astype(np.float32)
        self.radius, self.widening = radius[:, 0], radius[:, 1] - radius[:, 0]
        self.offset = (self.start * self.along).sum(1)
        self.reach = (self.start**2).sum(1)
        self.melt = np.float32(cones.melt / self.unit)

    def parts(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances [P, N] of points [N, 3] to every cone, and where along it [P, N] the nearest place is, 0 to 1."""
        project = self.along @ points.T
        project -= self.offset[:, None]
        share = project / self.square[:, None]
        np.clip(share, 0, 1, out=share)
        apart = self.start @ points.T
        apart *= -2
        apart += (points**2).sum(1)
        apart += self.reach[:, None]
        project *= 2
        apart += share * (share * self.square[:, None] - project)
        distance = np.sqrt(np.maximum(apart, 0, out=apart), out=apart)
        distance -= self.radius[:, None]
        distance -= share * self.widening[:, None]
        return distance, share

    def melted(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The distance [N] of the whole, how much each cone makes of it [P, N], and the share along each [P, N]."""
        distance, share = self.parts(points)
        least = distance.min(0)
        distance -= least
        distance *= -1 / self.melt
        weight = np.exp(distance, out=distance)
        total = weight.sum(0)
        weight /= total
        return least - self.melt * np.log(total), weight, share


def cast(view: View, cones: Cones) -> Seen | None:
    """What `view` sees of the cones; None where they are outside the picture."""
    around = _window(view, cones)
    if around is None:
        return None
    (left, top, right, bottom), depth = around
    metres = float(np.median(depth[np.isfinite(depth)])) / view.focal  # of a pixel at the body
    field = _Field(cones, EDGE * metres)
    row, column = np.nonzero(np.isfinite(depth))
    directions = view.rays(column + left + 0.5, row + top + 0.5)
    stretch = np.linalg.norm(directions, axis=1)
    began = depth[row, column]
    origin = ((view.eye - field.middle + directions * began[:, None]) / field.unit).astype(np.float32)
    unit = (directions / stretch[:, None]).astype(np.float32)
    way, missed = _march(field, origin, unit, metres / field.unit)
    points = origin + unit * way[:, None]
    alpha = np.clip(1 - missed * field.unit / metres, 0, 1)
    shape = (bottom - top, right - left)
    seen = Seen(
        (left, top), np.zeros(shape, np.float32), np.full(shape, np.inf, np.float32),
        np.zeros((*shape, 3), np.float32), np.zeros((*shape, 3), np.float32),
    )  # fmt: skip
    touched = alpha > 0
    row, column = row[touched], column[touched]
    seen.alpha[row, column] = alpha[touched]
    seen.depth[row, column] = (began + way * field.unit / stretch)[touched]
    seen.normal[row, column], seen.colour[row, column] = _surface(field, cones, points[touched])
    return seen


def _march(field: _Field, origin: np.ndarray, unit: np.ndarray, pixel: float) -> tuple[np.ndarray, np.ndarray]:
    """How far rays go [N] to the surface, or to where they come nearest, and how far they miss it there [N]; units."""
    way = np.zeros(len(origin), np.float32)
    best, missed = way.copy(), np.full(len(origin), np.inf, np.float32)
    active = np.arange(len(origin))
    for _ in range(STEPS):
        distance, _, _ = field.melted(origin[active] + unit[active] * way[active, None])
        nearer = distance < missed[active]
        best[active[nearer]], missed[active[nearer]] = way[active[nearer]], distance[nearer]
        way[active] += np.maximum(0.95 * distance, 0.3 * pixel)
        going = (distance > NEAR_ENOUGH * pixel) & (distance < missed[active] + 6 * pixel)
        active = active[going]
        if not len(active):
            break
    return best, np.maximum(np.where(missed <= NEAR_ENOUGH * pixel, 0, missed), 0)


def _surface(field: _Field, cones: Cones, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normals and colours [N, 3] of points on the surface."""
    _, weight, share = field.melted(points)
    away = points - weight.T @ field.start - (weight * share).T @ field.along
    normal = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    ring = np.sin(2 * np.pi * share * cones.rings[:, None]) > 0  # never where there are none
    colour = (weight * ~ring).T @ cones.colour + (weight * ring).T @ cones.second
    return normal, colour.astype(np.float32)


def _window(view: View, cones: Cones) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
    """The window (left, top, right, bottom) around the cones, and from which distance ahead its rays are to be cast.

    The distance [h, w] is infinite where no ray is needed.
    """
    start, end = view.project(cones.start), view.project(cones.end)
    scale = view.focal / np.stack([start[:, 2], end[:, 2]], 1)
    radius = (cones.radius + 2 * cones.melt) * scale + BRIDGE
    low = np.floor(np.minimum(start[:, :2] - radius[:, :1], end[:, :2] - radius[:, 1:])).astype(int)
    high = np.ceil(np.maximum(start[:, :2] + radius[:, :1], end[:, :2] + radius[:, 1:])).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, [view.width, view.height])
    inside = (high > low).all(1)
    if not inside.any():
        return None
    corner, far = low[inside].min(0), high[inside].max(0)
    depth = np.full((far[1] - corner[1], far[0] - corner[0]), np.inf, np.float32)
    front = np.minimum(start[:, 2], end[:, 2]) - cones.radius.max(1) - 2 * cones.melt
    for index in np.flatnonzero(inside):
        (left, top), (right, bottom) = low[index], high[index]
        near = _near(
            start[index], end[index], radius[index], np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5
        )
        part = depth[top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]]
        np.minimum(part, front[index], out=part, where=near)
    return (int(corner[0]), int(corner[1]), int(far[0]), int(far[1])), depth


def _near(start: np.ndarray, end: np.ndarray, radius: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Whether pixels [h, w] lie on the picture of one cone, radius [2] px."""
    x, y = (column - start[0])[None].astype(np.float32), (row - start[1])[:, None].astype(np.float32)
    along = (end - start)[:2]
    share = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-6), 0, 1)
    apart = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2
    near: np.ndarray = apart <= (radius[0] + share * (radius[1] - radius[0])) ** 2
    return near


def shadow(points: np.ndarray, light: np.ndarray, cones: Cones, softness: float) -> np.ndarray:
    """How much of a distant light [3] (unit, towards it) the cones take from points [N, 3] of walls and floors, 0..1.

    softness: m over which the shadow fades.
    """
    aside = np.cross(light, [0.0, 1.0, 0.0] if abs(light[1]) < 0.9 else [1.0, 0.0, 0.0])
    aside /= np.linalg.norm(aside)
    plane = np.stack([aside, np.cross(light, aside)], 1)
    start, end, flat = (np.c_[each @ plane, np.zeros(len(each))] for each in (cones.start, cones.end, points))
    field = _Field(replace(cones, start=start, end=end), 0.0)
    distance, _ = field.parts(((flat - field.middle) / field.unit).astype(np.float32))
    shade: np.ndarray = np.clip(0.5 - distance.min(0) * field.unit / softness, 0, 1)
    return shade * shade * (3 - 2 * shade)
