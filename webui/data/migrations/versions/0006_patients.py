"""Named references, patients that are compared with one, and dates of visits."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the table and the columns."""
    op.create_table(
        "named_references",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.String(length=32), sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("group_name", sa.String(length=200), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_named_references_run_id", "named_references", ["run_id"])
    op.add_column("studies", sa.Column("reference_id", sa.String(length=32), nullable=True))
    op.add_column("recordings", sa.Column("date", sa.String(length=10), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("recordings", "date")
    op.drop_column("studies", "reference_id")
    op.drop_table("named_references")
