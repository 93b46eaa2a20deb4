"""The confound audit: what besides movement distinguishes the groups.

The unit is the subject. The same permutations of subject labels serve every property, so the smallest p of each
permutation corrects for the number of properties (max-statistic, Westfall and Young 1993). Subjects that are in both
groups (before and after) swap their two labels instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import comb

import numpy as np
from scipy.stats import rankdata

from ubam.results.records.audit import Comparison, PropertyRow
from ubam.statistics.confounds.recording_properties import (
    FEATURES,
    MOVED_BY_THE_SUBJECT,
    PLACES,
    Feature,
    RecordingProperties,
)

ARRANGEMENTS = 2000
LEVEL = 0.05
STRIKING = 0.8  # an AUC that stays suspicious with few subjects, however large its p
CORRECTION = "max-statistic (Westfall and Young): the smallest p of each arrangement, over the rows of one comparison"
Key = tuple[str, str]  # subject, group


@dataclass(frozen=True)
class Subjects:
    """The properties of N subjects.

    keys: (subject, group). likeness: of their scenes and places, [N, N] each; larger is more alike.
    numbers: name -> [N], the mean over a subject's recordings.
    """

    keys: tuple[Key, ...]
    likeness: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]

    def only(self, chosen: np.ndarray) -> "Subjects":
        """The subjects at these positions."""
        return Subjects(
            tuple(self.keys[index] for index in chosen),
            {name: values[np.ix_(chosen, chosen)] for name, values in self.likeness.items()},
            {name: values[chosen] for name, values in self.numbers.items()},
        )


def of_subjects(capture: RecordingProperties, keys: Sequence[Key]) -> Subjects:
    """Average the properties of R recordings, `keys` (subject, group) of each, over the recordings of each subject.

    The likeness of two scenes is minus the logarithm of their distance, averaged over pairs of recordings, so subjects
    filmed in the same cage stand out whatever the distance between cages. The likeness of two places (session, site,
    camera ...) is the share of pairs of recordings with the same name.
    """
    names = tuple(dict.fromkeys(keys))
    mine = np.array([[key == name for key in keys] for name in names], dtype=float)
    mean = mine / mine.sum(1, keepdims=True)
    likeness = {"background": mean @ _scene_likeness(capture.scene) @ mean.T}
    for name, cells in capture.places.items():
        same = np.array([[a == b for b in cells] for a in cells], dtype=float)
        likeness[name] = mean @ same @ mean.T
    return Subjects(names, likeness, {name: mean @ values for name, values in capture.numbers.items()})


def _scene_likeness(scene: np.ndarray) -> np.ndarray:
    square = (scene.astype(float) ** 2).sum(1)
    distance = np.sqrt(np.maximum(square[:, None] + square[None] - 2 * scene @ scene.T, 0.0) / scene.shape[1])
    return -np.log(distance + 1.0)  # one grey level: what a codec changes


def label_permutations(is_query: np.ndarray, partner: np.ndarray | None, seed: int) -> np.ndarray:
    """Permuted labels bool [P, N], the observed ones first: all permutations up to 2,000, else 2,000 at random.

    partner [N]: the position of the same subject in the other group (before and after): labels swap within pairs.
    """
    count, rng = len(is_query), np.random.default_rng([seed, 23])
    if partner is not None:
        first = np.flatnonzero(is_query)
        if 2 ** len(first) <= ARRANGEMENTS:
            swaps = np.array(list(product([False, True], repeat=len(first))))
        else:
            swaps = np.concatenate([np.zeros((1, len(first)), bool), rng.random((ARRANGEMENTS - 1, len(first))) < 0.5])
        labels = np.zeros((len(swaps), count), bool)
        labels[:, first], labels[:, partner[first]] = ~swaps, swaps
        return labels
    size = int(is_query.sum())
    if comb(count, size) <= ARRANGEMENTS:
        labels = np.zeros((comb(count, size), count), bool)
        for row, chosen in enumerate(combinations(range(count), size)):
            labels[row, list(chosen)] = True
        observed = np.flatnonzero((labels == is_query).all(1))[0]
        labels[[0, observed]] = labels[[observed, 0]]
        return labels
    drawn = [is_query[rng.permutation(count)] for _ in range(ARRANGEMENTS - 1)]
    return np.stack([is_query, *drawn])


def rank_aucs(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How often a query's value [N] is the larger one, over all pairs, per row of labels [P, N]; ties count half."""
    queries = labels.sum(1)
    above = labels @ rankdata(values) - queries * (queries + 1) / 2
    return np.asarray(above / (queries * (len(values) - queries)))


def likeness_aucs(likeness: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """AUC of being more like the other queries than like the reference, each subject left out of its own group, [P].

    likeness [N, N]; labels [P, N] with at least two subjects in either group.
    """
    apart, query = likeness - np.diag(np.diag(likeness)), labels.astype(float)
    to_query = query @ apart / (query.sum(1, keepdims=True) - query)
    to_reference = (1 - query) @ apart / ((1 - query).sum(1, keepdims=True) - (1 - query))
    ranks = rankdata((to_query - to_reference).round(9), axis=1)
    queries = query.sum(1)
    return np.asarray(((ranks * query).sum(1) - queries * (queries + 1) / 2) / (queries * (len(likeness) - queries)))


def compare(subjects: Subjects, reference: str, group: str, seed: int) -> Comparison:
    """One comparison of `group` with `reference`: a row for each property that the recordings have.

    Rows: feature, label, auc, p, corrected_p, medians, verdict (apart, possible, no sign, same, refused).
    """
    chosen, partner = _pair(subjects.keys, reference, group)
    mine = subjects.only(chosen)
    is_query = np.array([name == group for _, name in mine.keys], dtype=bool)
    sizes = {reference: int((~is_query).sum()), group: int(is_query.sum())}
    entry = Comparison([reference, group], sizes, partner is not None)
    if min(sizes.values()) < 2:
        return replace(entry, refused="a group of one subject: nothing can tell its subject from its place")
    labels = label_permutations(is_query, partner, seed)
    rows, statistics = [], []
    for feature in features_of(mine):
        row, statistic = _row(mine, feature, is_query, labels, reference, group)
        rows.append(row)
        if statistic is not None:
            statistics.append(statistic)
    exact = len(labels) < ARRANGEMENTS or comb(len(is_query), int(is_query.sum())) == ARRANGEMENTS
    smallest, corrected = min(1.0, 2 / len(labels)), iter(correct_across_features(statistics))
    rows = [row if row.p is None else replace(row, corrected_p=next(corrected)) for row in rows]
    return replace(
        entry, arrangements=len(labels), exact=exact, smallest_p=smallest,
        smallest_visible_auc=smallest_visible(labels), correction=CORRECTION,
        rows=[replace(row, verdict=_verdict(row, smallest)) for row in rows],
    )  # fmt: skip


def _pair(keys: Sequence[Key], reference: str, group: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions of the subjects to compare; where some are in both groups only those, and each one's other position."""
    before = {subject: at for at, (subject, name) in enumerate(keys) if name == reference}
    after = {subject: at for at, (subject, name) in enumerate(keys) if name == group}
    both = [subject for subject in before if subject in after]
    if not both:
        return np.array([at for at, (_, name) in enumerate(keys) if name in (reference, group)]), None
    chosen = np.array([before[s] for s in both] + [after[s] for s in both])
    return chosen, np.roll(np.arange(2 * len(both)), len(both))


def features_of(subjects: Subjects) -> list[Feature]:
    """The properties that these subjects have, in the order of the report."""
    places = [Feature(name, f"the {name}", f"the {name}") for name in PLACES if name in subjects.likeness]
    return [f for f in FEATURES if f.name in subjects.likeness or f.name in subjects.numbers] + places


def _row(
    subjects: Subjects, feature: Feature, is_query: np.ndarray, labels: np.ndarray, reference: str, group: str
) -> tuple[PropertyRow, np.ndarray | None]:
    """A row, and its statistic [P] under each arrangement; None where there is nothing to test."""
    may_be_effect = feature.name in MOVED_BY_THE_SUBJECT
    row = PropertyRow(feature.name, feature.label, feature.about, may_be_effect=may_be_effect)
    if feature.name in subjects.likeness:
        likeness = subjects.likeness[feature.name]
        if np.ptp(likeness) < 1e-9:
            return replace(row, same=True), None
        aucs = likeness_aucs(likeness, labels)
        statistic = aucs
    else:
        values = subjects.numbers[feature.name]
        if not np.isfinite(values).all():
            return replace(row, refused="it could not be read in every recording"), None
        if np.ptp(values) <= 1e-6 * max(1.0, float(np.abs(values).max())):
            return replace(row, same=True), None
        aucs = rank_aucs(values.round(9), labels)
        statistic = np.abs(aucs - 0.5)
        sides = {reference: values[~is_query], group: values[is_query]}
        medians: dict[str, float | None] = {name: float(np.median(own)) for name, own in sides.items()}
        row = replace(row, medians=medians, unit=feature.unit)
    return replace(row, auc=float(aucs[0]), p=float(np.mean(statistic >= statistic[0] - 1e-9))), statistic


def correct_across_features(statistics: Sequence[np.ndarray]) -> list[float]:
    """The corrected p of each property that was tested, from its statistic [P] under each arrangement."""
    if not statistics:
        return []
    ranked = np.stack([rankdata(-s.round(9), method="max") / len(s) for s in statistics])
    smallest = ranked.min(0)
    return [float(np.mean(smallest <= own[0] + 1e-12)) for own in ranked]


def _verdict(row: PropertyRow, smallest_p: float) -> str:
    if row.same:
        return "same"
    if row.p is None or row.corrected_p is None or row.separation is None:
        return "refused"
    if row.corrected_p <= LEVEL:
        return "apart"
    doubt = row.p <= LEVEL or (smallest_p > LEVEL and row.separation >= STRIKING)
    return "possible" if doubt else "no sign"


def smallest_visible(labels: np.ndarray) -> float | None:
    """The smallest AUC of one property without ties that has p <= 0.05 before correction; None when there is none."""
    aucs = rank_aucs(np.arange(labels.shape[1], dtype=float), labels)
    distance = np.sort(np.abs(aucs - 0.5).round(9))
    found = [float(d) for d in np.unique(distance) if np.mean(distance >= d) <= LEVEL]
    return 0.5 + min(found) if found else None
