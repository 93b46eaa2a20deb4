"""The contract between Python and the pages, checked on both sides: what is sent, and what the pages read of it.

The answers of `webui.http.answer_schemas` are in the OpenAPI document. `check_answer` holds a JSON answer to it; a page
with `watching` complains in its console of every field that it reads and the document does not promise.
"""

import json
import re
from pathlib import Path
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException

WATCH = Path(__file__).parent / "contract.js"


def schema_of(app: Flask, method: str, path: str, status: int) -> dict[str, Any] | None:
    """What the OpenAPI document says of an answer; None where it says nothing."""
    try:
        rule, _ = app.url_map.bind("localhost").match(path.partition("?")[0], method, return_rule=True)
    except HTTPException:
        return None
    described = _spec(app)["paths"].get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {}).get(method.lower(), {})
    content = described.get("responses", {}).get(str(status), {}).get("content", {})
    found: dict[str, Any] | None = content.get("application/json", {}).get("schema")
    return found or None


_KNOWN: list[dict[str, Any]] = []  # the document, which only names the session cookie differently in each server


def _spec(app: Flask) -> dict[str, Any]:
    if not _KNOWN:
        _KNOWN.append(app.test_client().get("/api/v1/openapi.json").json)
    return _KNOWN[0]


def check_answer(app: Flask, method: str, path: str, status: int, found: Any) -> bool:
    """Hold an answer to the contract; whether there is one for it."""
    schema = schema_of(app, method, path, status)
    if schema is None:
        return False
    whole = {"allOf": [schema], "components": _spec(app)["components"]}
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(whole).iter_errors(found)]
    assert not wrong, f"{method} {path} breaks the contract: {wrong[:5]}"
    return True


def watching(spec: dict[str, Any]) -> str:
    """A script that lets a page complain of every field that it reads and the OpenAPI document does not promise."""
    answers = []
    for path, operations in spec["paths"].items():
        schema = (
            operations.get("get", {})
            .get("responses", {})
            .get("200", {})
            .get("content", {})
            .get("application/json", {})
            .get("schema")
        )
        if schema:
            answers.append(["^" + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$", schema])
    known = json.dumps({"answers": answers, "schemas": spec["components"]["schemas"]})
    return f"({WATCH.read_text(encoding='utf-8').strip().rstrip(';')})({known});"
