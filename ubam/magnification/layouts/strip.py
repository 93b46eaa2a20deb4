"""The layout `strip`: a figure for papers with a column per moment: the twin, the recording, the magnified picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ubam.core.plotting import FAINT, INK, NOTE, OKABE_ITO, save_figure
from ubam.magnification.layouts.colours import heat_colour
from ubam.magnification.layouts.drawing import HIGH, LOW, Arrow, mark_change, reasons_words
from ubam.magnification.layouts.side_by_side import Region, regions_around
from ubam.magnification.magnify import Frame, Magnification, region_of
from ubam.magnification.quality_checks import Check, factor_words
from ubam.motifs.discovery import PERIODIC, self_similarity
from ubam.results.records.clips import ClipFacts

WIDTH = 183 / 25.4  # inches: two columns of a journal
TEXT, SMALL_TEXT = 7.0, 6.0  # points at that width
MOMENTS = 6
DPI = 300
TIGHT = 0.78  # share of the rendered region that a strip shows


def write_strip(out: Path, made: Magnification, factor: float, count: int = MOMENTS) -> ClipFacts:
    """Write `out` as .png and .svg, the latter with selectable text, and return the facts for its JSON.

    If the movement repeats within the clip, the moments are at equal steps of phase in the most deviant cycle;
    otherwise they are at equal steps over the clip.
    """
    chosen, period = strip_moments(made, count)
    short = replace(made, positions=made.positions[chosen])
    check = Check(short, factor)
    columns = list(check.watch(short.rendered((0.0, factor))))
    save_figure(strip_sheet(short, columns, factor, period), out.with_suffix(""), dpi=DPI)
    return replace(check.facts("strip"), period_s=period)


def strip_moments(made: Magnification, count: int) -> tuple[NDArray[np.int64], float | None]:
    """Return `count` increasing indices into the clip's positions, and the period (s) when they lie in a cycle."""
    posture, total = made.posture[made.positions], len(made.positions)
    even = np.diff(made.positions).max(initial=1) == 1
    regularity, period = self_similarity(posture - posture.mean(0)) if even and total >= 16 else (0.0, 0)
    if regularity < PERIODIC or period < count:
        return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(np.int64)), None
    apart = np.linalg.norm(posture - made.twin[made.positions], axis=1)
    summed = np.convolve(apart, np.ones(period), "valid")
    first = int(summed.argmax())
    return first + np.rint(period * np.arange(count) / count).astype(np.int64), period / made.query.fps


def strip_sheet(
    made: Magnification,
    columns: list[tuple[Frame, tuple[str, ...]]],
    factor: float,
    period: float | None,
) -> Figure:
    """The figure: a column per frame, the rows twin, recording, magnified with the difference marked."""
    regions = _regions(made)
    high = (regions[0][3] - regions[0][1]) / (regions[0][2] - regions[0][0])
    left, gap, top, bottom = 0.62, 0.03, 0.3, 0.42
    side = (WIDTH - left) / len(columns) - gap
    height = top + 3 * (side * high + gap) + bottom
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    for column, ((frame, issues), region) in enumerate(zip(columns, regions, strict=True)):
        box, body = made.query.box[frame.position], made.query.height_at(frame.position)
        marked, arrows = mark_change(frame, factor, box, body)
        for row, picture in enumerate((frame.moved[0.0].picture, frame.recording, marked)):
            x, y = left + column * (side + gap), height - top - (row + 1) * (side * high + gap)
            axes = figure.add_axes((x / WIDTH, y / height, side / WIDTH, side * high / height))
            _show(axes, picture, region, bool(issues) and row == 2)
            if row == 2:
                _draw_arrows(axes, arrows)
            if row == 0:
                axes.set_title(_moment(made, frame, columns[0][0], period), fontsize=TEXT, color=INK, pad=3)
            if column == 0:
                name = ("Twin", "Recording", f"Magnified\n{factor:g}×")[row]
                axes.set_ylabel(name, fontsize=TEXT, color=INK, rotation=0, ha="right", va="center", labelpad=4)
    _foot(figure, factor_words(made, factor), columns, height)
    return figure


def _regions(made: Magnification) -> list[Region]:
    query, boxes = made.query, made.query.box[made.positions]
    middle = np.column_stack([boxes[:, :2] + boxes[:, 2:]] * 2) / 2
    parts = np.array([region_of(box, query.width, query.height) for box in middle + TIGHT * (boxes - middle)])
    return regions_around(boxes, parts, query.width, query.height)


def _show(axes: Axes, picture: NDArray[np.uint8], region: Region, fenced: bool) -> None:
    x0, y0, x1, y1 = region
    axes.imshow(picture[y0:y1, x0:x1], interpolation="bicubic", aspect="auto", extent=(x0, x1, y1, y0))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(OKABE_ITO[4] if fenced else FAINT)
    axes.spines[:].set_linewidth(2.0 if fenced else 0.5)


def _draw_arrows(axes: Axes, arrows: list[Arrow]) -> None:
    """Arrows as lines, so that they stay sharp at any size: white in a dark rim."""
    rim = [withStroke(linewidth=2.0, foreground=INK)]
    for start, end in arrows:
        style = {"arrowstyle": "->,head_width=0.12,head_length=0.16", "color": "white", "linewidth": 0.8}
        axes.annotate("", end, start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0, "path_effects": rim})


def _moment(made: Magnification, frame: Frame, first: Frame, period: float | None) -> str:
    times = made.query.time_s
    if period is None:
        return f"{times[frame.position]:.2f} s"
    phase = (times[frame.position] - times[first.position]) / period
    return f"{100 * phase:.0f} % of cycle\n{times[frame.position]:.2f} s"


def _foot(figure: Figure, factor: str, columns: list[tuple[Frame, tuple[str, ...]]], height: float) -> None:
    issues = tuple({reason for _, reasons in columns for reason in reasons})
    words = f"{factor[0].upper()}{factor[1:]}."
    if issues:
        words += f"\nAmber: not to be trusted ({reasons_words(issues)})."
    figure.text(0.01, 0.02, words, fontsize=SMALL_TEXT, color=NOTE, ha="left", va="bottom")
    axes = figure.add_axes((1 - 1.6 / WIDTH, 0.24 / height, 1.5 / WIDTH, 0.07 / height))
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    extent = (100 * LOW, 100 * HIGH, 0.0, 1.0)
    axes.imshow(ramp[None], aspect="auto", extent=extent, cmap=ListedColormap(heat_colour(ramp) / 255))
    axes.set_yticks([])
    axes.set_xticks([100 * LOW, 100 * (LOW + HIGH) / 2, 100 * HIGH])
    axes.tick_params(labelsize=SMALL_TEXT, length=2, pad=1.5, color=FAINT, labelcolor=INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("moved, % of body height", fontsize=SMALL_TEXT, color=INK, labelpad=1)
