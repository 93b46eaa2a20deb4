"""The Flask application, put together."""

from pathlib import Path
from typing import Any

from apiflask import APIFlask

from webui.access import identity
from webui.access.openid import connect
from webui.api import health
from webui.api.comments import comments
from webui.api.companions import companions
from webui.api.patients import patients
from webui.api.people import door, people
from webui.api.provider import provider
from webui.api.recordings import recordings
from webui.api.results import found
from webui.api.runs import runs
from webui.api.studies import studies
from webui.api.uploads import uploads
from webui.context import JobQueue, Service
from webui.data.database import Database
from webui.data.storage import Storage
from webui.http import security
from webui.http.schemas import Error
from webui.pages.routes import pages, show_problem
from webui.settings import ServerSettings, secret_key

DESCRIPTION = """Everything that the pages of ubam do. Sign in with `Authorization: Bearer ubam_...` (a token from the
page, or from POST /api/v1/tokens), or with a session cookie and its X-CSRFToken. Identifiers are 32 hexadecimal digits,
times are UTC. Lists that grow come in pages; the header Link names the next one. Things of other people are 404. Errors
are problems of RFC 9457; `error` is one sentence."""

OPEN = ("/api/v1/me", "/api/v1/session")


def build(settings: ServerSettings, queue: JobQueue | None = None) -> APIFlask:
    """The application; see `webui.create_app`."""
    key = secret_key(settings.data)
    storage, database = Storage(settings.data, settings.folders), Database(settings.database_url)
    storage.prepare()
    database.migrate()
    app = APIFlask(
        "webui", title="ubam", version="1", spec_path="/api/v1/openapi.json", docs_path=None,
        static_folder=str(Path(__file__).parent / "static"),
    )  # fmt: skip
    app.extensions["problem_page"] = show_problem
    app.extensions["ubam"] = Service(settings, database, storage, queue or _durable_queue(settings))
    security.configure(app, settings, key)
    _describe(app)
    app.before_request(health.count_request)
    identity.install(app)
    if settings.openid is not None:
        app.extensions["openid"] = connect(app, settings.openid)
    security.install(app, settings)
    app.after_request(health.count_answer)
    of_studies = (studies, recordings, companions, uploads, runs, found, patients, comments)
    for blueprint in (people, *of_studies, door, provider, health.health, pages):
        app.register_blueprint(blueprint)
    return app


def _durable_queue(settings: ServerSettings) -> JobQueue:
    from webui.jobs.queue import DurableQueue  # here and not above: tests of pages bring their own queue

    return DurableQueue(settings)


def _describe(app: APIFlask) -> None:
    """What the OpenAPI document says beside the routes."""
    app.config.update(
        OPENAPI_VERSION="3.1.0", DESCRIPTION=DESCRIPTION, HTTP_ERROR_SCHEMA=Error, VALIDATION_ERROR_SCHEMA=Error,
        AUTO_404_RESPONSE=True, AUTO_OPERATION_ID=True,
        SECURITY_SCHEMES={
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
        },
    )  # fmt: skip
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]

    app.spec_processor(_complete)  # type: ignore[arg-type]


def _complete(spec: dict[str, Any]) -> dict[str, Any]:
    """Say who may ask, and that every route may answer with an error in one sentence."""
    spec["security"] = [{"token": []}, {"session": []}]
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    spec["components"].setdefault("schemas", {})["Error"] = {
        "type": "object",
        "required": ["type", "title", "status", "error", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "error": {"type": "string"},
            "detail": {"type": "object"},
        },
    }
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            if path in OPEN:
                operation["security"] = []
            if isinstance(operation, dict) and "responses" in operation:
                kept = {code: what for code, what in operation["responses"].items() if not code.startswith(("4", "5"))}
                errors = {"4XX": {"description": "what is wrong and what to do", "content": problem}}
                errors["503"] = {"description": "the server's disk is full", "content": problem}
                operation["responses"] = kept | errors
    return spec
