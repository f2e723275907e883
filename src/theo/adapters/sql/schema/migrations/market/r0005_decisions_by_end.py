"""Decisions lie in the order of the bars' ends, by which they are asked: no second tree beside, no row numbers."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0005"
down_revision = "0004"

KEYS = ("account", "user_name", "mode", "run", "config", "config_version")


def upgrade() -> None:
    """Into a new table: the old one's rows cannot change their order where they lie."""
    op.create_table(
        "decisions_in_order",
        sa.Column("home", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in KEYS),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("numbers", TEXT, nullable=False),
        sa.Column("truths", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("home", "end_at", "config", "seq", "place"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO decisions_in_order SELECT home, seq, place, {', '.join(KEYS)}, end_at, verdict, numbers, truths "
        "FROM decisions ORDER BY home, end_at, config, seq, place"
    )
    op.drop_table("decisions")
    op.rename_table("decisions_in_order", "decisions")
