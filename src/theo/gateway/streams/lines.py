"""Market data lines: sampled four times a second, and only what changed; snapshots; live, frozen and delayed."""

import heapq
from collections.abc import Callable, Mapping
from typing import NamedTuple

from theo.domain.market_data import SECOND, Tick
from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk, Handler, Listing, Quote
from theo.gateway.register import Register, Subscription
from theo.gateway.request_refused import RequestRefusedError, invalid, unprocessed
from theo.gateway.streams import generic_ticks
from theo.gateway.streams.delayed import DelayedQuote
from theo.gateway.streams.generic_ticks import DayVolume
from theo.gateway.streams.option_ticks import computations, option_value
from theo.gateway.streams.tick_messages import DELAYED, LIVE, NOTHING, Change, TickTypes, changes, no_quote
from theo.gateway.wire.messages.market_data import (
    CancelMktData,
    MarketDataType,
    ReqMarketDataType,
    ReqMktData,
    TickGeneric,
    TickReqParams,
    TickSnapshotEnd,
)
from theo.gateway.wire.schema import Message

SAMPLE = SECOND // 4  # how often TWS looks at a line
SNAPSHOT_MAX = 11 * SECOND  # then a snapshot ends with what there is
HALTED_TICK = 49
REALTIME_TOP = 3  # the kind of snapshot that the login may have
MARKET_DATA_TYPES = (access.LIVE, access.FROZEN, access.DELAYED, access.DELAYED_FROZEN)


class Line(Subscription):
    """A line or a snapshot. ``served`` is the market data type that was granted, of 1 to 4."""

    __slots__ = ("generic", "served", "snapshot")

    def __init__(self, client: Client, request: ReqMktData, listing: Listing, served: int, generic: frozenset[int]) -> None:
        super().__init__(client, request.req_id, listing)
        self.served, self.generic, self.snapshot = served, generic, request.snapshot

    @property
    def types(self) -> TickTypes:
        """The numbers of its ticks."""
        return DELAYED if self.served >= access.DELAYED else LIVE

    @property
    def frozen(self) -> bool:
        """Whether it shows the last quotes when the market is closed."""
        return self.served in {access.FROZEN, access.DELAYED_FROZEN}


class Lines:
    """Handlers and state of market data lines. ``free`` tells whether the login has a line left for a contract.

    ``advice`` is the code of an advisory (10167, 10090, 10091) that goes before the ticks of new lines; 0 for none.
    """

    def __init__(self, free: Callable[[Desk, Listing], bool]) -> None:
        self.register: Register[Line] = Register()
        self.handlers: Mapping[type[Message], Handler] = {
            ReqMktData: self._request,
            CancelMktData: self._cancel,
            ReqMarketDataType: self._type,
        }
        self.advice = 0
        self._free = free
        self._shown: dict[tuple[int, int], Quote] = {}  # by contract and served type: what its lines were told
        self._computed: dict[tuple[int, int], list[Change]] = {}  # as _shown, of options' numbers
        self._late: dict[int, DelayedQuote] = {}
        self._volumes: dict[int, DayVolume] = {}
        self._moved: dict[int, None] = {}  # contracts with something to show at the next sample, in order of their ticks
        self._options: dict[int, set[int]] = {}  # by underlying: options with lines, whose numbers move with it
        self._sample_at = NEVER
        self._due: list[tuple[int, int, Line | int]] = []  # snapshots that end; contracts that open or close
        self._turning: set[int] = set()  # contracts in _due
        self._number = 0

    def _request(self, desk: Desk, client: Client, request: ReqMktData) -> None:
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        line = self._granted(desk, client, request, listing)
        if line.types is DELAYED:
            client.error(line.req_id, access.SHOWN_DELAYED, access.ADVICE[access.SHOWN_DELAYED])
        elif self.advice in access.ADVICE:
            client.error(line.req_id, self.advice, access.ADVICE[self.advice])
        self._begin(desk, line)

    def _granted(self, desk: Desk, client: Client, request: ReqMktData, listing: Listing) -> Line:
        if request.regulatory_snapshot:
            raise RequestRefusedError(10_170, f"No permissions on regulatory snapshot for {listing.contract.local_symbol}")
        if request.snapshot and request.generic_tick_list:
            raise invalid("bQ", "Snapshot market data subscription is not applicable to generic ticks")
        access.refuse_continuous(listing, "bQ")
        generic = generic_ticks.generic_ids(request.generic_tick_list, listing.contract.sec_type)
        if self.register.get(client, request.req_id) is not None:
            raise unprocessed("bQ", "Duplicate ticker id")
        served = access.served_type(desk, listing, client.market_data_type)
        if not self._free(desk, listing):
            raise RequestRefusedError(101, "Max number of tickers has been reached")
        return Line(client, request, listing, served, generic)

    def _begin(self, desk: Desk, line: Line) -> None:
        listing = line.listing
        con_id = listing.con_id
        self.register.add(line)
        self._await_turn(desk, listing)
        if line.types is DELAYED and con_id not in self._late:
            self._late[con_id] = DelayedQuote(desk, listing)
            self._wake(self._late[con_id].next_due())
        if line.generic & {generic_ticks.RT_VOLUME, generic_ticks.RT_TRADE_VOLUME} and con_id not in self._volumes:
            self._volumes[con_id] = DayVolume(desk, listing)
        if listing.underlying:
            self._options.setdefault(listing.underlying, set()).add(con_id)
        quote = self.refresh(desk, line)
        if line.snapshot:
            whole = quote.last is not None and (None not in {quote.bid, quote.ask} or not listing.instrument.tradable)
            self._push(desk.now + (SAMPLE if whole else SNAPSHOT_MAX), line)

    def refresh(self, desk: Desk, line: Line) -> Quote:
        """Tell a line everything there is, as at its beginning."""
        client, req_id, listing = line.client, line.req_id, line.listing
        client.send(TickReqParams(req_id, listing.min_tick, "9c0001", REALTIME_TOP))
        self._tell_type(desk, line)
        key = (listing.con_id, line.served)
        if key not in self._shown:
            self._shown[key] = self._quote(desk, line)
        quote = self._shown[key]
        ticks = changes(listing, NOTHING, quote, line.types)
        if quote.bid is None and quote.ask is None:
            ticks = no_quote(listing, line.types) + ticks
        ticks += generic_ticks.first_ticks(desk, listing, line.generic, quote)
        ticks.append((TickGeneric, (HALTED_TICK, 0.0)))
        value = option_value(desk, listing)
        if value is not None:
            self._computed[key] = computations(listing, value, quote, line.types)
            ticks += self._computed[key]
        _send(line, ticks)
        return quote

    def _tell_type(self, desk: Desk, line: Line) -> None:
        shows_frozen = line.frozen and not line.listing.hours.is_open(desk.now)
        line.client.send(MarketDataType(line.req_id, (3 if line.types is DELAYED else 1) + shows_frozen))

    def _quote(self, desk: Desk, line: Line) -> Quote:
        """A contract's market as a line of this type sees it."""
        listing = line.listing
        quote = self._late[listing.con_id].quote if line.types is DELAYED else desk.market.quote(listing.con_id)
        if line.frozen or listing.hours.is_open(desk.now):
            return quote
        return Quote(
            last=quote.last,
            last_size=quote.last_size,
            last_at=quote.last_at,
            volume=quote.volume,
            open=quote.open,
            high=quote.high,
            low=quote.low,
            close=quote.close,
        )

    def _cancel(self, _desk: Desk, client: Client, request: CancelMktData) -> None:
        line = self.register.get(client, request.req_id)
        if line is None:
            raise RequestRefusedError(300, f"Can't find EId with tickerId:{request.req_id}")
        self.drop(line)

    def _type(self, _desk: Desk, client: Client, request: ReqMarketDataType) -> None:
        if request.market_data_type not in MARKET_DATA_TYPES:
            raise invalid("cx", "Invalid market data type")
        client.market_data_type = request.market_data_type

    def drop(self, line: Line) -> None:
        """Forget a line, and what was kept for it alone."""
        self.register.remove(line)
        con_id = line.listing.con_id
        others = self.register.of_contract(con_id)
        if all(each.served != line.served for each in others):
            self._shown.pop((con_id, line.served), None)
            self._computed.pop((con_id, line.served), None)
        if all(each.types is not DELAYED for each in others):
            self._late.pop(con_id, None)
        if not others:
            self._volumes.pop(con_id, None)
            self._moved.pop(con_id, None)
            self._options.get(line.listing.underlying, set()).discard(con_id)

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Note what moved; it is told at the next sample."""
        con_id = tick.instrument
        for option in self._options.get(con_id, ()):
            self._moved[option] = None
            self._wake(desk.now)
        if not self.register.has_contract(con_id):
            return
        self._moved[con_id] = None
        self._wake(desk.now)
        volume = self._volumes.get(con_id)
        if volume is not None and generic_ticks.is_trade(tick):
            volume.add(tick)
        late = self._late.get(con_id)
        if late is not None:
            late.add(tick)

    def _wake(self, at: int) -> None:
        """Sample at the first multiple of SAMPLE after a time."""
        if at < self._sample_at - SAMPLE:
            self._sample_at = at - at % SAMPLE + SAMPLE

    def _push(self, at: int, what: Line | int) -> None:
        self._number += 1
        heapq.heappush(self._due, (at, self._number, what))

    def _await_turn(self, desk: Desk, listing: Listing) -> None:
        turns_at = listing.hours.next_boundary(desk.now)
        if listing.con_id not in self._turning and turns_at < listing.hours.last:
            self._turning.add(listing.con_id)
            self._push(turns_at, listing.con_id)

    def next_due(self) -> int:
        """The next sample, or the end of a snapshot, or an opening or close."""
        return min(self._sample_at, self._due[0][0]) if self._due else self._sample_at

    def on_time(self, desk: Desk, at: int) -> None:
        """Work off what is due."""
        while self._due and self._due[0][0] <= at:
            what = heapq.heappop(self._due)[2]
            if isinstance(what, Line):
                self._end_snapshot(what)
            else:
                self._turn(desk, what)
        if self._sample_at <= at:
            self._sample(desk)

    def _end_snapshot(self, line: Line) -> None:
        if self.register.get(line.client, line.req_id) is line:
            self.drop(line)
            if not line.silent:
                line.client.send(TickSnapshotEnd(line.req_id))

    def _turn(self, desk: Desk, con_id: int) -> None:
        """A market opens or closes: quotes come or go, and frozen lines change their type."""
        self._turning.discard(con_id)
        lines = self.register.of_contract(con_id)
        if not lines:
            return
        self._await_turn(desk, lines[0].listing)
        for line in lines:
            if line.frozen and not line.silent:
                self._tell_type(desk, line)
        self._moved[con_id] = None
        self._wake(desk.now)

    def _sample(self, desk: Desk) -> None:
        moved, self._moved, self._sample_at = self._moved, {}, NEVER
        for con_id, late in self._late.items():
            if late.next_due() <= desk.now:
                late.advance(desk.now)
                moved[con_id] = None
            self._wake(late.next_due())
        for con_id in moved:
            self._show(desk, self.register.of_contract(con_id))

    def _show(self, desk: Desk, lines: list[Line]) -> None:
        """Tell the lines on one contract what changed: worked out once for all that see the same."""
        news: dict[int, _News] = {}
        for line in lines:
            found = news.get(line.served)
            if found is None:
                found = news[line.served] = self._news(desk, line)
            if not line.silent:
                _send(line, found.ticks)
                if line.generic:
                    self._send_generic(line, found)
        volume = self._volumes.get(lines[0].listing.con_id) if lines else None
        if volume is not None:
            volume.trade = None

    def _news(self, desk: Desk, line: Line) -> "_News":
        key = (line.listing.con_id, line.served)
        before, after = self._shown[key], self._quote(desk, line)
        self._shown[key] = after
        found = changes(line.listing, before, after, line.types)
        value = option_value(desk, line.listing)
        if value is not None:
            numbers = computations(line.listing, value, after, line.types)
            known = self._computed.get(key, [])
            found += [each for each in numbers if each not in known]
            self._computed[key] = numbers
        return _News(before, after, found)

    def _send_generic(self, line: Line, news: "_News") -> None:
        listing, volume = line.listing, self._volumes.get(line.listing.con_id)
        if generic_ticks.mark_price(news.before) != generic_ticks.mark_price(news.after):
            _send(line, generic_ticks.mark_ticks(listing, line.generic, news.after))
        if volume is not None:
            _send(line, generic_ticks.volume_ticks(listing, line.generic, volume, news.after))


class _News(NamedTuple):
    """What the lines of one type on a contract are told at a sample."""

    before: Quote
    after: Quote
    ticks: list[Change]


def _send(line: Line, ticks: list[Change]) -> None:
    client, req_id = line.client, line.req_id
    for kind, values in ticks:
        client.send(kind(req_id, *values))  # type: ignore[arg-type]  # a change holds the fields of its own kind
