"""Up to when decisions were taken out of their table: the journal holds them, and rebuilding leaves them out."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """The note, one a home."""
    op.create_table(
        "pruned_decisions",
        sa.Column("home", TEXT, nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("home"),
    )
