"""When an order may go to the exchange, and when its time is over: a contract's hours as orders see them."""

from typing import NamedTuple

from theo.domain.errors import DataError
from theo.domain.market_data import SECOND, SessionScope
from theo.gateway.desk import NEVER, Listing
from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.trading.moments import BAD_MOMENT
from theo.gateway.trading.terms import AT_CLOSE, Terms
from theo.market.sessions import Hours, SessionTable
from theo.venue.opening import Opening

CLOSING_LEAD = 10 * SECOND  # so long before the close an order for the close becomes one for the market: there is no auction


class Release(NamedTuple):
    """From when an order works, and whether it waits for nothing but its market to open."""

    at: int
    closed: bool


class _Calendar(NamedTuple):
    """One session table, ready to be looked up."""

    table: SessionTable
    regular: Hours
    full: Hours
    opening: Opening


class TradingHours:
    """The hours of every calendar, made once."""

    def __init__(self) -> None:
        self._known: dict[str, _Calendar] = {}

    def _of(self, listing: Listing) -> _Calendar:
        table = listing.hours.table
        known = self._known.get(table.calendar)
        if known is None or known.table is not table:
            regular = Hours(table, SessionScope.RTH)
            known = _Calendar(table, regular, Hours(table, SessionScope.ALL), Opening(regular))
            self._known[table.calendar] = known
        return known

    def regular(self, listing: Listing) -> Hours:
        """The hours of ordinary orders, as the exchange takes them."""
        return self._of(listing).regular

    def release(self, terms: Terms, listing: Listing, now: int) -> Release:
        """An order for a day beyond all that is known of the calendar waits for its time alone.

        Raises RequestRefusedError where nobody knows whether the market is open now.
        """
        start = max(now, terms.good_after)
        if terms.good_after > now and not self._knows(listing, start):
            return Release(start, closed=False)
        try:
            if terms.type in AT_CLOSE:
                return Release(self._before_close(listing, start), closed=False)
            if terms.tif == "OPG":
                return Release(self.regular(listing).next_open(start), closed=False)
            opens = self._opens(terms, listing, start)
        except DataError as error:
            raise RequestRefusedError(337, BAD_MOMENT) from error
        return Release(opens, closed=opens > start)

    def _knows(self, listing: Listing, at: int) -> bool:
        try:
            self._of(listing).full.next_open(at)
        except DataError:
            return False
        return True

    def _opens(self, terms: Terms, listing: Listing, start: int) -> int:
        hours = self._of(listing).full if terms.outside_rth else self._of(listing).regular
        return start if hours.is_open(start) else hours.next_open(start)

    def _before_close(self, listing: Listing, start: int) -> int:
        """Shortly before the regular session's end: of the one that is on or comes, with enough of it left."""
        hours = self.regular(listing)
        session = hours.session_around(start)
        if session is None or start > hours.bounds(session)[1] - CLOSING_LEAD:
            session = hours.session_next(start)
        return hours.bounds(session)[1] - CLOSING_LEAD

    def expiry(self, terms: Terms, listing: Listing, now: int) -> int:
        """When an order that begins to work now has outlived its time in force, as far as the exchange does not see to it."""
        if terms.tif == "GTD":
            return terms.good_till
        if terms.tif != "DAY":
            return NEVER
        return self._of(listing).opening.session_end(now, outside_rth=terms.outside_rth)
