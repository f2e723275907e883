"""What a person asks to be done with orders: the typed payloads of commands.

Prices are decimals in words ("5012.25"), or per cent of the planned entry where the field says so ("0.5%"): whoever asks need
not know an instrument's price unit. The core reads them, exactly, against the instrument that it trades. "" leaves one out.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from theo.domain.orders import OrderType, Route, Side, TimeInForce

PRICE_MAX: Final = Decimal(1_000_000_000)
QUANTITY_MAX: Final = 2**31 - 1
RISK_PERCENT_MIN: Final = 0.0001  # the step of every limit in per cent
RISK_PERCENT_MAX: Final = 100
_PRICES: Final = ("limit", "trigger", "trail", "stop", "stop_trail", "target")


class EntryAsked(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="entry_asked", tag_field="_"):
    """Open a trade: an entry with its protective stop, and a target if one is named.

    ``limit``, ``trigger`` and ``trail`` are the entry's own prices, as its type needs them. ``stop`` is the protective stop: a
    price, or per cent behind the planned entry; ``stop_trail`` lets it trail by an amount instead, or beginning at ``stop``.
    ``target`` is a price or per cent. ``quantity`` 0 lets ``risk_percent`` of equity size the order.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: int = 0
    risk_percent: float = 1.0
    tif: TimeInForce = TimeInForce.DAY
    limit: str = ""
    trigger: str = ""
    trail: str = ""
    stop: str = ""
    stop_trail: str = ""
    target: str = ""
    outside_rth: bool = False
    route: Route = Route.USUAL


class ExitAsked(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="exit_asked", tag_field="_"):
    """Close an open trade, or a part of it: ``quantity`` 0 means all that is open."""

    trade: str
    type: OrderType
    quantity: int = 0
    tif: TimeInForce = TimeInForce.DAY
    limit: str = ""
    trigger: str = ""
    trail: str = ""


class PairAsked(msgspec.Struct, frozen=True, array_like=True, tag="pair_asked", tag_field="_"):
    """Two entries of which one cancels the other: as soon as anything of one is filled, the other one is given up."""

    first: EntryAsked
    second: EntryAsked


class ChangeAsked(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="change_asked", tag_field="_"):
    """Change a working order. ``id`` is an order's, or a trade's, which means its entry.

    ``quantity``, ``limit``, ``trigger`` and ``trail`` are the order's own; ``stop`` and ``target`` are those of its trade.
    """

    id: str
    quantity: int = 0
    limit: str = ""
    trigger: str = ""
    trail: str = ""
    stop: str = ""
    target: str = ""


class CheckAsked(msgspec.Struct, frozen=True, array_like=True, tag="check_asked", tag_field="_"):
    """Judge an entry, or two, as if they were asked for; nothing is sent."""

    asked: EntryAsked | PairAsked


class SignalAsked(msgspec.Struct, frozen=True, array_like=True, tag="signal_asked", tag_field="_"):
    """Keep an entry as a signal for so long: nothing is sent before it is processed."""

    entry: EntryAsked
    expires_minutes: int


class PromotionAsked(msgspec.Struct, frozen=True, array_like=True, tag="promotion_asked", tag_field="_"):
    """Make a trade of a signal that waits; ``signal`` is its id."""

    signal: str


class MarginTold(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What the broker says that an entry would do, asked without sending it; cash in micros of ``currency``, None for no number.

    ``refused`` is why it would not take the order, or why there is no answer; "" when it would take it.
    """

    initial_change: int | None = None
    maintenance_change: int | None = None
    initial_after: int | None = None
    maintenance_after: int | None = None
    equity_after: int | None = None
    charges: int | None = None
    currency: str = ""
    warning: str = ""
    refused: str = ""


Asked = EntryAsked | ExitAsked | PairAsked | ChangeAsked | CheckAsked | SignalAsked | PromotionAsked


class Unbounded(msgspec.Struct, frozen=True):
    """A field whose number no order can have: what it is, in words, and what it may be."""

    field: str
    what: str
    remedy: str


def unbounded(asked: Asked | None) -> Unbounded | None:
    """The first field beyond the bounds of every order; None where there is none.

    Beyond them sums of money leave 64 bits, and a risk is no step of a limit. What is no number at all its reader finds.
    """
    for part in _parts(asked):
        for name in _PRICES:
            text = getattr(part, name, "")
            if not _is_price(text):
                return Unbounded(name, f"{name} {text:.60} is no price", f"Prices are below {PRICE_MAX:,}")
        if abs(part.quantity) > QUANTITY_MAX:
            return Unbounded("quantity", f"quantity {part.quantity:,}", f"It is {QUANTITY_MAX:,} at most")
        if isinstance(part, EntryAsked) and not RISK_PERCENT_MIN <= part.risk_percent <= RISK_PERCENT_MAX:
            remedy = f"It is per cent of equity: {RISK_PERCENT_MIN} to {RISK_PERCENT_MAX}"
            return Unbounded("risk_percent", f"risk_percent {part.risk_percent:g}", remedy)
    return None


def _parts(asked: Asked | None) -> Iterator[EntryAsked | ExitAsked | ChangeAsked]:
    """The entries, exits and changes of what is asked."""
    if isinstance(asked, PairAsked):
        yield asked.first
        yield asked.second
    elif isinstance(asked, CheckAsked):
        yield from _parts(asked.asked)
    elif isinstance(asked, SignalAsked):
        yield asked.entry
    elif isinstance(asked, EntryAsked | ExitAsked | ChangeAsked):
        yield asked


def _is_price(text: str) -> bool:
    try:
        number = Decimal(text.rstrip("%") or "0")
    except InvalidOperation:
        return True
    return number.is_finite() and abs(number) < PRICE_MAX
