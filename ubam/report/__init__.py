"""A run folder comes in.

One self-contained page goes out, and the figures beside it.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["drawings", "write_figures", "write_report"]

if TYPE_CHECKING:
    from ubam.report.figures.write import drawings, write_figures
    from ubam.report.page import write_report
else:
    __getattr__, __dir__ = lazy_names(
        __name__, drawings="figures.write", write_figures="figures.write", write_report="page"
    )
