"""Tables of journal.db: records, leases, snapshots. Their history is in migrations/journal."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()

# The columns stand in the order of the fields of theo.domain.journal.Record.
journal = Table(
    "journal",
    metadata,
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("stream", "seq", name="journal_stream_seq"),
)

leases = Table(
    "leases",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("state_version", Integer, nullable=False),
    Column("build", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
)
