"""Snapshots of many homes in one database."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A snapshot's key begins with its home; in a file of its own that is ""."""
    op.rename_table("snapshots", "snapshots_before")
    op.create_table(
        "snapshots",
        sa.Column("home", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state_version", sa.Integer(), nullable=False),
        sa.Column("build", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("home", "seq", name="snapshots_key"),
    )
    op.execute(
        "INSERT INTO snapshots (home, seq, state_version, build, digest, payload, payload_hash) "
        "SELECT '', seq, state_version, build, digest, payload, payload_hash FROM snapshots_before"
    )
    op.drop_table("snapshots_before")
