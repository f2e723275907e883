"""Nothing opens while the broker's books and ours may differ."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry


def reconciled(entry: Entry) -> Refused | None:
    """Refuse until the books agree."""
    if not entry.account.reconciled:
        return Refused("reconciled", 0, 1, "the broker's books have not been compared yet, or differ from ours")
    return None
