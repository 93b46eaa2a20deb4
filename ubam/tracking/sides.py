"""Which limb is left and which is right, settled for a whole recording.

In one frame the eye finds both limbs of a pair, and hardly knows which is which from the side. In a recording it can
be told which is the same one as before: a limb keeps its speed, and the parts of one limb keep their distances. The
path of exchanges that does so best is found by dynamic programming (Viterbi over pairs of frames), limbs that pass each
other go on at their speed, and what the eye said of all frames together decides between that path and its opposite.
"""

import numpy as np

from ubam.tracking.eye.landmarks import LANDMARKS

SWING = 0.02  # of the body's size: by so much a place errs against the speed it had, or against the length of a limb
LOST = 9.0  # most that one place costs, in such units: an outlier decides nothing
PASSING = 0.16  # seconds before and after two limbs pass each other, by which it is known which is which
TOLD = 0.3  # what it costs to exchange a pair against the eye's word, in one frame


def limbs_of(plan: str) -> list[list[tuple[int, int]]]:
    """The limbs of a plan, each from the body outwards: numbers of the left and right landmark of every joint."""
    names = LANDMARKS[plan]
    chains: dict[str, tuple[str, ...]] = {
        "person": ("shoulder elbow wrist fingers", "hip knee ankle toe"),
        "rodent": ("shoulder elbow wrist forepaw", "hip knee ankle hindpaw"),
        "dog": ("shoulder elbow wrist forepaw", "hip knee ankle hindpaw"),
        "fly": ("wing", *(" ".join(f"{leg}_{joint}" for joint in ("coxa", "knee", "ankle", "tip"))
                          for leg in ("T1", "T2", "T3"))),
    }  # fmt: skip
    return [
        [(names.index(f"{joint}_left"), names.index(f"{joint}_right")) for joint in chain.split()]
        for chain in chains[plan]
    ]


def settle_sides(places: np.ndarray, plan: str, fps: float) -> np.ndarray:
    """For landmarks [T, L, 2] of consecutive frames, the number of the landmark that each one is, int64 [T, L].

    places: in any unit of length. Take `places[t, order[t]]` for landmarks that keep their side.
    """
    order = np.tile(np.arange(places.shape[1]), (len(places), 1))
    if len(places) < 3:
        return order
    apart = places - places.mean(1, keepdims=True)
    size = float(np.median(np.sqrt((apart**2).sum(-1).mean(1)))) or 1.0
    for limb in limbs_of(plan):
        left, right = (np.array(side) for side in zip(*limb, strict=True))
        exchanged = _exchanges(places[:, np.stack([left, right], 1)] / (2 * SWING * size), max(3, round(PASSING * fps)))
        rows = np.arange(len(places))[:, None]
        order[rows, left] = np.where(exchanged, right, left)
        order[rows, right] = np.where(exchanged, left, right)
    return order


def _exchanges(pairs: np.ndarray, reach: int) -> np.ndarray:
    """Whether to exchange each joint of a limb in each frame, bool [T, J]; places [T, J, 2 sides, 2]."""
    count = pairs.shape[1]
    states = np.array([[(state >> joint) & 1 for joint in range(count)] for state in range(2**count)])
    own = TOLD * states.sum(1) + _bones(pairs, states)
    found = states[_cheapest(own, _swings(pairs), states)].astype(bool)
    apart = (pairs[:, :, 0] - pairs[:, :, 1]) * np.where(found, -1, 1)[..., None]
    found ^= (_passing(apart.reshape(len(apart), -1), reach) < 0)[:, None]
    return ~found if found.mean() > 0.5 else found


def _passing(apart: np.ndarray, reach: int) -> np.ndarray:
    """The sign [T] that lets limbs pass each other at their speed, from the way [T, F] from one to the other.

    Where they pass, the eye sees one of them only for some frames. So a line is laid through the ways of `reach` frames
    on either side, as they are and turned round on one side: the better one holds.
    """
    size = np.convolve(np.pad(np.linalg.norm(apart, axis=1), 1, "edge"), np.ones(3) / 3, "valid")
    usual, sign = np.median(size), np.ones(len(apart))
    for here in range(3, len(apart) - 3):
        near = size[max(0, here - reach // 2) : here + reach // 2 + 1]
        if size[here] > min(near.min(), 0.7 * usual):
            continue
        frames = np.r_[max(0, here - reach) : here - 1, here + 2 : min(len(apart), here + reach + 1)]
        ways, line = apart[frames] * sign[frames, None], _line(frames - here)
        turned = ways * np.where(frames > here, -1, 1)[:, None]
        laid = [np.linalg.lstsq(line, one, rcond=None)[0] for one in (ways, turned)]
        rest = [_bounded((one - line @ fit) ** 2).sum() for one, fit in zip((ways, turned), laid, strict=True)]
        sign[here + 1 :] *= -1 if rest[1] < rest[0] else 1
        inner = np.arange(here - 1, here + 2)
        expected = _line(inner - here) @ laid[int(rest[1] < rest[0])]
        sign[inner] = np.where((expected * apart[inner]).sum(1) < 0, -1, 1)
    return sign


def _line(steps: np.ndarray) -> np.ndarray:
    return np.stack([np.ones(len(steps)), steps], 1)


def _bones(pairs: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Cost [T, S] of bones that are longer or shorter than usual, under every state of a limb."""
    cost = np.zeros((len(pairs), len(states)))
    for joint in range(pairs.shape[1] - 1):
        straight, crossed = (
            np.linalg.norm(pairs[:, joint] - pairs[:, joint + 1, ::way], axis=-1) for way in (1, -1)
        )  # [T, 2]
        usual = np.median(np.minimum(straight.sum(1), crossed.sum(1))) / 2
        both = np.stack([_bounded((length - usual) ** 2).sum(1) for length in (straight, crossed)], 1)
        cost += both[:, states[:, joint] ^ states[:, joint + 1]]
    return cost


def _swings(pairs: np.ndarray) -> np.ndarray:
    """Cost [T - 2, J, 2, 2, 2] of the change of speed at frame t + 2, by the exchanges of t, t + 1 and t + 2."""
    cost = np.empty((len(pairs) - 2, pairs.shape[1], 2, 2, 2))
    ways = (pairs, pairs[:, :, ::-1])
    for before in range(2):
        for here in range(2):
            for after in range(2):
                change = ways[before][:-2] - 2 * ways[here][1:-1] + ways[after][2:]
                cost[:, :, before, here, after] = _bounded((change**2).sum(-1)).sum(-1)
    return cost


def _bounded(squared: np.ndarray) -> np.ndarray:
    return np.minimum(squared, LOST)


def _cheapest(own: np.ndarray, swings: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The path of states [T] that costs least: own costs [T, S] and those of changes of speed."""
    total = own[0][:, None] + own[1]  # of the states of two consecutive frames
    joints = np.arange(states.shape[1])
    before, here, after = states[:, None, None], states[None, :, None], states[None, None]
    back = np.empty((len(own) - 2, *total.shape), np.uint8)
    for step, swing in enumerate(swings):
        cost = total[:, :, None] + swing[joints, before, here, after].sum(-1)
        back[step] = cost.argmin(0)
        total = cost.min(0) + own[step + 2]
    path = list(np.unravel_index(total.argmin(), total.shape))[::-1]
    for step in range(len(back) - 1, -1, -1):
        path.append(back[step][path[-1], path[-2]])
    return np.array(path[::-1], int)
