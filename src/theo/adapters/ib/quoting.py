"""Bids and offers beside a stream of every trade: a second stream, which lives and ends with the first, and is missed by nobody.

Sampled lines carry quotes of their own. Each of the two streams is one of the few tick-by-tick streams that IB grants.
"""

import contextlib
from collections.abc import MutableMapping

from ib_async.contract import Contract

from theo.adapters.ib.streams import BID_ASK
from theo.adapters.ib.subscription import Subscription
from theo.domain.market_data import SECOND, Tick, TickKind, TimeSource

Side = tuple[float, float]  # price and size, as IB tells them


class Quoting:
    """``listeners``: who listens to which request. What IB does not grant is told once, and asked for with the next stream."""

    def __init__(self, sub: Subscription, listeners: "MutableMapping[int, Quoting]") -> None:
        self._sub, self._listeners = sub, listeners
        self._request = 0
        self._told = ""
        self._sides: dict[TickKind, Side] = {}  # what was handed on last
        self._second = self._count = 0  # of the newest tick, and how many of it there are

    async def ask(self, contract: Contract) -> None:
        """The stream of trades was asked for."""
        link = self._sub.link
        await link.budget.message()
        if self._sub.connected:
            self.forget()
            self._request = link.next_id()
            self._listeners[self._request] = self
            link.client.reqTickByTickData(self._request, contract, "BidAsk", 0, ignoreSize=False)

    async def take_back(self) -> None:
        """The stream of trades is asked for anew, or not wanted any more."""
        link, request = self._sub.link, self._request
        self.forget()
        if request and link.up:
            await link.budget.message()
            with contextlib.suppress(ConnectionError):  # it has gone with the socket
                link.client.cancelTickByTickData(request)

    def forget(self) -> None:
        """There is no stream any more: its socket has gone, or it is about to be asked for anew."""
        self.mute()
        self._request = 0

    def mute(self) -> None:
        """Nothing of it is handed on from now on."""
        self._listeners.pop(self._request, None)

    def refused(self, code: int, text: str) -> None:
        """IB's error on the request."""
        self.forget()
        why = f"{code}: {text}"
        if self._told != why:
            self._told = why
            self._sub.tell("info", "feed_quotes", f"has no bids and offers: {BID_ASK} is not granted ({why})")

    def arrived(self, at: int, seconds: int, bid: Side, ask: Side) -> None:
        """The best quote has changed: ``bid`` and ``ask`` with a price of 0 for none. The side that is new is handed on."""
        for kind, side in ((TickKind.BID, bid), (TickKind.ASK, ask)):
            if side[0] > 0 and self._sides.get(kind) != side:
                self._sides[kind] = side
                self._hand_on(at, seconds, kind, side)

    def _hand_on(self, at: int, seconds: int, kind: TickKind, side: Side) -> None:
        """IB's times are whole seconds: within one the ticks are counted, and a time that goes back stays where it was."""
        second = max(seconds, self._second)
        self._count = self._count + 1 if second == self._second else 0
        self._second = second
        instrument, exchange = self._sub.instrument, int(TimeSource.EXCHANGE)
        price, size = instrument.units_nearest(side[0]), round(side[1])
        self._sub.hand_over(Tick(instrument.id, at, second * SECOND, self._count, int(kind), price, size, 0, exchange, BID_ASK))
