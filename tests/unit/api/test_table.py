"""Tables of a run without and with pandas."""

import sys
from collections.abc import Callable

import pytest

from ubam.api.table import Table, Value
from ubam.core.errors import UbamError

ROWS: list[dict[str, Value]] = [
    {"subject": "a", "group": "healthy", "deviation": 1.25, "n": 3},
    {"subject": "007", "group": "impaired", "deviation": None, "n": 4},
]


def test_a_table_is_a_sequence_of_rows() -> None:
    table = Table(ROWS)
    assert len(table) == 2
    assert table[1]["subject"] == "007"
    assert list(table[:1]) == ROWS[:1]
    assert table.columns == ("subject", "group", "deviation", "n")
    assert table.column("deviation") == [1.25, None]
    assert list(table.where(group="impaired", n=4)) == ROWS[1:]
    assert table.select("n", "subject").columns == ("n", "subject")
    assert list(table.select("n")) == [{"n": 3}, {"n": 4}]


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    asks: list[Callable[[Table], object]] = [
        lambda table: table.column("age"), lambda table: table.where(age=1), lambda table: table.select("age"),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(UbamError, match="no column 'age'; it has subject, group, deviation, n"):
            ask(Table(ROWS))


def test_a_table_shows_its_first_rows_and_how_many_there_are() -> None:
    shown = repr(Table(ROWS * 10))
    assert "20 rows, the first 10 shown" in shown
    assert "1.25" in shown
    assert "None" not in shown
    assert "<td>&lt;b&gt;</td>" in Table([{"subject": "<b>"}])._repr_html_()
    assert repr(Table([])).endswith("0 rows")


def test_pandas_gets_numbers_and_text_as_they_are() -> None:
    pandas = pytest.importorskip("pandas")
    frame = Table(ROWS).to_pandas()
    assert list(frame.columns) == ["subject", "group", "deviation", "n"]
    assert frame["subject"].tolist() == ["a", "007"]
    assert pandas.isna(frame["deviation"][1])
    assert frame["n"].sum() == 7


def test_without_pandas_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UbamError, match="pip install pandas"):
        Table(ROWS).to_pandas()
