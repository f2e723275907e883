"""Exposure in one instrument and in total: |position + opening orders| x price x multiplier."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import cap, quantity_cap


def exposure(entry: Entry) -> Refused | None:
    """Refuse what would stand above a cap once filled."""
    instrument, account, limits = entry.instrument, entry.account, entry.limits
    added = entry.order.quantity * entry.proposal.entry * instrument.unit_value
    here = account.exposure.get(instrument.id, 0) + added
    most = cap(limits.exposure_per_instrument_cash_max)
    if here > most * MICROS:
        text = f"{instrument.symbol}: exposure would be {here / MICROS:,.0f}, at most {most:,.0f}"
        return Refused("exposure", here / MICROS, most, text)
    units, name = quantity_cap(instrument, entry.proposal.entry, limits)
    held = abs(account.positions.get(instrument.id, 0)) + entry.order.quantity
    if held > units:
        return Refused("exposure", held, units, f"{instrument.symbol}: {held} units would be held, {name} allows {units:g}")
    return None
