"""Imports in stages: rows under a hidden source number, made visible by one short transaction.

A reader never sees half an import, and the write lock is never held longer than for one batch.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from theo.adapters.sql.database.dialect import upsert_rows
from theo.adapters.sql.market import archive_rows, bar_rows, level_marks, tick_rows
from theo.adapters.sql.market.sources import IMPORT, new_id, view_of
from theo.adapters.sql.tables.market import import_ranges, sources, staged_ticks
from theo.adapters.sql.tables.market import ticks as ticks_table
from theo.domain.errors import DataError
from theo.domain.market_data import SECOND, Bar, Tick
from theo.ports.market_store import Published, StagedImport

TICKS = ""  # the timeframe of a range of ticks
Extent = tuple[int, int, int]  # first time, last time, rows


def begin(connection: Connection, source: str, fingerprint: str) -> StagedImport:
    """Resume the hidden import of this source and fingerprint, or start one after discarding any other."""
    hidden = select(sources).where(sources.c.name == source, ~sources.c.visible, view_of(connection).reaches)
    for row in connection.execute(hidden).all():
        if row.fingerprint == fingerprint:
            ends = select(func.min(import_ranges.c.first), func.max(import_ranges.c.last))
            first, last = connection.execute(ends.where(import_ranges.c.source_id == row.id)).one()
            return StagedImport(row.id, source, row.staged_rows, first, last)
        drop(connection, row.id)
    return StagedImport(new_id(connection, source, IMPORT, visible=False, fingerprint=fingerprint), source, 0)


def stage_ticks(connection: Connection, staged: StagedImport, ticks: Sequence[Tick]) -> None:
    """Add a batch and what it covers."""
    tick_rows.insert_tick_rows(connection, [tick_rows.tick_row(tick, staged.id) for tick in ticks], staging(connection))
    _cover(connection, staged, extents_of((tick.instrument, TICKS, tick.timestamp) for tick in ticks), len(ticks))


def staging(connection: Connection) -> Table:
    """Where ticks wait: a server makes bars of every tick that is stored, a file only of those that are visible."""
    return ticks_table if connection.dialect.name == "sqlite" else staged_ticks


def stage_bars(connection: Connection, staged: StagedImport, bars: Sequence[Bar]) -> None:
    """Add a batch and what it covers."""
    ids = dict.fromkeys((bar.source for bar in bars), staged.id)
    bar_rows.add_bars(connection, bars, ids)
    _cover(connection, staged, extents_of((bar.instrument, bar.timeframe, bar.start) for bar in bars), len(bars))


def extents_of(times: Iterable[tuple[int, str, int]]) -> dict[tuple[int, str], Extent]:
    """Of (instrument, timeframe, time): the first time, the last, and how many."""
    found: dict[tuple[int, str], Extent] = {}
    for instrument, timeframe, time in times:
        first, last, rows = found.get((instrument, timeframe), (time, time, 0))
        found[instrument, timeframe] = (min(first, time), max(last, time), rows + 1)
    return found


def _cover(connection: Connection, staged: StagedImport, extents: dict[tuple[int, str], Extent], rows: int) -> None:
    added = update(sources).where(sources.c.id == staged.id, ~sources.c.visible)
    if connection.execute(added.values(staged_rows=sources.c.staged_rows + rows)).rowcount != 1:
        raise _gone(staged)
    cover(connection, staged.id, extents)


def cover(connection: Connection, source_id: int, extents: dict[tuple[int, str], Extent]) -> None:
    """Remember what of (instrument, timeframe) a source's rows cover."""
    for row in connection.execute(select(import_ranges).where(import_ranges.c.source_id == source_id)):
        if (row.instrument, row.timeframe) in extents:
            first, last, more = extents[row.instrument, row.timeframe]
            extents[row.instrument, row.timeframe] = (min(first, row.first), max(last, row.last), more + row.rows)
    upsert_rows(connection, import_ranges, [(source_id, *series, *extent) for series, extent in extents.items()])


def cover_taken(connection: Connection, ticks: Sequence[Tick], bars: Sequence[Bar], ids: Mapping[str, int]) -> None:
    """Remember what a run has taken, by source."""
    for name, source_id in ids.items():
        times = [(tick.instrument, TICKS, tick.timestamp) for tick in ticks if tick.source == name]
        times += [(bar.instrument, bar.timeframe, bar.start) for bar in bars if bar.source == name]
        cover(connection, source_id, extents_of(times))


def publish(connection: Connection, staged: StagedImport) -> Published:
    """Delete what the import replaces and make it visible."""
    shown = update(sources).where(sources.c.id == staged.id, ~sources.c.visible).values(visible=True)
    older = tick_rows.select_ids(connection, staged.source)
    if connection.execute(shown).rowcount != 1:
        raise _gone(staged)
    rows = replaced = 0
    for part in connection.execute(select(import_ranges).where(import_ranges.c.source_id == staged.id)).all():
        rows += part.rows
        seconds = (part.first // SECOND * SECOND, part.last // SECOND * SECOND + SECOND)
        if part.timeframe == TICKS:
            archive_rows.refuse_archived(connection, staged.source, part.instrument, seconds)
        if part.timeframe != TICKS:
            level_marks.forget_of_source(connection, staged.id, (part.instrument, part.timeframe), part.first)
        if not older:
            continue
        if part.timeframe == TICKS:
            replaced += tick_rows.delete_range(connection, older, part.instrument, seconds)
        else:
            series = (part.instrument, part.timeframe)
            replaced += bar_rows.delete_range(connection, older, series, (part.first, part.last))
    show_ticks(connection, staged.id)
    connection.execute(delete(import_ranges).where(import_ranges.c.source_id == staged.id))
    return Published(rows, replaced)


def show_ticks(connection: Connection, source_id: int) -> None:
    """Where ticks wait in a table of their own: over to the others, and with that into the server's bars."""
    if staging(connection) is ticks_table:
        return
    names = [column.name for column in ticks_table.columns]
    waiting = select(*(staged_ticks.c[name] for name in names)).where(staged_ticks.c.source_id == source_id)
    connection.execute(insert(ticks_table).from_select(names, waiting))
    connection.execute(delete(staged_ticks).where(staged_ticks.c.source_id == source_id))


def drop(connection: Connection, source_id: int) -> None:
    """Delete the rows of a hidden import and the import itself."""
    hidden = select(func.count()).where(sources.c.id == source_id, ~sources.c.visible)
    if connection.execute(hidden).scalar_one():
        remove(connection, source_id)


def remove(connection: Connection, source_id: int) -> None:
    """Delete a source with all that it is remembered to cover, and what waits of it."""
    connection.execute(delete(staged_ticks).where(staged_ticks.c.source_id == source_id))
    for part in connection.execute(select(import_ranges).where(import_ranges.c.source_id == source_id)).all():
        if part.timeframe == TICKS:
            tick_rows.delete_range(connection, [source_id], part.instrument, (part.first, part.last + 1))
        else:
            bar_rows.delete_range(connection, [source_id], (part.instrument, part.timeframe), (part.first, part.last))
    connection.execute(delete(import_ranges).where(import_ranges.c.source_id == source_id))
    connection.execute(delete(sources).where(sources.c.id == source_id))


def _gone(staged: StagedImport) -> DataError:
    return DataError(
        "the import is no longer open",
        where=staged.source,
        why="it was published or discarded by another process",
        remedy="Run the import again when no other is running",
    )
