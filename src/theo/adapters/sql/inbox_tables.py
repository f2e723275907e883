"""Tables of inbox.db: commands on their way to the trader, and what came of them. Their history is in migrations/inbox."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text

metadata = MetaData()

commands = Table(
    "commands",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("done_at", BigInteger, index=True),
    Column("accepted", Boolean),
    Column("outcome", Text),
)
