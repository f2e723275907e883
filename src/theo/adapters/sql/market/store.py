"""The store of market data, and reading of what was projected. How rows look is in the *_rows.py beside it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Engine, func, select, tuple_

from theo.adapters.sql.database.dialect import product
from theo.adapters.sql.database.place import Place, place_of
from theo.adapters.sql.database.transactions import Writer, reading, translating, writing
from theo.adapters.sql.market import archive_rows, bar_rows, import_rows, instrument_rows, tick_rows
from theo.adapters.sql.market.sources import BUILT, JOURNAL, look_as, looking_from, view_of, visible_ids, writable_ids
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.sql.tables.market import bars as bar_table
from theo.adapters.sql.tables.market import instruments as instrument_table
from theo.adapters.sql.tables.market import sources
from theo.adapters.sql.tables.market import ticks as tick_table
from theo.adapters.sql.tables.projected import PROJECTED
from theo.domain.errors import DataError, HaltRequiredError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, Bar, Tick
from theo.ports.market_store import (
    ArchivedPart,
    BarArrays,
    BarRange,
    Cell,
    Published,
    SeriesEnds,
    SeriesInfo,
    SignalPage,
    StagedImport,
    TickArchive,
    TickRange,
)


class TickSpan(msgspec.Struct, frozen=True):
    """The first and last timestamp of an instrument's stored ticks."""

    instrument: int
    first: int
    last: int


class SqlMarketStore:
    """Implements ports.market_store.MarketStore. An iterator holds one consistent view until it is exhausted."""

    def __init__(
        self, home: Path | Place, file_name: str = "", *, durable: bool = False, archive: TickArchive | None = None
    ) -> None:
        place = place_of(home)
        self._archive = archive
        self.home = place.name  # whose projections are read and written
        self.engine: Engine = looking_from(open_database(place, Database.MARKET, file_name, durable=durable), place)

        self._keeping = Writer(self.engine)

    def put_instruments(self, instruments: Sequence[Instrument]) -> None:
        """See the port."""
        with writing(self.engine) as connection:
            instrument_rows.put_instruments(connection, instruments)

    def instruments(self) -> tuple[Instrument, ...]:
        """See the port."""
        with reading(self.engine) as connection:
            return instrument_rows.read_instruments(connection)

    def put_ticks(self, ticks: Sequence[Tick]) -> None:
        """See the port."""
        with writing(self.engine) as connection:
            tick_rows.add_ticks(connection, ticks, writable_ids(connection, (tick.source for tick in ticks)))

    def keep_ticks(self, ticks: Sequence[Tick]) -> None:
        """Add ticks that a run took, from its journal or while it goes on: one that is stored stays as it is. For one thread.

        They are new, as a rule: the key itself decides, and only when one is stored the batch is merged.
        """
        try:
            self._keep_ticks(ticks, merging=False)
        except tick_rows.StoredError:
            self._keep_ticks(ticks, merging=True)

    def _keep_ticks(self, ticks: Sequence[Tick], *, merging: bool) -> None:
        with self._keeping.writing() as connection:
            ids = writable_ids(connection, (tick.source for tick in ticks), JOURNAL)
            tick_rows.keep(connection, ticks, ids, merging=merging)

    def replace_ticks(self, source: str, instrument: int, start: int, end: int, ticks: Sequence[Tick]) -> int:
        """See the port."""
        with writing(self.engine) as connection:
            archive_rows.refuse_archived(connection, source, instrument, (start, end))
            return tick_rows.replace_range(connection, source, instrument, (start, end), ticks)

    def ticks(self, wanted: TickRange) -> Iterator[Tick]:
        """See the port."""
        with reading(self.engine) as connection:
            stored, parts = tick_rows.read_ticks(connection, wanted), archive_rows.parts(connection, wanted)
            if not parts:
                yield from stored
                return
            if self._archive is None:
                raise HaltRequiredError("ticks are archived, and no archive is open", where=parts[0].file)
            archived = [self._archive.read(part, wanted) for part in parts]
            yield from archive_rows.joined(connection, stored, archived)

    def archivable(self, before: int) -> tuple[tuple[int, int, str], ...]:
        """(start, instrument, home) of every day (UTC) with ticks in the database that is over at ``before``, microseconds UTC.

        What is everyone's (home "") and what is this home's go to files of their own.
        """
        with reading(self.engine) as connection:
            return tuple(
                (start, instrument, home)
                for home in view_of(connection).homes
                for instrument, start in list(archive_rows.days(look_as(connection, home), before))
            )

    def archived(self) -> tuple[ArchivedPart, ...]:
        """Every part of the archive that the database counts on, by instrument and time."""
        with reading(self.engine) as connection:
            return archive_rows.all_parts(connection)

    def stored_ticks(self, wanted: TickRange, home: str) -> Iterator[Tick]:
        """As ``ticks``, but only those that are in the database, and only that home's."""
        with reading(self.engine) as connection:
            yield from tick_rows.read_ticks(look_as(connection, home), wanted)

    def drop_archived(self, parts: Sequence[ArchivedPart], start: int) -> None:
        """Delete a day's ticks that are in the archive now: in one transaction with the note of it.

        One part after another, or all at once where a day of all instruments can be dropped as a whole. Bars that the database
        makes of ticks are made once more before. Raises DataError when the ticks are not those.
        """
        with translating(self.engine):
            product(self.engine.dialect.name).keep_bars(self.engine, (start, start + DAY))
        with reading(self.engine) as connection:
            at_once = product(self.engine.dialect.name).keeps_days(connection)
        for gone in [parts] if at_once else [[part] for part in parts]:
            with writing(self.engine) as connection:
                archive_rows.drop(connection, gone)

    def restore(self, part: ArchivedPart, ticks: Iterator[Tick]) -> None:
        """Put archived ticks back, in one transaction; the file is no longer counted on, and stays."""
        with writing(self.engine) as connection:
            archive_rows.restore(connection, part, ticks)

    def put_bars(self, bars: Sequence[Bar]) -> None:
        """See the port."""
        with writing(self.engine) as connection:
            bar_rows.add_bars(connection, bars, writable_ids(connection, (bar.source for bar in bars)))

    def keep_built_bars(self, bars: Sequence[Bar]) -> None:
        """Add bars that were built of a run's ticks, and their revisions: one that is stored stays as it is."""
        with writing(self.engine) as connection:
            ids = writable_ids(connection, (bar.source for bar in bars), BUILT)
            bar_rows.add_bars(connection, bars, ids, keep_stored=True)
            import_rows.cover_taken(connection, (), bars, ids)

    def bars(self, wanted: BarRange) -> Iterator[Bar]:
        """See the port."""
        with reading(self.engine) as connection:
            yield from bar_rows.read_bars(connection, wanted)

    def bar_arrays(self, wanted: BarRange) -> BarArrays:
        """See the port."""
        with reading(self.engine) as connection:
            return bar_rows.read_arrays(connection, wanted)

    def latest_bars(self, instrument: int, timeframe: str, count: int, source: str = "", before: int = 2**62) -> tuple[Bar, ...]:
        """See the port."""
        wanted = BarRange(instrument=instrument, timeframe=timeframe, end=before, source=source)
        with reading(self.engine) as connection:
            return bar_rows.latest(connection, wanted, count)

    def series_ends(self) -> tuple[SeriesEnds, ...]:
        """See the port."""
        with reading(self.engine) as connection:
            return tuple(bar_rows.series_ends(connection))

    def series(self) -> tuple[SeriesInfo, ...]:
        """See the port."""
        b = bar_table.c
        statement = (
            select(b.instrument, b.timeframe, sources.c.name, func.min(b.start_at), func.max(b.start_at), func.count())
            .join(sources, sources.c.id == b.source_id)
            .where(sources.c.visible)
            .group_by(b.instrument, b.timeframe, sources.c.name)
            .order_by(b.instrument, b.timeframe, sources.c.name)
        )
        with reading(self.engine) as connection:
            seen = statement.where(view_of(connection).reaches)
            return tuple(SeriesInfo(*row) for row in connection.execute(seen))

    def tick_ranges(self) -> tuple[TickSpan, ...]:
        """What there is of ticks, by instrument: read at the ends of the index, without counting millions of rows."""
        t = tick_table.c
        found = []
        with reading(self.engine) as connection:
            archived = {instrument: ends for instrument, *ends in archive_rows.spans(connection)}
            for instrument in connection.execute(select(instrument_table.c.id).order_by(instrument_table.c.id)).scalars():
                stored = select(t.timestamp).where(t.instrument == instrument, t.source_id.in_(visible_ids(connection))).limit(1)
                found_ends = (connection.execute(stored.order_by(end)).scalar() for end in (t.timestamp, t.timestamp.desc()))
                if ends := [end for end in found_ends if end is not None] + archived.get(instrument, []):
                    found.append(TickSpan(instrument, min(ends), max(ends)))
        return tuple(found)

    def settlements(self, instrument: int, since: int) -> tuple[tuple[int, int, int], ...]:
        """(time, settlement, the last trade's price before it) since a time, oldest first; flagged trades are passed over."""
        with reading(self.engine) as connection:
            return tick_rows.settlements(connection, instrument, since)

    def begin_import(self, source: str, fingerprint: str) -> StagedImport:
        """See the port."""
        with writing(self.engine) as connection:
            return import_rows.begin(connection, source, fingerprint)

    def stage_ticks(self, staged: StagedImport, ticks: Sequence[Tick]) -> None:
        """See the port."""
        with writing(self.engine) as connection:
            import_rows.stage_ticks(connection, staged, ticks)

    def stage_bars(self, staged: StagedImport, bars: Sequence[Bar]) -> None:
        """See the port."""
        with writing(self.engine) as connection:
            import_rows.stage_bars(connection, staged, bars)

    def publish(self, staged: StagedImport) -> Published:
        """See the port."""
        with writing(self.engine) as connection:
            return import_rows.publish(connection, staged)

    def discard(self, staged: StagedImport) -> None:
        """See the port."""
        with writing(self.engine) as connection:
            import_rows.drop(connection, staged.id)

    def rows(self, table: str, run: str = "", limit: int = 10_000, **equal: Cell) -> Iterator[Mapping[str, Cell]]:
        """See the port."""
        wanted = PROJECTED.get(table)
        if wanted is None:
            raise DataError(f"there is no table {table}", remedy=f"Use one of {', '.join(PROJECTED)}")
        unknown = [name for name in equal if name not in wanted.c]
        if unknown:
            raise DataError(f"{table} has no column {unknown[0]}", remedy=f"Use one of {', '.join(wanted.c.keys())}")
        conditions = [wanted.c.home == self.home, *(wanted.c[name] == value for name, value in equal.items())]
        if run:
            conditions.append(wanted.c.run == run)
        statement = select(wanted).where(*conditions).order_by(*wanted.primary_key).limit(limit)
        with reading(self.engine) as connection:
            for row in connection.execute(statement).mappings():
                yield dict(row)

    def signals(self, wanted: SignalPage) -> tuple[Mapping[str, Cell], ...]:
        """See the port."""
        c = PROJECTED["signals"].c
        conditions = [c.home == self.home, c.end_at >= wanted.start, c.end_at < wanted.end]
        conditions += [column == value for column, value in ((c.config, wanted.config), (c.status, wanted.status)) if value]
        if wanted.instruments is not None:
            conditions.append(c.instrument.in_(wanted.instruments))
        if wanted.after is not None:
            conditions.append(tuple_(c.end_at, c.id) < wanted.after)
        statement = select(PROJECTED["signals"]).where(*conditions).order_by(c.end_at.desc(), c.id.desc()).limit(wanted.count)
        with reading(self.engine) as connection:
            return tuple(dict(row) for row in connection.execute(statement).mappings())

    def decided_beside(self, config: str, end: int) -> tuple[int | None, int | None]:
        """See the port."""
        c = PROJECTED["decisions"].c
        ours = select(c.end_at).where(c.home == self.home, c.config == config).limit(1)
        before, after = ours.where(c.end_at < end).order_by(c.end_at.desc()), ours.where(c.end_at > end).order_by(c.end_at)
        with reading(self.engine) as connection:
            return connection.execute(before).scalar(), connection.execute(after).scalar()

    def close(self) -> None:
        """See the port."""
        self._keeping.close()
        self.engine.dispose()
