"""Every column that a study may have, files of keypoints and masks, and the options of a run."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default="")


def upgrade() -> None:
    """Add columns and the table of files."""
    op.add_column("recordings", sa.Column("given_fps", sa.Double(), nullable=True))
    for name, length in (("keypoints", 1000), ("mask", 1000), ("keypoints_said", 2000)):
        op.add_column("recordings", _text(name, length))
    op.add_column("recordings", sa.Column("extra", sa.JSON(), nullable=False, server_default="{}"))
    for name, length in (("posture", 16), ("plan", 16), ("block", 200)):
        op.add_column("runs", sa.Column(name, sa.String(length=length), nullable=True))
    op.create_table(
        "companions",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("study_id", sa.String(length=32), sa.ForeignKey("studies.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("file_name", sa.String(length=1000), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_companions_study_id", "companions", ["study_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("companions")
    for name in ("posture", "plan", "block"):
        op.drop_column("runs", name)
    for name in ("extra", "keypoints_said", "mask", "keypoints", "given_fps"):
        op.drop_column("recordings", name)
