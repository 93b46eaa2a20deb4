"""A token may end by itself, and may be for reading only."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the columns; tokens of before neither end nor are limited."""
    op.add_column("tokens", sa.Column("expires", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tokens", sa.Column("scope", sa.String(length=16), nullable=False, server_default="all"))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("tokens", "scope")
    op.drop_column("tokens", "expires")
