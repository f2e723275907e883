"""Total exposure is at most a multiple of equity."""

from theo.domain.approval import Refused
from theo.domain.instrument import MICROS
from theo.risk.entry import Entry
from theo.risk.limits import cap


def leverage(entry: Entry) -> Refused | None:
    """Refuse what would lift leverage above its limit, and everything when there is no equity."""
    added = entry.order.quantity * entry.proposal.entry * entry.instrument.unit_value
    total = entry.account.total_exposure + added
    most = cap(entry.limits.leverage_max)
    if entry.account.equity <= 0 or total > entry.account.equity * most:
        text = f"exposure would be {total / MICROS:,.0f} on equity of {entry.account.equity / MICROS:,.0f}, leverage at most {most:g}"
        return Refused("leverage", total / max(1, entry.account.equity), most, text)
    return None
