"""Levels have one row a bar, marks to go on from, and a list of what became known; signals have their timeframe.

On SQLite, too, bars with their levels, and signals, have the names that people's queries use.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0009"
down_revision = "0008"

SIX = ("r1", "r2", "r3", "s1", "s2", "s3")
PIVOTS = ("pivot_p", *(f"{kind}_{name}" for kind in ("pivot", "fibonacci", "camarilla") for name in SIX))
SHOWN = {
    "sh_price": "price",
    "sl_price": "price",
    "sh_status": "flag",
    "sl_status": "flag",
    "fh_price": "price",
    "fl_price": "price",
    "atr": "fine",
    "trailing_stop": "fine",
    "trailing_side": "side",
    "donchian_high": "price",
    "donchian_low": "price",
    **dict.fromkeys(PIVOTS, "fine"),
}
FINER = 4  # decimals more than a price has: averages and pivots lie between prices


def upgrade() -> None:
    """What was in the old table nothing wrote; levels are computed from the bars."""
    on_server = op.get_bind().dialect.name != "sqlite"
    if on_server:
        op.execute("DROP VIEW public.tbl_ohlc_fifteen_output")
        op.execute("DROP VIEW public.generated_signals")
    op.drop_table("levels")
    _levels()
    _marks()
    _new_levels()
    op.add_column("signals", sa.Column("timeframe", TEXT, nullable=False, server_default=""))
    _fifteen(on_server=on_server)
    _signals(on_server=on_server)


def _key(*names: str) -> list[sa.Column[Any]]:
    texts = {"home", "timeframe", "source", "chain", "contract", "level"}
    return [sa.Column(name, TEXT if name in texts else sa.BigInteger(), nullable=False) for name in names]


def _levels() -> None:
    key = ("instrument", "timeframe", "start_at", "contract", "source_id")
    columns = [*_key(*key), *(sa.Column(name, sa.Float()) for name in SHOWN)]
    op.create_table("levels", *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=False)


def _marks() -> None:
    key = ("home", "instrument", "timeframe", "source", "chain", "start_at")
    op.create_table(
        "level_marks",
        *_key(*key),
        sa.Column("parameters", TEXT, nullable=False),
        sa.Column("bars", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )


def _new_levels() -> None:
    key = ("home", "instrument", "timeframe", "source", "chain", "level", "at_start")
    op.create_table(
        "new_levels",
        *_key(*key),
        sa.Column("price", sa.Float(), nullable=False),
        *_key("known_start", "known_at"),
        sa.PrimaryKeyConstraint(*key, "price"),
        sqlite_with_rowid=False,
    )
    op.create_index("new_levels_by_time", "new_levels", ["known_at"])


def _price(column: str, *, on_server: bool, finer: int = 0) -> str:
    if on_server:
        return f"round(({column})::numeric / power(10::numeric, i.price_decimals), i.price_decimals + {finer})"
    return f"round({column} / pow(10.0, i.price_decimals), i.price_decimals + {finer})"


def _moment(column: str, *, on_server: bool) -> str:
    return f"to_timestamp({column} / 1000000.0)" if on_server else f"datetime({column} / 1000000, 'unixepoch')"


def _shown(name: str, kind: str, *, on_server: bool) -> str:
    column = f"l.{name}"
    if kind == "side":
        return f"CASE WHEN {column} > 0 THEN 'Long' WHEN {column} < 0 THEN 'Short' END AS {name}"
    if kind == "flag":
        return f"{column} <> 0 AS {name}"
    return f"{_price(column, on_server=on_server, finer=FINER if kind == 'fine' else 0)} AS {name}"


def _fifteen(*, on_server: bool) -> None:
    """One row a 15-minute bar: its newest revision."""
    place = "exact." if on_server else ""
    prices = ", ".join(f"{_price(f'b.{name}', on_server=on_server)} AS {name}" for name in ("open", "high", "low"))
    levels = [_shown(name, kind, on_server=on_server) for name, kind in SHOWN.items()]
    op.execute(
        f"CREATE VIEW {'public.' if on_server else ''}tbl_ohlc_fifteen_output AS SELECT "
        "row_number() OVER (ORDER BY b.start_at, i.symbol, s.name, b.contract) AS id, i.token, i.symbol, "
        f"{_moment('b.start_at', on_server=on_server)} AS created, {_price('b.close', on_server=on_server)} AS close, "
        f"{', '.join(levels)}, {prices}, b.volume, b.contract, s.name AS source, s.home "
        f"FROM {place}bars b JOIN {place}instruments i ON i.id = b.instrument "
        f"JOIN {place}sources s ON s.id = b.source_id AND s.visible "
        f"LEFT JOIN {place}levels l ON l.instrument = b.instrument AND l.timeframe = b.timeframe AND l.start_at = b.start_at "
        "AND l.contract = b.contract AND l.source_id = b.source_id "
        f"WHERE b.timeframe = '15min' AND NOT EXISTS (SELECT 1 FROM {place}bars n WHERE n.instrument = b.instrument "
        "AND n.timeframe = b.timeframe AND n.start_at = b.start_at AND n.contract = b.contract AND n.source_id = b.source_id "
        "AND n.revision > b.revision)"
    )


def _signals(*, on_server: bool) -> None:
    place = "exact." if on_server else ""
    op.execute(
        f"CREATE VIEW {'public.' if on_server else ''}generated_signals AS "
        "SELECT g.id, g.config AS config_id, i.symbol, i.token, "
        f"{_moment('g.end_at', on_server=on_server)} AS signal_time, "
        "CASE g.side WHEN 'BUY' THEN 'Long' ELSE 'Short' END AS direction, "
        f"{_price('g.entry', on_server=on_server)} AS price, nullif(g.timeframe, '') AS timeframe, "
        "CASE g.status WHEN 'EXECUTED' THEN 'Executed' WHEN 'FAILED' THEN 'Rejected' WHEN 'CANCELLED' THEN 'Rejected' "
        "ELSE 'New' END AS status, g.home, g.mode, g.run, g.status_reason AS reason "
        f"FROM {place}signals g JOIN {place}instruments i ON i.id = g.instrument"
    )
