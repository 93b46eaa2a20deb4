"""The figures of the statistics: each is drawn from what is there, and left out when its numbers are missing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ubam import figures_statistics as draw
from ubam.figures import group_colours
from ubam.report_audit import audit_view
from ubam.report_data import RunData, mapping, number
from ubam.report_distances import clustered, read_distances
from ubam.report_words import group_tests, pair_of

Drawing = tuple[str, Callable[[], Figure | None]]


def statistics_drawings(data: RunData) -> Iterator[Drawing]:
    """Name and drawing of every figure that statistics.json and distances.csv have the numbers of."""
    yield "curves", lambda: _curves(data)
    for place, one in enumerate(_rows(data.statistics.get("timecourse"))):
        yield f"time_course_{place + 1}", lambda one=one: _time_course(data, mapping(one))  # type: ignore[misc]
    yield "distances", lambda: _distances(data)
    yield "classifier", lambda: _classifier(data)
    view = audit_view(data)
    for place, entry in enumerate(view["comparisons"] if view else []):
        yield f"audit_{place + 1}", lambda entry=entry: _audit(entry)  # type: ignore[misc]
    yield "effects", lambda: _effects(data)


def _colours(data: RunData) -> dict[str, str]:
    """One colour per group, the same in every figure."""
    named = [*data.groups, *(str(group) for group in mapping(data.statistics.get("n")))]
    return group_colours(named, data.reference)


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(values: Any) -> np.ndarray:
    return np.array([number(value) for value in _rows(values)], dtype=float)


def _curves(data: RunData) -> Figure | None:
    curves: dict[str, dict[str, draw.Line]] = {}
    means: dict[str, draw.Line] = {}
    found = [mapping(one) for one in _rows(data.statistics.get("curves")) if mapping(one)]
    for curve in found:
        group, points = str(curve.get("group")), [mapping(one) for one in _rows(curve.get("points"))]
        names = dict.fromkeys(str(point.get("subject")) for point in points)
        lines = {name: _line([p for p in points if str(p.get("subject")) == name]) for name in names}
        if any(len(line[0]) for line in lines.values()):
            curves[group] = lines
        mean = _line([mapping(one) for one in _rows(curve.get("mean"))])
        if len(mean[0]):
            means[group] = mean
    return (
        draw.curves_figure(curves, means, _colours(data), data.reference, str(found[0].get("column") or "day"))
        if curves
        else None
    )


def _line(rows: Sequence[Mapping[str, Any]]) -> draw.Line:
    known = [row for row in rows if number(row.get("x")) is not None and number(row.get("deviation")) is not None]
    known.sort(key=lambda row: float(row["x"]))
    x, value, low, high = (_numbers([row.get(name) for row in known]) for name in ("x", "deviation", "low", "high"))
    return x, value, low, high


def _time_course(data: RunData, one: Mapping[str, Any]) -> Figure | None:
    time = _numbers(one.get("time_s"))
    mean, low, high = (
        {str(group): _numbers(values) for group, values in mapping(one.get(name)).items()}
        for name in ("mean", "low", "high")
    )
    groups = [group for group in mean if all(len(part.get(group, ())) == len(time) for part in (mean, low, high))]
    if len(time) < 2 or not groups:
        return None
    clusters = [
        (start, end, number(mapping(cluster).get("p")))
        for cluster in _rows(one.get("clusters"))
        if (start := number(mapping(cluster).get("start_s"))) is not None
        and (end := number(mapping(cluster).get("end_s"))) is not None
    ]
    mean, low, high = ({group: part[group] for group in groups} for part in (mean, low, high))
    return draw.time_course_figure(time, mean, low, high, clusters, _colours(data))


def _distances(data: RunData) -> Figure | None:
    found = read_distances(data.folder)
    if found is None:
        return None
    names, groups, apart = found
    order = clustered(apart)
    sorted_names, sorted_groups = ([values[index] for index in order] for values in (names, groups))
    return draw.distances_figure(sorted_names, sorted_groups, apart[np.ix_(order, order)], _colours(data))


def _classifier(data: RunData) -> Figure | None:
    found = mapping(data.statistics.get("classifier"))
    groups = [str(group) for group in _rows(found.get("groups"))]
    rows = [mapping(row) for row in _rows(found.get("subjects"))]
    if len(groups) < 2 or not rows:
        return None
    wanted = next((group for group in groups if group != data.reference), groups[-1]) if len(groups) == 2 else None
    shares = [number(mapping(row.get("probability")).get(wanted or str(row.get("group")))) for row in rows]
    known = [(row, share) for row, share in zip(rows, shares, strict=True) if share is not None]
    names, whose = [str(row.get("subject")) for row, _ in known], [str(row.get("group")) for row, _ in known]
    probability = np.array([share for _, share in known])
    return draw.classifier_figure(names, whose, probability, wanted, 1 / len(groups), _colours(data)) if known else None


def _audit(entry: Mapping[str, Any]) -> Figure | None:
    rows = entry["rows"]
    if not rows:
        return None
    aucs = np.array([np.nan if row["auc"] is None else row["auc"] for row in rows])
    notes = [f"{row['verdict']}, p = {row['corrected_p']}" if row["corrected_p"] else row["verdict"] for row in rows]
    return draw.audit_figure([row["label"] for row in rows], aucs, notes, [row["class"] == "bad" for row in rows])


def _effects(data: RunData) -> Figure | None:
    """The main effect size of every test that has the most frequent kind of it."""
    found = [(test, mapping(test.get("effect"))) for test in group_tests(data)]
    known = [
        (test, e) for test, e in found if all(number(e.get(name)) is not None for name in ("value", "low", "high"))
    ]
    if not known:
        return None
    measure, _ = Counter(str(effect.get("name")) for _, effect in known).most_common(1)[0]
    same = [(test, effect) for test, effect in known if str(effect.get("name")) == measure]
    names = [" against ".join(reversed(pair_of(test))) for test, _ in same]
    value, low, high = (_numbers([effect[name] for _, effect in same]) for name in ("value", "low", "high"))
    return draw.effects_figure(names, value, low, high, measure)
