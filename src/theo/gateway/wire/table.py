"""Every message that the wire knows, found by its number or by the type of its value."""

from collections.abc import Mapping

from theo.gateway.wire.messages import account, contracts, history, market_data, orders, others, session
from theo.gateway.wire.schema import Direction, Entry, Message

REQUESTS: tuple[Entry, ...] = (
    *session.REQUESTS,
    *market_data.REQUESTS,
    *contracts.REQUESTS,
    *history.REQUESTS,
    *orders.REQUESTS,
    *account.REQUESTS,
)
ANSWERS: tuple[Entry, ...] = (
    *session.ANSWERS,
    *market_data.ANSWERS,
    *contracts.ANSWERS,
    *history.ANSWERS,
    *orders.ANSWERS,
    *account.ANSWERS,
    *others.ANSWERS,
)
ENTRIES = (*REQUESTS, *ANSWERS)
BY_MESSAGE: Mapping[type[Message], Entry] = {entry.message: entry for entry in ENTRIES}


def by_number(direction: Direction) -> Mapping[str, tuple[Entry, ...]]:
    """The entries of a direction by their number as it is written."""
    found: dict[str, tuple[Entry, ...]] = {}
    for entry in ENTRIES:
        if entry.direction is direction:
            number = str(entry.message_id)
            found[number] = (*found.get(number, ()), entry)
    return found
