"""Two plots of a clip's displacement: where in the body, and when."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ubam.core.plotting import INK, NOTE, OKABE_ITO, canvas, plain_label, thinned
from ubam.magnification.layouts.colours import heat_colour

ARROW_EVERY = 6  # cells of the map
AMBER_BAND = "#f8e3b5"


def where_figure(length: np.ndarray, direction: np.ndarray, body: np.ndarray, title: str = "") -> Figure:
    """The body in grey, the mean length [S, S] of its displacement as heat, its mean direction [S, S, 2] as arrows.

    body [S, S]: share of the frames, 0..1, in which the subject is there. Lengths are in body heights; the heat ends at
    the largest of them, at least 2 %.
    """
    figure = Figure(figsize=(3.9, 3.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    highest = max(float(length.max(initial=0)), 0.02)
    share = np.clip(length / highest, 0, 1)
    grey = np.repeat((1 - 0.35 * np.clip(body, 0, 1))[..., None], 3, axis=2)
    alpha = np.where(length > 0, 0.25 + 0.7 * share, 0)[..., None] * np.clip(2 * body, 0, 1)[..., None]
    axes.imshow((1 - alpha) * grey + alpha * heat_colour(share.astype(np.float32)) / 255, interpolation="bicubic")
    rows, columns = np.mgrid[ARROW_EVERY // 2 : len(length) : ARROW_EVERY, ARROW_EVERY // 2 : len(length) : ARROW_EVERY]
    shown = np.linalg.norm(direction[rows, columns], axis=-1) > 0.25 * highest
    x, y = columns[shown], rows[shown]
    shift = direction[y, x] * len(length)  # a body is about as high as its box
    axes.quiver(x, y, shift[:, 0], shift[:, 1], angles="xy", scale_units="xy", scale=1, width=0.008, color=INK)
    axes.set_axis_off()
    axes.set_title(plain_label(title), loc="left", fontsize=10)
    ramp = ListedColormap(heat_colour(np.linspace(0, 1, 64, dtype=np.float32)) / 255)
    scale = axes.imshow(np.full((1, 1), np.nan), cmap=ramp, vmin=0, vmax=100 * highest, extent=(0, 1, 0, 1))
    axes.set_xlim(-0.5, len(length) - 0.5)
    axes.set_ylim(len(length) - 0.5, -0.5)
    bar = figure.colorbar(scale, ax=axes, shrink=0.7, aspect=18)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.set_label("mean displacement to the twin\n(% of body height)", fontsize=8, color=INK)
    bar.outline.set_visible(False)
    return figure


def when_figure(
    time_s: np.ndarray, length: np.ndarray, marked_s: Sequence[Sequence[float]] = (), title: str = ""
) -> Figure:
    """Mean displacement [T] (body heights) over time; stretches of marked frames (start, end in s) are shaded."""
    figure, axes = canvas(7.0, 2.2)
    for start, end in marked_s:
        axes.axvspan(start, end, color=AMBER_BAND, linewidth=0)
    times, values = thinned(np.asarray(time_s, float), 100 * np.asarray(length, float), 4000)
    axes.plot(times, values, color=OKABE_ITO[0], linewidth=1.4)
    if marked_s:
        note = "shaded: the magnified picture is not to be trusted"
        axes.text(1, 1.02, note, fontsize=8, color=NOTE, ha="right", va="bottom", transform=axes.transAxes)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time in the recording (s)")
    axes.set_ylabel("displacement\n(% of body height)")
    axes.set_title(plain_label(title), loc="left", fontsize=10)
    return figure
