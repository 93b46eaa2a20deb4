"""Checks of every request and answer: forged requests, headers, limits on bodies, errors as one sentence."""

from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask, HTTPError, abort
from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from ubam.core.errors import UbamError
from webui.context import service
from webui.results.path_redaction import cut_bytes, of_the_program, places
from webui.results.reader import cut_from
from webui.settings import LOCAL_NAMES, ServerSettings

SIGN_IN = "/api/v1/session"
SAFE = ("GET", "HEAD", "OPTIONS")
PROBLEM = "application/problem+json"
AGAIN_S = 30  # after which a request that was one too many is worth another try
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Files that a run made are shown in a frame without an origin: what is in them reaches neither cookies nor the API.
FILE_POLICY = "sandbox allow-scripts allow-popups; default-src 'none'; img-src data: blob:; media-src data: blob:; "
FILE_POLICY += "style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; frame-ancestors 'self'"


def identity() -> str:
    """What a limit counts by: the person, or else the address."""
    return str(current_user.id) if current_user.is_authenticated else get_remote_address()


limiter = Limiter(get_remote_address, storage_uri="memory://", strategy="fixed-window", headers_enabled=False)
csrf = CSRFProtect()


def cookie_name(key: bytes, *, secure: bool) -> str:
    """The name of the session's cookie: browsers tell hosts apart and not ports, so each data folder has its own."""
    return f"{'__Host-' if secure else ''}ubam-{sha256(b'cookie' + key).hexdigest()[:8]}"


def configure(app: Flask, settings: ServerSettings, key: bytes) -> None:
    """Cookies, hosts and sizes."""
    app.config.update(
        SECRET_KEY=key,
        SESSION_COOKIE_NAME=cookie_name(key, secure=settings.secure),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure,
        PERMANENT_SESSION_LIFETIME=14 * 24 * 3600,
        MAX_CONTENT_LENGTH=settings.limits.body_bytes,
        WTF_CSRF_CHECK_DEFAULT=False,
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=settings.secure,
        RATELIMIT_ENABLED=True,
    )
    if settings.public_name:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
        app.config["TRUSTED_HOSTS"] = [settings.public_name, *LOCAL_NAMES]
    elif not settings.accounts:
        app.config["TRUSTED_HOSTS"] = list(LOCAL_NAMES)  # a foreign name for 127.0.0.1 is an attack from a web page


def install(app: APIFlask, settings: ServerSettings) -> None:
    """Register the checks with the app."""
    app.after_request(_frame_files)  # before Talisman, so that it runs after it
    csrf.init_app(app)
    limiter.init_app(app)
    Talisman(
        app,
        force_https=False,
        strict_transport_security=settings.secure,
        session_cookie_secure=settings.secure,
        session_cookie_samesite="Lax",
        content_security_policy=POLICY,
        frame_options="DENY",
        referrer_policy="same-origin",
        permissions_policy={"camera": "()", "microphone": "()", "geolocation": "()", "interest-cohort": "()"},
    )
    app.before_request(_check_body)
    app.before_request(_check_forgery)
    app.after_request(_never_keep)
    app.after_request(_as_problem)
    hidden = (*places(settings.data, *settings.folders), *of_the_program())
    app.after_request(partial(_hide_folders, hidden))
    app.error_processor(_as_sentence)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(UbamError, lambda error: _sentence(str(error), 400))
    app.register_error_handler(RecursionError, lambda _: _sentence("The JSON is nested too deeply.", 400))


def _check_body() -> None:
    """No forms anywhere: bodies are JSON, a table as text, or a piece of an upload, which alone may be large."""
    if request.endpoint == "uploads.append":
        request.max_content_length = service().settings.limits.largest_chunk
    if request.method not in SAFE and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        abort(415, "Forms are not taken here; send JSON.")


def _check_forgery() -> None:
    """Every change needs the token of the session, unless the request brings an API token, which no browser adds."""
    if request.method not in SAFE and current_user.is_authenticated and g.get("reads_only"):
        abort(403, "This token is for reading only; make another one for changes.")
    if request.method in SAFE or (current_user.is_authenticated and g.get("by_token")):
        return
    if not current_user.is_authenticated and request.path != SIGN_IN:
        abort(401, "Sign in first, or send a token: Authorization: Bearer ubam_...")
    csrf.protect()


def _never_keep(response: Response) -> Response:
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    return response


def _hide_folders(hidden: tuple[str, ...], response: Response) -> Response:
    """No answer of the API says where on this server things lie; a run of the command line names folders of its own."""
    if response.mimetype in ("application/json", PROBLEM) and not response.direct_passthrough:
        run = g.get("run")
        cut = cut_from(run) if run is not None and run.folder is not None else ()
        response.set_data(cut_bytes(cut_bytes(response.get_data(), cut), hidden))
    return response


def _frame_files(response: Response) -> Response:
    """Files get the policy that takes their origin away, and may stand in a frame of this site."""
    if g.get("file_answer"):
        response.headers["Content-Security-Policy"] = FILE_POLICY
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _as_sentence(error: HTTPError) -> tuple[dict[str, Any], int, Any]:
    """APIFlask's errors in the shape of this API."""
    message = error.message or ""
    if error.status_code == 422 and error.detail:
        message = _first_problem(error.detail)
    return _problem(message, error.status_code, error.detail), error.status_code, error.headers


def _first_problem(detail: Any, where: str = "") -> str:
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()), ("", "is not right"))
        known = str(name) in ("json", "query", "_schema")
        return _first_problem(inner, where if known else f"{where}.{name}".strip("."))
    text = str(detail[0] if isinstance(detail, list) and detail else detail)
    return f"'{where}': {text}" if where else text


def _forged(error: CSRFError) -> tuple[dict[str, Any], int]:
    return _sentence(
        "The request brings no valid CSRF token; reload the page, or send X-CSRFToken from /api/v1/me.", 400
    )


def _in_browser() -> bool:
    """Whether somebody opened this address in a browser: it asks for HTML, as no script of a page or program does."""
    wanted = request.accept_mimetypes
    return request.method in SAFE and wanted["text/html"] > max(wanted["application/json"], wanted[PROBLEM])


def _sentence(text: str, status: int) -> tuple[dict[str, Any], int]:
    return _problem(text, status), status


def _problem(text: str, status: int, detail: Any = None) -> dict[str, Any]:
    """An error as RFC 9457 has it; `error` is the sentence for people, `detail` what else is known."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "error": text,
            "detail": detail or {}}  # fmt: skip


def _as_problem(response: Response) -> Response:
    """Errors of the API say what they are, and when it is worth asking again; in a browser they are a page."""
    if response.status_code >= 400 and response.mimetype == "application/json" and _in_browser():
        problem = response.get_json()
        page = current_app.extensions["problem_page"](str(problem.get("error", "")), response.status_code)
        response.set_data(page)
        response.content_type = "text/html; charset=utf-8"
    if response.status_code >= 400 and response.mimetype == "application/json" and request.path.startswith("/api/"):
        response.content_type = PROBLEM
    if response.status_code in (429, 503):
        response.headers.setdefault("Retry-After", str(AGAIN_S))
    return response
