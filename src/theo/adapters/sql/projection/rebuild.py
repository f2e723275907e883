"""Rebuilding the projections from the journal in a fresh database beside the stored one, and comparing the two.

Imported market data is not touched: it is not the journal's.
"""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, Table, delete, func, select

from theo.adapters.sql.database.dialect import insert_rows
from theo.adapters.sql.database.meanings import Value
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.market.import_rows import TICKS, cover
from theo.adapters.sql.market.sources import JOURNAL, view_of, writable_ids
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.projecting import Decoders, Projection
from theo.adapters.sql.projection.pruning import NEVER, prune_decisions, pruned_before
from theo.adapters.sql.tables.market import bars, import_ranges, level_marks, sources, ticks
from theo.adapters.sql.tables.projected import PROJECTED, watermarks
from theo.ports.store import JournalStore

REBUILT_NAME: Final = "market.rebuilt.db"
PAGE_ROWS: Final = 5_000
MARKET_DATA: Final = (ticks, bars)
PROJECTIONS: Final = (watermarks, *PROJECTED.values())
ALONE: Final = ""  # the home in a file of its own
AnyRow = tuple[Value, ...]


class TableComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One table as stored and as rebuilt: rows, SHA-256 over them in key order, and the first row that differs ("" if none)."""

    table: str
    stored_rows: int
    rebuilt_rows: int
    stored_hash: str
    rebuilt_hash: str
    first_difference: str

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows."""
        return self.stored_hash == self.rebuilt_hash


class Rebuilt(msgspec.Struct, frozen=True):
    """The journal's records, and each table compared."""

    records: int
    tables: tuple[TableComparison, ...]

    @property
    def equal(self) -> bool:
        """Whether the stored projections are what the journal says."""
        return all(table.equal for table in self.tables)


def rebuild(
    journal: JournalStore,
    stored: SqlMarketStore,
    home: Path,
    decoders: Decoders,
    *,
    replace: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Rebuilt:
    """Project the journal anew and compare table by table; ``replace`` then puts the rebuilt rows in place of the stored ones.

    The replacement is one transaction. Stop whatever writes market.db meanwhile: its newer rows would show as differences.
    """
    _remove(home)
    fresh = SqlMarketStore(home, REBUILT_NAME)
    try:
        records = Projection(fresh, decoders).catch_up(journal, progress)
        if (before := pruned_before(stored)) > NEVER:
            prune_decisions(fresh, before)
        with reading(stored.engine) as ours, reading(fresh.engine) as theirs:
            tables = tuple(_compare(ours, theirs, stored.home))
        if replace:
            with reading(fresh.engine) as source, writing(stored.engine) as target:
                _replace(source, target, stored.home)
    finally:
        fresh.close()
        _remove(home)
    return Rebuilt(records, tables)


def _remove(home: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (home / f"{REBUILT_NAME}{suffix}").unlink(missing_ok=True)


def _compare(ours: Connection, theirs: Connection, home: str) -> Iterator[TableComparison]:
    for table in PROJECTIONS:
        yield _comparison(table, _of_home(ours, table, home), _of_home(theirs, table, ALONE))
    for table in MARKET_DATA:
        # Sources are numbered in each database as they came; both sides are read source by source, by name.
        names = _journal_sources(ours)
        yield _comparison(table, _by_source(ours, table, names), _by_source(theirs, table, names))


def _comparison(table: Table, ours: Iterator[AnyRow], theirs: Iterator[AnyRow]) -> TableComparison:
    counts, hashes, first = [0, 0], [hashlib.sha256(), hashlib.sha256()], ""
    for pair in zip_longest(ours, theirs):
        for side, row in enumerate(pair):
            if row is not None:
                counts[side] += 1
                hashes[side].update(repr(row).encode())
        if not first and pair[0] != pair[1]:
            first = _difference(table, *pair)
    return TableComparison(
        table=table.name,
        stored_rows=counts[0],
        rebuilt_rows=counts[1],
        stored_hash=hashes[0].hexdigest(),
        rebuilt_hash=hashes[1].hexdigest(),
        first_difference=first,
    )


def _difference(table: Table, ours: AnyRow | None, theirs: AnyRow | None) -> str:
    """The first difference of two sorted tables in words: a row only one has, or the columns that differ."""
    columns = [column for column in table.c if column.name != "home"]
    names = [column.name for column in columns]
    places = [columns.index(column) for column in table.primary_key if column.name != "home"]

    def key(row: AnyRow) -> tuple[Any, ...]:
        return tuple(row[at] for at in places)

    def named(row: AnyRow) -> str:
        return ", ".join(f"{names[at]} {row[at]!r}" for at in places)

    if theirs is None or (ours is not None and key(ours) < key(theirs)):
        assert ours is not None
        return f"{named(ours)}: not in the journal"
    if ours is None or key(ours) > key(theirs):
        return f"{named(theirs)}: missing in the stored table"
    pairs = zip(names, ours, theirs, strict=True)
    differing = [f"{name} is {mine!r}, should be {right!r}" for name, mine, right in pairs if mine != right]
    return f"{named(theirs)}: {'; '.join(differing)}"


def _journal_sources(connection: Connection) -> list[str]:
    """Sources whose rows are the journal's; what was imported or written directly is not compared."""
    ours = (sources.c.origin == JOURNAL, sources.c.home == view_of(connection).home)
    wanted = select(sources.c.name).where(*ours).distinct().order_by(sources.c.name)
    return [row[0] for row in connection.execute(wanted)]


def _stream(connection: Connection, statement: Select[*tuple[Any, ...]]) -> Iterator[AnyRow]:
    for page in connection.execute(statement).partitions(PAGE_ROWS):
        yield from map(tuple, page)


def _of_home(connection: Connection, table: Table, home: str) -> Iterator[AnyRow]:
    """A projected table's rows of a home, in key order, without the home."""
    columns = [column for column in table.c if column.name != "home"]
    return _stream(connection, select(*columns).where(table.c.home == home).order_by(*table.primary_key))


def _by_source(connection: Connection, table: Table, names: list[str]) -> Iterator[AnyRow]:
    """A market data table's rows with the source's name in place of its number."""
    place = list(table.c.keys()).index("source_id")
    for name in names:
        ours = (sources.c.origin == JOURNAL, sources.c.home == view_of(connection).home)
        ids = select(sources.c.id).where(sources.c.name == name, sources.c.visible, *ours)
        for row in _stream(connection, select(table).where(table.c.source_id.in_(ids)).order_by(*table.primary_key)):
            yield (*row[:place], name, *row[place + 1 :])


def _replace(source: Connection, target: Connection, home: str) -> None:
    for table in PROJECTIONS:
        target.execute(delete(table).where(table.c.home == home))
        _copy(target, table, ((home, *row) for row in _of_home(source, table, ALONE)))
    ids = writable_ids(target, _journal_sources(source), JOURNAL)
    imported = [row[0] for row in target.execute(select(sources.c.id).where(sources.c.origin != JOURNAL))]
    own = {name: number for name, number in ids.items() if number not in imported}
    for table in MARKET_DATA:
        place = list(table.c.keys()).index("source_id")
        target.execute(delete(table).where(table.c.source_id.in_(own.values())))
        rows = _by_source(source, table, sorted(own))
        _copy(target, table, ((*row[:place], own[str(row[place])], *row[place + 1 :]) for row in rows))
    if view_of(target).home:
        _cover(target, own)
    target.execute(delete(level_marks).where(level_marks.c.home == home))


def _cover(target: Connection, ids: dict[str, int]) -> None:
    """What the replaced rows cover, as if they had been projected there."""
    for source_id in ids.values():
        target.execute(delete(import_ranges).where(import_ranges.c.source_id == source_id))
        for table, at, keys in (
            (ticks, ticks.c.timestamp, [ticks.c.instrument]),
            (bars, bars.c.start_at, [bars.c.instrument, bars.c.timeframe]),
        ):
            covered = select(func.min(at), func.max(at), func.count(), *keys).where(table.c.source_id == source_id)
            for first, last, rows, instrument, *frame in target.execute(covered.group_by(*keys)).all():
                cover(target, source_id, {(instrument, frame[0] if frame else TICKS): (first, last, rows)})


def _copy(target: Connection, table: Table, rows: Iterator[AnyRow]) -> None:
    while page := list(islice(rows, PAGE_ROWS)):
        insert_rows(target, table, page)
