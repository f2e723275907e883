"""At what price an order is filled, if at all: one place for every order type. Pure arithmetic on price units.

A market event is its open, high, low and close; a tick is all four at once. ``crossed`` says that a limit needs a price beyond it
(one tick through), which is the default; touching is a setting.
"""

from theo.domain.orders import OrderType, Side
from theo.venue.books import Held


def price_of(held: Held, event: tuple[int, int, int, int], tick: int, *, touch: bool) -> int | None:
    """The price before slippage, or None. A trailing stop tests its old level first, then follows."""
    kind = held.order.type
    if kind is OrderType.MARKET:
        return event[0]
    if kind is OrderType.LIMIT:
        return _limit(held.order.side, held.order.limit or 0, event, 0 if touch else tick)
    if kind is OrderType.STOP:
        return _stop(held.order.side, held.order.stop or 0, event)
    if kind is OrderType.TRAILING_STOP:
        return _trailing(held, event)
    return _stop_limit(held, event, 0 if touch else tick)


def _limit(side: Side, limit: int, event: tuple[int, int, int, int], through: int) -> int | None:
    opened, high, low, _ = event
    if side is Side.BUY:
        if opened <= limit and (not through or opened < limit):
            return opened
        return limit if low <= limit - through else None
    if opened >= limit and (not through or opened > limit):
        return opened
    return limit if high >= limit + through else None


def _stop(side: Side, stop: int, event: tuple[int, int, int, int]) -> int | None:
    opened, high, low, _ = event
    if side is Side.BUY:
        return max(stop, opened) if high >= stop else None
    return min(stop, opened) if low <= stop else None


def _stop_limit(held: Held, event: tuple[int, int, int, int], through: int) -> int | None:
    order = held.order
    limit = order.limit or 0
    if held.triggered:
        return _limit(order.side, limit, event, through)
    touched = _stop(order.side, order.stop or 0, event)
    if touched is None:
        return None
    held.triggered = True
    return touched if order.side.sign * (limit - touched) >= 0 else None


def trailing_level(held: Held) -> int:
    """The stop price of a trailing stop now."""
    return held.best + held.order.side.sign * (held.order.trail or 0)


def _trailing(held: Held, event: tuple[int, int, int, int]) -> int | None:
    opened, high, low, _ = event
    side = held.order.side
    if not held.best:
        held.best = opened
    found = _stop(side, trailing_level(held), event)
    held.best = min(held.best, low) if side is Side.BUY else max(held.best, high)
    return found
