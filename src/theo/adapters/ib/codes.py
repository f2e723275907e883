"""IB's error codes: who is meant, what it means, what to do. One table; a code that is not in it is a question for a person.

Sources: IB's "Message Codes" page, and public issue threads for what the page gets wrong (10349 and 399 are notices of orders
that live on; 10147 and 10148 are final answers to a cancel).
"""

from enum import StrEnum
from types import MappingProxyType

import msgspec


class Kind(StrEnum):
    """Who must do something about it."""

    ADVISORY = "advisory"  # nothing is refused: ticks, orders or rows still follow
    DATA = "data"  # a subscription or a historical question ends or never begins
    SESSION = "session"  # the link between TWS and IB, or between TWS and us
    ORDER = "order"  # an order or an action on it is refused
    OURS = "ours"  # we asked wrongly: a defect of this platform or of its configuration


class Meaning(msgspec.Struct, frozen=True):
    """``remedy`` is what a person can do; "" where the platform does it."""

    kind: Kind
    text: str
    remedy: str = ""


A, D, S, R, U = Kind.ADVISORY, Kind.DATA, Kind.SESSION, Kind.ORDER, Kind.OURS
SUBSCRIBE = "Subscribe to the exchange's data in IB's client portal, under Settings, Market Data Subscriptions"

CODES: MappingProxyType[int, Meaning] = MappingProxyType(
    {
        0: Meaning(A, "TWS warns of the message rate"),
        100: Meaning(U, "more than 50 messages in a second", "Report it: the request budget should have prevented it"),
        101: Meaning(
            D, "no market data line is left", "Watch fewer symbols or buy a quote booster pack; TWS's windows use lines too"
        ),
        102: Meaning(U, "the request id is in use"),
        103: Meaning(R, "the order id was used before"),
        104: Meaning(R, "a filled order cannot be changed"),
        105: Meaning(R, "the change differs from the original order in what may not be changed"),
        110: Meaning(R, "the price is not on the contract's tick grid"),
        135: Meaning(R, "TWS does not know the order"),
        136: Meaning(R, "the order cannot be cancelled"),
        161: Meaning(R, "the order cannot be cancelled in its state"),
        162: Meaning(D, "history was refused: no data, too fast, or cancelled; the text says which"),
        165: Meaning(A, "a notice of the history service"),
        166: Meaning(D, "history of an expired contract is not kept so long"),
        200: Meaning(D, "no contract, or more than one, fits the description", "Check symbol, exchange, currency and month"),
        201: Meaning(R, "the order was rejected; the reason is IB's text"),
        202: Meaning(R, "the order was cancelled; the reason is IB's text"),
        300: Meaning(U, "the subscription is not known"),
        309: Meaning(D, "more than three market depth subscriptions"),
        310: Meaning(U, "the depth subscription is not known"),
        317: Meaning(A, "market depth was reset: it is rebuilt"),
        320: Meaning(U, "TWS could not read a field"),
        321: Meaning(
            U,
            "TWS found the request invalid, or its API is read-only",
            "If the text says read-only: untick Read-Only API in TWS's API settings",
        ),
        322: Meaning(U, "TWS could not work the request off"),
        326: Meaning(
            S, "the client id is in use", "Another program, or another theo, is connected with it: end it or set [ib] client_id"
        ),
        329: Meaning(R, "the order cannot be changed to another type"),
        354: Meaning(D, "market data is not subscribed", SUBSCRIBE),
        366: Meaning(D, "the historical question is not known any more"),
        382: Meaning(
            R, "the size breaks a precautionary limit of TWS", "Raise it, or tick Bypass Order Precautions for API Orders"
        ),
        383: Meaning(
            R, "the size breaks a precautionary limit of TWS", "Raise it, or tick Bypass Order Precautions for API Orders"
        ),
        399: Meaning(A, "a notice of an order that lives on, such as: it waits for the open"),
        404: Meaning(A, "the shares to sell short are being located; the order is held"),
        420: Meaning(D, "real-time data was asked for too often"),
        434: Meaning(R, "the order's size is zero"),
        492: Meaning(A, "a notice of an order"),
        502: Meaning(S, "nothing listens at the address", "Start TWS or IB Gateway, and tick Enable ActiveX and Socket Clients"),
        504: Meaning(S, "there is no connection"),
        507: Meaning(S, "the connection broke"),
        1100: Meaning(S, "TWS has lost IB's servers: fills of now are not reported until asked for"),
        1101: Meaning(S, "TWS has IB's servers again, and has lost all subscriptions"),
        1102: Meaning(S, "TWS has IB's servers again, and says that it kept the subscriptions"),
        1300: Meaning(S, "TWS's port was changed", "Set [ib] port to the new one"),
        2100: Meaning(A, "another account's updates take the place of these"),
        2101: Meaning(A, "another client has the account's updates"),
        2102: Meaning(R, "the order cannot be changed yet: it is still being worked on"),
        2103: Meaning(A, "a market data farm is broken: its streams may stay dead after it returns"),
        2104: Meaning(A, "a market data farm is there"),
        2105: Meaning(A, "a history farm is broken"),
        2106: Meaning(A, "a history farm is there"),
        2107: Meaning(A, "a history farm sleeps until it is asked"),
        2108: Meaning(A, "a market data farm sleeps until it is asked"),
        2109: Meaning(A, "outsideRth has no meaning for the contract and is ignored"),
        2110: Meaning(S, "TWS has lost IB's servers and tries to get them back"),
        2119: Meaning(A, "a market data farm connects"),
        2137: Meaning(A, "closing order: TWS warns that it is larger than the position"),
        2157: Meaning(A, "the contract farm is broken"),
        2158: Meaning(A, "the contract farm is there"),
        10006: Meaning(R, "the parent order has not arrived yet"),
        10089: Meaning(D, "this data needs a further subscription; delayed data may be had", SUBSCRIBE),
        10090: Meaning(A, "part of the data is not subscribed; the rest follows", SUBSCRIBE),
        10091: Meaning(A, "part of the data needs a further subscription; delayed data follows", SUBSCRIBE),
        10147: Meaning(R, "the order to cancel is not known; nothing more follows"),
        10148: Meaning(R, "the order cannot be cancelled; the text says what became of it"),
        10167: Meaning(A, "not subscribed: delayed data follows", SUBSCRIBE),
        10168: Meaning(D, "not subscribed, and delayed data is switched off", SUBSCRIBE),
        10185: Meaning(D, "tick-by-tick data failed"),
        10186: Meaning(D, "not subscribed, and delayed data is switched off", SUBSCRIBE),
        10187: Meaning(D, "historical ticks failed"),
        10189: Meaning(D, "tick-by-tick data is not granted", SUBSCRIBE),
        10190: Meaning(D, "the most tick-by-tick subscriptions are in use"),
        10197: Meaning(
            D, "another session with the same login takes the data", "Log the other session out, or give theo a login of its own"
        ),
        10225: Meaning(D, "real-time bars were broken off: ask again"),
        10311: Meaning(
            R, "a precaution of TWS holds orders that are routed directly", "Tick Bypass Order Precautions for API Orders"
        ),
        10329: Meaning(R, "a precaution of TWS holds the order", "Tick Bypass Order Precautions for API Orders"),
        10349: Meaning(A, "an order preset set the time in force to DAY; the order lives", "Remove the preset in TWS"),
    }
)
FARMS = range(2100, 2200)


def meaning(code: int) -> Meaning:
    """What a code means. An unknown one of the 2100s is an advisory, as IB numbers them; any other is an order's or ours."""
    known = CODES.get(code)
    if known is not None:
        return known
    return Meaning(A if code in FARMS else U, "a code that this platform does not know", "Report it with IB's text")
