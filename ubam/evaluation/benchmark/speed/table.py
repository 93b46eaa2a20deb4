"""The table of `ubam benchmark --speed`, as text, as speed.csv and as a figure of what grows."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, ScalarFormatter

from ubam.core.files import write_csv
from ubam.core.plotting import INK, OKABE_ITO, canvas, save_figure, style
from ubam.evaluation.benchmark.speed.measuring import Measured
from ubam.evaluation.benchmark.speed.rows import CLIP, CROP, DECODE, EMBED, ENCODE, EYE, GENERATOR, NETWORKS, WHOLE

GROWS = {"length": "frames", "recordings": "recordings", "subjects": "subjects", "workers": "workers"}
COLUMNS = ("part", "row", "size", "unit", "cpu_ms", "wall_ms", "peak_mb", "repeats", "ratio")


def ratios(measured: Sequence[Measured]) -> list[float]:
    """CPU time of a unit over that of decoding a frame, in the same run; growth: wall-clock time over the first's."""
    first = {(one.part, one.row): one.wall_ms for one in reversed(measured)}
    return [
        one.cpu_ms / _decoded(measured) if one.part == "rows" else one.wall_ms / first[one.part, one.row]
        for one in measured
    ]


def _decoded(measured: Sequence[Measured]) -> float:
    return statistics.median(one.cpu_ms for one in measured if one.row == DECODE)


def with_sums(measured: Sequence[Measured]) -> list[Measured]:
    """The lines, and after that of the embedding one of the whole way from a film to its embedding."""
    found = []
    for one in measured:
        found.append(one)
        if one.part == "rows" and one.row == EMBED:
            crop = next(other for other in measured if other.part == "rows" and other.row == CROP)
            cpu_ms, wall_ms = crop.cpu_ms + one.cpu_ms, crop.wall_ms + one.wall_ms
            whole = replace(one, row=WHOLE, cpu_ms=cpu_ms, wall_ms=wall_ms, peak_mb=max(crop.peak_mb, one.peak_mb))
            found.append(replace(whole, repeats=crop.repeats))
    return found


def speed_table(measured: Sequence[Measured]) -> str:
    """All lines as text, and in sentences what is compared with the original's networks and between workers."""
    lines = with_sums(measured)
    text = [f"{'':32}{'size':>8}  {'one':10}{'CPU ms':>12}{'wall ms':>12}{'ratio':>10}{'peak MB':>9}"]
    for part in dict.fromkeys(one.part for one in lines):
        title = "beside decoding a frame" if part == "rows" else f"growth with {GROWS[part]}"
        text += ["", title]
        text += [
            f"  {one.row:30}{one.size:>8,}  {one.unit:10}{one.cpu_ms:>12,.2f}{one.wall_ms:>12,.2f}"
            f"{ratio:>10,.2f}{one.peak_mb:>9,.0f}"
            for one, ratio in zip(lines, ratios(lines), strict=True)
            if one.part == part
        ]
    return "\n".join([*text, "", *_sentences(lines)])


def _sentences(lines: Sequence[Measured]) -> list[str]:
    cost = {one.row: one.cpu_ms for one in reversed(lines) if one.part == "rows"}
    decoded = [one.cpu_ms for one in lines if one.row == DECODE]
    said = [
        f"A frame costs the original's networks {cost[NETWORKS] / cost[ENCODE]:.0f} times what it costs the encoder.",
        f"A picture of a clip, start of the program included, costs {cost[f'{CLIP}, magnified'] / cost[GENERATOR]:.1f} "
        "times what it costs the original's generator.",
        f"Whole embedding costs {cost[WHOLE] / _decoded(lines):.1f} times what decoding does, and "
        f"{(cost[WHOLE] - cost[EYE]) / _decoded(lines):.1f} times without the eye, which takes "
        f"{cost[EYE] / cost[WHOLE]:.0%} of it.",
        f"Decoding alone, first and last: {decoded[0]:.2f} and {decoded[-1]:.2f} CPU ms a frame.",
    ]
    for row in dict.fromkeys(one.row for one in lines if one.part == "workers"):
        one, *others = [line for line in lines if line.part == "workers" and line.row == row]
        said += [
            f"{row}: {other.size} workers take 1/{one.wall_ms / other.wall_ms:.2f} of the time." for other in others
        ]
    return said


def write_speed(measured: Sequence[Measured], out: Path) -> list[Path]:
    """Write `out`/speed.csv, and speed.png and .svg of what grows; the paths that were written."""
    lines = with_sums(measured)
    rows = [asdict(one) | {"ratio": ratio} for one, ratio in zip(lines, ratios(lines), strict=True)]
    write_csv(out / "speed.csv", rows, COLUMNS)
    return [out / "speed.csv", *_figure(lines, out)]


def _figure(lines: Sequence[Measured], out: Path) -> list[Path]:
    """CPU time of one unit, and memory, over the size of what grows; a level line grows as it should.

    Over workers, the wall-clock time that they take beside the first number of them.
    """
    figure, first = canvas(12.0, 4.6)
    grid = figure.add_gridspec(2, len(GROWS))
    first.set_subplotspec(grid[0, 0])
    shown = [
        replace(one, cpu_ms=ratio) if one.part == "workers" else one
        for one, ratio in zip(lines, ratios(lines), strict=True)
    ]
    for column, part in enumerate(GROWS):
        time = first if column == 0 else figure.add_subplot(grid[0, column])
        memory = figure.add_subplot(grid[1, column])
        mine = [one for one in shown if one.part == part]
        for colour, row in zip(OKABE_ITO, dict.fromkeys(one.row for one in mine), strict=False):
            points = [one for one in mine if one.row == row]
            sizes = [one.size for one in points]
            time.plot(sizes, [one.cpu_ms for one in points], "o-", color=colour, label=f"{row}, each {points[0].unit}")
            memory.plot(sizes, [one.peak_mb for one in points], "o-", color=colour)
        for axes, label in ((time, "CPU ms"), (memory, "peak MB")):
            style(axes)
            axes.set_xscale("linear" if part == "workers" else "log")
            axes.set_ylim(bottom=0)
            axes.set_ylabel(label if column == 0 else "")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True) if part == "workers" else LogLocator(numticks=6))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(ScalarFormatter())
        if part == "workers":
            time.set_ylabel("of the time of one")
        if mine:
            time.legend(frameon=False, fontsize=8, labelcolor=INK)
        memory.set_xlabel(GROWS[part])
    return save_figure(figure, out / "speed")
