"""Pairs of random bodies with the displacement between their postures, for the training of registration.

A pair is a query and a reference that differs in build, coat, camera and posture. The true displacement leads to the
query's own body in the reference's posture: its limbs keep their lengths and take the reference's directions. So the
network learns the difference in posture and not that in build.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ubam.pretraining.body_pictures import CROP, SHIFT, STANDING, photograph
from ubam.pretraining.random_bodies import PLANS, Body

SHARES = {"biped": 0.42, "quadruped": 0.36, "from above": 0.12, "insect": 0.05, "branching": 0.05}
ANOTHER = 0.07  # share of pairs that have only the body plan in common
USUAL = 0.12  # share of pairs that differ as little as two healthy subjects
LIMBS = ("knee", "ankle", "heel", "toe", "foot", "hip", "elbow", "wrist", "hand", "root")
World = dict[str, np.ndarray]


@dataclass(frozen=True)
class Pair:
    """Two views uint8 [64, 64, 3] on the query's canvas, and the truth.

    flow: float16 [64, 64, 2], the displacement (x, y) of each part of the query, in widths of the view. body: bool
    [64, 64], the pixels of the query.
    """

    query: np.ndarray
    reference: np.ndarray
    flow: np.ndarray
    body: np.ndarray


def draw_pair(rng: np.random.Generator, related: float = 0.75) -> Pair:
    """One random pair; the same generator state gives the same pair.

    related: share of pairs of one kind, like the subjects of a study; the others differ in build.
    """
    plan = list(SHARES)[rng.choice(len(SHARES), p=list(SHARES.values()))]
    query, other = (PLANS[plan][0](rng) for _ in range(2))
    change = draw_posture_change(query, rng) if rng.random() < 1 - ANOTHER else None
    copy = Body(plan, in_posture_of(other, query), other.limbs) if change else other
    if change and rng.random() < related:
        copy = other = relative(query, rng)
    seen, turn = _camera(plan, rng)
    also, _ = _camera(plan, rng, turn)
    target_posture = changed(query, change) if change else in_posture_of(query, other)
    now, then = (_filmed(joints, seen) for joints in (query.joints, target_posture))
    like_now, like_then = (_filmed(joints, also) for joints in (copy.joints, changed(copy, change)))
    edges, later = _edges(now, query), _edges(then, query)
    scale = CROP * rng.uniform(0.55, 0.9) / max(edges[2] - edges[0], edges[3] - edges[1], 0.3)
    middle = (edges[:2] + edges[2:]) / 2 + rng.normal(0, 0.04, 2) * CROP / scale
    root = query.limbs[0][0]
    back = now[root][:2] - then[root][:2]  # the root keeps its column; a standing body's lowest point keeps its row
    back[1] = edges[1] - later[1] if plan in STANDING else back[1]
    places, target = _on_canvas(now, scale, middle), _on_canvas(then, scale, middle - back)
    zoom, centre = _framing(edges, _edges(like_now, other), _edges(like_then, other), scale, middle, rng)
    views = (
        photograph(query, now, places, scale, rng),
        photograph(other, like_then, _on_canvas(like_then, zoom, centre), zoom, rng),
    )
    limbs = limb_map(query, now, places, scale)
    flow = limb_flow(query, limbs, places, target) / CROP
    return Pair(*views, flow[::2, ::2].astype(np.float16), limbs[::2, ::2] >= 0)


@dataclass(frozen=True)
class PostureChange:
    """A difference in posture: a rotation [3, 3] of each limb's direction, by the joint at which the limb ends.

    planted: the feet stay in place and the legs follow the trunk.
    """

    turns: World
    planted: bool


def draw_posture_change(body: Body, rng: np.random.Generator) -> PostureChange:
    """A random change of posture: small rotations of all limbs, and mostly a larger change as well.

    The larger change bends the trunk in one place or arches its whole length, with the feet planted or free. Or it
    turns one to three limbs, with or without what hangs on them, or sometimes the whole body.
    """
    alike, usual = rng.random() < USUAL, np.radians(rng.uniform(0, 6))
    ends = [end for _, end, *_ in body.limbs]
    turns = {end: _about(0, 0, 1, rng.normal(0, usual)) @ _about(0, 1, 0, rng.normal(0, usual / 2)) for end in ends}
    if alike:
        return PostureChange(turns, bool(rng.random() < 0.5))
    trunk = [end for end in ends if not any(word in end for word in LIMBS)]
    if body.plan in STANDING and rng.random() < 0.5:
        spine = [end for end in trunk if not end.startswith(("tail", "ear", "shoulder"))]
        bends = _bends(len(spine), rng)
        for end, angle in zip(spine, np.cumsum(bends), strict=True):
            _turn(turns, [end], angle)
        _turn(turns, [end for end in trunk if end not in spine], float(bends.sum()) * rng.uniform(0, 1))
        arms = [end for end in ends if end.startswith(("elbow", "wrist", "hand"))]
        _turn(turns, arms, float(bends.sum()) * rng.uniform(0, 1))
        return PostureChange(turns, bool(rng.random() < 0.7))
    for _ in range(rng.integers(1, 4)):
        end = ends[rng.integers(len(ends))]
        angle = rng.normal(0, 18) if rng.random() < 0.8 else rng.uniform(-50, 50)
        moved = _hanging(body, end) if rng.random() < 0.6 else [end]
        _turn(turns, ends if rng.random() < 0.12 else moved, angle)
    return PostureChange(turns, bool(rng.random() < 0.15))


def _bends(count: int, rng: np.random.Generator) -> np.ndarray:
    """Degrees between each of `count` trunk limbs and the one before: a lean, an arch, or a bend at one joint."""
    kind = rng.random()
    if kind < 0.4:
        bends = np.zeros(count)
        bends[0 if rng.random() < 0.7 else rng.integers(count)] = rng.normal(0, 14)
        return bends
    arch = rng.normal(0, 30) * np.cos(np.pi * (np.arange(count) + 0.5) / count)
    return np.diff(arch, prepend=0.0) if kind < 0.8 else rng.normal(0, 9, count)


def _turn(turns: World, ends: list[str], degrees: float) -> None:
    matrix = _about(0, 0, 1, np.radians(degrees))
    turns.update({end: matrix @ turns[end] for end in ends})


def _hanging(body: Body, joint: str) -> list[str]:
    """The joint and all joints that hang on it."""
    found = [joint]
    for start, end, *_ in body.limbs:
        found += [end] if start in found else []
    return found


def _filmed(joints: World, camera: np.ndarray) -> World:
    return {name: camera @ place for name, place in joints.items()}


def _about(x: float, y: float, z: float, angle: float) -> np.ndarray:
    """The rotation [3, 3] about an axis of length 1 (Rodrigues)."""
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix: np.ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def changed(body: Body, change: PostureChange | None) -> World:
    """The joints [3] of a body in its own posture, or in the changed one.

    Limbs keep their lengths, except for legs whose feet are planted.
    """
    if change is None:
        return body.joints
    joints = {body.limbs[0][0]: body.joints[body.limbs[0][0]]}
    for start, end, *_ in body.limbs:
        joints[end] = joints[start] + change.turns[end] @ (body.joints[end] - body.joints[start])
    if change.planted:
        for leg in _legs(body):
            slip = joints[leg[-1]] - body.joints[leg[-1]]
            for number, joint in enumerate(leg):
                joints[joint] = joints[joint] - slip * number / (len(leg) - 1)
    return joints


def _legs(body: Body) -> list[list[str]]:
    """The joints of each leg, from the hip to the toe."""
    start_of, legs = {end: start for start, end, *_ in body.limbs}, []
    for toe in (name for name in body.joints if name.startswith(("toe_", "hind_toe", "fore_toe"))):
        leg = [toe]
        while not leg[-1].startswith(("hip_", "hind_root", "fore_root")):
            leg.append(start_of[leg[-1]])
        legs.append(leg[::-1])
    return legs


def relative(body: Body, rng: np.random.Generator) -> Body:
    """Another body of its kind in the same posture: limbs a few per cent longer or thicker, equal on both sides.

    A larger difference between two bodies of a kind is one of posture: a hunched back is not a fat one.
    """
    builds: dict[str, tuple[float, float]] = {}
    girth, other = (
        float(np.exp(rng.normal(0, 0.06))),
        Body(body.plan, {body.limbs[0][0]: body.joints[body.limbs[0][0]]}),
    )
    for start, end, first, last, part in body.limbs:
        kind = end.replace("_left", "").replace("_right", "")
        if kind not in builds:
            builds[kind] = (float(np.exp(rng.normal(0, 0.06))), girth * float(np.exp(rng.normal(0, 0.06))))
        longer, thicker = builds[kind]
        other.joints[end] = other.joints[start] + longer * (body.joints[end] - body.joints[start])
        other.limbs.append((start, end, thicker * first, thicker * last, part))
    return other


def in_posture_of(body: Body, other: Body) -> World:
    """The joints of a body whose limbs have the directions of those of another body of its plan."""
    joints = {body.limbs[0][0]: body.joints[body.limbs[0][0]]}
    for start, end, *_ in body.limbs:
        own, wanted = (one.joints[end] - one.joints[start] for one in (body, other))
        longer = float(np.linalg.norm(own)) / max(float(np.linalg.norm(wanted)), 1e-6)
        joints[end] = joints[start] + longer * wanted
    return joints


def _camera(
    plan: str, rng: np.random.Generator, turn: tuple[float, float] | None = None
) -> tuple[np.ndarray, tuple[float, float]]:
    """A camera [3, 3], and the way the body faces; with `turn`, another camera for which it faces the same way."""
    standing = plan in STANDING
    if turn is None:
        facing = 180.0 if rng.random() < 0.3 and standing else 0.0
        angle = 0.0
        if plan in ("from above", "insect"):
            angle = rng.uniform(0, 360) if rng.random() < 0.5 else rng.normal(0, 12)
        turn = (facing, angle)
    heading = turn[0] + rng.normal(0, 7 if standing else 6)
    tilt = -rng.uniform(0, 14) if standing else rng.normal(0, 5)
    matrix = _about(1, 0, 0, np.radians(tilt)) @ _about(0, 1, 0, np.radians(heading))
    if turn[1]:
        matrix = _about(0, 0, 1, np.radians(turn[1] + rng.normal(0, 5))) @ matrix
    return matrix, turn


def _edges(world: World, body: Body) -> np.ndarray:
    """Left, low, right and high edge [4] of a body, in its units, y up."""
    parts = [
        (*(world[name][:2] - radius), *(world[name][:2] + radius))
        for start, end, first, last, _ in body.limbs
        for name, radius in ((start, first), (end, last))
    ]
    low, high = np.min(parts, axis=0)[:2], np.max(parts, axis=0)[2:]
    return np.concatenate([low, high])


def _on_canvas(world: World, scale: float, middle: np.ndarray) -> World:
    """Positions [2] in px of the crop; the point `middle` [2] of the body's frame is in its centre."""
    flip = np.array([scale, -scale])
    return {name: (place[:2] - middle) * flip + CROP / 2 for name, place in world.items()}


def _framing(
    query: np.ndarray, alike: np.ndarray, reference: np.ndarray, scale: float, middle: np.ndarray,
    rng: np.random.Generator,
) -> tuple[float, np.ndarray]:  # fmt: skip
    """Scale and middle that bring a reference to the query's canvas as registration does: height, ground, box.

    query, alike, reference [4]: the edges of the query, and of the reference in the query's posture and in its own. A
    recording's height is that of its usual posture. A lean that never ends therefore makes a subject lower, and one
    that comes and goes does not. Anything in between is drawn.
    """
    share = rng.uniform()
    height = max(share * (alike[3] - alike[1]) + (1 - share) * (reference[3] - reference[1]), 0.05)
    zoom = scale * (query[3] - query[1]) / height * np.exp(rng.normal(0, 0.04))
    aside = rng.normal(0, 0.025, 2) * CROP * (1, 0.4)
    column = (query[0] + query[2]) / 2 - middle[0] + aside[0] / scale
    row = query[1] - middle[1] - aside[1] / scale
    return zoom, np.array([(reference[0] + reference[2]) / 2, reference[1]]) - np.array([column, row]) * scale / zoom


def limb_map(body: Body, world: World, places: World, scale: float) -> np.ndarray:
    """The limb that is visible at each pixel, int16 [CROP, CROP], -1 for none; drawn as in `photograph`."""
    seen, one = np.full((CROP, CROP), -1, np.int16), 1 << SHIFT
    depth = [world[start][2] + world[end][2] for start, end, *_ in body.limbs]
    for number in sorted(range(len(depth)), key=lambda number: -depth[number]):
        start, end, first, last, _ = body.limbs[number]
        apart = places[end] - places[start]
        across = np.array([-apart[1], apart[0]]) / max(float(np.hypot(*apart)), 1e-6)
        ends = ((places[start], first * scale), (places[end], last * scale))
        (a, thick), (b, thin) = ends
        corners = np.array([a + across * thick, b + across * thin, b - across * thin, a - across * thick])
        cv2.fillConvexPoly(seen, (corners * one).astype(np.int32), number, cv2.LINE_8, SHIFT)
        for (x, y), radius in ends:
            cv2.circle(seen, (int(x * one), int(y * one)), int(radius * one) + 1, number, -1, cv2.LINE_8, SHIFT)
    return seen


def limb_flow(body: Body, limbs: np.ndarray, places: World, target: World) -> np.ndarray:
    """Displacement of each pixel, float32 [CROP, CROP, 2] px: it turns with its limb and stretches along it."""
    flow = np.zeros((*limbs.shape, 2), np.float32)
    for number, (start, end, *_) in enumerate(body.limbs):
        rows, columns = np.nonzero(limbs == number)
        here = np.stack([columns, rows], 1)
        along, length = _axis(places[start], places[end], np.array([1.0, 0.0]))
        after, new_length = _axis(target[start], target[end], along)
        offset = here - places[start]
        far, aside = offset @ along, offset @ np.array([-along[1], along[0]])
        far = np.where(far <= 0, far, np.where(far >= length, new_length + far - length, far * new_length / length))
        moved = target[start] + far[:, None] * after + aside[:, None] * np.array([-after[1], after[0]])
        flow[rows, columns] = moved - here
    return flow


def _axis(start: np.ndarray, end: np.ndarray, otherwise: np.ndarray) -> tuple[np.ndarray, float]:
    """Direction and length (at least 1 px) of a limb on the canvas; if seen end-on, the direction is `otherwise`."""
    apart = end - start
    length = float(np.hypot(*apart))
    return (apart / length if length > 0.5 else otherwise), max(length, 1.0)
