"""Past ticks as IB gives them: trades, best bids and offers, or middles, a number of them after or before a time."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

from theo.domain.market_data import DAY, MINUTE, SECOND, Tick, TickKind
from theo.gateway.desk import Desk, Listing
from theo.gateway.open_hours import open_spans
from theo.gateway.wire.messages.history import (
    HistoricalTick,
    HistoricalTickBidAsk,
    HistoricalTickLast,
    HistoricalTicks,
    HistoricalTicksBidAsk,
    HistoricalTicksLast,
)
from theo.market.sessions import Span

TicksOf = Literal["TRADES", "BID_ASK", "MIDPOINT"]
Row = HistoricalTick | HistoricalTickBidAsk | HistoricalTickLast
PAST_TICKS_MAX = 1000  # IB's, of one request
WINDOW = 5 * MINUTE  # of ticks that are looked at in one piece
LOOK_MAX = 10 * DAY  # how far ticks are looked for: beyond holidays and a weekend


def exchange_of(listing: Listing) -> str:
    """Where trades are said to happen: SMART is no place."""
    return listing.contract.primary_exchange or listing.contract.exchange


def rows(listing: Listing, ticks: Iterable[Tick], what: TicksOf, *, ignore_size: bool = False) -> Iterator[Row]:
    """Ticks as rows. A quote counts from when both sides are known; of a middle each change is a row.

    With ``ignore_size`` a quote of which only sizes change is left out.
    """
    unit = 10**listing.instrument.price_decimals
    if what == "TRADES":
        place = exchange_of(listing)
        for tick in ticks:
            if tick.kind in {TickKind.TRADE, TickKind.INDEX}:
                yield HistoricalTickLast(tick.timestamp // SECOND, 0, tick.price / unit, Decimal(tick.volume), place, "")
        return
    bid: Tick | None = None
    ask: Tick | None = None
    told: tuple[int, ...] = ()
    for tick in ticks:
        if tick.kind == TickKind.BID:
            bid = tick
        elif tick.kind == TickKind.ASK:
            ask = tick
        else:
            continue
        if bid is None or ask is None:
            continue
        at = tick.timestamp // SECOND
        if what == "MIDPOINT":
            new: tuple[int, ...] = (bid.price + ask.price,)
            row: Row = HistoricalTick(at, (bid.price + ask.price) / (2 * unit), Decimal(0))
        else:
            new = (bid.price, ask.price) if ignore_size else (bid.price, ask.price, bid.volume, ask.volume)
            sizes = Decimal(bid.volume), Decimal(ask.volume)
            row = HistoricalTickBidAsk(at, 0, bid.price / unit, ask.price / unit, *sizes)
        if new != told:
            told = new
            yield row


def rows_before(
    desk: Desk, listing: Listing, end: int, count: int, what: TicksOf, *, regular: bool = False, ignore_size: bool = False
) -> list[Row]:
    """The last ``count`` rows before a time, oldest first; fewer when there are not so many."""
    found: list[Row] = []
    for start, until in _backwards(open_spans(listing.hours, end - LOOK_MAX, end, regular=regular)):
        ticks = _within(desk.market.ticks(listing.con_id, start, until), start, until)
        found = [*rows(listing, ticks, what, ignore_size=ignore_size), *found]
        if len(found) >= count:
            break
    return found[-count:]


def rows_after(
    desk: Desk, listing: Listing, start: int, count: int, what: TicksOf, *, regular: bool = False, ignore_size: bool = False
) -> list[Row]:
    """The first ``count`` rows from a time on, and all others of the second of the last one, as IB gives them."""
    found: list[Row] = []
    end = min(start + LOOK_MAX, desk.now + 1)
    for since, until in _forwards(open_spans(listing.hours, start, end, regular=regular)):
        ticks = _within(desk.market.ticks(listing.con_id, since, until), since, until)
        found += rows(listing, ticks, what, ignore_size=ignore_size)
        if len(found) > count:
            break
    last = found[count - 1].time_s if len(found) >= count else 0
    return [*found[:count], *(row for row in found[count:] if row.time_s == last)]


def answer(
    req_id: int, what: TicksOf, found: Sequence[Row], *, done: bool
) -> HistoricalTicks | HistoricalTicksBidAsk | HistoricalTicksLast:
    """Rows as the message of their kind."""
    if what == "TRADES":
        return HistoricalTicksLast(req_id, tuple(row for row in found if isinstance(row, HistoricalTickLast)), done)
    if what == "BID_ASK":
        return HistoricalTicksBidAsk(req_id, tuple(row for row in found if isinstance(row, HistoricalTickBidAsk)), done)
    return HistoricalTicks(req_id, tuple(row for row in found if isinstance(row, HistoricalTick)), done)


def _within(ticks: Sequence[Tick], start: int, end: int) -> list[Tick]:
    return [tick for tick in ticks if start <= tick.timestamp < end]


def _forwards(spans: list[Span]) -> Iterator[Span]:
    for opens, closes in spans:
        for start in range(opens, closes, WINDOW):
            yield start, min(start + WINDOW, closes)


def _backwards(spans: list[Span]) -> Iterator[Span]:
    for opens, closes in reversed(spans):
        for end in range(closes, opens, -WINDOW):
            yield max(end - WINDOW, opens), end
