"""The smallest effect that groups of these sizes can show: one that a test at 5 % finds in four studies of five.

Analytic, with the noncentral t distribution (Cohen 1988): a permutation test of means has about the power of a t test
where deviations are near to normal. `ubam benchmark --statistics` measures the power of the real chain beside it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import chi2, t

from ubam.results.records.tests import Power

LEVEL = 0.05
WANTED = 0.8
LARGEST = 20.0  # standard deviations


def power_of_groups(g: float, first: int, second: int, level: float = LEVEL) -> float:
    """Power of the two-sided test of two groups whose means are `g` standard deviations apart."""
    return _power(g * np.sqrt(first * second / (first + second)), first + second - 2, level)


def power_of_changes(g: float, subjects: int, level: float = LEVEL) -> float:
    """Power of the two-sided test of a mean change of `g` standard deviations of the change."""
    return _power(g * np.sqrt(subjects), subjects - 1, level)


def _power(shift: float, freedom: int, level: float) -> float:
    """Both tails of the noncentral t, as the mean over the spreads that chance gives (scipy's nct fails far out)."""
    spread = t.ppf(1 - level / 2, freedom) * np.sqrt(chi2.ppf((np.arange(400) + 0.5) / 400, freedom) / freedom)
    return float((ndtr(shift - spread) + ndtr(-shift - spread)).mean())


def _smallest(power: Callable[[float], float]) -> float | None:
    return float(brentq(lambda g: power(g) - WANTED, 0, LARGEST)) if power(LARGEST) > WANTED else None


def describe_power(groups: tuple[str, str], first: int, second: int, smallest_p: float, paired: bool) -> Power:
    """A row of statistics.json: the smallest Hedges' g, and AUC of normal deviations, that these sizes find in 80 %.

    smallest_p: of the permutation test, below which no p can fall; where it is above 5 % no effect can be seen.
    """
    method = "noncentral t, paired" if paired else "noncentral t"
    row = Power(list(groups), {groups[0]: first, groups[1]: second}, LEVEL, WANTED, method)
    sizes = f"{first} subjects before and after" if paired else f"{first} and {second} subjects"
    g = None
    if smallest_p <= LEVEL and (first > 1 if paired else first + second > 2):
        g = _smallest(lambda x: power_of_changes(x, first) if paired else power_of_groups(x, first, second))
    if g is None:
        words = f"With {sizes} no difference can reach p < {LEVEL:g} (smallest possible p {smallest_p:.2g})."
        return replace(row, words=words)
    auc = None if paired else float(ndtr(g / np.sqrt(2)))
    seen = f"a change of {g:.2f} standard deviations" if auc is None else f"Hedges' g of {g:.2f} (AUC {auc:.2f})"
    words = f"With {sizes} a test at {LEVEL:.0%} finds {seen} in {WANTED:.0%} of studies."
    return replace(row, smallest_g=g, smallest_auc=auc, words=words)
