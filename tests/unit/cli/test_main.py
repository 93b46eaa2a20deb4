"""The group of commands: what is there, what a usage error says, and what a clip is asked for with."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ubam.cli.magnify import check_request
from ubam.cli.main import cli
from ubam.core.errors import UbamError

COMMANDS = {
    "benchmark", "check", "crops", "demo", "doctor", "embed", "export", "generator", "init", "magnify", "neighbours",
    "pretrain", "report", "run", "score", "serve", "synthesise", "train", "user", "worker",
}  # fmt: skip


def test_every_command_explains_itself() -> None:
    assert set(cli.commands) >= COMMANDS
    for name in cli.commands:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert result.output.startswith(f"Usage: cli {name}")


def test_capsule_subjects_are_refused_without_the_eye(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["benchmark", "--out", str(tmp_path / "b"), "--kind", "capsule human"])
    assert result.exit_code == 2
    assert "capsule subjects are for --eye" in result.output
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("layout", "appearance", "out"),
    [("strip", None, "a.png"), ("strip", None, "a.svg"), ("magnified", None, "a.mp4"), ("side-by-side", "b", "a.mp4")],
)
def test_a_file_of_the_right_kind_is_taken(layout: str, appearance: str | None, out: str) -> None:
    assert check_request(layout, appearance, Path(out)) == Path(out)


@pytest.mark.parametrize(
    ("layout", "appearance", "out", "said"),
    [
        ("strip", None, "a.mp4", r"--out FILE.png or FILE.svg, the figure to write"),
        ("magnified", None, None, r"--out FILE.mp4, the clip to write"),
        ("twin", "b", "a.mp4", "leave out --layout"),
    ],
)
def test_a_file_of_another_kind_is_refused(layout: str, appearance: str | None, out: str | None, said: str) -> None:
    with pytest.raises(UbamError, match=said):
        check_request(layout, appearance, Path(out) if out else None)
