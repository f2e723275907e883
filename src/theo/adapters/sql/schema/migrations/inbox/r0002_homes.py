"""Commands for many homes in one database."""

import sqlalchemy as sa
from alembic import op

from theo.adapters.sql.tables.column_types import ROW_ID, TEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A command names its home; in a file of its own that is ""."""
    op.drop_index(op.f("ix_commands_done_at"), "commands")
    op.rename_table("commands", "commands_before")
    op.create_table(
        "commands",
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("home", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("number", name="commands_key"),
        sa.UniqueConstraint("home", "id", name="commands_by_id"),
    )
    op.create_index("commands_waiting", "commands", ["home", "done_at"], unique=False)
    op.execute(
        "INSERT INTO commands (home, id, at, actor, name, reason, subject, done_at, accepted, outcome) "
        "SELECT '', id, at, actor, name, reason, subject, done_at, accepted, outcome FROM commands_before ORDER BY number"
    )
    op.drop_table("commands_before")
