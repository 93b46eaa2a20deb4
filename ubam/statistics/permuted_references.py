"""Every subject matched with every other at the same moments, so that any group can become the reference.

The chain is that of reference_model.py with the mean in place of the trimmed mean: twin from the reference subjects,
residual, units from the residuals of the reference subjects, length, summary. It is made for many references at once.

In a large study everybody is matched with some units only, as in reference_model.py. They are drawn before anybody asks
for groups, so labels may be exchanged as before; a reference lends its twins those of its members that were drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ubam.deviation import twin
from ubam.deviation.normal_variation import mean_looks, normal_units, running_mean, summarise
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.twin import Matcher, matched_subjects, movement_basis

MOMENTS = 32  # of each subject
SAMPLES_PER_SUBJECT = 4  # moments of one recording that count as independent, a cautious guess
NUMBERS = 100_000_000  # floats in `MatchedSubjects.others`; with more subjects, fewer moments of each
CELLS = 8_000_000  # residuals in memory at a time


@dataclass(frozen=True)
class MatchedSubjects:
    """N units (a unit is a subject, or a subject in one of its groups), matched with each other at M moments of each.

    subjects, groups [N] and names [N] of the units; matched int [K]: positions of those with which all are matched;
    kin bool [N, K]: of one subject; own float32 [N, M, D]: the moments of each; others float32 [N, K, M, D]: in row i,
    column j how unit matched[j] is at the moments of i (nothing where they are kin); recording int [N, M] and time_s
    [N, M]: which of the unit's recordings, and seconds from its start; looks: what changes of looks do to postures, the
    mean over everybody, whatever the groups.
    """

    subjects: tuple[str, ...]
    groups: tuple[str, ...]
    names: tuple[str, ...]
    matched: np.ndarray
    kin: np.ndarray
    own: np.ndarray
    others: np.ndarray
    recording: np.ndarray
    time_s: np.ndarray
    looks: np.ndarray | None = None

    def index(self, subjects: Sequence[str], group: str) -> np.ndarray:
        """Positions of these subjects in `group`."""
        place = {key: number for number, key in enumerate(zip(self.subjects, self.groups, strict=True))}
        return np.array([place[subject, group] for subject in subjects], int)

    def of(self, units: np.ndarray) -> "MatchedSubjects":
        """The relations among some of the units [n] (positions), in that order."""
        if np.array_equal(units, np.arange(len(self.names))):
            return self
        names, subjects, groups = (
            tuple(values[unit] for unit in units) for values in (self.names, self.subjects, self.groups)
        )
        place = {unit: number for number, unit in enumerate(units.tolist())}
        columns = [column for column, unit in enumerate(self.matched.tolist()) if unit in place]
        columns.sort(key=lambda column: place[int(self.matched[column])])
        matched = np.array([place[int(self.matched[column])] for column in columns], int)
        both = np.ix_(units, np.array(columns, int))
        return MatchedSubjects(
            subjects, groups, names, matched, self.kin[both], self.own[units], self.others[both],
            self.recording[units], self.time_s[units], self.looks,
        )  # fmt: skip

    def among_matched(self) -> "MatchedSubjects":
        """The relations among the units with which all are matched: each of them with each other."""
        return self.of(np.sort(self.matched))


def unit_names(units: Sequence[tuple[str, str]]) -> list[str]:
    """A name for each unit (subject, group): the subject's own, with the group where the subject is in several."""
    subjects = [subject for subject, _ in units]
    return [name if subjects.count(name) == 1 else f"{name} ({group})" for name, group in units]


def match_all_subjects(codes: Sequence[PostureSeries], reference: str | None = None) -> MatchedSubjects:
    """Match all recordings of every unit with every other unit of another subject.

    With a `reference` group of many subjects, only with as many units as hold about MATCHED subjects of it.
    """
    units = list(dict.fromkeys((code.subject, code.group) for code in codes))
    names = dict(zip(units, unit_names(units), strict=True))
    named = [replace(code, subject=names[code.subject, code.group]) for code in codes]
    drawn = units_to_match(list(names.values()), [group for _, group in units], reference)
    matched = np.array([place for place, name in enumerate(names.values()) if name in set(drawn)])
    matcher = Matcher(named, movement_basis(named), drawn)
    kin = np.array([[one == units[place][0] for place in matched] for one, _ in units])
    dim = codes[0].posture.shape[1]
    count = int(np.clip(NUMBERS // (len(units) * len(matched) * dim), 8, MOMENTS))
    own = np.empty((len(units), count, dim), np.float32)
    others = np.zeros((len(units), len(matched), count, dim), np.float32)
    recording, time_s = np.empty((len(units), count), int), np.empty((len(units), count))
    for row, name in enumerate(names.values()):
        beside = [other for other, related in zip(drawn, kin[row], strict=True) if not related]
        own[row], others[row, ~kin[row]], recording[row], time_s[row] = _beside(matcher, name, beside, count)
    subjects, groups = zip(*units, strict=True)
    looks = mean_looks([code.looks for code in codes])
    return MatchedSubjects(subjects, groups, tuple(names.values()), matched, kin, own, others, recording, time_s, looks)


def units_to_match(names: Sequence[str], groups: Sequence[str], reference: str | None) -> list[str]:
    """The units with which everybody is matched, in their order: all, or so many that MATCHED of `reference` are among.

    They are drawn by their names, whatever their groups; without a reference all are compared with all.
    """
    size = sum(group == reference for group in groups)
    return matched_subjects(names, -(-twin.MATCHED * len(names) // size) if size else len(names))


def _beside(
    matcher: Matcher, name: str, others: Sequence[str], count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`count` moments of a unit, spread over its recordings, the others' at them, and recording and time of each."""
    codes = matcher.by_subject[name]
    lengths = [len(matcher.moments(code).frame) for code in codes]
    keep = np.linspace(0, sum(lengths) - 1, count).round().astype(int)
    recording = np.repeat(np.arange(len(codes)), lengths)[keep]
    place = np.concatenate([np.arange(size) for size in lengths])[keep]
    own, stack, time_s = [], [], []
    for index, code in enumerate(codes):
        mine = place[recording == index]
        frame = matcher.moments(code).frame
        own.append(running_mean(code.posture[frame])[mine])
        beside = matcher.beside(code, others) if others else np.empty((0, len(frame), code.posture.shape[1]))
        stack.append(running_mean(beside)[:, mine])
        time_s.append(frame[mine] / code.fps)
        matcher.forget(code)
    return np.concatenate(own), np.concatenate(stack, axis=1), recording, np.concatenate(time_s)


def score_under_references(
    relations: MatchedSubjects, members: np.ndarray, curves: np.ndarray | None = None
) -> np.ndarray:
    """Deviations [B, N] of all units from each of B references, members bool [B, N] (two at least).

    Nobody is compared with a unit of the own subject, and everybody with the same number of reference subjects: where
    a unit is no kin of any, one of them, another for each, is left out. Of a reference only the members that all are
    matched with make twins. With `curves` [N, M, T], the weights that bring
    moments to T points in time, deviations over time [B, N, T] instead.
    """
    count, moments, dim = relations.own.shape
    batch = max(1, CELLS // (count * moments * dim))
    parts = [_chain(relations, members[start : start + batch], curves) for start in range(0, len(members), batch)]
    return np.concatenate(parts)


def _chain(relations: MatchedSubjects, members: np.ndarray, curves: np.ndarray | None) -> np.ndarray:
    weights = twin_weights(members[:, relations.matched], relations.kin)
    count, moments, dim = relations.own.shape
    residual = np.empty((len(members), count, moments, dim), np.float32)
    for index in range(count):
        twins = weights[:, index] @ relations.others[index].reshape(len(relations.matched), -1)
        residual[:, index] = relations.own[index] - twins.reshape(len(members), moments, dim)
    scaled = residual.reshape(len(members), -1, dim) @ _units(residual, members, relations.looks)
    lengths = np.sqrt(np.einsum("bkd,bkd->bk", scaled, scaled) / dim).reshape(len(members), count, moments)
    return summarise(lengths) if curves is None else np.einsum("bnm,nmt->bnt", lengths, curves, optimize=True)


def twin_weights(members: np.ndarray, kin: np.ndarray) -> np.ndarray:
    """Share float32 [B, N, K] of each matched unit in each unit's twin; members bool [B, K], kin bool [N, K]."""
    allowed = members[:, None, :] & ~kin[None]
    size = members.sum(1)
    spare = allowed.sum(2) == size[:, None]
    rank = np.cumsum(members, axis=1) - 1
    left_out = (np.cumsum(spare, axis=1) - 1) % size[:, None]
    allowed &= ~(spare[:, :, None] & members[:, None, :] & (rank[:, None, :] == left_out[:, :, None]))
    weights: np.ndarray = (allowed / np.maximum(allowed.sum(2, keepdims=True), 1)).astype(np.float32)
    return weights


def _units(residual: np.ndarray, members: np.ndarray, looks: np.ndarray | None) -> np.ndarray:
    """Units float32 [B, D, D] from the residuals [B, N, M, D] of reference subjects, members [B, N], as `pooled`."""
    count = members.sum(1, keepdims=True)
    sizes = np.maximum(np.einsum("bnmd,bnmd->bn", residual, residual) / residual.shape[2], 1e-12)
    order = np.sort(np.where(members, sizes, np.inf), axis=1)
    middle = (np.take_along_axis(order, (count - 1) // 2, 1) + np.take_along_axis(order, count // 2, 1)) / 2
    weights = np.where(members, np.minimum(1.0, middle / sizes), 0) / (count * residual.shape[2])
    rows = residual * np.sqrt(weights).astype(np.float32)[..., None, None]
    rows = rows.reshape(len(residual), -1, residual.shape[3])
    moments = (rows.swapaxes(1, 2) @ rows).astype(np.float64)
    pairs = zip(moments, count[:, 0], strict=True)
    units = [normal_units(moment, SAMPLES_PER_SUBJECT * int(size), looks) for moment, size in pairs]
    return np.stack(units).astype(np.float32)


def subject_distances(relations: MatchedSubjects) -> np.ndarray:
    """How differently units move [N, N], each matched with each: 1 is as far as units are from the mean of the others.

    Whatever their groups, and with all directions alike: units of variation from everybody would shrink the very
    direction in which groups differ. 0 on the diagonal; not a number between kin, which were not matched.
    """
    everyone = np.ones((1, len(relations.names)), bool)
    weights = twin_weights(everyone, relations.kin)[0]
    twins = np.einsum("ij,ijmd->imd", weights, relations.others, optimize=True)
    size = np.sqrt(((relations.own - twins) ** 2).mean())
    pairs = zip(relations.own, relations.others, strict=True)
    found = np.array([np.sqrt(((own - others) ** 2).mean((1, 2))) for own, others in pairs]) / max(size, 1e-12)
    found = (found + found.T) / 2
    found[relations.kin] = np.nan
    np.fill_diagonal(found, 0.0)
    return found
