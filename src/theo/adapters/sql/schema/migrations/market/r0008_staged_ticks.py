"""Ticks of an import wait in a table of their own on a server: its bars are made of everything that is in the ticks."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import Moment

revision = "0008"
down_revision = "0007"

NUMBERS = {"received_at": sa.BigInteger, "kind": sa.Integer, "price": sa.BigInteger, "volume": sa.BigInteger, "flags": sa.Integer}


def upgrade() -> None:
    """As the ticks, with their key, so that one that comes twice is named while it is staged. What waits begins again."""
    op.create_table(
        "staged_ticks",
        sa.Column("instrument", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", Moment(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *(sa.Column(name, kind(), nullable=False) for name, kind in NUMBERS.items()),
        sa.Column("time_source", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "instrument", "timestamp", "seq"),
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    hidden = "(SELECT id FROM exact.sources WHERE NOT visible)"
    op.execute(f"DELETE FROM exact.ticks WHERE source_id IN {hidden}")
    op.execute(f"DELETE FROM exact.bars WHERE source_id IN {hidden}")
    op.execute(f"DELETE FROM exact.import_ranges WHERE source_id IN {hidden}")
    op.execute("DELETE FROM exact.sources WHERE NOT visible")
