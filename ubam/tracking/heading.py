"""Which way an animal seen from above points, so that its views can be turned to point the same way.

The long axis of its outline gives the heading except for its sign. The recording itself shows which end is the head:
animals mostly walk forwards, and the end at which the outline tapers stays the same. A path of headings is then found
by dynamic programming (Viterbi) over angles: fast swings are not allowed, and turning round has a cost.
"""

from dataclasses import replace

import numpy as np

from ubam.tracking.track import Track, smooth

ANGLES = 72  # headings that the path is made of, 5 degrees apart
WIDE = 0.75  # length of the mean doubled axis below which the long axis turns over wide angles; 1 is one axis for all
ELONGATED = 1.25  # long over short axis, in the median, below which there is no heading to see
LEAST_FRAMES = 25
TURN_S = 0.1  # time in which an animal turns by 30 degrees with ease
TRUST = 4.0  # weight of the long axis
REVERSAL = 6.0  # cost of turning round between two frames
UPRIGHT = "person"  # the plan of body that is never turned: arms that move look like a long axis that does
TURNED = "taken for an animal seen from above: its views are turned to point right; of people give --plan person"


def facing(track: Track, fps: float) -> np.ndarray | None:
    """The heading of a subject seen from above, float32 [T] radians, 0 to the right, clockwise as seen; None of others.

    Seen from above means: an elongated outline whose long axis turns over wide angles, pointing up and down as well as
    left and right. A walker stays upright, an animal from the side stays level, and neither is ever turned.
    """
    if not turns_widely(track.shape[track.found]):
        return None
    angles = heading_path(track, fps)
    steep = np.sin(angles[track.found])
    if min((steep > 0.5).mean(), (steep < -0.5).mean()) < 0.05:  # an animal that rears never points down
        return None
    return angles


def turns_widely(shape: np.ndarray) -> bool:
    """Whether an outline is elongated and its long axis turns over wide angles, from moments [n,7] as in `Track`."""
    angle, ratio = long_axis(shape)
    if len(shape) < LEAST_FRAMES or np.median(ratio) < ELONGATED:
        return False
    clear = ratio > 0.5 * (1 + np.median(ratio))
    return bool(np.abs(np.exp(2j * angle[clear]).mean()) < WIDE)


def long_axis(shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle of the long axis in radians, modulo pi, and long over short axis, float64 [n], from moments [n,7]."""
    xx, xy, yy = shape[:, :3].T.astype(np.float64)
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.arctan2(2 * xy, xx - yy) / 2, np.sqrt(
        (middle + half + 1e-6) / np.maximum(middle - half, 1e-3 * middle + 1e-6)
    )


def heading_path(track: Track, fps: float) -> np.ndarray:
    """The heading of every frame, float32 [T] radians in -pi..pi, smooth over time."""
    shape, found = track.shape, track.found
    angle, ratio = long_axis(shape)
    clear = np.where(found, np.clip(ratio - 1, 0, 1), 0)
    motion, speed = _motion(track.centre, track.extent, fps)
    thin, taper = _thin_end(shape)
    forward = speed * taper * found
    head = float((forward * np.cos(motion - thin)).sum() / max(forward.sum(), 1e-9))
    evidence = (TRUST * clear)[:, None] * np.cos(2 * (_GRID - angle[:, None]))
    evidence += (speed * clear * np.cos(motion - angle))[:, None] * np.cos(_GRID - angle[:, None])
    evidence += (TRUST * head * taper * found)[:, None] * np.cos(_GRID - thin[:, None])
    path = _GRID[_best_path(evidence, fps)]
    near = angle + np.pi * np.round((path - angle) / np.pi)
    exact = path + clear * np.clip(near - path, -0.1, 0.1)
    unwrapped = np.unwrap(exact)
    smoothed = smooth(unwrapped[:, None], found, 0.04 * fps)[:, 0]
    return np.angle(np.exp(1j * smoothed)).astype(np.float32)


_GRID = np.arange(ANGLES) * 2 * np.pi / ANGLES


def _motion(centre: np.ndarray, extent: float, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Direction of travel in radians and its certainty 0..1, float64 [T]: 1 from half a body length a second."""
    reach, frames = max(1, round(0.1 * fps)), np.arange(len(centre))
    later, earlier = np.minimum(frames + reach, frames[-1]), np.maximum(frames - reach, 0)
    way = (centre[later] - centre[earlier]).astype(np.float64) * fps / (later - earlier)[:, None]
    return np.arctan2(way[:, 1], way[:, 0]), np.minimum(np.hypot(*way.T) / (0.5 * extent), 1.0)


def _thin_end(shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where an outline tapers, radians, and how much, 0..1, float64 [T]: its third moment as a vector."""
    xx, _, yy, xxx, xxy, xyy, yyy = shape.T.astype(np.float64)
    x, y = xxx + xyy, xxy + yyy
    return np.arctan2(y, x), np.clip(np.hypot(x, y) / np.maximum(xx + yy, 1e-6) ** 1.5, 0, 1)


def _best_path(evidence: np.ndarray, fps: float) -> np.ndarray:
    """The sequence of angles, int [T], with the most evidence [T,ANGLES] and the least turning."""
    turn = np.angle(np.exp(1j * (_GRID[:, None] - _GRID[None, :])))
    ease = np.pi / 6 / (TURN_S * fps)
    cost = np.minimum(0.5 * (turn / ease) ** 2, REVERSAL)
    back = np.empty(evidence.shape, np.int16)
    score = evidence[0]
    for t in range(1, len(evidence)):
        total = score[None, :] - cost
        back[t] = total.argmax(axis=1)
        score = total.max(axis=1) + evidence[t]
    path = np.empty(len(evidence), np.int64)
    path[-1] = int(score.argmax())
    for t in range(len(evidence) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path


def from_above(track: Track) -> Track:
    """The track of a subject whose views are turned: the box contains it in every orientation.

    Its body height is its length, and the ground, which nobody sees, lies half of that below its middle.
    """
    half, length = 0.5 * 1.25 * track.extent, track.extent
    centre = (track.box[:, :2] + track.box[:, 2:]) / 2
    box = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return replace(track, box=box, body_height=length, ground_y=(centre[:, 1] + length / 2).astype(np.float32))
