"""How many: floor(equity x risk % / risk per unit / contract_size) x contract_size, then lowered to every limit.

Risk per unit = |entry - stop| x unit value + slippage and round-trip charges, in whole micros (DOMAIN, "Sizing"). Where an order
has minimum charges the costs of a unit depend on how many there are: then the largest quantity whose loss at the stop fits.
A stop is never moved to make a size fit; zero is a refusal with its reason.
"""

from collections.abc import Callable

import msgspec

from theo.domain.approval import Refused
from theo.domain.errors import ConfigError
from theo.domain.instrument import MICROS, Instrument
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.limits import (
    STOCKS,
    UNBOUNDED,
    Limits,
    cash_cap,
    contract_caps,
    leverage_cap,
    millionths,
    percent_cap,
)

Costs = Callable[[int], int]  # quantity -> micros: exit slippage and round-trip charges of so many units, never falling
Bound = tuple[int, str]  # the most units, and what says so


class Sizing(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration's own wish: per cent of equity at risk in one trade, and the most it will hold. Raises ConfigError."""

    risk_percent: float = 1.0
    quantity_max: int = 1_000_000

    def __post_init__(self) -> None:
        if not 0 < self.risk_percent <= 100 or millionths(self.risk_percent) == 0:  # noqa: PLR2004 - per cent
            raise ConfigError(f"risk_percent is {self.risk_percent}", why="it is per cent of equity", remedy="Use 0.0001 to 100")
        if self.quantity_max < 1:
            raise ConfigError(f"quantity_max is {self.quantity_max}", remedy="Use 1 or more")


class Sized(msgspec.Struct, frozen=True):
    """The quantity, the loss at the stop with costs (micros), what bound it, and that in words."""

    quantity: int
    risk: int
    bound_by: str
    text: str = ""


def size(
    proposal: Proposal, instrument: Instrument, account: AccountView, limits: Limits, sizing: Sizing, cost_per_unit: int
) -> Sized | Refused:
    """The quantity for a proposal; ``cost_per_unit`` is slippage and round-trip charges of one unit, micros."""
    return size_with_costs(proposal, instrument, account, limits, sizing, lambda quantity: quantity * cost_per_unit)


def size_with_costs(
    proposal: Proposal,
    instrument: Instrument,
    account: AccountView,
    limits: Limits,
    sizing: Sizing,
    costs: Costs,
    unit_worth: int = 0,
) -> Sized | Refused:
    """The quantity for a proposal whose costs depend on the quantity. Refused names the binding limit when it is zero.

    ``unit_worth`` is the exposure of one unit, micros, where it is not its price (of an option).
    """
    distance = abs(proposal.entry - proposal.stop) * instrument.unit_value
    if distance == 0:
        return Refused("stop_distance", 0.0, 0.0, f"{instrument.symbol}: entry and stop are the same price")

    def loss(quantity: int) -> int:
        return quantity * distance + costs(quantity)

    bounds = _risk_bounds(proposal, account, limits, sizing, loss)
    bounds += _limit_bounds(instrument, account, limits, unit_worth or proposal.entry * instrument.unit_value)
    most, bound_by = min(bounds, key=lambda bound: bound[0])
    step = instrument.contract_size
    quantity = max(0, most) // step * step
    if quantity == 0:
        text = f"{instrument.symbol}: {bound_by} allows {max(0, most)}, the smallest order is {step}; {step} risks "
        return Refused(bound_by, float(max(0, most)), float(step), f"{text}{loss(step) / MICROS:,.2f}")
    text = f"{quantity} {instrument.symbol} risks {loss(quantity) / MICROS:,.2f}, bound by {bound_by}"
    if most < bounds[0][0]:
        text += f"; {bounds[0][1]} would allow {bounds[0][0]}"
    return Sized(quantity, loss(quantity), bound_by, text)


def _risk_bounds(
    proposal: Proposal, account: AccountView, limits: Limits, sizing: Sizing, loss: Callable[[int], int]
) -> list[Bound]:
    """What the loss at the stop allows: the wish first, then the limits on risk."""
    equity = account.equity
    if proposal.quantity:
        wish = (proposal.quantity, "asked")
    else:
        wish = (_most(loss, equity * millionths(sizing.risk_percent) // 1_000_000), "risk_percent")
    return [
        wish,
        (sizing.quantity_max, "quantity_max"),
        (_most(loss, percent_cap(equity, limits.trade_risk_percent_max)), "trade_risk_percent_max"),
        (_most(loss, percent_cap(equity, limits.total_risk_percent_max) - account.open_risk), "total_risk_percent_max"),
    ]


def _limit_bounds(instrument: Instrument, account: AccountView, limits: Limits, unit: int) -> list[Bound]:
    """What the limits on exposure and contracts leave room for."""
    here = account.exposure.get(instrument.id, 0)
    room: list[Bound] = [
        (cash_cap(limits.exposure_per_instrument_cash_max) - here, "exposure_per_instrument_cash_max"),
        (leverage_cap(account.equity, limits.leverage_max) - account.total_exposure, "leverage_max"),
    ]
    if instrument.security_type in STOCKS:
        room.append((cash_cap(limits.stock_position_cash_max) - here, "stock_position_cash_max"))
        room.append((leverage_cap(account.equity, limits.stock_leverage_max) - account.stock_exposure, "stock_leverage_max"))
    bounds = [(cash // unit if unit > 0 else 0, name) for cash, name in room]
    caps = contract_caps(instrument, limits)
    if caps is not None:
        (most_held, held_name), one_trade = caps
        bounds += [(most_held - account.held(instrument.id), held_name), one_trade]
    return bounds


def _most(loss: Callable[[int], int], budget: int) -> int:
    """The largest quantity whose loss is within a budget; ``loss`` never falls and rises by at least 1 micro a unit."""
    if budget >= UNBOUNDED >> 1:
        return UNBOUNDED
    if budget < loss(1):
        return 0
    fits, too_many = 1, 2
    while loss(too_many) <= budget:
        fits, too_many = too_many, too_many * 2
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if loss(middle) <= budget else (fits, middle)
    return fits
