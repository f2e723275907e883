"""Projections of many homes in one database. What is projected is dropped: it is made again from the journal when next read."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0003"
down_revision = "0002"

PROJECTED = ("watermarks", "runs", "decisions", "signals", "orders", "fills", "trades", "deals", "daily_pnl", "latches", "events")


def upgrade() -> None:
    """Each projected table's key begins with the home; in a file of its own that is ""."""
    for name in PROJECTED:
        _make_again(name)


def _make_again(name: str) -> None:
    found = sa.inspect(op.get_bind())
    keys, indexes = found.get_pk_constraint(name)["constrained_columns"], found.get_indexes(name)
    columns = [
        sa.Column(each["name"], each["type"], primary_key=each["name"] in keys, autoincrement=False, nullable=each["nullable"])
        for each in found.get_columns(name)
    ]
    op.drop_table(name)
    op.create_table(name, sa.Column("home", TEXT, primary_key=True), *columns)
    for index in indexes:
        op.create_index(index["name"], name, [each for each in index["column_names"] if each])
