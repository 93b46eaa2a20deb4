"""95 % intervals of deviations: how far the number would move with other reference subjects, windows and recordings.

Reference subjects, for whom twin and units are computed anew, are drawn with replacement, and windows in blocks. Each
recording is shifted by a difference between recordings of one subject. A deviation is a length, so its logarithm
spreads evenly. The interval is the standard error of the logarithm times the quantile of Student's t for the number of
reference subjects; percentiles of few subjects would be too narrow (Hesterberg, American Statistician 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from ubam.deviation.normal_variation import (
    norm,
    normal_units,
    pool,
    running_mean,
    second_moment,
    summarise,
    trimmed_mean,
)
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import MOMENTS_PER_SECOND, ReferenceModel

RESAMPLES = 100
BLOCK = 8  # moments that are drawn together, as windows next to each other overlap
MANY = 40  # subjects
LEVEL = 0.95


@dataclass(frozen=True)
class Variation:
    """How reference subjects vary, each against the others.

    moments [S, D, D]: second moments of their residuals; seconds [S]: recorded; differences [N, D]: mean residuals of
    recordings less those of their subject, so scaled that their second moments add up to the covariance between
    recordings. N is 0 where no subject has two. looks [S, D, D]: what changes of
    looks do to the postures of each, where that is known.
    """

    moments: np.ndarray
    seconds: np.ndarray
    differences: np.ndarray
    looks: np.ndarray | None = None


def measure_variation(fitted: ReferenceModel) -> Variation:
    """How the subjects of a fitted reference vary, and how recordings of the same subject do."""
    moments, seconds, differences, spare = [], [], [], 0
    for codes in fitted.matcher.by_subject.values():
        residuals = [fitted.matcher.residual(code, fitted.matcher.matched) for code in codes]
        moments.append(second_moment(np.concatenate(residuals)))
        seconds.append(sum(map(len, residuals)) / MOMENTS_PER_SECOND)
        means = np.array([residual.mean(0) for residual in residuals])
        if len(means) > 1:
            differences.extend(means - means.mean(0))
            spare += len(means) - 1
    found = np.array(differences).reshape(-1, moments[0].shape[-1]) / np.sqrt(max(spare, 1))
    return Variation(np.stack(moments), np.array(seconds), found, fitted.looks)


def reference_issues(fitted: ReferenceModel) -> list[str]:
    """What the intervals of this reference cannot hold, in plain words."""
    if not fitted.own or any(len(codes) > 1 for codes in fitted.matcher.by_subject.values()):
        return []  # a reference of one subject, cut into parts, has a warning of its own
    return [
        "No reference subject has two recordings, so the intervals leave out how much a subject differs from one "
        "recording to the next, and are too narrow. Two recordings of some reference subjects would show it."
    ]


def interval(
    fitted: ReferenceModel,
    variation: Variation,
    codes: Sequence[PostureSeries],
    deviation: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """The 95 % interval of the deviation that one subject has in the recordings `codes`.

    Other recordings of it are taken to differ as those of one reference subject do. Where no reference subject has two,
    that part is not known and is missing.
    """
    matched = set(fitted.matcher.matched)
    others = [n for n, name in enumerate(fitted.subjects) if name in matched and name != codes[0].subject]
    others = others or list(range(len(fitted.subjects)))
    paths = [_paths(fitted, code, [fitted.subjects[index] for index in others]) for code in codes]
    drawn = [_draw(variation, np.array(others), paths, rng) for _ in range(RESAMPLES)]
    reach = t.ppf((1 + LEVEL) / 2, max(1, len(others) - 1)) * np.std(np.log(np.maximum(drawn, 1e-12)))
    return float(deviation * np.exp(-reach)), float(deviation * np.exp(reach))


def _paths(fitted: ReferenceModel, code: PostureSeries, subjects: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed postures [M, D] and matched ones [S, M, D], thinned to about 32 moments (16 of many subjects)."""
    moments = fitted.matcher.moments(code).frame
    thin = slice(None, None, max(1, len(moments) // (32 if len(subjects) <= MANY else 16)))
    return running_mean(code.posture[moments])[thin], running_mean(fitted.matcher.beside(code, subjects))[:, thin]


def _draw(
    variation: Variation,
    others: np.ndarray,
    paths: Sequence[tuple[np.ndarray, np.ndarray]],
    rng: np.random.Generator,
) -> float:
    """The deviation by one draw of reference subjects (positions `others`), windows and differences of recordings."""
    chosen = rng.integers(len(others), size=len(others))
    of = others[chosen]
    samples = max(variation.seconds[of].sum(), len(of))
    looks = None if variation.looks is None else variation.looks[of].mean(0)
    units = normal_units(pool(variation.moments[of]), samples, looks)
    lengths = []
    for own, stack in paths:
        moved = rng.normal(size=len(variation.differences)) @ variation.differences
        path = norm((own + moved - trimmed_mean(stack[chosen])) @ units)
        lengths.append(path[_blocks(len(path), rng)])
    return float(summarise(np.concatenate(lengths)))


def _blocks(total: int, rng: np.random.Generator) -> np.ndarray:
    """Positions [total] drawn in blocks of neighbours."""
    block = min(BLOCK, total)
    starts = rng.integers(total - block + 1, size=-(-total // block))
    return (starts[:, None] + np.arange(block)).ravel()[:total]
