"""Which contract an order and a trade are of, and the price of the underlying that sets an order off or ends a trade.

Orders and trades stored before have "" for their contract: `theo journal rebuild --replace` makes them anew.
"""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0015"
down_revision = "0014"

COLUMNS = {
    "orders": ("underlying", "underlying_price", "underlying_above"),
    "trades": ("underlying", "underlying_stop", "underlying_target"),
}


def upgrade() -> None:
    """Columns alone: no index is asked for by them."""
    for table, names in COLUMNS.items():
        op.add_column(table, sa.Column("contract", TEXT, nullable=False, server_default=""))
        for name in names:
            op.add_column(table, sa.Column(name, sa.Boolean() if name == "underlying_above" else sa.BigInteger()))
