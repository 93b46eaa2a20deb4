"""One subject matched at a time, in plain steps: the slow copy that checks `ubam.deviation.time_alignment`."""

from collections.abc import Sequence

import numpy as np

from ubam.deviation.time_alignment import JUMP_COST, TEMPO_COST, Moments


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
