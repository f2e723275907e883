"""Bars of five seconds while the market is open, also when nothing happens in them."""

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal, get_args

from theo.domain.instrument import SecurityType
from theo.domain.market_data import MINUTE, SECOND, SessionScope, Tick, TickKind
from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk, Handler, Listing
from theo.gateway.register import Register, Subscription
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.streams.tick_messages import price_of
from theo.gateway.wire.messages.market_data import CancelRealTimeBars, RealtimeBar, ReqRealTimeBars
from theo.gateway.wire.schema import Message

What = Literal["TRADES", "MIDPOINT", "BID", "ASK"]
NAMES: Mapping[What, str] = {"TRADES": "Last", "MIDPOINT": "Midpoint", "BID": "Bid", "ASK": "Ask"}
LENGTH = 5 * SECOND
NEW_MAX, NEW_WITHIN = 60, 10 * MINUTE  # new streams, as of historical requests


class BarStream(Subscription):
    """One stream of bars."""

    __slots__ = ("regular", "what")

    def __init__(self, client: Client, request: ReqRealTimeBars, listing: Listing, what: What) -> None:
        super().__init__(client, request.req_id, listing)
        self.what, self.regular = what, request.use_rth

    def is_open(self, at: int) -> bool:
        """Whether a bar that begins then is one of its hours."""
        session = self.listing.hours.session_at(at)
        if session is None or not self.regular:
            return session is not None
        return any(opens <= at < closes for opens, closes in session.spans(SessionScope.RTH))


class _Forming:
    """The bar of one contract and kind that is being made. Prices are halves of price units: a middle may lie between two."""

    __slots__ = ("amount", "close", "count", "high", "low", "open", "volume")

    def __init__(self, price: int | None) -> None:
        self.close = price
        self.restart()

    def restart(self) -> None:
        """Begin the next bar where this one ends."""
        self.open = self.high = self.low = self.close
        self.volume = self.amount = self.count = 0

    def add(self, price: int, volume: int) -> None:
        """A trade: the first of a bar is its open."""
        if not self.count:
            self.open = self.high = self.low = None
        self.move(price)
        self.volume += volume
        self.amount += price * volume
        self.count += 1

    def move(self, price: int) -> None:
        """A new price. A bar of quotes begins with the quote that stood: recorded bars of TWS open where the last one closed."""
        if self.open is None or self.high is None or self.low is None:
            self.open = self.high = self.low = price
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price


class RealTimeBars:
    """Handlers and state of the bars. ``free`` tells whether the login has a data line left for a contract."""

    def __init__(self, free: Callable[[Desk, Listing], bool]) -> None:
        self.register: Register[BarStream] = Register()
        self.handlers: Mapping[type[Message], Handler] = {
            ReqRealTimeBars: self._request,
            CancelRealTimeBars: self._cancel,
        }
        self._free = free
        self._forming: dict[tuple[int, What], _Forming] = {}
        self._begun: deque[int] = deque()
        self._next_at = NEVER

    def _request(self, desk: Desk, client: Client, request: ReqRealTimeBars) -> None:
        if request.what_to_show not in get_args(What):
            raise invalid("bS", "What to show field is missing or incorrect.")
        if self.register.get(client, request.req_id) is not None:
            raise RequestRefusedError(102, "Duplicate ticker id")
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        what: What = next(name for name in NAMES if name == request.what_to_show)
        self._check(desk, listing, what)
        self.register.add(BarStream(client, request, listing, what))
        self._forming.setdefault((listing.con_id, what), _Forming(_price_now(desk, listing, what)))
        if self._next_at == NEVER:
            self._next_at = desk.now - desk.now % LENGTH + LENGTH

    def _check(self, desk: Desk, listing: Listing, what: What) -> None:
        access.refuse_continuous(listing, "bS")
        contract, kind = listing.contract, listing.instrument.security_type
        if (kind is SecurityType.CASH and what == "TRADES") or (kind is SecurityType.IND and what != "TRADES"):
            place = f"{contract.symbol}/{contract.sec_type}@{contract.exchange}"
            raise _refused(f"No historical market data for {place} {NAMES[what]} 5s")
        if not access.is_live(desk, listing):
            raise _refused(f"No market data permissions for {access.place(listing)} {contract.sec_type}")
        while self._begun and self._begun[0] <= desk.now - NEW_WITHIN:
            self._begun.popleft()
        if desk.settings.enforce_pacing and len(self._begun) >= NEW_MAX:
            raise _refused("Historical data request pacing violation")
        if not self._free(desk, listing):
            raise RequestRefusedError(101, "Max number of tickers has been reached")
        self._begun.append(desk.now)

    def _cancel(self, _desk: Desk, client: Client, request: CancelRealTimeBars) -> None:
        stream = self.register.get(client, request.req_id)
        if stream is None:
            raise RequestRefusedError(300, f"Can't find EId with tickerId:{request.req_id}")
        self.drop(stream)

    def drop(self, stream: BarStream) -> None:
        """Forget a stream."""
        self.register.remove(stream)
        con_id = stream.listing.con_id
        if all(each.what != stream.what for each in self.register.of_contract(con_id)):
            self._forming.pop((con_id, stream.what), None)
        if not len(self.register):
            self._next_at = NEVER

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Make the bars."""
        if not self.register.has_contract(tick.instrument):
            return
        self.on_time(desk, tick.timestamp)  # a tick at the very end of a bar is the first of the next
        if tick.kind in {TickKind.TRADE, TickKind.INDEX}:
            forming = self._forming.get((tick.instrument, "TRADES"))
            if forming is not None:
                forming.add(2 * tick.price, tick.volume)
            return
        for what in NAMES:
            forming = self._forming.get((tick.instrument, what))
            if forming is None or what == "TRADES":
                continue
            price = _quoted(desk, tick.instrument, what)
            if price is not None and price != forming.close:
                forming.move(price)

    def next_due(self) -> int:
        """The end of the bars that are being made."""
        return self._next_at

    def on_time(self, _desk: Desk, at: int) -> None:
        """Send the bars that end."""
        while self._next_at <= at:
            start = self._next_at - LENGTH
            for stream in self.register:
                if not stream.silent and stream.is_open(start):
                    self._send(stream, start)
            for forming in self._forming.values():
                forming.restart()
            self._next_at += LENGTH

    def _send(self, stream: BarStream, start: int) -> None:
        bar, listing = self._forming[(stream.listing.con_id, stream.what)], stream.listing
        if bar.open is None or bar.high is None or bar.low is None or bar.close is None:
            return
        trades = stream.what == "TRADES"
        average = bar.amount / bar.volume if bar.volume else bar.close
        stream.client.send(
            RealtimeBar(
                stream.req_id,
                start // SECOND,
                price_of(listing, bar.open / 2),
                price_of(listing, bar.high / 2),
                price_of(listing, bar.low / 2),
                price_of(listing, bar.close / 2),
                Decimal(bar.volume if trades else -1),
                round(price_of(listing, average / 2), 8) if trades else -1.0,
                bar.count if trades else -1,
            )
        )


def _refused(why: str) -> RequestRefusedError:
    return RequestRefusedError(420, f"Invalid Real-time Query:{why}")


def _price_now(desk: Desk, listing: Listing, what: What) -> int | None:
    if what == "TRADES":
        last = desk.market.quote(listing.con_id).last
        return None if last is None else 2 * last
    return _quoted(desk, listing.con_id, what)


def _quoted(desk: Desk, con_id: int, what: What) -> int | None:
    quote = desk.market.quote(con_id)
    if what == "BID":
        return None if quote.bid is None else 2 * quote.bid
    if what == "ASK":
        return None if quote.ask is None else 2 * quote.ask
    return None if quote.bid is None or quote.ask is None else quote.bid + quote.ask
