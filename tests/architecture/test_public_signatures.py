"""What goes in and out of a public function has a name: no dictionary of anything."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT, files, tree

TORCH = ("state_dict", "load_state_dict")  # the protocol of PyTorch's own networks and optimisers
FREE = ("dict[str, Any]", "Mapping[str, Any]")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """The public functions and methods of a module or class, by dotted name."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.ClassDef) and not inner.name.startswith("_"):
            yield from _public(inner, f"{prefix}{inner.name}.")
        elif isinstance(inner, Function) and (not inner.name.startswith("_") or inner.name == "__init__"):
            yield f"{prefix}{inner.name}", inner


def _annotations(function: Function) -> str:
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    found = [one.annotation for one in given if one is not None and one.annotation is not None]
    return "; ".join(ast.unparse(one) for one in (*found, function.returns) if one is not None)


def _free(path: Path) -> list[str]:
    """The public functions of a file that take or return a dictionary of anything."""
    named = [(name, _annotations(one)) for name, one in _public(tree(path)) if name.split(".")[-1] not in TORCH]
    return [name for name, said in named if any(free in said for free in FREE)]


def test_no_public_signature_has_a_dictionary_of_anything() -> None:
    found = {str(path.relative_to(ROOT)): _free(path) for path in files("ubam", "webui")}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "code", ["def one(a: 'int | dict[str, Any]'): ...", "class A:\n def b(self) -> Mapping[str, Any]: ..."]
)
def test_such_a_dictionary_is_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(code)
    assert len(_free(tmp_path / "module.py")) == 1
