"""At most so many trades are opened in one account day."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry
from theo.risk.limits import cap


def trades_per_day(entry: Entry) -> Refused | None:
    """Refuse one more than allowed."""
    most = cap(entry.limits.trades_per_day_max)
    if entry.account.trades_today + 1 > most:
        text = f"{entry.account.trades_today} trades were opened today, at most {most:g}"
        return Refused("trades_per_day", entry.account.trades_today, most, text)
    return None
