"""Contracts of futures and options are counted: in one trade, and held or working in one instrument."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry
from theo.risk.limits import contract_caps


def contracts(entry: Entry) -> Refused | None:
    """Refuse more contracts than one trade, or one instrument, may have."""
    caps = contract_caps(entry.instrument, entry.limits)
    if caps is None:
        return None
    asked = entry.order.quantity
    for held, (most, name) in zip((entry.account.held(entry.instrument.id), 0), caps, strict=True):
        if held + asked > most:
            text = f"{entry.instrument.symbol}: {held + asked} contracts, {name} allows {most}"
            return Refused("contracts", held + asked, most, text)
    return None
