"""The notebook of the documents: small, made of what the library offers, and carried out from end to end."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import ubam
from tests.support.notebook import carry_out, read_cells

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"
NUMBER = re.compile(r"\s*-?\d+(\.\d+)?")


def _said(outputs: list[dict[str, Any]]) -> str:
    """The text that the outputs of a cell print or show, with its numbers struck out."""
    parts = [one.get("text") or one["data"]["text/plain"] for one in outputs]
    return NUMBER.sub(" #", "".join("".join(part) for part in parts))


def test_the_notebook_is_small_and_its_outputs_are_kept() -> None:
    cells = read_cells(NOTEBOOK)
    assert 12 <= len(cells) <= 24
    assert NOTEBOOK.stat().st_size < 300_000
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in codes] == list(range(1, len(codes) + 1))
    pictures = [one for cell in codes for one in cell["outputs"] if "image/png" in one.get("data", {})]
    assert len(pictures) >= 2


def test_the_notebook_calls_what_the_library_offers() -> None:
    code = "\n".join(cell["source"] for cell in read_cells(NOTEBOOK) if cell["cell_type"] == "code")
    nodes = ast.walk(ast.parse(re.sub(r"(?m)^%.*$", "", code)))
    called = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ubam"
    }
    assert called
    assert called <= set(ubam.__all__)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_notebook_comes_to_its_end_and_says_what_stands_in_it() -> None:
    codes = [cell for cell in read_cells(NOTEBOOK) if cell["cell_type"] == "code"]
    for cell, made in zip(codes, carry_out(NOTEBOOK), strict=True):
        assert [one["output_type"] for one in cell["outputs"]] == [one["output_type"] for one in made], cell["source"]
        if "run.warnings" not in cell["source"]:  # which of them are said hangs on the last digits
            assert _said(cell["outputs"]) == _said(made), cell["source"]
