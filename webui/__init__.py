"""The web service: `create_app` makes the Flask application, `ubam serve` and `ubam worker` run it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from webui.context import JobQueue
    from webui.settings import ServerSettings


def create_app(settings: "ServerSettings", queue: "JobQueue | None" = None) -> "APIFlask":
    """The application; it makes the data folder and brings the database to this version.

    settings: where the data lies and who may come. queue: where jobs go; None: the durable queue of `webui.jobs`.
    Raises UbamError when the data folder is not safe to use.
    """
    from webui.app import build  # here and not above: the child processes of this package need none of it

    return build(settings, queue)
