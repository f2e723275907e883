"""How many: floor(equity x risk % / risk per unit / contract_size) x contract_size, then lowered to every limit.

Risk per unit = |entry - stop| x unit value + slippage and round-trip charges. A stop is never moved to make a size fit; zero is
a refusal with its reason.
"""

import msgspec

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS, Instrument
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.limits import Limits, cap, quantity_cap


class Sizing(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration's own wish: per cent of equity at risk in one trade, and the most it will hold."""

    risk_percent: float = 1.0
    quantity_max: int = 1_000_000


class Sized(msgspec.Struct, frozen=True):
    """The quantity, the loss at the stop with costs (micros), and what bound it."""

    quantity: int
    risk: int
    bound_by: str


def size(
    proposal: Proposal, instrument: Instrument, account: AccountView, limits: Limits, sizing: Sizing, cost_per_unit: int
) -> Sized | Refused:
    """The quantity for a proposal; ``cost_per_unit`` is slippage and round-trip charges of one unit, micros."""
    per_unit = abs(proposal.entry - proposal.stop) * instrument.unit_value + cost_per_unit
    if per_unit <= 0:
        return Refused("stop_distance", 0.0, 0.0, f"{instrument.symbol}: entry and stop are the same price")
    by_risk = account.equity * min(sizing.risk_percent, cap(limits.trade_risk_percent_max)) / 100.0 / per_unit
    candidates = [(by_risk, "risk_percent"), (float(sizing.quantity_max), "quantity_max")]
    if proposal.quantity:
        by_cap = account.equity * cap(limits.trade_risk_percent_max) / 100.0 / per_unit
        candidates = [(float(proposal.quantity), "asked"), (by_cap, "trade_risk_percent_max")]
    candidates += _limit_candidates(instrument, proposal.entry, account, limits, per_unit)
    most, bound_by = min(candidates)
    step = instrument.contract_size
    quantity = int(max(0.0, most) // step) * step
    if quantity == 0:
        text = f"{instrument.symbol}: {bound_by} allows {most:.3f}, the smallest order is {step}; one risks {per_unit / MICROS:,.2f}"
        return Refused(bound_by, most, float(step), text)
    return Sized(quantity, quantity * per_unit, bound_by)


def _limit_candidates(
    instrument: Instrument, price: int, account: AccountView, limits: Limits, per_unit: int
) -> list[tuple[float, str]]:
    """What each limit of the account leaves room for."""
    unit = price * instrument.unit_value
    held = abs(account.positions.get(instrument.id, 0))
    by_type, name = quantity_cap(instrument, price, limits)
    room_risk = account.equity * cap(limits.total_risk_percent_max) / 100.0 - account.open_risk
    room_here = cap(limits.exposure_per_instrument_cash_max) * MICROS - account.exposure.get(instrument.id, 0)
    room_all = account.equity * cap(limits.leverage_max) - account.total_exposure
    return [
        (by_type - held, name),
        (room_risk / per_unit, "total_risk_percent_max"),
        (room_here / unit if unit > 0 else 0.0, "exposure_per_instrument_cash_max"),
        (room_all / unit if unit > 0 else 0.0, "leverage_max"),
    ]
