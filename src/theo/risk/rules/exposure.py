"""Exposure in one instrument: |position + opening orders| x price x multiplier, in cash."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import STOCKS, cash_cap


def exposure(entry: Entry) -> Refused | None:
    """Refuse what would stand above a cap once filled."""
    instrument, limits = entry.instrument, entry.limits
    here = entry.account.exposure.get(instrument.id, 0) + entry.worth
    caps = [cash_cap(limits.exposure_per_instrument_cash_max)]
    if instrument.security_type in STOCKS:
        caps.append(cash_cap(limits.stock_position_cash_max))
    most = min(caps)
    if here > most:
        text = f"{instrument.symbol}: exposure would be {here / MICROS:,.0f}, at most {most / MICROS:,.0f}"
        return Refused("exposure", here / MICROS, most / MICROS, text)
    return None
