"""Which time a request is about: from its end back to where its duration begins, in sessions as IB counts."""

from datetime import date, timedelta

from theo.domain.market_data import DAY, SECOND
from theo.gateway.desk import Listing
from theo.gateway.history.asked import SMALL, BarSize, Duration, Span
from theo.gateway.history.date_texts import date_of
from theo.gateway.open_hours import open_spans, sessions_within, spans_of
from theo.gateway.times import EPOCH, local
from theo.market.sessions import Session

SECONDS_LOOK_MAX = 21 * DAY  # a day's worth of open seconds lies within it, holidays included
DAYS_A_SESSION_MAX = 3  # and as many sessions within so many days each
SMALL_BACK_MAX = 183 * DAY  # bars of up to 30 seconds are kept for half a year
MONTHS_A_YEAR = 12
FEBRUARY_DAYS = 28  # every month has so many


def begin_of(listing: Listing, end: int, asked_for: Duration, size: BarSize, *, regular: bool) -> int | None:
    """Where a duration that ends at ``end`` begins, at a bar's start; None when nothing was open in it."""
    if asked_for.unit == "S":
        begin = _seconds_back(listing, end, asked_for.count * SECOND, regular=regular)
        return begin if begin is None or not size.length else begin - begin % size.length
    sessions = _sessions_back(listing, end, asked_for, size, regular=regular)
    return spans_of(sessions[0], regular=regular)[0][0] if sessions else None


def earliest(now: int, size: BarSize) -> int:
    """Before that there are no bars of a size."""
    return now - SMALL_BACK_MAX if 0 < size.length <= SMALL else 0


def _seconds_back(listing: Listing, end: int, wanted: int, *, regular: bool) -> int | None:
    """Open time is counted, so that a request at a weekend is about Friday."""
    spans = open_spans(listing.hours, end - SECONDS_LOOK_MAX, end, regular=regular)
    for opens, closes in reversed(spans):
        if closes - opens >= wanted:
            return closes - wanted
        wanted -= closes - opens
    return spans[0][0] if spans else None


def _sessions_back(listing: Listing, end: int, asked_for: Duration, size: BarSize, *, regular: bool) -> list[Session]:
    if asked_for.unit == "D":
        low = end - (asked_for.count * DAYS_A_SESSION_MAX + 7) * DAY
        return sessions_before(listing, low, end, regular=regular)[-asked_for.count :]
    last = local(end - 1, listing.time_zone).date()
    first = _date_back(last, asked_for)
    if size.span is Span.WEEK:
        first -= timedelta(days=first.weekday() + 1)  # a week is whole
    elif size.span is Span.MONTH:
        first = first.replace(day=1) - timedelta(days=1)
    low = ((first - EPOCH.date()).days - 1) * DAY
    return [s for s in sessions_before(listing, low, end, regular=regular) if date_of(s.date) > first]


def sessions_before(listing: Listing, start: int, end: int, *, regular: bool) -> list[Session]:
    """Sessions that have begun before ``end`` and touch ``start`` to ``end``."""
    found = sessions_within(listing.hours, start, end)
    return [s for s in found if spans_of(s, regular=regular) and spans_of(s, regular=regular)[0][0] < end]


def _date_back(last: date, asked_for: Duration) -> date:
    """The last day that is no more of it: a week before Friday is Friday, and the week begins on the Monday after."""
    if asked_for.unit == "W":
        return last - timedelta(weeks=asked_for.count)
    months = asked_for.count * (MONTHS_A_YEAR if asked_for.unit == "Y" else 1)
    year, month = divmod(last.year * MONTHS_A_YEAR + last.month - 1 - months, MONTHS_A_YEAR)
    return date(max(year, 1), month + 1, min(last.day, FEBRUARY_DAYS))
