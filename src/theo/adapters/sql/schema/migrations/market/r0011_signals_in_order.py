"""Signals page by page, newest first, and the trade of a signal, without a look at every row."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Two indexes."""
    op.create_index("signals_in_order", "signals", ["home", "end_at", "id"])
    op.create_index("trades_by_signal", "trades", ["signal_id"])
