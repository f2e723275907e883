"""One trade risks at most so many per cent of equity."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import percent_cap


def trade_risk(entry: Entry) -> Refused | None:
    """Refuse a loss at the stop above the limit."""
    limit = entry.limits.trade_risk_percent_max
    most = percent_cap(entry.account.equity, limit)
    if entry.loss > most:
        text = f"the trade risks {entry.loss / MICROS:,.2f}, {limit} % of equity is {most / MICROS:,.2f}"
        return Refused("trade_risk", entry.loss / MICROS, most / MICROS, text)
    return None
