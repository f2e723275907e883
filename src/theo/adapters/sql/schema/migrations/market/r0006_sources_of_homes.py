"""Market data that a journal holds is its home's; what was imported is everyone's."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A source's home: "" for imports, and in a file of its own. On a server the ticks that people read show it."""
    op.add_column("sources", sa.Column("home", TEXT, nullable=False, server_default=""))
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(
        "CREATE OR REPLACE VIEW public.stock_ticks AS SELECT t.timestamp, t.timestamp AS created, i.token, i.symbol, "
        "round(t.price::numeric / power(10::numeric, i.price_decimals), i.price_decimals) AS price, t.volume, t.seq, "
        "s.name AS source, t.kind, t.flags, s.home "
        "FROM exact.ticks t JOIN exact.instruments i ON i.id = t.instrument JOIN exact.sources s ON s.id = t.source_id "
        "WHERE s.visible"
    )
