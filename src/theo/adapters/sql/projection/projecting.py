"""Projecting journal records onto the rows of market.db: in batches, each with its watermark in the same transaction.

A record is projected once: what the watermark has passed is skipped, a gap or another journal is refused. Which fact becomes
which row is in fact_rows.py; how a record is decoded is the caller's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from theo.adapters.sql.database.dialect import upsert_rows
from theo.adapters.sql.database.transactions import reading, repeated, writing
from theo.adapters.sql.market import bar_rows, import_rows, tick_rows
from theo.adapters.sql.market.sources import JOURNAL, writable_ids
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.entity_rows import ByConfig, Context, EntityRows, WorldReading, load_context
from theo.adapters.sql.projection.fact_rows import DecidedStep, project
from theo.adapters.sql.tables.projected import watermarks
from theo.domain.errors import CorruptionError
from theo.domain.journal import TRADING, Record
from theo.domain.market_data import Bar, MarketData, Tick
from theo.ports.store import JournalStore

BATCH_RECORDS: Final = 2_000  # one transaction: holds the write lock for some tens of milliseconds
BATCH_BYTES: Final = 4 * 1024 * 1024  # of payloads: market data comes in large records
_SOURCE: Final = attrgetter("source")
Decode = Callable[[Record], Iterable[DecidedStep]]
DecodeMarket = Callable[[Record], Sequence[MarketData]]


def nothing_known(_world: str) -> Mapping[str, str]:
    """Decisions then carry their configuration's name and no version."""
    return {}


def no_market(_record: Record) -> Sequence[MarketData]:
    """Market data that is journalled is then not projected (it was imported, or is projected elsewhere)."""
    return ()


class Decoders(msgspec.Struct, frozen=True):
    """How to read records: steps of facts, market data, and what a run knew."""

    steps: Decode
    market: DecodeMarket = no_market
    versions: ByConfig = nothing_known
    worlds: WorldReading = WorldReading()


class Projection:
    """One projection onto one market database. One at a time: the watermark is read in the writing transaction."""

    def __init__(self, store: SqlMarketStore, decoders: Decoders) -> None:
        self._store, self._decoders, self._home = store, decoders, store.home
        self._context: Context | None = None
        self._left_at = 0  # the trading record at which the context was kept

    def watermark(self, stream: str) -> int:
        """The newest record of a stream that is projected; 0 before the first."""
        with reading(self._store.engine) as connection:
            return self._watermark(connection, stream)[0]

    def apply(self, records: Sequence[Record]) -> int:
        """Project records of one or several streams, each in order, in one transaction; how many were new.

        Raises CorruptionError for a gap, for records of another journal, and for facts that contradict the rows.
        """
        return repeated(self._store.engine, lambda: self._apply(records))

    def _apply(self, records: Sequence[Record]) -> int:
        """What the watermark has passed is skipped: it may be done twice."""
        try:
            with writing(self._store.engine) as connection:
                context = self._kept(connection) or load_context(connection, self._home, self._decoders.worlds)
                fresh = self._not_yet_projected(connection, records)
                rows = EntityRows(connection, context, self._home)
                for record in fresh:
                    rows.seq = record.seq
                    project(rows, self._decoders.steps(record), self._decoders.versions)
                rows.flush()
                self._market(connection, fresh)
                newest = {record.stream: record for record in fresh}
                upsert_rows(connection, watermarks, [(self._home, r.stream, r.seq, r.hash.hex()) for r in newest.values()])
                left_at = self._watermark(connection, TRADING)[0]
        except BaseException:
            self._context = None
            raise
        self._context, self._left_at = context, left_at
        return len(fresh)

    def _kept(self, connection: Connection) -> Context | None:
        """The context, unless another process has projected since: a run, a day or other rules may have begun."""
        return self._context if self._watermark(connection, TRADING)[0] == self._left_at else None

    def _market(self, connection: Connection, records: Sequence[Record]) -> None:
        """The market data of all records at once: what is asked and prepared for one record costs as much as for many."""
        ticks: list[Tick] = []
        bars: list[Bar] = []
        for item in chain.from_iterable(map(self._decoders.market, records)):
            if type(item) is Bar:
                bars.append(item)
            elif type(item) is Tick:  # marks are facts too
                ticks.append(item)
        if ticks or bars:
            names = dict.fromkeys(chain(map(_SOURCE, ticks), map(_SOURCE, bars)))
            ids = writable_ids(connection, names, JOURNAL)
            tick_rows.add_ticks_from_journal(connection, ticks, ids)
            bar_rows.add_bars(connection, bars, ids, keep_stored=True)
            if self._home:  # among those of other homes they could not be found again
                import_rows.cover_taken(connection, ticks, bars, ids)

    def catch_up(self, journal: JournalStore, progress: Callable[[int], None] | None = None) -> int:
        """Project everything that the journal holds beyond the watermarks; how many records. ``progress`` gets that number."""
        done = 0
        for stream in journal.streams():
            batch: list[Record] = []
            size = 0
            for record in journal.read(stream, self.watermark(stream) + 1):
                batch.append(record)
                size += len(record.payload)
                if len(batch) == BATCH_RECORDS or size >= BATCH_BYTES:
                    done += self.apply(batch)
                    batch, size = [], 0
                    if progress is not None:
                        progress(done)
            done += self.apply(batch)
        return done

    def _watermark(self, connection: Connection, stream: str) -> tuple[int, str]:
        row = connection.execute(select(watermarks).where(watermarks.c.home == self._home, watermarks.c.stream == stream)).first()
        return (0, "") if row is None else (row.seq, row.hash)

    def _not_yet_projected(self, connection: Connection, records: Sequence[Record]) -> list[Record]:
        """The records behind the watermarks, checked to follow them without a gap and to be of the same journal."""
        marks: dict[str, tuple[int, str]] = {}
        fresh: list[Record] = []
        for record in records:
            if record.stream not in marks:
                marks[record.stream] = self._watermark(connection, record.stream)
            seq, digest = marks[record.stream]
            if record.seq <= seq:
                continue
            if record.seq != seq + 1 or (digest and record.previous.hex() != digest):
                raise CorruptionError(
                    f"record {record.seq} does not follow the projected record {seq}",
                    where=record.stream,
                    why="records are missing, or market.db was projected from another journal",
                    remedy="Run `theo journal verify`, then `theo journal rebuild`",
                )
            marks[record.stream] = (record.seq, record.hash.hex())
            fresh.append(record)
        return fresh
