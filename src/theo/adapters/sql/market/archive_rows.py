"""Ticks on their way out to the archive and back: which days may go, what went, and reading both as one.

A day of an instrument is in the table or in a file, and one transaction decides which: it deletes the ticks and notes the file,
or the other way round.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, func, select

from theo.adapters.sql.database.dialect import insert_rows, product, upsert_rows
from theo.adapters.sql.market import tick_rows
from theo.adapters.sql.market.sources import IMPORT, look_as, names_by_id, view_of, visible_ids, writable_ids
from theo.adapters.sql.tables.market import archived_ticks as table
from theo.adapters.sql.tables.market import instruments, ticks
from theo.domain.errors import CorruptionError, DataError
from theo.domain.market_data import DAY, Tick
from theo.domain.tick_digest import TickDigest
from theo.ports.market_store import ArchivedPart, TickRange

PAGE_TICKS: Final = 10_000
_TIMESTAMP: Final = attrgetter("timestamp")


def parts(connection: Connection, wanted: TickRange) -> tuple[ArchivedPart, ...]:
    """The archived parts that a range touches, oldest first."""
    inside = (table.c.instrument == wanted.instrument, table.c.first < wanted.end, table.c.last >= wanted.start)
    ours = select(table).where(*inside, table.c.home.in_(view_of(connection).homes)).order_by(table.c.first, table.c.file)
    found = (_part(row) for row in connection.execute(ours))
    return tuple(part for part in found if not wanted.source or wanted.source in part.sources)


def all_parts(connection: Connection) -> tuple[ArchivedPart, ...]:
    """Every archived part, by instrument and time."""
    ours = select(table).where(table.c.home.in_(view_of(connection).homes))
    rows = connection.execute(ours.order_by(table.c.instrument, table.c.first, table.c.file))
    return tuple(_part(row) for row in rows)


def _part(row: Row[Any]) -> ArchivedPart:
    return ArchivedPart(
        file=row.file,
        instrument=row.instrument,
        first=row.first,
        last=row.last,
        rows=row.rows,
        digest=row.digest,
        sources=msgspec.json.decode(row.sources, type=tuple[str, ...]),
        home=row.home,
    )


def joined(connection: Connection, stored: Iterator[Tick], archived: Sequence[Iterator[Tick]]) -> Iterator[Tick]:
    """Stored and archived ticks in the store's order. Of one key the stored tick counts: it is the newer."""
    rank: dict[str, int] = {}
    for number, name in sorted(names_by_id(connection).items()):
        rank.setdefault(name, number)
    for _, same in groupby(merge(*archived, stored, key=_TIMESTAMP), _TIMESTAMP):
        group = list(same)
        if len(group) > 1:
            group = list({(tick.source, tick.seq): tick for tick in group}.values())
            group.sort(key=lambda tick: (rank.get(tick.source, 0), tick.seq))
        yield from group


def days(connection: Connection, before: int) -> Iterator[tuple[int, int]]:
    """(instrument, first microsecond) of every day (UTC) with ticks that is wholly before a time."""
    t = ticks.c
    for instrument in connection.execute(select(instruments.c.id).order_by(instruments.c.id)).scalars().all():
        since = -(2**62)
        visible = (t.instrument == instrument, t.source_id.in_(visible_ids(connection)))
        while (
            oldest := connection.execute(select(func.min(t.timestamp)).where(*visible, t.timestamp >= since)).scalar()
        ) is not None:
            start = int(oldest) // DAY * DAY
            if start + DAY > before:
                break
            yield instrument, start
            since = start + DAY


def drop(connection: Connection, gone: Sequence[ArchivedPart]) -> None:
    """Note the parts and delete their ticks. Raises DataError when the table no longer holds just these ticks.

    All parts are of one day; where a day is a piece of the table of its own, and nothing else is in it, it goes as a whole.
    """
    start = gone[0].first // DAY * DAY
    bounds = (start, start + DAY)
    for part in gone:
        digest = TickDigest()
        wanted = TickRange(instrument=part.instrument, start=start, end=start + DAY)
        stored = tick_rows.read_ticks(look_as(connection, part.home), wanted)
        while page := list(islice(stored, PAGE_TICKS)):
            digest.add(page)
        if digest.text != part.digest:
            raise DataError(
                "ticks changed while they were archived", where=part.file, remedy="They stay in the database: archive again"
            )
    rows = [
        (p.file, p.instrument, p.first, p.last, p.rows, p.digest, msgspec.json.encode(p.sources).decode(), p.home) for p in gone
    ]
    upsert_rows(connection, table, rows)  # ticks that were archived before may have come once more
    if product(connection.dialect.name).drop_day(connection, ticks, bounds, sum(part.rows for part in gone)):
        return
    for part in gone:
        visible = [row[0] for row in connection.execute(visible_ids(look_as(connection, part.home)))]
        tick_rows.delete_range(connection, visible, part.instrument, bounds)


def restore(connection: Connection, part: ArchivedPart, found: Iterator[Tick]) -> None:
    """Put a part's ticks back; those that are stored stay. Raises CorruptionError unless they are what was archived."""
    digest = TickDigest()
    ids = writable_ids(look_as(connection, part.home), part.sources, IMPORT)
    while page := list(islice(found, PAGE_TICKS)):
        digest.add(page)
        insert_rows(connection, ticks, [tick_rows.tick_row(tick, ids[tick.source]) for tick in page], skip_present=True)
    if digest.text != part.digest:
        raise CorruptionError(
            "does not hold the ticks that were archived", where=part.file, remedy="Restore the file from a backup"
        )
    connection.execute(delete(table).where(table.c.file == part.file))


def refuse_archived(connection: Connection, source: str, instrument: int, bounds: tuple[int, int]) -> None:
    """Raise DataError when ticks of a source that are to be replaced lie in the archive: a file there is never changed."""
    found = parts(connection, TickRange(instrument=instrument, start=bounds[0], end=bounds[1], source=source))
    if found:
        raise DataError(
            f"ticks of {source} in this range are archived",
            where=found[0].file,
            why="archived files are never changed, and beside them the new ticks would count twice",
            remedy="Restore the range first with `theo archive restore`",
        )


def spans(connection: Connection) -> Iterable[tuple[int, int, int]]:
    """Instrument, oldest and newest archived timestamp."""
    found = select(table.c.instrument, func.min(table.c.first), func.max(table.c.last)).group_by(table.c.instrument)
    ours = found.where(table.c.home.in_(view_of(connection).homes))
    return [(int(row[0]), int(row[1]), int(row[2])) for row in connection.execute(ours)]
