"""One database session for each request."""

from flask import current_app, g
from sqlalchemy.orm import Session


def database() -> Session:
    """The database session of this request."""
    if "database" not in g:
        g.database = current_app.extensions["ubam"].database.open()
    session: Session = g.database
    return session


def close_database(_: BaseException | None = None) -> None:
    """Undo what was not committed."""
    if "database" in g:
        g.pop("database").close()
