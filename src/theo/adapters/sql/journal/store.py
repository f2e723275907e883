"""The journal: the streams of records and the snapshots. Verification is in verify.py, the locks in lease.py and server_lease.py.

On a server the tables hold the journals of many homes: a stream's name there begins with its home's.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row, Select, bindparam, delete, func, literal_column, select

from theo.adapters.sql.database.dialect import insert_rows, product, upsert_rows
from theo.adapters.sql.database.meanings import Value
from theo.adapters.sql.database.place import Place, place_of
from theo.adapters.sql.database.traces import set_mark
from theo.adapters.sql.database.transactions import Writer, reading, repeated, writing
from theo.adapters.sql.journal.anchoring import anchors_after
from theo.adapters.sql.journal.anchors import Anchor, Anchors
from theo.adapters.sql.journal.append_only import RECORDS, Rules
from theo.adapters.sql.journal.homes import check_in
from theo.adapters.sql.journal.lease import Lease
from theo.adapters.sql.journal.server_lease import ServerLease
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.sql.tables.journal import journal, leases, snapshots
from theo.domain.errors import CorruptionError, HaltRequiredError, TheoError
from theo.domain.journal import GENESIS, TRADING, Record
from theo.ports.store import StoredSnapshot, StreamHead

JOURNAL: Final = "journal"
READ_PAGE_RECORDS: Final = 256  # a page of full market data batches is about 40 MB
SNAPSHOTS_KEPT: Final = 2
ANCHOR_RECORDS: Final = 1_000  # at most so many, or a minute of them, are stored and not anchored
ANCHOR_SECONDS: Final = 60  # of the machine's time: an accelerated market's passes with every record

_HEAD = select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
# The writer's epoch and the head of a stream in one look: an append of one record is mostly made of such looks.
_WRITER = (
    select(leases.c.epoch, journal.c.seq, journal.c.hash)
    .select_from(leases.outerjoin(journal, journal.c.stream == leases.c.stream))
    .where(leases.c.stream == bindparam("stream"))
    .order_by(journal.c.seq.desc())
    .limit(literal_column("1"))
    .offset(literal_column("0"))
)


class SqlJournalStore:
    """Implements ports.store.JournalStore. One thread appends; any may read.

    ``name`` is the file's: journals of one folder know nothing of each other. ``seconds`` is a clock that only goes on.
    """

    rules: Final[Rules] = RECORDS

    def __init__(self, home: Path | Place, name: str = JOURNAL, seconds: Callable[[], float] = time.monotonic) -> None:
        place = place_of(home)
        self.engine: Engine = open_database(place, Database.JOURNAL, f"{name}.db")
        if place.server is not None and place.identity:
            try:
                check_in(self.engine, place)
            except BaseException:
                self.engine.dispose()
                raise
        self._place, self._name = place, name
        self._home = place.name
        own = place.name if name == JOURNAL else f"{name}:{place.name}"
        self._prefix = f"{own}/" if place.server else ""
        self._appends = Writer(self.engine)
        self._writer = product(self.engine.dialect.name).driver_text(_WRITER)
        # On a server both: the file says on this machine who writes, without asking the server.
        self._leases: list[Lease | ServerLease] = [Lease(place.folder), *([ServerLease(place)] if place.server else [])]
        self._epochs: dict[str, int] = {}
        self.anchors = Anchors(place.folder / f"{name}.anchors", place.second_anchors(name))
        self._not_anchored = 0  # records since the last anchor
        self._seconds = seconds
        self._anchored_at = 0.0

    def stored_name(self, stream: str) -> str:
        """A stream's name in the tables, which hold those of many homes on a server."""
        return self._prefix + stream

    def claim(self, *streams: str) -> int:
        """See the port. Raises CorruptionError when a stream is not the one that was anchored."""
        try:
            for lease in self._leases:
                lease.take(streams)
            for stream in streams:
                self._compare_with_anchor(stream)
        except BaseException:
            if not self._epochs:  # of a first claim nothing stays
                self._give_up()
            raise
        with writing(self.engine) as connection:
            # One number above every earlier one of any stream, so that streams claimed together share it.
            epoch = int(connection.execute(select(func.coalesce(func.max(leases.c.epoch), 0))).scalar_one()) + 1
            upsert_rows(connection, leases, [(self.stored_name(stream), epoch) for stream in streams])
        self._epochs.update(dict.fromkeys(streams, epoch))
        self._mark()
        self.anchor()
        return epoch

    def _compare_with_anchor(self, stream: str) -> None:
        """Whoever goes on with a stream that was cut, or is an older copy, forks it."""
        anchor = self.anchors.newest().get(stream)
        if anchor is None or anchor.seq == 0:
            return
        stored = next(self.read(stream, anchor.seq, anchor.seq), None)
        if stored is None or stored.hash != anchor.hash:
            found = "is not stored" if stored is None else "is another one"
            raise CorruptionError(
                f"record {anchor.seq} of {stream} {found}",
                where=str(self.anchors.first),
                why="an anchor knows it: the journal was cut or changed, or is an older copy",
                remedy="Run `theo audit verify`; after restoring a backup on purpose, `theo audit set-back`",
            )

    def append(self, records: Sequence[Record]) -> None:
        """See the port. Anchors that are due are written first: when they cannot be, nothing is."""
        if not records:
            return
        if self._not_anchored >= ANCHOR_RECORDS or self._seconds() - self._anchored_at >= ANCHOR_SECONDS:
            self.anchor()
        with self._appends.writing() as connection:
            heads: dict[str, StreamHead] = {}
            for record in records:
                head = heads.get(record.stream)
                if head is None:
                    head = self._head_as_writer(connection, record)
                if record.seq != head.seq + 1 or record.previous != head.hash:
                    raise _not_next(record, head)
                heads[record.stream] = StreamHead(record.stream, record.seq, record.hash)
            insert_rows(connection, journal, [(self.stored_name(r.stream), *msgspec.structs.astuple(r)[1:]) for r in records])
        self._not_anchored += len(records)
        self._mark()

    def _mark(self) -> None:
        """A file tells by itself when it was written."""
        if self._place.server is not None:
            set_mark(self._place.folder, self._name, f"{self._place.name} on {self._place.shown}")

    def _head_as_writer(self, connection: Connection, record: Record) -> StreamHead:
        """The head of the record's stream; raises HaltRequiredError unless this process is the stream's writer."""
        row = connection.exec_driver_sql(self._writer, (self.stored_name(record.stream),)).first()
        mine = self._epochs.get(record.stream)
        if row is None or mine is None or row[0] != mine or record.epoch != mine:
            raise HaltRequiredError(
                f"this process may not write the stream {record.stream}",
                why=f"its epoch is {record.epoch}, the stream's writer has epoch {row[0] if row else 'none'}",
                remedy="Another process has taken over: end this one",
            )
        return StreamHead(record.stream, 0, GENESIS) if row[1] is None else StreamHead(record.stream, row[1], row[2])

    def head(self, stream: str) -> StreamHead | None:
        """See the port."""

        def asked() -> StreamHead | None:
            with reading(self.engine) as connection:
                return self._head(connection, stream)

        return repeated(self.engine, asked)

    def _head(self, connection: Connection, stream: str) -> StreamHead | None:
        row = connection.execute(_HEAD.where(journal.c.stream == self.stored_name(stream))).first()
        return None if row is None else StreamHead(stream, row.seq, row.hash)

    def streams(self) -> tuple[str, ...]:
        """See the port."""
        found: list[str] = []
        with reading(self.engine) as connection:  # from name to name by the index: a DISTINCT would walk every record
            following = select(func.min(journal.c.stream))
            name = connection.execute(following.where(journal.c.stream >= self._prefix)).scalar()
            while name is not None and name.startswith(self._prefix):
                found.append(name.removeprefix(self._prefix))
                name = connection.execute(following.where(journal.c.stream > name)).scalar()
        return tuple(found)

    def read(self, stream: str, first_seq: int = 1, last_seq: int | None = None) -> Iterator[Record]:
        """See the port."""
        wanted = (
            select(journal).where(journal.c.stream == self.stored_name(stream)).order_by(journal.c.seq).limit(READ_PAGE_RECORDS)
        )
        if last_seq is not None:
            wanted = wanted.where(journal.c.seq <= last_seq)
        following = first_seq
        while True:
            page = repeated(self.engine, partial(self._page, wanted.where(journal.c.seq >= following)))
            for row in page:
                yield Record(stream, *row[1:])
            if len(page) < READ_PAGE_RECORDS:
                return
            following = page[-1].seq + 1

    def _page(self, wanted: Select[Any]) -> Sequence[Row[*tuple[Any, ...]]]:
        with reading(self.engine) as connection:
            return connection.execute(wanted).all()

    def save_snapshot(self, seq: int, state_version: int, build: str, digest: str, payload: bytes) -> None:
        """See the port."""
        row = (self._home, seq, state_version, build, digest, payload, _sha256(payload))
        repeated(self.engine, lambda: self._save_snapshot(seq, row))

    def _save_snapshot(self, seq: int, row: tuple[Value, ...]) -> None:
        with writing(self.engine) as connection:
            head = self._head(connection, TRADING)
            if seq > (head.seq if head else 0):
                raise HaltRequiredError(
                    f"a snapshot of record {seq} was to be saved before the record",
                    why=f"the stored journal ends at {head.seq if head else 0}",
                    remedy="Append first; this is a bug of the platform",
                )
            upsert_rows(connection, snapshots, [row])
            ours = snapshots.c.home == self._home
            kept = select(snapshots.c.seq).where(ours).order_by(snapshots.c.seq.desc()).limit(SNAPSHOTS_KEPT)
            oldest = min(connection.execute(kept).scalars())
            connection.execute(delete(snapshots).where(ours, snapshots.c.seq < oldest))

    def newest_snapshots(self) -> tuple[StoredSnapshot, ...]:
        """See the port."""
        wanted = select(snapshots).where(snapshots.c.home == self._home).order_by(snapshots.c.seq.desc())
        rows = repeated(self.engine, lambda: self._page(wanted))
        return tuple(
            StoredSnapshot(r.seq, r.state_version, r.build, r.digest, r.payload, intact=_sha256(r.payload) == r.payload_hash)
            for r in rows
        )

    def anchor(self) -> None:
        """Write the last hashes of each stream outside the database, so that a cut end or a rewrite can be noticed.

        Raises HaltRequiredError when they cannot be written.
        """
        newest = self.anchors.newest()
        for stream in self.streams():
            known = newest.get(stream)
            self.anchors.add(list(self._since(stream, known.seq if known else 0)))
        self._not_anchored, self._anchored_at = 0, self._seconds()

    def give_up(self) -> None:
        """The journal is about to be thrown away: nothing more is written or anchored, and no anchor of it counts."""
        self._epochs.clear()
        self.anchors.give_up()

    def _since(self, stream: str, seq: int) -> Iterator[Anchor]:
        """Anchors of what follows record ``seq``."""
        hashes = select(journal.c.seq, journal.c.hash).where(
            journal.c.stream == self.stored_name(stream), journal.c.seq > bindparam("after")
        )
        return anchors_after(self.engine, hashes.order_by(journal.c.seq), stream, seq, f"{self._prefix}{stream}")

    def close(self) -> None:
        """See the port. What was written is anchored; anchors that cannot be written are told of."""
        if self._epochs:
            try:
                self.anchor()
            except TheoError as error:
                self.anchors.tell(str(error))
        self._epochs.clear()
        self._appends.close()
        self.engine.dispose()
        self._give_up()

    def _give_up(self) -> None:
        for lease in self._leases:
            lease.release()


def _sha256(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()


def _not_next(record: Record, head: StreamHead) -> HaltRequiredError:
    return HaltRequiredError(
        f"record {record.seq} of {record.stream} does not follow the stored record {head.seq}",
        why="its number or its previous hash is another",
        remedy="Another writer was here, or a commit was taken for lost: run `theo journal verify`, then start again",
    )
