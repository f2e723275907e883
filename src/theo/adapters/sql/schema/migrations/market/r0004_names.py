"""The names by which people and their queries know the data: ticks and bars with decimal prices, levels, signals.

On a server everything stands in ``public``; our own tables, in whole numbers, in ``exact``. Bars are made from ticks: with
TimescaleDB as continuous aggregates, without it as a table of five-minute pieces that is refreshed by the same call, and a view
that adds what came since. On SQLite only names that are not our own tables' are made.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MINUTES = (5, 15, 30, 60)
# What counts in a bar, as theo.market.bars has it: no outlier (1), stale (4), crossed (8) or halted (16) tick; those that do not
# update last (32), high and low (64) or volume (128) only where they may.
COUNTS = "(t.flags & 29) = 0 AND t.kind IN (0, 3)"
OF_LAST, OF_RANGE, OF_VOLUME = (f"FILTER (WHERE (t.flags & {bit}) = 0)" for bit in (32, 64, 128))


def upgrade() -> None:
    """Views, and what makes the bars."""
    op.rename_table("stock_ticks", "ticks")
    if op.get_bind().dialect.name == "sqlite":
        _on_sqlite()
        return
    op.execute("CREATE INDEX ticks_by_time ON exact.ticks (timestamp DESC)")
    _ticks()
    _signals()
    _levels()
    if _has_timescale():
        _continuous_aggregates()
    else:
        _pieces()
        _refresh()
        _bars_of_pieces()
        _information()


def _has_timescale() -> bool:
    """Whether the server has the extension; it is then made in this database, by an owner who may."""
    available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'"
    loaded = "SELECT current_setting('shared_preload_libraries') LIKE '%timescaledb%'"
    connection = op.get_bind()
    if not (connection.execute(sa.text(available)).scalar() and connection.execute(sa.text(loaded)).scalar()):
        return False
    op.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
    return True


def _on_sqlite() -> None:
    op.execute(
        "CREATE VIEW stock_ticks AS SELECT "
        "datetime(t.timestamp / 1000000, 'unixepoch') || printf('.%06d', t.timestamp % 1000000) AS timestamp, "
        "datetime(t.timestamp / 1000000, 'unixepoch') || printf('.%06d', t.timestamp % 1000000) AS created, "
        "i.token, i.symbol, t.price / pow(10.0, i.price_decimals) AS price, t.volume, t.seq, s.name AS source, t.kind, t.flags "
        "FROM ticks t JOIN instruments i ON i.id = t.instrument JOIN sources s ON s.id = t.source_id WHERE s.visible"
    )


def _decimal(price: str) -> str:
    return f"round(({price})::numeric / power(10::numeric, i.price_decimals), i.price_decimals)"


def _ticks() -> None:
    op.execute(
        "CREATE VIEW public.stock_ticks AS SELECT t.timestamp, t.timestamp AS created, i.token, i.symbol, "
        f"{_decimal('t.price')} AS price, t.volume, t.seq, s.name AS source, t.kind, t.flags "
        "FROM exact.ticks t JOIN exact.instruments i ON i.id = t.instrument JOIN exact.sources s ON s.id = t.source_id "
        "WHERE s.visible"
    )


def _signals() -> None:
    op.execute(
        "CREATE VIEW public.generated_signals AS SELECT g.id, g.config AS config_id, i.symbol, i.token, "
        "to_timestamp(g.end_at / 1000000.0) AS signal_time, CASE g.side WHEN 'BUY' THEN 'Long' ELSE 'Short' END AS direction, "
        f"{_decimal('g.entry')} AS price, NULL::text AS timeframe, "
        "CASE g.status WHEN 'EXECUTED' THEN 'Executed' WHEN 'FAILED' THEN 'Rejected' WHEN 'CANCELLED' THEN 'Rejected' "
        "ELSE 'New' END AS status, g.home, g.mode, g.run, g.status_reason AS reason "
        "FROM exact.signals g JOIN exact.instruments i ON i.id = g.instrument"
    )


def _levels() -> None:
    """One row a 15-minute bar; a level is the newest of the indicators whose output has that name."""
    outputs = {"sh_price": "price", "sl_price": "price", "sh_status": "flag", "sl_status": "flag"}
    columns = ", ".join(
        f"max(l.value) FILTER (WHERE l.name LIKE '%.{name}') {'<> 0' if kind == 'flag' else ''} AS {name}"
        for name, kind in outputs.items()
    )
    priced = ", ".join(f"{_decimal(f'x.{name}')} AS {name}" if kind == "price" else f"x.{name}" for name, kind in outputs.items())
    op.execute(
        "CREATE VIEW public.tbl_ohlc_fifteen_output AS "
        f"SELECT row_number() OVER (ORDER BY x.created, i.symbol) AS id, i.token, i.symbol, x.created, "
        f"{_decimal('x.close')} AS close, {priced}, x.levels FROM ("
        "SELECT b.instrument, to_timestamp(b.start_at / 1000000.0) AS created, b.close, "
        f"{columns}, jsonb_object_agg(l.name, l.value) FILTER (WHERE l.name IS NOT NULL) AS levels "
        "FROM exact.bars b LEFT JOIN exact.levels l ON l.instrument = b.instrument AND l.timeframe = b.timeframe "
        "AND l.created = b.start_at AND l.source_id = b.source_id WHERE b.timeframe = '15min' "
        "GROUP BY b.instrument, b.start_at, b.close, b.source_id, b.contract, b.revision) x "
        "JOIN exact.instruments i ON i.id = x.instrument"
    )


# With TimescaleDB

# Ties within one instant go by seq. As bytes: workers that aggregate side by side cannot pass on a row, nor compare a named one.
PLACE = "timestamptz_send(t.timestamp) || int8send(t.seq)"


def _continuous_aggregates() -> None:
    op.execute(
        "SELECT create_hypertable('exact.ticks', by_range('timestamp', INTERVAL '1 day'), create_default_indexes => false, "
        "migrate_data => true)"
    )
    opened, closed = (f"{name}(t.price, {PLACE}) {OF_LAST}" for name in ("first", "last"))
    for minutes in MINUTES:
        # Each from the ticks themselves: one made of another would stay wrong after a late tick until both were refreshed.
        op.execute(
            f"CREATE MATERIALIZED VIEW public.stock_ohlc_{minutes}min "
            "WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS "
            f"SELECT time_bucket(INTERVAL '{minutes} minutes', t.timestamp) AS created, i.token, i.symbol, "
            f"{_bar_columns(opened, f'max(t.price) {OF_RANGE}', f'min(t.price) {OF_RANGE}', closed)}, "
            f"coalesce(sum(t.volume) {OF_VOLUME}, 0)::bigint AS volume, t.instrument, t.source_id "
            f"FROM exact.ticks t JOIN exact.instruments i ON i.id = t.instrument WHERE {COUNTS} "
            "GROUP BY 1, i.token, i.symbol, i.price_decimals, t.instrument, t.source_id "
            f"HAVING {opened} IS NOT NULL WITH NO DATA"
        )


def _bar_columns(opened: str, high: str, low: str, closed: str) -> str:
    """Open and close lie within high and low, whatever sale conditions their trades carried."""
    return (
        f"{_decimal(opened)} AS open, {_decimal(f'greatest({high}, {opened}, {closed})')} AS high, "
        f"{_decimal(f'least({low}, {opened}, {closed})')} AS low, {_decimal(closed)} AS close"
    )


# Without it


def _pieces() -> None:
    """Five-minute pieces up to ``until``; what came since is aggregated when it is read."""
    op.execute(
        "CREATE TABLE exact.made_pieces (instrument bigint, source_id bigint, created timestamptz, open bigint, high bigint, "
        "low bigint, close bigint, volume bigint NOT NULL, PRIMARY KEY (instrument, created, source_id))"
    )
    op.execute("CREATE TABLE exact.made_until (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), until timestamptz)")
    op.execute("INSERT INTO exact.made_until (until) VALUES ('-infinity')")
    op.execute(
        "CREATE FUNCTION exact.pieces_between(first timestamptz, past timestamptz) RETURNS TABLE (instrument bigint, "
        "source_id bigint, created timestamptz, open bigint, high bigint, low bigint, close bigint, volume bigint) "
        "LANGUAGE sql STABLE AS $$ "
        "SELECT t.instrument, t.source_id, date_bin('5 minutes', t.timestamp, 'epoch'), "
        f"(array_agg(t.price ORDER BY t.timestamp, t.seq) {OF_LAST})[1], max(t.price) {OF_RANGE}, min(t.price) {OF_RANGE}, "
        f"(array_agg(t.price ORDER BY t.timestamp DESC, t.seq DESC) {OF_LAST})[1], "
        f"coalesce(sum(t.volume) {OF_VOLUME}, 0)::bigint "
        f"FROM exact.ticks t WHERE {COUNTS} AND t.timestamp >= first AND t.timestamp < past GROUP BY 1, 2, 3 $$"
    )
    op.execute(
        "CREATE VIEW exact.pieces_5min AS SELECT * FROM exact.made_pieces UNION ALL "
        "SELECT p.* FROM exact.made_until u, LATERAL exact.pieces_between(u.until, 'infinity') p"
    )


def _refresh() -> None:
    """By the name and the arguments of TimescaleDB's own: every aggregate is made of the same pieces."""
    op.execute(
        "CREATE PROCEDURE public.refresh_continuous_aggregate(aggregate text, window_start timestamptz, window_end timestamptz) "
        "LANGUAGE plpgsql AS $$ DECLARE first timestamptz; past timestamptz; BEGIN "
        "IF aggregate !~ '^(public\\.)?stock_ohlc_(5|15|30|60)min$' THEN "
        "RAISE EXCEPTION 'relation \"%\" is not a continuous aggregate', aggregate; END IF; "
        "SELECT least(coalesce(window_start, '-infinity'), until) INTO first FROM exact.made_until FOR UPDATE; "
        "past := least(coalesce(window_end, 'infinity'), now()); "
        "IF isfinite(first) THEN first := date_bin('1 hour', first, 'epoch'); END IF; "
        "past := date_bin('5 minutes', past, 'epoch'); "
        "DELETE FROM exact.made_pieces WHERE created >= first AND created < past; "
        "INSERT INTO exact.made_pieces SELECT instrument, source_id, created, open, high, low, close, volume "
        "FROM exact.pieces_between(first, past); "
        "UPDATE exact.made_until SET until = greatest(until, past); END $$"
    )


def _bars_of_pieces() -> None:
    opened = "(array_agg(p.open ORDER BY p.created) FILTER (WHERE p.open IS NOT NULL))[1]"
    closed = "(array_agg(p.close ORDER BY p.created DESC) FILTER (WHERE p.close IS NOT NULL))[1]"
    for minutes in MINUTES:
        op.execute(
            f"CREATE VIEW public.stock_ohlc_{minutes}min AS "
            f"SELECT date_bin('{minutes} minutes', p.created, 'epoch') AS created, i.token, i.symbol, "
            f"{_bar_columns(opened, 'max(p.high)', 'min(p.low)', closed)}, sum(p.volume)::bigint AS volume, "
            "p.instrument, p.source_id "
            "FROM exact.pieces_5min p JOIN exact.instruments i ON i.id = p.instrument "
            "GROUP BY 1, i.token, i.symbol, i.price_decimals, p.instrument, p.source_id "
            f"HAVING {opened} IS NOT NULL"
        )


def _information() -> None:
    """What a count over the extension's catalogue finds where there is none of it: the truth."""
    op.execute("CREATE SCHEMA timescaledb_information")
    op.execute("CREATE VIEW timescaledb_information.hypertables AS SELECT NULL::name AS hypertable_name WHERE false")
    op.execute(
        "CREATE VIEW timescaledb_information.continuous_aggregates AS "
        "SELECT schemaname AS view_schema, viewname AS view_name FROM pg_views WHERE viewname ~ '^stock_ohlc_[0-9]+min$'"
    )
    op.execute("CREATE VIEW timescaledb_information.jobs AS SELECT NULL::integer AS job_id WHERE false")
