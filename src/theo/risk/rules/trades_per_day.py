"""At most so many trades are opened in one account day."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry
from theo.risk.limits import count_cap


def trades_per_day(entry: Entry) -> Refused | None:
    """Refuse one more than allowed."""
    count, most = entry.account.trades_today, count_cap(entry.limits.trades_per_day_max)
    if count + 1 > most:
        return Refused("trades_per_day", count, most, f"{count} trades were opened in this account day, at most {most} may be")
    return None
