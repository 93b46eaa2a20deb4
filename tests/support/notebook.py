"""Notebooks without a notebook server: their cells are carried out in one namespace, and their outputs kept.

`python -m tests.support.notebook docs/notebook.ipynb` carries a notebook out and writes its outputs into it.
"""

import ast
import base64
import io
import json
import os
import sys
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

from ubam.core.files import write_text

DPI = 72  # of the pictures that are kept in the notebook
WIDEST = 760  # pixels


def read_cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, `source` joined to one text."""
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def carry_out(path: Path) -> list[list[dict[str, Any]]]:
    """Carry out the code cells of a notebook in its folder; the outputs of each, as a notebook keeps them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with chdir(path.parent):
        sources = [cell["source"] for cell in read_cells(Path(path.name)) if cell["cell_type"] == "code"]
        return [_outputs(source, number, names) for number, source in enumerate(sources, 1)]


def _outputs(source: str, number: int, names: dict[str, Any]) -> list[dict[str, Any]]:
    """What a cell prints, and the value of its last line; lines that begin with % are for a notebook server."""
    lines = [line for line in source.splitlines() if not line.startswith("%")]
    body, value = ast.parse("\n".join(lines)).body, None
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    with redirect_stdout(io.StringIO()) as said:
        exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if said.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(said.getvalue())})
    if value is not None:
        data = _shown(value)
        outputs.append(
            {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": data},
        )
    return outputs


def _shown(value: Any) -> dict[str, Any]:
    """A value as a notebook shows it: text, and a table or a picture where it has one."""
    from matplotlib.figure import Figure
    from PIL.Image import Image

    if isinstance(value, Figure):
        buffer = io.BytesIO()
        value.savefig(buffer, format="png", dpi=DPI)
        size = [round(side) for side in value.get_size_inches() * DPI]
        text = f"<Figure size {size[0]}x{size[1]}>"
        return {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": [text]}
    if isinstance(value, Image):
        small = value.convert("RGB")
        small.thumbnail((WIDEST, WIDEST))
        buffer = io.BytesIO()
        small.quantize(128).save(buffer, format="png", optimize=True)
        return {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": ["<a picture>"]}
    html = {"text/html": _lines(value._repr_html_())} if hasattr(value, "_repr_html_") else {}
    return html | {"text/plain": _lines(repr(value))}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def fill(path: Path) -> None:
    """Carry a notebook out and write the outputs of its cells into it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    outputs = iter(enumerate(carry_out(path), 1))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"], cell["outputs"] = next(outputs)
    write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    fill(Path(sys.argv[1]))
