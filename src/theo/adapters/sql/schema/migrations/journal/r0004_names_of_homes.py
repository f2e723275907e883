"""Which folder each home's name is, on a server that many homes use."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Empty in a file of its own."""
    op.create_table(
        "homes",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("identity", TEXT, nullable=False),
        sa.Column("machine", TEXT, nullable=False),
        sa.Column("folder", TEXT, nullable=False),
    )
