"""Conditions of an order: prices, times, volumes and changes, joined from left to right by "and" and "or"."""

from collections.abc import Iterator, Sequence

from theo.gateway.desk import Desk
from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.trading.moments import read_moment
from theo.gateway.wire.messages.order import (
    OrderCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)

OR = "o"
PERCENT = 100
MARKET_CONDITIONS = (PriceCondition, VolumeCondition, PercentChangeCondition)


def check(desk: Desk, conditions: Sequence[OrderCondition]) -> None:
    """Raises RequestRefusedError for a contract that is not listed (147) or a time that is none (337)."""
    for condition in conditions:
        if isinstance(condition, MARKET_CONDITIONS) and desk.contracts.listing(condition.con_id) is None:
            raise RequestRefusedError(147, "The conditional contract info is incomplete.")
        if isinstance(condition, TimeCondition):
            read_moment(condition.time, desk.settings.time_zone)


def contracts(conditions: Sequence[OrderCondition]) -> Iterator[int]:
    """The conIds whose markets are looked at."""
    for condition in conditions:
        if isinstance(condition, MARKET_CONDITIONS):
            yield condition.con_id


def times(desk: Desk, conditions: Sequence[OrderCondition]) -> Iterator[int]:
    """When time alone may change the answer."""
    for condition in conditions:
        if isinstance(condition, TimeCondition):
            at = read_moment(condition.time, desk.settings.time_zone)
            if at > desk.now:
                yield at


def are_met(desk: Desk, conditions: Sequence[OrderCondition]) -> bool:
    """Whether an order may work. A condition's conjunction joins it with the next one; "and" binds no more than "or"."""
    met, joins_by_or = True, False
    for condition in conditions:
        holds = _holds(desk, condition)
        met = met or holds if joins_by_or else met and holds
        joins_by_or = condition.conjunction == OR
    return met


def _holds(desk: Desk, condition: OrderCondition) -> bool:
    if isinstance(condition, TimeCondition):
        at = read_moment(condition.time, desk.settings.time_zone)
        return desk.now >= at if condition.is_more else desk.now <= at
    if not isinstance(condition, MARKET_CONDITIONS):
        return False
    quote, listing = desk.market.quote(condition.con_id), desk.contracts.listing(condition.con_id)
    if listing is None or quote.last is None:
        return False
    if isinstance(condition, VolumeCondition):
        value, bound = float(quote.volume), float(condition.volume)
    elif isinstance(condition, PriceCondition):
        value, bound = float(listing.instrument.decimal(quote.last)), condition.price
    elif quote.close:
        value, bound = PERCENT * (quote.last - quote.close) / quote.close, condition.change_percent
    else:
        return False
    return value >= bound if condition.is_more else value <= bound
