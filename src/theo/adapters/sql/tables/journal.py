"""Tables of the journal: records, leases, snapshots, names of homes. Their history is in migrations/journal.

``home`` is "" in a file of its own; on a server it names whose snapshot it is.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, UniqueConstraint

from theo.adapters.sql.tables.column_types import TEXT

metadata = MetaData()

# The columns stand in the order of the fields of theo.domain.journal.Record.
journal = Table(
    "journal",
    metadata,
    Column("stream", TEXT, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("version", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("stream", "seq", name="journal_stream_seq"),
)

leases = Table(
    "leases",
    metadata,
    Column("stream", TEXT, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
)

# A name is one folder's: see homes.py.
homes = Table(
    "homes",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("identity", TEXT, nullable=False),
    Column("machine", TEXT, nullable=False),
    Column("folder", TEXT, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("home", TEXT, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("state_version", Integer, nullable=False),
    Column("build", TEXT, nullable=False),
    Column("digest", TEXT, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
)
