"""Rows of SQLite carry seals (webui/data/row_seals.py): earlier versions cannot write such a database."""

from collections.abc import Sequence

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Nothing: the seals are set after the last migration, as they depend on the columns."""


def downgrade() -> None:
    """Nothing: an earlier version would first have to drop the triggers."""
