"""Signing in at a provider of OpenID Connect: a small real one on loopback, which issues signed identities."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.webui.support.clients import PASSWORD, Client, TestServer, small_limits
from webui.access.identity import find_user
from webui.data.models import User
from webui.settings import OpenId

pytest.importorskip("authlib")
mock = pytest.importorskip("oidc_provider_mock")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PEOPLE = {
    "sub-1": {"preferred_username": "Dr. Weiß", "name": "Anna Weiß"},
    "sub-2": {"name": "ada"},
    "sub-3": {"name": " \n "},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of the provider."""
    people = [mock.User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()]
    with mock.run_server_in_thread(require_nonce=True, user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def server(tmp_path: Path, issuer: str) -> TestServer:
    openid = OpenId(issuer, "ubam", "a secret", shown="Clinic <b>")
    return TestServer(tmp_path / "data", accounts=True, openid=openid, limits=small_limits())


def answer_of_provider(client: Client, sub: str, path: str = "/sign-in/provider") -> str:
    """Where the provider sends a browser after somebody signed in there: the address of this server."""
    off = client.get(path)
    assert off.status_code == 302, off.get_data(as_text=True)
    asked = parse_qs(urlsplit(off.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    back = requests.post(off.headers["Location"], data={"sub": sub}, allow_redirects=False, timeout=30)
    found = urlsplit(back.headers["Location"])
    assert found.path == "/sign-in/return"
    return f"{found.path}?{found.query}"


def signed_in(server: TestServer, sub: str, path: str = "/sign-in/provider") -> tuple[Client, str]:
    """Somebody who came by the provider, and where they were sent then."""
    client = server.stranger()
    answer = client.get(answer_of_provider(client, sub, path))
    assert answer.status_code == 302, answer.get_data(as_text=True)
    client.csrf = client.get("me").json["csrf"]
    return client, answer.headers["Location"]


def test_somebody_new_looks_on_and_is_the_same_person_next_time(server: TestServer) -> None:
    client, _ = signed_in(server, "sub-1")
    me = client.get("me").json["user"]
    assert (me["name"], me["role"], me["by_provider"]) == ("Dr. Weiß", "viewer", True)
    assert client.post("studies", {"name": "x"}).status_code == 403
    root = server.person("root", "admin")
    assert root.patch(f"users/{me['id']}", {"role": "member"}).status_code == 200
    again, _ = signed_in(server, "sub-1")
    assert again.get("me").json["user"]["id"] == me["id"]
    assert again.post("studies", {"name": "x"}).status_code == 201
    assert {"sign-in", "make study"} <= {line["action"] for line in root.get("audit?words=Dr. Weiß").json}


def test_a_name_makes_nobody_the_person_of_that_name(server: TestServer) -> None:
    server.person("ada", "admin")
    client, _ = signed_in(server, "sub-2")
    me = client.get("me").json["user"]
    assert (me["name"], me["role"]) == ("ada (2)", "viewer")
    assert signed_in(server, "sub-3")[0].get("me").json["user"]["name"] == "somebody"


def test_no_password_opens_the_account_of_the_provider(server: TestServer) -> None:
    client, _ = signed_in(server, "sub-2")
    stranger = server.stranger()
    stranger.csrf = stranger.get("me").json["csrf"]
    for password in ("", " ", PASSWORD):
        answer = stranger.post("session", {"name": "ada", "password": password})
        assert answer.status_code in (401, 422)
    me = client.get("me").json["user"]["id"]
    change = {"password": "another long password", "old_password": ""}
    assert client.patch(f"users/{me}", change).status_code == 403


def test_an_answer_of_the_provider_opens_one_session_of_the_browser_that_asked(server: TestServer) -> None:
    victim, other = server.stranger(), server.stranger()
    answer = answer_of_provider(other, "sub-1")
    assert victim.get(answer).status_code == 403, "a foreign state"
    assert victim.get("me").json["user"] is None
    assert other.get(answer).status_code == 302
    other.delete("session")
    assert other.get(answer).status_code == 403, "spent"
    state = parse_qs(urlsplit(answer_of_provider(victim, "sub-1")).query)["state"][0]
    assert victim.get(f"/sign-in/return?code=guessed&state={state}").status_code == 403
    assert victim.get("/sign-in/return?error=access_denied").status_code == 403


def test_who_is_shut_out_stays_out(server: TestServer) -> None:
    client, _ = signed_in(server, "sub-1")
    with server.service.database.session() as session:
        user = find_user(session, "Dr. Weiß")
        server_id = user.id
    server.change(User, server_id, active=False)
    assert client.get("studies").status_code == 401
    stranger = server.stranger()
    answer = stranger.get(answer_of_provider(stranger, "sub-1"))
    assert (answer.status_code, stranger.get("me").json["user"]) == (403, None)


@pytest.mark.parametrize(
    ("wanted", "place"),
    [("/runs/x?a=1", "/runs/x?a=1"), ("https://evil.example", "/"), ("//evil.example", "/"), ("/\\evil.example", "/")],
)
def test_only_pages_of_this_server_follow(server: TestServer, wanted: str, place: str) -> None:
    off = requests.Request("GET", "http://x/sign-in/provider", params={"next": wanted}).prepare().path_url
    assert signed_in(server, "sub-1", off)[1] == place


def test_the_page_offers_it_by_name_where_it_is_set(server: TestServer, tmp_path: Path) -> None:
    page = server.stranger().get("/sign-in?next=/runs/x").get_data(as_text=True)
    assert "Clinic &lt;b&gt;" in page
    assert 'href="/sign-in/provider?next=/runs/x"' in page
    without = TestServer(tmp_path / "without", accounts=True, limits=small_limits()).stranger()
    assert "/sign-in/provider" not in without.get("/sign-in").get_data(as_text=True)
    assert without.get("/sign-in/provider").status_code == without.get("/sign-in/return").status_code == 404


def test_a_provider_that_is_away_is_said(tmp_path: Path) -> None:
    away = OpenId("http://localhost:9", "ubam", "a secret")
    server = TestServer(tmp_path / "data", accounts=True, openid=away, limits=small_limits())
    answer = server.stranger().get("/sign-in/provider")
    assert answer.status_code == 503
    assert "does not answer" in answer.json["error"]
    assert "a secret" not in repr(server.settings)
