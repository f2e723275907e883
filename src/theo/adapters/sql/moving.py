"""Copying a place's databases to another place: journals record by record, inbox, settings, imported market data.

What is projected from a journal is not copied: it is made anew where it is next read. Nobody reads a target before the caller
says that it is the home's: whatever breaks off is gone on with, a journal after its last stored record, an import from its start.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, Table, delete, func, select, update

from theo.adapters.sql.database.dialect import insert_rows, raw_pages, upsert_rows
from theo.adapters.sql.database.meanings import RawRow, Value
from theo.adapters.sql.database.transactions import reading, writing
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market import import_rows
from theo.adapters.sql.market.sources import BUILT, EVERYONE, IMPORT, JOURNAL, new_id, view_of
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.tables.inbox import commands
from theo.adapters.sql.tables.journal import journal, leases, snapshots
from theo.adapters.sql.tables.market import bars, levels, new_levels, sources, ticks
from theo.adapters.sql.tables.settings import (
    signal_config_changes,
    signal_configs,
    signal_entry_rules,
    signal_exit_rules,
    signal_symbols,
)
from theo.domain.errors import CorruptionError, UserError
from theo.domain.instrument import Instrument

PAGE_RECORDS: Final = 256
PAGE_ROWS: Final = 10_000
TABLES: Final = (ticks, bars, levels)
SETTINGS: Final = (signal_configs, signal_symbols, signal_entry_rules, signal_exit_rules, signal_config_changes)
Content = tuple[int, str]  # rows, and SHA-256 over them


class Copied(msgspec.Struct, frozen=True):
    """A stream or an imported source that is whole in the target: its rows, and SHA-256 over them, the same on both sides."""

    name: str
    rows: int
    hash: str


def copy_journal(source: SqlJournalStore, target: SqlJournalStore, homes: tuple[str, str]) -> Iterator[Copied]:
    """Every stream, its snapshots and its writers' epochs. ``homes`` are the names in the two places.

    Raises UserError when the target holds another journal, CorruptionError when the copy is not what was read.
    """
    for stream in source.streams():
        _refuse_another(source, target, stream)
        head = target.head(stream)
        records = source.read(stream, head.seq + 1 if head else 1)
        while page := list(islice(records, PAGE_RECORDS)):
            rows = [(target.stored_name(stream), *msgspec.structs.astuple(record)[1:]) for record in page]
            with writing(target.engine) as connection:
                insert_rows(connection, journal, rows)
        yield _equal(stream, _stream_hash(source, stream), _stream_hash(target, stream))
    with reading(source.engine) as connection:
        held = connection.execute(select(snapshots).where(snapshots.c.home == homes[0])).all()
        epochs = {
            stream: connection.execute(select(leases.c.epoch).where(leases.c.stream == source.stored_name(stream))).scalar()
            for stream in source.streams()
        }
    with writing(target.engine) as connection:
        # Above every epoch of the target, too, so that none is given out twice there.
        highest = connection.execute(select(func.coalesce(func.max(leases.c.epoch), 0))).scalar_one()
        upsert_rows(connection, leases, [(target.stored_name(s), max(highest + 1, epoch or 0)) for s, epoch in epochs.items()])
        connection.execute(delete(snapshots).where(snapshots.c.home == homes[1]))
        upsert_rows(connection, snapshots, [(homes[1], *tuple(row)[1:]) for row in held])


def _refuse_another(source: SqlJournalStore, target: SqlJournalStore, stream: str) -> None:
    head = target.head(stream)
    if head is None:
        return
    same = next(source.read(stream, head.seq, head.seq), None)
    if same is None or same.hash != head.hash:
        raise UserError(
            f"the target holds another journal of {stream}",
            why=f"its record {head.seq} is not the source's",
            remedy="Is the target the newer one? Otherwise copy into a new database or a new home",
        )


def _stream_hash(store: SqlJournalStore, stream: str) -> Content:
    digest, count = hashlib.sha256(), 0
    for record in store.read(stream):
        digest.update(repr(msgspec.structs.astuple(record)).encode())
        count += 1
    return count, digest.hexdigest()


def _equal(name: str, ours: Content, theirs: Content) -> Copied:
    if ours != theirs:
        raise CorruptionError(
            f"the copy of {name} is not what was read: {theirs[0]} rows of {ours[0]}",
            where=name,
            remedy="Nothing was switched: run `theo journal verify` on the source, then copy again into a new target",
        )
    return Copied(name, *ours)


def copy_inbox(source: Engine, target: Engine, homes: tuple[str, str]) -> int:
    """Commands and their outcomes, as they are, in one transaction; how many."""
    columns = [column for column in commands.c if column.name not in {"number", "home"}]
    with reading(source) as connection:
        rows = (
            connection.execute(select(*columns).where(commands.c.home == homes[0]).order_by(commands.c.number)).mappings().all()
        )
    with writing(target) as connection:
        connection.execute(delete(commands).where(commands.c.home == homes[1]))
        for row in rows:
            connection.execute(commands.insert().values(home=homes[1], **row))
    return len(rows)


def copy_settings(source: Engine, target: Engine, homes: tuple[str, str]) -> Copied:
    """Scan configurations and their history, in one transaction.

    Raises UserError when the target knows changes that the source does not: its history is never rewritten.
    """
    rows = {table: _of_home(source, table, homes[0]) for table in SETTINGS}
    known = _of_home(target, signal_config_changes, homes[1])
    if not set(known) <= set(rows[signal_config_changes]):
        raise UserError(
            "the target holds changes of scans that the source does not know",
            remedy="Is the target the newer one? Otherwise copy into a new database or a new home",
        )
    with writing(target) as connection:
        for table in reversed(SETTINGS):
            if table is not signal_config_changes:
                connection.execute(delete(table).where(table.c.home == homes[1]))
        for table in SETTINGS:
            new = rows[table] if table is not signal_config_changes else [row for row in rows[table] if row not in set(known)]
            insert_rows(connection, table, [(homes[1], *row) for row in new])
    there = {table: _of_home(target, table, homes[1]) for table in SETTINGS}
    return _equal("scans", _rows_hash(rows), _rows_hash(there))


def _of_home(engine: Engine, table: Table, home: str) -> list[tuple[Value, ...]]:
    """A table's rows without their home, in key order."""
    columns = [column for column in table.c if column.name != "home"]
    with reading(engine) as connection:
        found = connection.execute(select(*columns).where(table.c.home == home).order_by(*table.primary_key))
        return [tuple(row) for row in found]


def _rows_hash(rows: Mapping[Table, Sequence[tuple[Value, ...]]]) -> Content:
    text = "".join(f"{table.name}{row!r}" for table, of_table in rows.items() for row in of_table)
    return sum(map(len, rows.values())), hashlib.sha256(text.encode()).hexdigest()


def copy_imports(source: SqlMarketStore, target: SqlMarketStore) -> Iterator[Copied]:
    """Instruments, and every visible source that is no journal's: each becomes visible whole, in one short transaction."""
    instruments = source.instruments()
    target.put_instruments(instruments)
    with reading(source.engine) as connection:
        ours = (sources.c.visible, sources.c.origin.not_in([JOURNAL, BUILT]), view_of(connection).reaches)
        found = connection.execute(select(sources.c.id, sources.c.name).where(*ours).order_by(sources.c.id)).all()
    wanted = [(name, source_id, _source_hash(source.engine, instruments, source_id)) for source_id, name in found]
    for name in dict.fromkeys(name for _, name in found):
        _refuse_namesake(target, instruments, name, [content for each, _, content in wanted if each == name])
    for name, source_id, content in wanted:
        there = _there(target, instruments, name, content)
        yield _equal(name, content, there or _source_copied(source, target, instruments, (source_id, name), content))
    with reading(source.engine) as connection:
        announced = connection.execute(select(new_levels).where(new_levels.c.home == EVERYONE)).all()
    with writing(target.engine) as connection:
        upsert_rows(connection, new_levels, [tuple(row) for row in announced])


def _there(store: SqlMarketStore, instruments: Sequence[Instrument], name: str, content: Content) -> Content | None:
    """The content itself where a visible source of that name has it already."""
    return next((each for each in _contents(store, instruments, name) if each == content), None)


def _contents(store: SqlMarketStore, instruments: Sequence[Instrument], name: str) -> list[Content]:
    with reading(store.engine) as connection:
        seen = (sources.c.visible, sources.c.origin != JOURNAL, sources.c.name == name, view_of(connection).reaches)
        ids = connection.execute(select(sources.c.id).where(*seen)).scalars().all()
    return [_source_hash(store.engine, instruments, source_id) for source_id in ids]


def _refuse_namesake(store: SqlMarketStore, instruments: Sequence[Instrument], name: str, ours: list[Content]) -> None:
    """Two sources of one name are read as one: what another home has imported must not be mixed with ours."""
    if any(each[0] and each not in ours for each in _contents(store, instruments, name)):
        raise UserError(
            f"the target holds other data from {name}",
            why="data of one source's name are read as one",
            remedy="Copy into a new database, or into a new home",
        )


def _source_copied(
    source: SqlMarketStore, target: SqlMarketStore, instruments: Sequence[Instrument], which: tuple[int, str], wanted: Content
) -> Content:
    """Hidden until it is whole and the same; one that broke off is removed first."""
    source_id, name = which
    mark = f"copied:{wanted[1]}"
    with writing(target.engine) as connection:
        broken = connection.execute(select(sources.c.id).where(sources.c.fingerprint == mark, ~sources.c.visible)).scalars().all()
        for each in broken:
            import_rows.remove(connection, each)
        number = new_id(connection, name, IMPORT, visible=False, fingerprint=mark)
        waiting = (import_rows.staging(connection), bars, levels)
    for place, page in _pages(source.engine, instruments, source_id):
        with writing(target.engine) as connection:
            _insert(connection, waiting[place], page, number)
    copied = _source_hash(target.engine, instruments, number, waiting)
    if copied == wanted:
        with writing(target.engine) as connection:
            import_rows.show_ticks(connection, number)
            connection.execute(update(sources).where(sources.c.id == number).values(visible=True))
    return copied


def _pages(
    engine: Engine, instruments: Sequence[Instrument], source_id: int, tables: Sequence[Table] = TABLES
) -> Iterator[tuple[int, Sequence[RawRow]]]:
    """A source's rows in key order, each page with its table's place among the three."""
    for place, table in enumerate(tables):
        for instrument in instruments:
            wanted = select(table).where(table.c.instrument == instrument.id, table.c.source_id == source_id)
            with reading(engine) as connection:
                for page in raw_pages(connection, wanted.order_by(*table.primary_key), PAGE_ROWS):
                    yield place, page


def _insert(connection: Connection, table: Table, page: Sequence[RawRow], number: int) -> None:
    names = list(table.c.keys())
    at = names.index("source_id")
    rows: list[tuple[Value, ...]] = [(*row[:at], number, *row[at + 1 :]) for row in page]
    insert_rows(connection, table, rows)
    if table is levels:
        return
    time = names.index("start_at" if table is bars else "timestamp")
    frame = names.index("timeframe") if table is bars else None
    covered = ((row[0], import_rows.TICKS if frame is None else row[frame], row[time]) for row in page)
    import_rows.cover(connection, number, import_rows.extents_of(covered))


def _source_hash(engine: Engine, instruments: Sequence[Instrument], source_id: int, tables: Sequence[Table] = TABLES) -> Content:
    digest, count = hashlib.sha256(), 0
    for place, page in _pages(engine, instruments, source_id, tables):
        at = list(tables[place].c.keys()).index("source_id")
        for row in page:
            digest.update(f"{place}{(*row[:at], *row[at + 1 :])!r}".encode())
        count += len(page)
    return count, digest.hexdigest()
