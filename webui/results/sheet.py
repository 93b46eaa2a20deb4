"""One page on a patient as PDF: who, held to which reference, the visits, what was found, its limits, four stills."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from webui.results.visits import Course, day, finding, limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

A4 = (8.27, 11.69)  # inches
LEFT, RIGHT = 0.1, 0.9
INK, SOFT, BAND, DOT = "#1c2024", "#565e68", "#dfe3e8", "#c75200"
LINE = 108  # letters of a line of small text


@dataclass(frozen=True)
class Still:
    """A picture uint8 [H, W, 3] RGB and the words below it."""

    picture: np.ndarray
    words: str


@dataclass(frozen=True)
class Sheet:
    """What stands on the page; facts: names and values, in their order; stills: at most four."""

    pseudonym: str
    facts: Sequence[tuple[str, str]]
    course: Course
    stills: Sequence[Still]


def sheet_pdf(sheet: Sheet) -> bytes:
    """The page as PDF (A4), without the time and the program in its metadata beyond what is printed."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    figure = Figure(figsize=A4)
    FigureCanvasPdf(figure)
    figure.text(LEFT, 0.95, _plain(sheet.pseudonym), fontsize=20, weight="bold", color=INK, va="top")
    top = 0.915
    for name, value in sheet.facts:
        figure.text(LEFT, top, _plain(name), fontsize=9, color=SOFT, va="top")
        figure.text(LEFT + 0.2, top, _plain(value), fontsize=9, color=INK, va="top")
        top -= 0.017
    _draw_course(figure.add_axes((LEFT + 0.04, 0.56, RIGHT - LEFT - 0.04, 0.2)), sheet.course)
    _paragraphs(figure, 0.51, "Finding", finding(sheet.course))
    _paragraphs(figure, 0.41, "Limits", limits(sheet.course))
    _draw_stills(figure, sheet.stills)
    out = io.BytesIO()
    figure.savefig(out, format="pdf", metadata={"Title": "ubam", "CreationDate": None, "Producer": None})
    return out.getvalue()


def _plain(text: str) -> str:
    """Text in which dollars begin no formula, short enough for a line."""
    whole = " ".join(text.split())
    return (whole if len(whole) <= LINE else whole[: LINE - 1] + "…").replace("$", r"\$")


def _paragraphs(figure: "Figure", top: float, title: str, sentences: Sequence[str]) -> None:
    figure.text(LEFT, top, title, fontsize=11, weight="bold", color=INK, va="top")
    lines = [line for sentence in sentences for line in wrap(sentence, LINE)]
    figure.text(
        LEFT, top - 0.02, "\n".join(line.replace("$", r"\$") for line in lines), fontsize=8.5, color=INK, va="top",
        linespacing=1.4,
    )  # fmt: skip


def _draw_course(axes: "Axes", course: Course) -> None:
    """The deviation of every visit with its interval, over the reference's range."""
    visits = [visit for visit in course.visits if visit.deviation is not None]
    if course.band is not None:
        axes.axhspan(*course.band, color=BAND, lw=0)
        axes.text(0.995, course.band[1], f"range of {_plain(course.reference)} ", transform=axes.get_yaxis_transform(),
                  ha="right", va="bottom", fontsize=7.5, color=SOFT)  # fmt: skip
    place = np.arange(len(visits))
    for x, visit in zip(place, visits, strict=True):
        if visit.low is not None and visit.high is not None:
            axes.plot([x, x], [visit.low, visit.high], color=DOT, lw=2, solid_capstyle="round")
    axes.plot(place, [visit.deviation or 0.0 for visit in visits], "-o", color=DOT, lw=1.2, markersize=6)
    axes.set_xticks(place, [day(visit.date) for visit in visits], fontsize=8)
    axes.set_xlim(-0.5, max(len(visits) - 0.5, 0.5))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("deviation", fontsize=8.5, color=INK)
    axes.tick_params(labelsize=8, color=SOFT)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_stills(figure: "Figure", stills: Sequence[Still]) -> None:
    width = (RIGHT - LEFT) / 4
    for place, still in enumerate(stills[:4]):
        axes = figure.add_axes((LEFT + place * width, 0.09, 0.95 * width, 0.16))
        axes.imshow(still.picture)
        axes.axis("off")
        axes.set_title(_plain(still.words), fontsize=7.5, color=SOFT, y=-0.12)
