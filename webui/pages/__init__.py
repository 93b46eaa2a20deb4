"""A visitor's request comes in.

A page goes out; all texts are in one file.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["TEXTS", "pages"]

if TYPE_CHECKING:
    from webui.pages.routes import pages
    from webui.pages.texts import TEXTS
else:
    __getattr__, __dir__ = lazy_names(__name__, TEXTS="texts", pages="routes")
