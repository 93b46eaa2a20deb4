"""What must be quick to import is: each face in a process of its own, without the libraries that take seconds."""

import ast
import importlib
import subprocess
import sys

import pytest

from tests.support.source_tree import modules, packages, tree

HEAVY = {"torch", "cv2", "matplotlib", "sklearn", "scipy", "pandas"}
LIGHT = ["ubam", "ubam.results", "ubam.pipeline.stages", "webui", "ubam.cli.main", "webui.server.serve", "ubam.api.run"]
MOST_NAMES = {"ubam": 12}  # beside the eight of any other package


def _imported(code: str, *libraries: str) -> set[str]:
    """Which of these libraries a fresh process has imported after `code`."""
    code += f"; import sys; print(*({set(libraries)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_no_face_brings_a_heavy_library() -> None:
    """All in one process, which says after which of them a library was there."""
    code = f"import importlib, sys\nfor face in {LIGHT}:\n    importlib.import_module(face)\n"
    code += f"    print(face, *({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == LIGHT


def test_help_needs_no_numbers_and_no_server() -> None:
    code = "from click.testing import CliRunner; from ubam.cli import cli; CliRunner().invoke(cli, ['--help'])"
    assert _imported(code, *HEAVY, "numpy", "flask", "sqlalchemy", "ffmpeg") == set()


def test_a_clip_of_a_finished_run_waits_for_no_library_that_it_does_not_use() -> None:
    code = "from ubam.pipeline import plan, queries, runner"
    assert _imported(code, "matplotlib", "sklearn", "pandas", "scipy.stats", "scipy.signal") == set()


def test_a_name_that_needs_a_heavy_library_brings_it_on_first_use() -> None:
    assert _imported("import ubam; ubam.Model", "torch") == {"torch"}


@pytest.mark.parametrize("package", packages())
def test_every_name_of_a_face_is_there(package: str) -> None:
    face = importlib.import_module(package)
    assert 2 <= len(face.__all__) <= MOST_NAMES.get(package, 8)
    assert face.__all__ == sorted(face.__all__)
    assert set(face.__all__) <= set(dir(face))
    for name in face.__all__:
        assert f"{package}.{name}" not in modules(), f"{name} is a module of {package}, too"
        assert getattr(face, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = face.nonsense


@pytest.mark.parametrize("package", packages())
def test_the_names_that_types_are_checked_with_are_those_of_the_face(package: str) -> None:
    path = modules()[package]
    face, checked = importlib.import_module(package), dict[str, str]()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{package}."):
            checked |= {alias.name: node.module for alias in node.names}
    lazy = set(face.__all__) - {node.name for node in tree(path).body if isinstance(node, ast.FunctionDef)}
    assert lazy <= set(checked)
    assert all(getattr(face, name) is getattr(importlib.import_module(checked[name]), name) for name in lazy)


@pytest.mark.parametrize("package", packages())
def test_a_face_says_in_two_sentences_what_comes_in_and_what_goes_out(package: str) -> None:
    said = ast.get_docstring(tree(modules()[package])) or ""
    assert said.count(". ") + said.count(".\n") + 1 >= 2, f"{package}: {said!r}"
