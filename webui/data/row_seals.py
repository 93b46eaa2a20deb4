"""Seals of rows: each row of an SQLite database carries a SHA-256 of what it says, so that a flipped byte is found.

SQLite's own check finds broken pages and indices; a subject's name with another letter is neither. Triggers seal a row
whenever it is written, whoever writes it through `Database`. Whoever writes without it is refused by SQLite.
"""

import hashlib
import sqlite3

from sqlalchemy import Connection

COLUMN = "row_seal"
FUNCTION = "ubam_row_seal"
EVENTS = ("INSERT", "UPDATE")


def offer_function(connection: sqlite3.Connection) -> None:
    """Give a connection the function that the triggers call."""
    connection.create_function(FUNCTION, 1, _digest, deterministic=True)


def _digest(row: bytes) -> str:
    return hashlib.sha256(row).hexdigest()


def first_damaged(connection: Connection) -> str | None:
    """The first table with a row that says something else than when it was sealed; None where there is none.

    A table without seals, of an earlier version, is taken as it is.
    """
    for table, columns in _tables(connection).items():
        wrong = f"SELECT 1 FROM {_quoted(table)} WHERE {COLUMN} IS NOT {_seal_of(columns)} LIMIT 1"  # noqa: S608
        if COLUMN in columns and connection.exec_driver_sql(wrong).first() is not None:
            return table
    return None


def lift(connection: Connection) -> None:
    """Remove the triggers, so that a migration may change tables; nothing on PostgreSQL."""
    for table in _tables(connection):
        for event in EVENTS:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_quoted(_name(table, event))}")


def seal(connection: Connection) -> None:
    """Seal the rows of every table that has no triggers yet, and each row that is written from now on.

    Nothing on PostgreSQL, whose pages have checksums.
    """
    for table, columns in _tables(connection).items():
        if _has_triggers(connection, table):
            continue
        if COLUMN not in columns:
            connection.exec_driver_sql(f"ALTER TABLE {_quoted(table)} ADD COLUMN {COLUMN} TEXT")
        connection.exec_driver_sql(f"UPDATE {_quoted(table)} SET {COLUMN} = {_seal_of(columns)}")  # noqa: S608
        for event in EVENTS:
            connection.exec_driver_sql(_trigger(table, event, columns))


def _has_triggers(connection: Connection, table: str) -> bool:
    wanted = [_name(table, event) for event in EVENTS]
    found = connection.exec_driver_sql(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?)", tuple(wanted)
    ).scalar()
    return found == len(EVENTS)


def _name(table: str, event: str) -> str:
    return f"seal_{event}_{table}".lower()


def _trigger(table: str, event: str, columns: list[str]) -> str:
    """A row's own update does not call it again: SQLite's triggers are not recursive unless that is asked for."""
    return (
        f"CREATE TRIGGER {_quoted(_name(table, event))} AFTER {event} ON {_quoted(table)} BEGIN "  # noqa: S608
        f"UPDATE {_quoted(table)} SET {COLUMN} = {_seal_of(columns)} WHERE rowid = NEW.rowid; END"
    )


def _seal_of(columns: list[str]) -> str:
    """SQL for the seal of a row: `quote` tells 1 from '1' and NULL from ''; as bytes, as a flipped one is no letter."""
    row = " || ',' || ".join(f"quote({_quoted(name)})" for name in columns if name != COLUMN)
    return f"{FUNCTION}(CAST({row} AS BLOB))"


def _tables(connection: Connection) -> dict[str, list[str]]:
    """The columns of each table; none on PostgreSQL."""
    if connection.dialect.name != "sqlite":
        return {}
    rows = connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return {
        str(table): [str(row[1]) for row in connection.exec_driver_sql(f"PRAGMA table_info({_quoted(table)})")]
        for (table,) in rows.fetchall()
    }


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
