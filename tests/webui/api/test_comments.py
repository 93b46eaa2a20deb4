"""Comments at a moment of a film: who, when, what; gone with their study, and in the audit log."""

from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.clients import Client, TestServer
from webui.data.models import Comment, User


@pytest.fixture
def run(server: TestServer, fake_run: Path) -> tuple[Client, str, str]:
    """Ada, a run in a study of hers that grace may change and vera may look at, and the study."""
    ada = server.person("ada")
    for name in ("grace", "vera"):
        server.person(name)
    study = ada.post("studies", {"name": "gait"}).json["id"]
    shared = [{"name": "grace", "role": "editor"}, {"name": "vera", "role": "viewer"}]
    assert ada.put(f"studies/{study}/members", shared).status_code == 200
    server.service.storage.folders = (fake_run.resolve(),)
    with server.service.database.session() as session:
        owner = session.query(User).filter(User.name == "ada").one().id
    return ada, server.add_run(study, owner, fake_run), study


SAID: dict[str, Any] = {"recording_id": "a01_walk", "time_s": 1.25, "text": " Drags the <b>left</b> foot; see $x$. "}


def test_editors_comment_and_everybody_who_sees_the_run_reads(server: TestServer, run: tuple[Client, str, str]) -> None:
    ada, run_id, _ = run
    grace, vera = (server.stranger().sign_in(name) for name in ("grace", "vera"))
    bob = server.person("bob")
    made = grace.post(f"runs/{run_id}/comments", SAID)
    assert (made.status_code, made.json["user"], made.json["text"]) == (201, "grace", str(SAID["text"]).strip())
    assert vera.post(f"runs/{run_id}/comments", SAID).status_code == 403
    assert bob.get(f"runs/{run_id}/comments").status_code == 404
    (seen,) = vera.get(f"runs/{run_id}/comments").json
    assert (seen["time_s"], seen["recording_id"], seen["can_delete"]) == (1.25, "a01_walk", False)
    assert seen["created"].endswith("+00:00")
    address = f"comments/{seen['id']}"
    assert vera.delete(address).status_code == 403
    assert bob.delete(address).status_code == 404
    assert ada.delete(address).status_code == 204  # the study is hers
    assert vera.get(f"runs/{run_id}/comments").json == []


def test_what_is_no_comment_is_refused(run: tuple[Client, str, str]) -> None:
    ada, run_id, _ = run
    for wrong in ({"text": "  "}, {"text": "x" * 2001}, {"time_s": -1}, {"text": "a\x00b"}):
        assert ada.post(f"runs/{run_id}/comments", SAID | wrong).status_code == 422
    assert ada.post(f"runs/{run_id}/comments", SAID | {"recording_id": "nobody"}).status_code == 404


def test_comments_go_with_their_study_and_stay_in_the_audit_log(
    server: TestServer, run: tuple[Client, str, str]
) -> None:
    ada, run_id, study = run
    assert ada.post(f"runs/{run_id}/comments", SAID).status_code == 201
    assert ada.delete(f"studies/{study}").status_code == 204
    with server.service.database.session() as session:
        assert session.query(Comment).count() == 0
    root = server.person("root", "admin")
    lines = root.get("audit?words=comment").json
    assert [(line["user"], line["action"], line["object_id"]) for line in lines] == [("ada", "comment", run_id)]
    assert "foot" not in root.get("audit.csv").get_data(as_text=True)
