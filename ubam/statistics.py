"""Group tests, the subject as the unit: labels are permuted; reference, twins and scores are made anew each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

from ubam.deviation import Code, Matcher, length, movement_basis, pooled, shrink, smooth, summarise, whiten

PERMUTATIONS = 2000
MOMENTS = 32
SAMPLES_PER_SUBJECT = 4  # moments of one recording that do not repeat each other, at a guess that spares subjects


@dataclass(frozen=True)
class Relations:
    """Every subject beside every other at the same moments, whatever their groups.

    own[i] float32 [M, D]: moments of subject i; others[i] float32 [N, M, D]: the matching moments of each subject (row
    i is not used).
    """

    subjects: tuple[str, ...]
    own: list[np.ndarray]
    others: list[np.ndarray]


def relate(codes: Sequence[Code]) -> Relations:
    """Match all recordings of every subject with every other subject."""
    matcher = Matcher(codes, movement_basis(codes))
    subjects = tuple(matcher.by_subject)
    own, others = [], []
    for subject in subjects:
        parts = [_beside_all(matcher, code, subjects) for code in matcher.by_subject[subject]]
        own.append(np.concatenate([part[0] for part in parts]))
        others.append(np.concatenate([part[1] for part in parts], axis=1))
    return Relations(subjects, own, others)


def _beside_all(matcher: Matcher, code: Code, subjects: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    moments = matcher.moments(code).frame
    keep = np.unique(np.linspace(0, len(moments) - 1, min(MOMENTS, len(moments))).round().astype(int))
    own = smooth(code.posture[moments])[keep]
    stack = [
        smooth(matcher.match(code, subject).posture)[keep] if subject != code.subject else np.zeros_like(own)
        for subject in subjects
    ]
    return own.astype(np.float32), np.stack(stack).astype(np.float32)


def chain(relations: Relations, reference: Sequence[int], queries: Sequence[int]) -> np.ndarray:
    """Deviations of the subjects `reference` (each without itself), then of `queries`, by the mean twin.

    Their unit is the variation that the reference subjects have among themselves, found anew for every reference.
    """
    members = np.asarray(reference)
    weights = np.zeros((len(members), len(relations.subjects)), np.float32)
    weights[:, members] = 1 / (len(members) - 1)
    weights[np.arange(len(members)), members] = 0
    residuals = [_residuals(relations, index, weights[row : row + 1]) for row, index in enumerate(members)]
    moment = pooled([residual[0] for residual in residuals])
    units = whiten(shrink(moment, SAMPLES_PER_SUBJECT * len(members))).astype(np.float32)
    residuals += [_residuals(relations, index, weights) for index in queries]
    return np.array([summarise(length(residual, units)).mean() for residual in residuals])


def _residuals(relations: Relations, index: int, weights: np.ndarray) -> np.ndarray:
    """Residuals [F, M, D] of a subject from the mean twins that the rows of `weights` [F, N] make."""
    return relations.own[index] - np.tensordot(weights, relations.others[index], axes=1)


def permutation_test(
    relations: Relations, reference: Sequence[int], queries: Sequence[int], seed: int
) -> dict[str, Any]:
    """Two-sided permutation test of the difference in mean deviation, queries minus reference.

    Exact (every arrangement of the labels) up to 2,000 arrangements, else 2,000 random ones. The reference needs two
    subjects at least. The smallest possible p is 2 / arrangements, since either tail counts.
    """
    pool = [*reference, *queries]
    total = comb(len(pool), len(reference))
    if total <= PERMUTATIONS:
        arrangements = [np.array(chosen) for chosen in combinations(range(len(pool)), len(reference))]
    else:
        rng = np.random.default_rng(seed)
        drawn = [np.sort(rng.permutation(len(pool))[: len(reference)]) for _ in range(PERMUTATIONS - 1)]
        arrangements = [np.arange(len(reference)), *drawn]
    values = np.array([_difference(relations, pool, chosen) for chosen in arrangements])
    tolerance = 1e-6 * max(1.0, abs(float(values[0])))
    above, below = np.mean(values >= values[0] - tolerance), np.mean(values <= values[0] + tolerance)
    return {
        "statistic": float(values[0]),
        "p": float(min(1.0, 2 * min(above, below))),
        "smallest_p": min(1.0, 2 / len(arrangements)),
        "arrangements": len(arrangements),
        "exact": total <= PERMUTATIONS,
    }


def _difference(relations: Relations, pool: list[int], chosen: np.ndarray) -> float:
    rest = np.setdiff1d(np.arange(len(pool)), chosen)
    members = np.asarray(pool)
    scores = chain(relations, members[chosen], members[rest])
    return float(scores[len(chosen) :].mean() - scores[: len(chosen)].mean())


def separation(reference: np.ndarray, queries: np.ndarray) -> float:
    """AUC: probability that a query subject deviates more than a reference subject (ties count half)."""
    above = (queries[:, None] > reference[None]).mean() + 0.5 * (queries[:, None] == reference[None]).mean()
    return float(above)


def separation_interval(
    reference: np.ndarray, queries: np.ndarray, seed: int, resamples: int = 1000
) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC, subjects drawn with replacement within their group."""
    rng = np.random.default_rng(seed)
    draws = [
        separation(rng.choice(reference, len(reference)), rng.choice(queries, len(queries))) for _ in range(resamples)
    ]
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def compare_groups(
    codes: Sequence[Code], deviations: dict[tuple[str, str], float], reference: str, seed: int
) -> list[dict[str, Any]]:
    """One test for each group against the reference, corrected together (Benjamini-Hochberg); rows for statistics.json.

    deviations: of each (subject, group). A group without a subject of its own, or a reference of one, gets no test.
    """
    groups = [group for group in dict.fromkeys(code.group for code in codes) if group != reference]
    tests = [_compare(codes, deviations, reference, group, seed) for group in groups]
    done = [test for test in tests if test["p"] is not None]
    if done:
        corrected = false_discovery_control([test["p"] for test in done])
        for test, value in zip(done, corrected, strict=True):
            test |= {
                "correction": "Benjamini-Hochberg" if len(done) > 1 else "none (one test)",
                "correction_p": float(value),
            }
    return tests


def _compare(
    codes: Sequence[Code], deviations: dict[tuple[str, str], float], reference: str, group: str, seed: int
) -> dict[str, Any]:
    normal = [value for (_, name), value in deviations.items() if name == reference]
    other = [value for (_, name), value in deviations.items() if name == group]
    row: dict[str, Any] = {"name": "permutation of subject labels, reference and twins made anew", "unit": "subject"}
    row |= {
        "groups": [reference, group],
        "n": {reference: len(normal), group: len(other)},
        "p": None,
        "statistic": None,
    }
    both = {subject for subject, name in deviations if name == reference} & {
        s for s, name in deviations if name == group
    }
    if both:
        return row | {"refused": f"{', '.join(sorted(both))} in both groups: subjects cannot be exchanged between them"}
    if len(normal) < 2:
        return row | {"refused": f"{reference} has {len(normal)} subject; a test needs at least 2"}
    relations = relate([code for code in codes if code.group in (reference, group)])
    index = {subject: number for number, subject in enumerate(relations.subjects)}
    members = [index[subject] for subject, name in deviations if name == reference]
    queries = [index[subject] for subject, name in deviations if name == group]
    row |= permutation_test(relations, members, queries, seed)
    low, high = separation_interval(np.array(normal), np.array(other), seed)
    return row | {
        "effect": {"name": "AUC", "value": separation(np.array(normal), np.array(other)), "low": low, "high": high}
    }
