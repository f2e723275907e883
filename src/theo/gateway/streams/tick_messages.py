"""What a change of a contract's market is in ticks of a sampled line: only what differs from what was shown before."""

from decimal import Decimal

import msgspec

from theo.domain.instrument import SecurityType
from theo.domain.market_data import SECOND
from theo.gateway.desk import Listing, Quote
from theo.gateway.wire.messages.market_data import TickGeneric, TickOptionComputation, TickPrice, TickSize, TickString

NO_PRICE = -1.0
CAN_EXECUTE = 1  # a quote that an order would meet
ZERO = Decimal(0)

# a message of a line without its request id: the same for every line on a contract
Change = tuple[type[TickPrice | TickSize | TickString | TickGeneric | TickOptionComputation], tuple[object, ...]]


class TickTypes(msgspec.Struct, frozen=True):
    """IB's numbers of the ticks of a line, and of an option's computations."""

    bid_size: int
    bid: int
    ask: int
    ask_size: int
    last: int
    last_size: int
    high: int
    low: int
    volume: int
    close: int
    open: int
    timestamp: int
    bid_option: int
    ask_option: int
    last_option: int
    model_option: int


LIVE = TickTypes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 45, 10, 11, 12, 13)
DELAYED = TickTypes(69, 66, 67, 70, 68, 71, 72, 73, 74, 75, 76, 88, 80, 81, 82, 83)
NOTHING = Quote()


def price_of(listing: Listing, units: float) -> float:
    """Price units as the number that IB sends."""
    return float(units / 10**listing.instrument.price_decimals)


def changes(listing: Listing, before: Quote, after: Quote, types: TickTypes) -> list[Change]:
    """The ticks between two quotes; with NOTHING before, all that is known. An index has neither quotes nor sizes."""
    found: list[Change] = []
    index = listing.instrument.security_type is SecurityType.IND
    if not index:
        _quoted(listing, found, (types.bid, types.bid_size), (before.bid, before.bid_size), (after.bid, after.bid_size))
        _quoted(listing, found, (types.ask, types.ask_size), (before.ask, before.ask_size), (after.ask, after.ask_size))
    if after.last is not None and (after.last, after.last_size, after.last_at) != (
        before.last,
        before.last_size,
        before.last_at,
    ):
        _traded(listing, found, types, before, after)
    if after.volume != before.volume and not index:
        found.append((TickSize, (types.volume, Decimal(after.volume))))
    for tick_type, old, new in (
        (types.high, before.high, after.high),
        (types.low, before.low, after.low),
        (types.close, before.close, after.close),
        (types.open, before.open, after.open),
    ):
        if new is not None and new != old:
            found.append((TickPrice, (tick_type, price_of(listing, new), ZERO, 0)))
    return found


def _quoted(
    listing: Listing,
    found: list[Change],
    types: tuple[int, int],
    before: tuple[int | None, int],
    after: tuple[int | None, int],
) -> None:
    (price_type, size_type), (price, size) = types, after
    if price is None:
        if before[0] is not None:
            found += [(TickPrice, (price_type, NO_PRICE, ZERO, 0)), (TickSize, (size_type, ZERO))]
        return
    if price != before[0]:
        found.append((TickPrice, (price_type, price_of(listing, price), Decimal(size), CAN_EXECUTE)))
    if price != before[0] or size != before[1]:
        found.append((TickSize, (size_type, Decimal(size))))


def _traded(listing: Listing, found: list[Change], types: TickTypes, before: Quote, after: Quote) -> None:
    assert after.last is not None, "asked about a trade that there was not"
    if after.last_at // SECOND != before.last_at // SECOND:
        found.append((TickString, (types.timestamp, str(after.last_at // SECOND))))
    if after.last != before.last:
        found.append((TickPrice, (types.last, price_of(listing, after.last), Decimal(after.last_size), 0)))
    if after.last_size and (after.last != before.last or after.last_size != before.last_size):
        found.append((TickSize, (types.last_size, Decimal(after.last_size))))


def no_quote(listing: Listing, types: TickTypes) -> list[Change]:
    """How a line begins while nobody quotes: bid and ask are -1."""
    if listing.instrument.security_type is SecurityType.IND:
        return []
    return [(TickPrice, (types.bid, NO_PRICE, ZERO, 0)), (TickPrice, (types.ask, NO_PRICE, ZERO, 0))]
