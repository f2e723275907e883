"""The changes of scans become a chain, each home's for itself: what is stored is numbered in the order of its times, and hashed.

What was done to it before this cannot be seen.
"""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.schema.migrations.settings.r0001_scans import REFUSED
from theo.adapters.sql.tables.column_types import TEXT
from theo.adapters.sql.tables.scan_records import chained
from theo.domain.journal import GENESIS

revision = "0002"
down_revision = "0001"

TABLE = "signal_config_changes"
CHAIN = ("seq", "previous", "hash")
_RAISE = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
_CALL = "EXECUTE FUNCTION refuse_change_of_scans()"
_PRESENT = (
    f"EXISTS (SELECT 1 FROM {TABLE} c WHERE c.home = NEW.home AND "
    "(c.seq = NEW.seq OR (c.config_id = NEW.config_id AND c.number = NEW.number)))"
)
RULES = {
    "sqlite": {
        f"{TABLE}_no_update": f"CREATE TRIGGER {TABLE}_no_update BEFORE UPDATE ON {TABLE} {_RAISE}",
        f"{TABLE}_no_delete": f"CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} {_RAISE}",
        # INSERT OR REPLACE deletes without asking the rule above
        f"{TABLE}_no_replace": f"CREATE TRIGGER {TABLE}_no_replace BEFORE INSERT ON {TABLE} WHEN {_PRESENT} {_RAISE}",
    },
    # In the words in which the server gives them back; they are made by revision 1.
    "postgresql": {
        f"{TABLE}_no_change": f"CREATE TRIGGER {TABLE}_no_change BEFORE DELETE OR UPDATE ON exact.{TABLE} FOR EACH ROW {_CALL}",
        f"{TABLE}_no_truncate": f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON exact.{TABLE} FOR EACH STATEMENT {_CALL}",
    },
}
SERVER_FUNCTION = f"BEGIN RAISE EXCEPTION '{REFUSED}: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege'; END"
_STORED = sa.table(TABLE, *(sa.column(name) for name in ("home", "config_id", "number", "name", "at", "user_name", "action",
                                                         "reason", "before", "after", *CHAIN)))  # fmt: skip


def upgrade() -> None:
    """The columns of the chain, filled for what is there, and the rules again."""
    stored = [column for column in _STORED.c if column.name not in CHAIN]
    in_order = sa.select(*stored).order_by(*(_STORED.c[name] for name in ("home", "at", "config_id", "number")))
    rows = [dict(row) for row in op.get_bind().execute(in_order).mappings()]
    if op.get_bind().dialect.name == "sqlite":
        _again_on_sqlite(_chained(rows))
    else:
        _more_on_a_server(_chained(rows))


def _chained(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    done: list[dict[str, object]] = []
    for row in rows:
        last = done[-1] if done and done[-1]["home"] == row["home"] else {"seq": 0, "hash": GENESIS}
        done.append(chained(row, last["seq"], last["hash"]))  # type: ignore[arg-type]  # a column's value
    return done


def _again_on_sqlite(rows: list[dict[str, object]]) -> None:
    """SQLite adds no column that must have a value: the table is made anew."""
    op.drop_table(TABLE)  # and its rules with it
    op.create_table(
        TABLE,
        sa.Column("home", TEXT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in ("config_id", "number")),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("user_name", "action", "reason")),
        *(sa.Column(name, TEXT) for name in ("before", "after")),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("previous", "hash")),
        sa.PrimaryKeyConstraint("home", "config_id", "number", name=f"{TABLE}_key"),
        sa.UniqueConstraint("home", "seq", name=f"{TABLE}_in_order"),
        sa.CheckConstraint("number >= 1", name=f"{TABLE}_number"),
        sa.CheckConstraint("user_name <> ''", name=f"{TABLE}_user_name"),
        sa.CheckConstraint("action IN ('create', 'edit', 'enable', 'disable', 'delete')", name=f"{TABLE}_action"),
        sa.CheckConstraint("(before IS NULL) = (action = 'create')", name=f"{TABLE}_before"),
        sa.CheckConstraint("(after IS NULL) = (action = 'delete')", name=f"{TABLE}_after"),
        sa.CheckConstraint("(number = 1) = (action = 'create')", name=f"{TABLE}_begins_with_create"),
    )
    if rows:
        op.bulk_insert(_STORED, rows)
    for rule in RULES["sqlite"].values():
        op.execute(rule)


def _more_on_a_server(rows: list[dict[str, object]]) -> None:
    op.add_column(TABLE, sa.Column("seq", sa.BigInteger()))
    for name in ("previous", "hash"):
        op.add_column(TABLE, sa.Column(name, sa.LargeBinary()))
    op.execute(f"ALTER TABLE exact.{TABLE} DISABLE TRIGGER USER")
    which = [_STORED.c[name] == sa.bindparam(f"of_{name}") for name in ("home", "config_id", "number")]
    change = sa.update(_STORED).where(*which).values({name: sa.bindparam(f"to_{name}") for name in CHAIN})
    for row in rows:
        given = {f"of_{name}": row[name] for name in ("home", "config_id", "number")} | {
            f"to_{name}": row[name] for name in CHAIN
        }
        op.get_bind().execute(change, given)
    op.execute(f"ALTER TABLE exact.{TABLE} ENABLE TRIGGER USER")
    for name in CHAIN:
        op.alter_column(TABLE, name, nullable=False)
    op.create_unique_constraint(f"{TABLE}_in_order", TABLE, ["home", "seq"])
    shown = ["to_timestamp(at / 1000000.0) AS at" if each.name == "at" else str(each.name) for each in _STORED.c]
    op.execute(f"CREATE OR REPLACE VIEW public.{TABLE} AS SELECT {', '.join(shown)} FROM exact.{TABLE}")
