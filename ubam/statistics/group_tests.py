"""Permutation tests between groups of subjects; each permutation gets its own reference, twins and normal variation.

The groups may be two, the same subjects before and after, or more than two (all at once, then in pairs), with a
reference or without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from scipy.stats import false_discovery_control

from ubam.deviation.posture_series import PostureSeries
from ubam.results.records.tests import NOT_CORRECTED, Effect, GroupCount, LeftOut, Test
from ubam.statistics.blocks import Blocks, how_respected
from ubam.statistics.effect_sizes import change_effects, effect, group_effects, resample
from ubam.statistics.permutations import MOST, Permutations, divisions, mirrored, one_sided, permute_labels, two_sided
from ubam.statistics.permuted_references import (
    MatchedSubjects,
    match_all_subjects,
    score_under_references,
    subject_distances,
)

Deviations = Mapping[tuple[str, str], float]  # of each (subject, group)
ANEW = "reference, twins and units computed anew"
IN_ONE_GROUP, IN_BOTH_GROUPS = "one group", "both groups"  # why a subject is left out of a test altogether


def compare_groups(
    codes: Sequence[PostureSeries],
    deviations: Deviations,
    reference: str | None,
    seed: int,
    blocks: Blocks | None = None,
    relations: MatchedSubjects | None = None,
    most: int = MOST,
) -> list[Test]:
    """Test all groups at once where there are more than two, then each pair of them.

    Subjects that are in both groups of a pair are compared with themselves. Without a reference, distances between
    subjects are compared. A test that cannot be made says why in `refused`.

    Parameters
    ----------
    deviations
        Of each (subject, group) from the reference; only effect sizes are computed from them.
    most
        Permutations at most.
    """
    members = subjects_of_groups(codes, reference)
    if len(members) < 2:
        return []
    study = Comparison(
        codes, deviations, reference, seed, blocks, relations or match_all_subjects(codes, reference), most
    )
    rows = [study.omnibus()] if len(members) > 2 else []
    rows += [study.pair(a, b) for a, b in combinations(members, 2)]
    return correct_p_values(rows)


def subjects_of_groups(codes: Sequence[PostureSeries], reference: str | None) -> dict[str, list[str]]:
    """The subjects of each group in the order of the study, the reference first."""
    names = list(dict.fromkeys(code.group for code in codes))
    names.sort(key=lambda name: name != reference)
    return {name: list(dict.fromkeys(code.subject for code in codes if code.group == name)) for name in names}


def correct_p_values(rows: Sequence[Test]) -> list[Test]:
    """The rows, each with a p that is corrected over the tests of its family (Benjamini and Hochberg 1995)."""
    found = list(rows)
    for family in dict.fromkeys(row.family for row in rows):
        mine = [at for at, row in enumerate(rows) if row.family == family and row.p is not None]
        places = [at for at in mine if rows[at].correction is None]
        if places:
            words = f"Benjamini-Hochberg over {len(places)} tests" if len(places) > 1 else NOT_CORRECTED
            values = false_discovery_control([rows[at].p for at in places])
            for at, value in zip(places, values, strict=True):
                found[at] = replace(rows[at], correction=words, correction_p=float(value))
    return found


class Comparison:
    """What the tests of one study share: who is in which group, all subjects matched with each other, and blocks."""

    def __init__(
        self, codes: Sequence[PostureSeries], deviations: Deviations, reference: str | None, seed: int,
        blocks: Blocks | None, relations: MatchedSubjects, most: int,
    ) -> None:  # fmt: skip
        self.deviations, self.reference, self.seed, self.blocks = deviations, reference, seed, blocks
        self.members, self.relations, self.most = subjects_of_groups(codes, reference), relations, most
        self.recordings = {
            key: sum((code.subject, code.group) == key for code in codes)
            for key in dict.fromkeys((code.subject, code.group) for code in codes)
        }

    def pair(self, first: str, second: str) -> Test:
        """The test of one group against another."""
        chosen, shared, left_out = share_subjects(self.members[first], self.members[second], first, second)
        row = replace(
            self._row([first, second], chosen),
            left_out=left_out,
            kind="paired" if shared else "two groups" if len(self.members) == 2 else "pair",
            family="groups" if len(self.members) == 2 else "pairs",
            question=self._question(first, second),
        )
        if len(chosen[first]) < 1 or len(chosen[second]) < 1 or (shared and len(chosen[first]) < 2):
            return replace(row, refused=_overlap(self.members[first], self.members[second], first, second))
        if self.reference and len(self.members[self.reference]) < 2:
            return replace(row, refused=f"{self.reference} has 1 subject; a test needs at least 2")
        return self._test(row, chosen, shared)

    def omnibus(self) -> Test:
        """The test of all groups at once."""
        groups = list(self.members)
        question = f"Do {', '.join(groups[:-1])} and {groups[-1]} differ at all?"
        row = replace(self._row(groups, self.members), kind="omnibus", family="groups", left_out=[], question=question)
        if self.reference and len(self.members[self.reference]) < 2:
            return replace(row, refused=f"{self.reference} has 1 subject; a test needs at least 2")
        everyone = {subject for subjects in self.members.values() for subject in subjects}
        shared = sum(map(len, self.members.values())) > len(everyone)
        if shared and any(set(subjects) != everyone for subjects in self.members.values()):
            why = "some subjects are in several groups and some are not, so labels have no common exchange"
            return replace(row, refused=why)
        return self._test(row, self.members, shared)

    def _row(self, groups: list[str], subjects: Mapping[str, Sequence[str]]) -> Test:
        counts = {
            group: GroupCount(len(subjects[group]), sum(self.recordings[s, group] for s in subjects[group]))
            for group in groups
        }
        sizes = {group: len(subjects[group]) for group in groups}
        return Test(groups=groups, n=sizes, counts=counts, measure="deviation" if self.reference else "distance")

    def _question(self, first: str, second: str) -> str:
        if self.reference is None:
            return f"Do {first} and {second} move differently?"
        if first == self.reference:
            return f"Does {second} deviate more, or less, from {first} than {first} subjects do from each other?"
        return f"Does {second} deviate more, or less, from {self.reference} than {first} does?"

    def _test(self, row: Test, chosen: Mapping[str, Sequence[str]], shared: bool) -> Test:
        """Make the test of a row whose groups are large enough."""
        units = np.concatenate([self.relations.index(subjects, group) for group, subjects in chosen.items()])
        labels = np.repeat(np.arange(len(chosen)), [len(subjects) for subjects in chosen.values()])
        names = [self.relations.subjects[unit] for unit in units]
        blocks = names if shared else [self.blocks.of[name] for name in names] if self.blocks else None
        arrangements = permute_labels(labels, blocks, self.seed, self.most)
        column = self.blocks.column if self.blocks and not shared else ""
        respected = how_respected(None if shared else self.blocks, arrangements.use)
        row = replace(row, name=self._name(row, arrangements, shared), **vars(respected))
        smallest = self._smallest(arrangements)
        if smallest >= 1:
            return replace(row, refused=_nothing_to_exchange(column, arrangements.use))
        values, statistic = self._statistics(units, arrangements, blocks if arrangements.use == "within" else None)
        alone = " and ".join(group for group, subjects in chosen.items() if len(subjects) == 1)
        words = f"{alone} has one subject: p speaks of that subject and not of a group" if alone else row.downgraded
        effects = self._effects(chosen, shared, values)
        return replace(
            row, statistic=float(values[0]), statistic_name=statistic, p=self._p(values, arrangements, row),
            smallest_p=smallest, arrangements=len(arrangements), exact=arrangements.exact, downgraded=words,
            effect=effects[0], effects=effects,
        )  # fmt: skip

    def _smallest(self, arrangements: Permutations) -> float:
        """The smallest possible p: exchanging two whole groups gives the same division, so it is counted as one."""
        if self.reference and arrangements.labels.max() == 1:
            return min(1.0, 2 / len(arrangements))
        return divisions(arrangements, 0 if self.reference else None) / len(arrangements)

    def _p(self, values: np.ndarray, arrangements: Permutations, row: Test) -> float:
        """Two-sided against the reference, with each of two equally large groups as the reference in turn."""
        if self.reference is None or len(row.groups or []) > 2:
            return one_sided(values)
        turned = mirrored(arrangements) if self.reference in (row.groups or [])[:1] else None
        return two_sided(values) if turned is None else one_sided(values + values[turned])

    def _name(self, row: Test, arrangements: Permutations, shared: bool) -> str:
        anew = f", {ANEW}" if self.reference in (row.groups or []) else ", both scored against the same reference"
        if self.reference is None:
            anew = ", on distances between subjects (PERMANOVA, Anderson 2001)"
        what = "exchange of labels within subjects (sign flip)" if shared else "permutation of subject labels"
        if self.blocks is None or shared:
            return what + anew
        within = arrangements.use == "within"
        column = self.blocks.column
        return f"{what} within {column}{anew}" if within else f"permutation of labels over whole {column}s{anew}"

    def _statistics(
        self, units: np.ndarray, arrangements: Permutations, blocks: Sequence[str] | None
    ) -> tuple[np.ndarray, str]:
        """The statistic under each arrangement [A], and what it is."""
        labels = arrangements.labels
        if self.reference is None:
            return pseudo_f(subject_distances(self.relations)[np.ix_(units, units)], labels), "pseudo-F"
        if self.relations.groups[units[0]] == self.reference:
            scores = score_under_references(self.relations.of(units), labels == 0)
        else:
            members = np.array([[group == self.reference for group in self.relations.groups]])
            scores = np.repeat(score_under_references(self.relations, members)[:, units], len(labels), axis=0)
        if labels.max() == 1:
            weights = labels / labels.sum(1, keepdims=True) - (1 - labels) / (1 - labels).sum(1, keepdims=True)
            return (weights * scores).sum(1), "difference in mean deviation"
        return variance_ratio(centred(scores, blocks), labels), "variance of deviation between groups over within (F)"

    def _effects(self, chosen: Mapping[str, Sequence[str]], shared: bool, values: np.ndarray) -> list[Effect]:
        found = [np.array([self.deviations[s, group] for s in subjects]) for group, subjects in chosen.items()]
        if self.reference is None:
            return [effect("R2 (share of squared distance)", _share(values[0], chosen), np.empty(0))]
        if len(found) > 2:
            rng = np.random.default_rng(self.seed)
            drawn = eta_squared([resample(group, rng) for group in found])
            return [effect("eta squared", float(eta_squared([group[None] for group in found])[0]), drawn)]
        if shared:
            return group_effects(found[0], found[1], self.seed)[:1] + change_effects(found[1] - found[0], self.seed)
        return group_effects(found[0], found[1], self.seed)


def share_subjects(
    first: Sequence[str], second: Sequence[str], a: str, b: str
) -> tuple[dict[str, list[str]], bool, list[LeftOut]]:
    """Choose who is compared: subjects with themselves where at least two, and half of a group, are in both groups.

    Returns the subjects of both groups, whether they are the same, and who is left out and why.
    """
    both = [subject for subject in first if subject in second]
    if len(both) >= 2 and 2 * len(both) >= min(len(first), len(second)):
        alone = [(s, g) for names, g in ((first, a), (second, b)) for s in names if s not in both]
        left_out = [
            LeftOut(s, f"in {g} only, and the others are compared with themselves", IN_ONE_GROUP) for s, g in alone
        ]
        return {a: both, b: list(both)}, True, left_out
    left_out = [LeftOut(s, f"in {a} and in {b}: its labels cannot be exchanged", IN_BOTH_GROUPS) for s in both]
    kept = [subject for subject in second if subject not in both]
    return {a: list(first), b: kept}, False, left_out


def _overlap(first: Sequence[str], second: Sequence[str], a: str, b: str) -> str:
    both = [subject for subject in first if subject in second]
    if not both:
        return f"{a} has {len(first)} and {b} has {len(second)} subjects"
    return f"{', '.join(both)} in both groups, nobody else in {b}: to compare subjects with themselves takes 2"


def _nothing_to_exchange(column: str, use: str) -> str:
    if not column:
        return "the groups are too small: no arrangement of labels but one or two is possible"
    if use == "whole":
        return f"each {column} holds one group and there are too few: {column} and group cannot be separated"
    return f"too few subjects share a {column} with another group: {column} and group cannot be separated"


def pseudo_f(distance: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Pseudo-F [A] of groups under each of the labels [A, N] (Anderson, Austral Ecology 2001), from distances [N, N].

    Distances that are not known (a subject and itself in another group) do not count.
    """
    squared = np.nan_to_num(distance.astype(np.float64) ** 2)
    size, groups = len(distance), int(labels.max()) + 1
    total = squared.sum() / (2 * size)
    within = np.zeros(len(labels))
    for group in range(groups):
        mine = (labels == group).astype(np.float64)
        within += ((mine @ squared) * mine).sum(1) / (2 * mine.sum(1))
    within = np.maximum(within, 1e-12)
    ratio: np.ndarray = ((total - within) / (groups - 1)) / (within / max(size - groups, 1))
    return ratio


def _share(ratio: float, chosen: Mapping[str, Sequence[str]]) -> float:
    """R2 from pseudo-F."""
    size = sum(map(len, chosen.values()))
    part = ratio * (len(chosen) - 1) / max(size - len(chosen), 1)
    return float(part / (1 + part))


def variance_ratio(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """F [A] of scores [A, N] in groups given by labels [A, N]."""
    mean = scores.mean(1, keepdims=True)
    between, groups = np.zeros(len(scores)), int(labels.max()) + 1
    for group in range(groups):
        mine = labels == group
        size = mine.sum(1)
        between += size * ((scores * mine).sum(1) / size - mean[:, 0]) ** 2
    within = np.maximum(((scores - mean) ** 2).sum(1) - between, 1e-12)
    ratio: np.ndarray = (between / (groups - 1)) / (within / max(scores.shape[1] - groups, 1))
    return ratio


def centred(scores: np.ndarray, blocks: Sequence[str] | None) -> np.ndarray:
    """Scores [A, N] less the mean of their block, for blocks within which labels are exchanged."""
    if blocks is None:
        return scores
    found = scores.copy()
    for block in set(blocks):
        mine = np.array([name == block for name in blocks])
        found[:, mine] -= found[:, mine].mean(1, keepdims=True)
    return found


def eta_squared(groups: Sequence[np.ndarray]) -> np.ndarray:
    """Share [B] of the variance of deviations that lies between groups, each [B, n]."""
    everyone = np.concatenate(groups, axis=1)
    mean = everyone.mean(1, keepdims=True)
    total = ((everyone - mean) ** 2).sum(1)
    between = np.sum([group.shape[1] * (group.mean(1) - mean[:, 0]) ** 2 for group in groups], axis=0)
    found: np.ndarray = between / np.maximum(total, 1e-12)
    return found
