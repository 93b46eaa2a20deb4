"""A table of a run: rows of plain values, with pandas where it is installed and without it where it is not."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, overload

from ubam.core.errors import UbamError

if TYPE_CHECKING:
    import pandas

Value = str | int | float | None
Row = Mapping[str, Value]

SHOWN = 10  # rows that a table shows of itself


class Table(Sequence[Row]):
    """Rows in their order; each row maps column names to text, whole numbers, numbers or None (an empty cell).

    `table[0]` is a row, `table[:3]` a shorter table, `table.column("deviation")` a list of values.
    """

    def __init__(self, rows: Sequence[Row], columns: Sequence[str] = ()) -> None:
        self._rows = [dict(row) for row in rows]
        self.columns = tuple(columns or (name for name in (self._rows[0] if self._rows else ())))

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> "Table": ...
    def __getitem__(self, place: int | slice) -> "Row | Table":
        if isinstance(place, slice):
            return Table(self._rows[place], self.columns)
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def column(self, name: str) -> list[Value]:
        """The values of one column, a row each; UbamError when there is no such column."""
        if name not in self.columns:
            raise UbamError(f"The table has no column '{name}'; it has {', '.join(self.columns) or 'none'}.")
        return [row.get(name) for row in self._rows]

    def where(self, **values: Value) -> "Table":
        """The rows that have these values: `table.where(group="healthy")`."""
        for name in values:
            self.column(name)
        return Table([row for row in self if all(row.get(n) == v for n, v in values.items())], self.columns)

    def select(self, *columns: str) -> "Table":
        """The table with these columns only, in this order; UbamError when it has not all of them."""
        for name in columns:
            self.column(name)
        return Table([{name: row.get(name) for name in columns} for row in self], columns)

    def to_pandas(self) -> "pandas.DataFrame":
        """The table as a pandas DataFrame; UbamError when pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise UbamError("A DataFrame needs pandas, which is not installed: pip install pandas") from None
        return pandas.DataFrame(self._rows, columns=list(self.columns))

    def __repr__(self) -> str:
        cells = [list(self.columns), *([_text(row.get(name)) for name in self.columns] for row in self[:SHOWN])]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([*lines, *self._rest()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        rows = ["".join(f"<td>{escape(_text(row.get(name)))}</td>" for name in self.columns) for row in self[:SHOWN]]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><tr>{head}</tr>{body}</table>{''.join(f'<p>{line}</p>' for line in self._rest())}"

    def _rest(self) -> list[str]:
        return [f"{len(self)} rows" if len(self) <= SHOWN else f"{len(self)} rows, the first {SHOWN} shown"]


def _text(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
