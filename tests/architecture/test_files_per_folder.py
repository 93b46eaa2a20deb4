"""Folders, files, functions and signatures stay small enough to be read at once."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.source_tree import PROGRAMS, ROOT, files, tree

MOST_FILES, MOST_LINES, MOST_FUNCTION_LINES, MOST_ARGUMENTS = 15, 400, 40, 8
MIGRATIONS = ROOT / "webui/data/migrations/versions"  # one long list of columns is how Alembic writes a table

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(*folders: str) -> Iterator[tuple[str, Function]]:
    """Every function and method, named `path:name`, but those of migrations."""
    for path in files(*folders):
        for node in ast.walk(tree(path)):
            if isinstance(node, Function) and not path.is_relative_to(MIGRATIONS):
                yield f"{path.relative_to(ROOT)}:{node.name}", node


def _arguments(function: Function) -> int:
    named = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in named if name not in ("self", "cls")])


def _lines(function: Function) -> int:
    """The lines of a function without those of its docstring."""
    first = function.body[0]
    said = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(function) else 0
    return (function.end_lineno or 0) - function.lineno + 1 - said


def test_a_folder_holds_at_most_15_python_files_beside_its_face() -> None:
    count = Counter(path.parent for path in files(*PROGRAMS, "tests") if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): n for folder, n in count.items() if n > MOST_FILES} == {}


def test_no_file_is_longer_than_400_lines() -> None:
    lines = {path: len(Path(path).read_text(encoding="utf-8").splitlines()) for path in files(*PROGRAMS, "tests")}
    assert {str(path.relative_to(ROOT)): n for path, n in lines.items() if n > MOST_LINES} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    lines = {name: _lines(node) for name, node in _functions(*PROGRAMS)}
    assert {name: n for name, n in lines.items() if n > MOST_FUNCTION_LINES} == {}


def test_functions_take_at_most_8_arguments() -> None:
    count = {name: _arguments(node) for name, node in _functions(*PROGRAMS)}
    assert {name: n for name, n in count.items() if n > MOST_ARGUMENTS} == {}
