"""Frames of a recording come in, with the subject's outline where it is known.

The empty scene goes out, and what differs from it.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Scene", "saliency"]

if TYPE_CHECKING:
    from ubam.tracking.scene.empty_scene import Scene
    from ubam.tracking.scene.foreground import saliency
else:
    __getattr__, __dir__ = lazy_names(__name__, Scene="empty_scene", saliency="foreground")
