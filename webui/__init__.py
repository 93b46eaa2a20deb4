"""The web service: settings come in, and the Flask application that shows studies and runs in the browser goes out.

`ubam serve` and `ubam worker` run it.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["DurableQueue", "Limits", "ServerSettings", "create_app"]

if TYPE_CHECKING:
    from apiflask import APIFlask

    from webui.context import JobQueue
    from webui.jobs.queue import DurableQueue
    from webui.settings import Limits, ServerSettings
else:
    __getattr__, __dir__ = lazy_names(__name__, DurableQueue="jobs.queue", Limits="settings", ServerSettings="settings")


def create_app(settings: "ServerSettings", queue: "JobQueue | None" = None) -> "APIFlask":
    """The application. It makes the data folder and brings the database to this version.

    settings: where the data is and who may sign in. queue: where jobs go; None: the durable queue of `webui.jobs`.
    Raises UbamError when the data folder is not safe to use.
    """
    from webui.app import build  # here and not above: the child processes of this package need none of it

    return build(settings, queue)
