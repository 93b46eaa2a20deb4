"""What the compose file starts is what the command line understands."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from ubam.cli.web import serve_command, worker_command
from webui.settings import Limits, ServerSettings, check_address

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
DOCKERFILE = DEPLOY.parent / "Dockerfile"


def test_the_compose_file_starts_commands_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    commands = {"serve": serve_command, "worker": worker_command}
    for service in ("web", "worker"):
        name, *arguments = composed["services"][service]["command"]
        for variable, value in composed["services"][service]["environment"].items():
            monkeypatch.setenv(variable, str(value).replace("${UBAM_RETENTION_DAYS:-0}", "0"))
        context = commands[name].make_context(name, [str(argument) for argument in arguments])
        assert str(context.params["data"]) == "/data"
        assert context.params["database"].startswith("postgresql://")
    assert composed["networks"]["inside"]["internal"] is True
    assert "ports" not in composed["services"]["web"]


def _composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_every_variable_of_the_compose_file_is_read_by_the_program_or_stands_in_the_example() -> None:
    composed, text = _composed(), (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    for service, command in (("web", serve_command), ("worker", worker_command)):
        read = {option.envvar for option in command.params if isinstance(option, click.Option)}
        assert set(composed["services"][service]["environment"]) <= read
    example = dict(
        line.split("=", 1) for line in (DEPLOY / "example.env").read_text().splitlines() if line and line[0] != "#"
    )
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    assert used == set(example)
    asked = set(re.findall(r"^ARG (\w+)", DOCKERFILE.read_text(), re.MULTILINE))
    assert set(composed["services"]["web"]["build"]["args"]) <= asked
    assert 'ENTRYPOINT ["ubam"]' in DOCKERFILE.read_text()


def test_what_reaches_out_of_the_containers_is_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    further = yaml.safe_load((DEPLOY / "outside.yaml").read_text(encoding="utf-8"))["services"]
    values = {
        "UBAM_OPENID_ISSUER": "https://id.example.org", "UBAM_OPENID_CLIENT": "lab", "UBAM_OPENID_SECRET": "secret",
        "UBAM_OPENID_NAME": "Clinic", "UBAM_MAIL": "smtp://mail.example.org", "UBAM_MAIL_FROM": "ubam@example.org",
    }  # fmt: skip
    assert set(further["web"]["environment"]) | set(further["worker"]["environment"]) == set(values)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    composed = _composed()
    for service, command in (("web", serve_command), ("worker", worker_command)):
        read = {option.envvar for option in command.params if isinstance(option, click.Option)}
        assert set(further[service]["environment"]) <= read | {"UBAM_OPENID_SECRET"}
        assert set(further[service]["networks"]) - set(composed["services"][service]["networks"]) == {"outside"}
    worker = worker_command.make_context("worker", ["--data", "data"]).params
    assert (worker["mail"], worker["mail_from"]) == (values["UBAM_MAIL"], values["UBAM_MAIL_FROM"])
    web = serve_command.make_context("serve", ["--data", "data", "--accounts"]).params
    assert web["openid_issuer"] == values["UBAM_OPENID_ISSUER"]


def test_the_ports_and_names_of_the_compose_file_fit_together() -> None:
    services, caddy = _composed()["services"], (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    name, *arguments = services["web"]["command"]
    options = serve_command.make_context(name, [str(argument) for argument in arguments]).params
    assert f"reverse_proxy web:{options['port']}" in caddy
    assert f":{options['port']}/healthz" in services["web"]["healthcheck"]["test"][-1]
    assert options["no_jobs"]
    check_address(options["host"], accounts=options["accounts"], public_name=options["public_name"], without_tls=False)
    largest = int(re.findall(r"max_size (\d+)MB", caddy)[0]) * 10**6
    assert largest > Limits().largest_chunk
    for service in services.values():
        assert set(service.get("networks", [])) <= set(_composed()["networks"])
        named = {volume.split(":")[0] for volume in service.get("volumes", []) if volume[0] != "."}
        assert named <= set(_composed()["volumes"])
    database = re.sub(r"\$\{[^}]+\}", "x", services["web"]["environment"]["UBAM_DATABASE"])
    assert ServerSettings(DEPLOY, database=database).database_url == "postgresql+psycopg://ubam:x@database/ubam"
    assert services["database"]["environment"]["POSTGRES_USER"] == services["database"]["environment"]["POSTGRES_DB"]


def test_the_web_process_brings_neither_torch_nor_opencv() -> None:
    import subprocess
    import sys

    code = "import sys, ubam.cli.main, webui.server.serve as _; "
    code += " print(sorted({'torch', 'cv2', 'matplotlib'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
