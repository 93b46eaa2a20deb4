"""Which directions of postures cannot be relied on: where what is seen varies hardly more than errors do.

Most numbers of landmarks are noise, or hang on what a subject wears. In units of normal variation each would count as
much as a knee. Errors are what moments that move alike disagree by, and what imagined other looks do. A direction in
which movement and subjects vary less than twice as much as errors do, so that less than half of what is seen is true,
counts as normal.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.linalg import eigh

RELIABLE = 2.0  # times the variance by errors (docs/notes/2026-11-30-ten-seeds.md)
FEWEST = 2  # directions that are relied on
RIDGE = 1e-3  # of the mean variance by errors, that no direction is without
NORMAL = 10.0  # times the mean variance: as much in an unreliable direction is normal; so it counts for nothing
MOST_COMPARED = 9  # recordings whose moments are compared


class Postures(Protocol):
    """The postures [T, D] of recordings, one at a time."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray: ...


def weights(postures: Postures, fps: Sequence[float]) -> np.ndarray:
    """The weight of each number [D], 1 as a root mean square: less than of others where like moments disagree more."""
    own = np.diag(errors_and_all(*_some(postures, fps))[0])
    weight = 1 / np.sqrt(own + np.median(own) + 1e-12)
    return np.asarray(weight / np.sqrt((weight**2).mean()))


def unreliable(postures: Postures, fps: Sequence[float], looks: np.ndarray) -> np.ndarray:
    """Second moment [D, D], large in the directions that cannot be relied on and 0 in the others.

    looks: second moment [D, D] of what other looks do to a recording's mean posture.
    """
    errors, seen = errors_and_all(*_some(postures, fps))
    means = np.stack([postures[index].mean(0) for index in range(len(postures))]).astype(np.float64)
    seen += np.cov(means.T, bias=True)
    errors += looks
    least = RIDGE * np.trace(errors) / len(errors) + 1e-9 * np.trace(seen) + 1e-12
    variances, directions = eigh(seen, errors + least * np.eye(len(errors)))
    count = max(FEWEST, int((variances > RELIABLE).sum()))
    kept, _ = np.linalg.qr(directions[:, ::-1][:, :count])
    return np.asarray(NORMAL * np.trace(seen) / len(seen) * (np.eye(len(seen)) - kept @ kept.T))


def _some(postures: Postures, fps: Sequence[float]) -> tuple[list[np.ndarray], list[float]]:
    chosen = compared(len(postures))
    return [postures[index].astype(np.float64) for index in chosen], [fps[index] for index in chosen]


def compared(count: int) -> list[int]:
    """Which of `count` recordings are compared with each other."""
    return [int(index) for index in np.unique(np.linspace(0, count - 1, min(count, MOST_COMPARED)).astype(int))]


def errors_and_all(postures: Sequence[np.ndarray], fps: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Second moments [D, D] of what moments of recordings that move alike differ by, and of all they move by.

    A moment is a window of a third of a second without the recording's mean. Beside it stands the mean of the nearest
    moments of the other recordings: what is noise, or means another limb there, does not agree with them.
    """
    dim = postures[0].shape[1]
    moving = [posture - posture.mean(0) for posture in postures]
    windows = [_windows(moves, rate) for moves, rate in zip(moving, fps, strict=True)]
    errors, seen = [np.zeros((0, dim))], [np.zeros((0, dim))]
    for own in (window for window in windows if len(window)):
        middle = own.shape[1] // 2
        seen.append(own[:, middle])
        others = [window for window in windows if window is not own and len(window)]
        if others:
            near = [other[_nearest(own, other), middle] for other in others]
            errors.append(own[:, middle] - np.mean(near, axis=0))
    return _second_moment(np.concatenate(errors)), _second_moment(np.concatenate(seen))


def _second_moment(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows.T @ rows / max(1, len(rows)))


def _windows(moves: np.ndarray, fps: float) -> np.ndarray:
    """Up to 64 windows [n, 5, D] of a third of a second."""
    reach = max(1, round(fps / 6))
    starts = np.arange(reach, len(moves) - reach)
    starts = starts[:: max(1, len(starts) // 64)]
    return moves[starts[:, None] + np.linspace(-reach, reach, 5).round().astype(int)]


def _nearest(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    first, second = (one.reshape(len(one), -1) for one in (own, other))
    squared = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return np.asarray(squared.argmin(1))
