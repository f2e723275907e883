"""Without TimescaleDB every length has bars of its own: the latest are found by an index, however many there are.

A refresh makes five-minute pieces of the ticks, and the bars of those; what came since is aggregated when it is read. A made bar
carries its symbol, and each length has a part of the table: only of a whole table does a view go along an index.
"""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.schema.migrations.market.r0004_names import MINUTES
from theo.adapters.sql.schema.migrations.market.r0007_archive import OF_ARCHIVED_DAY

revision = "0013"
down_revision = "0012"

PIECE = min(MINUTES)
COLUMNS = "minutes, instrument, source_id, created, open, high, low, close, volume, symbol, price_decimals"
OPENED = "(array_agg(p.open ORDER BY p.created) FILTER (WHERE p.open IS NOT NULL))[1]"
CLOSED = "(array_agg(p.close ORDER BY p.created DESC) FILTER (WHERE p.close IS NOT NULL))[1]"


def upgrade() -> None:
    """The table, filled from the pieces that there are, the refresh and the views. With TimescaleDB nothing."""
    connection = op.get_bind()
    plain = "SELECT count(*) FROM pg_tables WHERE schemaname = 'exact' AND tablename = 'made_pieces'"
    if connection.dialect.name == "sqlite" or not connection.execute(sa.text(plain)).scalar():
        return
    _table()
    for minutes in MINUTES:
        whole = f"CASE WHEN isfinite(until) THEN {_bin(minutes, 'until')} ELSE until END"
        op.execute(_bars(minutes, "'-infinity'", f"(SELECT {whole} FROM exact.made_until)"))
    _refresh()
    for minutes in MINUTES:
        _view(minutes)
    op.execute("DROP VIEW exact.pieces_5min")


def _table() -> None:
    """With the rights of the pieces."""
    op.execute(
        "CREATE TABLE exact.made_bars (minutes int, instrument bigint, source_id bigint, created timestamptz, "
        "open bigint NOT NULL, high bigint, low bigint, close bigint, volume bigint NOT NULL, "
        'symbol text COLLATE "C" NOT NULL, price_decimals int NOT NULL, '
        "PRIMARY KEY (minutes, instrument, created, source_id)) PARTITION BY LIST (minutes)"
    )
    for minutes in MINUTES:
        op.execute(f"CREATE TABLE exact.made_bars_{minutes} PARTITION OF exact.made_bars FOR VALUES IN ({minutes})")
    op.execute("CREATE INDEX made_bars_by_symbol ON exact.made_bars (symbol, created DESC)")
    op.execute(
        "DO $$ DECLARE held record; BEGIN FOR held IN SELECT privilege_type AS what, grantee::regrole::text AS who "
        "FROM pg_class c, aclexplode(c.relacl) WHERE c.oid = 'exact.made_pieces'::regclass AND grantee NOT IN (0, c.relowner) "
        "LOOP EXECUTE format('GRANT %s ON exact.made_bars TO %s', held.what, held.who); END LOOP; END $$"
    )


def _bin(minutes: int, at: str) -> str:
    return f"date_bin('{minutes} minutes', {at}, 'epoch')"


def _ceiled(minutes: int, at: str) -> str:
    """Of a time on the grid of the pieces."""
    return _bin(minutes, f"{at} + INTERVAL '{minutes - PIECE} minutes'")


def _bars(minutes: int, first: str, past: str) -> str:
    """Bars of so many minutes from the pieces between two times; what is there already stays."""
    return (
        f"INSERT INTO exact.made_bars ({COLUMNS}) "
        f"SELECT {minutes}, p.instrument, p.source_id, {_bin(minutes, 'p.created')}, {OPENED}, max(p.high), min(p.low), "
        f"{CLOSED}, sum(p.volume), i.symbol, i.price_decimals "
        "FROM exact.made_pieces p JOIN exact.instruments i ON i.id = p.instrument "
        f"WHERE p.created >= {first} AND p.created < {past} "
        f"GROUP BY 2, 3, 4, i.symbol, i.price_decimals HAVING {OPENED} IS NOT NULL ON CONFLICT DO NOTHING"
    )


def _refresh() -> None:
    """Pieces as before. Those bars are made anew that lie in the range, and are whole up to what was ever refreshed."""
    bars = "".join(
        f"ends := least({_ceiled(minutes, 'past')}, {_bin(minutes, 'reached')}); "
        f"DELETE FROM exact.made_bars p WHERE p.minutes = {minutes} AND p.created >= first AND p.created < ends "
        f"AND NOT EXISTS ({OF_ARCHIVED_DAY}); {_bars(minutes, 'first', 'ends')}; "
        for minutes in MINUTES
    )
    op.execute(
        "CREATE OR REPLACE PROCEDURE public.refresh_continuous_aggregate("
        "aggregate text, window_start timestamptz, window_end timestamptz) "
        "LANGUAGE plpgsql AS $$ DECLARE first timestamptz; past timestamptz; reached timestamptz; ends timestamptz; BEGIN "
        "IF aggregate !~ '^(public\\.)?stock_ohlc_(5|15|30|60)min$' THEN "
        "RAISE EXCEPTION 'relation \"%\" is not a continuous aggregate', aggregate; END IF; "
        "SELECT least(coalesce(window_start, '-infinity'), until), until INTO first, reached FROM exact.made_until FOR UPDATE; "
        "past := least(coalesce(window_end, 'infinity'), now()); "
        f"IF isfinite(first) THEN first := {_bin(60, 'first')}; END IF; "
        f"past := {_bin(PIECE, 'past')}; reached := greatest(past, reached); "
        "DELETE FROM exact.made_pieces p WHERE created >= first AND created < past "
        f"AND NOT EXISTS ({OF_ARCHIVED_DAY}); "
        "INSERT INTO exact.made_pieces SELECT instrument, source_id, created, open, high, low, close, volume "
        f"FROM exact.pieces_between(first, past) ON CONFLICT DO NOTHING; {bars}"
        "UPDATE exact.made_until SET until = reached; END $$"
    )


def _view(minutes: int) -> None:
    """What was made, in the order of its index, and what came since: from the begin of the bar in which ``until`` lies."""
    conid = "(SELECT i.token FROM exact.instruments i WHERE i.id = b.instrument) AS token"
    made = (
        f"SELECT b.created, {conid}, b.symbol, {_prices('b', 'b')}, b.volume, b.instrument, b.source_id "
        f"FROM exact.made_bars_{minutes} b"
    )
    since = f"CASE WHEN isfinite(u.until) THEN {_bin(minutes, 'u.until')} ELSE u.until END"
    grouped = (
        f"SELECT {_bin(minutes, 'p.created')} AS created, {OPENED} AS open, max(p.high) AS high, min(p.low) AS low, "
        f"{CLOSED} AS close, sum(p.volume)::bigint AS volume, p.instrument, p.source_id "
        f"FROM exact.made_until u, LATERAL exact.pieces_between({since}, 'infinity') p GROUP BY 1, p.instrument, p.source_id"
    )
    op.execute(
        f"CREATE OR REPLACE VIEW public.stock_ohlc_{minutes}min AS {made} UNION ALL "
        f"SELECT x.created, i.token, i.symbol, {_prices('x', 'i')}, x.volume, x.instrument, x.source_id "
        f"FROM ({grouped}) x JOIN exact.instruments i ON i.id = x.instrument WHERE x.open IS NOT NULL"
    )


def _prices(bar: str, named: str) -> str:
    """Open and close lie within high and low, whatever sale conditions their trades carried."""
    shown = {
        "open": f"{bar}.open",
        "high": f"greatest({bar}.high, {bar}.open, {bar}.close)",
        "low": f"least({bar}.low, {bar}.open, {bar}.close)",
        "close": f"{bar}.close",
    }
    scale = f"{named}.price_decimals"
    return ", ".join(f"round(({what})::numeric / power(10::numeric, {scale}), {scale}) AS {name}" for name, what in shown.items())
