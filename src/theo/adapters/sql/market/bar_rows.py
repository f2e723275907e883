"""bars: adding and reading. A bar's key is (instrument, timeframe, start, contract, source, revision)."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, select, tuple_

from theo.adapters.sql.database.dialect import insert_rows, raw_pages
from theo.adapters.sql.database.meanings import Fixed, RawRow, Value
from theo.adapters.sql.market import level_marks
from theo.adapters.sql.market.sources import names_by_id, visible_ids
from theo.adapters.sql.tables.market import bars as table
from theo.adapters.sql.tables.market import levels
from theo.domain.errors import DataError
from theo.domain.market_data import Bar
from theo.ports.market_store import BarArrays, BarRange, SeriesEnds

READ_ROWS: Final = 10_000
ARRAY_COLUMNS: Final = ("start_at", "end_at", "open", "high", "low", "close", "volume")
_KEY: Final = [column.name for column in table.primary_key]
_OF_SERIES: Final = attrgetter("instrument", "timeframe", "contract", "source", "revision")
_OF_BAR: Final = attrgetter("start", "at", "end", "open", "high", "low", "close", "volume", "session_date")


def bar_row(bar: Bar, source_id: int) -> tuple[Value, ...]:
    """A bar in the order of the table's columns."""
    b = bar
    key = (b.instrument, b.timeframe, b.start, b.contract, source_id, b.revision)
    return (*key, b.at, b.end, b.open, b.high, b.low, b.close, b.volume, b.session_date)


def add_bars(connection: Connection, bars: Sequence[Bar], ids: dict[str, int], *, keep_stored: bool = False) -> None:
    """Insert bars; one that is stored as it is is no error.

    ``keep_stored`` leaves a stored bar of the same key whatever it holds; otherwise another bar raises DataError.
    """
    added = sum(_insert_series(connection, bars, ids))
    if added:
        level_marks.forget_after_bars(connection, bars, ids)
    if added == len(bars) or keep_stored:
        return
    for bar in bars:
        row = bar_row(bar, ids[bar.source])
        same_key = [table.c[name] == row[at] for at, name in enumerate(_KEY)]
        stored = connection.execute(select(table).where(*same_key)).one()
        if tuple(stored) != row:
            raise DataError(
                f"another {bar.timeframe} bar of instrument {bar.instrument} starting at {bar.start} us is stored",
                where=bar.source,
                why="a closed bar changes only by a new revision",
                remedy="Raise the bar's revision, or import the range again",
            )


def _insert_series(connection: Connection, bars: Sequence[Bar], ids: dict[str, int]) -> Iterator[int]:
    """Insert bars that are not stored, series by series, for those of one stand together in the table; how many of each."""
    series: defaultdict[tuple[Any, ...], list[tuple[Value, ...]]] = defaultdict(list)
    for key, row in zip(map(_OF_SERIES, bars), map(_OF_BAR, bars), strict=True):
        series[key].append(row)
    for (instrument, timeframe, contract, source, revision), rows in series.items():
        fixed: Fixed = {"instrument": instrument, "timeframe": timeframe, "contract": contract}
        fixed = {**fixed, "source_id": ids[source], "revision": revision}
        yield insert_rows(connection, table, rows, fixed=fixed, skip_present=True)


def read_bars(connection: Connection, wanted: BarRange) -> Iterator[Bar]:
    """The newest revision of each bar, in key order, a few thousand rows in memory."""
    names = names_by_id(connection)
    statement = _statement(connection, wanted).order_by(table.c.start_at, table.c.contract, table.c.source_id, table.c.revision)
    for row in newest_revisions(_rows(connection, statement)):
        yield bar_of(row, names)


def latest(connection: Connection, wanted: BarRange, count: int) -> tuple[Bar, ...]:
    """The last ``count`` bars, oldest first."""
    names = names_by_id(connection)
    c = table.c
    statement = _statement(connection, wanted).order_by(
        c.start_at.desc(), c.contract.desc(), c.source_id.desc(), c.revision.desc()
    )
    found: list[Bar] = []
    last_key = None
    for row in _rows(connection, statement, count):
        key = row[2:5]
        if key != last_key and len(found) >= count:
            break
        if key != last_key:
            found.append(bar_of(row, names))
        last_key = key
    return tuple(reversed(found))


def series_ends(connection: Connection) -> Iterator[SeriesEnds]:
    """From series to series by the index: each costs three look-ups, however many bars it has."""
    c = table.c
    following = select(c.instrument, c.timeframe).order_by(c.instrument, c.timeframe).limit(1)
    found = connection.execute(following).first()
    while found is not None:
        instrument, timeframe = found
        own = select(c.start_at).where(c.instrument == instrument, c.timeframe == timeframe)
        seen = own.where(c.source_id.in_(visible_ids(connection))).limit(1)
        first, last = (connection.execute(seen.order_by(end)).scalar() for end in (c.start_at, c.start_at.desc()))
        if first is not None and last is not None:
            yield SeriesEnds(instrument, timeframe, first, last)
        found = connection.execute(following.where(tuple_(c.instrument, c.timeframe) > (instrument, timeframe))).first()


def read_arrays(connection: Connection, wanted: BarRange) -> BarArrays:
    """The columns of read_bars. A range without revisions, which is nearly every one, is read without looking at each row."""
    columns = [array("q") for _ in ARRAY_COLUMNS]
    statement = _statement(connection, wanted).order_by(table.c.start_at, table.c.contract, table.c.source_id, table.c.revision)
    revised = connection.execute(_statement(connection, wanted).where(table.c.revision > 0).limit(1)).first() is not None
    if revised:
        newest = newest_revisions(_rows(connection, statement))
        while page := list(islice(newest, READ_ROWS)):
            _extend(columns, ([row[place] for place in _PLACES] for row in page))
    else:
        plain = statement.with_only_columns(*(table.c[name] for name in ARRAY_COLUMNS))
        for rows in raw_pages(connection, plain, READ_ROWS):
            _extend(columns, rows)
    return BarArrays(*columns)


_PLACES = [list(table.c.keys()).index(name) for name in ARRAY_COLUMNS]


def _extend(columns: list["array[int]"], rows: Iterable[Iterable[int]]) -> None:
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        column.extend(values)


def _statement(connection: Connection, wanted: BarRange) -> Select[*tuple[Any, ...]]:
    c = table.c
    statement = select(table).where(
        c.instrument == wanted.instrument, c.timeframe == wanted.timeframe, c.start_at >= wanted.start, c.start_at < wanted.end
    )
    if wanted.known_at is not None:
        statement = statement.where(c.known_at <= wanted.known_at)
    return statement.where(c.source_id.in_(visible_ids(connection, wanted.source)))


def _rows(connection: Connection, statement: Select[*tuple[Any, ...]], page: int = READ_ROWS) -> Iterator[RawRow]:
    for rows in raw_pages(connection, statement, max(page, 1)):
        yield from rows


def newest_revisions(rows: Iterable[RawRow]) -> Iterator[RawRow]:
    """Of rows that differ in their revision only, the last."""
    held: RawRow | None = None
    for row in rows:
        if held is not None and (held[2] != row[2] or held[3] != row[3] or held[4] != row[4]):
            yield held
        held = row
    if held is not None:
        yield held


def bar_of(row: RawRow, names: dict[int, str]) -> Bar:
    """The bar of a whole row; ``names`` are the sources'."""
    instrument, timeframe, start, contract, source_id, revision, at, end, opened, high, low, close, volume, date = row
    source = names[source_id]
    return Bar(instrument, at, timeframe, start, end, opened, high, low, close, volume, source, date, revision, contract)


def delete_range(connection: Connection, ids: list[int], series: tuple[int, str], bounds: tuple[int, int]) -> int:
    """Delete bars of these source numbers from the first to the last start (both included), and their levels; how many bars."""
    removed = 0
    for source_id in ids:
        level_marks.forget_of_source(connection, source_id, series, bounds[0])
    for each, start in ((levels, levels.c.start_at), (table, table.c.start_at)):
        inside = (each.c.instrument == series[0], each.c.timeframe == series[1], start >= bounds[0], start <= bounds[1])
        removed = connection.execute(delete(each).where(*inside, each.c.source_id.in_(ids))).rowcount
    return removed
