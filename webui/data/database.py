"""The database of the service, brought to this version when it is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from ubam.core.errors import UbamError
from webui.data import row_seals


class Database:
    """The engine and its sessions."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def open(self) -> Session:
        """A session that the caller closes."""
        return self._sessions()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that is committed at the end and rolled back on an error."""
        with self._sessions.begin() as session:
            yield session

    def migrate(self) -> None:
        """Bring the tables to this version; two processes that start together wait for each other.

        Raises
        ------
        UbamError
            The file is damaged, or a newer version wrote it.
        """
        from alembic import command  # here and not above: 10 MB that only the start needs
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        newest = ScriptDirectory.from_config(config).get_current_head()
        check_sqlite(self.engine, "put a copy of it back, or move it away")
        with self.engine.begin() as connection:
            self._alone(connection)
            config.attributes["connection"] = connection
            if MigrationContext.configure(connection).get_current_revision() != newest:
                row_seals.lift(connection)
                try:
                    command.upgrade(config, "head")
                except CommandError as error:
                    raise UbamError(
                        f"{self.engine.url.render_as_string()} was written by a newer version of ubam; use that one."
                    ) from error
            row_seals.seal(connection)

    @staticmethod
    def _alone(connection: Connection) -> None:
        """Let no other process write until this transaction ends."""
        sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "SELECT pg_advisory_xact_lock(8264)")


def check_sqlite(engine: Engine, remedy: str) -> None:
    """Refuse a SQLite file whose pages or indices contradict each other, or whose rows are not what was written.

    A new or absent file is none. PostgreSQL has checksums of its own.

    Raises
    ------
    UbamError
        It is damaged; the sentence ends with the remedy.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
            table = row_seals.first_damaged(connection) if found == "ok" else None
    except DatabaseError as error:
        found, table = str(error.orig), None
    if table is not None:
        found = f"a row of {table} is not what was written"
    if found != "ok":
        raise UbamError(f"{engine.url.database} is damaged ({found}); {remedy}.")


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 30}, pool_size=20, max_overflow=20)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        row_seals.offer_function(connection)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
