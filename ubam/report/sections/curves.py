"""Curves over days or doses and over the time in the recording, as numbers that the template can draw."""

from collections.abc import Mapping, Sequence
from typing import Any

from ubam.core.text import p_text, plain
from ubam.report.charts import Scale, group_class, scale_of, tick_marks
from ubam.results.run_data import RunData, mapping, number

WIDE, HIGH = 300.0, 170.0  # of a panel's drawing
COURSE_WIDE = 440.0


def curves_view(data: RunData) -> dict[str, Any] | None:
    """A panel for each group with its subjects' deviations over `day` or `dose`; None when the study has neither."""
    curves = [mapping(curve) for curve in _rows(data.statistics.get("curves")) if mapping(curve)]
    points = [mapping(point) for curve in curves for point in _rows(curve.get("points"))]
    places = [x for point in points if (x := number(point.get("x"))) is not None]
    if not places:
        return None
    across = Scale(min(places), max(places)) if max(places) > min(places) else Scale(min(places) - 1, min(places) + 1)
    upward = scale_of([number(point.get(name)) for point in points for name in ("deviation", "low", "high")])
    normal = next((curve for curve in curves if curve.get("group") == data.reference), None)
    band = _band([mapping(row) for row in _rows(normal.get("mean"))], across, upward) if normal else ""
    column = str(curves[0].get("column") or "day")
    return {
        "column": column,
        "panels": [_panel(data, curve, across, upward, "" if curve is normal else band) for curve in curves],
        "ticks": _ticks(sorted(set(places)), across),
        "levels": _levels(upward),
        "wide": WIDE,
        "high": HIGH,
    }


def time_courses(data: RunData) -> list[dict[str, Any]]:
    """A chart for each comparison over the time in the recording: mean lines with intervals, stretches that differ."""
    found = [mapping(one) for one in _rows(data.statistics.get("timecourse")) if mapping(one)]
    return [view for one in found if (view := _time_course(data, one)) is not None]


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


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


def _band(rows: Sequence[Mapping[str, Any]], across: Scale, upward: Scale, wide: float = WIDE) -> str:
    """The closed path between `low` and `high` of the rows."""
    low, high = (
        [_at(across, upward, number(r.get("x")), number(r.get(name)), wide) for r in rows] for name in ("low", "high")
    )
    edge = [point for point in [*high, *reversed(low)] if point is not None]
    return _line(edge) + "Z" if len(edge) > 2 else ""


def _ticks(places: list[float], across: Scale) -> list[dict[str, Any]]:
    """The days or doses themselves where they are few and apart, else round numbers."""
    marks: list[dict[str, Any]] = [{"at": across.percent(place) or 0.0, "text": f"{place:g}"} for place in places]
    if len(places) > 12:
        return tick_marks(across)
    kept: list[dict[str, Any]] = []
    for mark in marks:
        if not kept or float(mark["at"]) - float(kept[-1]["at"]) >= 8:
            kept.append(mark)
    return kept


def _levels(upward: Scale) -> list[dict[str, Any]]:
    return [
        {"y": round((100 - (upward.percent(tick) or 0)) * HIGH / 100, 1), "text": f"{tick:g}"}
        for tick in upward.ticks(4)
    ]


def _panel(data: RunData, curve: Mapping[str, Any], across: Scale, upward: Scale, band: str) -> dict[str, Any]:
    lines: dict[str, list[dict[str, Any]]] = {}
    for point in (mapping(one) for one in _rows(curve.get("points"))):
        place = _at(across, upward, number(point.get("x")), number(point.get("deviation")))
        if place is not None:
            ends = [_at(across, upward, number(point.get("x")), number(point.get(name))) for name in ("low", "high")]
            row: dict[str, Any] = {"x": place[0], "y": place[1]}
            row |= {name: end[1] if end else None for name, end in zip(("low", "high"), ends, strict=True)}
            row["text"] = f"{curve.get('column')} {point.get('x'):g}: {plain(number(point.get('deviation')))}"
            lines.setdefault(str(point.get("subject", "")), []).append(row)
    mean = [mapping(row) for row in _rows(curve.get("mean"))]
    middle = [_at(across, upward, number(row.get("x")), number(row.get("deviation"))) for row in mean]
    group, slopes = (
        str(curve.get("group", "")),
        {str(mapping(s).get("subject")): mapping(s) for s in _rows(curve.get("subjects"))},
    )
    left = [mapping(one) for one in _rows(curve.get("left_out"))]
    return {
        "group": group,
        "class": group_class(data, group),
        "reference": group == data.reference,
        "words": str(curve.get("words") or ""),
        "slope": _slope(curve),
        "lines": [
            {"subject": name, "path": _line([(row["x"], row["y"]) for row in rows]), "points": rows,
             "slope": plain(number(slopes.get(name, {}).get("slope")))}
            for name, rows in lines.items()
        ],
        "mean": _line(middle),
        "mean_band": _band(mean, across, upward),
        "band": band,
        "left_out": [f"{one.get('subject')}: {one.get('why')}" for one in left if one],
    }  # fmt: skip


def _slope(curve: Mapping[str, Any]) -> str:
    slope, low, high, p = (number(curve.get(name)) for name in ("slope", "slope_low", "slope_high", "p"))
    if slope is None:
        return ""
    interval = f" ({plain(low)} to {plain(high)})" if low is not None and high is not None else ""
    return f"mean slope {plain(slope)} per {curve.get('column')}{interval}" + (
        f", {p_text(p)}" if p is not None else ""
    )


def _time_course(data: RunData, one: Mapping[str, Any]) -> dict[str, Any] | None:
    times = [number(time) for time in _rows(one.get("time_s"))]
    known = [time for time in times if time is not None]
    mean, low, high = (mapping(one.get(name)) for name in ("mean", "low", "high"))
    if len(known) < 2 or not mean:
        return None
    across = Scale(min(known), max(known))
    upward = scale_of([number(v) for part in (mean, low, high) for values in part.values() for v in _rows(values)])
    lines = []
    for group, values in mean.items():
        rows = [
            {"x": time, "low": a, "high": b}
            for time, a, b in zip(times, _rows(low.get(group)), _rows(high.get(group)), strict=False)
        ]
        path = _line(
            [_at(across, upward, t, number(v), COURSE_WIDE) for t, v in zip(times, _rows(values), strict=False)]
        )
        lines.append(
            {
                "group": group,
                "class": group_class(data, group),
                "path": path,
                "band": _band(rows, across, upward, COURSE_WIDE),
            }
        )
    return {
        "title": " against ".join(str(group) for group in reversed(_rows(one.get("groups")))),
        "words": str(one.get("words") or ""),
        "lines": lines,
        "clusters": [_cluster(mapping(cluster), across) for cluster in _rows(one.get("clusters")) if mapping(cluster)],
        "ticks": tick_marks(across),
        "levels": _levels(upward),
        "wide": COURSE_WIDE,
        "high": HIGH,
    }


def _cluster(cluster: Mapping[str, Any], across: Scale) -> dict[str, Any]:
    start, end, p = (number(cluster.get(name)) for name in ("start_s", "end_s", "p"))
    left, right = ((across.percent(value) or 0.0) * COURSE_WIDE / 100 for value in (start, end))
    return {
        "x": round(left, 1),
        "wide": round(max(right - left, 1.0), 1),
        "sure": p is not None and p <= 0.05,
        "text": f"{plain(start)} to {plain(end)} s, {cluster.get('direction')} deviation, {p_text(p)}",
    }
