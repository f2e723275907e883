"""Whose market data the login may see, live or late, and how a request for others is refused."""

from theo.gateway.desk import DataAccess, Desk, Listing
from theo.gateway.request_refused import RequestRefusedError, invalid

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
WHEN_DELAYED = {LIVE: DELAYED, FROZEN: DELAYED_FROZEN}
SHOWN_DELAYED = 10_167
SEE_LINK = "See link in 'Market Data Connections' dialog for more details."
ADVICE = {
    10_090: "Part of requested market data is not subscribed. Subscription-independent ticks are still active.",
    10_091: f"Part of requested market data requires additional subscription for API. {SEE_LINK}",
    SHOWN_DELAYED: "Requested market data is not subscribed. Displaying delayed market data.",
}
TOP, DEEP = "TOP/ALL", "DEEP/ALL"


def place(listing: Listing) -> str:
    """The main exchange of a contract."""
    return listing.contract.primary_exchange or listing.contract.exchange


def market_place(listing: Listing) -> str:
    """As TWS names it where it speaks of a market: NASDAQ with its market, as in NASDAQ.NMS (its texts of 354, 399 and 10089)."""
    main = place(listing)
    return f"{main}.{listing.contract.trading_class}" if main == "NASDAQ" else main


def delayed_too(listing: Listing, *, available: bool, what: str = TOP) -> str:
    """What TWS appends, without a space: whether data of a contract are to be had late."""
    late = "Delayed market data is available." if available else "Delayed market data is not available."
    return f"{late}{listing.contract.symbol} {market_place(listing)}/{what}"


def advice_text(listing: Listing, code: int) -> str:
    """The text of an advisory about a new line."""
    return ADVICE[code] if code == SHOWN_DELAYED else ADVICE[code] + delayed_too(listing, available=True)


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
    raise refused(desk, listing, TOP)


def refused(desk: Desk, listing: Listing, what: str) -> RequestRefusedError:
    """How a request for data that the login may not see is answered; ``what`` is TOP or DEEP.

    The texts as TWS's own answers have them, quoted in public programs: 354 and 10090 with "WBD NASDAQ.NMS/TOP/ALL", "XLV
    ARCA/TOP/ALL", 10089 with "QQQ NASDAQ.NMS/DEEP".
    """
    access = desk.settings.data_access.get(listing.con_id, DataAccess.LIVE)
    late = delayed_too(listing, available=access is not DataAccess.NONE, what=what)
    if access is DataAccess.NOT_FOR_API:
        text = f"Requested market data requires additional subscription for API. {SEE_LINK}"
        return RequestRefusedError(10_089, text + late)
    if access is DataAccess.DELAYED and what == TOP:
        return RequestRefusedError(10_168, "Requested market data is not subscribed. Delayed market data is not enabled.")
    return RequestRefusedError(354, f"Requested market data is not subscribed.{late}")


def is_live(desk: Desk, listing: Listing) -> bool:
    """Whether the login may see a contract's live market, and with it its ticks, bars and book."""
    return desk.settings.data_access.get(listing.con_id, DataAccess.LIVE) is DataAccess.LIVE


def refuse_continuous(listing: Listing, where: str) -> None:
    """A continuous future has a past, and no market of its own. Raises 321."""
    if listing.contract.sec_type == "CONTFUT":
        raise invalid(where, "Please enter a valid security type")
