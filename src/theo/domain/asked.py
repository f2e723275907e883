"""What a person asks to be done with orders: the typed payloads of commands.

Prices are decimals in words ("5012.25"), or per cent of the planned entry where the field says so ("0.5%"): whoever asks need
not know an instrument's price unit. The core reads them, exactly, against the instrument that it trades. "" leaves one out.
"""

import msgspec

from theo.domain.orders import OrderType, Route, Side, TimeInForce


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
