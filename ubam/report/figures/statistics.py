"""Figures of the statistics: curves over days, the time in a recording, distances, classifier, audit, effect sizes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ubam.core.plotting import BAND, FAINT, INK, NOTE, OKABE_ITO, REFERENCE_COLOUR, canvas, plain_label, style

Line = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # x, value, low, high


def curves_figure(
    curves: Mapping[str, Mapping[str, Line]],
    means: Mapping[str, Line],
    colours: Mapping[str, str],
    reference: str | None,
    column: str = "day",
) -> Figure:
    """Deviation of every subject over days or doses: a panel per group, its mean with interval drawn over the subjects.

    curves: group -> subject -> (x, deviation, low, high), each [P]; means: group -> the same of the group's mean. The
    reference's mean interval is the grey band of every panel.
    """
    figure = Figure(figsize=(max(3.4, 2.9 * len(curves) + 0.6), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(1, len(curves), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (group, subjects) in zip(grid, curves.items(), strict=True):
        style(axes)
        colour = colours[group]
        if reference is not None and reference in means and group != reference:
            x, _, low, high = means[reference]
            axes.fill_between(x, low, high, color=BAND, linewidth=0)
        for x, value, low, high in subjects.values():
            axes.plot(x, value, color=colour, linewidth=0.9, alpha=0.55)
            axes.vlines(x, low, high, color=colour, linewidth=0.9, alpha=0.35)
            axes.plot(x, value, "o", color=colour, markersize=3.6, markeredgecolor="white", markeredgewidth=0.4)
        if group in means:
            x, value, low, high = means[group]
            axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
            axes.plot(x, value, color=INK, linewidth=2)
        axes.set_title(f"{plain_label(group)} (n = {len(subjects)})", loc="left", fontsize=9.5, color=INK)
        axes.set_xlabel(plain_label(column))
    places = sorted({float(place) for lines in curves.values() for line in lines.values() for place in line[0]})
    if len(places) <= 8:
        grid[0].set_xticks(places, [f"{place:g}" for place in places])
    grid[0].set_ylabel("deviation from the reference")
    grid[0].set_ylim(bottom=0)
    return figure


def time_course_figure(
    time_s: np.ndarray,
    mean: Mapping[str, np.ndarray],
    low: Mapping[str, np.ndarray],
    high: Mapping[str, np.ndarray],
    clusters: Sequence[tuple[float, float, float | None]],
    colours: Mapping[str, str],
) -> Figure:
    """Mean deviation of groups over the time in the recording (s), [T], with intervals; `clusters` (start, end, p).

    A stretch with p <= 0.05 is shaded and labelled, others are outlined.
    """
    figure, axes = canvas(7.0, 3.0)
    for start, end, p in clusters:
        sure = p is not None and p <= 0.05
        axes.axvspan(start, end, facecolor=BAND if sure else "none", edgecolor=FAINT, linewidth=0 if sure else 0.8)
        text = "" if p is None else f"p = {p:.2g}"
        axes.text(
            (start + end) / 2, 1.01, text, fontsize=8, color=NOTE, ha="center", transform=axes.get_xaxis_transform()
        )
    for group in mean:
        axes.fill_between(time_s, low[group], high[group], color=colours[group], alpha=0.18, linewidth=0)
        axes.plot(time_s, mean[group], color=colours[group], linewidth=1.8, label=plain_label(group))
    axes.set_xlabel("time in the recording (s)")
    axes.set_ylabel("deviation")
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8.5)
    return figure


def distances_figure(
    subjects: Sequence[str], groups: Sequence[str], apart: np.ndarray, colours: Mapping[str, str]
) -> Figure:
    """Distances [N, N] between subjects in the order that is given; the colour of a name is its group's."""
    count = len(subjects)
    side = min(max(3.0, 0.24 * count + 1.4), 16.0)
    figure = Figure(figsize=(side + 1.1, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = np.ma.masked_where(np.eye(count, dtype=bool), apart)
    picture = axes.imshow(shown, cmap="cividis_r", vmin=0, interpolation="nearest")
    size = float(np.clip(220 / count, 3.5, 8.5))
    names = [plain_label(name) for name in subjects]
    axes.set_xticks(range(count), names, rotation=90, fontsize=size)
    axes.set_yticks(range(count), names, fontsize=size)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        for label, group in zip(labels, groups, strict=True):
            label.set_color(colours[group])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(picture, ax=axes, shrink=0.5, aspect=18)
    bar.outline.set_visible(False)
    bar.set_label("how differently two subjects move", fontsize=8.5, color=INK)
    bar.ax.tick_params(labelsize=8, color=FAINT)
    return figure


def classifier_figure(
    subjects: Sequence[str],
    groups: Sequence[str],
    probability: np.ndarray,
    wanted: str | None,
    chance: float,
    colours: Mapping[str, str],
) -> Figure:
    """How much each subject looks like the group `wanted`, or like its own for None, to a model that never saw it.

    probability [N], 0..1; `chance` is dashed.
    """
    order = np.lexsort((probability, np.array([str(group) for group in groups])))
    figure, axes = canvas(6.4, 1.3 + 0.22 * max(len(order), 3))
    axes.axvline(chance, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    for row, index in enumerate(order):
        axes.plot([chance, probability[index]], [row, row], color=colours[groups[index]], linewidth=1.2, alpha=0.6)
        axes.plot(probability[index], row, "o", color=colours[groups[index]], markersize=6, markeredgecolor="white")
    axes.set_yticks(range(len(order)), [plain_label(subjects[index]) for index in order])
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.8, len(order) - 0.2)
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set_xlabel(f"looks like {'its own group' if wanted is None else plain_label(wanted)} (dashed: chance)")
    handles = [
        axes.plot([], [], "o", color=colour, label=plain_label(group))[0]
        for group, colour in colours.items()
        if group in groups
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False, fontsize=8.5)
    return figure


def audit_figure(labels: Sequence[str], aucs: np.ndarray, notes: Sequence[str], apart: Sequence[bool]) -> Figure:
    """How well each property besides movement separates two groups: AUC [N], 0.5 is chance; a note beside each."""
    figure, axes = canvas(7.4, 1.1 + 0.32 * max(len(labels), 2))
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    for row, (auc, note, wrong) in enumerate(zip(aucs, notes, apart, strict=True)):
        if np.isfinite(auc):
            colour = OKABE_ITO[0] if wrong else REFERENCE_COLOUR
            axes.plot([0.5, auc], [row, row], color=colour, linewidth=1.6)
            axes.plot(auc, row, "o", color=colour, markersize=7)
        axes.text(1.06, row, note, fontsize=8, va="center", color=INK if wrong else NOTE)
    axes.set_yticks(range(len(labels)), [plain_label(label, 60) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(0, 1.6)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel("separation of the groups, AUC (0.5 is chance, 1 is complete)")
    return figure


def effects_figure(names: Sequence[str], values: np.ndarray, low: np.ndarray, high: np.ndarray, measure: str) -> Figure:
    """Effect sizes of one kind with their intervals, a row per test; [N] each."""
    figure, axes = canvas(7.0, 1.1 + 0.36 * max(len(names), 2))
    nothing = 0.5 if measure.upper() == "AUC" else 0.0
    axes.axvline(nothing, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    for row in range(len(names)):
        axes.plot([low[row], high[row]], [row, row], color=OKABE_ITO[1], linewidth=1.8, solid_capstyle="round")
        axes.plot(values[row], row, "o", color=OKABE_ITO[1], markersize=7, markeredgecolor="white")
    axes.set_yticks(range(len(names)), [plain_label(name, 60) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    if measure.upper() == "AUC":
        axes.set_xlim(0, 1.02)
    axes.set_xlabel(f"{measure}, 95 % interval ({nothing:g}: no effect)")
    return figure
