"""The numbers of a run come in.

Its figures go out, drawn with matplotlib and written as PNG and SVG.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = [
    "curves_figure",
    "distances_figure",
    "drawings",
    "effects_figure",
    "map_figure",
    "subjects_figure",
    "timeline_figure",
    "write_figures",
]

if TYPE_CHECKING:
    from ubam.report.figures.statistics import curves_figure, distances_figure, effects_figure
    from ubam.report.figures.study import map_figure, subjects_figure, timeline_figure
    from ubam.report.figures.write import drawings, write_figures
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        curves_figure="statistics",
        distances_figure="statistics",
        drawings="write",
        effects_figure="statistics",
        map_figure="study",
        subjects_figure="study",
        timeline_figure="study",
        write_figures="write",
    )
