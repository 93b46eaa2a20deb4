"""Which subjects look like which group: a kernel classifier on fixed features, each subject left out in turn.

The features are learnt without labels: the mean posture of a subject, and the distribution of its windows of movement
(random Fourier features of a Gaussian kernel, Rahimi and Recht 2007). The classifier is kernel ridge regression on
both. A nested loop that leaves out further subjects chooses width and penalty; its scores also calibrate the
probabilities (Platt 1999). The p-value comes from permuting the labels and repeating all of this each time.

The cost of leaving out each of N subjects grows with the fourth power of N, so many are left out a twentieth at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from ubam.deviation.posture_series import PostureSeries, pace_of, usual_rate
from ubam.deviation.time_alignment import describe_moments, widest_reach
from ubam.deviation.twin import movement_directions
from ubam.results.records.study import Classifier, Likeness
from ubam.statistics.blocks import Blocks, how_respected
from ubam.statistics.effect_sizes import effect, resample, separation
from ubam.statistics.permutations import divisions, one_sided, permute_labels
from ubam.statistics.permuted_references import unit_names

WIDTHS = (0.5, 1.0, 2.0)  # of the kernel, times the median distance
PENALTIES = (0.01, 0.1, 1.0, 10.0)
MOVING_DIM = 16  # principal directions of movement in a window
FOURIER = 256  # features of the windows
FEWEST = 3  # subjects of each group
ALONE, FOLDS = 60, 20  # subjects up to which each is left out by itself; in how many parts more are left out
ARRANGEMENTS = 500


@dataclass(frozen=True)
class Decisions:
    """Scores [P, N, G] of N left-out units for G groups under P labellings; probabilities [N, G] under the real one."""

    scores: np.ndarray
    probability: np.ndarray


def classify(
    codes: Sequence[PostureSeries],
    members: Mapping[str, Sequence[str]],
    seed: int,
    blocks: Blocks | None = None,
    most: int = ARRANGEMENTS,
) -> Classifier:
    """Classify every subject without having seen it, and test how often that is right."""
    groups = list(members)
    result = Classifier(
        name=f"kernel ridge classifier, {_leaving_out(members)}, nested", groups=groups,
        n={group: len(subjects) for group, subjects in members.items()},
        features="mean posture, and distribution of centred windows of movement; learnt without labels",
        prior="groups equally likely", chance=1 / max(len(groups), 1),
    )  # fmt: skip
    small = [group for group, subjects in members.items() if len(subjects) < FEWEST]
    if len(groups) < 2 or small:
        why = f"{', '.join(small)} has fewer than {FEWEST} subjects" if small else "there is one group only"
        return replace(result, refused=f"{why}; a classifier that leaves subjects out, twice, cannot be fitted")
    units = [(subject, group) for group, subjects in members.items() for subject in subjects]
    names, labels = [subject for subject, _ in units], np.array([groups.index(group) for _, group in units])
    shared = len(set(names)) < len(names)
    if shared and any(set(subjects) != set(names) for subjects in members.values()):
        return replace(result, refused="some subjects are in several groups and some are not")
    held = names if shared else [blocks.of[name] for name in names] if blocks else None
    found = permute_labels(labels, held, seed, most)
    static, moving = features(codes, units, seed)
    if shared:
        static, moving = within_subjects(static, names), within_subjects(moving, names)
    decided = decide(static, moving, names, found.labels, len(groups), seed)
    quality = np.array([_quality(s, row) for s, row in zip(decided.scores, found.labels, strict=True)])
    smallest = divisions(found) / len(found)
    why = "labels cannot be exchanged: groups and blocks are the same, or too small"
    result = replace(
        _described(result, decided, labels, units, seed), **vars(how_respected(None if shared else blocks, found.use)),
        p=one_sided(quality) if smallest < 1 else None, smallest_p=smallest, arrangements=len(found),
        exact=found.exact, refused=why if smallest >= 1 else None,
    )  # fmt: skip
    return replace(result, words=_in_words(result))


def features(
    codes: Sequence[PostureSeries], units: Sequence[tuple[str, str]], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean posture [N, D] and Fourier features [N, 256] of the windows of each unit; its recordings weigh the same."""
    _, basis = movement_directions(codes, MOVING_DIM)
    reach = min(widest_reach(len(code.posture), code.stride) for code in codes)
    rate = usual_rate(codes)
    windows = {
        c.recording_id: describe_moments(c.posture, basis, c.stride, c.stride, reach, pace_of(c, rate)).signature
        for c in codes
    }
    sample = np.concatenate([rows[:: max(1, len(rows) // 20)] for rows in windows.values()])
    width = _median_distance(sample)
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(sample.shape[1], FOURIER)) / max(width, 1e-9)
    phase = rng.uniform(0, 2 * np.pi, FOURIER)
    static, moving = [], []
    for unit in units:
        mine = [code for code in codes if (code.subject, code.group) == unit]
        static.append(np.mean([code.posture.mean(0) for code in mine], axis=0))
        moving.append(np.mean([np.cos(windows[c.recording_id] @ directions + phase).mean(0) for c in mine], axis=0))
    return np.array(static, np.float64), np.array(moving) * np.sqrt(2 / FOURIER)


def _median_distance(rows: np.ndarray) -> float:
    distance = _distances(rows[:: max(1, len(rows) // 500)])
    return float(np.median(distance[distance > 0])) if (distance > 0).any() else 1.0


def _distances(rows: np.ndarray) -> np.ndarray:
    squares = (rows**2).sum(1)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * rows @ rows.T, 0))


def within_subjects(rows: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Rows [N, F] less the mean of their subject: what is left where the same subjects are in every group."""
    found = rows.copy()
    for name in set(names):
        mine = np.array([other == name for other in names])
        found[mine] -= found[mine].mean(0)
    return found


def _leaving_out(members: Mapping[str, Sequence[str]]) -> str:
    many = len({subject for subjects in members.values() for subject in subjects}) > ALONE
    return f"leave a part of {FOLDS} of the subjects out" if many else "leave one subject out"


def left_out_together(names: Sequence[str], seed: int) -> list[list[str]]:
    """The subjects `names` in the parts that are left out in turn: one by one, or many in 20 parts drawn at random."""
    subjects = list(dict.fromkeys(names))
    if len(subjects) <= ALONE:
        return [[name] for name in subjects]
    order = np.random.default_rng([seed, 41]).permutation(len(subjects))
    return [[subjects[index] for index in sorted(part)] for part in np.array_split(order, FOLDS)]


def decide(
    static: np.ndarray, moving: np.ndarray, names: Sequence[str], labels: np.ndarray, groups: int, seed: int = 0
) -> Decisions:
    """Score every unit with classifiers that have not seen its subject, once for each row of labels [P, N]."""
    targets = np.where(labels[..., None] == np.arange(groups), 1.0, -1.0)
    count = len(names)
    flat = targets.transpose(1, 0, 2).reshape(count, -1)
    kernels = [_kernel(static, moving, width) for width in WIDTHS]
    scores = np.empty((count, flat.shape[1]))
    probability = np.empty((count, groups))
    for part in left_out_together(names, seed):
        together = set(part)
        out = np.array([name in together for name in names])
        rest = [name for name in names if name not in together]
        found, inner = _left_out(kernels, out, flat, rest)
        scores[out] = found
        real = slice(0, groups)  # the first row of labels
        columns = zip(inner[:, real].T, flat[~out][:, real].T, found[:, real].T, strict=True)
        raw = np.stack([calibrate(held, y > 0, score) for held, y, score in columns], 1)
        probability[out] = raw / raw.sum(1, keepdims=True)
    return Decisions(scores.reshape(count, len(labels), groups).transpose(1, 0, 2), probability)


def _kernel(static: np.ndarray, moving: np.ndarray, width: float) -> np.ndarray:
    parts = []
    for rows in (static, moving):
        distance = _distances(rows)
        scale = np.median(distance[distance > 0]) if (distance > 0).any() else 1.0
        parts.append(np.exp(-0.5 * (distance / (width * scale)) ** 2))
    kernel: np.ndarray = (parts[0] + parts[1]) / 2 + 1.0  # the constant is the intercept
    return kernel


def _left_out(
    kernels: Sequence[np.ndarray], out: np.ndarray, targets: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Scores [units out, columns] of those left out and, of the others left out among themselves, [others, columns].

    For every column, width and penalty are those whose inner scores are nearest to its targets, groups weighing alike.
    Scores are centred between the groups' inner means and measured in the spread within them.
    """
    y = targets[~out]
    best = np.full(y.shape[1], np.inf)
    found, inner = np.empty((int(out.sum()), y.shape[1])), np.empty_like(y)
    for kernel in kernels:
        values, vectors = np.linalg.eigh(kernel[np.ix_(~out, ~out)])
        turned, beside = vectors.T @ y, kernel[np.ix_(out, ~out)] @ vectors
        for penalty in PENALTIES:
            shrunk = np.maximum(values, 0) / (np.maximum(values, 0) + penalty)
            fitted = vectors @ (shrunk[:, None] * turned)
            held = hold_out(y, fitted, (vectors * shrunk) @ vectors.T, names)
            error = _balanced_error(held, y)
            better = error < best
            best[better] = error[better]
            weights = turned[:, better] / (np.maximum(values, 0) + penalty)[:, None]
            found[:, better] = beside @ weights
            inner[:, better] = held[:, better]
    centre, spread = _centre(inner, y)
    return (found - centre) / spread, (inner - centre) / spread


def hold_out(y: np.ndarray, fitted: np.ndarray, hat: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Predict each row as if all rows of its subject were left out, by the hat matrix instead of further fits."""
    if len(set(names)) == len(names):
        one: np.ndarray = y - (y - fitted) / (1 - np.diag(hat))[:, None]
        return one
    held = np.empty_like(y)
    for name in dict.fromkeys(names):
        mine = np.array([other == name for other in names])
        held[mine] = y[mine] - np.linalg.solve(np.eye(mine.sum()) - hat[np.ix_(mine, mine)], (y - fitted)[mine])
    return held


def _balanced_error(held: np.ndarray, y: np.ndarray) -> np.ndarray:
    squared, positive = (held - y) ** 2, y > 0
    found: np.ndarray = (squared * positive).sum(0) / positive.sum(0) + (squared * ~positive).sum(0) / (~positive).sum(
        0
    )
    return found


def _centre(inner: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle between the means of both sides [columns], and root mean square around those means."""
    positive = y > 0
    means = [(inner * side).sum(0) / side.sum(0) for side in (positive, ~positive)]
    around = inner - np.where(positive, means[0], means[1])
    return (means[0] + means[1]) / 2, np.maximum(np.sqrt((around**2).mean(0)), 1e-9)


def calibrate(inner: np.ndarray, positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Probabilities of scores by a logistic curve through the inner scores, groups equally likely (Platt 1999).

    Platt's targets stand for the few subjects: not 0 and 1, but (n + 1) / (n + 2) and 1 / (n + 2).
    """
    counts = positive.sum(), (~positive).sum()
    target = np.where(positive, (counts[0] + 1) / (counts[0] + 2), 1 / (counts[1] + 2))
    weight = np.where(positive, 0.5 / counts[0], 0.5 / counts[1]) * len(inner)
    rows, theta = np.stack([inner, np.ones_like(inner)]), np.zeros(2)
    for _ in range(50):
        p = expit(theta @ rows)
        gradient = rows @ (weight * (p - target)) + 1e-3 * theta
        curvature = (rows * (weight * p * (1 - p))) @ rows.T + 1e-3 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        theta = theta - step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
    return np.clip(expit(max(theta[0], 0.0) * scores + theta[1]), 1e-3, 1 - 1e-3)


def _quality(scores: np.ndarray, labels: np.ndarray) -> float:
    """AUC of two groups, or the balanced accuracy of more, from scores [N, G] and labels [N]."""
    if scores.shape[1] == 2:
        return float(separation(scores[labels == 0, 1], scores[labels == 1, 1]))
    return _balanced(scores.argmax(1), labels)


def _balanced(said: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([(said[labels == group] == group).mean() for group in np.unique(labels)]))


def _described(
    result: Classifier, decided: Decisions, labels: np.ndarray, units: Sequence[tuple[str, str]], seed: int
) -> Classifier:
    """Add to the result how often the classifier is right and what it predicts for each unit (subject, group)."""
    groups, chance = result.groups, decided.probability
    said = chance.argmax(1)
    missed = ((chance - np.eye(len(groups))[labels]) ** 2).sum(1)
    brier = float(np.mean([missed[labels == group].mean() for group in range(len(groups))]))
    result = replace(result, accuracy=_balanced(said, labels), brier=brier, brier_chance=1 - 1 / len(groups))
    if len(groups) == 2:
        scores, rng = [decided.scores[0][labels == group, 1] for group in (0, 1)], np.random.default_rng(seed)
        auc = effect("AUC", float(separation(*scores)), separation(*(resample(one, rng) for one in scores)))
        result = replace(result, auc=auc.value, auc_low=auc.low, auc_high=auc.high)
    subjects = [
        Likeness(subject, name, group, groups[place], dict(zip(groups, row.tolist(), strict=True)))
        for (subject, group), name, place, row in zip(units, unit_names(units), said, chance, strict=True)
    ]
    return replace(result, subjects=subjects)


def _in_words(result: Classifier) -> str:
    p = "no p" if result.p is None else f"p = {result.p:.2g}"
    return (
        f"Left out in turn, {result.accuracy:.0%} of the subjects were given to their own group, groups weighing "
        f"alike (chance {result.chance:.0%}, {p}). Probabilities take groups as equally likely."
    )
