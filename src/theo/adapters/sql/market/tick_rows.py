"""ticks: adding, replacing and reading ticks."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.exc import IntegrityError

from theo.adapters.sql.database.dialect import insert_rows, raw_pages
from theo.adapters.sql.market.sources import names_by_id, visible_ids, writable_ids
from theo.adapters.sql.tables.market import ticks as table
from theo.domain.errors import DataError
from theo.domain.market_data import SECOND, UNUSABLE, Tick, TickFlag, TickKind
from theo.ports.market_store import TickRange

READ_ROWS: Final = 10_000  # fetched at a time: about 2 MB
TickRow = tuple[int, int, int, int, int, int, int, int, int, int]


def tick_row(tick: Tick, source_id: int) -> TickRow:
    """A tick in the order of the table's columns."""
    t = tick
    return (t.instrument, t.timestamp, source_id, t.seq, t.at, t.kind, t.price, t.volume, t.flags, t.time_source)


def add_ticks(connection: Connection, ticks: Sequence[Tick], ids: dict[str, int]) -> None:
    """Insert ticks under their sources' numbers. Raises DataError when one is stored already."""
    if len(ids) == 1:
        (only,) = ids.values()
        rows = [(t.instrument, t.timestamp, only, t.seq, t.at, t.kind, t.price, t.volume, t.flags, t.time_source) for t in ticks]
    else:
        rows = [tick_row(t, ids[t.source]) for t in ticks]
    insert_tick_rows(connection, rows)


def insert_tick_rows(connection: Connection, rows: list[TickRow], target: Table = table) -> None:
    """Insert rows. Raises DataError that names the first one whose key is stored, or stands twice in the batch."""
    try:
        with connection.begin_nested():
            insert_rows(connection, target, rows)
    except IntegrityError as error:
        raise _duplicate(connection, rows, target) from error


def _duplicate(connection: Connection, rows: list[TickRow], target: Table) -> DataError:
    seen: set[tuple[int, int, int, int]] = set()
    for row in rows:
        key = row[:4]
        instrument, timestamp, source_id, seq = key
        t = target.c
        same = (t.instrument == instrument, t.timestamp == timestamp, t.source_id == source_id, t.seq == seq)
        stored = select(t.seq).where(*same)
        if key in seen or connection.execute(stored).first() is not None:
            return DataError(
                f"a tick of instrument {instrument} at {timestamp} us with seq {seq} is stored already",
                why="instrument, timestamp, source and seq name one tick",
                remedy="Count seq per (instrument, timestamp, source); to correct a range, replace it",
            )
        seen.add(key)
    return DataError("a tick could not be stored", why="a value is missing")


def add_ticks_from_journal(connection: Connection, ticks: Sequence[Tick], ids: dict[str, int]) -> None:
    """As add_ticks, but a tick that is stored (the projection's source was imported, too) stays."""
    insert_rows(connection, table, [tick_row(t, ids[t.source]) for t in ticks], skip_present=True)


class StoredError(Exception):
    """A tick of the batch is stored already, or stands in it twice: nothing of it was added."""


def keep(connection: Connection, ticks: Sequence[Tick], ids: dict[str, int], *, merging: bool) -> None:
    """Add ticks as if all were new, or ``merging``: those that are stored stay. Raises StoredError, and ends the transaction."""
    rows = [tick_row(tick, ids[tick.source]) for tick in ticks]
    try:
        insert_rows(connection, table, rows, skip_present=merging)
    except IntegrityError as error:
        raise StoredError from error


def replace_range(connection: Connection, source: str, instrument: int, bounds: tuple[int, int], ticks: Sequence[Tick]) -> int:
    """Delete the source's ticks inside ``bounds`` (whole seconds), insert ``ticks``; how many were deleted."""
    start, end = bounds
    if start % SECOND or end % SECOND or end <= start:
        raise DataError(f"ticks from {start} to {end} us cannot be replaced", why="whole seconds are replaced, at least one")
    for tick in ticks:
        if tick.instrument != instrument or not start <= tick.timestamp < end:
            raise DataError(
                f"a tick of instrument {tick.instrument} at {tick.timestamp} us lies outside the replaced range",
                why=f"instrument {instrument} from {start} to {end} us is replaced",
            )
    deleted = delete_range(connection, select_ids(connection, source), instrument, bounds)
    insert_tick_rows(connection, [tick_row(tick, writable_ids(connection, [source])[source]) for tick in ticks])
    return deleted


def select_ids(connection: Connection, source: str) -> list[int]:
    """The visible numbers of a source's name."""
    return [row[0] for row in connection.execute(visible_ids(connection, source))]


def delete_range(connection: Connection, ids: list[int], instrument: int, bounds: tuple[int, int]) -> int:
    """Delete ticks of these source numbers; how many."""
    inside = (table.c.instrument == instrument, table.c.timestamp >= bounds[0], table.c.timestamp < bounds[1])
    return connection.execute(delete(table).where(*inside, table.c.source_id.in_(ids))).rowcount


def read_ticks(connection: Connection, wanted: TickRange) -> Iterator[Tick]:
    """Ticks in key order, a few thousand rows in memory."""
    names = names_by_id(connection)
    c = table.c
    statement = (
        select(c.instrument, c.received_at, c.timestamp, c.seq, c.kind, c.price, c.volume, c.flags, c.time_source, c.source_id)
        .where(c.instrument == wanted.instrument, c.timestamp >= wanted.start, c.timestamp < wanted.end)
        .where(c.source_id.in_(visible_ids(connection, wanted.source)))
        .order_by(c.timestamp, c.source_id, c.seq)
    )
    for page in raw_pages(connection, statement, READ_ROWS):
        for instrument, at, timestamp, seq, kind, price, volume, flags, time_source, source_id in page:
            yield Tick(instrument, at, timestamp, seq, kind, price, volume, flags, time_source, names[source_id])


def settlements(connection: Connection, instrument: int, since: int) -> tuple[tuple[int, int, int], ...]:
    """Settlements since a time, each with the usable trade that came last before it; one without such a trade is left out."""
    c = table.c
    ours = (c.instrument == instrument, c.timestamp >= since, c.source_id.in_(visible_ids(connection)))
    settled = select(c.timestamp, c.price).where(*ours, c.kind == int(TickKind.SETTLEMENT)).order_by(c.timestamp)
    usable = select(c.price).where(*ours, c.kind == int(TickKind.TRADE), c.flags.op("&")(int(UNUSABLE | TickFlag.NOT_LAST)) == 0)
    found = []
    for at, price in connection.execute(settled).all():
        last = connection.execute(usable.where(c.timestamp <= at).order_by(c.timestamp.desc(), c.seq.desc()).limit(1)).scalar()
        if last is not None:
            found.append((int(at), int(price), int(last)))
    return tuple(found)
