"""levels and new_levels: one row a bar, beside the bar that it is of; and what became known, each once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, func, or_, select

from theo.adapters.sql.database.dialect import insert_rows, raw_pages, upsert_rows
from theo.adapters.sql.database.meanings import RawRow, Value
from theo.adapters.sql.market import level_marks
from theo.adapters.sql.market.bar_rows import bar_of, newest_revisions
from theo.adapters.sql.market.sources import VISIBLE_OF_NAME, view_of, visible_ids, visible_values
from theo.adapters.sql.tables.column_types import TEXT
from theo.adapters.sql.tables.market import bars as bar_table
from theo.adapters.sql.tables.market import levels as table
from theo.adapters.sql.tables.market import new_levels, sources
from theo.market.standard_levels import LevelValues, NewLevel
from theo.ports.level_store import Announced, LevelMark, Levels, LevelSeries, Piece, Written

READ_ROWS: Final = 10_000
EVER: Final = 2**62  # later than any start
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


def _inside(of: Table) -> Select[*tuple[Any, ...]]:
    """What is known of a series in a table of bars or of levels, for starts from ``after`` to ``until``: (, ]."""
    c, chain = of.c, bindparam("chain", type_=TEXT)
    return select(of).where(
        c.instrument == bindparam("instrument"),
        c.timeframe == bindparam("timeframe"),
        c.start_at > bindparam("after"),
        c.start_at <= bindparam("until"),
        or_(chain == "", c.contract == chain),
        c.source_id.in_(VISIBLE_OF_NAME),
    )


# Statements are made once: a live bar needs seven of them, and making them anew cost ten times what the database takes for them.
_BARS: Final = _inside(bar_table).order_by(*(bar_table.c[name] for name in ("start_at", "contract", "source_id", "revision")))
_LEVELS: Final = _inside(table).order_by(table.c.start_at, table.c.contract, table.c.source_id)
_STAMP: Final = _inside(bar_table).with_only_columns(
    func.count(), func.sum(bar_table.c.revision), func.sum(bar_table.c.source_id), func.sum(bar_table.c.close)
)
_HOME: Final = select(sources.c.home).where(sources.c.id == bindparam("number"))
_START, _REVISION, _CLOSE = (list(bar_table.c.keys()).index(name) for name in ("start_at", "revision", "close"))


def _values(connection: Connection, series: LevelSeries, after: int, until: int) -> dict[str, Value]:
    return {
        "instrument": series.instrument,
        "timeframe": series.timeframe,
        "chain": series.chain,
        "after": after,
        "until": until,
        **visible_values(connection, series.source),
    }


def _stamp(rows: Sequence[RawRow]) -> tuple[int, ...]:
    """Changes with every bar that is added, revised or replaced: revisions only grow, and what is imported has a new number."""
    return (len(rows), *(sum(row[place] for row in rows) for place in (_REVISION, _SOURCE_ID, _CLOSE)))


def _noted(pages: Iterator[Sequence[RawRow]], read: list[RawRow]) -> Iterator[RawRow]:
    """Row by row, each also put into ``read``."""
    for page in pages:
        for row in page:
            read.append(row)
            yield row


def piece(connection: Connection, series: LevelSeries, after: int, count: int) -> Piece:
    """See the port."""
    read: list[RawRow] = []
    pages = raw_pages(connection, _BARS, min(count + 1, READ_ROWS), _values(connection, series, after, EVER))
    following = _noted(pages, read)
    rows = list(islice(newest_revisions(following), count))
    if not rows:
        return Piece((), (), (), (after, after))
    last = rows[-1][_START]
    while read[-1][_START] == last and next(following, None) is not None:
        pass  # another source's bar of that start belongs to the stamp too
    bars = tuple(bar_of(row, {row[_SOURCE_ID]: series.source}) for row in rows)
    stamp = _stamp([row for row in read if row[_START] <= last])
    return Piece(bars, tuple(row[_SOURCE_ID] for row in rows), stamp, (after, last))


def put(
    connection: Connection,
    series: LevelSeries,
    given: Piece,
    values: Sequence[LevelValues],
    new: Sequence[NewLevel],
    mark: LevelMark,
) -> Written | None:
    """See the port."""
    inside = _values(connection, series, *given.past)
    now = connection.execute(_STAMP, inside).one()
    if tuple(int(number or 0) for number in now) != given.stamp:
        return None
    keys = [(b.instrument, b.timeframe, b.start, b.contract, number) for b, number in zip(given.bars, given.numbers, strict=True)]
    wanted = dict(zip(keys, values, strict=True))
    stored = {row[:5]: row[5:] for row in _rows(connection, inside)}
    fresh: list[tuple[Value, ...]] = [(*key, *row) for key, row in wanted.items() if key not in stored]
    changed: list[tuple[Value, ...]] = [(*key, *row) for key, row in wanted.items() if stored.get(key, row) != row]
    insert_rows(connection, table, fresh)
    upsert_rows(connection, table, changed)
    home = str(connection.execute(_HOME, {"number": given.numbers[-1]}).scalar_one())
    announced = tuple(_announce(connection, home, series, new))
    level_marks.put(connection, home, series, mark)
    return Written(len(fresh), len(changed), announced)


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


def _rows(connection: Connection, inside: Mapping[str, Value]) -> Iterator[tuple[Any, ...]]:
    for page in raw_pages(connection, _LEVELS, READ_ROWS, inside):
        yield from map(tuple, page)


def read(connection: Connection, series: LevelSeries, start: int, end: int) -> Iterator[Levels]:
    """See the port."""
    for row in _rows(connection, _values(connection, series, start - 1, end - 1)):
        yield Levels(row[2], row[3], row[5:])


def newest(connection: Connection, instrument: int, timeframe: str) -> int | None:
    """See the store."""
    c = table.c
    found = select(c.start_at).where(c.instrument == instrument, c.timeframe == timeframe)
    seen = found.where(c.source_id.in_(visible_ids(connection)))
    return connection.execute(seen.order_by(c.start_at.desc()).limit(1)).scalar()


def announced(
    connection: Connection, instrument: int | None, limit: int, timeframe: str, until: int | None
) -> tuple[Announced, ...]:
    """See the port."""
    n = new_levels.c
    wanted: list[ColumnElement[bool]] = [n.home.in_(view_of(connection).homes)]
    wanted += [] if instrument is None else [n.instrument == instrument]
    wanted += [n.timeframe == timeframe] if timeframe else []
    wanted += [] if until is None else [n.known_at <= until]
    times = select(n.known_at).where(*wanted).order_by(n.known_at.desc())
    last = connection.execute(times.offset(limit - 1).limit(1)).scalar()
    found = select(new_levels).where(*wanted, *([] if last is None else [n.known_at >= last]))
    order = (n.known_at.desc(), n.instrument, n.timeframe, n.source, n.chain, n.level)
    return tuple(
        Announced(
            row.instrument,
            row.timeframe,
            row.source,
            row.chain,
            NewLevel(row.level, row.price, row.at_start, row.known_start, row.known_at),
        )
        for row in connection.execute(found.order_by(*order))
    )
