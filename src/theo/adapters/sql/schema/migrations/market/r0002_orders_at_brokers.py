"""Where an order goes, and every name that a broker gives it."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; of orders that are there already they say nothing until the projection is made anew."""
    for name in ("route", "broker"):
        op.add_column("orders", sa.Column(name, TEXT, nullable=False, server_default=""))
    for name in ("broker_client_id", "broker_handle"):
        op.add_column("orders", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
