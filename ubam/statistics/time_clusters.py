"""When within a recording a group deviates: clusters of moments, with one p for each (Maris and Oostenveld 2007).

At every moment the deviations of two groups are compared by t; neighbouring moments beyond the threshold are a cluster,
whose mass is the sum of their t. Under each permutation of labels, reference, twins and units are computed anew. The
mass of a cluster is compared with the largest mass of each permutation, which corrects for all moments at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.stats import t as student

from ubam.results.records.study import Course, Stretch
from ubam.results.records.tests import Test
from ubam.statistics.blocks import Blocks, how_respected
from ubam.statistics.effect_sizes import resample
from ubam.statistics.group_tests import ANEW, share_subjects
from ubam.statistics.permutations import permute_labels
from ubam.statistics.permuted_references import MatchedSubjects, score_under_references

POINTS = 24  # in time
ARRANGEMENTS = 1000
LEVEL = 0.05  # of t at one moment, for the threshold


def compare_courses(
    relations: MatchedSubjects,
    members: Mapping[str, Sequence[str]],
    reference: str | None,
    seed: int,
    blocks: Blocks | None = None,
    most: int = ARRANGEMENTS,
) -> tuple[list[Test], list[Course]]:
    """Test rows and courses of every group against the reference; none without a reference of two subjects."""
    if reference is None or len(members.get(reference, ())) < 2:
        return [], []
    rows, courses = [], []
    for group in members:
        if group != reference:
            row, course = _compare(relations, members, reference, group, seed, blocks, most)
            rows.append(row)
            courses += [course] if course else []
    return rows, courses


def _compare(
    relations: MatchedSubjects, members: Mapping[str, Sequence[str]], reference: str, group: str, seed: int,
    blocks: Blocks | None, most: int,
) -> tuple[Test, Course | None]:  # fmt: skip
    chosen, shared, left_out = share_subjects(members[reference], members[group], reference, group)
    row = Test(
        family="time course", kind="time course", measure="deviation over time", groups=[reference, group],
        name=f"cluster mass over time, permutation of subject labels, {ANEW}",
        question=f"Is there a time at which {group} deviates more, or less, than {reference}?",
        n={name: len(subjects) for name, subjects in chosen.items()}, left_out=left_out,
    )  # fmt: skip
    if min(map(len, chosen.values())) < 2:
        return replace(row, refused="a group has fewer than 2 subjects, so nothing varies within it"), None
    units = np.concatenate([relations.index(subjects, name) for name, subjects in chosen.items()])
    sub = relations.of(units)
    labels = np.repeat([0, 1], [len(subjects) for subjects in chosen.values()])
    held = list(sub.subjects) if shared else [blocks.of[name] for name in sub.subjects] if blocks else None
    found = permute_labels(labels, held, seed, most)
    if len(found) < 3:
        return replace(row, refused="labels cannot be exchanged: groups and blocks are the same, or too small"), None
    time_s, weights = time_weights(sub)
    curves = score_under_references(sub, found.labels == 0, weights)
    t, threshold = t_courses(curves, found.labels), float(student.ppf(1 - LEVEL / 2, len(labels) - 2))
    clusters, p = weigh_clusters(t, threshold)
    row = replace(
        row, **vars(how_respected(None if shared else blocks, found.use)), statistic_name="largest cluster mass",
        statistic=max((one.mass for one in clusters), default=0.0), p=p, smallest_p=1 / len(found),
        arrangements=len(found), exact=found.exact, effects=[],
        correction="cluster mass (max-statistic over time)", correction_p=p,
    )  # fmt: skip
    stretches, (mean, low, high) = _stretches(time_s, clusters), _means([reference, group], curves[0], labels, seed)
    return row, Course(
        groups=[reference, group], time_s=time_s.tolist(), mean=mean, low=low, high=high, t=t[0].tolist(),
        threshold=threshold, clusters=stretches, p=p, smallest_p=row.smallest_p,
        words=_in_words([reference, group], stretches),
    )  # fmt: skip


def time_weights(relations: MatchedSubjects) -> tuple[np.ndarray, np.ndarray]:
    """Points in time (s) [T] that every recording reaches, and weights [N, M, T] that bring a unit's moments to them.

    In straight lines between the moments of a recording, and the mean over the recordings of a unit.
    """
    recordings = [(unit, number) for unit, own in enumerate(relations.recording) for number in np.unique(own)]
    times = {key: relations.time_s[key[0]][relations.recording[key[0]] == key[1]] for key in recordings}
    first, last = max(time.min() for time in times.values()), min(time.max() for time in times.values())
    points = np.linspace(first, max(first, last), POINTS)
    weights = np.zeros((*relations.recording.shape, POINTS))
    for (unit, number), time in times.items():
        mine = np.flatnonzero(relations.recording[unit] == number)
        share = np.stack([np.interp(points, time, row) for row in np.eye(len(time))])
        weights[unit, mine] += share / len(np.unique(relations.recording[unit]))
    return points, weights.astype(np.float32)


def t_courses(curves: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """t [A, T] of curves [A, N, T] in the groups 1 and 0 of labels [A, N], with pooled variance."""
    means, squares, sizes = [], np.zeros(1), []
    for group in (0, 1):
        mine = (labels == group).astype(curves.dtype)[..., None]
        size = mine.sum(1)
        mean = (curves * mine).sum(1) / size
        squares = squares + (((curves - mean[:, None]) ** 2) * mine).sum(1)
        means.append(mean)
        sizes.append(size)
    error = np.sqrt(squares / (labels.shape[1] - 2) * (1 / sizes[0] + 1 / sizes[1]))
    found: np.ndarray = (means[1] - means[0]) / np.maximum(error, 1e-12)
    return found


@dataclass(frozen=True)
class Cluster:
    """Moments from `first` up to, not including, `stop`, beyond the threshold; mass: the sum of |t| there."""

    first: int
    stop: int
    mass: float
    p: float
    direction: str


def weigh_clusters(t: np.ndarray, threshold: float) -> tuple[list[Cluster], float]:
    """Clusters of the first course of t [A, T], each with the p of its mass; and the smallest p, 1 without clusters."""
    largest = np.array([max((mass for _, _, mass in clusters_of(row, threshold)), default=0.0) for row in t])
    found = [
        Cluster(first, stop, mass, float(np.mean(largest >= mass * (1 - 1e-6))), "more" if t[0, first] > 0 else "less")
        for first, stop, mass in clusters_of(t[0], threshold)
    ]
    return found, min((one.p for one in found), default=1.0)


def clusters_of(t: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    """First and stop index of each stretch of t [T] beyond the threshold on one side, and its mass."""
    side = np.where(np.abs(t) > threshold, np.sign(t), 0)
    edges = np.flatnonzero(np.diff(np.r_[0, side, 0]))
    return [
        (int(first), int(stop), float(np.abs(t[first:stop]).sum()))
        for first, stop in pairwise(edges)
        if side[first] != 0
    ]


Lines = dict[str, list[float | None]]  # of each group, over time


def _means(groups: Sequence[str], curves: np.ndarray, labels: np.ndarray, seed: int) -> tuple[Lines, Lines, Lines]:
    """The mean of each group's curves [N, T], and the low and high end of its interval."""
    rng = np.random.default_rng(seed)
    mean: Lines = {}
    low: Lines = {}
    high: Lines = {}
    for number, group in enumerate(groups):
        mine = curves[labels == number].astype(np.float64)
        drawn = np.stack([resample(values, rng, 500).mean(1) for values in mine.T])
        mean[group] = mine.mean(0).tolist()
        low[group], high[group] = np.percentile(drawn, [2.5, 97.5], axis=1).tolist()
    return mean, low, high


def _stretches(time_s: np.ndarray, clusters: Sequence[Cluster]) -> list[Stretch]:
    """The clusters in seconds, half a step to either side."""
    half = (time_s[1] - time_s[0]) / 2
    return [
        Stretch(
            start_s=float(max(time_s[0], time_s[one.first] - half)), end_s=float(time_s[one.stop - 1] + half),
            mass=one.mass, p=one.p, direction=one.direction,
        )
        for one in clusters
    ]  # fmt: skip


def _in_words(groups: Sequence[str], clusters: Sequence[Stretch]) -> str:
    found = [one for one in clusters if one.p is not None and one.p <= LEVEL]
    when = "; ".join(f"{one.direction} from {one.start_s:.2f} to {one.end_s:.2f} s (p = {one.p:.2g})" for one in found)
    never = f"At no time does {groups[1]} deviate differently from {groups[0]}"
    said = f"{groups[1]} deviates {when}" if found else never
    return f"{said}. This speaks of moments only where all recordings begin at the same moment of a task."
