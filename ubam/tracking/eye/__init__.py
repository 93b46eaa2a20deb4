"""Crops of a video come in, with their neighbours in time and the empty scene.

The subject's outline, body coordinates and landmarks go out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Eye", "EyeNetwork", "Seen"]

if TYPE_CHECKING:
    from ubam.tracking.eye.eye import Eye, Seen
    from ubam.tracking.eye.network import EyeNetwork
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Eye="eye",
        EyeNetwork="network",
        Seen="eye",
    )
