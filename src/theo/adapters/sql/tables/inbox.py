"""Tables of the inbox: commands on their way to the trader, and what came of them. Their history is in migrations/inbox.

``home`` is "" in a file of its own; on a server it names whose commands they are.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, UniqueConstraint

from theo.adapters.sql.tables.column_types import ROW_ID, TEXT

metadata = MetaData()

commands = Table(
    "commands",
    metadata,
    Column("number", ROW_ID, primary_key=True),
    Column("home", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("done_at", BigInteger),
    Column("accepted", Boolean),
    Column("outcome", TEXT),
    Column("payload", TEXT, nullable=False, server_default=""),
    Column("result", TEXT, nullable=False, server_default=""),
    UniqueConstraint("home", "id", name="commands_by_id"),
)
Index("commands_waiting", commands.c.home, commands.c.done_at)
