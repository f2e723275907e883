"""Questions about the market that are asked once: what a symbol is, its price now, whether it trades, options, depth.

Streams are in feed.py, past bars in history.py; questions.py asks all of them for whoever has nothing resolved.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import msgspec

from theo.adapters.ib.codes import Kind, meaning
from theo.adapters.ib.contracts import DATE_DIGITS, Contracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.requests import NoAnswerError, RequestRefusedError
from theo.adapters.ib.stream_reading import TIMES
from theo.adapters.ib.trading_hours import spans, status
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND
from theo.ports.market_questions import Depth, DepthRow, Listed, MarketStatus, OptionSeries, PriceNow, Snapshot

SNAPSHOT_SECONDS = 15.0  # TWS ends a snapshot after eleven
DEPTH_SECONDS = 3.0  # in which a book's rows come
# IB's tick types of prices and sizes, live and delayed
PRICES = {1: "bid", 2: "ask", 4: "last", 6: "high", 7: "low", 9: "close", 14: "open"}
SIZES = {0: "bid_size", 3: "ask_size", 5: "last_size", 8: "volume"}
LATE_PRICES = {66: "bid", 67: "ask", 68: "last", 72: "high", 73: "low", 75: "close", 76: "open"}
LATE_SIZES = {69: "bid_size", 70: "ask_size", 71: "last_size", 74: "volume"}
PRICE_FIELDS, SIZE_FIELDS = PRICES | LATE_PRICES, SIZES | LATE_SIZES
ASK_SIDE = 0
INSERT, UPDATE = 0, 1


class Match(msgspec.Struct, frozen=True):
    """What IB knows under a pattern."""

    con_id: int
    symbol: str
    security_type: str
    exchange: str
    currency: str
    name: str


class MarketData:
    """Questions on a link. Of ``contracts`` those that are asked about must have been resolved."""

    def __init__(self, link: Link, contracts: Contracts) -> None:
        self._link, self._contracts = link, contracts
        self._open: dict[int, _Gathered] = {}
        on = link.callbacks.on
        on("priceSizeTick", lambda request, kind, price, size: self._each(request, lambda g: g.price(kind, price, size)))
        on("tickSize", lambda request, kind, size: self._each(request, lambda g: g.size(kind, size)))
        on("tickString", lambda request, kind, text: self._each(request, lambda g: g.text(kind, text)))
        on("tickSnapshotEnd", lambda request: self._each(request, lambda g: g.end()))
        on("updateMktDepth", lambda request, *row: self._each(request, lambda g: g.row(*row)))
        on("updateMktDepthL2", lambda request, at, _maker, *row: self._each(request, lambda g: g.row(at, *row)))
        on("error", lambda request, code, text, _more="": self._each(request, lambda g: g.refused(code, text)))

    async def search(self, pattern: str) -> tuple[Match, ...]:
        """What IB lists under the beginning of a symbol or a name."""
        await self._link.budget.message()
        request = self._link.next_id()
        ((found,),) = await self._link.requests.by_id(request, lambda: self._link.client.reqMatchingSymbols(request, pattern))
        return tuple(
            Match(c.conId, c.symbol, c.secType, c.primaryExchange, c.currency, getattr(c, "description", ""))
            for c in (each.contract for each in found)
        )

    async def validate(self, instrument: Instrument, today: str) -> Listed:
        """What IB says of an instrument. Raises ConfigError for one that it does not list, or not only once."""
        await self._contracts.resolve((instrument,), today)
        details, contract = self._contracts.details(instrument.id), self._contracts.contract(instrument.id)
        return Listed(
            contract.conId,
            details.longName,
            tuple(details.validExchanges.split(",")),
            tuple(details.orderTypes.split(",")),
            Decimal(str(details.minTick)),
            instrument.tradable and bool(details.orderTypes),
            contract.localSymbol,
            contract.lastTradeDateOrContractMonth[:DATE_DIGITS],
        )

    def market_status(self, instrument: Instrument) -> MarketStatus:
        """Whether it trades now, by the hours that IB gave with the contract. Raises DataError when they cannot be read."""
        details, now = self._contracts.details(instrument.id), self._link.clock.now() + self._link.clock_offset
        zone = details.timeZoneId
        return status(spans(details.tradingHours, zone), spans(details.liquidHours, zone), now)

    async def snapshot(self, instrument: Instrument, month: str = "") -> Snapshot:
        """The market now. Raises RequestRefusedError, NoAnswerError, RefusedError when no market data line is left.

        ``month``: of a future's contract, the one that trades for "". Raises KeyError for one that is not listed.
        """
        contract = self._contracts.month(instrument.id, month)
        gathered = _Gathered(instrument)
        holder = ("snapshot", instrument.id)
        self._link.budget.take_line(holder)

        def send(request: int) -> None:
            self._link.client.reqMktData(request, contract, "", snapshot=True, regulatorySnapshot=False, mktDataOptions=[])

        try:
            await self._ask(gathered, send, SNAPSHOT_SECONDS)
        finally:
            self._link.budget.give_line_back(holder)
        at, last_at = self._link.clock.now(), gathered.last_at
        return Snapshot(at=at, late=gathered.late, last_at=last_at, **gathered.prices, **gathered.sizes)

    async def price(self, instrument: Instrument) -> PriceNow:
        """The newest price, also before and after the regular hours."""
        found, phase = await self.snapshot(instrument), self.market_status(instrument).phase
        price = found.last if found.last is not None else found.close
        change = None if price is None or found.close is None else price - found.close
        return PriceNow(price, phase, change, found.late)

    async def option_chain(self, instrument: Instrument) -> tuple[OptionSeries, ...]:
        """All option classes on an underlying, exchange by exchange."""
        contract = self._contracts.contract(instrument.id)
        await self._link.budget.message()
        request, exchange = self._link.next_id(), contract.exchange if contract.secType == "FUT" else ""
        rows = await self._link.requests.by_id(
            request,
            lambda: self._link.client.reqSecDefOptParams(request, contract.symbol, exchange, contract.secType, contract.conId),
        )
        return tuple(
            OptionSeries(
                exchange, trading_class, int(multiplier), tuple(sorted(expiries)), tuple(Decimal(str(s)) for s in sorted(strikes))
            )
            for exchange, _under, trading_class, multiplier, expiries, strikes in rows
        )

    async def depth(self, instrument: Instrument, rows: int = 5) -> Depth:
        """The best levels of the book. Raises RequestRefusedError where IB grants none."""
        contract = self._contracts.contract(instrument.id)
        gathered = _Gathered(instrument, rows)
        smart = contract.exchange == "SMART"
        request = await self._ask(
            gathered,
            lambda request: self._link.client.reqMktDepth(request, contract, rows, isSmartDepth=smart, mktDepthOptions=[]),
            DEPTH_SECONDS,
            whole=False,
        )
        await self._link.budget.message()
        self._link.client.cancelMktDepth(request, smart)
        bids, asks = (tuple(DepthRow(*row) for row in gathered.book[side]) for side in (1, ASK_SIDE))
        return Depth(bids, asks)

    async def _ask(self, gathered: "_Gathered", send: Callable[[int], None], seconds: float, *, whole: bool = True) -> int:
        """Send, and wait for the end; where there is none (``whole`` False) what came within ``seconds`` is the answer."""
        await self._link.budget.message()
        request = self._link.next_id()
        self._open[request] = gathered
        try:
            send(request)
            async with asyncio.timeout(seconds):
                await gathered.done
        except (TimeoutError, ConnectionError) as error:
            if whole or isinstance(error, ConnectionError):
                raise NoAnswerError("IB gave no answer", why=str(error) or f"{seconds:g} s passed") from error
        finally:
            del self._open[request]
        return request

    def _each(self, request: int, do: "Callable[[_Gathered], None]") -> None:
        if gathered := self._open.get(request):
            do(gathered)


class _Gathered:
    """What has come of an answer."""

    def __init__(self, instrument: Instrument, rows: int = 0) -> None:
        self.prices: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self.book: dict[int, list[tuple[int, int]]] = {0: [], 1: []}  # by side
        self.late = False
        self.last_at = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._instrument, self._rows = instrument, rows

    def price(self, kind: int, price: float, size: float) -> None:
        """A price of -1 is no quote."""
        name = PRICE_FIELDS.get(kind)
        if name is None or price < 0:
            return
        self.late |= kind in LATE_PRICES
        self.prices[name] = self._instrument.units_nearest(price)
        if name in {"bid", "ask", "last"}:
            self.sizes[f"{name}_size"] = round(size)

    def size(self, kind: int, size: float) -> None:
        """A size alone."""
        if name := SIZE_FIELDS.get(kind):
            self.sizes[name] = round(size)

    def text(self, kind: int, text: str) -> None:
        """When the last trade was, in seconds since the epoch."""
        if kind in TIMES and text.isdecimal():
            self.last_at = int(text) * SECOND

    def row(self, position: int, operation: int, side: int, price: float, size: float, *_smart: object) -> None:
        """A change of a book's level; the book is whole when both sides have as many levels as were asked for."""
        levels, level = self.book[side], (self._instrument.units_nearest(price), round(size))
        if operation == INSERT:
            levels.insert(position, level)
        elif operation == UPDATE and position < len(levels):
            levels[position] = level
        elif position < len(levels):
            del levels[position]
        del levels[self._rows :]
        if all(len(each) == self._rows for each in self.book.values()):
            self.end()

    def end(self) -> None:
        """All is here."""
        if not self.done.done():
            self.done.set_result(None)

    def refused(self, code: int, text: str) -> None:
        """IB's error on the question."""
        if not self.done.done() and meaning(code).kind is not Kind.ADVISORY:
            self.done.set_exception(RequestRefusedError(code, text))
