"""Whose market data the login may see, live or late, and how a request for others is refused."""

from theo.gateway.desk import DataAccess, Desk, Listing
from theo.gateway.request_refused import RequestRefusedError, invalid

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
WHEN_DELAYED = {LIVE: DELAYED, FROZEN: DELAYED_FROZEN}
SHOWN_DELAYED = 10_167
ADVICE = {
    10_090: "Part of requested market data is not subscribed. Subscription-independent ticks are still active.",
    10_091: "Part of requested market data requires additional subscription for API. See link in 'Market Data Connections' "
    "dialog for more details. Delayed market data is available.",
    SHOWN_DELAYED: "Requested market data is not subscribed. Displaying delayed market data.",
}
API_LINK = "See link in 'Market Data Connections' dialog for more details."


def place(listing: Listing) -> str:
    """The main exchange of a contract."""
    return listing.contract.primary_exchange or listing.contract.exchange


def served_type(desk: Desk, listing: Listing, asked: int) -> int:
    """The market data type that a line gets: who may see live data gets them, also when asking for delayed ones.

    Raises RequestRefusedError (10089, 10168, 354) for what the login may not see.
    """
    access = desk.settings.data_access.get(listing.con_id, DataAccess.LIVE)
    late = asked in {DELAYED, DELAYED_FROZEN}
    if access is DataAccess.LIVE:
        return asked - 2 if late else asked
    if late and access is not DataAccess.NONE:
        return asked
    of_whom = f"{listing.contract.symbol} {place(listing)}/TOP/ALL"
    if access is DataAccess.NOT_FOR_API:
        text = f"Requested market data requires additional subscription for API. {API_LINK}"
        raise RequestRefusedError(10_089, f"{text}Delayed market data is available.{of_whom}")
    if access is DataAccess.DELAYED:
        raise RequestRefusedError(10_168, "Requested market data is not subscribed. Delayed market data is not enabled.")
    raise RequestRefusedError(354, f"Requested market data is not subscribed.{of_whom}")


def is_live(desk: Desk, listing: Listing) -> bool:
    """Whether the login may see a contract's live market, and with it its ticks, bars and book."""
    return desk.settings.data_access.get(listing.con_id, DataAccess.LIVE) is DataAccess.LIVE


def refuse_continuous(listing: Listing, where: str) -> None:
    """A continuous future has a past, and no market of its own. Raises 321."""
    if listing.contract.sec_type == "CONTFUT":
        raise invalid(where, "Please enter a valid security type")
