"""What the benchmark measures, one function each with its formula.

The unit is the subject: a read-out is tested on subjects that it was not fitted on, and neighbours are looked for among
other subjects only. Phases are in cycles, 0 to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import SubjectScore, score_study
from ubam.motifs.retrieval import dynamic_part
from ubam.statistics.effect_sizes import separation
from ubam.statistics.group_tests import compare_groups

FOLDS = 4
EVERY = 3  # every third frame is read out or asked for its neighbour, which lies among all frames
PENALTIES = tuple(10.0 ** np.arange(-1, 5.5, 0.5))  # of the ridge on standardised features
NEAR = 0.05  # body heights
LEVEL = 0.05  # at which the test of the groups finds a difference
SAME_PHASE = 30 / 360  # cycles
ROOT = ("hip_right", "hip_left")
QUERIES_AT_ONCE = 512  # so that memory grows with the study and not with its square


@dataclass(frozen=True)
class Truth:
    """What is known of one recording: keypoints float32 [T, K, 2] in body heights from the root, phase float32 [T].

    names: of the keypoints. body_height: px. heading: [T] radians by which the keypoints were turned back, None where
    they were not.
    """

    keypoints: np.ndarray
    phase: np.ndarray
    names: tuple[str, ...] = ()
    body_height: float = 1.0
    heading: np.ndarray | None = None


@dataclass(frozen=True)
class Samples:
    """Postures or behaviours of many recordings and what is true of their frames (of a window: of its middle frame).

    features [N, D]; subject [N] names; recording [N]: 0 for the subject's first, 1 for its second; phase [N];
    keypoints [N, K, 2] as in `Truth`.
    """

    features: np.ndarray
    subject: np.ndarray
    recording: np.ndarray
    phase: np.ndarray
    keypoints: np.ndarray

    def every(self, step: int) -> "Samples":
        """Every `step`-th row."""
        return Samples(*(getattr(self, field.name)[::step] for field in fields(self)))


def join(parts: Sequence[Samples]) -> Samples:
    """The rows of several samples under each other."""
    return Samples(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Samples)))


def root_centred(keypoints: np.ndarray, names: Sequence[str], body_height: float) -> np.ndarray:
    """Keypoints [T, K, 2] px in body heights from the middle between the hips."""
    root = keypoints[:, [list(names).index(name) for name in ROOT]].mean(1, keepdims=True)
    centred: np.ndarray = (keypoints - root) / body_height
    return centred


def turned_back(keypoints: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Root-centred keypoints [T, K, 2] turned back by heading [T], radians clockwise: it points to the right then."""
    c, s = np.cos(heading), np.sin(heading)
    turns = np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], -2)
    return np.asarray(np.einsum("tij,tkj->tki", turns, keypoints))


def read_out(features: np.ndarray, keypoints: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Keypoints [N, K, 2] read from features [N, D] by ridge regression, each by one that has not seen its subject.

    Four folds of subjects; features standardised and the penalty chosen on the training subjects, by four folds of
    them.
    """
    targets = keypoints.reshape(len(keypoints), -1).astype(np.float64)
    features, predicted = features.astype(np.float64), np.empty_like(targets)
    for train, test in subject_folds(subject).split():
        chain = make_pipeline(StandardScaler(), Ridge())
        inner = subject_folds(subject[train])
        search = GridSearchCV(chain, {"ridge__alpha": PENALTIES}, cv=inner, scoring="neg_mean_squared_error")
        predicted[test] = search.fit(features[train], targets[train]).predict(features[test])
    return predicted.reshape(keypoints.shape)


def subject_folds(subject: Sequence[Any] | np.ndarray) -> PredefinedSplit:
    """Four folds of the rows [N] by subject, dealt out in the order of the names, whatever the rows of each."""
    return PredefinedSplit(np.unique(np.asarray(subject), return_inverse=True)[1] % FOLDS)


def explained(keypoints: np.ndarray, predicted: np.ndarray) -> float:
    """R2w = 1 - SSE / SST over all [N, K, 2]: squared errors, and squared distances to the mean of the study.

    A keypoint weighs as much as it moves. 1 is perfect, 0 as good as the mean.
    """
    errors = ((keypoints - predicted) ** 2).sum()
    return float(1 - errors / ((keypoints - keypoints.mean(0)) ** 2).sum())


def keypoints_near(keypoints: np.ndarray, predicted: np.ndarray) -> float:
    """PCK: share of the keypoints [N, K, 2] that are predicted within 5 % of the body height."""
    return float((np.linalg.norm(keypoints - predicted, axis=-1) <= NEAR).mean())


def nearest_elsewhere(features: np.ndarray, subject: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """For the rows `queries` [Q], the row [Q] of another subject with the largest cosine, the mean row taken away."""
    unit = _centred_unit(features)
    nearest = [
        _similarity_elsewhere(unit, subject, part).argmax(1)
        for part in np.array_split(queries, -(-len(queries) // QUERIES_AT_ONCE))
    ]
    return np.concatenate(nearest)


def _centred_unit(features: np.ndarray) -> np.ndarray:
    unit: np.ndarray = normalize((features - features.mean(0)).astype(np.float32))
    return unit


def _similarity_elsewhere(unit: np.ndarray, subject: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Cosine [Q, N] of the rows `queries` with all rows, minus infinity within the subject."""
    similarity: np.ndarray = unit[queries] @ unit.T
    similarity[subject[queries][:, None] == subject[None]] = -np.inf
    return similarity


def phase_distance(phase: np.ndarray, other: np.ndarray, cycle: float = 1.0) -> np.ndarray:
    """min(d, cycle - d) with d = |phase - other| mod cycle, in cycles; `cycle` 0.5 takes the two steps for the same."""
    apart = np.abs(phase - other) % cycle
    return np.minimum(apart, cycle - apart)


def phase_error(samples: Samples, cycle: float = 1.0, every: int = 1) -> float:
    """Median of 360 * phase_distance between a row and its nearest of another subject, in degrees of the full cycle.

    Chance is 90 for the full cycle and 45 for the half (`cycle` 0.5). `every` third row, say, is asked; its neighbour
    is looked for among all rows of the others.
    """
    queries = np.arange(0, len(samples.phase), every)
    nearest = nearest_elsewhere(samples.features, samples.subject, queries)
    return float(360 * np.median(phase_distance(samples.phase[queries], samples.phase[nearest], cycle)))


def mean_average_precision(samples: Samples) -> tuple[float, float]:
    """Mean over the rows of AP = mean of the precisions at the ranks of the relevant; and its chance.

    The gallery of a row is the rows of all other subjects, ranked by cosine without the mean row; relevant is what lies
    within 30 degrees of its phase. Chance is the mean share of the gallery that is relevant. Rows without a relevant
    one count in neither.
    """
    unit, precision, share = _centred_unit(samples.features), [], []
    for query in range(len(unit)):
        gallery = samples.subject != samples.subject[query]
        order = np.argsort(-(unit[gallery] @ unit[query]), kind="stable")
        hits = (phase_distance(samples.phase[gallery], samples.phase[query]) <= SAME_PHASE)[order]
        if hits.any():
            ranks = np.flatnonzero(hits) + 1
            precision.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
            share.append(hits.mean())
    return float(np.mean(precision)), float(np.mean(share))


def identity_accuracy(samples: Samples) -> float:
    """Share of the rows of every subject's second recording whose subject a linear probe names.

    Multinomial logistic regression on standardised features, fitted on the first recordings. Chance is 1 / subjects.
    Not a number where nobody has a second recording.
    """
    first, second = samples.recording == 0, samples.recording == 1
    if not second.any():
        return float("nan")
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(samples.features[first], samples.subject[first])
    return float(probe.score(samples.features[second], samples.subject[second]))


def identity_nearest(samples: Samples) -> float:
    """Share of the rows of second recordings whose nearest row of all first ones, by cosine, is the same subject's.

    For rows without their recording's mean, of which a linear probe can know nothing. Chance is 1 / subjects. Not a
    number where nobody has a second recording.
    """
    unit, first = _centred_unit(samples.features), samples.recording == 0
    if first.all():
        return float("nan")
    subject = samples.subject[~first]
    parts = np.array_split(unit[~first], -(-len(subject) // QUERIES_AT_ONCE))
    nearest = np.concatenate([(part @ unit[first].T).argmax(1) for part in parts])
    return float((samples.subject[first][nearest] == subject).mean())


def changing(samples: Samples) -> Samples:
    """The same rows by their dynamic part, as `ubam neighbours` compares behaviours: without their recording's mean."""
    features = samples.features.astype(np.float32)
    for subject in np.unique(samples.subject):
        for number in np.unique(samples.recording):
            mine = (samples.subject == subject) & (samples.recording == number)
            features[mine] = dynamic_part(features[mine])
    return replace(samples, features=features)


def embedding_measures(postures: Samples, behaviours: Samples) -> dict[str, float]:
    """How far postures [N, D] and behaviours [W, E] of frames with the subject found carry movement, and who moves."""
    thin = postures.every(EVERY)
    predicted = read_out(thin.features, thin.keypoints, thin.subject)
    precision, chance = mean_average_precision(behaviours)
    moving = changing(behaviours)
    return {
        "r2w": explained(thin.keypoints, predicted),
        "pck": keypoints_near(thin.keypoints, predicted),
        "phase_posture": phase_error(postures, 1.0, EVERY),
        "half_phase_posture": phase_error(postures, 0.5, EVERY),
        "phase_behaviour": phase_error(behaviours),
        "half_phase_behaviour": phase_error(behaviours, 0.5),
        "map": precision,
        "map_chance": chance,
        "map_dynamic": mean_average_precision(moving)[0],
        "identity_posture": identity_accuracy(thin),
        "identity_behaviour": identity_accuracy(behaviours),
        "identity_dynamic": identity_nearest(moving),
        "identity_chance": 1 / len(np.unique(postures.subject)),
    }


def rank_correlation(deviation: np.ndarray, severity: np.ndarray) -> float:
    """Spearman's rho: correlation of the ranks; not a number when either does not vary or there are fewer than 3."""
    if len(deviation) < 3 or np.ptp(deviation) == 0 or np.ptp(severity) == 0:
        return float("nan")
    return float(spearmanr(deviation, severity).statistic)


def group_auc(values: Mapping[str, float], groups: Mapping[str, str], reference: str) -> float:
    """AUC by subject: probability that a subject of the others has the larger value than one of the reference."""
    normal = np.array([value for subject, value in values.items() if groups[subject] == reference])
    other = np.array([value for subject, value in values.items() if groups[subject] != reference])
    return float(separation(normal, other))


def deviation_measures(
    codes: Sequence[PostureSeries],
    severity: Mapping[str, float],
    reference: str,
    *,
    scores: Mapping[str, float] | None = None,
    test: bool = True,
) -> dict[str, float]:
    """How well the deviation of subjects tells the groups apart (AUC) and follows severity (rho).

    scores: the deviation of each subject where a method brings its own; else `score_study`, with its static and dynamic
    parts and, with `test`, the permutation test of the groups (20 s for 24 subjects) and whether it finds a difference.
    """
    groups = {code.subject: code.group for code in codes}
    measures: dict[str, float] = {}
    if scores is None:
        subjects = score_study(codes, reference, intervals=False).subjects
        scores = {score.subject: score.deviation for score in subjects}
        measures = _parts(subjects, groups, reference)
        if test:
            p = group_p(codes, scores, reference)
            measures |= {"p": p, "positive": float(p <= LEVEL)}
    deviation, truth = (np.array([values[name] for name in groups]) for values in (scores, severity))
    impaired = truth > 0
    return {
        "auc": group_auc(scores, groups, reference),
        "rho": rank_correlation(deviation, truth),
        "rho_impaired": rank_correlation(deviation[impaired], truth[impaired]),
    } | measures


def errors_alone(codes: Sequence[PostureSeries], severity: Mapping[str, float], reference: str) -> float:
    """AUC by subject of the deviation when codes hold the landmarks' errors [T, 2K] and nothing else.

    On a study in which groups differ in looks only, 0.5 says that errors do not depend on looks.
    """
    return deviation_measures(codes, severity, reference, test=False)["auc"]


def _parts(subjects: Sequence[SubjectScore], groups: Mapping[str, str], reference: str) -> dict[str, float]:
    return {
        f"auc_{part}": group_auc({score.subject: getattr(score, part) for score in subjects}, groups, reference)
        for part in ("static", "dynamic")
    }


def group_p(codes: Sequence[PostureSeries], scores: Mapping[str, float], reference: str) -> float:
    """p of the permutation test of the groups, everything refitted under each permutation (`group_tests.py`)."""
    groups = {code.subject: code.group for code in codes}
    deviations = {(subject, groups[subject]): value for subject, value in scores.items()}
    p = compare_groups(codes, deviations, reference, seed=0)[0].p
    return float("nan") if p is None else p


def shuffled_auc(codes: Sequence[PostureSeries], reference: str, draws: int = 20, seed: int = 0) -> float:
    """Mean AUC of `score_study` over `draws` random groups of the same sizes: 0.5 if a group alone gives no score."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        shuffled = _groups_drawn(codes, rng)
        groups = {code.subject: code.group for code in shuffled}
        values.append(group_auc(_deviations(shuffled, reference), groups, reference))
    return float(np.mean(values))


def drawn_p(codes: Sequence[PostureSeries], reference: str, seed: int) -> float:
    """`group_p` of groups of the same sizes drawn at random: what is found where nothing goes with the group."""
    drawn = _groups_drawn(codes, np.random.default_rng(seed))
    return group_p(drawn, _deviations(drawn, reference), reference)


def _groups_drawn(codes: Sequence[PostureSeries], rng: np.random.Generator) -> list[PostureSeries]:
    groups = {code.subject: code.group for code in codes}
    drawn = dict(zip(groups, rng.permutation(list(groups.values())).tolist(), strict=True))
    return [replace(code, group=drawn[code.subject]) for code in codes]


def _deviations(codes: Sequence[PostureSeries], reference: str) -> dict[str, float]:
    return {one.subject: one.deviation for one in score_study(codes, reference, intervals=False).subjects}
