"""People: sign-in, tokens, roles, shared studies, the audit log."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.webui.support.clients import PASSWORD, Client, TestServer, small_limits
from ubam.cli.main import cli
from ubam.core.errors import UbamError
from webui.access.identity import only_person
from webui.data.models import Opened, Token, now
from webui.http.security import limiter
from webui.settings import check_address, secret_key


def test_the_printed_address_opens_one_session_only(alone: TestServer) -> None:
    token = alone.service.one_time.value
    assert alone.stranger().get(f"/login?token={token}x").status_code == 403
    first = alone.only_person()
    assert first.get("studies").status_code == 200
    assert alone.stranger().get(f"/login?token={token}").status_code == 403
    assert alone.stranger().get("studies").status_code == 401
    assert first.delete("session").status_code == 204
    assert first.get("studies").status_code == 401


def test_the_first_visit_and_the_example_make_one_person(alone: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker made the person after the visit had looked and before it wrote."""
    with alone.service.database.session() as session:
        made = only_person(session).id
    monkeypatch.setattr("webui.access.identity.find_user", lambda *_: None)
    with alone.service.database.session() as session:
        assert only_person(session).id == made
    assert alone.only_person().get("studies").status_code == 200


def test_looking_at_the_printed_address_does_not_spend_it(alone: TestServer) -> None:
    address = f"/login?token={alone.service.one_time.value}"
    assert alone.stranger().send("HEAD", address).status_code == 204
    assert alone.stranger().get(address).status_code == 302


def test_a_copy_of_the_cookie_is_worth_nothing_after_signing_out(server: TestServer) -> None:
    client, elsewhere = server.person("ada"), server.stranger().sign_in("ada")
    name = server.app.config["SESSION_COOKIE_NAME"]
    kept = client.http.get_cookie(name)
    assert kept is not None
    thief = server.stranger()
    thief.http.set_cookie(name, kept.value)
    assert thief.get("studies").status_code == 200
    assert client.delete("session").status_code == 204
    assert thief.get("studies").status_code == 401
    assert elsewhere.get("studies").status_code == 200
    assert client.sign_in("ada").get("studies").status_code == 200


def test_two_servers_of_one_host_leave_each_other_s_sessions_alone(alone: TestServer, tmp_path: Path) -> None:
    other = TestServer(tmp_path / "other")
    first, second = alone.only_person(), other.only_person()
    name = other.app.config["SESSION_COOKIE_NAME"]
    cookie = second.http.get_cookie(name)
    assert cookie is not None
    first.http.set_cookie(name, cookie.value)  # what a browser does: it asks the host for the name, whatever the port
    assert first.get("studies").status_code == 200
    assert TestServer(tmp_path / "other").app.config["SESSION_COOKIE_NAME"] == name


def test_sign_in_takes_the_right_password_only(server: TestServer) -> None:
    server.person("Änne")
    client = server.stranger()
    client.csrf = client.get("me").json["csrf"]
    for name, password in (("änne", "wrong password"), ("nobody", PASSWORD), ("änne", "")):
        assert client.post("session", {"name": name, "password": password}).status_code in (401, 422)
    assert client.get("me").json["user"] is None
    assert client.sign_in("äNNE").get("me").json["user"]["name"] == "Änne"


def test_one_person_mode_has_no_password_to_guess(alone: TestServer) -> None:
    alone.only_person()
    client = alone.stranger()
    client.csrf = client.get("me").json["csrf"]
    assert client.post("session", {"name": "you", "password": "anything at all"}).status_code == 401


def test_passwords_are_guessed_slowly(tmp_path: Path) -> None:
    server = TestServer(tmp_path / "data", accounts=True, limits=small_limits())
    limiter.reset()
    limiter.enabled = True
    client = server.stranger()
    client.csrf = client.get("me").json["csrf"]
    answers = [client.post("session", {"name": "anna", "password": f"guess {n}"}).status_code for n in range(12)]
    limiter.enabled = False
    assert answers[:5] == [401] * 5
    assert set(answers[5:]) == {429}


def test_a_token_is_shown_once_kept_hashed_and_withdrawn(server: TestServer) -> None:
    anna = server.person("Anna")
    made = anna.post("tokens", {"name": "script"}).json
    assert "token" not in anna.get("tokens").json[0]
    with server.service.database.session() as session:
        assert made["token"] not in session.get_one(Token, made["id"]).hash
    program = server.stranger()
    key = {"Authorization": f"Bearer {made['token']}"}
    assert program.get("me", headers=key).json["user"]["name"] == "Anna"
    assert program.post("studies", {"name": "by program"}, headers=key).status_code == 201  # no CSRF token needed
    assert program.get("me", headers={"Authorization": "Bearer ubam_wrong"}).json["user"] is None
    assert (
        anna.get("me", headers={"Authorization": "Bearer ubam_wrong"}).json["user"] is None
    )  # the cookie is no way round
    forged = anna.send(
        "POST", "studies", json={"name": "x"}, headers={"X-CSRFToken": "", "Authorization": "Bearer ubam_x"}
    )
    assert forged.status_code == 401
    assert anna.delete(f"tokens/{made['id']}").status_code == 204
    assert program.get("studies", headers=key).status_code == 401


def test_admins_add_change_and_remove_people(server: TestServer) -> None:
    root, anna = server.person("root", "admin"), server.person("Anna")
    assert anna.get("users").status_code == anna.get("audit").status_code == 403
    assert anna.post("users", {"name": "x", "password": PASSWORD}).status_code == 403
    bert = root.post("users", {"name": "Bert", "password": PASSWORD, "role": "viewer"}).json
    assert root.post("users", {"name": "BERT", "password": PASSWORD}).status_code == 400
    assert root.post("users", {"name": "short", "password": "short"}).status_code == 422
    his = server.stranger().sign_in("bert")
    assert his.post("studies", {"name": "his"}).status_code == 403  # a viewer starts nothing
    root.patch(f"users/{bert['id']}", {"role": "member"})
    assert his.post("studies", {"name": "his"}).status_code == 201
    assert root.delete(f"users/{bert['id']}").status_code == 409  # owns a study
    root.patch(f"users/{bert['id']}", {"active": False})
    assert his.get("studies").status_code == 401
    assert root.delete(f"users/{root.get('me').json['user']['id']}").status_code == 409
    carl = root.post("users", {"name": "Carl", "password": PASSWORD}).json
    assert root.delete(f"users/{carl['id']}").status_code == 204
    assert {user["name"] for user in root.get("users").json} == {"root", "Anna", "Bert"}


def test_a_new_password_ends_other_sessions_and_needs_the_old_one(server: TestServer) -> None:
    anna = server.person("Anna")
    elsewhere = server.stranger().sign_in("anna")
    me = anna.get("me").json["user"]["id"]
    new = "another long password"
    assert anna.patch(f"users/{me}", {"password": new, "old_password": "wrong"}).status_code == 403
    assert anna.patch(f"users/{me}", {"role": "admin"}).status_code == 403
    assert anna.patch(f"users/{me}", {"password": new, "old_password": PASSWORD}).status_code == 200
    assert elsewhere.get("studies").status_code == 401
    assert anna.get("studies").status_code == 200
    server.stranger().sign_in("anna", new)


def test_who_opened_what_is_written_down_without_names_of_studies(server: TestServer) -> None:
    root, anna, bert = server.person("root", "admin"), server.person("Anna"), server.person("Bert")
    study = anna.post("studies", {"name": "Mrs Example"}).json["id"]
    anna.put(f"studies/{study}/members", [{"name": "Bert", "role": "viewer"}])
    for _ in range(3):
        bert.get(f"studies/{study}")
    lines = root.get("audit").json
    opened = [line for line in lines if line["user"] == "Bert" and line["action"] == "open"]
    assert [(line["kind"], line["object_id"]) for line in opened] == [("study", study)]
    assert "Example" not in str(lines)
    assert [line["id"] for line in root.get(f"audit?after={lines[0]['id']}").json] == [line["id"] for line in lines[1:]]
    with server.service.database.session() as session:
        assert session.query(Opened).count() >= len(lines)


def test_an_admin_sees_no_study_that_is_not_shared(server: TestServer) -> None:
    root, anna = server.person("root", "admin"), server.person("Anna")
    study = anna.post("studies", {"name": "hers"}).json["id"]
    assert root.get("studies").json == []
    assert root.get(f"studies/{study}").status_code == 404


def test_an_open_address_needs_accounts_and_tls_unless_told_so() -> None:
    common = {"public_name": "", "without_tls": False}
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        check_address(host, accounts=False, **common)  # type: ignore[arg-type]
    for host in ("0.0.0.0", "::", "192.168.1.5", "lab.example"):
        with pytest.raises(UbamError, match="--accounts"):
            check_address(host, accounts=False, public_name="lab.example", without_tls=True)
        with pytest.raises(UbamError, match="TLS"):
            check_address(host, accounts=True, **common)  # type: ignore[arg-type]
        check_address(host, accounts=True, public_name="lab.example", without_tls=False)
        check_address(host, accounts=True, public_name="", without_tls=True)


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) == 32
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert secret_key(tmp_path) == key
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(UbamError, match="chmod 600"):
        secret_key(tmp_path)


def test_people_are_added_on_the_command_line(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    run = CliRunner().invoke
    added = run(cli, ["user", "add", "Anna", "--role", "admin", "--password", PASSWORD, *data], catch_exceptions=False)
    assert "Anna may sign in as admin" in added.output
    with pytest.raises(UbamError, match="already"):
        run(cli, ["user", "add", "anna", "--password", PASSWORD, *data], catch_exceptions=False)
    with pytest.raises(UbamError, match="10 characters"):
        run(cli, ["user", "password", "anna", "--password", "short", *data], catch_exceptions=False)
    assert "active" in run(cli, ["user", "list", *data]).output
    server = TestServer(tmp_path / "data", accounts=True)
    client: Client = server.stranger().sign_in("ANNA")
    run(cli, ["user", "shut-out", "anna", *data], catch_exceptions=False)
    assert client.get("studies").status_code == 401


def test_a_token_may_only_read_and_ends_by_itself(server: TestServer) -> None:
    ada = server.person("ada")
    made = ada.post("tokens", {"name": "reader", "scope": "read", "days": 30}).json
    assert made["scope"] == "read"
    assert made["expires"] > made["created"]
    script = server.app.test_client()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert script.get("/api/v1/studies", headers=headers).status_code == 200
    answer = script.post("/api/v1/studies", headers=headers, json={"name": "x"})
    assert (answer.status_code, "for reading only" in answer.json["error"]) == (403, True)
    server.change(Token, made["id"], expires=now() - timedelta(seconds=1))
    assert script.get("/api/v1/studies", headers=headers).status_code == 401
    assert ada.post("tokens", {"name": "x", "days": 0}).status_code == 422
    assert ada.post("tokens", {"name": "x"}).json["expires"] is None


def test_an_error_is_a_problem_of_rfc_9457(server: TestServer) -> None:
    answer = server.stranger().get("studies")
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) == {"type", "title", "status", "error", "detail"}
    assert (answer.json["status"], answer.json["title"]) == (401, "Unauthorized")
    spec = server.stranger().get("openapi.json").json
    operations = [one for path in spec["paths"].values() for one in path.values() if isinstance(one, dict)]
    names = [one.get("operationId") for one in operations]
    assert all(names)
    assert len(set(names)) == len(names) > 40
