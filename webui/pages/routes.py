"""The HTML pages: thin shells in which the modules of static/js show what /api/v1 says."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_login import current_user

from ubam.recordings.folders import VIDEO_SUFFIXES
from webui.access.identity import admin
from webui.access.permissions import run_of, study_of
from webui.context import service
from webui.pages.texts import LANGUAGES, TEXTS, language_of

pages = Blueprint("pages", __name__)

# The figure of the mark: a walker, as a path in a square of 32.
WALKER = (
    "M16 2.8a3.2 3.2 0 1 1 0 6.4a3.2 3.2 0 1 1 0-6.4z"
    "M13.4 12.6a2.6 2.6 0 0 1 5.2 0v6.2l3.6 8.6a1.7 1.7 0 0 1-3.1 1.3l-3.1-7.3-3.1 7.3a1.7 1.7 0 0 1-3.1-1.3l3.6-8.6z"
)
SUFFIXES_MODULE = f"export const suffixes = {json.dumps(VIDEO_SUFFIXES)};\n"


@pages.context_processor
def _shared() -> dict[str, Any]:
    signed_in = bool(current_user.is_authenticated)
    accounts = service().settings.accounts
    is_admin = signed_in and accounts and current_user.role == "admin"
    return {**_spoken(), "signed_in": signed_in, "is_admin": is_admin, "accounts": accounts}


def _spoken() -> dict[str, Any]:
    """What a template needs whoever asks: the texts of the language, and the mark."""
    language = language_of(request)
    return {"t": TEXTS[language], "language": language, "languages": LANGUAGES, "walker": WALKER}


def _of_a_person(page: Callable[..., str]) -> Callable[..., Any]:
    """Send visitors who are not signed in to the sign-in page."""

    @wraps(page)
    def shown(**values: str) -> Any:
        if not current_user.is_authenticated:
            return redirect(url_for("pages.sign_in", next=request.full_path.rstrip("?")))
        return page(**values)

    return shown


def show_problem(sentence: str, status: int) -> str:
    """An error as a page, for somebody who opened an address in a browser."""
    titles = TEXTS[language_of(request)]["problem"]
    title = titles.get(str(status), titles["other"])
    shared = _shared() if status < 500 else _spoken()  # the database may be what fails
    return render_template("problem.html", title=title, sentence=sentence, **shared)


@pages.get("/texts.js")
def texts() -> Any:
    """The texts, in which language they are, and how names of films end, as a module of JavaScript."""
    language = language_of(request)
    spoken = f"export const texts = {json.dumps(TEXTS[language])};\nexport const language = {json.dumps(language)};\n"
    answer = Response(spoken + SUFFIXES_MODULE, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    answer.vary.update(("Accept-Language", "Cookie"))
    answer.add_etag()
    return answer.make_conditional(request)


@pages.get("/")
@_of_a_person
def studies() -> str:
    """Every study of the person."""
    return render_template("studies.html", here="studies")


@pages.get("/studies/<string:study_id>")
@_of_a_person
def study(study_id: str) -> str:
    """One study: its videos, its table, its runs."""
    return render_template("study.html", study_id=study_of(study_id).id)


@pages.get("/runs/<string:run_id>")
@_of_a_person
def run(run_id: str) -> str:
    """One run: its stages while it works, its results when it is done."""
    found = run_of(run_id)
    return render_template("run.html", run_id=found.id, is_example=found.study.kind == "example")


@pages.get("/runs/<string:run_id>/score")
@_of_a_person
def score(run_id: str) -> str:
    """Score further recordings against the frozen reference of a run."""
    return render_template("score.html", run_id=run_of(run_id).id)


@pages.get("/patients/<string:study_id>")
@_of_a_person
def patient(study_id: str) -> str:
    """A patient over visits."""
    return render_template("patient.html", study_id=study_of(study_id).id)


@pages.get("/compare")
@_of_a_person
def compare() -> str:
    """Two runs side by side."""
    return render_template("compare.html", here="compare")


@pages.get("/account")
@_of_a_person
def account() -> str:
    """Password, tokens, signing out."""
    return render_template("account.html", here="account")


@pages.get("/users")
@_of_a_person
def users() -> str:
    """Who may use this server, for administrators."""
    admin()
    return render_template("users.html", here="users")


@pages.get("/audit")
@_of_a_person
def audit() -> str:
    """Who opened and did what, for administrators."""
    admin()
    return render_template("audit.html", here="audit")


@pages.get("/sign-in")
def sign_in() -> Any:
    """Name and password; a person who is signed in already is redirected."""
    if current_user.is_authenticated:
        return redirect(url_for("pages.studies"))
    openid = service().settings.openid
    return render_template("sign_in.html", provider=openid.name if openid else "", next=request.args.get("next", "/"))
