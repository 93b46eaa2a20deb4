"""Pictures of random bodies with their joints, for the pre-training of the posture encoder.

A body is drawn before a random background, with cloth, light, shadow, noise and objects in front of it. Its view is
made by the code that makes the views of recordings, so that its outline has the same faults.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ubam.pretraining.random_bodies import PLANS, Body
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.scene.foreground import disc
from ubam.tracking.views import paint_view

CROP = 128  # pixels a side
SHIFT = 4  # fractional bits of coordinates in OpenCV's drawing functions
MOST_JOINTS, MOST_PAIRS = 32, 8
STANDING = ("biped", "quadruped")  # seen from the side, on a floor


@dataclass(frozen=True)
class Picture:
    """A view uint8 [V, V, 3] with its targets, which are NaN where the body plan has none.

    joints: float32 [32, 2], relative to their mean, in widths of the view. directions: float32 [32, 2], of the limbs,
    of length 1 in space. pairs: float32 [8, 3], the offset between a joint and its counterpart on the other side,
    invariant to a swap of the sides. plan: index into PLANS. In side views, `right` is the near side, whichever way the
    body faces.
    """

    view: np.ndarray
    joints: np.ndarray
    directions: np.ndarray
    pairs: np.ndarray
    plan: int


def draw_picture(rng: np.random.Generator, view_size: int = 64) -> Picture:
    """One random picture; the same generator state gives the same picture."""
    plans = list(PLANS)
    plan = plans[rng.choice(len(plans), p=[share for _, share in PLANS.values()])]
    body = PLANS[plan][0](rng)
    world = _turned(body, rng)
    places, scale = _framed(body, world, rng)
    view = photograph(body, world, places, scale, rng, view_size)
    return Picture(view, *_targets(body, world, places), plans.index(plan))


def photograph(
    body: Body, world: dict[str, np.ndarray], places: dict[str, np.ndarray], scale: float, rng: np.random.Generator,
    view_size: int = 64,
) -> np.ndarray:  # fmt: skip
    """The view uint8 [V, V, 3] of a body whose joints are at `world` [3] (z away) and at `places` [2] px of the crop.

    scale: px of the crop per unit of the body. Background, cloth, light, shadow, noise and occluders are random.
    """
    background = _background(rng)
    crop = background.copy()
    if rng.random() < 0.6 and body.plan in STANDING:
        _shade_floor(crop, places, rng)
    _draw(crop, body, world, places, scale, rng)
    _cover(crop, background, rng)
    noise = rng.uniform(0.8, 4)
    grain = rng.normal(0, noise, (*crop.shape[:2], 1))
    blur = rng.uniform(0.3, 1.0)
    crop, background = (cv2.GaussianBlur(picture, (0, 0), blur) for picture in (crop, background))
    crop, background = (picture.clip(0, 255).astype(np.uint8) for picture in (crop + grain, background))
    scene = Scene(background, np.full((CROP, CROP), noise, np.float32), False)
    return paint_view(crop, _without_strays(scene.saliency(crop)), background, view_size)


def _without_strays(salient: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Soft foreground float32 [H, W] without separate parts that have less than `share` of the heaviest part's mass."""
    near = cv2.dilate((salient > 0.3).astype(np.uint8), disc(0.03 * min(salient.shape)))
    count, labels = cv2.connectedComponents(near)
    if count < 3:
        return salient * near
    mass = np.bincount(labels.ravel(), salient.ravel(), minlength=count)
    mass[0] = 0
    return salient * (mass >= share * mass.max())[labels] * near


def _turned(body: Body, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Joints in the camera's frame: x right, y up, z away. Side views turn a little, views from above all around.

    The camera stands above the floor: of two feet on the floor, the far one appears higher.
    """
    overhead = body.plan in ("from above", "insect")
    heading = rng.normal(0, 14) if not overhead else rng.normal(0, 8)
    if rng.random() < (0.3 if not overhead else 0.0):
        heading += 180
    tilt = rng.normal(0, 5) if overhead else -rng.uniform(0, 16)
    h, t = np.radians(heading), np.radians(tilt)
    about_up = np.array([[np.cos(h), 0, np.sin(h)], [0, 1, 0], [-np.sin(h), 0, np.cos(h)]])
    about_right = np.array([[1, 0, 0], [0, np.cos(t), -np.sin(t)], [0, np.sin(t), np.cos(t)]])
    matrix = about_right @ about_up
    if overhead:
        angle = np.radians(rng.uniform(0, 360) if rng.random() < 0.5 else rng.normal(0, 12))
        matrix = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]) @ matrix
    near = 1 + rng.uniform(0, 0.25) * 0.5
    return {name: (matrix @ place) * np.array([1, 1, near]) for name, place in body.joints.items()}


def _framed(body: Body, world: dict[str, np.ndarray], rng: np.random.Generator) -> tuple[dict[str, np.ndarray], float]:
    """Positions [2] in px of the crop, and px per unit; the body fills a random part of the crop, roughly centred."""
    points = np.stack(list(world.values()))[:, :2]
    low, high = points.min(0), points.max(0)
    if body.plan == "biped" and rng.random() < 0.15:  # only the legs are filmed
        high[1] = world["pelvis"][1] + rng.uniform(0, 0.15)
    scale = CROP * rng.uniform(0.55, 0.9) / max(float((high - low).max()), 0.3)
    middle = (low + high) / 2 + rng.normal(0, 0.06, 2) * CROP / scale
    return {
        name: np.array([(x - middle[0]) * scale + CROP / 2, CROP / 2 - (y - middle[1]) * scale])
        for name, (x, y, _) in world.items()
    }, scale


def _background(rng: np.random.Generator) -> np.ndarray:
    base = rng.uniform(20, 230) + rng.normal(0, 12, 3)
    picture = np.full((CROP, CROP, 3), base, np.float32)
    for cells, strength in ((3, rng.uniform(0, 22)), (10, rng.uniform(0, 14)), (40, rng.uniform(0, 8))):
        noise = rng.normal(0, strength, (cells, cells, 1)) + rng.normal(0, strength / 4, (cells, cells, 3))
        picture += cv2.resize(noise.astype(np.float32), (CROP, CROP), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 4)):
        x, y = rng.integers(-40, CROP, 2)
        wide, tall = rng.integers(6, 100, 2)
        cv2.rectangle(picture, (int(x), int(y)), (int(x + wide), int(y + tall)), _colour(rng), -1)
    if rng.random() < 0.6:
        ground = int(rng.uniform(0.6, 0.95) * CROP)
        picture[ground:] = picture[ground:] * 0.3 + np.array(_colour(rng), np.float32) * 0.7
    return picture.clip(0, 255)


def _colour(rng: np.random.Generator) -> tuple[float, float, float]:
    value = rng.uniform(15, 235)
    red, green, blue = (value + rng.normal(0, 25, 3)).clip(0, 255).tolist()
    return red, green, blue


def _shade_floor(crop: np.ndarray, places: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    points = np.stack(list(places.values()))
    low, shade = points[:, 1].max(), np.zeros((CROP, CROP), np.float32)
    middle = (points[:, 0].mean() + rng.normal(0, 10), low + rng.uniform(-2, 6))
    axes = (np.ptp(points[:, 0]) * rng.uniform(0.3, 0.8) + 4, rng.uniform(2, 9))
    cv2.ellipse(shade, (int(middle[0]), int(middle[1])), (int(axes[0]), int(axes[1])), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(shade, (0, 0), rng.uniform(1, 4))
    crop *= 1 - (rng.uniform(0.1, 0.5) * soft)[..., None]


def _draw(
    crop: np.ndarray, body: Body, world: dict[str, np.ndarray], places: dict[str, np.ndarray], scale: float,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Draw the limbs into `crop` from far to near, each shaded from rim to ridge, then cloth or fur over them."""
    parts = sorted({part for *_, part in body.limbs})
    uniform = rng.random() < 0.45  # an animal of one coat
    coat = np.array(_colour(rng))
    colours = {
        part: (coat * rng.uniform(0.85, 1.15) if uniform else np.array(_colour(rng))).clip(5, 250) for part in parts
    }
    light, contrast, dim = rng.uniform(-0.4, 0.4, 2), rng.uniform(0.05, 0.5), rng.uniform(0.7, 1.0)
    order = sorted(body.limbs, key=lambda limb: -(world[limb[0]][2] + world[limb[1]][2]))
    far = max(place[2] for place in world.values()) + 1e-6
    near = min(place[2] for place in world.values())
    bare = crop.copy()
    for start, end, first, last, part in order:
        depth = (world[start][2] + world[end][2] - 2 * near) / (2 * (far - near))
        colour = colours[part] * (1 - (1 - dim) * depth)
        _limb(crop, places[start], places[end], (first * scale, last * scale), colour, light, contrast)
    covered = (np.abs(crop - bare).sum(2) > 6).astype(np.float32)
    cells = int(rng.integers(8, 64))
    grain = cv2.resize(
        rng.normal(0, rng.uniform(0, 0.16), (cells, cells)).astype(np.float32),
        (CROP, CROP),
        interpolation=cv2.INTER_CUBIC,
    )
    crop *= 1 + (grain * covered)[..., None]
    np.clip(crop, 0, 255, out=crop)


def _limb(
    crop: np.ndarray, start: np.ndarray, end: np.ndarray, radii: tuple[float, float], colour: np.ndarray,
    light: np.ndarray, contrast: float,
) -> None:  # fmt: skip
    one = 1 << SHIFT
    apart = end - start
    across = np.array([-apart[1], apart[0]]) / max(float(np.hypot(*apart)), 1e-6)
    red, green, blue = colour.tolist()
    for inner, value in ((1.0, 1 - contrast), (0.78, 1 - contrast / 3), (0.45, 1 + contrast / 3)):
        tone = (red * value, green * value, blue * value)
        centres = [place + ((1 - inner) * radius) * light for place, radius in zip((start, end), radii, strict=True)]
        first, last = (across * (inner * radius) for radius in radii)
        corners = np.array([centres[0] + first, centres[1] + last, centres[1] - last, centres[0] - first])
        cv2.fillConvexPoly(crop, (corners * one).astype(np.int32), tone, cv2.LINE_AA, SHIFT)
        for (x, y), radius in zip(centres, radii, strict=True):
            cv2.circle(crop, (int(x * one), int(y * one)), int(inner * radius * one) + 1, tone, -1, cv2.LINE_AA, SHIFT)


def _cover(crop: np.ndarray, background: np.ndarray, rng: np.random.Generator) -> None:
    """Sometimes draw a rail in front of the body, or another moving object, into `crop`."""
    if rng.random() < 0.12:
        x, wide, colour = int(rng.uniform(0, CROP)), int(rng.uniform(2, 7)), _colour(rng)
        for picture in (crop, background):
            picture[:, x : x + wide] = colour
    if rng.random() < 0.15:
        x, y = rng.integers(0, CROP, 2)
        axes = (int(rng.uniform(1, 9)), int(rng.uniform(1, 9)))
        cv2.ellipse(crop, (int(x), int(y)), axes, float(rng.uniform(0, 180)), 0, 360, _colour(rng), -1)


def _targets(
    body: Body, world: dict[str, np.ndarray], places: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints, directions and pairs of `Picture`."""
    joints, directions = np.full((2, MOST_JOINTS, 2), np.nan, np.float32)
    pairs = np.full((MOST_PAIRS, 3), np.nan, np.float32)
    shown = _near_is_right(body, world)
    points = np.stack([places[shown[name]] for name in body.names]) / CROP
    joints[: len(points)] = points - points.mean(0)
    parent = {end: start for start, end, *_ in body.limbs}
    for row, name in enumerate(body.names):
        if name in parent:
            bone = world[shown[name]] - world[shown[parent[name]]]
            directions[row] = (bone / max(float(np.linalg.norm(bone)), 1e-6))[:2] * (1, -1)
    rows = {name: row for row, name in enumerate(body.names)}
    both = [(row, rows[name.replace("_right", "_left")]) for name, row in rows.items() if _has_other(name, rows)]
    for pair, (right, left) in zip(pairs, both, strict=False):
        across, along = points[right] - points[left]
        pair[:] = abs(across), abs(along), across * along / (0.05 + float(np.hypot(across, along)))
    return joints, directions, pairs


def _has_other(name: str, rows: dict[str, int]) -> bool:
    return name.endswith("_right") and name.replace("_right", "_left") in rows


def _near_is_right(body: Body, world: dict[str, np.ndarray]) -> dict[str, str]:
    """The joint shown under each name; sides are swapped when a side view shows the body's left."""
    turned = "hip_left" in world and world["hip_left"][2] < world["hip_right"][2]
    turned |= "hind_root_left" in world and world["hind_root_left"][2] < world["hind_root_right"][2]
    other = {"right": "left", "left": "right"}
    names = {name: name for name in body.joints}
    if turned:
        for name in names:
            stem, _, side = name.rpartition("_")
            names[name] = f"{stem}_{other[side]}" if side in other else name
    return names
