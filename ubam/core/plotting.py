"""What every figure shares: canvas, style, colours, saving."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ubam.core.files import atomic_path

REFERENCE_COLOUR = "#7a7f87"
OKABE_ITO = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, NOTE, FAINT, BAND = "#22262b", "#6a7078", "#c9cdd3", "#e9ebee"


def group_colours(groups: Sequence[str], reference: str | None) -> dict[str, str]:
    """One colour per group name, in the order of first appearance; the reference is grey, colours repeat after six."""
    queries = [group for group in dict.fromkeys(groups) if group != reference]
    colours = {group: OKABE_ITO[number % len(OKABE_ITO)] for number, group in enumerate(queries)}
    return ({reference: REFERENCE_COLOUR} if reference in groups and reference is not None else {}) | colours


def save_figure(figure: Figure, path: Path, dpi: int = 150) -> list[Path]:
    """Write `path`.png (at `dpi`) and `path`.svg (text kept as text), each atomically, and return both paths."""
    written = [path.with_name(path.name + suffix) for suffix in (".png", ".svg")]
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ubam"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        for target in written:
            with atomic_path(target) as temporary:
                metadata = {"Date": None} if target.suffix == ".svg" else {"Software": "ubam"}
                figure.savefig(temporary, dpi=dpi, metadata=metadata, facecolor="white")
            figure.set_layout_engine("none")  # what the first drawing placed stays there
    return written


def thinned(time: np.ndarray, values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """About `most` points of a line at most, with its lows and highs: the least and the greatest of each stretch."""
    if len(values) <= most:
        return time, values
    stretches = np.array_split(np.arange(len(values)), max(1, most // 2))
    full = [stretch[np.isfinite(values[stretch])] for stretch in stretches]
    kept = [
        index
        for stretch, finite in zip(stretches, full, strict=True)
        for index in (
            sorted({int(finite[values[finite].argmin()]), int(finite[values[finite].argmax()])})
            if len(finite)
            else [int(stretch[0])]
        )
    ]
    return time[kept], values[kept]


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of inches with one pair of axes in the house's style."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    style(axes)
    return figure, axes


def style(axes: Axes) -> None:
    """The house's style: two faint spines, small dark labels."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=8.5, color=FAINT)
    axes.xaxis.label.set(fontsize=9, color=INK)
    axes.yaxis.label.set(fontsize=9, color=INK)


def plain_label(text: str, most: int = 32) -> str:
    """`text` without its dollars being read as mathematics, and short enough for a label: `most` signs."""
    text = " ".join(str(text).split())
    return (text if len(text) <= most else text[: most - 1] + "…").replace("$", r"\$")
