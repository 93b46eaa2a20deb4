"""The figures of a run folder: each is drawn from what is there, and left out when its numbers are missing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ubam.core import plotting
from ubam.core.parallel import each_done
from ubam.core.plotting import group_colours
from ubam.report.figures import statistics as draw
from ubam.report.figures import study
from ubam.report.sections.audit import audit_view
from ubam.report.sections.distances import clustered, read_distances
from ubam.report.sections.maps import share_of_recording
from ubam.report.sections.motifs import example_film, usage_table
from ubam.results.records.motifs import MotifDescription
from ubam.results.records.scores import ScoreRow
from ubam.results.records.study import Course, MeanPoint, Point
from ubam.results.run_data import RunData, Timeline, arrays_if_there, read_facts, read_run


def write_figures(run: Path, pool: Executor | None = None, shares: int = 1) -> list[Path]:
    """Write `run`/figures/*.png and *.svg from the run folder, whatever is missing there, and return their paths.

    With a `pool` its workers, which see the folder, draw a share each.
    """
    if pool is None:
        return _write_share(0, run, 1)
    done = dict(each_done(pool, _write_share, range(shares), run, shares))
    return [path for share in range(shares) for path in done[share]]


def _write_share(share: int, run: Path, shares: int) -> list[Path]:
    """Write every figure of a run whose number leaves the rest `share`."""
    data, written = read_run(run), []
    for name, drawing in list(drawings(data))[share::shares]:
        figure = drawing()
        if figure is not None:
            written += plotting.save_figure(figure, data.files.figure(name))
    return written


Drawing = tuple[str, Callable[[], Figure | None]]


def drawings(data: RunData) -> Iterator[Drawing]:
    """Name and drawing of every figure of a run; a drawing returns None when its numbers are missing."""
    yield "subjects", lambda: _subjects(data)
    yield "groups", lambda: _groups(data)
    yield "controls", lambda: _controls(data)
    yield from statistics_drawings(data)
    maps = arrays_if_there(data.files.maps)
    for what, plural in (("posture", "postures"), ("behaviour", "behaviours")):
        for by in ("group", "subject", "time", *(("motif",) if what == "behaviour" else ())):
            yield f"map_{plural}_{by}", lambda what=what, by=by: _map(data, maps, what, by)  # type: ignore[misc]
    yield "motifs_usage", lambda: _usage(data)
    yield "motifs_examples", lambda: _films(data)
    usual = data.usual()
    for name, line in data.timelines.items():
        yield f"timeline_{name}", lambda name=name, line=line: _timeline(data, name, line, usual)  # type: ignore[misc]
    for path in data.files.all_evidence():
        yield f"strip_{path.stem}", lambda path=path: _strip(data, path)  # type: ignore[misc]


def _subjects(data: RunData) -> Figure | None:
    scores = data.subjects
    deviation, low, high = (_column(scores, name) for name in ("deviation", "low", "high"))
    names, groups = [score.subject for score in scores], [score.group for score in scores]
    return study.subjects_figure(names, groups, deviation, low, high, data.reference_here) if scores else None


def _groups(data: RunData) -> Figure | None:
    groups = [score.group for score in data.subjects]
    deviation, low, high = (_column(data.subjects, name) for name in ("deviation", "low", "high"))
    return study.groups_figure(groups, deviation, data.reference_here, low, high) if groups else None


def _controls(data: RunData) -> Figure | None:
    known = {name: {"auc": control.auc, "p": control.p} for name, control in data.statistics.controls.items()}
    return study.controls_figure(known) if known else None


def _map(data: RunData, maps: dict[str, np.ndarray], what: str, by: str) -> Figure | None:
    xy, names = maps.get(f"{what}_xy"), maps.get(f"{what}_recording")
    if xy is None or names is None or xy.ndim != 2 or len(xy) != len(names) or not len(xy):
        return None
    plural = "Postures" if what == "posture" else "Behaviours"
    if by in ("time", "motif"):
        return _map_of_moments(xy, names, maps.get(f"{what}_time_s" if by == "time" else f"{what}_motif"), by, plural)
    known = {row.get("recording_id", ""): row.get(by, "") for row in data.recordings}
    labels = [known.get(str(name), str(name)) for name in names]
    shown = set(labels)
    colours = plotting.group_colours(data.groups, data.reference)
    by_group = {label: colour for label, colour in colours.items() if label in shown} if shown <= set(colours) else None
    return study.map_figure(xy, labels, by_group if by == "group" else None, f"{plural}, by {by}")


def _map_of_moments(
    xy: np.ndarray, names: np.ndarray, values: np.ndarray | None, by: str, plural: str
) -> Figure | None:
    if values is None or len(values) != len(xy):
        return None
    if by == "time":
        return study.map_over_time_figure(xy, share_of_recording(names, values), f"{plural}, by time in the recording")
    order = np.argsort(values, kind="stable")
    return study.map_figure(xy[order], [f"motif {motif}" for motif in values[order]], None, f"{plural}, by motif")


def _usage(data: RunData) -> Figure | None:
    shares = usage_table(data)
    if not shares or len(next(iter(shares.values()))) < 2:
        return None
    values = np.array([[np.nan if value is None else value for value in row] for row in shares.values()])
    names, groups = zip(*shares, strict=True)
    return study.usage_figure(names, groups, values, data.reference)


def _films(data: RunData) -> Figure | None:
    films, labels, rows = [], [], []
    for one in MotifDescription.from_json(read_facts(data.files.motifs_json)).motifs:
        drawn = [(film[::2], shown) for shown in one.examples if (film := example_film(data, shown)) is not None]
        films.append([film for film, _ in drawn])
        labels.append([f"{shown.subject}, {shown.t_start_s or 0:.1f} s" for _, shown in drawn])
        rows.append(f"motif {one.motif}")
    return study.films_figure(films, labels, rows) if any(films) else None


def _timeline(data: RunData, name: str, line: Timeline, usual: tuple[float, float] | None) -> Figure:
    peaks = arrays_if_there(data.files.evidence(name)).get("peak_time_s", np.empty(0))
    score = data.by_recording.get(name)
    group = score.group if score else data.row(name).get("group", "")
    colour = plotting.group_colours(data.groups, data.reference).get(group, plotting.OKABE_ITO[0])
    times = [float(time) for time in peaks]
    return study.timeline_figure(line.start, line.end, line.deviation, usual, times, colour, name)


def _strip(data: RunData, path: Path) -> Figure | None:
    evidence = arrays_if_there(path)
    query, times = evidence.get("query_crop"), evidence.get("peak_time_s")
    if query is None or times is None or not len(query):
        return None
    nearest = evidence.get("nearest_crop", np.zeros((len(query), 0, 1, 1, 3), np.uint8))
    labels = [f"{data.row(path.stem).get('subject') or path.stem}, {float(time):.1f} s" for time in times]
    return study.strip_figure(query, nearest, labels, _nearest_labels(data, evidence, len(query)))


def _nearest_labels(data: RunData, evidence: dict[str, Any], rows: int) -> list[list[str]]:
    names, times = evidence.get("nearest_recording"), evidence.get("nearest_time_s")
    if names is None or times is None:
        return [[""] * 3 for _ in range(rows)]
    return [
        [f"{data.row(str(name)).get('subject') or name}, {float(time):.1f} s" for name, time in zip(*pair, strict=True)]
        for pair in zip(names, times, strict=True)
    ]


def _column(scores: list[ScoreRow], name: str) -> np.ndarray:
    return np.asarray([getattr(score, name) for score in scores], dtype=float)


def statistics_drawings(data: RunData) -> Iterator[Drawing]:
    """Name and drawing of every figure that statistics.json and distances.csv have the numbers of."""
    yield "curves", lambda: _curves(data)
    for place, one in enumerate(data.statistics.timecourse or []):
        yield f"time_course_{place + 1}", lambda one=one: _time_course(data, one)  # type: ignore[misc]
    yield "distances", lambda: _distances(data)
    yield "classifier", lambda: _classifier(data)
    view = audit_view(data)
    for place, entry in enumerate(view["comparisons"] if view else []):
        yield f"audit_{place + 1}", lambda entry=entry: _audit(entry)  # type: ignore[misc]
    yield "effects", lambda: _effects(data)


def _colours(data: RunData) -> dict[str, str]:
    """One colour per group, the same in every figure."""
    named = [*data.groups, *data.statistics.n]
    return group_colours(named, data.reference)


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array(values, dtype=float)


def _curves(data: RunData) -> Figure | None:
    curves: dict[str, dict[str, draw.Line]] = {}
    means: dict[str, draw.Line] = {}
    found = data.statistics.curves or []
    for curve in found:
        names = dict.fromkeys(point.subject for point in curve.points)
        lines = {name: _line([point for point in curve.points if point.subject == name]) for name in names}
        if any(len(line[0]) for line in lines.values()):
            curves[curve.group] = lines
        mean = _line(curve.mean)
        if len(mean[0]):
            means[curve.group] = mean
    return draw.curves_figure(curves, means, _colours(data), data.reference, found[0].column) if curves else None


def _line(rows: Sequence[Point | MeanPoint]) -> draw.Line:
    known = [(row.x, row) for row in rows if row.x is not None and row.deviation is not None]
    known.sort(key=lambda one: one[0])
    value, low, high = (_numbers([getattr(row, name) for _, row in known]) for name in ("deviation", "low", "high"))
    return _numbers([x for x, _ in known]), value, low, high


def _time_course(data: RunData, one: Course) -> Figure | None:
    time = _numbers(one.time_s)
    mean, low, high = (
        {group: _numbers(values) for group, values in part.items()} for part in (one.mean, one.low, one.high)
    )
    groups = [group for group in mean if all(len(part.get(group, ())) == len(time) for part in (mean, low, high))]
    if len(time) < 2 or not groups:
        return None
    clusters = [
        (cluster.start_s, cluster.end_s, cluster.p)
        for cluster in one.clusters
        if cluster.start_s is not None and cluster.end_s is not None
    ]
    mean, low, high = ({group: part[group] for group in groups} for part in (mean, low, high))
    return draw.time_course_figure(time, mean, low, high, clusters, _colours(data))


def _distances(data: RunData) -> Figure | None:
    found = read_distances(data.files)
    if found is None:
        return None
    names, groups, apart = found
    order = clustered(apart)
    sorted_names, sorted_groups = ([values[index] for index in order] for values in (names, groups))
    return draw.distances_figure(sorted_names, sorted_groups, apart[np.ix_(order, order)], _colours(data))


def _classifier(data: RunData) -> Figure | None:
    found = data.statistics.classifier
    if found is None or len(found.groups) < 2 or not found.subjects:
        return None
    groups = found.groups
    wanted = next((group for group in groups if group != data.reference), groups[-1]) if len(groups) == 2 else None
    shares = [row.probability.get(wanted or row.group) for row in found.subjects]
    known = [(row, share) for row, share in zip(found.subjects, shares, strict=True) if share is not None]
    names, whose = [row.subject for row, _ in known], [row.group for row, _ in known]
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
    found = [(test, test.effect) for test in data.statistics.tests if test.effect is not None]
    known = [(test, effect) for test, effect in found if None not in (effect.value, effect.low, effect.high)]
    if not known:
        return None
    measure, _ = Counter(effect.name for _, effect in known).most_common(1)[0]
    same = [(test, effect) for test, effect in known if effect.name == measure]
    names = [" against ".join(reversed(test.pair)) for test, _ in same]
    value, low, high = (_numbers([getattr(effect, name) for _, effect in same]) for name in ("value", "low", "high"))
    return draw.effects_figure(names, value, low, high, measure)
