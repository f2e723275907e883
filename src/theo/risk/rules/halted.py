"""Nothing opens while the kill switch is set."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry


def halted(entry: Entry) -> Refused | None:
    """Refuse while halted."""
    if entry.account.halted:
        return Refused("halted", 1, 0, "trading is halted; `theo resume` lifts it, with a reason")
    return None
