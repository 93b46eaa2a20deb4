"""A clip may have the appearance of another recording."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("clips", sa.Column("appearance", sa.String(length=200), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("clips", "appearance")
