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

from ubam.deviation.normal_variation import trimmed_mean

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


def describe_moments(
    posture: np.ndarray, basis: np.ndarray, stride: int, step: int = 1, reach: int = 8, pace: float = 1.0
) -> Moments:
    """Describe every `step`-th frame by the window around it.

    posture [T, D]; basis [D, K] to project on; `stride` frames between the postures of a window, `reach` of them on
    either side. Windows stay inside the recording, so the first and last `reach` postures have no moment of their own.
    Recordings are only comparable at the same reach. pace: postures a second, as a share of those of the recordings
    that it is compared with, so that windows of all span the same time.
    """
    centred = ((posture - posture.mean(0)) @ basis).astype(np.float32)
    total = len(centred)
    span = min(reach, widest_reach(total, stride)) * stride * pace
    half = round(span)
    offsets = np.linspace(-span, span, 9).round().astype(int)
    frame = np.arange(half, max(total - half, half + 1), step)
    signature = centred[np.clip(frame[:, None] + offsets[None], 0, total - 1)]
    return Moments(signature.reshape(len(frame), -1) / 3, frame)


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


CELLS = 4_000_000  # distances in memory at a time; few enough for the processor's cache
AGREEING_ROUNDS = 2
ENOUGH_TO_AGREE = 3  # subjects; fewer have no majority


def match_subjects(query: Moments, references: Sequence[Sequence[Moments]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Match a recording of M moments with all recordings of each reference subject.

    Returns for each subject which recording int32 [M] and which frame of it int32 [M] shows the same moment.
    """
    longest = max(sum(len(one.frame) for one in subject) for subject in references)
    together = max(1, CELLS // (len(query.frame) * longest))
    found = []
    for start in range(0, len(references), together):
        found += _match(query, references[start : start + together])
    return found


def match_agreeing(query: Moments, references: Sequence[Sequence[Moments]]) -> list[tuple[float, int, np.ndarray]]:
    """Match a recording of M moments with one recording of each reference subject, all showing the same moment.

    By itself a subject may be matched half a cycle out. So the trimmed mean of all matched windows is taken, and the
    window halfway between it and the query's is matched again: what most subjects show decides.
    Returns for each subject the mean distance, which recording was nearest, and its frames int32 [M].
    """
    drawn, found = query, _nearest_recordings(query, references)
    for _ in range(AGREEING_ROUNDS if len(references) >= ENOUGH_TO_AGREE else 0):
        agreed = trimmed_mean(
            np.stack(
                [_windows(subject[which], frame) for subject, (_, which, frame) in zip(references, found, strict=True)]
            )
        )
        drawn = Moments((query.signature + agreed) / 2, query.frame)
        found = _nearest_recordings(drawn, references)
    return found


def _nearest_recordings(query: Moments, references: Sequence[Sequence[Moments]]) -> list[tuple[float, int, np.ndarray]]:
    every = [[one] for subject in references for one in subject]
    paths = iter(zip(every, match_subjects(query, every), strict=True))
    found = []
    for subject in references:
        choices = []
        for which, ([one], (_, frame)) in zip(range(len(subject)), paths, strict=False):
            apart = np.linalg.norm(_windows(one, frame) - query.signature, axis=1)
            choices.append((float(apart.mean()), which, frame))
        found.append(min(choices, key=lambda choice: choice[0]))
    return found


def _windows(moments: Moments, frame: np.ndarray) -> np.ndarray:
    """The signatures [M, F] of the moments at these frames [M]."""
    return moments.signature[np.searchsorted(moments.frame, frame)]


def _match(query: Moments, references: Sequence[Sequence[Moments]]) -> list[tuple[np.ndarray, np.ndarray]]:
    recordings = [np.repeat(np.arange(len(s)), [len(one.frame) for one in s]).astype(np.int32) for s in references]
    frames = [np.concatenate([one.frame for one in subject]).astype(np.int32) for subject in references]
    first = np.ones((len(references), max(map(len, frames))), bool)
    for row, recording in zip(first, recordings, strict=True):
        row[1 : len(recording)] = np.diff(recording) > 0
    paths = match_paths(_distances(query, references, first.shape[1]), first)
    return [(r[path], f[path]) for r, f, path in zip(recordings, frames, paths, strict=True)]


def _distances(query: Moments, references: Sequence[Sequence[Moments]], columns: int) -> np.ndarray:
    """Distances [M, S, N] between the signatures, infinite where a subject has fewer than N moments."""
    distance = np.full((len(query.frame), len(references), columns), np.inf, np.float32)
    own = (query.signature**2).sum(1)[:, None]
    for index, subject in enumerate(references):
        signature = np.concatenate([one.signature for one in subject])
        squared = own + (signature**2).sum(1)[None] - 2 * query.signature @ signature.T
        distance[:, index, : len(signature)] = np.sqrt(np.maximum(squared, 0))
    return distance


def match_paths(distance: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Cheapest path of every subject, as indices [S, M]; distance [M, S, N], first bool [S, N], as `match_path`."""
    scale = np.median(distance.min(2), axis=0).astype(np.float64)[:, None]
    scale[scale == 0] = 1.0
    second = first.copy()
    second[:, 1:] |= first[:, :-1]
    dear, leap = TEMPO_COST * scale, JUMP_COST * scale
    barred = np.flatnonzero(first), np.flatnonzero(second)
    cost = np.empty(distance.shape)
    cost[0] = distance[0]
    skip = np.empty(first.shape)
    for moment in range(1, len(distance)):
        before, best = cost[moment - 1], cost[moment]
        best[:, 1:], skip[:, 2:] = before[:, :-1], before[:, :-2]
        best.reshape(-1)[barred[0]] = np.inf
        skip.reshape(-1)[barred[1]] = np.inf
        np.minimum(best, before + dear, out=best)
        np.minimum(best, np.add(skip, dear, out=skip), out=best)
        np.minimum(best, before.min(1, keepdims=True) + leap, out=best)
        best += distance[moment]
    return _trace_back(cost, first, second, dear[:, 0], leap[:, 0])


def _trace_back(
    cost: np.ndarray, first: np.ndarray, second: np.ndarray, dear: np.ndarray, leap: np.ndarray
) -> np.ndarray:
    """The paths [S, M] that end cheapest, from the costs [M, S, N] to stand at each reference moment."""
    path = np.empty((cost.shape[1], len(cost)), np.int64)
    path[:, -1] = cost[-1].argmin(1)
    rows = np.arange(len(path))
    for moment in range(len(cost) - 1, 0, -1):
        here, before = path[:, moment], cost[moment - 1]
        lowest = before.argmin(1)
        ways = (  # the first of equally cheap ones is taken
            (here - 1, np.where(first[rows, here], np.inf, before[rows, here - 1])),
            (here, before[rows, here] + dear),
            (here - 2, np.where(second[rows, here], np.inf, before[rows, here - 2] + dear)),
            (lowest, before[rows, lowest] + leap),
        )
        taken = np.argmin([price for _, price in ways], axis=0)
        path[:, moment - 1] = np.choose(taken, [place for place, _ in ways])
    return path
