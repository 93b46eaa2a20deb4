"""Whose is what: generated from the routes, so that a new route is tested the day it is written."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import Rule

from tests.webui.support.clients import TUS, Client, TestServer
from webui.data.models import Clip, Comment, Companion, Job, NamedReference, User

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
BODIES: dict[str, Any] = {
    "post /api/v1/studies/<string:study_id>/runs": {"preset": "quick"},
    "post /api/v1/runs/<string:run_id>/clips": {"recording_id": "h01_walk", "factor": 2},
    "post /api/v1/runs/<string:run_id>/comments": {"recording_id": "h01_walk", "time_s": 1, "text": "x"},
    "post /api/v1/runs/<string:run_id>/score": {"recordings": ["x"]},
    "patch /api/v1/studies/<string:study_id>/recordings": {"ids": ["x"], "set": {}},
    "put /api/v1/studies/<string:study_id>/members": [],
    "put /api/v1/studies/<string:study_id>/owner": {"name": "Bert"},
}


class Things:
    """Something of each kind, all of one person's."""

    def __init__(self, server: TestServer, owner: Client, run_folder: Path) -> None:
        study = owner.post("studies", {"name": "mine"}).json["id"]
        self.ids: dict[str, Any] = {
            "study_id": study,
            "recording_id": server.add_recording(study, "a.mp4", subject="a"),
        }
        self.ids["upload_id"] = owner.begin_upload(study, "b.mp4", 10).rpartition("/")[2]
        user = owner.get("me").json["user"]["id"]
        self.ids |= {"run_id": server.add_run(study, user, run_folder), "user_id": user}
        self.ids["token_id"] = owner.post("tokens", {"name": "script"}).json["id"]
        with server.service.database.session() as session:
            clip = Clip(run_id=self.ids["run_id"], recording="h01_walk", factor=2.0, layout="magnified")
            session.add(clip)
            session.flush()
            self.ids["clip_id"] = clip.id
            session.add(Job(kind="clip", target_id=clip.id, study_id=study, user_id=user))
            companion = Companion(study_id=study, kind="keypoints", file_name="a.csv", bytes=1)
            session.add(companion)
            session.flush()
            self.ids["companion_id"] = companion.id
            named = NamedReference(name="n", run_id=self.ids["run_id"], version="v", group="healthy", subjects=4)
            session.add(named)
            session.flush()
            self.ids["reference_id"] = named.id
            comment = Comment(run_id=self.ids["run_id"], recording="h01_walk", time_s=1.0, text="x", user_id=user)
            comment.user_name = "Anna"
            session.add(comment)
            session.flush()
            self.ids["comment_id"] = comment.id
        self.ids |= {"peak": 0, "what": "query", "path": "report.html", "kind": "png"}

    def address(self, rule: Rule) -> str:
        """The address of a route for these things."""
        run_scoped = "run_id" in rule.arguments and "recording_id" in rule.arguments
        values = self.ids | ({"recording_id": "a01_walk"} if run_scoped else {})
        address: str = rule.rule
        for name in rule.arguments:
            for converter in ("string:", "int:", "path:", ""):
                address = address.replace(f"<{converter}{name}>", str(values[name]))
        return address + ("?t=1" if address.endswith("crop.jpg") else "")


def _rules(server: TestServer) -> list[Rule]:
    return [rule for rule in server.app.url_map.iter_rules() if rule.endpoint != "static"]


def _send(client: Client, method: str, rule: Rule, address: str) -> Any:
    extra: dict[str, Any] = {"headers": TUS} if "upload" in rule.rule else {}
    if method in ("POST", "PUT", "PATCH") and not rule.rule.endswith("table.csv") and "upload" not in rule.rule:
        default = {"path": "/x"} if rule.rule.endswith(("folder", "open")) else {"name": "x"}
        if "recordings/<" in rule.rule or "users" in rule.rule:
            default = {}
        extra["json"] = BODIES.get(f"{method.lower()} {rule.rule}", default)
    return client.send(method, address, **extra)


@pytest.fixture
def two(server: TestServer, tmp_path: Path, fake_run: Path) -> tuple[TestServer, Client, Client, Things]:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "run").symlink_to(fake_run)
    server.service.storage.folders = (fake_run.resolve(),)
    anna, bert = server.person("Anna"), server.person("Bert")
    return server, anna, bert, Things(server, anna, fake_run)


def test_every_route_with_an_id_is_404_for_another_person(two: Any) -> None:
    server, _, bert, things = two
    seen = 0
    for rule in _rules(server):
        if not rule.arguments:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            answer = _send(bert, method, rule, things.address(rule))
            assert answer.status_code == 404, (method, rule.rule, answer.status_code, answer.get_data(as_text=True))
            seen += 1
    assert seen > 40


def test_a_study_of_ones_own_is_no_way_to_the_recordings_of_others(two: Any) -> None:
    server, _, bert, things = two
    things.ids["study_id"] = bert.post("studies", {"name": "his"}).json["id"]
    seen = 0
    for rule in _rules(server):
        if {"study_id", "recording_id"} <= set(rule.arguments):
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                assert _send(bert, method, rule, things.address(rule)).status_code == 404, (method, rule.rule)
                seen += 1
    assert seen >= 4
    many = {"ids": [things.ids["recording_id"]], "set": {"subject": "his"}}
    assert bert.patch(f"studies/{things.ids['study_id']}/recordings", many).status_code == 404


def test_the_same_addresses_are_there_for_their_owner(two: Any) -> None:
    server, anna, _, things = two
    refused = []
    for rule in _rules(server):
        if rule.arguments and "GET" in (rule.methods or set()):
            answer = anna.get(things.address(rule))
            words = answer.get_data(as_text=True) if answer.status_code >= 400 else ""
            refused += [(rule.rule, answer.status_code, words)] if answer.status_code == 404 and "such" in words else []
    missing = {rule for rule, _, _ in refused}
    # Nothing was uploaded and rendered behind these rows, so their files are not there; the rows are. The study is no
    # patient.
    files = ("frame.jpg", "clip.mp4", "crop.jpg", "report.html", "<path:path>", ".<string:kind>")
    allowed = {rule for rule in missing if rule.endswith(files) or "/patients/" in rule}
    assert missing == allowed, refused


def test_nobody_gets_anything_without_signing_in(two: Any) -> None:
    server, _, _, things = two
    stranger = server.stranger()
    stranger.csrf = stranger.get("me").json["csrf"]
    for rule in _rules(server):
        if not rule.arguments:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            answer = _send(stranger, method, rule, things.address(rule))
            to_door = answer.status_code == 302 and "/sign-in" in answer.headers["Location"]
            assert answer.status_code in (401, 404) or to_door, (method, rule.rule, answer.status_code)


def test_every_unsafe_route_refuses_without_a_csrf_token(two: Any) -> None:
    server, anna, _, things = two
    anna.csrf, seen = "", 0
    for rule in _rules(server):
        for method in sorted(UNSAFE & (rule.methods or set())):
            answer = _send(anna, method, rule, things.address(rule))
            assert answer.status_code == 400, (method, rule.rule, answer.status_code)
            assert "CSRF" in answer.json["error"]
            seen += 1
    assert seen > 25
    with server.service.database.session() as session:
        assert session.get(User, things.ids["user_id"]) is not None


def test_a_viewer_of_a_study_looks_and_changes_nothing(two: Any) -> None:
    _, anna, bert, things = two
    study = things.ids["study_id"]
    assert anna.put(f"studies/{study}/members", [{"name": "bert", "role": "viewer"}]).status_code == 200
    assert bert.get(f"studies/{study}").json["can_edit"] is False
    assert bert.patch(f"studies/{study}", {"name": "his"}).status_code == 403
    assert bert.post(f"studies/{study}/runs", {"preset": "quick"}).status_code == 403
    assert bert.delete(f"studies/{study}").status_code == 403
    assert bert.put(f"studies/{study}/members", []).status_code == 403
    assert bert.get(f"runs/{things.ids['run_id']}").json["can_edit"] is False
    assert anna.put(f"studies/{study}/members", [{"name": "Bert", "role": "editor"}]).status_code == 200
    assert bert.patch(f"studies/{study}", {"name": "ours"}).json["name"] == "ours"
    assert bert.delete(f"studies/{study}").status_code == 403
    assert anna.put(f"studies/{study}/members", []).status_code == 200
    assert bert.get(f"studies/{study}").status_code == 404
