"""The wire to the exchange: requests and reports lost, late, doubled and out of order. Behind it stands the real venue."""

import heapq
from collections import deque
from collections.abc import Iterable

import msgspec

from tests.sim.order_path.check import Violation
from tests.sim.order_path.clock import SimClock
from tests.sim.order_path.crash import CrashPoints
from tests.sim.order_path.draws import DELAY_MAX, Draws
from theo.domain.approval import Approved
from theo.domain.inputs import Input, LinkChanged
from theo.domain.market_data import SECOND
from theo.domain.orders import Amendment, Ticket
from theo.domain.reports import BookReported, OrderReport, SendFailed, SendUnknown
from theo.ports.broker import Answer
from theo.venue.exchange import Venue

DOWN_MAX = 60_000_000
SENDS_A_MINUTE_MAX = 60


class FaultyLink:
    """Implements ports.broker.Broker. What is on its way to us is lost with a crash and with the link.

    ``local``: as an exchange in the same process it says that nothing unlisted is on its way.
    """

    def __init__(self, venue: Venue, clock: SimClock, draws: Draws, points: CrashPoints, *, local: bool) -> None:
        self._venue, self._clock, self._draws, self._points = venue, clock, draws, points
        self._local = local
        self._answer: Answer = print
        self._flying: list[tuple[int, int, Input]] = []
        self._number = 0
        self._up_at = 0
        self._sent: deque[int] = deque(maxlen=SENDS_A_MINUTE_MAX)
        self.entries_at: list[tuple[int, str]] = []

    async def connect(self, answer: Answer) -> None:
        """Answers go to ``answer``."""
        self._points.pass_by("connect:before")
        self._answer = answer
        if self._down():
            now = self._clock.now()
            self._fly(now, LinkChanged(now, False, "not back yet"))
            self._fly(self._up_at, LinkChanged(self._up_at, True, "back"))
        self._points.pass_by("connect:after")

    async def place(self, ticket: Approved[Ticket]) -> None:
        """The request may not arrive, and its answers may not return."""
        orders = ticket.subject.orders
        self._no_storm()
        if self._down():
            self._say([SendFailed(self._clock.now(), o.id, "the link is down") for o in orders])
            return
        draw, rates = self._draws.net, self._draws.rates
        self._points.pass_by("place:before", chance=draw.random() < rates.crash)
        if draw.random() < rates.request_lost:
            self._lose([o.id for o in orders])
            return
        reports = self._venue.place(ticket.subject, self._clock.now())
        self.entries_at += [(self._clock.now(), o.id) for o in orders if o.role == "entry"]
        self._points.pass_by("place:after", chance=draw.random() < rates.crash)
        if draw.random() < rates.answer_lost:
            self._lose([o.id for o in orders])
            return
        self._say(reports)

    def _no_storm(self) -> None:
        """Whatever goes wrong, orders are not sent without end."""
        self._sent.append(self._clock.now())
        if len(self._sent) == SENDS_A_MINUTE_MAX and self._clock.now() - self._sent[0] < 60 * SECOND:
            raise Violation(f"{SENDS_A_MINUTE_MAX} tickets within a minute")

    def _lose(self, orders: list[str]) -> None:
        """Nothing comes back; sometimes we are told so."""
        if self._draws.net.random() < 0.5:
            self._say([SendUnknown(self._clock.now(), order, "no answer") for order in orders])

    async def amend(self, amendment: Approved[Amendment]) -> None:
        """Lost when the link is down."""
        if not self._down():
            self._points.pass_by("amend:before", chance=self._draws.net.random() < self._draws.rates.crash)
            self._say(self._venue.amend(amendment.subject, self._clock.now()))
            self._points.pass_by("amend:after", chance=self._draws.net.random() < self._draws.rates.crash)

    async def cancel(self, order: str) -> None:
        """Lost when the link is down."""
        if not self._down():
            self._points.pass_by("cancel:before", chance=self._draws.net.random() < self._draws.rates.crash)
            self._say(self._venue.cancel(order, self._clock.now()))
            self._points.pass_by("cancel:after", chance=self._draws.net.random() < self._draws.rates.crash)

    async def cancel_everything(self) -> None:
        """Lost when the link is down."""
        if not self._down():
            self._say(self._venue.cancel_everything(self._clock.now()))

    async def ask_book(self) -> None:
        """Answered when the link is up; the answer may be late, too."""
        if not self._down():
            self._points.pass_by("ask_book:before", chance=self._draws.net.random() < self._draws.rates.crash)
            book = self._venue.book(self._clock.now())
            self._say([msgspec.structs.replace(book, nothing_in_flight=self._local)])
            self._points.pass_by("ask_book:after", chance=self._draws.net.random() < self._draws.rates.crash)

    async def close(self) -> None:
        """Nothing is kept here."""

    def market(self, reports: Iterable[OrderReport]) -> None:
        """Reports of the exchange's own accord; while the link is down they are lost for good."""
        if not self._down():
            self._say(reports)
        if self._draws.net.random() < self._draws.rates.link_down:
            self._break()

    def _break(self) -> None:
        now = self._clock.now()
        self._up_at = now + int(self._draws.net.random() * DOWN_MAX)
        self._flying.clear()
        self._fly(now, LinkChanged(now, False, "reset"))
        self._fly(self._up_at, LinkChanged(self._up_at, True, "back"))

    def _down(self) -> bool:
        return self._clock.now() < self._up_at

    def _say(self, reports: Iterable[OrderReport | BookReported]) -> None:
        draw, rates = self._draws.net, self._draws.rates
        for report in reports:
            late = int(draw.random() * DELAY_MAX) if draw.random() < rates.delayed else 0
            self._fly(self._clock.now() + late, report)
            if draw.random() < rates.doubled:
                self._fly(self._clock.now() + int(draw.random() * DELAY_MAX), report)

    def _fly(self, at: int, item: Input) -> None:
        self._number += 1
        heapq.heappush(self._flying, (at, self._number, item))

    def next_arrival(self) -> int:
        """When the next message arrives."""
        return self._flying[0][0] if self._flying else 1 << 62

    def deliver(self) -> None:
        """Hand over what has arrived by now, stamped with its arrival."""
        while self._flying and self._flying[0][0] <= self._clock.now():
            _, _, item = heapq.heappop(self._flying)
            self._answer(msgspec.structs.replace(item, at=self._clock.now()))
