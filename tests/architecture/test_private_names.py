"""A name with a leading underscore is used in its own module only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source_tree import PROGRAMS, ROOT, files, tree

OWN = (*PROGRAMS, "tests")


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _borrowed(nodes: ast.Module) -> Iterator[str]:
    """Private names of other modules of this repository: imported, or read from an imported module."""
    imported = set[str]()
    for node in ast.walk(nodes):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OWN:
            yield from (f"{node.module}.{alias.name}" for alias in node.names if _private(alias.name))
            imported |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(nodes):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and _private(node.attr):
            name = node.value.id
            yield from [f"{name}.{node.attr}"] if name in imported and name.islower() else []


def test_no_module_uses_a_private_name_of_another() -> None:
    found = {str(path.relative_to(ROOT)): [*_borrowed(tree(path))] for path in files(*OWN)}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "code", ["from ubam.core.text import _listed", "from ubam.core import text\ntext._listed([])"]
)  # fmt: skip
def test_a_borrowed_name_is_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(code)
    assert len([*_borrowed(tree(tmp_path / "module.py"))]) == 1
