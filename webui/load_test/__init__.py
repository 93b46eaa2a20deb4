"""A number of visitors and of videos comes in.

A server is started from outside, and how long it takes goes out beside the targets.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Browser", "copy_on_disk", "copy_on_loopback", "crowd", "run_from_the_page", "server"]

if TYPE_CHECKING:
    from webui.load_test.targets import copy_on_disk, copy_on_loopback, crowd, run_from_the_page
    from webui.load_test.tools import Browser, server
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Browser="tools",
        copy_on_disk="targets",
        copy_on_loopback="targets",
        crowd="targets",
        run_from_the_page="targets",
        server="tools",
    )
