"""levels and new_levels: one row a bar, beside the bar that it is of; and what became known, each once."""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select

from theo.adapters.sql.database.dialect import insert_rows, raw_pages, upsert_rows
from theo.adapters.sql.database.meanings import Value
from theo.adapters.sql.market import level_marks
from theo.adapters.sql.market.bar_rows import bar_of, newest_revisions
from theo.adapters.sql.market.sources import names_by_id, view_of, visible_ids
from theo.adapters.sql.tables.market import bars as bar_table
from theo.adapters.sql.tables.market import levels as table
from theo.adapters.sql.tables.market import new_levels, sources
from theo.market.standard_levels import LevelValues, NewLevel
from theo.ports.level_store import Announced, LevelMark, Levels, LevelSeries, Piece, Written

READ_ROWS: Final = 10_000
_SOURCE_ID: Final = list(bar_table.c.keys()).index("source_id")


def all_series(connection: Connection, timeframes: Sequence[str]) -> tuple[LevelSeries, ...]:
    """See the port: the bars of each series are looked at once."""
    b = bar_table.c
    grouped = (
        select(b.instrument, b.timeframe, sources.c.name, b.contract, func.min(b.start_at), func.max(b.start_at), func.count())
        .join(sources, sources.c.id == b.source_id)
        .where(sources.c.visible, view_of(connection).reaches, b.timeframe.in_(list(timeframes)))
        .group_by(b.instrument, b.timeframe, sources.c.name, b.contract)
    )
    found: dict[tuple[int, str, str], list[tuple[int, int, str, int]]] = {}
    for instrument, timeframe, name, contract, first, last, count in connection.execute(grouped):
        found.setdefault((instrument, timeframe, name), []).append((first, last, contract, count))
    made = []
    for key, spans in sorted(found.items()):
        spans.sort()
        apart = all(one[1] < other[0] for one, other in pairwise(spans))
        if apart:
            made.append(LevelSeries(*key, "", sum(span[3] for span in spans)))
        else:
            made += [LevelSeries(*key, span[2], span[3]) for span in sorted(spans, key=lambda span: span[2])]
    return tuple(made)


def _bars_between(connection: Connection, series: LevelSeries, after: int, until: int) -> Select[*tuple[Any, ...]]:
    b = bar_table.c
    wanted = [b.instrument == series.instrument, b.timeframe == series.timeframe, b.start_at > after, b.start_at <= until]
    if series.chain:
        wanted.append(b.contract == series.chain)
    return select(bar_table).where(*wanted, b.source_id.in_(visible_ids(connection, series.source)))


def _stamp(connection: Connection, bars: Select[*tuple[Any, ...]]) -> tuple[int, ...]:
    """Changes with every bar that is added, revised or replaced: revisions only grow, and what is imported has a new number."""
    one = bars.subquery().c
    found = connection.execute(select(func.count(), func.sum(one.revision), func.sum(one.source_id), func.sum(one.close))).one()
    return tuple(int(number or 0) for number in found)


def piece(connection: Connection, series: LevelSeries, after: int, count: int) -> Piece:
    """See the port."""
    b = bar_table.c
    names = names_by_id(connection)
    ordered = _bars_between(connection, series, after, 2**62).order_by(b.start_at, b.contract, b.source_id, b.revision)
    pages = (row for page in raw_pages(connection, ordered, min(count + 1, READ_ROWS)) for row in page)
    rows = list(islice(newest_revisions(pages), count))
    bars = tuple(bar_of(row, names) for row in rows)
    past = (after, bars[-1].start if bars else after)
    stamp = _stamp(connection, _bars_between(connection, series, *past)) if bars else ()
    return Piece(bars, tuple(row[_SOURCE_ID] for row in rows), stamp, past)


def put(
    connection: Connection,
    series: LevelSeries,
    given: Piece,
    values: Sequence[LevelValues],
    new: Sequence[NewLevel],
    mark: LevelMark,
) -> Written | None:
    """See the port."""
    if _stamp(connection, _bars_between(connection, series, *given.past)) != given.stamp:
        return None
    keys = [(b.instrument, b.timeframe, b.start, b.contract, number) for b, number in zip(given.bars, given.numbers, strict=True)]
    wanted = dict(zip(keys, values, strict=True))
    stored = {row[:5]: row[5:] for row in _rows(connection, series, given.past[0] + 1, given.past[1] + 1)}
    fresh: list[tuple[Value, ...]] = [(*key, *row) for key, row in wanted.items() if key not in stored]
    changed: list[tuple[Value, ...]] = [(*key, *row) for key, row in wanted.items() if stored.get(key, row) != row]
    insert_rows(connection, table, fresh)
    upsert_rows(connection, table, changed)
    home = _home_of(connection, given.numbers[-1])
    announced = tuple(_announce(connection, home, series, new))
    level_marks.put(connection, home, series, mark)
    return Written(len(fresh), len(changed), announced)


def _home_of(connection: Connection, source_id: int) -> str:
    return str(connection.execute(select(sources.c.home).where(sources.c.id == source_id)).scalar_one())


def _announce(connection: Connection, home: str, series: LevelSeries, new: Sequence[NewLevel]) -> Iterator[NewLevel]:
    """Add what was not there; that alone is new."""
    if not new:
        return
    n = new_levels.c
    first = min(each.at_start for each in new)
    last = max(each.at_start for each in new)
    known = select(n.level, n.at_start, n.price).where(*_of(series), n.home == home, n.at_start >= first, n.at_start <= last)
    there = {tuple(row) for row in connection.execute(known)}
    key = (home, series.instrument, series.timeframe, series.source, series.chain)
    rows: list[tuple[Value, ...]] = []
    for each in new:
        if (each.level, each.at_start, each.price) not in there:
            rows.append((*key, each.level, each.at_start, each.price, each.known_start, each.known_at))
            yield each
    insert_rows(connection, new_levels, rows)


def _of(series: LevelSeries) -> list[ColumnElement[bool]]:
    n = new_levels.c
    named = [n.instrument == series.instrument, n.timeframe == series.timeframe, n.source == series.source]
    return [*named, n.chain == series.chain]


def _rows(connection: Connection, series: LevelSeries, start: int, end: int) -> Iterator[tuple[Any, ...]]:
    c = table.c
    wanted = [c.instrument == series.instrument, c.timeframe == series.timeframe, c.start_at >= start, c.start_at < end]
    if series.chain:
        wanted.append(c.contract == series.chain)
    ours = select(table).where(*wanted, c.source_id.in_(visible_ids(connection, series.source)))
    for page in raw_pages(connection, ours.order_by(c.start_at, c.contract, c.source_id), READ_ROWS):
        yield from map(tuple, page)


def read(connection: Connection, series: LevelSeries, start: int, end: int) -> Iterator[Levels]:
    """See the port."""
    for row in _rows(connection, series, start, end):
        yield Levels(row[2], row[3], row[5:])


def announced(connection: Connection, instrument: int | None, limit: int) -> tuple[Announced, ...]:
    """See the port."""
    n = new_levels.c
    wanted = select(new_levels).where(n.home.in_(view_of(connection).homes))
    if instrument is not None:
        wanted = wanted.where(n.instrument == instrument)
    order = (n.known_at.desc(), n.instrument, n.timeframe, n.source, n.chain, n.level)
    return tuple(
        Announced(
            row.instrument,
            row.timeframe,
            row.source,
            row.chain,
            NewLevel(row.level, row.price, row.at_start, row.known_start, row.known_at),
        )
        for row in connection.execute(wanted.order_by(*order).limit(limit))
    )
