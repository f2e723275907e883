"""Records, leases, snapshots."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    _journal()
    _leases()
    _snapshots()


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("stream", "seq", name="journal_stream_seq"),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )


def _snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state_version", sa.Integer(), nullable=False),
        sa.Column("build", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
