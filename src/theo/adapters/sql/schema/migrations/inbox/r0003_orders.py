"""What is asked of orders, and which orders came of it."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Payloads and results as JSON; "" for commands without."""
    op.add_column("commands", sa.Column("payload", TEXT, nullable=False, server_default=""))
    op.add_column("commands", sa.Column("result", TEXT, nullable=False, server_default=""))
