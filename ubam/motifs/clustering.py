"""Clusters of windows of many subjects: k-means with a level of its own for each recording, and how well it replicates.

What is constant in a recording must not make a cluster, yet its mean moves with how much of it each cluster has: a
level is therefore estimated with the clusters, as the intercept of a mixed model is
(measured in docs/notes/2026-11-22-retrieval.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

MOST_CLUSTERS = 10
SPLITS = 6  # divisions of the subjects into halves
VALLEY = 2 / 3  # of the windows at the centres: as few halfway as between two heaps three standard deviations apart
ROUNDS = 30  # of clusters and levels in turn; most settle within ten


@dataclass(frozen=True)
class Settled:
    """Rows in clusters: labels int [N], level [N, D] of each row's recording, centres [K, D], cost."""

    labels: np.ndarray
    level: np.ndarray
    centres: np.ndarray
    cost: float


def prediction_strength(codes: np.ndarray, recording: np.ndarray, owner: np.ndarray, seed: int) -> dict[int, float]:
    """How well a division into 2, 3 ... 10 clusters replicates between subjects, 0..1 for each number.

    codes [N, K], rows of a recording together; recording, owner int [N]: recording and subject of each. Both halves of
    the subjects are clustered; of each cluster of one half, the share of its pairs of windows that the other half's
    centres keep together; the least of these over the clusters, mean over six divisions and both directions
    (Tibshirani and Walther 2005).
    """
    subjects = np.unique(owner)
    rng = np.random.default_rng(seed)
    halves = [np.isin(owner, rng.permutation(subjects)[: len(subjects) // 2]) for _ in range(SPLITS)]
    strength = {}
    for count in range(2, MOST_CLUSTERS + 1):
        if min(min(half.sum(), (~half).sum()) for half in halves) < 2 * count:
            break
        strength[count] = float(np.mean([_replicated(codes, recording, owner, half, count, seed) for half in halves]))
    return strength


def _replicated(
    codes: np.ndarray, recording: np.ndarray, owner: np.ndarray, half: np.ndarray, count: int, seed: int
) -> float:
    fits = [cluster(codes[part], recording[part], owner[part], count, seed) for part in (half, ~half)]
    values = []
    for own, other, part in ((fits[0], fits[1], half), (fits[1], fits[0], ~half)):
        table = np.zeros((count, count))
        np.add.at(table, (own.labels, assign(codes[part], recording[part], other.centres).labels), 1)
        size = table.sum(1)
        values.append(float(((table * (table - 1)).sum(1) / np.maximum(size * (size - 1), 1)).min()))
    return float(np.mean(values))


def cluster(codes: np.ndarray, recording: np.ndarray, owner: np.ndarray, count: int, seed: int) -> Settled:
    """k-means with a level of its own for each recording, in which every subject weighs the same however long its film.

    It starts once from each recording's mean as its level and once from a common level, and keeps the better result.
    """
    weight = 1 / np.bincount(owner)[owner]
    weight /= weight.mean()
    starts = []
    for level in (_recording_means(codes, recording), np.zeros_like(codes)):
        fit = KMeans(count, n_init=1, random_state=seed).fit(codes - level, sample_weight=weight)
        starts.append(_settle(codes, recording, level, fit.cluster_centers_, weight))
    best = min(starts, key=lambda settled: settled.cost)
    shift = np.average(best.level, axis=0, weights=weight)
    return Settled(best.labels, best.level - shift, best.centres + shift, best.cost)


def assign(codes: np.ndarray, recording: np.ndarray, centres: np.ndarray) -> Settled:
    """Rows of other recordings in clusters that are given."""
    levels = (_recording_means(codes, recording), np.zeros_like(codes))
    return min((_settle(codes, recording, level, centres) for level in levels), key=lambda settled: settled.cost)


def _settle(
    codes: np.ndarray, recording: np.ndarray, level: np.ndarray, centres: np.ndarray, weight: np.ndarray | None = None
) -> Settled:
    """Labels, levels and, with `weight` [N], centres in turn until no label changes: each step lowers the cost."""
    labels = np.full(len(codes), -1)
    for _ in range(ROUNDS):
        before, labels = labels, _nearest(codes - level, centres)
        if (labels == before).all():
            break
        level = _recording_means(codes - centres[labels], recording)
        if weight is not None:
            member = np.eye(len(centres))[labels] * weight[:, None]
            size = member.sum(0)[:, None]
            centres = np.where(size > 0, member.T @ (codes - level) / np.maximum(size, 1e-12), centres)
    error = ((codes - level - centres[labels]) ** 2).sum(1)
    return Settled(labels, level, centres, float((error if weight is None else weight * error).sum()))


def _nearest(codes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    labels: np.ndarray = ((centres**2).sum(1) - 2 * codes @ centres.T).argmin(1)
    return labels


def _recording_means(codes: np.ndarray, recording: np.ndarray) -> np.ndarray:
    """For each row the mean [N, D] over its recording; the rows of a recording are adjacent."""
    first = np.flatnonzero(np.r_[True, np.diff(recording) != 0])[: len(codes)]
    length = np.diff(np.r_[first, len(codes)])
    means = np.add.reduceat(codes, first, axis=0) / length[:, None] if len(codes) else codes
    return np.repeat(means, length, axis=0)


def blurred_pairs(codes: Sequence[np.ndarray], subjects: Sequence[str], centres: np.ndarray) -> np.ndarray:
    """For each centre [K, D] the nearest one when no valley lies between the two, else -1.

    Of the rows of both, projected on the line between their centres, those in the third around its middle are
    counted against those in the thirds around its ends, each subject with the same weight. k-means cuts a continuum as
    readily as two heaps: a normal distribution has 1.4 times as many in the middle.
    """
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.diag(np.full(len(centres), np.inf))
    nearest = apart.argmin(1)
    for one, other in enumerate(nearest):
        line = (centres[other] - centres[one]) / apart[one, other] ** 2
        counts = {name: np.zeros(2) for name in subjects}
        for rows, name in zip(codes, subjects, strict=True):
            own = np.isin(_nearest(rows, centres), (one, other))
            along = (rows[own] - centres[one]) @ line
            ends = (np.abs(along) < 1 / 6).sum() + (np.abs(along - 1) < 1 / 6).sum()
            counts[name] += (np.abs(along - 0.5) < 1 / 6).sum(), ends / 2
        middle, end = np.sum([count / max(count.sum(), 1) for count in counts.values()], axis=0)
        nearest[one] = other if middle > VALLEY * end else -1
    return nearest
