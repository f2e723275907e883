"""What a signal may be, and how it may move, the database itself enforces; signals have all fields of their record.

One that came to nothing is kept as it was proposed, wrong prices too: it is the record of why it was refused.
"""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0014"
down_revision = "0013"

ONCE = ("home", "account", "user_name", "mode", "run", "config", "instrument", "created_at")
NOTHING = "status IN ('CANCELLED', 'FAILED')"
ENDED = "('EXECUTED', 'CANCELLED', 'FAILED')"
POSITIVE = "coalesce(entry, 1) > 0 AND coalesce(stop, 1) > 0 AND coalesce(target, 1) > 0"
STOP = "stop IS NULL OR entry IS NULL OR (side = 'BUY' AND stop < entry) OR (side = 'SELL' AND stop > entry)"
TARGET = "target IS NULL OR entry IS NULL OR (side = 'BUY' AND target > entry) OR (side = 'SELL' AND target < entry)"
ORDER_TYPES = ("MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP")
EXCHANGES = (
    *("NYSE", "NASDAQ", "CBOE", "SMART", "CME"),
    *("AMEX", "ARCA", "BATS", "IEX", "CBOT", "CFE", "COMEX", "NYMEX", "SIM"),
)
INDEXES = {
    "signals_by_end": ["config", "end_at"],
    "signals_by_user": ["user_name"],
    "signals_in_order": ["home", "end_at", "id"],
}
REFUSED = "a signal does not move like that"
ILLEGAL = f"NEW.status <> OLD.status AND NOT (OLD.status = 'PENDING' OR (OLD.status = 'VALIDATED' AND NEW.status IN {ENDED}))"


def upgrade() -> None:
    """Columns, filled as far as the stored tables know; then the constraints, the rule of moves, and the name people query."""
    on_server = op.get_bind().dialect.name != "sqlite"
    op.execute(f"DROP VIEW {'public.' if on_server else ''}generated_signals")
    _columns()
    _fill()
    _settle()
    _constraints()
    _moves(on_server=on_server)
    _view(on_server=on_server)


def _columns() -> None:
    for name, kind in (("config_id", sa.BigInteger()), ("exchange", TEXT), ("product_type", TEXT)):
        op.add_column("signals", sa.Column(name, kind))
    for name in ("contract_size", "active", "created_at", "updated_at", "expires_at"):
        op.add_column("signals", sa.Column(name, sa.Boolean() if name == "active" else sa.BigInteger()))


def _fill() -> None:
    """Order types by their names; what was promoted is validated, and has the quantity of its trade."""
    for name, stored in zip(ORDER_TYPES, ("MKT", "LMT", "STP", "STP LMT", "TRAIL"), strict=True):
        op.execute(f"UPDATE signals SET order_type = '{name}' WHERE order_type = '{stored}'")
    of_it = "FROM trades t WHERE t.home = signals.home AND t.signal_id = signals.id"
    op.execute(
        f"UPDATE signals SET quantity = (SELECT max(t.quantity) {of_it}), "
        "status = CASE status WHEN 'PENDING' THEN 'VALIDATED' ELSE status END "
        f"WHERE kind = 'entry' AND EXISTS (SELECT 1 {of_it})"
    )
    named = ", ".join(f"'{name}'" for name in EXCHANGES)
    of_it = "FROM instruments i WHERE i.id = signals.instrument"
    op.execute(
        f"UPDATE signals SET exchange = (SELECT i.exchange {of_it} AND i.exchange IN ({named})), "
        f"contract_size = (SELECT i.contract_size {of_it}), "
        f"product_type = (SELECT CASE WHEN i.security_type IN ('FUT', 'CONTFUT') THEN 'MARGIN' END {of_it}), "
        "active = (status NOT IN ('EXECUTED', 'CANCELLED', 'FAILED')), created_at = end_at, updated_at = end_at"
    )


def _settle() -> None:
    """What would break a constraint: a second signal of a moment is put a microsecond later, an impossible price is left out."""
    op.execute(
        "UPDATE signals SET created_at = created_at + n.later, updated_at = updated_at + n.later FROM ("
        f"SELECT home AS h, id AS i, row_number() OVER (PARTITION BY {', '.join(ONCE)} ORDER BY id) - 1 AS later FROM signals) n "
        "WHERE n.h = signals.home AND n.i = signals.id AND n.later > 0"
    )
    op.execute(f"UPDATE signals SET entry = NULL WHERE entry <= 0 AND NOT ({NOTHING}) AND order_type NOT LIKE '%LIMIT'")
    for name, rule in (("stop", STOP), ("target", TARGET)):
        op.execute(f"UPDATE signals SET {name} = NULL WHERE NOT ({NOTHING}) AND ({name} <= 0 OR NOT ({rule}))")


def _constraints() -> None:
    exits = "kind = 'exit'"
    rules = {
        "kind": _one_of("kind", "entry", "exit"),
        "side": f"{_one_of('side', 'BUY', 'SELL')} OR ({exits} AND side = '')",
        "order_type": f"{_one_of('order_type', *ORDER_TYPES)} OR ({exits} AND order_type = '')",
        "exchange": _one_of("exchange", *EXCHANGES),
        "product_type": _one_of("product_type", "MARGIN", "CASH"),
        "status": _one_of("status", "PENDING", "VALIDATED", "EXECUTED", "CANCELLED", "FAILED"),
        "user_name": "user_name <> ''",
        "config_id": "config_id >= 1",
        "contract_size": "contract_size >= 1",
        "prices_positive": f"{NOTHING} OR ({POSITIVE})",
        "quantity_positive": f"{NOTHING} OR quantity > 0 OR (quantity = 0 AND ({exits} OR status = 'PENDING'))",
        "quantity_of_contract_size": f"{NOTHING} OR quantity % contract_size = 0",
        "entry_of_limit": "order_type NOT IN ('LIMIT', 'STOP_LIMIT') OR entry IS NOT NULL",
        "stop_behind_entry": f"{NOTHING} OR {STOP}",
        "target_beyond_entry": f"{NOTHING} OR {TARGET}",
        "active": "active = (status IN ('PENDING', 'VALIDATED'))",
        "updated_at": "updated_at >= created_at",
        "expires_at": "expires_at > created_at",
    }
    for name in INDEXES:  # or they come again in any order
        op.drop_index(name, "signals")
    with op.batch_alter_table("signals") as batch:
        for name in ("created_at", "updated_at"):
            batch.alter_column(name, existing_type=sa.BigInteger(), nullable=False)
        batch.alter_column("active", existing_type=sa.Boolean(), nullable=False)
        for name, rule in rules.items():
            batch.create_check_constraint(f"signals_{name}", sa.text(rule))
        batch.create_unique_constraint("signals_once_a_moment", ONCE)
    for name, columns in INDEXES.items():
        op.create_index(name, "signals", columns)


def _one_of(name: str, *words: str) -> str:
    return f"{name} IN {words}"


def _moves(*, on_server: bool) -> None:
    """A batch of facts moves a row at once: what is refused is going back, and to go on after the end."""
    if not on_server:
        op.execute(
            f"CREATE TRIGGER signals_moves BEFORE UPDATE OF status ON signals WHEN {ILLEGAL} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
        return
    said = f"RAISE EXCEPTION '{REFUSED}: % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation'"
    op.execute(f"CREATE FUNCTION exact.refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {said}; END $$")
    op.execute(
        f"CREATE TRIGGER signals_moves BEFORE UPDATE OF status ON exact.signals FOR EACH ROW WHEN ({ILLEGAL}) "
        "EXECUTE FUNCTION exact.refuse_move()"
    )


def _view(*, on_server: bool) -> None:
    place = "exact." if on_server else ""
    price = "round((g.{0})::numeric / power(10::numeric, i.price_decimals), i.price_decimals)"
    moment = "to_timestamp(g.{0} / 1000000.0)"
    if not on_server:
        price, moment = "round(g.{0} / pow(10.0, i.price_decimals), i.price_decimals)", "datetime(g.{0} / 1000000, 'unixepoch')"
    op.execute(
        f"CREATE VIEW {'public.' if on_server else ''}generated_signals AS "
        f"SELECT g.id, g.config_id, i.symbol, i.token, {moment.format('end_at')} AS signal_time, "
        f"CASE g.side WHEN 'BUY' THEN 'Long' ELSE 'Short' END AS direction, {price.format('entry')} AS price, "
        "nullif(g.timeframe, '') AS timeframe, CASE g.status WHEN 'EXECUTED' THEN 'Executed' WHEN 'FAILED' THEN 'Rejected' "
        "WHEN 'CANCELLED' THEN 'Rejected' ELSE 'New' END AS status, g.home, g.mode, g.run, g.status_reason AS reason, "
        "g.config AS config_name, g.user_name, g.exchange, g.order_type, g.product_type, g.contract_size, g.quantity, "
        f"{price.format('stop')} AS stop, {price.format('target')} AS target, g.active, "
        f"{moment.format('created_at')} AS created_at, {moment.format('updated_at')} AS updated_at "
        f"FROM {place}signals g JOIN {place}instruments i ON i.id = g.instrument"
    )
