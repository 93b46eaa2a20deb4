"""A study may be the example that is shown to everybody."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("studies", sa.Column("kind", sa.String(length=16), nullable=False, server_default="study"))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("studies", "kind")
