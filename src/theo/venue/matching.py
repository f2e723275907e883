"""At what price an order is filled, if at all: one place for every order type. Pure arithmetic on price units.

A market event is its open, high, low and close; a tick is all four at once. Limits fill when the price trades ``through`` them
by that many units (0: when it touches), at the limit or a better open. Stops fill when touched, at the stop or a worse open.
What one event does not say is taken against the order: a stop is hit before a target.
"""

from typing import NamedTuple

from theo.domain.orders import OrderType, Side
from theo.venue.admission import IMMEDIATE
from theo.venue.books import ALWAYS, NEVER, Held, Market

Event = tuple[int, int, int, int]  # open, high, low, close
EVERY_PRICE = (NEVER, ALWAYS)


class Hit(NamedTuple):
    """A price before slippage. ``takes``: it takes what is offered (so slippage or the opposite quote apply)."""

    price: int
    takes: bool


def instant(price: int) -> Event:
    """The event of one price."""
    return price, price, price, price


def rank(held: Held) -> int:
    """Who is matched first within one event: market orders at its open, then stops, then limits."""
    kind = held.order.type
    return 0 if kind is OrderType.MARKET else 2 if kind is OrderType.LIMIT else 1


def _waits_for_trigger(held: Held) -> bool:
    """Whether it is a stop of any kind that was not touched yet."""
    return not held.triggered and held.order.type not in {OrderType.MARKET, OrderType.LIMIT}


def find_hit(held: Held, event: Event, through: int) -> Hit | None:
    """What the event does to the order. Triggers stops, and moves a trailing stop after its old level was tested."""
    order = held.order
    kind = order.type
    if kind is OrderType.LIMIT:
        return _limit(order.side, order.limit or 0, event, through)
    if kind is OrderType.STOP_LIMIT:
        return _stop_limit(held, event, through)
    if kind is OrderType.MARKET or held.triggered:
        return Hit(event[0], takes=True)
    price = _stop(order.side, order.stop or 0, event) if kind is OrderType.STOP else _trailing(held, event)
    held.triggered = price is not None
    return None if price is None else Hit(price, takes=True)


def quote_for(held: Held, market: Market) -> int | None:
    """The quote that concerns an order: the opposite one; for a stop that waits, its own side's, if the instrument never trades.

    A buy stop that needs the bid to reach it is not set off by a wide spread (IB's trigger method 4).
    """
    buys = held.order.side is Side.BUY
    if _waits_for_trigger(held):
        return None if market.traded_at > ALWAYS else (market.bid if buys else market.ask)
    return market.ask if buys else market.bid


def wake_bounds(held: Held, market: Market) -> tuple[int, int]:
    """(low, high): a price at or below ``low`` or at or above ``high`` may concern the order, one in between cannot.

    A quote that is already known and would do may be taken at any event, whatever that one's price.
    """
    low, high = _own_bounds(held)
    quote = quote_for(held, market)
    return EVERY_PRICE if quote is not None and not low < quote < high else (low, high)


def _own_bounds(held: Held) -> tuple[int, int]:
    order = held.order
    kind, buys = order.type, order.side is Side.BUY
    if kind is OrderType.LIMIT or (kind is OrderType.STOP_LIMIT and held.triggered):
        limit = order.limit or 0
        if order.tif in IMMEDIATE:
            return EVERY_PRICE
        return (limit, NEVER) if buys else (ALWAYS, limit)
    if kind is OrderType.MARKET or held.triggered:
        return EVERY_PRICE
    if kind is not OrderType.TRAILING_STOP:
        stop = order.stop or 0
        return (ALWAYS, stop) if buys else (stop, NEVER)
    if held.level is None:
        return EVERY_PRICE
    trail = (order.trail or 0) + 1
    return (held.level - trail, held.level) if buys else (held.level, held.level + trail)


def after_entry(event: Event, price: int, entry: OrderType, exit_order: Held) -> Event:
    """What of a bar lies after an entry within it, for one of its exits.

    An entry at the open has the whole bar before it. After one within the bar, stops are tested against the whole range (nobody
    knows what came first) from the entry price on; a target only where the bar proves it came later: above a buy stop that the
    open had not passed, everything did; else the close alone.
    """
    opened, high, low, close = event
    if price == opened:
        return event
    if exit_order.order.type is OrderType.LIMIT:
        return (price, high, low, close) if entry is OrderType.STOP else instant(close)
    if exit_order.order.type is OrderType.TRAILING_STOP:  # it follows only prices that certainly came later
        buys = exit_order.order.side is Side.BUY
        return (price, high, min(price, close), close) if buys else (price, max(price, close), low, close)
    return price, high, low, close


def _limit(side: Side, limit: int, event: Event, through: int) -> Hit | None:
    opened, high, low, _ = event
    if side is Side.BUY:
        return Hit(min(limit, opened), takes=False) if low <= limit - through else None
    return Hit(max(limit, opened), takes=False) if high >= limit + through else None


def _stop(side: Side, stop: int, event: Event) -> int | None:
    opened, high, low, _ = event
    if side is Side.BUY:
        return max(stop, opened) if high >= stop else None
    return min(stop, opened) if low <= stop else None


def _stop_limit(held: Held, event: Event, through: int) -> Hit | None:
    """Once touched it is a limit order: against what the event certainly still holds after the touch."""
    order = held.order
    side, limit = order.side, order.limit or 0
    if held.triggered:
        return _limit(side, limit, event, through)
    touched = _stop(side, order.stop or 0, event)
    if touched is None:
        return None
    held.triggered = True
    if touched == event[0]:
        return Hit(touched, takes=False) if side.sign * (limit - touched) >= 0 else _limit(side, limit, event, through)
    if side.sign * (limit - touched) >= 0:
        return Hit(touched, takes=False)
    return _limit(side, limit, instant(event[3]), through)


def _trailing(held: Held, event: Event) -> int | None:
    """Test the level as it was before the event, then follow; a level never loosens."""
    opened, high, low, _ = event
    side, trail = held.order.side, held.order.trail or 0
    if held.level is None:
        held.level = opened + side.sign * trail
    found = _stop(side, held.level, event)
    held.level = min(held.level, low + trail) if side is Side.BUY else max(held.level, high - trail)
    return found
