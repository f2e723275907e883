"""IB's history: past ticks in pages, bars in pieces, and when it begins. What is done with them is the asker's business.

IB answers no data, too fast, and cancelled with one code, 162: the text tells them apart. Limits are kept by the budget; a
question that is refused as too fast all the same is asked again later.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import MappingProxyType

import msgspec
from ib_async.contract import Contract

from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.requests import NoAnswerError, RequestRefusedError, Row
from theo.adapters.ib.tick_line import Print, Seconds, prints_of_bar
from theo.domain.errors import ConfigError, DataError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, SessionScope, Timeframe
from theo.market.sessions import Hours, Span
from theo.ports.feed import Progress

SOURCE = "ib:history"
TICKS_A_PAGE = 1000  # IB's most
PAGES_MAX = 6  # of ticks for one hole; what is more is told by bars of a minute
EDGE_PAGES_MAX = 40  # of ticks for the minutes at its edges, and for those of which something is known
TRIES_MAX = 5
TRY_AGAIN_AFTER = 65 * SECOND  # after a pacing violation: the rules of IB look back two seconds to ten minutes
REFUSED, TICKS_REFUSED = 162, 10_187
NO_DATA, TOO_FAST = ("no data", "No historical data"), ("pacing violation",)
EPOCH_DATES = 2  # IB's number for dates as seconds since 1970
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PACED_UP_TO = 30 * SECOND
BAR_SIZES = MappingProxyType(
    {
        **{n * SECOND: f"{n} secs" for n in (1, 5, 10, 15, 30)},
        MINUTE: "1 min",
        **{n * MINUTE: f"{n} mins" for n in (2, 3, 5, 10, 15, 20, 30)},
        HOUR: "1 hour",
        **{n * HOUR: f"{n} hours" for n in (2, 3, 4, 8)},
        0: "1 day",
    }
)
# the longest time that one question asks for, by bar length: IB's step table, and no more than some thousand bars
PIECES: tuple[tuple[int, int], ...] = (
    (1 * SECOND, 30 * MINUTE),
    (5 * SECOND, 2 * HOUR),
    (10 * SECOND, 4 * HOUR),
    (15 * SECOND, 4 * HOUR),
    (30 * SECOND, 8 * HOUR),
    (MINUTE, 2 * DAY),
    (3 * MINUTE, 7 * DAY),
    (30 * MINUTE, 28 * DAY),
    (8 * HOUR, 28 * DAY),
)
DAILY_PIECE = 360 * DAY


class _BarRow(msgspec.Struct):
    """What is read of ib_async's BarData."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class Past(msgspec.Struct, frozen=True):
    """Prints of whole seconds, oldest first. ``from_bars``: some of the inner minutes were told by bars, not by ticks."""

    prints: tuple[Print, ...]
    from_bars: bool = False


class History:
    """Questions for history on a link, of ``contracts`` that were resolved; of a future its ``month``, or the one that trades."""

    def __init__(self, link: Link, contracts: Contracts, month: str = "") -> None:
        self._link, self.contracts, self._month = link, contracts, month

    def _contract(self, instrument: Instrument) -> Contract:
        try:
            return self.contracts.month(instrument.id, self._month)
        except KeyError as error:
            raise ConfigError(f"IB does not list {self._month or instrument.symbol}", where="history") from error

    # Ticks

    async def prints(self, instrument: Instrument, hole: Seconds, known: Collection[int] = ()) -> Past:
        """Everything that was traded in the seconds of a hole. Raises RequestRefusedError, NoAnswerError.

        ``known``: minutes since the epoch of which something is known already. Bars cannot be added to that: ticks tell them.
        """
        found, reached = await self._pages(instrument, hole, PAGES_MAX)
        if reached > hole.last:
            return Past(tuple(found))
        first_minute, last_minute = -(-reached // 60) * 60, hole.last // 60 * 60
        if first_minute >= last_minute:
            rest, _ = await self._pages(instrument, Seconds(reached, hole.last), EDGE_PAGES_MAX)
            return Past((*found, *rest))
        before, _ = await self._pages(instrument, Seconds(reached, first_minute - 1), EDGE_PAGES_MAX)
        inner: list[Print] = []
        from_bars = False
        for by_ticks, run in groupby(range(first_minute, last_minute, 60), lambda first: first // 60 in known):
            minutes = tuple(run)
            span = Seconds(minutes[0], minutes[-1] + 59)
            if by_ticks:
                inner += (await self._pages(instrument, span, EDGE_PAGES_MAX))[0]
            else:
                from_bars = True
                inner += await self.minutes(instrument, (span.first * SECOND, (span.last + 1) * SECOND))
        after, _ = await self._pages(instrument, Seconds(last_minute, hole.last), EDGE_PAGES_MAX)
        return Past((*found, *before, *inner, *after), from_bars=from_bars)

    async def _pages(self, instrument: Instrument, hole: Seconds, pages_max: int) -> tuple[list[Print], int]:
        """Prints from the first second on, and the second up to which (excluded) all are there."""
        found: list[Print] = []
        first = hole.first
        for _ in range(pages_max):
            if first > hole.last:
                break
            page = await self._page(instrument, first)
            last = hole.last if len(page) < TICKS_A_PAGE else page[-1][0]
            found += [each for second, each in page if each is not None and second <= hole.last]
            first = last + 1
        return found, first

    async def _page(self, instrument: Instrument, first: int) -> list[tuple[int, Print | None]]:
        """The first thousand ticks from a second on, and the rest of the last one's second; None for unreported trades."""
        contract = self._contract(instrument)
        begins = _moment(first * SECOND)

        def send(request: int) -> None:
            client = self._link.client
            client.reqHistoricalTicks(request, contract, begins, "", TICKS_A_PAGE, "TRADES", 0, ignoreSize=False, miscOptions=[])

        rows = await self._asked(contract, ("ticks", contract.conId, begins), send, paced=True)
        found: list[tuple[int, Print | None]] = []
        for (ticks,) in rows:
            for tick in ticks:
                at = (tick.time - EPOCH) // timedelta(microseconds=1)
                marks = getattr(tick, "tickAttribLast", None)
                what = Print(at, instrument.units_nearest(tick.price), round(tick.size))
                found.append((at // SECOND, None if marks is not None and marks.unreported else what))
        return found

    async def minutes(self, instrument: Instrument, span: Span) -> list[Print]:
        """Bars of a minute as prints that make the same bars (prints_of_bar). Bounds are whole minutes."""
        found: list[Print] = []
        start = span[0]
        while start < span[1]:
            end = min(start + DAY, span[1])
            for at, row in await self._rows(instrument, MINUTE, (start, end), regular=False):
                prices = [instrument.units_nearest(price) for price in (row.open, row.high, row.low, row.close)]
                if row.volume > 0 or not instrument.tradable:
                    found += prints_of_bar(at, MINUTE, prices, max(round(row.volume), 0))
            start = end
        return found

    # Bars

    async def bars(
        self, instrument: Instrument, timeframe: Timeframe, hours: Hours, span: Span, tell: Callable[[Progress], None]
    ) -> AsyncIterator[Sequence[Bar]]:
        """Implements ports.feed.BarHistory. Raises RequestRefusedError, NoAnswerError, DataError for a size that IB has not."""
        regular = hours.scope is SessionScope.RTH
        start, count = span[0], 0
        while start < span[1]:
            end = min(start + piece_of(timeframe.length), span[1])
            rows = await self._rows(instrument, timeframe.length, (start, end), regular=regular)
            made = [self._bar(instrument, timeframe, hours, at, row) for at, row in rows]
            now = self._link.clock.now()
            piece = [
                bar for bar in made if bar is not None and span[0] <= bar.start and start <= bar.start < end and bar.end <= now
            ]
            count += len(piece)
            start = end
            tell(Progress(end, span[1], count))
            if piece:
                yield piece

    async def earliest(self, instrument: Instrument) -> int:
        """Implements ports.feed.BarHistory."""
        contract = self._contract(instrument)

        def send(request: int) -> None:
            self._link.client.reqHeadTimeStamp(request, contract, "TRADES", 0, EPOCH_DATES)

        ((text,),) = await self._asked(contract, ("head", contract.conId), send, paced=False)
        return int(text) * SECOND

    async def _rows(self, instrument: Instrument, length: int, span: Span, *, regular: bool) -> list[tuple[int, _BarRow]]:
        """IB's bars that may begin in a span, each with its start; more than the span holds where IB counts sessions."""
        if length not in BAR_SIZES:
            raise DataError(
                f"IB has no bars of {length // SECOND} seconds", remedy=f"Use one of: {', '.join(BAR_SIZES.values())}"
            )
        contract = self._contract(instrument)
        ends, lasts, size = _moment(span[1] + (DAY if not length else 0)), _duration(span, length), BAR_SIZES[length]

        def send(request: int) -> None:
            self._link.client.reqHistoricalData(
                request, contract, ends, lasts, size, "TRADES", int(regular), EPOCH_DATES, keepUpToDate=False, chartOptions=[]
            )

        question = ("bars", contract.conId, ends, lasts, size, regular)
        rows = await self._asked(contract, question, send, paced=0 < length <= PACED_UP_TO)
        found = [(_start(bar.date), bar) for (bar,) in rows]
        return (
            [(at, bar) for at, bar in found if span[0] - DAY <= at < span[1]]
            if not length
            else [(at, bar) for at, bar in found if span[0] <= at < span[1]]
        )

    @staticmethod
    def _bar(instrument: Instrument, timeframe: Timeframe, hours: Hours, at: int, row: _BarRow) -> Bar | None:
        """None for what lies outside the session table's hours."""
        if timeframe.length:
            session = hours.session_around(at)
            if session is None:
                return None
            start, end = hours.bar_bounds(session, at, timeframe.length)
            date = 0
        else:
            session = hours.session_on(at // DAY)
            if session is None:
                return None
            (start, end), date = hours.bounds(session), session.date
        units = instrument.units_nearest
        return Bar(
            instrument.id,
            end,
            timeframe.name,
            start,
            end,
            units(row.open),
            units(row.high),
            units(row.low),
            units(row.close),
            max(round(row.volume), 0),
            SOURCE,
            date,
        )

    # Asking

    async def _asked(self, contract: Contract, question: object, send: Callable[[int], None], *, paced: bool) -> list[Row]:
        """The rows of an answer; none where IB has no data. Tried again when it was too fast or not answered."""
        place = contract.conId, contract.exchange, "TRADES"
        for tried in range(1, TRIES_MAX + 1):
            try:
                if paced:
                    with await self._link.budget.history(place, question):
                        return await self._once(send)
                with await self._link.budget.open_history():
                    return await self._once(send)
            except RequestRefusedError as error:
                if error.code in {REFUSED, TICKS_REFUSED} and says(error, NO_DATA):
                    return []
                if not says(error, TOO_FAST) or tried == TRIES_MAX:
                    raise
                await self._link.clock.sleep_until(self._link.clock.now() + TRY_AGAIN_AFTER)
            except NoAnswerError:
                if tried == TRIES_MAX or not self._link.client.isConnected():
                    raise
        raise AssertionError("the last try returns or raises")

    async def _once(self, send: Callable[[int], None]) -> list[Row]:
        request = self._link.next_id()
        try:
            return await self._link.requests.by_id(request, lambda: send(request))
        except NoAnswerError:
            if self._link.client.isConnected():
                await self._link.budget.message()
                self._link.client.cancelHistoricalData(request)  # or it would count as open for ever
            raise


def says(error: RequestRefusedError, words: Sequence[str]) -> bool:
    """Whether IB's text holds one of some words."""
    return any(word in error.what for word in words)  # not in our own words, which stand in the whole sentence


def piece_of(length: int) -> int:
    """How long a time one question for bars of a length (microseconds, 0: daily) may cover."""
    return next((piece for most, piece in PIECES if length and length <= most), DAILY_PIECE)


def _duration(span: Span, length: int) -> str:
    """Up to a day in seconds; longer in days, of which IB counts those with a session: more comes than was asked for."""
    lasts = span[1] - span[0]
    if length and lasts <= DAY:
        return f"{max(-(-lasts // SECOND), 30)} S"
    return f"{-(-lasts // DAY) + 1} D"


def _moment(at: int) -> str:
    """``20261120-14:30:00``, which IB reads as UTC."""
    return f"{EPOCH + timedelta(microseconds=at):%Y%m%d-%H:%M:%S}"


def _start(text: str) -> int:
    """IB's date of a bar: epoch seconds, or YYYYMMDD of a day."""
    if len(text) == len("20261120"):
        return (datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    return int(text) * SECOND
