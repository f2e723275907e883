"""Series of bars or ticks that a simulated gateway can play: from files, from a home's store, from a recorded run.

Each is read as it is played, a batch at a time. Which contract it belongs to is decided in played_market.py.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, pairwise
from pathlib import Path

import msgspec

from theo.adapters.files.bar_checks import BarReader
from theo.adapters.files.settings import BarSettings, TickSettings
from theo.adapters.files.tables import open_table
from theo.adapters.files.tick_checks import TickReader
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.recorded.run import recorded_prices
from theo.app.stored.bars import StoredSeries
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, MINUTE, Bar, Tick
from theo.domain.timeframe import timeframe
from theo.market.sessions import SessionTable
from theo.ports.market_store import BarRange, SeriesInfo, TickRange

TICKS = "ticks"
FAR = 1 << 62
BARS_A_PAGE, TICK_PAGE = 5_000, 10 * MINUTE  # read from a store at once
Item = Bar | Tick
Read = Callable[[int], Iterator[Item]]


class PlayedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's data. ``what`` is "ticks" or the name of a timeframe; ``origin`` says where it comes from.

    ``first`` and ``last`` are times of items (microseconds UTC): a bar's is its start. ``read`` gives the items from a time on.
    """

    name: str
    what: str
    origin: str
    instrument: Instrument
    first: int
    last: int
    read: Read


def time_of(item: Item) -> int:
    """When a bar starts, or a tick is played."""
    return item.start if isinstance(item, Bar) else item.at


def in_sequence(series: list[PlayedSeries]) -> PlayedSeries:
    """Several series of one instrument as one. Raises DataError unless they follow one another and are of one kind."""
    if len(series) == 1:
        return series[0]
    ordered = sorted(series, key=lambda each: each.first)
    for one, other in pairwise(ordered):
        if one.what != other.what or other.first <= one.last:
            raise DataError(
                f"{one.name} has {one.what} from {one.origin} and {other.what} from {other.origin}",
                why="data of one symbol are of one kind, and follow one another",
                remedy="Leave one of them out",
            )
    return msgspec.structs.replace(
        ordered[0],
        origin=f"{len(ordered)} places",
        last=ordered[-1].last,
        read=lambda since: chain.from_iterable(each.read(since) for each in ordered),
    )


def file_series(
    instrument: Instrument, what: str, path: Path, zone: str, span: tuple[int, int], sessions: SessionTable | None
) -> PlayedSeries:
    """A file's rows within a span, all of them checked now. Raises DataError that names file, row and remedy."""
    whole = partial(_file_items, instrument, what, path, zone, sessions)
    first, last, count = FAR, -FAR, 0
    try:
        for item in whole():
            count += 1
            at = time_of(item)
            if span[0] <= at < span[1]:
                first, last = min(first, at), max(last, at)
    except DataError as error:
        raise _with_import(error) from error
    if first > last:
        why = f"the file has {count} rows" if count else ""
        raise DataError("no row lies in the range", where=str(path), why=why, remedy="Choose another --timerange")
    read = partial(_from, whole, span)
    return PlayedSeries(
        name=instrument.symbol, what=what, origin=path.name, instrument=instrument, first=first, last=last, read=read
    )


def _file_items(instrument: Instrument, what: str, path: Path, zone: str, sessions: SessionTable | None) -> Iterator[Item]:
    table = open_table(path)
    if what == TICKS:
        settings = TickSettings(instrument=instrument, zone=zone, source=path.name)
        for ticks in TickReader(table, settings).batches():
            yield from ticks
        return
    bars = BarSettings(instrument=instrument, zone=zone, source=path.name, timeframe=timeframe(what), sessions=sessions)
    for batch in BarReader(table, bars).batches():
        yield from batch


def _with_import(error: DataError) -> DataError:
    """A file that must be explained can be imported first: here there is an option for its time zone only."""
    more = "Or `theo import` it, which can be told how to read it, and play it with --data store"
    return DataError(error.what, where=error.where, why=error.why, remedy=f"{error.remedy}. {more}" if error.remedy else more)


def _from(whole: Callable[[], Iterable[Item]], span: tuple[int, int], since: int) -> Iterator[Item]:
    start = max(since, span[0])
    return (item for item in whole() if start <= time_of(item) < span[1])


def stored_series(store: SqlMarketStore, instrument: Instrument, source: str, span: tuple[int, int]) -> PlayedSeries | None:
    """What a store holds of an instrument: its ticks, or its bars of the shortest timeframe; None when it holds nothing.

    Raises DataError when there are several sources to choose from, and when nothing lies in the span.
    """
    ticks = TickRange(instrument=instrument.id, start=span[0], end=span[1], source=source)
    first = next(store.ticks(ticks), None)
    if first is not None:
        held = next(each for each in store.tick_ranges() if each.instrument == instrument.id)
        return PlayedSeries(
            name=instrument.symbol,
            what=TICKS,
            origin=source or "store",
            instrument=instrument,
            first=first.timestamp,
            last=min(held.last, span[1] - 1),
            read=partial(
                _stored_ticks, store, first.source, source, (instrument.id, first.timestamp, min(held.last, span[1] - 1))
            ),
        )
    lengths = {each.timeframe for each in store.series() if each.instrument == instrument.id}
    if not lengths:
        return None
    shortest = min(lengths, key=lambda name: timeframe(name).length or FAR)
    found = StoredSeries(store, instrument, shortest, *span, source)
    opening = next(found.bars(), None)
    if opening is None:
        raise DataError(f"no stored bar of {instrument.symbol} lies in the range", remedy="Choose another --timerange")
    return PlayedSeries(
        name=instrument.symbol,
        what=shortest,
        origin=found.info.source,
        instrument=instrument,
        first=opening.start,
        last=found.last,
        read=partial(_stored_bars, store, found.info, (opening.start, found.last)),
    )


def _stored_bars(store: SqlMarketStore, series: SeriesInfo, span: tuple[int, int], since: int) -> Iterator[Item]:
    """A page after another: a gateway plays for days, and a store must not be read in one go for so long."""
    length = BARS_A_PAGE * (timeframe(series.timeframe).length or DAY)
    for start in range(max(since, span[0]), span[1] + 1, length):
        page = BarRange(
            instrument=series.instrument,
            timeframe=series.timeframe,
            start=start,
            end=min(start + length, span[1] + 1),
            source=series.source,
        )
        yield from list(store.bars(page))


def _stored_ticks(store: SqlMarketStore, source: str, asked: str, which: tuple[int, int, int], since: int) -> Iterator[Item]:
    """A page after another, each tick at its own time.

    ``which`` is instrument, first and last time; ``asked`` the source that was chosen, "" for the only one.

    Raises DataError when ticks of another source lie among them.
    """
    instrument, first, last = which
    for start in range(max(since, first), last + 1, TICK_PAGE):
        for tick in list(
            store.ticks(TickRange(instrument=instrument, start=start, end=min(start + TICK_PAGE, last + 1), source=asked))
        ):
            if tick.source != source:
                raise DataError(f"ticks of {source} and {tick.source} are mixed", remedy="Choose one with --source")
            yield tick if tick.at == tick.timestamp else msgspec.structs.replace(tick, at=tick.timestamp)


def recorded_series(
    store: SqlJournalStore, name: str, instruments: dict[int, Instrument], span: tuple[int, int]
) -> list[PlayedSeries]:
    """What a run took of each known instrument within a span: ticks, else bars of its shortest timeframe.

    Raises DataError when the run took nothing in it.
    """
    spans: dict[tuple[int, str], tuple[int, int]] = {}
    for item in recorded_prices(store):
        at, key = time_of(item), _key(item)
        if span[0] <= at < span[1] and item.instrument in instruments:
            first, last = spans.get(key, (at, at))
            spans[key] = min(first, at), max(last, at)
    if not spans:
        raise DataError(f"run {name} holds no market data in the range", remedy="Choose another run, or another --timerange")
    best: dict[int, str] = {}
    for con_id, what in sorted(spans, key=lambda key: _length(key[1])):
        best.setdefault(con_id, what)
    return [
        PlayedSeries(
            name=instruments[number].symbol,
            what=what,
            origin=f"run {name}",
            instrument=instruments[number],
            first=spans[number, what][0],
            last=spans[number, what][1],
            read=partial(_from, partial(_recorded, store, (number, what)), span),
        )
        for number, what in sorted(best.items())
    ]


def _key(item: Item) -> tuple[int, str]:
    return item.instrument, item.timeframe if isinstance(item, Bar) else TICKS


def _length(what: str) -> int:
    """Ticks come first, bars of whole sessions last."""
    return 0 if what == TICKS else timeframe(what).length or FAR


def _recorded(store: SqlJournalStore, key: tuple[int, str]) -> Iterator[Item]:
    """One series of a run; corrections of bars that were told before are left out."""
    for item in recorded_prices(store):
        if _key(item) == key and not (isinstance(item, Bar) and item.revision):
            yield item
