"""What the deviation follows within the groups, and whether the codes reveal who the subject is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import rankdata
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import normalize

from ubam.results.records.audit import FollowRow, Follows, Identity
from ubam.statistics.confounds.group_differences import ARRANGEMENTS, CORRECTION, Key, Subjects, correct_across_features
from ubam.statistics.confounds.recording_properties import FEATURES, MOVED_BY_THE_SUBJECT

RESAMPLES = 1000
FEWEST_TO_FOLLOW = 6  # subjects; the smallest two-sided p of a rank correlation is 2/120 with 5, and 2/24 with 4
NAMES = {feature.name: feature for feature in FEATURES}
WITHOUT_MEAN = "behaviours less their mean"
MOMENTS = 60  # of each half, so that the time of a probe grows with the subjects and not with the hours
FEWEST_MOMENTS = 4


def follow(subjects: Subjects, deviation: np.ndarray, background: np.ndarray | None, seed: int) -> Follows:
    """Correlate the deviation [N] with each property among the subjects of one group.

    Spearman's rho of ranks within each group: a difference between groups does not contribute. Its interval is a
    bootstrap over subjects within groups, its p a permutation within groups, corrected by the max-statistic.
    `background` [N] is the deviation of the empty scenes, where it was computed.
    """
    groups = np.array([group for _, group in subjects.keys])
    usable = np.isfinite(deviation) & np.array([(groups == group).sum() > 1 for group in groups])
    values = {name: v[usable] for name, v in subjects.numbers.items() if np.isfinite(v[usable]).all()}
    if background is not None and np.isfinite(background[usable]).all():
        values = {"background": background[usable]} | values
    entry = Follows(int(usable.sum()), correction=CORRECTION)
    if usable.sum() < FEWEST_TO_FOLLOW:
        return replace(entry, refused=f"{entry.n} subjects in groups of two or more; it takes {FEWEST_TO_FOLLOW}")
    members = [np.flatnonzero(groups[usable] == group) for group in dict.fromkeys(groups[usable])]
    values = {name: v for name, v in values.items() if np.ptp(_within(v.round(9), members)) > 0}
    rng = np.random.default_rng([seed, 29])
    wanted = _within(deviation[usable], members)
    shuffled = _shuffled(wanted, members, rng)
    rows, statistics = [], []
    for name, own in values.items():
        rhos = _correlations(shuffled, _within(own.round(9), members))
        low, high = _interval(deviation[usable], own.round(9), members, rng)
        statistics.append(np.abs(rhos))
        p = float(np.mean(np.abs(rhos) >= abs(rhos[0]) - 1e-9))
        label, about = NAMES[name].label, NAMES[name].about
        rows.append(FollowRow(name, label, about, float(rhos[0]), low, high, p, name in MOVED_BY_THE_SUBJECT))
    corrected = correct_across_features(statistics)
    return replace(entry, rows=[replace(row, corrected_p=p) for row, p in zip(rows, corrected, strict=True)])


def _within(values: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """Ranks within each group along the last axis, centred there."""
    ranks = np.zeros(values.shape)
    for own in members:
        ranks[..., own] = rankdata(values[..., own], axis=-1) - (len(own) + 1) / 2
    return ranks


def _shuffled(values: np.ndarray, members: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """The values [N] as they are and permuted within groups, [P, N]."""
    drawn = np.repeat(values[None], ARRANGEMENTS, axis=0)
    for own in members:
        drawn[1:, own] = rng.permuted(drawn[1:, own], axis=1)
    return drawn


def _correlations(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Cosine of each row [P, N] with the values, [N] or [P, N]; 0 where one is constant."""
    scale = np.sqrt((rows**2).sum(-1) * (values**2).sum(-1))
    return np.divide((rows * values).sum(-1), scale, out=np.zeros(len(rows)), where=scale > 0)


def _interval(
    deviation: np.ndarray, values: np.ndarray, members: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[float, float]:
    """95 % bootstrap interval of rho, subjects drawn with replacement within their group."""
    drawn = np.empty((RESAMPLES, len(values)), int)
    for own in members:
        drawn[:, own] = rng.choice(own, (RESAMPLES, len(own)))
    rhos = _correlations(_within(deviation[drawn], members), _within(values[drawn], members))
    low, high = np.percentile(rhos, [2.5, 97.5])
    return float(low), float(high)


def identity_leak(codes: Mapping[str, Sequence[np.ndarray]], keys: Sequence[Key], sessions: Sequence[str]) -> Identity:
    """Measure how often a probe recognises the subject of a moment, for each way of coding.

    codes: name -> [N_r, D] of each recording. The probe is fitted on each subject's first recording (or the first half
    of its only one) and asked about the rest: linear discriminant analysis with Ledoit and Wolf's shrinkage. A linear
    probe cannot use `WITHOUT_MEAN`; there the measure is whether the most similar moment is the subject's own.
    Chance is 1 / subjects.
    """
    subjects = list(dict.fromkeys(subject for subject, _ in keys))
    mine = [[at for at, (subject, _) in enumerate(keys) if subject == name] for name in subjects]
    several = all(len({sessions[at] or str(at) for at in own}) > 1 for own in mine)
    accuracy: dict[str, float] = {}
    entry = Identity(len(subjects), 1 / max(len(subjects), 1), accuracy, "recordings" if several else "halves")
    if len(subjects) < 3:
        return replace(entry, refused="fewer than three subjects")
    for name, arrays in codes.items():
        parts = [_two_parts([arrays[at] for at in own], several) for own in mine]
        right = (_most_alike if name == WITHOUT_MEAN else _probe)(parts)
        if right is not None:
            accuracy[name] = right
    return entry if accuracy else replace(entry, refused="recordings too short to be cut in two")


def _two_parts(arrays: Sequence[np.ndarray], several: bool) -> tuple[np.ndarray, np.ndarray]:
    if several:
        first, second = arrays[0], np.concatenate(arrays[1:])
    else:
        whole = np.concatenate(arrays)
        first, second = whole[: len(whole) // 2], whole[len(whole) // 2 + 1 :]  # windows overlap their neighbours
    return _some(first), _some(second)


def _some(rows: np.ndarray) -> np.ndarray:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(MOMENTS, len(rows))).astype(int))] if len(rows) else rows


def _usable(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The subjects that have enough moments in both parts; none where they are fewer than three or no numbers."""
    usable = [two for two in parts if min(len(two[0]), len(two[1])) >= FEWEST_MOMENTS]
    rows = np.concatenate([first for first, _ in usable]) if len(usable) >= 3 else np.empty(0)
    return usable if len(rows) and np.isfinite(rows).all() and np.ptp(rows) > 0 else []


def _probe(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    usable = _usable(parts)
    if not usable:
        return None
    rows = np.concatenate([first for first, _ in usable])
    names = np.repeat(np.arange(len(usable)), [len(first) for first, _ in usable])
    probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=np.full(len(usable), 1 / len(usable)))
    probe.fit(rows, names)
    return float(np.mean([np.mean(probe.predict(second) == number) for number, (_, second) in enumerate(usable)]))


def _most_alike(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    usable = _usable(parts)
    if not usable:
        return None
    rows = normalize(np.concatenate([first for first, _ in usable]))
    names = np.repeat(np.arange(len(usable)), [len(first) for first, _ in usable])
    known = [names[(normalize(second) @ rows.T).argmax(1)] == number for number, (_, second) in enumerate(usable)]
    return float(np.mean([np.mean(right) for right in known]))
