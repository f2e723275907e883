"""Tables of the settings: scan configurations, and every change of them. The CHECKs stand in migrations/settings.

``home`` is "" in a file of its own; on a server it names whose they are. ``id`` counts within a home. The columns of a
configuration are what its document says, for queries; the document is what is traded by.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from theo.adapters.sql.tables.column_types import TEXT

metadata = MetaData()

signal_configs = Table(
    "signal_configs",
    metadata,
    Column("home", TEXT, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", TEXT, nullable=False),
    Column("description", TEXT, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("signal_type", TEXT, nullable=False),
    Column("mode", TEXT, nullable=False),
    Column("sides", TEXT, nullable=False),
    Column("placeholder", TEXT),
    Column("expiry", TEXT),
    Column("option_type", TEXT),
    Column("option_category", TEXT),
    Column("writing", Boolean, nullable=False),
    Column("scan_on", TEXT, nullable=False),
    Column("scan_interval_minutes", Integer, nullable=False),
    Column("missed", TEXT, nullable=False),
    Column("days", TEXT, nullable=False),
    Column("start_minute", Integer, nullable=False),
    Column("end_minute", Integer, nullable=False),
    Column("time_zone", TEXT, nullable=False),
    Column("valid_until", TEXT),
    Column("signals_per_day", Integer, nullable=False),
    Column("strategy", TEXT, nullable=False),
    Column("timeframe", TEXT, nullable=False),
    Column("session", TEXT, nullable=False),
    Column("document", TEXT, nullable=False),
    Column("version", TEXT, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("user_name", TEXT, nullable=False),
    UniqueConstraint("home", "name", name="signal_configs_by_name"),
)

signal_symbols = Table(
    "signal_symbols",
    metadata,
    Column("home", TEXT, primary_key=True),
    Column("config_id", BigInteger, primary_key=True, autoincrement=False),
    Column("symbol", TEXT, primary_key=True),
    Column("token", BigInteger),
    Column("is_primary", Boolean, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("timeframe", TEXT, primary_key=True),
    ForeignKeyConstraint(("home", "config_id"), ("signal_configs.home", "signal_configs.id"), name="signal_symbols_config"),
)
Index(
    "signal_symbols_one_primary",
    signal_symbols.c.home,
    signal_symbols.c.config_id,
    unique=True,
    sqlite_where=signal_symbols.c.is_primary,
    postgresql_where=signal_symbols.c.is_primary,
)


def _rules(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("home", TEXT, primary_key=True),
        Column("config_id", BigInteger, primary_key=True, autoincrement=False),
        Column("side", TEXT, primary_key=True),
        Column("place", Integer, primary_key=True, autoincrement=False),
        Column("rule_type", TEXT, nullable=False),
        Column("symbol", TEXT),
        Column("parameter", TEXT),
        Column("correlation_threshold", Float),
        Column("text", TEXT, nullable=False),
        ForeignKeyConstraint(("home", "config_id"), ("signal_configs.home", "signal_configs.id"), name=f"{name}_config"),
    )


signal_entry_rules = _rules("signal_entry_rules")
signal_exit_rules = _rules("signal_exit_rules")

# Only ever added to; it outlasts what it is about. Each home's rows are one chain, as the journal's are: tables/scan_records.py.
signal_config_changes = Table(
    "signal_config_changes",
    metadata,
    Column("home", TEXT, primary_key=True),
    Column("config_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("name", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("user_name", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("before", TEXT),
    Column("after", TEXT),
    Column("seq", BigInteger, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("home", "seq", name="signal_config_changes_in_order"),
)
