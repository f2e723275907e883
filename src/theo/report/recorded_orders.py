"""What a run's record says of each of its orders: when it was meant, when the broker had it, its fills, how it ended."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from theo.domain.facts import (
    Fact,
    Filled,
    FillRevised,
    LinkKnown,
    OrderMoved,
    OrdersIntended,
    Restarted,
    SignalClosed,
    SignalRaised,
    TradeClosed,
    TradeIntended,
)
from theo.domain.market_data import SECOND
from theo.domain.orders import Order

LIVE_ONLY: Final = frozenset({"data_trust", "reconciled", "halted", "breaker"})  # rules that refuse what a backtest would do
OF_NOW_MAX: Final = 60 * SECOND  # between a bar's end and the decision on it
BY_US: Final = "by us"  # the reason of an end that we asked for
ENDINGS: Final = MappingProxyType({"rejected": "refused", "cancelled": "cancelled", "expired": "expired", "absent": "lost"})


class Execution(msgspec.Struct, frozen=True):
    """A fill: ``timestamp`` by the exchange, ``at`` when we learned of it, ``charges`` in micros."""

    order: str
    timestamp: int
    at: int
    quantity: int
    price: int
    charges: int
    id: str = ""


class Placed(msgspec.Struct):
    """One order. Times are core time, 0 for never; ``ended`` how it ended without our asking, in a word, "" when it did not."""

    order: Order
    intended_at: int
    accepted_at: int = 0
    resent_at: int = 0
    ended: str = ""
    ended_at: int = 0
    why: str = ""
    corrected: int = 0
    fills: list[Execution] = []


class RecordedOrders:
    """Folds facts in the order of their record. ``outages`` are (since, until, why); ``refused`` counts signals by rule."""

    def __init__(self) -> None:
        self.orders: dict[str, Placed] = {}
        self.by_trade: dict[str, list[Order]] = defaultdict(list)
        self.outages: list[tuple[int, int, str]] = []
        self.refused: dict[str, int] = {}
        self.deals: list[TradeClosed] = []
        self.ends = 0
        self._gone: tuple[int, str] | None = None
        self._of_end: dict[str, int] = {}
        self._handlers: Mapping[type, Callable[[int, Any], None]] = {
            TradeIntended: self._intended,
            OrdersIntended: self._intended,
            OrderMoved: self._moved,
            Filled: self._filled,
            FillRevised: self._revised,
            LinkKnown: self._link,
            Restarted: self._restarted,
            SignalRaised: self._raised,
            SignalClosed: self._refused,
            TradeClosed: self._closed,
        }

    def take(self, at: int, facts: Iterable[Fact]) -> None:
        """The facts of one step at its core time."""
        for fact in facts:
            handler = self._handlers.get(type(fact))
            if handler is not None:
                handler(at, fact)
        self.ends = at

    def closed(self) -> "RecordedOrders":
        """The record has ended; what is interrupted stays so."""
        if self._gone is not None:
            self.outages.append((self._gone[0], self.ends, self._gone[1]))
            self._gone = None
        return self

    def _intended(self, at: int, fact: TradeIntended | OrdersIntended) -> None:
        for order in fact.approved.subject.orders:
            self.orders[order.id] = Placed(order, at, fills=[])
            self.by_trade[order.trade].append(order)

    def _moved(self, at: int, fact: OrderMoved) -> None:
        placed = self.orders.get(fact.order)
        if placed is None:
            return
        if fact.event == "accepted":
            placed.accepted_at = placed.accepted_at or at
        elif fact.event == "resent":
            placed.resent_at = at
        elif fact.event in ENDINGS and fact.reason != BY_US and not placed.ended:
            placed.ended, placed.ended_at, placed.why = ENDINGS[fact.event], at, fact.reason

    def _filled(self, at: int, fact: Filled) -> None:
        if fact.order in self.orders:
            self.orders[fact.order].fills.append(
                Execution(fact.order, fact.timestamp, at, fact.quantity, fact.price, fact.charges, fact.execution)
            )

    def _revised(self, _at: int, fact: FillRevised) -> None:
        """What was counted of an execution is counted anew: its price, quantity and charges as they are now."""
        placed = self.orders.get(fact.order)
        known = {*fact.replaces, fact.execution}
        for n, part in enumerate(() if placed is None else placed.fills):
            if part.id in known and placed is not None:
                placed.corrected += bool(fact.replaces)
                quantity, charges = part.quantity + fact.quantity, part.charges + fact.charges
                price = fact.price if fact.replaces else part.price
                placed.fills[n] = Execution(part.order, part.timestamp, part.at, quantity, price, charges, fact.execution)
                return

    def _link(self, at: int, fact: LinkKnown) -> None:
        if not fact.up and self._gone is None:
            self._gone = at, f"the link was down: {fact.reason}"
        elif fact.up and self._gone is not None:
            self.outages.append((self._gone[0], at, self._gone[1]))
            self._gone = None

    def _restarted(self, at: int, _fact: Restarted) -> None:
        self.outages.append((self.ends, at, "the process was away"))

    def _raised(self, _at: int, fact: SignalRaised) -> None:
        self._of_end[fact.id] = fact.end

    def _refused(self, at: int, fact: SignalClosed) -> None:
        """Signals of bars that were over when they were read are nobody's."""
        end = self._of_end.pop(fact.id, 0)
        if fact.refused is not None and fact.refused.rule in LIVE_ONLY and at - end <= OF_NOW_MAX:
            self.refused[fact.refused.rule] = self.refused.get(fact.refused.rule, 0) + 1

    def _closed(self, _at: int, fact: TradeClosed) -> None:
        if fact.quantity:
            self.deals.append(fact)
