"""What can be said of the pages without a browser: texts, no foreign address, nothing inline, who must sign in."""

import re
import tomllib
from pathlib import Path

import pytest

import webui
from tests.webui.support.clients import TestServer
from ubam.core.settings import POSTURES
from ubam.tracking.eye.landmarks import PLANS

HOME = Path(webui.__file__).parent
SCRIPTS = sorted((HOME / "static" / "js").glob("*.js"))
TEMPLATES = sorted((HOME / "templates").glob("*.html"))
STYLES = sorted((HOME / "static" / "css").glob("*.css"))


def known_texts() -> set[str]:
    texts = tomllib.loads((HOME / "pages" / "texts.toml").read_text(encoding="utf-8"))
    return {f"{part}.{name}" for part, names in texts.items() for name in names}


def joined(paths: list[Path]) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_every_text_is_there_and_every_text_is_used() -> None:
    scripts, templates = joined(SCRIPTS), joined(TEMPLATES)
    said = set(re.findall(r'say(?:Or)?\(\s*"([a-z_]+\.[a-z_0-9]+)"', scripts))
    said |= set(re.findall(r"\bt\.([a-z_]+\.[a-z_0-9]+)", templates))
    said |= {key for key in known_texts() if key.startswith("problem.")}  # of the status of an answer
    assert said - known_texts() == set()
    named = set(re.findall(r'"([a-z_]+\.[a-z_0-9]+)"', scripts))
    patterns = [re.sub(r"\$\{[^}]*\}", "[a-z_0-9]+", key) for key in re.findall(r"say(?:Or)?\(`([^`]+)`", scripts)]
    unused = {key for key in known_texts() - said - named if not any(re.fullmatch(p, key) for p in patterns)}
    assert unused == set()


def test_no_text_has_the_name_of_a_method() -> None:
    """`t.table.keys` is the method of the dictionary in a template, and not the text."""
    named = re.findall(r"\bt\.[a-z_]+\.([a-z_0-9]+)", joined(TEMPLATES))
    assert [name for name in named if hasattr({}, name)] == []


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    templates = joined(TEMPLATES)
    assert re.findall(r"\son[a-z]+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", templates) == []
    addresses = re.findall(r"https?://[^\s\"'<>)]+", templates + joined(SCRIPTS) + joined(STYLES))
    assert set(addresses) == {"http://www.w3.org/2000/svg"}, "a name space, not an address"
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", joined(SCRIPTS)) == []


def test_files_are_short() -> None:
    assert {path.name: n for path in SCRIPTS + STYLES if (n := len(path.read_text().splitlines())) > 400} == {}


@pytest.mark.parametrize(
    "path", ["/", "/studies/x", "/runs/x", "/runs/x/score", "/compare", "/account", "/users", "/audit"]
)
def test_strangers_are_sent_to_sign_in_and_then_on(server: TestServer, path: str) -> None:
    answer = server.stranger().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/sign-in?next={path}"


@pytest.mark.parametrize("path", ["/studies/x", "/runs/x", "/runs/x/score", "/users", "/audit"])
def test_what_is_not_theirs_is_a_page_that_says_so(server: TestServer, path: str) -> None:
    answer = server.person("grace").get(path, headers={"Accept": "text/html"})
    assert answer.status_code in (403, 404)
    assert re.search(r"<h1>Not (found|allowed)</h1>", answer.get_data(as_text=True))


def test_pages_are_under_a_strict_policy(server: TestServer) -> None:
    answer = server.person("ada", "admin").get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_texts_are_sent_once(server: TestServer) -> None:
    first = server.stranger().get("/texts.js")
    assert first.get_data(as_text=True).startswith("export const texts = {")
    assert server.stranger().get("/texts.js", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_the_choices_of_a_run_are_those_of_the_command_line() -> None:
    page = (HOME / "templates" / "study.html").read_text(encoding="utf-8")
    for field, names in (("posture", POSTURES), ("plan", ("", *PLANS))):
        options = re.findall(
            r'<option value="(\w*)">', page.partition(f'<select id="{field}">')[2].partition("</select>")[0]
        )
        assert tuple(options) == names
