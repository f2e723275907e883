"""What a person asks of orders, read against the instruments that are traded: prices in words to price units, or a refusal.

What cannot be done is raised as UnfitError on the way, and is the command's outcome: a mistake of a person is no error of ours.
"""

from decimal import Decimal, InvalidOperation
from math import ceil
from typing import TypeVar

import msgspec

from theo.domain.approval import Refused
from theo.domain.asked import Asked, unbounded
from theo.domain.errors import DataError
from theo.domain.instrument import MICROS, Instrument
from theo.domain.orders import OrderType, Side
from theo.engine.state import State, TradeState
from theo.engine.world import World

MANUAL = "manual"  # the configuration that trades opened by hand belong to
Judged = TypeVar("Judged")
PER_CENT = "%"
MONEY_MAX = 2**53  # micros of one order, nine billion: sums of many stay within 64 bits, and a float holds it exactly
TEXT_MAX = 40  # characters of a price: more is no price


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command: whether it was carried out, in words, with which orders, or which rule refused it.

    Of a signal that is made or withdrawn ``orders`` has its id.
    """

    accepted: bool
    text: str
    orders: tuple[str, ...] = ()
    refused: Refused | None = None


class UnfitError(Exception):
    """What was asked cannot be done; ``refused`` says why."""

    def __init__(self, rule: str, text: str, value: float = 0.0, limit: float = 0.0) -> None:
        self.refused = Refused(rule, value, limit, text)
        super().__init__(text)


def passed(judged: Judged | Refused) -> Judged:
    """What risk lets pass; raises UnfitError for a refusal."""
    if isinstance(judged, Refused):
        raise UnfitError(judged.rule, judged.text, judged.value, judged.limit)
    return judged


def within_bounds(asked: Asked) -> None:
    """Raise UnfitError, whose rule is the field, for a number that no order can have."""
    beyond = unbounded(asked)
    if beyond is not None:
        raise UnfitError(beyond.field, f"{beyond.what}. {beyond.remedy}")


def countable(instrument: Instrument, quantity: int, *prices: int | None) -> None:
    """Raise UnfitError for more money than is counted."""
    worth = abs(quantity) * max(abs(price or 0) for price in prices) * instrument.unit_value
    if worth > MONEY_MAX:
        text = (
            f"{quantity:,} {instrument.symbol} are worth {worth // MICROS:,}: no order is worth {MONEY_MAX // MICROS:,} or more"
        )
        raise UnfitError("quantity", text, worth / MICROS, MONEY_MAX / MICROS)


def instrument_of(world: World, symbol: str) -> Instrument:
    """The instrument that this run listens to under the symbol: one that a rule set reads, and that its record names."""
    heard = {series.instrument.symbol: series.instrument for series in world.market.every_series()}
    if symbol in heard:
        return heard[symbol]
    known = ", ".join(sorted(heard))
    raise UnfitError("instrument", f"{symbol} is not listened to by this run; it knows {known}")


def last_price(world: World, instrument: Instrument) -> int:
    """The last price; without one nobody can say what an order would risk."""
    last = world.market.last.get(instrument.id)
    if last is None:
        raise UnfitError("prices", f"{instrument.symbol}: no price has come yet, so that no order in it can be judged")
    return last


def price_of(text: str, instrument: Instrument) -> int | None:
    """A price in words as price units; None for none."""
    if not text:
        return None
    try:
        units = instrument.units(_decimal(text, instrument))
    except DataError as error:
        raise UnfitError("prices", str(error)) from error
    if units <= 0 or units % instrument.tick:
        tick = instrument.text(instrument.tick)
        raise UnfitError("prices", f"{instrument.symbol}: {text} is not on the tick grid of {tick}", units, instrument.tick)
    return units


def level_of(text: str, instrument: Instrument, entry: int, side: Side, away: int) -> int | None:
    """A price, or per cent of the planned entry: behind it (``away`` -1) or beyond it (+1) for a trade of ``side``.

    Sell stops and buy limits round down, buy stops and sell limits up.
    """
    if not text.endswith(PER_CENT):
        return price_of(text, instrument)
    part = _decimal(text[:-1], instrument) / 100
    if part <= 0:
        raise UnfitError("prices", f"{instrument.symbol}: {text} is no distance; name a positive number of per cent")
    up = side.sign * away > 0
    return entry + (1 if up else -1) * instrument.tick * ceil(part * entry / instrument.tick)


def wrong_side(kind: OrderType, side: Side, trigger: int | None, last: int, instrument: Instrument) -> None:
    """Raise UnfitError for a trigger that the market has passed already: the order would fire at once."""
    if trigger is None or kind is OrderType.TRAILING_STOP or side.sign * (trigger - last) > 0:
        return
    where = "above" if side is Side.BUY else "below"
    text = (
        f"{instrument.symbol}: a {side} stop at {instrument.text(trigger)} is not {where} the last price {instrument.text(last)}"
    )
    raise UnfitError("prices", f"{text}: it would fire at once", trigger, last)


def open_trade_of(state: State, trade: str) -> TradeState:
    """A trade that is not over."""
    if trade not in state.open_trades:
        raise UnfitError("trade", f"no open trade {trade}; open are {', '.join(state.open_trades) or 'none'}")
    return state.trades[trade]


def _decimal(text: str, instrument: Instrument) -> Decimal:
    """Raises UnfitError for what is no number that can be a price."""
    try:
        number = Decimal(text) if len(text) <= TEXT_MAX else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number.adjusted()) > TEXT_MAX:
        raise UnfitError("prices", f"{instrument.symbol}: {text!r:.60} is no price")
    return number
