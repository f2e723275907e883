"""Nothing opens while the circuit breaker is tripped."""

from theo.domain.approval import Refused
from theo.risk.entry import Entry


def breaker(entry: Entry) -> Refused | None:
    """Refuse while tripped."""
    if entry.account.breaker_tripped:
        return Refused("breaker", 1, 0, "the circuit breaker is tripped; it resets on the next account day, or by hand")
    return None
