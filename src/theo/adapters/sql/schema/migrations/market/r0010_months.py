"""Without TimescaleDB the ticks are in a table for each month, so that neither append nor vacuum grows with the years.

What there is stays where it is: as the first part, up to the end of its newest month. Later months are made by whoever writes
into them first (``exact.make_months``, which the application's role may call: it may make no tables itself).
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

FIRST, PAST = "1970-01-01 00:00+00", "2200-01-01 00:00+00"  # what lies outside has a part of its own on either side
VACUUMED_ROWS = 1_000_000  # ticks are only ever added: the usual thresholds, a share of all rows, would look ever more rarely
PART = ", ".join(
    f"autovacuum_{each}_scale_factor = 0, autovacuum_{each}_threshold = {VACUUMED_ROWS}" for each in ("vacuum_insert", "analyze")
)


def upgrade() -> None:
    """Parts on a plain server; with TimescaleDB, which makes its own, a function that does nothing."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        return
    own_pieces = "SELECT count(*) FROM pg_tables WHERE schemaname = 'exact' AND tablename = 'made_pieces'"
    if not connection.execute(sa.text(own_pieces)).scalar():
        op.execute("CREATE FUNCTION exact.make_months(days bigint[]) RETURNS void LANGUAGE sql AS ''")
        return
    since = connection.execute(
        sa.text(
            "SELECT coalesce(date_trunc('month', greatest((SELECT max(timestamp) FROM exact.ticks), "
            "(SELECT max(timestamp) FROM exact.staged_ticks)), 'UTC') + INTERVAL '1 month', :first)::text"
        ),
        {"first": FIRST},
    ).scalar_one()
    _parts(since)
    _rights()
    _function(since)


def _parts(since: str) -> None:
    op.execute("ALTER TABLE exact.ticks RENAME TO ticks_early")
    op.execute("ALTER INDEX exact.ticks_by_time RENAME TO ticks_early_by_time")
    op.execute("CREATE TABLE exact.ticks (LIKE exact.ticks_early) PARTITION BY RANGE (timestamp)")
    op.execute("ALTER TABLE exact.ticks ADD PRIMARY KEY (instrument, timestamp, source_id, seq)")
    op.execute("CREATE INDEX ticks_by_time ON exact.ticks (timestamp DESC)")
    op.execute(f"ALTER TABLE exact.ticks_early SET ({PART})")
    op.execute(f"ALTER TABLE exact.ticks ATTACH PARTITION exact.ticks_early FOR VALUES FROM (MINVALUE) TO ('{since}')")
    op.execute(
        f"CREATE TABLE exact.ticks_late PARTITION OF exact.ticks FOR VALUES FROM (greatest('{since}', '{PAST}'::timestamptz)) "
        "TO (MAXVALUE)"
    )
    op.execute(
        "CREATE OR REPLACE VIEW public.stock_ticks AS SELECT t.timestamp, t.timestamp AS created, i.token, i.symbol, "
        "round(t.price::numeric / power(10::numeric, i.price_decimals), i.price_decimals) AS price, t.volume, t.seq, "
        "s.name AS source, t.kind, t.flags, s.home "
        "FROM exact.ticks t JOIN exact.instruments i ON i.id = t.instrument JOIN exact.sources s ON s.id = t.source_id "
        "WHERE s.visible"
    )


def _rights() -> None:
    """Whoever might use the table may use the one that has its name now."""
    op.execute(
        "DO $$ DECLARE held record; BEGIN FOR held IN SELECT privilege_type AS what, grantee::regrole::text AS who "
        "FROM pg_class c, aclexplode(c.relacl) WHERE c.oid = 'exact.ticks_early'::regclass AND grantee NOT IN (0, c.relowner) "
        "LOOP EXECUTE format('GRANT %s ON exact.ticks TO %s', held.what, held.who); END LOOP; END $$"
    )


def _function(since: str) -> None:
    """A part is made beside the table and then attached: that waits for no reader, nor the other way round."""
    op.execute(
        "CREATE FUNCTION exact.make_months(days bigint[]) RETURNS void LANGUAGE plpgsql "
        "SECURITY DEFINER SET search_path = exact, pg_temp SET TimeZone = 'UTC' AS $$ DECLARE month timestamptz; part text; "
        "BEGIN FOR month IN SELECT DISTINCT date_trunc('month', 'epoch'::timestamptz + day * INTERVAL '1 day') "
        f"FROM unnest(days) day WHERE day >= extract(epoch FROM '{since}'::timestamptz) / 86400 "
        f"AND day < extract(epoch FROM '{PAST}'::timestamptz) / 86400 LOOP "
        "part := to_char(month, '\"ticks_\"YYYY_MM'); CONTINUE WHEN to_regclass('exact.' || part) IS NOT NULL; "
        f"EXECUTE format('CREATE TABLE exact.%I (LIKE exact.ticks INCLUDING ALL) WITH ({PART})', part); "
        "EXECUTE format('ALTER TABLE exact.ticks ATTACH PARTITION exact.%I FOR VALUES FROM (%L) TO (%L)', "
        "part, month, month + INTERVAL '1 month'); END LOOP; END $$"
    )
