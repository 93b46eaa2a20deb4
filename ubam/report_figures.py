"""The figures of a run folder: each is drawn from what is there, and left out when its numbers are missing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ubam import figures
from ubam.report_data import RunData, Score, Timeline, mapping, number, read_arrays, read_facts, read_run
from ubam.report_figures_statistics import Drawing, statistics_drawings
from ubam.report_maps import share_of_recording
from ubam.report_motifs import example_film, usage_table


def write_figures(run: Path, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Write `run`/figures/*.png and *.svg from the run folder, whatever is missing there, and return their paths."""
    data, written = read_run(run), []
    drawings = list(_drawings(data))
    for done, (name, draw) in enumerate(drawings, start=1):
        figure = draw()
        if figure is not None:
            written += figures.save_figure(figure, run / "figures" / name)
        if progress is not None:
            progress(done, len(drawings))
    return written


def _drawings(data: RunData) -> Iterator[Drawing]:
    yield "subjects", lambda: _subjects(data)
    yield "groups", lambda: _groups(data)
    yield "controls", lambda: _controls(data)
    yield from statistics_drawings(data)
    maps = read_arrays(data.folder / "maps.npz")
    for what, plural in (("posture", "postures"), ("behaviour", "behaviours")):
        for by in ("group", "subject", "time", *(("motif",) if what == "behaviour" else ())):
            yield f"map_{plural}_{by}", lambda what=what, by=by: _map(data, maps, what, by)  # type: ignore[misc]
    yield "motifs_usage", lambda: _usage(data)
    yield "motifs_examples", lambda: _films(data)
    usual = data.usual()
    for name, line in data.timelines.items():
        yield f"timeline_{name}", lambda name=name, line=line: _timeline(data, name, line, usual)  # type: ignore[misc]
    for path in sorted((data.folder / "evidence").glob("*.npz")):
        yield f"strip_{path.stem}", lambda path=path: _strip(data, path)  # type: ignore[misc]


def _subjects(data: RunData) -> Figure | None:
    scores = data.subjects
    deviation, low, high = (_column(scores, name) for name in ("deviation", "low", "high"))
    names, groups = [score.subject for score in scores], [score.group for score in scores]
    return figures.subjects_figure(names, groups, deviation, low, high, data.reference_here) if scores else None


def _groups(data: RunData) -> Figure | None:
    groups = [score.group for score in data.subjects]
    deviation, low, high = (_column(data.subjects, name) for name in ("deviation", "low", "high"))
    return figures.groups_figure(groups, deviation, data.reference_here, low, high) if groups else None


def _controls(data: RunData) -> Figure | None:
    controls = {name: values for name, values in mapping(data.statistics.get("controls")).items() if mapping(values)}
    known = {name: {key: number(value) for key, value in values.items()} for name, values in controls.items()}
    return figures.controls_figure(known) if known else None


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
    colours = figures.group_colours(data.groups, data.reference)
    by_group = {label: colour for label, colour in colours.items() if label in shown} if shown <= set(colours) else None
    return figures.map_figure(xy, labels, by_group if by == "group" else None, f"{plural}, by {by}")


def _map_of_moments(
    xy: np.ndarray, names: np.ndarray, values: np.ndarray | None, by: str, plural: str
) -> Figure | None:
    if values is None or len(values) != len(xy):
        return None
    if by == "time":
        return figures.map_over_time_figure(
            xy, share_of_recording(names, values), f"{plural}, by time in the recording"
        )
    order = np.argsort(values, kind="stable")
    return figures.map_figure(xy[order], [f"motif {motif}" for motif in values[order]], None, f"{plural}, by motif")


def _usage(data: RunData) -> Figure | None:
    shares = usage_table(data)
    if not shares or len(next(iter(shares.values()))) < 2:
        return None
    values = np.array([[np.nan if value is None else value for value in row] for row in shares.values()])
    names, groups = zip(*shares, strict=True)
    return figures.usage_figure(names, groups, values, data.reference)


def _films(data: RunData) -> Figure | None:
    listed = read_facts(data.folder / "motifs" / "motifs.json").get("motifs")
    films, labels, rows = [], [], []
    for one in (mapping(item) for item in (listed if isinstance(listed, list) else [])):
        examples = one.get("examples")
        shown = [mapping(example) for example in (examples if isinstance(examples, list) else [])]
        drawn = [(film[::2], example) for example in shown if (film := example_film(data, example)) is not None]
        films.append([film for film, _ in drawn])
        labels.append([f"{e.get('subject')}, {number(e.get('t_start_s')) or 0:.1f} s" for _, e in drawn])
        rows.append(f"motif {one.get('motif')}")
    return figures.films_figure(films, labels, rows) if any(films) else None


def _timeline(data: RunData, name: str, line: Timeline, usual: tuple[float, float] | None) -> Figure:
    peaks = read_arrays(data.folder / "evidence" / f"{name}.npz").get("peak_time_s", np.empty(0))
    score = data.by_recording.get(name)
    group = score.group if score else data.row(name).get("group", "")
    colour = figures.group_colours(data.groups, data.reference).get(group, figures.OKABE_ITO[0])
    times = [float(time) for time in peaks]
    return figures.timeline_figure(line.start, line.end, line.deviation, usual, times, colour, name)


def _strip(data: RunData, path: Path) -> Figure | None:
    evidence = read_arrays(path)
    query, times = evidence.get("query_crop"), evidence.get("peak_time_s")
    if query is None or times is None or not len(query):
        return None
    nearest = evidence.get("nearest_crop", np.zeros((len(query), 0, 1, 1, 3), np.uint8))
    labels = [f"{data.row(path.stem).get('subject') or path.stem}, {float(time):.1f} s" for time in times]
    return figures.strip_figure(query, nearest, labels, _nearest_labels(data, evidence, len(query)))


def _nearest_labels(data: RunData, evidence: dict[str, Any], rows: int) -> list[list[str]]:
    names, times = evidence.get("nearest_recording"), evidence.get("nearest_time_s")
    if names is None or times is None:
        return [[""] * 3 for _ in range(rows)]
    return [
        [f"{data.row(str(name)).get('subject') or name}, {float(time):.1f} s" for name, time in zip(*pair, strict=True)]
        for pair in zip(names, times, strict=True)
    ]


def _column(scores: list[Score], name: str) -> np.ndarray:
    return np.asarray([getattr(score, name) for score in scores], dtype=float)
