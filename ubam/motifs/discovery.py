"""Motifs: kinds of behaviour windows that recur in many subjects, found by clustering, and their bouts.

Clustered are behaviours without the level that is constant in a recording, so that no motif is a subject. That level is
estimated with the clusters: the mean of a recording alone would move with how much the subject uses each motif. How
many motifs there are is what replicates: the prediction strength of Tibshirani and Walther (2005), with whole subjects
in either half. One steady movement, such as a gait, is cut by any clustering into phases; this is noticed and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import find_peaks
from sklearn.decomposition import PCA

from ubam.motifs.clustering import assign, blurred_pairs, cluster, prediction_strength
from ubam.motifs.retrieval import dynamic_part, static_part

REPLICATES = 0.8  # prediction strength that counts as replicated (0.8 to 0.9 in the publication)
SHORTEST_BOUT = 2  # windows; neighbours share half their frames, so a single one is no evidence
PERIODIC = 0.5  # self-similarity after one period: 0.7 to 0.9 for gaits, 0.1 to 0.2 for a mouse exploring
FEWEST = 40  # windows, below which nothing is clustered
MOST_ROWS = 3000  # windows that the clusters are learnt from
KEPT_VARIANCE = 0.95


@dataclass(frozen=True)
class WindowSet:
    """The behaviour windows of one recording: behaviour [W, E], start_s and end_s [W] in its own seconds."""

    recording_id: str
    subject: str
    group: str
    behaviour: np.ndarray
    start_s: np.ndarray
    end_s: np.ndarray

    @property
    def spans(self) -> np.ndarray:
        """Seconds [W] that each window stands for: from halfway to the one before to halfway to the next."""
        middle = (self.start_s + self.end_s) / 2
        if len(middle) < 2:
            return self.end_s - self.start_s
        edges = (middle[1:] + middle[:-1]) / 2
        return np.diff(np.r_[2 * middle[0] - edges[0], edges, 2 * middle[-1] - edges[-1]])


@dataclass(frozen=True)
class Motifs:
    """Motifs of a study, numbered from 1 in the order of their usage in the reference.

    labels: per recording int64 [W] in 1..count. codes: per recording float [W, K], what was clustered: its behaviours
    without the recording's level, on principal components. distance: per recording float [W] to the centre of the own
    motif. strength: prediction strength for each number that was tried. kind: `behaviours`; `phases` when the windows
    go round one repeated movement; `one` when no division replicates. blurred: for each motif the one that it shades
    into, its nearest, when windows halfway between the two are hardly rarer than at their centres, else 0. regularity:
    median over subjects of the similarity of a recording to itself one period later, -1..1; period_s: seconds of that
    period, nan without one.
    """

    labels: list[np.ndarray]
    codes: list[np.ndarray]
    distance: list[np.ndarray]
    count: int
    strength: dict[int, float]
    kind: str
    blurred: list[int]
    regularity: float
    period_s: float


def find_motifs(windows: Sequence[WindowSet], reference: str | None = None, seed: int = 0) -> Motifs:
    """Cluster the windows of a study, each subject with the same weight; the same input and seed give the same motifs.

    The number of motifs is the largest up to 10 that replicates between halves of the subjects. `reference` is the
    group whose usage orders them (all subjects when None). With fewer than 40 windows or two subjects there is one.
    """
    subjects = [one.subject for one in windows]
    regularity, period_s = _repetition(windows)
    drawn = balanced_rows([len(one.behaviour) for one in windows], subjects, MOST_ROWS)
    if sum(map(len, drawn)) < FEWEST or len(set(subjects)) < 2:
        return _single(windows, {}, regularity, period_s)
    codes = _reduced(windows, drawn)
    learnt = np.concatenate([code[kept] for code, kept in zip(codes, drawn, strict=True)])
    recording, owner = (
        np.repeat(numbers, [len(kept) for kept in drawn])
        for numbers in (np.arange(len(drawn)), np.unique(subjects, return_inverse=True)[1])
    )
    strength = prediction_strength(learnt, recording, owner, seed)
    count = max((number for number, value in strength.items() if value >= REPLICATES), default=1)
    if count == 1:
        return _single(windows, strength, regularity, period_s)
    centres = cluster(learnt, recording, owner, count, seed).centres
    codes = [code - assign(code, np.zeros(len(code)), centres).level for code in codes]
    distance = [np.linalg.norm(code[:, None] - centres[None], axis=2) for code in codes]
    labels = [rows.argmin(1) for rows in distance]
    phases = regularity >= PERIODIC and _mean_bout(windows, labels) < period_s
    if not phases:
        labels = [smooth_path(rows**2, SHORTEST_BOUT) for rows in distance]
    rank = _rank(windows, labels, count, reference)
    nearest = blurred_pairs(codes, subjects, centres)[np.argsort(rank)]
    return Motifs(
        labels=[rank[label] + 1 for label in labels], codes=codes,
        distance=[rows[np.arange(len(rows)), own] for rows, own in zip(distance, labels, strict=True)],
        count=count, strength=strength, kind="phases" if phases else "behaviours",
        blurred=[int(rank[other]) + 1 if other >= 0 else 0 for other in nearest], regularity=regularity,
        period_s=period_s,
    )  # fmt: skip


def _single(windows: Sequence[WindowSet], strength: dict[int, float], regularity: float, period_s: float) -> Motifs:
    codes = [dynamic_part(one.behaviour) for one in windows]
    labels, distance = (
        [np.ones(len(rows), np.int64) for rows in codes],
        [np.linalg.norm(rows, axis=1) for rows in codes],
    )
    return Motifs(labels, codes, distance, 1, strength, "one", [0], regularity, period_s)


def _reduced(windows: Sequence[WindowSet], drawn: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Behaviours [W, K] of each recording on the principal components of what changes, 0 for the study's mean."""
    behaviours = [one.behaviour.astype(np.float64) for one in windows]
    chosen = [rows[kept] for rows, kept in zip(behaviours, drawn, strict=True)]
    reduce = PCA(KEPT_VARIANCE, svd_solver="full").fit(np.concatenate([dynamic_part(rows) for rows in chosen]))
    mean = static_part(np.concatenate(chosen))
    return [(rows - mean) @ reduce.components_.T for rows in behaviours]


def balanced_rows(counts: Sequence[int], subjects: Sequence[str], most: int) -> list[np.ndarray]:
    """Evenly spaced rows of each recording, `most` or fewer in all, about as many from every subject.

    counts: rows of each recording; subjects: the subject of each. A subject with fewer rows than its share gives all.
    """
    share = max(1, most // max(1, len(set(subjects))))
    total = {name: sum(n for n, who in zip(counts, subjects, strict=True) if who == name) for name in set(subjects)}
    kept = []
    for count, subject in zip(counts, subjects, strict=True):
        wanted = min(count, max(1, int(share * count / max(total[subject], 1)))) if count else 0
        kept.append(np.linspace(0, count - 1, wanted).round().astype(int))
    return kept


def _repetition(windows: Sequence[WindowSet]) -> tuple[float, float]:
    """Median over subjects of the regularity of their recordings, and of the period (s) where there is one."""
    found: dict[str, list[tuple[float, float]]] = {}
    for one in windows:
        if len(one.behaviour) >= 8:
            regularity, lag = self_similarity(dynamic_part(one.behaviour))
            step = float(np.median(np.diff(one.start_s)))
            found.setdefault(one.subject, []).append((regularity, lag * step if lag else np.nan))
    if not found:
        return 0.0, float("nan")
    means = np.array([np.mean(values, axis=0) for values in found.values()])
    periods = means[np.isfinite(means[:, 1]), 1]
    return float(np.median(means[:, 0])), float(np.median(periods)) if len(periods) else float("nan")


def self_similarity(dynamic: np.ndarray) -> tuple[float, int]:
    """The similarity of a recording [W, E] to itself one period later, -1..1, and that period in windows; else 0 and 0.

    The autocorrelation over all dimensions, up to half the recording; the period is the first peak of at least nine
    tenths of the highest.
    """
    total, longest = len(dynamic), len(dynamic) // 2
    power = (np.abs(np.fft.rfft(dynamic, 2 * total, axis=0)) ** 2).sum(1)
    likeness = np.fft.irfft(power)[: longest + 1] / np.arange(total, total - longest - 1, -1)
    likeness /= max(likeness[0], 1e-12)
    peaks = find_peaks(likeness)[0]
    if not len(peaks):
        return 0.0, 0
    period = int(peaks[likeness[peaks] >= 0.9 * likeness[peaks].max()][0]) if likeness[peaks].max() > 0 else 0
    return (float(likeness[period]), period) if period else (0.0, 0)


def smooth_path(cost: np.ndarray, shortest: int) -> np.ndarray:
    """The labels [W] of least total cost [W, K] among those whose bouts all last at least `shortest` windows, exactly.

    A recording of fewer windows has one label. Dynamic programming over the end of each bout.
    """
    total, count = cost.shape
    if total <= shortest:
        return np.full(total, cost.sum(0).argmin() if total else 0, np.int64)
    summed = np.vstack([np.zeros(count), np.cumsum(cost, axis=0)])
    best = np.full((total + 1, count), np.inf)
    came = np.full((total + 1, count), -1, np.int64)  # the label before, where a bout of the shortest length ends
    best[shortest] = summed[shortest]
    for end in range(shortest + 1, total + 1):
        best[end] = best[end - 1] + cost[end - 1]
        order = np.argsort(best[end - shortest], kind="stable")[:2]
        before = np.where(np.arange(count) == order[0], order[-1], order[0])
        fresh = best[end - shortest, before] + summed[end] - summed[end - shortest]
        fresh[before == np.arange(count)] = np.inf
        came[end] = np.where(fresh < best[end], before, -1)
        best[end] = np.minimum(best[end], fresh)
    return _traced(best, came, shortest)


def _traced(best: np.ndarray, came: np.ndarray, shortest: int) -> np.ndarray:
    labels, end = np.empty(len(best) - 1, np.int64), len(best) - 1
    label = int(best[end].argmin())
    while end > 0:
        if came[end, label] >= 0:
            labels[end - shortest : end] = label
            label, end = int(came[end, label]), end - shortest
        else:
            labels[end - 1] = label
            end -= 1
    return labels


def bouts(labels: np.ndarray) -> list[tuple[int, int, int]]:
    """Stretches of one motif as (motif, first window, window after the last), in order."""
    cuts = np.flatnonzero(np.diff(labels)) + 1
    edges = [0, *cuts.tolist(), len(labels)] if len(labels) else [0]
    return [(int(labels[first]), first, stop) for first, stop in pairwise(edges)]


def _mean_bout(windows: Sequence[WindowSet], labels: Sequence[np.ndarray]) -> float:
    """Mean seconds of a bout, each subject with the same weight."""
    lengths: dict[str, list[float]] = {}
    for one, own in zip(windows, labels, strict=True):
        lengths.setdefault(one.subject, []).extend(one.spans[first:stop].sum() for _, first, stop in bouts(own))
    means = [np.mean(values) for values in lengths.values() if values]
    return float(np.mean(means)) if means else 0.0


def _rank(windows: Sequence[WindowSet], labels: Sequence[np.ndarray], count: int, reference: str | None) -> np.ndarray:
    """The place [count] of each cluster when they are ordered by usage in the reference, most used first."""
    usage: dict[str, np.ndarray] = {}
    for one, own in zip(windows, labels, strict=True):
        if reference is None or one.group == reference:
            seconds = np.bincount(own, one.spans, minlength=count)
            usage[one.subject] = usage.get(one.subject, np.zeros(count)) + seconds
    shares = np.mean([seconds / max(seconds.sum(), 1e-12) for seconds in usage.values()] or [np.zeros(count)], axis=0)
    place = np.empty(count, np.int64)
    place[np.argsort(-shares, kind="stable")] = np.arange(count)
    return place
