"""An error is a page in a browser and a problem for a program."""

import pytest

from tests.webui.support.clients import TestServer

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/nowhere", 404, "Not found"),
        ("/studies/x", 404, "Not found"),
        ("/users", 403, "Not allowed"),
        ("/login?token=x&next=<script>", 302, ""),
        ("/api/v1/runs/x/report.html", 404, "Not found"),
        ("/api/v1/patients/x/page.pdf", 404, "Not found"),
        ("/api/v1/studies?limit=0", 422, "That did not work"),
    ],
)
def test_a_browser_gets_a_page(server: TestServer, path: str, status: int, title: str) -> None:
    answer = server.person("grace").get(path, headers=BROWSER)
    assert answer.status_code == status
    if not title:
        return
    page = answer.get_data(as_text=True)
    assert answer.mimetype == "text/html"
    assert f"<h1>{title}</h1>" in page
    assert "To the studies" in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/avif,image/webp,*/*;q=0.8", "video/*", None])
def test_a_program_and_a_script_get_a_problem(server: TestServer, accept: str | None) -> None:
    answer = server.person("grace").get("/api/v1/runs/x", headers={"Accept": accept} if accept else {})
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert "There is no such run" in answer.json["error"]


def test_a_stranger_is_told_to_sign_in(server: TestServer) -> None:
    page = server.stranger().get("/api/v1/runs/x/report.html", headers=BROWSER)
    assert page.status_code == 401
    assert "Sign in first" in page.get_data(as_text=True)
    assert 'href="/sign-in"' in page.get_data(as_text=True)


def test_a_fault_of_the_server_is_a_page_without_its_words(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(study_id: str) -> None:
        raise RuntimeError("secret")

    client = server.person("grace")
    monkeypatch.setattr("webui.pages.routes.study_of", broken)
    answer = client.get("/studies/x", headers=BROWSER)
    assert answer.status_code == 500
    assert "An error of the server" in answer.get_data(as_text=True)
    assert "secret" not in answer.get_data(as_text=True)
