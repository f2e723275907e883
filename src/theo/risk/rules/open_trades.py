"""At most so many trades are open at once."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry
from theo.risk.limits import count_cap


def open_trades(entry: Entry) -> Refused | None:
    """Refuse one more than allowed."""
    count, most = entry.account.open_trades, count_cap(entry.limits.open_trades_max)
    if count + 1 > most:
        return Refused("open_trades", count, most, f"{count} trades are open, at most {most} may be")
    return None
