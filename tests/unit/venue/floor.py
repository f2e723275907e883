"""Instruments, orders, bars and ticks in few words, for the exchange's tests. Prices are whole units; the tick is 25."""

from collections.abc import Iterable
from datetime import date

from theo.adapters.calendars.stored import session_table
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import MINUTE, Bar, SessionScope, Tick, TickKind
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import OrderFilled, OrderReport
from theo.market.sessions import Hours
from theo.venue.exchange import Venue, VenueSettings
from theo.venue.fees import SCHEDULES, Schedule

BUY, SELL = Side.BUY, Side.SELL
MKT, LMT, STP, STP_LMT, TRAIL = OrderType
DAY, GTC, IOC, FOK = TimeInForce
NO_FEES = SCHEDULES["zero"]

FUTURE = Instrument(
    id=1,
    symbol="FUT",
    token=1,
    security_type=SecurityType.FUT,
    exchange="SIM",
    calendar="NYSE",
    multiplier=5,
    price_decimals=2,
    tick=25,
)
INDEX = Instrument(id=2, symbol="VIX", token=2, security_type=SecurityType.IND, exchange="SIM", calendar="VIX")
LOTS = Instrument(
    id=3, symbol="LOT", token=3, security_type=SecurityType.STK, exchange="SIM", calendar="NYSE", contract_size=10, tick=25
)
INSTRUMENTS = {i.id: i for i in (FUTURE, INDEX, LOTS)}


def venue(*, hours: dict[int, Hours] | None = None, fees: Schedule = NO_FEES, settings: VenueSettings | None = None) -> Venue:
    """An exchange of the three instruments; always open unless told."""
    return Venue(INSTRUMENTS, hours or {}, dict.fromkeys(INSTRUMENTS, fees), settings)


def nyse(first: date, last: date) -> dict[int, Hours]:
    """Regular New York hours for the future."""
    return {1: Hours(session_table("NYSE", first, last), SessionScope.RTH)}


def order(  # noqa: PLR0913 - an order has that many parts
    side: Side,
    kind: OrderType,
    quantity: int = 1,
    *,
    name: str = "a",
    limit: int | None = None,
    stop: int | None = None,
    trail: int | None = None,
    tif: TimeInForce = GTC,
    parent: str = "",
    group: str = "",
    oca: OcaType = OcaType.REDUCE_NON_BLOCK,
    instrument: int = 1,
    outside_rth: bool = False,
) -> Order:
    return Order(
        id=name,
        account="SIM",
        instrument=instrument,
        side=side,
        type=kind,
        quantity=quantity,
        tif=tif,
        role=OrderRole.ENTRY,
        trade="t",
        limit=limit,
        stop=stop,
        trail=trail,
        parent=parent,
        oca_group=group,
        oca_type=oca if group else OcaType.NONE,
        outside_rth=outside_rth,
    )


def bracket(entry: Order, *, stop: int | None = None, target: int | None = None, trail: int | None = None) -> Ticket:
    """The entry, with a resting stop (or a trailing one) and a target of its size in one exit group."""
    side, size, tied = entry.side.opposite, entry.quantity, {"parent": entry.id, "group": "exits"}
    exits = []
    if stop is not None:
        exits.append(order(side, STP, size, name="stop", stop=stop, **tied))  # type: ignore[arg-type]  # two texts
    if trail is not None:
        exits.append(order(side, TRAIL, size, name="trail", trail=trail, **tied))  # type: ignore[arg-type]  # two texts
    if target is not None:
        exits.append(order(side, LMT, size, name="target", limit=target, **tied))  # type: ignore[arg-type]  # two texts
    return Ticket((entry, *exits))


def bar(number: int, prices: tuple[int, int, int, int], volume: int = 1000, *, instrument: int = 1, contract: str = "") -> Bar:
    """The minute bar with this number; its open, high, low and close."""
    start = number * MINUTE
    return Bar(instrument, start + MINUTE, "1min", start, start + MINUTE, *prices, volume, contract=contract)


def trade(at: int, price: int, volume: int = 0, flags: int = 0) -> Tick:
    return Tick(1, at, at, 0, TickKind.TRADE, price, volume, flags)


def bid(at: int, price: int, size: int = 0) -> Tick:
    return Tick(1, at, at, 0, TickKind.BID, price, size)


def ask(at: int, price: int, size: int = 0) -> Tick:
    return Tick(1, at, at, 0, TickKind.ASK, price, size)


def feed(exchange: Venue, items: Iterable[Bar | Tick]) -> list[OrderReport]:
    """Everything that the exchange says of this market data."""
    said: list[OrderReport] = []
    for item in items:
        said += exchange.on_bar(item) if isinstance(item, Bar) else exchange.on_tick(item)
    return said


def fills(said: Iterable[OrderReport]) -> list[tuple[str, int, int]]:
    """(order, quantity, price) of each execution."""
    return [(r.order, r.quantity, r.price) for r in said if isinstance(r, OrderFilled)]


def words(said: Iterable[OrderReport]) -> list[str]:
    """What was said, as "kind order"."""
    return [f"{type(r).__name__.removeprefix('Order').lower()} {r.order}" for r in said]
