"""Market data and the projections of trading."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT, Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    _bars()
    _daily_pnl()
    _deals()
    _decisions()
    _events()
    _fills()
    _import_ranges()
    _instruments()
    _latches()
    _levels()
    _orders()
    _runs()
    _signals()
    _sources()
    _stock_ticks()
    _trades()
    _watermarks()


def _bars() -> None:
    op.create_table(
        "bars",
        sa.Column("instrument", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("timeframe", TEXT, nullable=False),
        sa.Column("start_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contract", TEXT, nullable=False),
        sa.Column("source_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("close", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("session_date", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("instrument", "timeframe", "start_at", "contract", "source_id", "revision"),
        sqlite_with_rowid=False,
    )


def _daily_pnl() -> None:
    op.create_table(
        "daily_pnl",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("equity_start", sa.BigInteger(), nullable=False),
        sa.Column("equity_end", sa.BigInteger(), nullable=True),
        sa.Column("trades_closed", sa.Integer(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "mode", "run", "day"),
    )


def _deals() -> None:
    op.create_table(
        "deals",
        sa.Column("trade_id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("signal_id", TEXT, nullable=False),
        sa.Column("instrument", sa.BigInteger(), nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("entry_sum", sa.BigInteger(), nullable=False),
        sa.Column("exit_sum", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("how", TEXT, nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("trade_id"),
    )
    op.create_index("deals_by_closed", "deals", ["closed_at"], unique=False)


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("numbers", TEXT, nullable=False),
        sa.Column("truths", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "place"),
    )
    op.create_index("decisions_by_end", "decisions", ["config", "end_at"], unique=False)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", "place"),
    )
    op.create_index(op.f("ix_events_kind"), "events", ["kind"], unique=False)


def _fills() -> None:
    op.create_table(
        "fills",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("execution", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("trade_id", TEXT, nullable=False),
        sa.Column("instrument", sa.BigInteger(), nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "place"),
    )
    op.create_index(op.f("ix_fills_execution"), "fills", ["execution"], unique=False)
    op.create_index(op.f("ix_fills_order_id"), "fills", ["order_id"], unique=False)
    op.create_index(op.f("ix_fills_trade_id"), "fills", ["trade_id"], unique=False)


def _import_ranges() -> None:
    op.create_table(
        "import_ranges",
        sa.Column("source_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instrument", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("timeframe", TEXT, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "instrument", "timeframe"),
    )


def _instruments() -> None:
    op.create_table(
        "instruments",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", TEXT, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("security_type", TEXT, nullable=False),
        sa.Column("exchange", TEXT, nullable=False),
        sa.Column("calendar", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("multiplier", sa.BigInteger(), nullable=False),
        sa.Column("price_decimals", sa.Integer(), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("contract_size", sa.BigInteger(), nullable=False),
        sa.Column("expiry", TEXT, nullable=False),
        sa.Column("strike", sa.BigInteger(), nullable=False),
        sa.Column("option_right", TEXT, nullable=False),
        sa.Column("aliases", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_instruments_symbol"), "instruments", ["symbol"], unique=False)
    op.create_index(op.f("ix_instruments_token"), "instruments", ["token"], unique=False)


def _latches() -> None:
    op.create_table(
        "latches",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("limit_value", sa.Float(), nullable=True),
        sa.Column("holds_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", "place"),
    )


def _levels() -> None:
    op.create_table(
        "levels",
        sa.Column("instrument", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("timeframe", TEXT, nullable=False),
        sa.Column("source_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("instrument", "timeframe", "source_id", "name", "created"),
        sqlite_with_rowid=False,
    )
    op.create_index("levels_by_bar", "levels", ["instrument", "timeframe", "created"], unique=False)


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("trade_id", TEXT, nullable=False),
        sa.Column("instrument", sa.BigInteger(), nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("order_type", TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("tif", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("limit_price", sa.BigInteger(), nullable=True),
        sa.Column("stop_price", sa.BigInteger(), nullable=True),
        sa.Column("trail", sa.BigInteger(), nullable=True),
        sa.Column("parent", TEXT, nullable=False),
        sa.Column("oca_group", TEXT, nullable=False),
        sa.Column("oca_type", TEXT, nullable=False),
        sa.Column("outside_rth", sa.Boolean(), nullable=False),
        sa.Column("passed", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("status_reason", TEXT, nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("broker_id", TEXT, nullable=False),
        sa.Column("intended_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_orders_trade_id"), "orders", ["trade_id"], unique=False)


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("build", TEXT, nullable=False),
        sa.Column("cash", sa.BigInteger(), nullable=False),
        sa.Column("restarted", sa.Boolean(), nullable=False),
        sa.Column("world", TEXT, nullable=False),
        sa.Column("config_versions", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", "place"),
    )


def _signals() -> None:
    op.create_table(
        "signals",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("instrument", sa.BigInteger(), nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("order_type", TEXT, nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("stop", sa.BigInteger(), nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("status_reason", TEXT, nullable=False),
        sa.Column("refused_rule", TEXT, nullable=False),
        sa.Column("refused_value", sa.Float(), nullable=True),
        sa.Column("refused_limit", sa.Float(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("signals_by_end", "signals", ["config", "end_at"], unique=False)
    op.create_index("signals_by_user", "signals", ["user_name"], unique=False)


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("staged_rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sources_name"), "sources", ["name"], unique=False)


def _stock_ticks() -> None:
    op.create_table(
        "stock_ticks",
        sa.Column("instrument", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("timestamp", Moment(), autoincrement=False, nullable=False),
        sa.Column("source_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("time_source", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("instrument", "timestamp", "source_id", "seq"),
        sqlite_with_rowid=False,
    )


def _trades() -> None:
    op.create_table(
        "trades",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("config_version", TEXT, nullable=False),
        sa.Column("signal_id", TEXT, nullable=False),
        sa.Column("instrument", sa.BigInteger(), nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("stop", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("current_stop", sa.BigInteger(), nullable=False),
        sa.Column("risk", sa.BigInteger(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("close_reason", TEXT, nullable=False),
        sa.Column("how", TEXT, nullable=False),
        sa.Column("in_quantity", sa.BigInteger(), nullable=False),
        sa.Column("out_quantity", sa.BigInteger(), nullable=False),
        sa.Column("entry_sum", sa.BigInteger(), nullable=False),
        sa.Column("exit_sum", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("first_fill_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("trades_by_config", "trades", ["config", "opened_at"], unique=False)


def _watermarks() -> None:
    op.create_table(
        "watermarks",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )
