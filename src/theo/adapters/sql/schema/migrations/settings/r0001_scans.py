"""Scan configurations, their symbols and rules, and every change. What may stand in a column, the database itself enforces."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0001"
down_revision = None

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CONFIG = ("home", "config_id")
REFUSED = "changes of scan configurations are append-only"
VIEWS = ("signal_configs", "signal_symbols", "signal_entry_rules", "signal_exit_rules", "signal_config_changes")


def upgrade() -> None:
    """Tables, rules of append-only, and on a server the names that people query."""
    _configs()
    _symbols()
    for name in ("signal_entry_rules", "signal_exit_rules"):
        _rules(name)
    _changes()
    if op.get_bind().dialect.name == "sqlite":
        _append_only_on_sqlite()
    else:
        _append_only_on_a_server()
        _views()


def _one_of(table: str, name: str, *words: str) -> sa.CheckConstraint:
    """One of the words; a column that may be null passes when it is."""
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{name} IN ({listed})", name=f"{table}_{name}")


def _configs() -> None:
    table = "signal_configs"
    for_options = "coalesce(placeholder, '') = 'OPTION'"
    days = "(days || ' ')"
    for day in DAYS:
        days = f"replace({days}, '{day} ', '')"
    op.create_table(
        table,
        sa.Column("home", TEXT, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("name", "description")),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("signal_type", "mode", "sides")),
        *(sa.Column(name, TEXT) for name in ("placeholder", "expiry", "option_type", "option_category")),
        sa.Column("writing", sa.Boolean(), nullable=False),
        sa.Column("scan_on", TEXT, nullable=False),
        sa.Column("scan_interval_minutes", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("missed", "days")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("start_minute", "end_minute")),
        sa.Column("time_zone", TEXT, nullable=False),
        sa.Column("valid_until", TEXT),
        sa.Column("signals_per_day", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("strategy", "timeframe", "session", "document", "version")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("number", "created_at", "updated_at")),
        sa.Column("user_name", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("home", "id", name=f"{table}_key"),
        sa.UniqueConstraint("home", "name", name=f"{table}_by_name"),
        sa.CheckConstraint("id >= 1", name=f"{table}_id"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=f"{table}_name"),
        _one_of(table, "signal_type", "Intraday", "Positional"),
        _one_of(table, "mode", "Live", "Virtual"),
        _one_of(table, "sides", "Long", "Short", "Both"),
        _one_of(table, "placeholder", "FUT", "OPTION", "ETF", "CASH"),
        _one_of(table, "expiry", "Weekly", "Monthly"),
        _one_of(table, "option_type", "CALL", "PUT"),
        _one_of(table, "option_category", "ITM", "OTM", "FUT", "DOTM", "DITM"),
        _one_of(table, "scan_on", "Bar close", "Interval"),
        _one_of(table, "missed", "Skip", "Catch up"),
        _one_of(table, "session", "RTH", "ALL"),
        _one_of(table, "strategy", "correlation", "ma_crossover", "buy_and_hold", "rules"),
        sa.CheckConstraint("(option_category IS NOT NULL) = (" + for_options + ")", name=f"{table}_option_with_category"),
        sa.CheckConstraint(f"option_type IS NULL OR {for_options}", name=f"{table}_option_type_of_option"),
        sa.CheckConstraint(f"NOT writing OR {for_options}", name=f"{table}_writing_of_option"),
        sa.CheckConstraint(
            "expiry IS NULL OR coalesce(placeholder, '') IN ('FUT', 'OPTION')", name=f"{table}_expiry_of_what_expires"
        ),
        sa.CheckConstraint(f"NOT {for_options} OR expiry IS NOT NULL", name=f"{table}_option_with_expiry"),
        sa.CheckConstraint(
            "writing OR option_type IS NULL OR (option_type = 'CALL' AND sides = 'Long') "
            "OR (option_type = 'PUT' AND sides = 'Short')",
            name=f"{table}_options_are_bought",
        ),
        sa.CheckConstraint("scan_interval_minutes BETWEEN 0 AND 1440", name=f"{table}_scan_interval_minutes"),
        sa.CheckConstraint("scan_on = 'Bar close' OR scan_interval_minutes >= 1", name=f"{table}_interval_of_minutes"),
        sa.CheckConstraint(f"days <> '' AND {days} = ''", name=f"{table}_days"),
        sa.CheckConstraint("start_minute BETWEEN 0 AND 1440", name=f"{table}_start_minute"),
        sa.CheckConstraint("end_minute BETWEEN 0 AND 1440 AND end_minute <> start_minute", name=f"{table}_end_minute"),
        sa.CheckConstraint("valid_until IS NULL OR length(valid_until) = 10", name=f"{table}_valid_until"),
        sa.CheckConstraint("signals_per_day BETWEEN 1 AND 1000", name=f"{table}_signals_per_day"),
        sa.CheckConstraint("length(version) = 12", name=f"{table}_version"),
        sa.CheckConstraint("number >= 1", name=f"{table}_number"),
        sa.CheckConstraint("updated_at >= created_at", name=f"{table}_updated_at"),
        sa.CheckConstraint("user_name <> ''", name=f"{table}_user_name"),
    )


def _of_config(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(CONFIG, ("signal_configs.home", "signal_configs.id"), name=f"{table}_config")


def _symbols() -> None:
    table = "signal_symbols"
    op.create_table(
        table,
        sa.Column("home", TEXT, nullable=False),
        sa.Column("config_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", TEXT, nullable=False),
        sa.Column("token", sa.BigInteger()),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("timeframe", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(*CONFIG, "symbol", "timeframe", name=f"{table}_key"),
        _of_config(table),
        _one_of(table, "role", "Primary", "Partner", "Other"),
        sa.CheckConstraint("symbol <> ''", name=f"{table}_symbol"),
        sa.CheckConstraint("token IS NULL OR token > 0", name=f"{table}_token"),
        sa.CheckConstraint("NOT is_primary OR role = 'Primary'", name=f"{table}_is_primary"),
    )
    only = sa.text("is_primary")
    op.create_index(f"{table}_one_primary", table, CONFIG, unique=True, sqlite_where=only, postgresql_where=only)


def _rules(table: str) -> None:
    op.create_table(
        table,
        sa.Column("home", TEXT, nullable=False),
        sa.Column("config_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rule_type", TEXT, nullable=False),
        sa.Column("symbol", TEXT),
        sa.Column("parameter", TEXT),
        sa.Column("correlation_threshold", sa.Float()),
        sa.Column("text", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(*CONFIG, "side", "place", name=f"{table}_key"),
        _of_config(table),
        _one_of(table, "side", "Long", "Short"),
        _one_of(table, "rule_type", "PriceAbove", "PriceBelow", "Correlation", "Condition"),
        sa.CheckConstraint("place >= 1", name=f"{table}_place"),
        sa.CheckConstraint(
            "(rule_type = 'Correlation') = (correlation_threshold IS NOT NULL)", name=f"{table}_correlation_with_threshold"
        ),
        sa.CheckConstraint(
            "correlation_threshold IS NULL OR correlation_threshold BETWEEN -1 AND 1", name=f"{table}_correlation_threshold"
        ),
        sa.CheckConstraint(
            "rule_type NOT IN ('PriceAbove', 'PriceBelow') OR (symbol IS NOT NULL AND parameter IS NOT NULL)",
            name=f"{table}_price_with_parameter",
        ),
    )


def _changes() -> None:
    table = "signal_config_changes"
    op.create_table(
        table,
        sa.Column("home", TEXT, nullable=False),
        sa.Column("config_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("user_name", "action", "reason")),
        *(sa.Column(name, TEXT) for name in ("before", "after")),
        sa.PrimaryKeyConstraint(*CONFIG, "number", name=f"{table}_key"),
        sa.CheckConstraint("number >= 1", name=f"{table}_number"),
        sa.CheckConstraint("user_name <> ''", name=f"{table}_user_name"),
        _one_of(table, "action", "create", "edit", "enable", "disable", "delete"),
        sa.CheckConstraint("(before IS NULL) = (action = 'create')", name=f"{table}_before"),
        sa.CheckConstraint("(after IS NULL) = (action = 'delete')", name=f"{table}_after"),
        sa.CheckConstraint("(number = 1) = (action = 'create')", name=f"{table}_begins_with_create"),
    )


def _append_only_on_sqlite() -> None:
    raised = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    present = "EXISTS (SELECT 1 FROM signal_config_changes c WHERE c.home = NEW.home AND c.config_id = NEW.config_id "
    table = "signal_config_changes"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {raised}")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {raised}")
    # INSERT OR REPLACE deletes without asking the rule above
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {present}AND c.number = NEW.number) {raised}")


def _append_only_on_a_server() -> None:
    said = f"BEGIN RAISE EXCEPTION '{REFUSED}: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege'; END"
    op.execute(f"CREATE FUNCTION exact.refuse_change_of_scans() RETURNS trigger LANGUAGE plpgsql AS $${said}$$")
    for name, event, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER signal_config_changes_no_{name} BEFORE {event} ON exact.signal_config_changes "
            f"FOR EACH {each} EXECUTE FUNCTION exact.refuse_change_of_scans()"
        )


def _views() -> None:
    """Times as times; the rest as it is."""
    times = {"created_at", "updated_at", "at"}
    inspector = sa.inspect(op.get_bind())
    for name in VIEWS:
        columns = [
            f"to_timestamp({each} / 1000000.0) AS {each}" if each in times else each
            for each in (column["name"] for column in inspector.get_columns(name, schema="exact"))
        ]
        op.execute(f"CREATE VIEW public.{name} AS SELECT {', '.join(columns)} FROM exact.{name}")
