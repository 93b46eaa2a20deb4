"""Comments at a moment of a film, and where a person is written to."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the table and the columns; a person who signs in at a provider is known by its name for them."""
    op.create_table(
        "comments",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("run_id", sa.String(length=32), sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("recording", sa.String(length=200), nullable=False),
        sa.Column("time_s", sa.Float(), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("user_name", sa.String(length=200), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_comments_run_id", "comments", ["run_id"])
    op.add_column("users", sa.Column("email", sa.String(length=320), nullable=False, server_default=""))
    op.add_column("users", sa.Column("provider_id", sa.String(length=300), nullable=False, server_default=""))
    op.create_index("ix_users_provider_id", "users", ["provider_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_users_provider_id", "users")
    op.drop_column("users", "provider_id")
    op.drop_column("users", "email")
    op.drop_table("comments")
