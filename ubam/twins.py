"""The twin: the reference posture at the same moment of the same movement, one match per reference subject.

Matching a single posture hides the deviation (the nearest posture is the one that differs least), so windows of
17 postures around each frame are matched, centred on their recording: what is constant in a recording, such as a lean
or the build of a body, then does not choose the moment. The path through a reference recording is found by dynamic
programming: it may run a little slower or faster than the query for nothing, and pays for a jump, so that the
twin moves like a subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HALF_WINDOW = (
    8  # postures on either side of the centre: 17 in all (METHOD: 4.4 degrees out, against 26 for single ones)
)
JUMP_COST = 1.0  # in units of the median distance between a query window and its best match
TEMPO_COST = 0.1  # for a step of 0 or 2 reference frames where the query makes one


@dataclass(frozen=True)
class Moments:
    """Window signatures of one recording.

    signature float32 [M, F]: the centred postures around each moment, one after the other.
    frame int64 [M]: the position in the recording of each moment's centre; all M are consecutive multiples of `step`.
    """

    signature: np.ndarray
    frame: np.ndarray


def widest_reach(frames: int, stride: int) -> int:
    """Postures on either side of a moment that leave at least half of a recording's frames as moments, at most 8."""
    return min(HALF_WINDOW, frames // stride // 4)


def describe_moments(posture: np.ndarray, basis: np.ndarray, stride: int, step: int = 1, reach: int = 8) -> Moments:
    """Describe every `step`-th frame by the window around it.

    posture [T, D]; basis [D, K] to project on; `stride` frames between the postures of a window, `reach` of them on
    either side. Windows stay inside the recording, so the first and last `reach` postures have no moment of their own.
    Recordings are only comparable at the same reach.
    """
    centred = ((posture - posture.mean(0)) @ basis).astype(np.float32)
    total = len(centred)
    half = min(reach, widest_reach(total, stride)) * stride
    offsets = np.linspace(-half, half, 9).round().astype(int)
    frame = np.arange(half, max(total - half, half + 1), step)
    signature = centred[np.clip(frame[:, None] + offsets[None], 0, total - 1)]
    return Moments(signature.reshape(len(frame), -1) / 3, frame)


def distances(query: Moments, reference: Moments) -> np.ndarray:
    """Euclidean distances [M, N] between the window signatures of two recordings."""
    a, b = query.signature, reference.signature
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


def match_path(distance: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Cheapest path through reference moments, one for each query moment, as indices [M].

    distance [M, N]: cost of showing reference moment n at query moment m, m and n in steps of the same length.
    first bool [N]: where a new reference recording begins, which the path cannot run into but only jump to.
    """
    scale = float(np.median(distance.min(1))) or 1.0
    steps = [(advance, _cannot_run(first, advance)) for advance in (1, 0, 2)]
    prices = np.array([0.0, TEMPO_COST, TEMPO_COST, JUMP_COST])[:, None] * scale
    here = np.arange(distance.shape[1])
    sources = np.stack([here - 1, here, here - 2, here])
    ways = np.empty((4, len(here)))
    cost = distance[0].astype(np.float64)
    came_from = np.zeros(distance.shape, np.int64)
    for moment in range(1, len(distance)):
        for way, (advance, blocked) in zip(ways, steps, strict=False):
            way[advance:] = cost[: len(cost) - advance]
            way[blocked] = np.inf
        sources[3] = cost.argmin()
        ways[3] = cost.min()
        ways += prices
        best = ways.argmin(0)
        came_from[moment] = sources[best, here]
        cost = ways[best, here] + distance[moment]
    return _trace_back(came_from, int(cost.argmin()))


def _cannot_run(first: np.ndarray, advance: int) -> np.ndarray:
    """Moments bool [N] that `advance` steps reach only across the start of a recording."""
    blocked = np.arange(len(first)) < advance
    for back in range(advance):
        blocked |= np.r_[np.zeros(back, bool), first[: len(first) - back]]
    return blocked


def _trace_back(came_from: np.ndarray, last: int) -> np.ndarray:
    path = np.empty(len(came_from), np.int64)
    path[-1] = last
    for moment in range(len(came_from) - 1, 0, -1):
        path[moment - 1] = came_from[moment, path[moment]]
    return path


def match_subject(query: Moments, references: Sequence[Moments]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match a query recording with all recordings of one reference subject.

    Returns which recording int64 [M], which frame of it int64 [M], and the distance float32 [M] of each match.
    """
    signature = np.concatenate([moments.signature for moments in references])
    frame = np.concatenate([moments.frame for moments in references])
    recording = np.repeat(np.arange(len(references)), [len(moments.frame) for moments in references])
    first = np.r_[True, np.diff(recording) > 0]
    distance = distances(query, Moments(signature, frame))
    path = match_path(distance, first)
    return recording[path], frame[path], distance[np.arange(len(path)), path]


def spread_to_frames(query: Moments, matched_frame: np.ndarray, total: int, lengths: np.ndarray) -> np.ndarray:
    """Matched reference frame for every frame [total] of the query from the matches of its moments.

    A frame between moments, or before the first and after the last, is as far from its moment's centre as the match is
    from the matched centre. lengths [M]: number of frames of the matched recording.
    """
    moment = nearest_moment(query, total)
    offset = np.arange(total) - query.frame[moment]
    return np.clip(matched_frame[moment] + offset, 0, lengths[moment] - 1)


def nearest_moment(query: Moments, total: int) -> np.ndarray:
    """Index [total] of the moment whose centre is nearest to each frame."""
    edges = (query.frame[1:] + query.frame[:-1] + 1) // 2
    return np.searchsorted(edges, np.arange(total), side="right")
