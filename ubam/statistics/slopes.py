"""How the deviation of the same subjects changes over days, doses or sessions: a slope within each subject.

The slopes of a group are tested by exchanging the days within each subject, those of two groups by exchanging the
groups of whole subjects. Nobody's reference changes under either, so nothing needs to be fitted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import factorial, prod

import numpy as np

from ubam.results.records.study import Curve, MeanPoint, Point, SubjectSlope
from ubam.results.records.tests import Effect, LeftOut, Test
from ubam.statistics.blocks import Blocks, how_respected
from ubam.statistics.effect_sizes import change_effects, effect, group_effects, resample
from ubam.statistics.permutations import MOST, permute_labels, two_sided
from ubam.statistics.sessions import Session

Series = tuple[np.ndarray, np.ndarray]  # of one subject: x [P], ascending, and deviation [P]


def compare_sessions(
    sessions: Sequence[Session], columns: Sequence[str], reference: str | None, seed: int, blocks: Blocks | None = None
) -> tuple[list[Test], list[Curve]]:
    """Test rows and curves of every group over each of the columns; empty where no subject was seen twice.

    Two values of `session` are before and after, in the order of the study; more are taken in that order, 1, 2, 3.
    """
    rows: list[Test] = []
    curves: list[Curve] = []
    for column in columns:
        names = _places(sessions, column)
        groups = list(dict.fromkeys(one.group for one in sessions))
        groups.sort(key=lambda group: group != reference)
        found = {group: _curves(sessions, column, names, group) for group in groups}
        usable = {group: {s: c for s, c in mine.items() if len(c[0]) > 1} for group, mine in found.items()}
        for group in groups:
            if usable[group]:
                row = _slope_row(group, column, names, usable[group], reference, seed)
                row = replace(row, left_out=_left_out(found[group], column))
                rows.append(row)
                curves.append(_describe(group, column, sessions, names, found[group], row, seed))
        tested = [group for group in groups if len(usable[group]) > 1]
        rows += [
            _difference_row(a, b, column, usable, seed, blocks)
            for number, a in enumerate(tested)
            for b in tested[number + 1 :]
        ]
    return rows, curves


def _places(sessions: Sequence[Session], column: str) -> dict[float | str, float]:
    """The place of each value of a column on the axis: numbers at their value, names in their order."""
    values = list(dict.fromkeys(one.value(column) for one in sessions if one.value(column) not in (None, "")))
    if column == "session":
        return {str(value): float(place) for place, value in enumerate(values, 1)}
    return {float(value): float(value) for value in sorted(map(float, values))}  # type: ignore[arg-type]


def _curves(
    sessions: Sequence[Session], column: str, places: Mapping[float | str, float], group: str
) -> dict[str, Series]:
    points: dict[str, dict[float, list[float]]] = {}
    for one in sessions:
        value = one.value(column)
        if one.group == group and value is not None and value in places:
            points.setdefault(one.subject, {}).setdefault(places[value], []).append(one.deviation)
    return {
        subject: (np.array(sorted(found)), np.array([np.mean(found[x]) for x in sorted(found)]))
        for subject, found in points.items()
    }


def _left_out(curves: Mapping[str, Series], column: str) -> list[LeftOut]:
    """Subjects without a slope, and those that lack some of the values that others have."""
    everywhere = sorted({float(x) for xs, _ in curves.values() for x in xs})
    rows = []
    for subject, (xs, _) in curves.items():
        missing = [f"{x:g}" for x in everywhere if x not in xs]
        if len(xs) < 2:
            rows.append(LeftOut(subject, f"has one {column} only, which gives no slope", "one value"))
        elif missing:
            why = f"lacks {column} {', '.join(missing)}; its slope is of the others"
            rows.append(LeftOut(subject, why, "missing values"))
    return rows


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """Least-squares slope of y [P] over x [P]."""
    offset = x - x.mean()
    return float(offset @ y / (offset @ offset))


def slopes_under(curves: Sequence[Series], seed: int) -> tuple[np.ndarray, bool]:
    """Mean slope [A] with the deviations of each subject in every order over its days, the real one first.

    Every arrangement is tried up to 2,000 (then the second is True), else 2,000 are drawn.
    """
    total = prod(factorial(len(x)) for x, _ in curves)
    found = np.zeros(total if total <= MOST else MOST)
    rng, repeat = np.random.default_rng(seed), 1
    for x, y in curves:
        weight = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
        if total <= MOST:
            orders = permute_labels(np.arange(len(x))).labels
            turn = np.arange(total) // repeat % len(orders)
            repeat *= len(orders)
        else:
            orders = np.stack([np.arange(len(x)), *(rng.permutation(len(x)) for _ in range(len(found) - 1))])
            turn = np.arange(len(found))
        found += (y[orders[turn]] * weight).sum(1) / len(curves)
    return found, total <= MOST


def _slope_row(
    group: str, column: str, places: Mapping[float | str, float], curves: Mapping[str, Series], reference: str | None,
    seed: int,
) -> Test:  # fmt: skip
    pair = column == "session" and len(places) == 2
    first, *_, last = places
    other = reference or "the others"
    asked = f"from {first} to {last}" if pair else f"with {column}"
    how = "exchange of sessions within subjects (sign flip)" if pair else f"permutation of {column}s within subjects"
    row = Test(
        family="change" if pair else "slope", kind="paired sessions" if pair else "slope",
        name=how, question=f"Does the deviation of {group} from {other} change {asked}?",
        measure=f"change of deviation from {first} to {last}" if pair else f"deviation per {column}",
        groups=[group], levels=[f"{value:g}" if isinstance(value, float) else value for value in places],
        n={group: len(curves)},
    )  # fmt: skip
    if len(curves) < 2:
        return replace(row, refused=f"{group} has 1 subject with more than one {column}; a test needs at least 2")
    values, exact = slopes_under(list(curves.values()), seed)
    slopes = np.array([slope(x, y) for x, y in curves.values()])
    named = "mean change" if pair else f"mean slope per {column}"
    main, *others = change_effects(slopes, seed)
    main = replace(main, name=named)
    return replace(
        row, statistic=float(values[0]), statistic_name=named, p=two_sided(values),
        smallest_p=min(1.0, 2 / len(values)), arrangements=len(values), exact=exact,
        effect=main, effects=[main, *others],
    )  # fmt: skip


def _difference_row(
    first: str, second: str, column: str, usable: Mapping[str, Mapping[str, Series]], seed: int, blocks: Blocks | None
) -> Test:
    row = Test(
        family="slope", kind="slopes differ", measure=f"deviation per {column}", groups=[first, second], left_out=[],
        name="permutation of subject labels on the subjects' slopes",
        question=f"Does the deviation of {second} change with {column} differently from that of {first}?",
        n={group: len(usable[group]) for group in (first, second)},
    )  # fmt: skip
    both = sorted(set(usable[first]) & set(usable[second]))
    if both:
        return replace(row, refused=f"{', '.join(both)} in both groups: labels cannot be exchanged between them")
    subjects = [*usable[first], *usable[second]]
    slopes = np.array([slope(*curve) for group in (first, second) for curve in usable[group].values()])
    labels = np.repeat([0, 1], [len(usable[first]), len(usable[second])])
    found = permute_labels(labels, [blocks.of[subject] for subject in subjects] if blocks else None, seed)
    if len(found) < 3:
        return replace(row, refused="groups and blocks are the same, or too small: labels cannot be exchanged")
    weights = found.labels / found.labels.sum(1, keepdims=True)
    rest = (1 - found.labels) / (1 - found.labels).sum(1, keepdims=True)
    values = (weights - rest) @ slopes
    effects = group_effects(slopes[labels == 0], slopes[labels == 1], seed)
    return replace(
        row, **vars(how_respected(blocks, found.use)), statistic=float(values[0]), p=two_sided(values),
        statistic_name="difference in mean slope", smallest_p=min(1.0, 2 / len(found)), arrangements=len(found),
        exact=found.exact, effect=effects[2], effects=effects,
    )  # fmt: skip


def _describe(
    group: str, column: str, sessions: Sequence[Session], places: Mapping[float | str, float],
    curves: Mapping[str, Series], row: Test, seed: int,
) -> Curve:  # fmt: skip
    """The points, the slope of each subject, and the mean over subjects at each x with its interval."""
    points = [
        Point(one.subject, places[value], one.deviation, one.low, one.high, len(one.recordings), str(value))
        for one in sessions
        if one.group == group and (value := one.value(column)) is not None and value in places
    ]
    slopes = {subject: slope(*curve) for subject, curve in curves.items() if len(curve[0]) > 1}
    mean = effect("mean slope", float(np.mean(list(slopes.values()))), np.empty(0))
    if row.p is not None and row.effects:
        mean = row.effects[0]
    return Curve(
        column=column, group=group, points=points,
        subjects=[SubjectSlope(s, value, len(curves[s][0])) for s, value in slopes.items()],
        mean=_mean_curve(curves, seed), slope=mean.value, slope_low=mean.low, slope_high=mean.high, p=row.p,
        left_out=row.left_out or [], words=_in_words(group, column, mean, row),
    )  # fmt: skip


def _mean_curve(curves: Mapping[str, Series], seed: int) -> list[MeanPoint]:
    rng, found = np.random.default_rng(seed), []
    for x in sorted({float(x) for xs, _ in curves.values() for x in xs}):
        values = np.array([ys[np.flatnonzero(xs == x)[0]] for xs, ys in curves.values() if x in xs])
        at = effect("mean", float(values.mean()), resample(values, rng).mean(1) if len(values) > 1 else np.empty(0))
        found.append(MeanPoint(x, len(values), at.value, at.low, at.high))
    return found


def _in_words(group: str, column: str, mean: Effect, row: Test) -> str:
    if row.p is None:
        return f"{group} over {column}: {row.refused}."
    return (
        f"The deviation of {group} changes by {mean.value:+.3g} per {column} "
        f"(95 % {mean.low:+.3g} to {mean.high:+.3g}, {row.n[group]} subjects, p = {row.p:.2g})."
    )
