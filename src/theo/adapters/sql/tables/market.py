"""Tables of market.db that hold market data. Times are int64 microseconds UTC, prices int64 units (instruments.price_decimals).

``sources`` names where rows came from once, so that a row carries a number; rows of a source that is not ``visible`` belong to
an import that is not published yet. What trading did is in projected.py. Their history is in migrations/market.
"""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table

from theo.adapters.sql.database.meanings import BY_MONTH
from theo.adapters.sql.tables.column_types import ROW_ID, TEXT, Moment
from theo.market.standard_levels import LEVEL_NAMES

metadata = MetaData()

instruments = Table(
    "instruments",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("symbol", TEXT, nullable=False, index=True),
    Column("token", BigInteger, nullable=False, index=True),
    Column("security_type", TEXT, nullable=False),
    Column("exchange", TEXT, nullable=False),
    Column("calendar", TEXT, nullable=False),
    Column("currency", TEXT, nullable=False),
    Column("multiplier", BigInteger, nullable=False),
    Column("price_decimals", Integer, nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("contract_size", BigInteger, nullable=False),
    Column("expiry", TEXT, nullable=False),
    Column("strike", BigInteger, nullable=False),
    Column("option_right", TEXT, nullable=False),
    Column("aliases", TEXT, nullable=False),  # JSON object: source -> name there
)

sources = Table(
    "sources",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("name", TEXT, nullable=False, index=True),
    Column("visible", Boolean, nullable=False),
    Column("origin", TEXT, nullable=False),  # import | journal | direct
    Column("fingerprint", TEXT, nullable=False),  # of the imported file and the settings; "" where there is none
    Column("staged_rows", BigInteger, nullable=False),
    Column("home", TEXT, nullable=False, server_default=""),  # whose journal holds it; "" for what every home may read
)

# What an import that is not published yet has staged of each series, and what a home's journal has brought to a server:
# publishing, discarding and erasing need no scan.
import_ranges = Table(
    "import_ranges",
    metadata,
    Column("source_id", BigInteger, primary_key=True, autoincrement=False),
    Column("instrument", BigInteger, primary_key=True, autoincrement=False),
    Column("timeframe", TEXT, primary_key=True),  # "" for ticks
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
)


def _tick() -> list[Column[int]]:
    return [
        Column("instrument", BigInteger, primary_key=True, autoincrement=False),
        Column("timestamp", Moment, primary_key=True, autoincrement=False),
        Column("source_id", BigInteger, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("received_at", BigInteger, nullable=False),
        Column("kind", Integer, nullable=False),
        Column("price", BigInteger, nullable=False),
        Column("volume", BigInteger, nullable=False),
        Column("flags", Integer, nullable=False),
        Column("time_source", Integer, nullable=False),
    ]


ticks = Table("ticks", metadata, *_tick(), sqlite_with_rowid=False, info={BY_MONTH: 1})

# Ticks that are in a file of the archive instead: written in the transaction that deletes them from the table above.
archived_ticks = Table(
    "archived_ticks",
    metadata,
    Column("file", TEXT, primary_key=True),
    Column("instrument", BigInteger, nullable=False, index=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("digest", TEXT, nullable=False),
    Column("sources", TEXT, nullable=False),  # JSON array of their names
    Column("home", TEXT, nullable=False),  # whose they are, as in ``sources``
)

# Of imports that are not published yet, on a server: its own bars are made of all that is in ``ticks``.
staged_ticks = Table("staged_ticks", metadata, *_tick(), info={BY_MONTH: 1})  # where they go when they are published

bars = Table(
    "bars",
    metadata,
    Column("instrument", BigInteger, primary_key=True, autoincrement=False),
    Column("timeframe", TEXT, primary_key=True),
    Column("start_at", BigInteger, primary_key=True, autoincrement=False),
    Column("contract", TEXT, primary_key=True),
    Column("source_id", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("known_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("close", BigInteger, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("session_date", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Of each bar as of ``bars``, its newest revision: theo.market.standard_levels says what they are. Null before there is a value.
levels = Table(
    "levels",
    metadata,
    Column("instrument", BigInteger, primary_key=True, autoincrement=False),
    Column("timeframe", TEXT, primary_key=True),
    Column("start_at", BigInteger, primary_key=True, autoincrement=False),
    Column("contract", TEXT, primary_key=True),
    Column("source_id", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, Float) for name in LEVEL_NAMES),
    sqlite_with_rowid=False,
)

# States from which levels go on. Those at or after a bar that is added or revised are deleted with it: the newest one that is
# left is always right. ``chain`` is a contract where several have bars of the same time, else "".
level_marks = Table(
    "level_marks",
    metadata,
    Column("home", TEXT, primary_key=True),  # of the source
    Column("instrument", BigInteger, primary_key=True, autoincrement=False),
    Column("timeframe", TEXT, primary_key=True),
    Column("source", TEXT, primary_key=True),
    Column("chain", TEXT, primary_key=True),
    Column("start_at", BigInteger, primary_key=True, autoincrement=False),  # of the newest bar that is in it
    Column("parameters", TEXT, nullable=False),
    Column("bars", BigInteger, nullable=False),
    Column("state", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

# Swing highs and lows as they became known. The key announces each once, whatever is recomputed or imported again.
new_levels = Table(
    "new_levels",
    metadata,
    Column("home", TEXT, primary_key=True),
    Column("instrument", BigInteger, primary_key=True, autoincrement=False),
    Column("timeframe", TEXT, primary_key=True),
    Column("source", TEXT, primary_key=True),
    Column("chain", TEXT, primary_key=True),
    Column("level", TEXT, primary_key=True),  # SH | SL
    Column("at_start", BigInteger, primary_key=True, autoincrement=False),  # of the bar at which it is
    Column("price", Float, primary_key=True),
    Column("known_start", BigInteger, nullable=False),  # of the bar with which it became known
    Column("known_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("new_levels_by_time", new_levels.c.known_at)
