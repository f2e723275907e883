"""Prices at which a held order begins to work, and what a pegged one costs: arithmetic on price units, nothing else.

A tick moves an order that waits: trades do, and of a contract that never trades the quotes of the other side.
"""

import math

from theo.domain.market_data import UNUSABLE, Tick, TickKind
from theo.domain.orders import Side
from theo.gateway.desk import Quote
from theo.gateway.trading.terms import TOUCHED, TRAILING, Terms

PERCENT = 100


def concerns(tick: Tick, side: Side, *, trades: bool) -> bool:
    """Whether a tick is one that a waiting order looks at: the price at which it could be filled."""
    if tick.flags & int(UNUSABLE):
        return False
    if trades:
        return tick.kind == TickKind.TRADE
    return tick.kind == (TickKind.ASK if side is Side.BUY else TickKind.BID)


def is_simulated(terms: Terms) -> bool:
    """Whether the gateway itself, not the exchange, waits for the order's price."""
    return terms.type in TOUCHED or terms.type == "TRAIL LIMIT" or (terms.type in TRAILING and terms.percent is not None)


def is_touched(terms: Terms, price: int) -> bool:
    """Market and limit if touched: a buy waits for the price to fall to its trigger, a sell for it to rise."""
    sign = terms.side.sign
    return sign * price <= sign * (terms.stop or 0)


def moved_level(terms: Terms, level: int | None, price: int, tick: int) -> int:
    """A trailing stop's level after a price: it follows, on the grid, and never loosens."""
    away = terms.trail if terms.percent is None else math.ceil(price * terms.percent / PERCENT / tick) * tick
    sign = terms.side.sign
    wanted = price + sign * (away or 0)
    if level is None:
        return terms.stop if terms.stop is not None else wanted
    return min(level, wanted) if terms.side is Side.BUY else max(level, wanted)


def is_stopped(terms: Terms, level: int, price: int) -> bool:
    """Whether a price has reached a stop: a buy stop lies above the market, a sell stop below."""
    sign = terms.side.sign
    return sign * price >= sign * level


def limit_after(terms: Terms, level: int) -> int:
    """The limit of a trailing stop limit order that was triggered: beyond its level by its offset."""
    return level + terms.side.sign * terms.offset


def pegged_limit(terms: Terms, quote: Quote, tick: int) -> int | None:
    """What a relative or midprice order bids or asks now; None while there is no quote to follow. Its limit is a cap."""
    buys, cap = terms.side is Side.BUY, terms.limit
    own = quote.bid if buys else quote.ask
    if own is None or quote.bid is None or quote.ask is None:
        return cap
    if terms.type == "REL":
        wanted = own + terms.side.sign * terms.offset
    else:
        middle = quote.bid + quote.ask
        wanted = middle // (2 * tick) * tick if buys else -(-middle // (2 * tick)) * tick
    if cap is None:
        return max(wanted, tick)
    return min(wanted, cap) if buys else max(wanted, cap)
