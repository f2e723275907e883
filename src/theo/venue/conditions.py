"""Orders that the price of another instrument sets off: they sleep beside the market of their own until then.

A condition is looked at when the other instrument trades in its hours, and when the order begins to work: what is met already
sets it off at once, as at IB. From then on the order works like any other, and is not put to sleep again.
"""

from collections.abc import Mapping

from theo.domain.orders import Order
from theo.venue.books import LIVE, Books, Standing
from theo.venue.opening import Opening
from theo.venue.order_book import OrderBook

Prices = tuple[int, int]  # the lowest and the highest of an event


class Conditions:
    """``watched``: instruments whose prices may set off an order."""

    __slots__ = ("_book", "_opening", "watched")

    def __init__(self, book: OrderBook, opening: Mapping[int, Opening]) -> None:
        self._book, self._opening = book, opening
        self.watched: set[int] = set()

    def restore(self, books: Books) -> None:
        """Go on with these books."""
        conditions = (held.order.condition for held in books.orders.values() if held.standing in LIVE)
        self.watched = {condition.instrument for condition in conditions if condition is not None}

    def begin(self, order: Order, at: int) -> None:
        """An order is taken, or its parent was filled: what has happened already counts."""
        if order.condition is None:
            return
        self.watched.add(order.condition.instrument)
        last = self._book.market(order.condition.instrument).last()
        if last is not None:
            self.look(order.condition.instrument, (last, last), at)

    def look(self, instrument: int, prices: Prices, when: int) -> None:
        """Prices of an instrument that is watched."""
        waiting = self._book.set_off_by(instrument)
        if not waiting:
            self.watched.discard(instrument)
        for held in waiting:
            condition = held.order.condition
            if held.standing is not Standing.WORKING or held.triggered or condition is None or not condition.met_by(*prices):
                continue
            if self._opening[instrument].is_open(when, outside_rth=held.order.outside_rth):
                held.triggered, held.active_at = True, max(held.active_at, when)
                self._book.wake(held.order.instrument)
