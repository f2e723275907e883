"""At most so many trades are open at once."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry
from theo.risk.limits import cap


def open_trades(entry: Entry) -> Refused | None:
    """Refuse one more than allowed."""
    most = cap(entry.limits.open_trades_max)
    if entry.account.open_trades + 1 > most:
        return Refused("open_trades", entry.account.open_trades, most, f"{entry.account.open_trades} trades are open, at most {most:g}")
    return None
