"""The fills that a backtest has for the orders of a recorded run: its orders, on its ticks, at the simulated exchange.

Every order, change and cancel goes to the exchange where the record has it, and meets the trades that came after. What a broker
did is left out: a fill that differs changes nothing of the orders that follow, since those are the recorded ones.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from theo.domain.facts import AmendIntended, CancelIntended, OrdersIntended, TradeIntended
from theo.domain.market_data import SECOND, Bar, MarketData, Tick
from theo.domain.reports import OrderFilled, OrderReport
from theo.drive.assembly import Plan, exchange
from theo.engine.codec import Step
from theo.report.recorded_orders import Execution
from theo.venue.exchange import Venue

NEXT_TRADE = 1  # microsecond: an order meets what came after it
AS_IT_CAME_MAX = 2 * SECOND  # a trade that came later than this is of the past: it keeps its own time


def expected_fills(
    plan: Plan, steps: Iterable[Step], items: Iterator[MarketData], watch: Callable[[Step | Tick], None]
) -> list[Execution]:
    """Executions in order. ``watch`` sees every tick and step pass by, in the order of the record."""
    latency = max(plan.venue.latency, NEXT_TRADE) if plan.from_ticks else plan.venue.latency
    plan.venue = msgspec.structs.replace(plan.venue, latency=latency, sizes_limit_fills=False)
    played = _Played(exchange(plan), from_ticks=plan.from_ticks)
    consumed = 0
    for step in steps:
        while consumed < step.consumed and (item := next(items, None)) is not None:
            consumed += 1
            played.take(item, watch)
        watch(step)
        played.step(step)
    for item in items:
        played.take(item, watch)
    return played.executions


def as_it_came(tick: Tick) -> Tick:
    """The tick as the exchange sees it where orders meet it as they were sent: one of now at its arrival."""
    came = tick.at if tick.at - tick.timestamp <= AS_IT_CAME_MAX else tick.timestamp
    return msgspec.structs.replace(tick, timestamp=came)


class _Played:
    """The exchange, fed in the order of the record."""

    def __init__(self, venue: Venue, *, from_ticks: bool) -> None:
        self._venue, self._from_ticks = venue, from_ticks
        self.executions: list[Execution] = []

    def take(self, item: MarketData, watch: Callable[[Step | Tick], None]) -> None:
        """A tick as it came: the exchange's whole seconds would hide which trades came after an order.

        Bars that a run on ticks read before it listened are the past.
        """
        if isinstance(item, Bar):
            if not self._from_ticks:
                self._advance(item.at)
                self._keep(self._venue.on_bar(item))
            return
        if not isinstance(item, Tick):
            return  # what a feed said of its data is no trade
        watch(item)
        self._advance(item.at)
        self._keep(self._venue.on_tick(as_it_came(item)), item.timestamp)

    def step(self, step: Step) -> None:
        """The orders, changes and cancels that were decided."""
        self._advance(step.at)
        for fact in step.facts:
            if isinstance(fact, TradeIntended | OrdersIntended):
                self._keep(self._venue.place(fact.approved.subject, step.at))
            elif isinstance(fact, AmendIntended):
                self._keep(self._venue.amend(fact.approved.subject, step.at))
            elif isinstance(fact, CancelIntended):
                self._keep(self._venue.cancel(fact.order, step.at))

    def _advance(self, until: int) -> None:
        while self._venue.next_due < until:
            self._keep(self._venue.on_time(self._venue.next_due))

    def _keep(self, reports: Iterable[OrderReport], traded_at: int = 0) -> None:
        """Executions bear the exchange's time of the trade that they met, as a broker's do."""
        for report in reports:
            if isinstance(report, OrderFilled):
                when = traded_at or report.timestamp
                self.executions.append(Execution(report.order, when, report.at, report.quantity, report.price, report.charges))
