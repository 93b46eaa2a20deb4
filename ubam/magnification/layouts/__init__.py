"""Magnified pictures come in.

A clip or a figure goes out: side by side, overlaid on the recording, or as a strip of moments.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["overlay_pictures", "when_figure", "where_figure", "write_magnified", "write_strip"]

if TYPE_CHECKING:
    from ubam.magnification.layouts.overlay import overlay_pictures
    from ubam.magnification.layouts.plots import when_figure, where_figure
    from ubam.magnification.layouts.strip import write_strip
    from ubam.magnification.layouts.write import write_magnified
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        overlay_pictures="overlay",
        when_figure="plots",
        where_figure="plots",
        write_magnified="write",
        write_strip="strip",
    )
