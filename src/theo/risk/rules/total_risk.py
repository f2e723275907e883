"""All open trades together risk at most so many per cent of equity."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import cap


def total_risk(entry: Entry) -> Refused | None:
    """Refuse what would lift the sum of losses at the stops above the limit."""
    most = cap(entry.limits.total_risk_percent_max)
    total = entry.account.open_risk + entry.risk
    if total > entry.account.equity * most / 100.0:
        percent = 100.0 * total / max(1, entry.account.equity)
        text = f"open trades would risk {total / MICROS:,.2f}, {percent:.2f} % of equity, at most {most:g} %"
        return Refused("total_risk", percent, most, text)
    return None
