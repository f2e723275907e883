"""What of the ticks is in the archive. On a plain server bars that were made of archived ticks outlast a refresh."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0007"
down_revision = "0006"

OF_ARCHIVED_DAY = (
    "SELECT 1 FROM exact.archived_ticks a JOIN exact.sources s ON s.home = a.home "
    "WHERE a.instrument = p.instrument AND s.id = p.source_id "
    "AND p.created >= date_bin('1 day', to_timestamp(a.first / 1000000.0), 'epoch') "
    "AND p.created <= to_timestamp(a.last / 1000000.0)"
)


def upgrade() -> None:
    """The table, and the refresh that heeds it."""
    op.create_table(
        "archived_ticks",
        sa.Column("file", TEXT, nullable=False),
        sa.Column("instrument", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("sources", TEXT, nullable=False),
        sa.Column("home", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("file"),
    )
    op.create_index("ix_archived_ticks_instrument", "archived_ticks", ["instrument"])
    own_pieces = "SELECT count(*) FROM pg_tables WHERE schemaname = 'exact' AND tablename = 'made_pieces'"
    connection = op.get_bind()
    if connection.dialect.name != "sqlite" and connection.execute(sa.text(own_pieces)).scalar():
        _refresh()


def _refresh() -> None:
    op.execute(
        "CREATE OR REPLACE PROCEDURE public.refresh_continuous_aggregate("
        "aggregate text, window_start timestamptz, window_end timestamptz) "
        "LANGUAGE plpgsql AS $$ DECLARE first timestamptz; past timestamptz; BEGIN "
        "IF aggregate !~ '^(public\\.)?stock_ohlc_(5|15|30|60)min$' THEN "
        "RAISE EXCEPTION 'relation \"%\" is not a continuous aggregate', aggregate; END IF; "
        "SELECT least(coalesce(window_start, '-infinity'), until) INTO first FROM exact.made_until FOR UPDATE; "
        "past := least(coalesce(window_end, 'infinity'), now()); "
        "IF isfinite(first) THEN first := date_bin('1 hour', first, 'epoch'); END IF; "
        "past := date_bin('5 minutes', past, 'epoch'); "
        "DELETE FROM exact.made_pieces p WHERE created >= first AND created < past "
        f"AND NOT EXISTS ({OF_ARCHIVED_DAY}); "
        "INSERT INTO exact.made_pieces SELECT instrument, source_id, created, open, high, low, close, volume "
        "FROM exact.pieces_between(first, past) ON CONFLICT DO NOTHING; "
        "UPDATE exact.made_until SET until = greatest(until, past); END $$"
    )
