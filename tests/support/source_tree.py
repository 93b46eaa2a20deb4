"""The repository's own Python files and their syntax trees, for the tests of its architecture."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("ubam", "webui")
MIGRATIONS = "webui.data.migrations"  # Alembic's own layout: scripts, not modules that anybody imports


def files(*folders: str) -> list[Path]:
    """Every Python file below these folders of the repository."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Every module of the programs by its dotted name, packages included."""
    return {module_of(path): path for path in files(*PROGRAMS)}


def packages() -> list[str]:
    """Every package of the programs but Alembic's."""
    return [name for name, path in modules().items() if path.name == "__init__.py" and not name.startswith(MIGRATIONS)]


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))
