"""An index is quoted, never ordered."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry


def tradable(entry: Entry) -> Refused | None:
    """Refuse what cannot be traded."""
    if not entry.instrument.tradable:
        text = f"{entry.instrument.symbol} is an index: it is quoted by last only and cannot be ordered"
        return Refused("tradable", 0, 1, text)
    return None
