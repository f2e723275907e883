"""Market data lines: who gets one, and when it is told; sampled four times a second. What it is told is in line_views.py."""

import heapq
from collections.abc import Callable, Mapping

from theo.domain.market_data import SECOND, Tick
from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk, Handler, Listing
from theo.gateway.register import Register
from theo.gateway.request_refused import RequestRefusedError, invalid, unprocessed
from theo.gateway.streams.generic_ticks import generic_ids
from theo.gateway.streams.line import Line
from theo.gateway.streams.line_views import LineViews, News
from theo.gateway.streams.tick_messages import Change
from theo.gateway.wire.messages.market_data import (
    CancelMktData,
    MarketDataType,
    ReqMarketDataType,
    ReqMktData,
    TickReqParams,
    TickSnapshotEnd,
)
from theo.gateway.wire.schema import Message

SAMPLE = SECOND // 4  # how often TWS looks at a line
SNAPSHOT_MAX = 11 * SECOND  # then a snapshot ends with what there is
REALTIME_TOP = 3  # the kind of snapshot that the login may have
BBO_EXCHANGE = "9c0001"  # stands for the exchanges behind a best quote; every name gives the same ones here
MARKET_DATA_TYPES = (access.LIVE, access.FROZEN, access.DELAYED, access.DELAYED_FROZEN)


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
        self._free, self._views = free, LineViews()
        self._moved: dict[int, None] = {}  # contracts with something to show at the next sample, in order of their ticks
        self._options: dict[int, set[int]] = {}  # by underlying: options with lines, whose numbers move with it
        self._sample_at = NEVER
        self._due: list[tuple[int, int, Line | int]] = []  # snapshots that end; contracts that open or close
        self._turning: set[int] = set()  # contracts in _due
        self._number = 0

    # ---------------------------------------------------------------------------------------------------------- requests

    def _request(self, desk: Desk, client: Client, request: ReqMktData) -> None:
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        line = self._granted(desk, client, request, listing)
        advice = access.SHOWN_DELAYED if line.late else self.advice
        if advice in access.ADVICE:
            client.error(line.req_id, advice, access.advice_text(listing, advice))
        self._begin(desk, line)

    def _granted(self, desk: Desk, client: Client, request: ReqMktData, listing: Listing) -> Line:
        if request.regulatory_snapshot:
            raise RequestRefusedError(10_170, f"No permissions on regulatory snapshot for {listing.contract.local_symbol}")
        if request.snapshot and request.generic_tick_list:
            raise invalid("bQ", "Snapshot market data subscription is not applicable to generic ticks")
        access.refuse_continuous(listing, "bQ")
        generic = generic_ids(request.generic_tick_list, listing.contract.sec_type)
        if self.register.get(client, request.req_id) is not None:
            raise unprocessed("bQ", "Duplicate ticker id")
        served = access.served_type(desk, listing, client.market_data_type)
        if self.advice == access.SHOWN_DELAYED and served in access.WHEN_DELAYED:
            served = access.WHEN_DELAYED[served]
        if not self._free(desk, listing):
            raise RequestRefusedError(101, "Max number of tickers has been reached")
        return Line(client, request, listing, served, generic)

    def _begin(self, desk: Desk, line: Line) -> None:
        listing = line.listing
        self.register.add(line)
        self._await_turn(desk, listing)
        self._views.begin(desk, line)
        self._wake(self._views.late_due())
        if listing.underlying:
            self._options.setdefault(listing.underlying, set()).add(listing.con_id)
        self.refresh(desk, line)
        if line.snapshot:
            quote = self._views.quote(desk, line)
            whole = quote.last is not None and (None not in {quote.bid, quote.ask} or not listing.instrument.tradable)
            self._push(desk.now + (SAMPLE if whole else SNAPSHOT_MAX), line)

    def _cancel(self, _desk: Desk, client: Client, request: CancelMktData) -> None:
        line = self.register.get(client, request.req_id)
        if line is None:
            raise RequestRefusedError(300, f"Can't find EId with tickerId:{request.req_id}")
        self.drop(line)

    def _type(self, _desk: Desk, client: Client, request: ReqMarketDataType) -> None:
        if request.market_data_type not in MARKET_DATA_TYPES:
            raise invalid("cx", "Invalid market data type")
        client.market_data_type = request.market_data_type

    def refresh(self, desk: Desk, line: Line) -> None:
        """Tell a line everything there is, as at its beginning."""
        line.client.send(TickReqParams(line.req_id, line.listing.min_tick, BBO_EXCHANGE, REALTIME_TOP))
        _tell_type(desk, line)
        _send(line, self._views.everything(desk, line))

    def drop(self, line: Line) -> None:
        """Forget a line, and what was kept for it alone."""
        self.register.remove(line)
        con_id = line.listing.con_id
        others = self.register.of_contract(con_id)
        self._views.end(line, others)
        if not others:
            self._moved.pop(con_id, None)
            self._options.get(line.listing.underlying, set()).discard(con_id)

    # -------------------------------------------------------------------------------------------------------------- time

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Note what moved; it is told at the next sample."""
        for option in self._options.get(tick.instrument, ()):
            self._moved[option] = None
            self._wake(desk.now)
        if self.register.has_contract(tick.instrument):
            self._moved[tick.instrument] = None
            self._wake(desk.now)
            self._views.take(tick)

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
                _tell_type(desk, line)
        self._moved[con_id] = None
        self._wake(desk.now)

    def _sample(self, desk: Desk) -> None:
        moved, self._moved, self._sample_at = self._moved, {}, NEVER
        moved.update(dict.fromkeys(self._views.advance(desk.now)))
        self._wake(self._views.late_due())
        for con_id in moved:
            self._show(desk, self.register.of_contract(con_id))
            self._views.told(con_id)

    def _show(self, desk: Desk, lines: list[Line]) -> None:
        """Tell the lines on one contract what changed."""
        news: dict[int, News] = {}
        for line in lines:
            found = news.get(line.served)
            if found is None:
                found = news[line.served] = self._views.news(desk, line)
            if not line.silent:
                _send(line, found.ticks)
                if line.generic:
                    _send(line, self._views.generic_news(line, found))


def _tell_type(desk: Desk, line: Line) -> None:
    shows_frozen = line.frozen and not line.listing.hours.is_open(desk.now)
    line.client.send(MarketDataType(line.req_id, (access.DELAYED if line.late else access.LIVE) + shows_frozen))


def _send(line: Line, ticks: list[Change]) -> None:
    client, req_id = line.client, line.req_id
    for kind, values in ticks:
        client.send(kind(req_id, *values))  # type: ignore[arg-type]  # a change holds the fields of its own kind
