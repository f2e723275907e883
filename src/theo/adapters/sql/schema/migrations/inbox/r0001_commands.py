"""Commands and their outcomes."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import TEXT

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    _commands()


def _commands() -> None:
    op.create_table(
        "commands",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(op.f("ix_commands_done_at"), "commands", ["done_at"], unique=False)
