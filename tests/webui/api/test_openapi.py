"""The API against its own description: schemathesis sends what the OpenAPI document allows, and what it does not."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.webui.support.clients import PASSWORD, Client, TestServer, small_limits
from webui.data.models import User

# What a study holds decides which group or file name is right, and no schema can say that.
EXCLUDED: list[Any] = [positive_data_acceptance]
ROUNDS = {False: 2, True: 40}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, str], TestServer]:
    """The description, the headers of a person with a study, and the server."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    server = TestServer(folder / "data", accounts=True, folders=(folder,), limits=small_limits(queued_runs=10_000))
    client: Client = server.person("root", "admin")
    study = client.post("studies", {"name": "gait"}).json["id"]
    for who, group in (("ada", "healthy"), ("bob", "impaired")):
        server.add_recording(study, f"{who}.mp4", subject=who, group=group)
    key = {"Authorization": f"Bearer {client.post('tokens', {'name': 'test'}).json['token']}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", server.app, headers=key)
    return schema, key, server


def _operations(schema: Any) -> list[Any]:
    return [found.ok() for found in schema.get_all_operations()]


def _send_all(described: tuple[Any, dict[str, str], TestServer], rounds: int) -> int:
    schema, key, server = described
    sent = 0
    for operation in _operations(schema):
        if operation.path == "/api/v1/session" and operation.method == "delete":
            continue  # would sign the test out

        def check(case: Any) -> None:
            nonlocal sent
            sent += 1
            case.call_and_validate(headers=key, excluded_checks=EXCLUDED)

        strategy: Any = given(operation.as_strategy())
        run = strategy(check)
        quiet = settings(
            max_examples=rounds, deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        quiet(run)()
    with server.service.database.session() as session:
        assert session.query(User).filter(User.name == "root").count() == 1
    return sent


def test_the_api_keeps_to_its_description(described: tuple[Any, dict[str, str], TestServer]) -> None:
    assert _send_all(described, ROUNDS[False]) > 50


@pytest.mark.slow
def test_the_api_keeps_to_its_description_for_long(described: tuple[Any, dict[str, str], TestServer]) -> None:
    assert _send_all(described, ROUNDS[True]) > 500


def test_every_route_of_the_api_is_described(described: tuple[Any, dict[str, str], TestServer]) -> None:
    schema, _, server = described
    known = {(operation.path, operation.method.upper()) for operation in _operations(schema)}
    for rule in server.app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json"):
            path = rule.rule.replace("<string:", "{").replace("<int:", "{").replace("<path:", "{").replace(">", "}")
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert (path, method) in known, f"{method} {path}"
    assert PASSWORD not in str(schema.raw_schema)
