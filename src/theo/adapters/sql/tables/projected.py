"""Tables of market.db that are projected from the journal: what trading did, rebuilt at any time.

Every table carries the keys of DESIGN: account, user, mode, run, strategy configuration and its version. ``seq`` is the trading
record that last changed the row. Money is in micros of the currency, prices in price units, times in microseconds UTC.
Columns avoid SQL's reserved words (``user_name``, ``trade_id``, ``limit_price``), so that anyone's query works unquoted.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from theo.adapters.sql.tables.column_types import TEXT
from theo.adapters.sql.tables.market import metadata


def _home() -> Column[str]:
    """Whose journal it was projected from: "" in a file of its own; a server holds the tables of many homes."""
    return Column("home", TEXT, primary_key=True)


def _keys() -> list[Column[str]]:
    names = ("account", "user_name", "mode", "run", "config", "config_version")
    return [Column(name, TEXT, nullable=False) for name in names]


def _changed() -> Column[int]:
    return Column("seq", BigInteger, nullable=False)


def _at(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _record() -> list[Column[int]]:
    """Rows that never change: the record, and the fact's place in it, are their key."""
    return [
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("place", Integer, primary_key=True, autoincrement=False),
    ]


watermarks = Table(
    "watermarks",
    metadata,
    _home(),
    Column("stream", TEXT, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", TEXT, nullable=False),  # of that record: another journal's records are refused
)

runs = Table(
    "runs",
    metadata,
    _home(),
    *_record(),
    *_keys(),
    _at("at"),
    Column("build", TEXT, nullable=False),
    Column("cash", BigInteger, nullable=False),  # what the run began with
    Column("restarted", Boolean, nullable=False),  # the same run, come back knowing another world
    Column("world", TEXT, nullable=False),
    Column("config_versions", TEXT, nullable=False),  # JSON object: configuration -> version
)

# Asked by the bar's end, which also comes in this order: one tree holds them all.
decisions = Table(
    "decisions",
    metadata,
    Column("home", TEXT, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    *_keys(),
    Column("end_at", BigInteger, nullable=False),
    Column("verdict", TEXT, nullable=False),
    Column("numbers", TEXT, nullable=False),  # JSON array, null where a number did not exist
    Column("truths", BigInteger, nullable=False),
    PrimaryKeyConstraint("home", "end_at", "config", "seq", "place"),
    sqlite_with_rowid=False,
)

# Decisions of bars that ended before that time are in the journal alone.
pruned_decisions = Table("pruned_decisions", metadata, _home(), _at("before"))

# What a signal's exchange and product may be; the database holds to it. An instrument of another exchange has none there.
EXCHANGES: Final = frozenset(
    {"NYSE", "NASDAQ", "CBOE", "SMART", "CME", "AMEX", "ARCA", "BATS", "IEX", "CBOT", "CFE", "COMEX", "NYMEX", "SIM"}
)
MARGIN: Final = "MARGIN"
CASH: Final = "CASH"

# The CHECKs stand in migrations/market: they hold for every signal but those that came to nothing, which are kept as proposed.
signals = Table(
    "signals",
    metadata,
    _home(),
    Column("id", TEXT, primary_key=True),
    *_keys(),
    Column("end_at", BigInteger, nullable=False),
    Column("kind", TEXT, nullable=False),  # entry | exit
    Column("instrument", BigInteger, nullable=False),
    Column("side", TEXT, nullable=False),
    Column("order_type", TEXT, nullable=False),
    Column("entry", BigInteger),
    Column("stop", BigInteger),
    Column("target", BigInteger),
    Column("quantity", BigInteger, nullable=False),  # of its trade; before, what was asked for, 0 where risk sizes it
    Column("reason", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("status_reason", TEXT, nullable=False),
    Column("refused_rule", TEXT, nullable=False),
    Column("refused_value", Float),
    Column("refused_limit", Float),
    Column("timeframe", TEXT, nullable=False, server_default=""),  # of the bars on which it was decided; "" where not known
    Column("config_id", BigInteger),  # of the stored scan, None where its rules came from elsewhere
    Column("exchange", TEXT),
    Column("product_type", TEXT),
    Column("contract_size", BigInteger),  # the smallest step of a quantity
    Column("active", Boolean, nullable=False),  # PENDING or VALIDATED
    _at("created_at"),  # the end of the bar on which it was decided, or when a person asked for it
    _at("updated_at"),
    Column("expires_at", BigInteger),
    _changed(),
    UniqueConstraint(
        "home", "account", "user_name", "mode", "run", "config", "instrument", "created_at", name="signals_once_a_moment"
    ),
)
Index("signals_by_end", signals.c.config, signals.c.end_at)
Index("signals_by_user", signals.c.user_name)
Index("signals_in_order", signals.c.home, signals.c.end_at, signals.c.id)

orders = Table(
    "orders",
    metadata,
    _home(),
    Column("id", TEXT, primary_key=True),
    *_keys(),
    Column("trade_id", TEXT, nullable=False, index=True),
    Column("instrument", BigInteger, nullable=False),
    Column("side", TEXT, nullable=False),
    Column("order_type", TEXT, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("tif", TEXT, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("limit_price", BigInteger),
    Column("stop_price", BigInteger),
    Column("trail", BigInteger),
    Column("parent", TEXT, nullable=False),
    Column("oca_group", TEXT, nullable=False),
    Column("oca_type", TEXT, nullable=False),
    Column("outside_rth", Boolean, nullable=False),
    Column("passed", TEXT, nullable=False),  # JSON array: the risk rules that approved it
    Column("status", TEXT, nullable=False),
    Column("status_reason", TEXT, nullable=False),
    Column("filled", BigInteger, nullable=False),
    Column("broker_id", TEXT, nullable=False),  # the broker's number of it for life: IB's permId
    _at("intended_at"),
    _at("changed_at"),
    Column("route", TEXT, nullable=False),
    Column("broker", TEXT, nullable=False),  # who gave it that number
    Column("broker_client_id", BigInteger, nullable=False),  # IB's client id, 0 where there is none
    Column("broker_handle", BigInteger, nullable=False),  # IB's order id of that client when it was accepted, 0 without
    Column("contract", TEXT, nullable=False, server_default=""),  # of a future that rolls, or a chosen option
    Column("underlying", BigInteger),  # whose price sets it off, at underlying_price (its price units) or beyond; else NULL
    Column("underlying_price", BigInteger),
    Column("underlying_above", Boolean),
    _changed(),
)

fills = Table(
    "fills",
    metadata,
    _home(),
    *_record(),
    *_keys(),
    Column("execution", TEXT, nullable=False, index=True),
    Column("order_id", TEXT, nullable=False, index=True),
    Column("trade_id", TEXT, nullable=False, index=True),
    Column("instrument", BigInteger, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("side", TEXT, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("charges", BigInteger, nullable=False),
    _at("timestamp"),
    _at("at"),
)

trades = Table(
    "trades",
    metadata,
    _home(),
    Column("id", TEXT, primary_key=True),
    *_keys(),
    Column("signal_id", TEXT, nullable=False),
    Column("instrument", BigInteger, nullable=False),
    Column("side", TEXT, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("stop", BigInteger, nullable=False),
    Column("target", BigInteger),
    Column("current_stop", BigInteger, nullable=False),
    Column("risk", BigInteger, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("close_reason", TEXT, nullable=False),
    Column("how", TEXT, nullable=False),
    Column("in_quantity", BigInteger, nullable=False),
    Column("out_quantity", BigInteger, nullable=False),
    Column("entry_sum", BigInteger, nullable=False),
    Column("exit_sum", BigInteger, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("charges", BigInteger, nullable=False),
    _at("opened_at"),
    Column("first_fill_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("contract", TEXT, nullable=False, server_default=""),  # of a future that rolls, or a chosen option
    Column("underlying", BigInteger),  # whose prices end it, of a bought option; else NULL, as its stop and target
    Column("underlying_stop", BigInteger),
    Column("underlying_target", BigInteger),
    _changed(),
)
Index("trades_by_config", trades.c.config, trades.c.opened_at)
Index("trades_by_signal", trades.c.signal_id)

deals = Table(
    "deals",
    metadata,
    _home(),
    Column("trade_id", TEXT, primary_key=True),
    *_keys(),
    Column("signal_id", TEXT, nullable=False),
    Column("instrument", BigInteger, nullable=False),
    Column("side", TEXT, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("entry_sum", BigInteger, nullable=False),
    Column("exit_sum", BigInteger, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("charges", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("how", TEXT, nullable=False),
    _at("entered_at"),
    _at("closed_at"),
    _changed(),
)
Index("deals_by_closed", deals.c.closed_at)

daily_pnl = Table(
    "daily_pnl",
    metadata,
    _home(),
    Column("account", TEXT, primary_key=True),
    Column("mode", TEXT, primary_key=True),
    Column("run", TEXT, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # the account day's end, days since the epoch
    Column("user_name", TEXT, nullable=False),
    Column("equity_start", BigInteger, nullable=False),
    Column("equity_end", BigInteger),  # None until the next account day begins
    Column("trades_closed", Integer, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("charges", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    _changed(),
)

latches = Table(
    "latches",
    metadata,
    _home(),
    *_record(),
    *_keys(),
    _at("at"),
    Column("kind", TEXT, nullable=False),  # halted | resumed | breaker_tripped | breaker_reset
    Column("actor", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("rule", TEXT, nullable=False),
    Column("value", Float),
    Column("limit_value", Float),
    Column("holds_until", BigInteger),
)

events = Table(
    "events",
    metadata,
    _home(),
    *_record(),
    *_keys(),
    _at("at"),
    Column("kind", TEXT, nullable=False, index=True),
    Column("severity", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
)

PROJECTED = {table.name: table for table in (runs, decisions, signals, orders, fills, trades, deals, daily_pnl, latches, events)}
