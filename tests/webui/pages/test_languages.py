"""A second language: the same keys and places to fill as in English, chosen by the browser or in it."""

import re
from typing import Any

import pytest

from tests.webui.support.clients import TestServer
from webui.pages.texts import LANGUAGES, TEXTS

OTHERS = [code for code in LANGUAGES if code != "en"]
# Words that are the same in German.
SAME = {
    "table.none", "comments.by", "preset.standard", "patient.title", "patient.pseudonym", "ranking.p", "ranking.p_is",
    "viewer.link", "viewer.whose", "groups.p", "audit.auc", "control.ubam", "downloads.nwb", "sign_in.name",
    "users.name",
}  # fmt: skip


def flat(texts: dict[str, Any]) -> dict[str, Any]:
    return {f"{part}.{name}": text for part, names in texts.items() for name, text in names.items()}


def forms(text: Any) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


def places(text: str) -> set[str]:
    """What is filled in."""
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_there_with_the_same_places(code: str) -> None:
    english, other = flat(TEXTS["en"]), flat(TEXTS[code])
    assert list(other) == list(english), "the keys, in their order"
    for key, text in english.items():
        assert isinstance(other[key], dict) == isinstance(text, dict), key
        if isinstance(text, dict):
            assert set(other[key]) == set(text), key
        wanted = {place for form in forms(text) for place in places(form)}
        assert {place for form in forms(other[key]) for place in places(form)} == wanted, key


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_was_left_in_english(code: str) -> None:
    english, other = flat(TEXTS["en"]), flat(TEXTS[code])
    alike = {key for key, text in english.items() if text == other[key]}
    assert alike == SAME
    assert not [key for key, text in other.items() if not all(forms(text))]


@pytest.mark.parametrize(
    ("asked", "cookie", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "", "de"),
        ("fr,en;q=0.8,de;q=0.5", "", "en"),
        ("fr", "", "en"),
        ("", "", "en"),
        ("en", "de", "de"),
        ("de", "en", "en"),
        ("de", "../x", "de"),
    ],
)
def test_the_choice_in_the_browser_goes_before_what_it_asks_for(
    alone: TestServer, asked: str, cookie: str, language: str
) -> None:
    client = alone.stranger()
    if cookie:
        client.http.set_cookie("ubam-language", cookie)
    headers = {"Accept-Language": asked} if asked else {}
    page = client.get("/sign-in", headers=headers).get_data(as_text=True)
    assert f'<html lang="{language}">' in page
    assert f"<h1>{TEXTS[language]['sign_in']['title']}</h1>" in page
    script = client.get("/texts.js", headers=headers)
    assert f'export const language = "{language}";' in script.get_data(as_text=True)
    assert {"Accept-Language", "Cookie"} <= set(script.vary)


def test_an_error_page_is_in_the_language_and_its_sentence_in_english(server: TestServer) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "de"}
    page = server.person("grace").get("/studies/x", headers=headers).get_data(as_text=True)
    assert "<h1>Nicht gefunden</h1>" in page
    assert '<p lang="en">There is no such study' in page
