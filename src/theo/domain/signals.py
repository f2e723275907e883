"""What a strategy proposes and how it explains itself. A proposal is not an order: risk and sizing stand between."""

import msgspec

from theo.domain.orders import OrderType, PriceCondition, Side


class UnderlyingExits(msgspec.Struct, frozen=True, array_like=True):
    """Prices of the underlying (``instrument``, its price units) at which a bought option is sold. ``side`` is the signal's."""

    instrument: int
    side: Side
    stop: int
    target: int | None = None

    def at_stop(self) -> PriceCondition:
        """What sets off the stop."""
        return PriceCondition(self.instrument, self.stop, self.side is Side.SELL)

    def at_target(self) -> PriceCondition | None:
        """What sets off the target; None without one."""
        return None if self.target is None else PriceCondition(self.instrument, self.target, self.side is Side.BUY)


class Proposal(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="proposal", tag_field="_"):
    """Enter ``side`` in ``instrument``. ``entry`` is the planned entry price (the order price, or last for MARKET).

    Prices are price units, on the tick grid. ``stop`` is required: a trade without one is never opened.
    ``quantity`` 0 lets account risk size the order; a positive one asks for so many and is lowered to the limits.
    With ``exits`` an option is bought: its whole premium is at risk (``stop`` is 0), and they say when it is sold.
    """

    instrument: int
    side: Side
    type: OrderType
    entry: int
    stop: int
    target: int | None = None
    quantity: int = 0
    reason: str = ""
    exits: UnderlyingExits | None = None


class Exit(msgspec.Struct, frozen=True, array_like=True, tag="exit", tag_field="_"):
    """Close the open trade of this configuration in ``instrument``."""

    instrument: int
    reason: str


class Evaluation(msgspec.Struct, frozen=True, array_like=True, tag="evaluation"):
    """One look of a strategy at one bar end, fired or not.

    ``numbers`` are the values it saw, in the order of the strategy's ``number_names()``; None where one did not exist yet.
    ``truths`` has bit i set when condition i held, in the order of the strategy's ``conditions()``.
    """

    verdict: str
    numbers: tuple[float | None, ...]
    truths: int
    action: Proposal | Exit | None = None
