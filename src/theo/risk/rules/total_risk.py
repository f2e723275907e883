"""All open trades together risk at most so many per cent of equity."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import percent_cap


def total_risk(entry: Entry) -> Refused | None:
    """Refuse what would lift the sum of losses at the stops above the limit."""
    limit = entry.limits.total_risk_percent_max
    most = percent_cap(entry.account.equity, limit)
    total = entry.account.open_risk + entry.loss
    if total > most:
        text = f"open trades would risk {total / MICROS:,.2f}, {limit} % of equity is {most / MICROS:,.2f}"
        return Refused("total_risk", total / MICROS, most / MICROS, text)
    return None
