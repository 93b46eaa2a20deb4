"""Every plot, one function each: arrays in, a matplotlib Figure out; `save_figure` writes it as PNG and SVG.

Colours are Okabe and Ito's (2008), which colour-blind readers can distinguish. The reference group is always grey, so
that colour means "compared with the reference". Figures are made without pyplot and its global state.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ubam.core.plotting import (
    BAND,
    INK,
    NOTE,
    OKABE_ITO,
    REFERENCE_COLOUR,
    canvas,
    group_colours,
    plain_label,
    style,
    thinned,
)
from ubam.results.controls import OURS, labels_of_controls

MARKERS = ("o", "s", "^", "D", "v", "P")


def subjects_figure(
    subjects: Sequence[str],
    groups: Sequence[str],
    deviation: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    reference: str | None,
) -> Figure:
    """Subjects ranked by deviation [N] with their intervals `low`..`high` [N]; the reference's range is a grey band.

    A subject whose deviation is not a finite number is listed last, without a point.
    """
    deviation, low, high = (np.asarray(values, dtype=float) for values in (deviation, low, high))
    order = np.argsort(np.where(np.isfinite(deviation), deviation, -np.inf))
    figure, axes = canvas(7.0, 1.3 + 0.24 * max(len(order), 3))
    colours = group_colours(groups, reference)
    is_reference = np.asarray([group == reference for group in groups], dtype=bool)
    _reference_band(axes, deviation[is_reference], vertical=True)
    for row, index in enumerate(order):
        colour = colours[groups[index]]
        axes.plot([low[index], high[index]], [row, row], color=colour, linewidth=1.6, solid_capstyle="round")
        axes.plot(deviation[index], row, "o", color=colour, markersize=6, markeredgecolor="white")
    axes.set_yticks(range(len(order)), [plain_label(subjects[index]) for index in order])
    axes.set_ylim(-0.8, len(order) - 0.2)
    axes.set_xlabel("deviation from the reference (larger is less like it)")
    _group_legend(figure, colours)
    return figure


def groups_figure(
    groups: Sequence[str],
    deviation: np.ndarray,
    reference: str | None,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
) -> Figure:
    """One point per subject, `deviation` [N] with its interval `low`..`high` [N], a column per group, median marked."""
    deviation = np.asarray(deviation, dtype=float)
    low, high = (np.full(len(deviation), np.nan) if v is None else np.asarray(v, dtype=float) for v in (low, high))
    colours = group_colours(groups, reference)
    figure, axes = canvas(max(3.6, 1.4 * len(colours) + 1.6), 3.6)
    for column, (group, colour) in enumerate(colours.items()):
        mine = np.flatnonzero(np.asarray([name == group for name in groups]) & np.isfinite(deviation))
        mine = mine[np.argsort(deviation[mine], kind="stable")]
        across = column + _spread(deviation[mine])
        axes.vlines(across, low[mine], high[mine], color=colour, linewidth=1.2, alpha=0.6, zorder=2)
        axes.scatter(across, deviation[mine], s=34, color=colour, edgecolor="white", linewidth=0.8, zorder=3)
        if len(mine):
            axes.plot(
                [column - 0.3, column + 0.3], [np.median(deviation[mine])] * 2, color=INK, linewidth=1.4, zorder=2
            )
    labels = [f"{plain_label(group)}\nn = {sum(name == group for name in groups)}" for group in colours]
    axes.set_xticks(range(len(colours)), labels, rotation=30 if len(colours) > 5 else 0)
    axes.set_xlim(-0.6, len(colours) - 0.4)
    axes.set_ylabel(
        "deviation of each subject, 95 % interval" if np.isfinite(low).any() else "deviation of each subject"
    )
    return figure


def timeline_figure(
    start_s: np.ndarray,
    end_s: np.ndarray,
    deviation: np.ndarray,
    normal: tuple[float, float] | None = None,
    peaks: Sequence[float] = (),
    colour: str = OKABE_ITO[0],
    title: str = "",
) -> Figure:
    """Deviation [W] of the windows of one recording over time (s); `normal` is the shaded range, `peaks` (s) marked."""
    middle = (np.asarray(start_s, dtype=float) + np.asarray(end_s, dtype=float)) / 2
    middle, deviation = thinned(middle, np.asarray(deviation, dtype=float), 4000)
    figure, axes = canvas(7.0, 2.4)
    if normal is not None:
        axes.axhspan(*normal, color=BAND, linewidth=0)
        middle_of_band, across = sum(normal) / 2, axes.get_yaxis_transform()
        axes.text(
            1.01, middle_of_band, "usual in the\nreference", fontsize=8, color=NOTE, va="center", transform=across
        )
    axes.plot(middle, deviation, color=colour, linewidth=1.4, marker="o" if len(middle) < 3 else None)
    for number, time in enumerate(peaks, start=1):
        axes.axvline(time, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.text(time, 1.0, str(number), fontsize=8, ha="center", va="bottom", transform=axes.get_xaxis_transform())
    axes.set_ylim(bottom=min(0.0, *_finite(deviation), 0.0))
    axes.set_xlabel("time in the recording (s)")
    axes.set_ylabel("deviation")
    axes.set_title(plain_label(title), loc="left", fontsize=10, pad=14)
    return figure


def map_figure(
    xy: np.ndarray, labels: Sequence[str], colours: Mapping[str, str] | None = None, what: str = ""
) -> Figure:
    """Points [N, 2] coloured by their label [N]; `colours` names their colours, else colour and marker take turns."""
    names = list(dict.fromkeys(labels)) if colours is None else list(colours)
    columns = 1 + (len(names) - 1) // 26
    figure, axes = canvas(5.6 + 1.3 * columns, 5.0)
    label_of = np.asarray(labels)
    size = float(np.clip(9000 / max(len(label_of), 1), 3, 30))
    for number, name in enumerate(names):
        points = np.asarray(xy, dtype=float)[label_of == name]
        colour = OKABE_ITO[number % len(OKABE_ITO)] if colours is None else colours[name]
        marker = "o" if colours is not None else MARKERS[number // len(OKABE_ITO) % len(MARKERS)]
        axes.scatter(points[:, 0], points[:, 1], s=size, c=colour, marker=marker, alpha=0.75, linewidth=0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title(what, loc="left", fontsize=10)
    handles = [_handle(number, name, colours) for number, name in enumerate(names)]
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=8, ncols=columns)
    return figure


def map_over_time_figure(xy: np.ndarray, when: np.ndarray, what: str = "") -> Figure:
    """Points [N, 2] coloured by when in their recording they are, `when` [N] from 0 (start) to 1 (end)."""
    figure, axes = canvas(6.9, 5.0)
    size = float(np.clip(9000 / max(len(xy), 1), 3, 30))
    shown = axes.scatter(xy[:, 0], xy[:, 1], s=size, c=when, cmap="cividis", vmin=0, vmax=1, alpha=0.8, linewidth=0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title(what, loc="left", fontsize=10)
    bar = figure.colorbar(shown, ax=axes, shrink=0.4, aspect=14, ticks=[0, 1])
    bar.ax.set_yticklabels(["start", "end"], fontsize=8)
    bar.outline.set_visible(False)
    return figure


def usage_figure(subjects: Sequence[str], groups: Sequence[str], share: np.ndarray, reference: str | None) -> Figure:
    """Share [N, K], 0..1, of each subject's time in each motif: a row per subject, a column of bars per motif.

    The grey band is the range of the reference group. A share that is not a finite number has no bar.
    """
    share = np.asarray(share, dtype=float).reshape(len(subjects), -1)
    count, colours = share.shape[1], group_colours(groups, reference)
    figure = Figure(figsize=(2.0 + 1.5 * count, 1.2 + 0.2 * max(len(subjects), 4)), layout="constrained")
    FigureCanvasAgg(figure)
    is_reference = np.asarray([group == reference for group in groups], dtype=bool)
    most = max(1.05 * max(_finite(share.ravel())), 0.01)
    for motif, axes in enumerate(np.atleast_1d(figure.subplots(1, count, sharey=True))):
        style(axes)
        axes.spines["left"].set_visible(False)
        _reference_band(axes, share[is_reference, motif], vertical=True)
        axes.barh(range(len(subjects)), share[:, motif], height=0.62, color=[colours[group] for group in groups])
        axes.set_title(f"motif {motif + 1}", fontsize=9, color=INK)
        axes.set_xlim(0, most)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
        axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(subjects) - 0.4, -0.6)
    figure.axes[0].set_yticks(range(len(subjects)), [plain_label(name) for name in subjects])
    figure.supxlabel("share of the time", fontsize=9, color=INK)
    _group_legend(figure, colours)
    return figure


def films_figure(films: Sequence[Sequence[np.ndarray]], labels: Sequence[Sequence[str]], rows: Sequence[str]) -> Figure:
    """Pictures in a row [n, S, S, 3] for each example of each motif: `films` by motif, `labels` beside each, `rows`."""
    columns = max((len(examples) for examples in films), default=0) or 1
    frames = max((len(film) for examples in films for film in examples), default=1)
    figure = Figure(figsize=(0.75 * frames * columns + 0.9, 1.05 * max(len(films), 1)), layout="constrained")
    FigureCanvasAgg(figure)
    for line, axes_of in zip(range(len(films)), figure.subplots(len(films), columns, squeeze=False), strict=True):
        for column, axes in enumerate(axes_of):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if column == 0:
                axes.set_ylabel(plain_label(rows[line]), fontsize=9, color=INK)
            if column < len(films[line]):
                axes.imshow(np.hstack(list(films[line][column])), interpolation="bicubic")
                axes.set_title(plain_label(labels[line][column]), fontsize=7.5, color=NOTE, loc="left", pad=2)
    return figure


def controls_figure(controls: Mapping[str, Mapping[str, float | None]]) -> Figure:
    """How well each way of coding separates the groups: {name: {"auc": 0..1, "p": 0..1}}; 0.5 is chance."""
    figure, axes = canvas(6.0, 1.1 + 0.42 * max(len(controls), 2))
    for row, (name, values) in enumerate(controls.items()):
        auc, p = values.get("auc"), values.get("p")
        if auc is None:
            continue
        colour = OKABE_ITO[0] if name == OURS else REFERENCE_COLOUR
        axes.plot([0.5, auc], [row, row], color=colour, linewidth=2)
        axes.plot(auc, row, "o", color=colour, markersize=8)
        note = f"{auc:.2f}" if p is None else f"{auc:.2f}, p = {p:.2g}"
        axes.annotate(note, (max(auc, 0.5), row), xytext=(9, 0), textcoords="offset points", va="center", fontsize=8)
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    labels = labels_of_controls()
    axes.set_yticks(range(len(controls)), [labels.get(name, plain_label(name)) for name in controls])
    axes.set_ylim(len(controls) - 0.4, -0.6)
    axes.set_xlim(0, 1.22)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel("group separation, AUC (0.5 is chance, 1 is complete)")
    return figure


def strip_figure(
    query: np.ndarray, nearest: np.ndarray, query_labels: Sequence[str], nearest_labels: Sequence[Sequence[str]]
) -> Figure:
    """Rows of one query crop [P, S, S, 3] and its nearest reference crops [P, R, S, S, 3], uint8, with labels."""
    rows, columns, side = len(query), 1 + (nearest.shape[1] if nearest.ndim == 5 else 0), query.shape[1]
    wide, high = side + side // 12, side + side // 5
    sheet = np.full((rows * high, columns * wide, 3), 255, np.uint8)
    figure = Figure(figsize=(1.7 * columns, 1.7 * high / wide * rows))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.axis("off")
    for row in range(rows):
        pictures = [query[row], *(nearest[row] if columns > 1 else ())]
        for column, (picture, label) in enumerate(
            zip(pictures, [query_labels[row], *nearest_labels[row]], strict=False)
        ):
            x, y = column * wide + (wide - side) // 2, (row + 1) * high - side - 1
            sheet[y : y + side, x : x + side] = picture
            colour = OKABE_ITO[0] if column == 0 else INK
            axes.text(
                x + side / 2, y - side / 25, plain_label(label), fontsize=7.5, color=colour, ha="center", va="bottom"
            )
    axes.imshow(sheet, interpolation="bicubic", aspect="auto")
    return figure


def _finite(values: np.ndarray) -> list[float]:
    values = np.asarray(values, dtype=float)
    return [float(value) for value in values[np.isfinite(values)]] or [0.0]


def _reference_band(axes: Axes, values: np.ndarray, vertical: bool) -> None:
    values = values[np.isfinite(values)]
    if len(values):
        (axes.axvspan if vertical else axes.axhspan)(values.min(), values.max(), color=BAND, linewidth=0, zorder=0)


def _spread(values: np.ndarray) -> np.ndarray:
    """Sideways offsets that keep neighbours in sorted `values` [N] apart: a fixed zigzag, no chance involved."""
    return (
        np.asarray([0.0, 0.09, -0.09, 0.17, -0.17])[np.arange(len(values)) % 5]
        if len(values) > 1
        else np.zeros(len(values))
    )


def _handle(number: int, name: str, colours: Mapping[str, str] | None) -> Line2D:
    colour = OKABE_ITO[number % len(OKABE_ITO)] if colours is None else colours[name]
    marker = "o" if colours is not None else MARKERS[number // len(OKABE_ITO) % len(MARKERS)]
    return Line2D([], [], marker=marker, linestyle="", color=colour, markersize=6, label=plain_label(name))


def _group_legend(figure: Figure, colours: Mapping[str, str]) -> None:
    handles = [_handle(number, name, colours) for number, name in enumerate(colours)]
    figure.legend(
        handles=handles, loc="outside upper left", frameon=False, fontsize=8.5, ncols=min(len(handles), 4) or 1
    )
