"""Settings come in.

A process listens, or does jobs, until it is stopped.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["make_server", "work"]

if TYPE_CHECKING:
    from webui.server.serve import make_server, work
else:
    __getattr__, __dir__ = lazy_names(__name__, make_server="serve", work="serve")
