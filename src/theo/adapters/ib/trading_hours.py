"""IB's texts of trading hours, read: when a contract trades, and in which part of its day it is.

A text is ``20261120:0400-20261120:2000;20261121:CLOSED``, in the time zone that stands beside it. Session tables for bars are
made elsewhere; this is what IB says of the next few days.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from theo.domain.errors import DataError
from theo.domain.market_data import SECOND
from theo.market.sessions import Span
from theo.ports.market_questions import MarketStatus, Phase

CLOSED = "CLOSED"
FORM = "%Y%m%d:%H%M"


def spans(text: str, zone: str) -> list[Span]:
    """The open times of a text, in order. Raises DataError for what is no such text."""
    found: list[Span] = []
    try:
        where = ZoneInfo(zone)
        for part in text.split(";"):
            if part and not part.endswith(CLOSED):
                begins, _, ends = part.partition("-")
                found.append((_moment(begins, where), _moment(ends, where)))
    except (ValueError, KeyError) as error:
        raise DataError(f"IB's trading hours cannot be read: {text!r} in {zone!r}", why=str(error)) from error
    return sorted(found)


def status(trading: list[Span], regular: list[Span], at: int) -> MarketStatus:
    """The phase at a time, by all open times and the regular ones among them."""
    here = _around(regular, at)
    if here is not None:
        return MarketStatus(Phase.REGULAR, here[1])
    whole = _around(trading, at)
    if whole is None:
        return MarketStatus(Phase.CLOSED, min((start for start, _ in trading if start > at), default=0))
    coming = min((start for start, _ in regular if at < start < whole[1]), default=0)
    return MarketStatus(Phase.BEFORE, coming) if coming else MarketStatus(Phase.AFTER, whole[1])


def _around(times: list[Span], at: int) -> Span | None:
    return next(((start, end) for start, end in times if start <= at < end), None)


def _moment(text: str, zone: ZoneInfo) -> int:
    epoch = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    return (datetime.strptime(text, FORM).replace(tzinfo=zone) - epoch) // timedelta(seconds=1) * SECOND
