"""The box over a face may move with it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("recordings", sa.Column("face_path", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop it; without it a face that moves is no longer hidden in what is shown anew."""
    op.drop_column("recordings", "face_path")
