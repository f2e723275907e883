"""One trade risks at most so many per cent of equity."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import cap


def trade_risk(entry: Entry) -> Refused | None:
    """Refuse a loss at the stop above the limit."""
    most = cap(entry.limits.trade_risk_percent_max)
    if entry.risk > entry.account.equity * most / 100.0:
        percent = 100.0 * entry.risk / max(1, entry.account.equity)
        text = f"the trade risks {entry.risk / MICROS:,.2f}, {percent:.2f} % of equity, at most {most:g} %"
        return Refused("trade_risk", percent, most, text)
    return None
