"""What the documents and docstrings name is there: files of the repository, modules, and what is in them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.source_tree import PROGRAMS, ROOT, files, modules, tree

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
OF_TODAY = ("ubam", "webui", "tests", "docs", "deploy", "sample_videos")
FILE = re.compile(r"(?<![\w/.<>*-])((?:\.?[\w-][\w.-]*/)*[\w-]+\.(?:py|ipynb|md|toml|jinja|css|js|yaml))\b")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
DOTTED = re.compile(r"(?<![\w./])((?:ubam|webui)(?:\.[A-Za-z_]\w*)+)(?![\w/@-])")
SHORT = re.compile(r"`([a-z_]+)\.([A-Za-z_]\w*)(?:\(\))?`")
ENDINGS = {  # of file names and hosts, which look like names in a module
    *("csv", "html", "ipynb", "jpg", "json", "md", "mp4", "npy", "npz", "nwb", "org", "png", "py", "svg", "toml"),
    *("txt", "yaml"),
}
KEYS = {"ubam.run", "ubam.statistics"}  # of a Parquet file's metadata
CLIENT = "docs/api.md"  # where `ubam` is the variable of a script


@cache
def _there() -> frozenset[str]:
    """Every file and folder of the repository, by its path and by every end of its path."""
    found = [path for folder in OF_TODAY for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    found += [*ROOT.glob("*"), *ROOT.glob(".*")]
    parts = [path.relative_to(ROOT).parts for path in found]
    return frozenset("/".join(one[start:]) for one in parts for start in range(len(one)))


@cache
def _names_in(module: str) -> frozenset[str]:
    """Everything that a module defines or imports, its classes' attributes included."""
    nodes = list(ast.walk(tree(modules()[module])))
    found = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    found |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return frozenset(found | {alias.asname or alias.name for alias in imported})


def _is_known(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    if dotted in modules() or dotted in KEYS:
        return True
    module, _, name = dotted.rpartition(".")
    if module not in modules():
        module, _, name = module.rpartition(".")  # of a class, or of something else in a module
    return module in modules() and name in _names_in(module)


def missing_names(text: str) -> set[str]:
    """The files and modules that a text names and that are not there."""
    found = {name for name in FILE.findall(text) if name.removeprefix("../") not in _there()}
    found |= {name for name in DOTTED.findall(text) if not _is_known(name) and name.split(".")[-1] not in ENDINGS}
    by_end: dict[str, list[str]] = {}
    for module in modules():
        by_end.setdefault(module.rpartition(".")[2], []).append(module)
    for module, name in SHORT.findall(text):
        if module in by_end and name not in ENDINGS and module not in PROGRAMS:
            known = any(f"{one}.{name}" in modules() or name in _names_in(one) for one in by_end[module])
            found |= set() if known else {f"{module}.{name}"}
    return found


def _docstrings() -> Iterator[tuple[Path, str]]:
    for path in files(*PROGRAMS, "tests"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield path, ast.get_docstring(node, clean=False) or ""


def test_missing_names_are_found() -> None:
    gone = "see ubam/nowhere.py, nowhere.md, ubam.nowhere, `ubam.core.errors.NowhereError` and `errors.NowhereError`"
    assert missing_names(gone) == {
        "ubam/nowhere.py", "nowhere.md", "ubam.nowhere", "ubam.core.errors.NowhereError", "errors.NowhereError",
    }  # fmt: skip
    there = "see ubam/core/errors.py, README.md, ubam.core.errors, `ubam.core.errors.UbamError`, `errors.UbamError`"
    assert missing_names(f"{there}, `ubam.tracking.CropStore.open` and statistics.json") == set()


def test_what_the_documents_name_is_there() -> None:
    found = dict[str, set[str]]()
    for document in DOCUMENTS:
        text, name = document.read_text(encoding="utf-8"), str(document.relative_to(ROOT))
        missing = {one for one in missing_names(text) if not (name == CLIENT and one.startswith("ubam."))}
        missing |= {link for link in LINK.findall(text) if not (document.parent / link).exists()}
        found |= {name: missing} if missing else {}
    assert found == {}


def test_what_a_docstring_names_is_there() -> None:
    found = {str(path.relative_to(ROOT)): missing_names(text) for path, text in _docstrings() if missing_names(text)}
    assert found == {}
