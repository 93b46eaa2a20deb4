"""What the compose file starts is what the command line understands."""

from pathlib import Path

import pytest
import yaml

from ubam.cli_web import serve_command, worker_command

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


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


def test_the_web_process_brings_neither_torch_nor_opencv() -> None:
    import subprocess
    import sys

    code = "import sys, ubam.cli, webui.serving; print(sorted({'torch', 'cv2', 'matplotlib'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
