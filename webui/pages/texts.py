"""The texts of the pages in every language, for the templates and the browser's modules.

English is texts.toml; any other language is a file beside it, named after its code, with the same keys. What is not in
them stays English: sentences of the analysis, reports, tables, and errors of the API.
"""

import tomllib
from pathlib import Path
from typing import Any

from flask import Request

ENGLISH = "en"
COOKIE = "ubam-language"
HERE = Path(__file__).parent
LANGUAGES = {ENGLISH: "English", "de": "Deutsch"}


def _read(code: str) -> dict[str, Any]:
    path = HERE / ("texts.toml" if code == ENGLISH else f"texts.{code}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


TEXTS: dict[str, dict[str, Any]] = {code: _read(code) for code in LANGUAGES}


def language_of(request: Request) -> str:
    """The language that was chosen in this browser, else the one that it asks for, else English."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES), ENGLISH) or ENGLISH
