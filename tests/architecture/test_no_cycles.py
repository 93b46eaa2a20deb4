"""Modules do not import each other in a circle, so any of them may be the first that a process imports."""

import ast
from collections.abc import Iterator

from tests.support.source_tree import modules, tree


def _at_import(nodes: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that are carried out when a module is imported: none in functions, none for type checkers."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _at_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for name in ("body", "orelse", "finalbody"):
                yield from _at_import(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from _at_import(handler.body)


def _named(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The modules that an import names; `from a import b` names a.b where that is a module, and a in any case."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}


def imports_of(name: str) -> set[str]:
    """The own modules that importing `name` imports, packages around them included but not those around `name`."""
    found = set[str]()
    for node in _at_import(tree(modules()[name]).body):
        for wanted in _named(node):
            parts = wanted.split(".")
            found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    around = {name[:end] for end, letter in enumerate(name) if letter == "."}
    return (found & set(modules())) - around - {name}


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, in its order; empty where there are none."""
    done, path = set[str](), list[str]()

    def visit(name: str) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        path.append(name)
        found = next((circle for one in sorted(graph.get(name, ())) if (circle := visit(one))), [])
        path.pop()
        done.add(name)
        return found

    return next((circle for name in sorted(graph) if (circle := visit(name))), [])


def test_a_circle_is_found() -> None:
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert _circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: imports_of(name) for name in modules()}
    assert sum(map(len, graph.values())) > len(graph)
    assert _circle(graph) == []


def test_a_package_imports_no_module_of_its_own() -> None:
    """A face names them and fetches them on first use: importing one module brings no sister of it."""
    packages = {name for name, path in modules().items() if path.name == "__init__.py"}
    inside = {name: {one for one in imports_of(name) if one.startswith(f"{name}.")} for name in packages}
    helper = {"ubam.core", "ubam.core.faces"}  # what makes the faces
    assert {name: found - helper for name, found in inside.items() if found - helper} == {}
