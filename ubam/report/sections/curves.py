"""Curves over days or doses and over the time in the recording, as numbers that the template can draw."""

from collections.abc import Sequence

import numpy as np

from ubam.core.text import p_text, plain
from ubam.report.charts import Scale, group_class, scale_of, tick_marks
from ubam.report.sections.views import ClusterView, CourseLine, CourseView, CurvePanel, CurvePoint, CurvesView
from ubam.report.views import Level, Tick
from ubam.results.records.study import Course, Curve, MeanPoint, Stretch
from ubam.results.run_data import RunData

WIDE, HIGH = 300.0, 170.0  # of a panel's drawing
COURSE_WIDE = 440.0


def curves_view(data: RunData) -> CurvesView | None:
    """A panel for each group with its subjects' deviations over `day` or `dose`; None when the study has neither."""
    curves = data.statistics.curves or []
    points = [point for curve in curves for point in curve.points]
    places = [point.x for point in points if point.x is not None]
    if not places:
        return None
    across = Scale(min(places), max(places)) if max(places) > min(places) else Scale(min(places) - 1, min(places) + 1)
    upward = scale_of([value for point in points for value in (point.deviation, point.low, point.high)])
    normal = next((curve for curve in curves if curve.group == data.reference), None)
    band = _band(normal.mean, across, upward) if normal else ""
    column = curves[0].column
    return {
        "column": column,
        "panels": [_panel(data, curve, across, upward, "" if curve is normal else band) for curve in curves],
        "ticks": _ticks(sorted(set(places)), across),
        "levels": _levels(upward),
        "wide": WIDE,
        "high": HIGH,
    }


def time_courses(data: RunData) -> list[CourseView]:
    """A chart for each comparison over the time in the recording: mean lines with intervals, stretches that differ."""
    return [view for one in data.statistics.timecourse or [] if (view := _time_course(data, one)) is not None]


def _at(
    across: Scale, upward: Scale, x: float | None, y: float | None, wide: float = WIDE
) -> tuple[float, float] | None:
    left, up = across.percent(x), upward.percent(y)
    return None if left is None or up is None else (round(left * wide / 100, 1), round((100 - up) * HIGH / 100, 1))


def _line(points: Sequence[tuple[float, float] | None]) -> str:
    """A path through the points; a missing one leaves a gap."""
    words, pen = [], "M"
    for point in points:
        if point is not None:
            words.append(f"{pen}{point[0]:g} {point[1]:g}")
        pen = "M" if point is None else "L"
    return "".join(words)


def _band(rows: Sequence[MeanPoint], across: Scale, upward: Scale, wide: float = WIDE) -> str:
    """The closed path between `low` and `high` of the rows."""
    low = [_at(across, upward, row.x, row.low, wide) for row in rows]
    high = [_at(across, upward, row.x, row.high, wide) for row in rows]
    edge = [point for point in [*high, *reversed(low)] if point is not None]
    return _line(edge) + "Z" if len(edge) > 2 else ""


def _ticks(places: list[float], across: Scale) -> list[Tick]:
    """The days or doses themselves where they are few and apart, else round numbers."""
    if len(places) > 12:
        return tick_marks(across)
    kept, last = list[Tick](), -np.inf
    for place in places:
        at = across.percent(place) or 0.0
        if at - last >= 8:
            kept.append({"at": at, "text": f"{place:g}"})
            last = at
    return kept


def _levels(upward: Scale) -> list[Level]:
    return [
        {"y": round((100 - (upward.percent(tick) or 0)) * HIGH / 100, 1), "text": f"{tick:g}"}
        for tick in upward.ticks(4)
    ]


def _panel(data: RunData, curve: Curve, across: Scale, upward: Scale, band: str) -> CurvePanel:
    slopes = {one.subject: one.slope for one in curve.subjects}
    return {
        "group": curve.group,
        "class": group_class(data, curve.group),
        "reference": curve.group == data.reference,
        "words": curve.words,
        "slope": _slope(curve),
        "lines": [
            {"subject": name, "path": _line([(row["x"], row["y"]) for row in rows]), "points": rows,
             "slope": plain(slopes.get(name))}
            for name, rows in _lines(curve, across, upward).items()
        ],
        "mean": _line([_at(across, upward, row.x, row.deviation) for row in curve.mean]),
        "mean_band": _band(curve.mean, across, upward),
        "band": band,
        "left_out": [f"{one.subject}: {one.why}" for one in curve.left_out],
    }  # fmt: skip


def _lines(curve: Curve, across: Scale, upward: Scale) -> dict[str, list[CurvePoint]]:
    """The points of each subject on the drawing, with the ends of their intervals."""
    lines: dict[str, list[CurvePoint]] = {}
    for point in curve.points:
        place = _at(across, upward, point.x, point.deviation)
        if place is not None:
            low, high = (_at(across, upward, point.x, end) for end in (point.low, point.high))
            text = f"{curve.column} {point.x:g}: {plain(point.deviation)}"
            ends: tuple[float | None, float | None] = (low[1] if low else None, high[1] if high else None)
            row: CurvePoint = {"x": place[0], "y": place[1], "low": ends[0], "high": ends[1], "text": text}
            lines.setdefault(point.subject, []).append(row)
    return lines


def _slope(curve: Curve) -> str:
    low, high = curve.slope_low, curve.slope_high
    if curve.slope is None:
        return ""
    interval = f" ({plain(low)} to {plain(high)})" if low is not None and high is not None else ""
    p = f", {p_text(curve.p)}" if curve.p is not None else ""
    return f"mean slope {plain(curve.slope)} per {curve.column}{interval}{p}"


def _time_course(data: RunData, one: Course) -> CourseView | None:
    known = [time for time in one.time_s if time is not None]
    if len(known) < 2 or not one.mean:
        return None
    across = Scale(min(known), max(known))
    upward = scale_of([v for part in (one.mean, one.low, one.high) for values in part.values() for v in values])
    lines = list[CourseLine]()
    for group, values in one.mean.items():
        ends = zip(one.time_s, one.low.get(group, []), one.high.get(group, []), strict=False)
        rows = [MeanPoint(x=time, low=low, high=high) for time, low, high in ends]
        path = _line([_at(across, upward, t, v, COURSE_WIDE) for t, v in zip(one.time_s, values, strict=False)])
        lines.append(
            {
                "group": group,
                "class": group_class(data, group),
                "path": path,
                "band": _band(rows, across, upward, COURSE_WIDE),
            }
        )
    return {
        "title": " against ".join(reversed(one.groups)),
        "words": one.words,
        "lines": lines,
        "clusters": [_cluster(cluster, across) for cluster in one.clusters],
        "ticks": tick_marks(across),
        "levels": _levels(upward),
        "wide": COURSE_WIDE,
        "high": HIGH,
    }


def _cluster(cluster: Stretch, across: Scale) -> ClusterView:
    start, end, p = cluster.start_s, cluster.end_s, cluster.p
    left, right = ((across.percent(value) or 0.0) * COURSE_WIDE / 100 for value in (start, end))
    return {
        "x": round(left, 1),
        "wide": round(max(right - left, 1.0), 1),
        "sure": p is not None and p <= 0.05,
        "text": f"{plain(start)} to {plain(end)} s, {cluster.direction} deviation, {p_text(p)}",
    }
