"""Tick by tick: every trade, every quote, or every middle, as it happens."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, get_args

from theo.domain.instrument import SecurityType
from theo.domain.market_data import SECOND, Tick, TickFlag, TickKind
from theo.gateway import access
from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk, Handler, Listing
from theo.gateway.past_ticks import PAST_TICKS_MAX, TicksOf, answer, exchange_of, rows_before
from theo.gateway.register import Register, Subscription
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.streams.tick_messages import price_of
from theo.gateway.wire.messages.market_data import (
    CancelTickByTickData,
    ReqTickByTickData,
    TickByTickBidAsk,
    TickByTickLast,
    TickByTickMidPoint,
)
from theo.gateway.wire.schema import Message

TickType = Literal["Last", "AllLast", "BidAsk", "MidPoint"]
NUMBERS: Mapping[TickType, int] = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}
PAST: Mapping[TickType, TicksOf] = {"Last": "TRADES", "AllLast": "TRADES", "BidAsk": "BID_ASK", "MidPoint": "MIDPOINT"}
STREAMS_MAX = 5  # of a login with 100 lines: what people measured; IB says "as many as order books", which are 3
AGAIN_AFTER = 15 * SECOND  # for the same ticks of the same instrument
UNREPORTED = 2


class TickStream(Subscription):
    """One stream. ``told`` is what was sent last, so that a quote of which nothing changes is not repeated."""

    __slots__ = ("ignore_size", "tick_type", "told")

    def __init__(self, client: Client, request: ReqTickByTickData, listing: Listing, tick_type: TickType) -> None:
        super().__init__(client, request.req_id, listing)
        self.tick_type, self.ignore_size = tick_type, request.ignore_size
        self.told: tuple[int, ...] = ()


class TickByTick:
    """Handlers and state of tick-by-tick streams."""

    def __init__(self) -> None:
        self.register: Register[TickStream] = Register()
        self.handlers: Mapping[type[Message], Handler] = {
            ReqTickByTickData: self._request,
            CancelTickByTickData: self._cancel,
        }
        self._asked: dict[tuple[int, int, str], int] = {}  # by client, contract and type: when

    def _request(self, desk: Desk, client: Client, request: ReqTickByTickData) -> None:
        if request.tick_type not in get_args(TickType):
            raise invalid("bT", "Tick-by-tick data type is incorrect/not set.")
        if request.contract.sec_type == "BAG":
            raise invalid("bT", "'BAG' security type is not supported in ReqTickByTick(97) request")
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        tick_type: TickType = next(name for name in NUMBERS if name == request.tick_type)
        self._check(desk, client, request.req_id, listing, tick_type)
        stream = TickStream(client, request, listing, tick_type)
        count = min(request.number_of_ticks, PAST_TICKS_MAX)
        if count > 0:
            past = rows_before(desk, listing, desk.now + 1, count, PAST[tick_type], ignore_size=request.ignore_size)
            client.send(answer(request.req_id, PAST[tick_type], past, done=True))
        self.register.add(stream)

    def _check(self, desk: Desk, client: Client, req_id: int, listing: Listing, tick_type: TickType) -> None:
        access.refuse_continuous(listing, "bT")
        if self.register.get(client, req_id) is not None:
            raise RequestRefusedError(102, "Duplicate ticker id")
        if not _served(listing, tick_type):
            raise _failed(f"{tick_type} tick-by-tick requests are not supported for {listing.contract.symbol}")
        if not access.is_live(desk, listing):
            raise _failed(f"No market data permissions for {access.place(listing)} {listing.contract.sec_type}")
        if len({(each.listing.con_id, each.tick_type) for each in self.register}) >= STREAMS_MAX and not any(
            each.tick_type == tick_type for each in self.register.of_contract(listing.con_id)
        ):
            raise RequestRefusedError(10_190, "Max number of tick-by-tick requests has been reached.")
        key = (client.number, listing.con_id, tick_type)
        if desk.settings.enforce_pacing and desk.now - self._asked.get(key, -NEVER) < AGAIN_AFTER:
            raise _failed("Historical data request pacing violation")
        self._asked = {each: at for each, at in self._asked.items() if desk.now - at < AGAIN_AFTER}
        self._asked[key] = desk.now

    def _cancel(self, _desk: Desk, client: Client, request: CancelTickByTickData) -> None:
        stream = self.register.get(client, request.req_id)
        if stream is None:
            raise RequestRefusedError(300, f"Can't find EId with tickerId:{request.req_id}")
        self.register.remove(stream)

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Hand a tick on to whoever listens."""
        if not self.register.has_contract(tick.instrument):
            return
        for stream in self.register.of_contract(tick.instrument):
            if stream.silent:
                continue
            if stream.tick_type in {"Last", "AllLast"}:
                _tell_trade(stream, tick)
            elif tick.kind in {TickKind.BID, TickKind.ASK}:
                _tell_quote(desk, stream, tick)


def _failed(why: str) -> RequestRefusedError:
    return RequestRefusedError(10_189, f"Failed to request tick-by-tick data.{why}")


def _served(listing: Listing, tick_type: TickType) -> bool:
    """Indices have ticks at CME only, currencies have no trades, and options have none of these."""
    kind = listing.instrument.security_type
    if kind is SecurityType.IND:
        return listing.contract.exchange == "CME" and tick_type in {"Last", "AllLast"}
    if kind is SecurityType.CASH:
        return tick_type in {"BidAsk", "MidPoint"}
    return kind is not SecurityType.OPT


def _tell_trade(stream: TickStream, tick: Tick) -> None:
    unreported = bool(tick.flags & TickFlag.NOT_LAST)
    if tick.kind not in {TickKind.TRADE, TickKind.INDEX} or (unreported and stream.tick_type == "Last"):
        return
    stream.client.send(
        TickByTickLast(
            stream.req_id,
            NUMBERS[stream.tick_type],
            tick.timestamp // SECOND,
            price_of(stream.listing, tick.price),
            Decimal(tick.volume),
            UNREPORTED if unreported else 0,
            exchange_of(stream.listing),
            "",
        )
    )


def _tell_quote(desk: Desk, stream: TickStream, tick: Tick) -> None:
    quote = desk.market.quote(tick.instrument)
    if quote.bid is None or quote.ask is None:
        return
    number, at, listing = NUMBERS[stream.tick_type], tick.timestamp // SECOND, stream.listing
    if stream.tick_type == "MidPoint":
        new: tuple[int, ...] = (quote.bid + quote.ask,)
    elif stream.ignore_size:
        new = (quote.bid, quote.ask)
    else:
        new = (quote.bid, quote.ask, quote.bid_size, quote.ask_size)
    if new == stream.told:
        return
    stream.told = new
    if stream.tick_type == "MidPoint":
        stream.client.send(TickByTickMidPoint(stream.req_id, number, at, price_of(listing, (quote.bid + quote.ask) / 2)))
        return
    sizes = Decimal(quote.bid_size), Decimal(quote.ask_size)
    prices = price_of(listing, quote.bid), price_of(listing, quote.ask)
    stream.client.send(TickByTickBidAsk(stream.req_id, number, at, *prices, *sizes, 0))
