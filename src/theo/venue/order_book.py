"""The exchange's order book: what an order's acceptance, fill and end do to orders, groups, positions and cash.

When orders match and at what price is not decided here (exchange.py, matching.py).
"""

from bisect import insort
from collections.abc import Mapping

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, TimeInForce
from theo.domain.reports import OrderAccepted, OrderAmended, OrderCancelled, OrderExpired, OrderFilled, OrderRejected, OrderReport
from theo.venue.admission import Refusal
from theo.venue.books import LIVE, NEVER, REMEMBERED, Books, Held, Market, Standing
from theo.venue.fees import Schedule, done, order_charges
from theo.venue.matching import EVERY_PRICE, rank, wake_bounds


class OrderBook:
    """One owner of the books.

    Reports gather in ``said`` until they are taken. ``live`` holds each instrument's live orders by rank, then arrival.
    """

    __slots__ = ("_instruments", "_schedules", "books", "live", "said")

    def __init__(self, instruments: Mapping[int, Instrument], schedules: Mapping[int, Schedule]) -> None:
        self._instruments, self._schedules = instruments, schedules
        self.books = Books()
        self.live: dict[int, list[Held]] = {}
        self.said: list[OrderReport] = []

    def restore(self, books: Books) -> None:
        """Go on with these books."""
        self.books, self.live, self.said = books, {}, []
        for held in books.orders.values():
            if held.standing in LIVE:
                insort(self.live.setdefault(held.order.instrument, []), held, key=rank)

    def market(self, instrument: int) -> Market:
        """What was last seen of an instrument; begun when it is first asked for."""
        market = self.books.markets.get(instrument)
        if market is None:
            market = self.books.markets[instrument] = Market()
        return market

    def find(self, order: str) -> Held | None:
        """The order with this id, dead or alive."""
        return self.books.orders.get(order)

    def next_expiry(self) -> int:
        """When the first live order dies of age."""
        return min((held.expires_at for live in self.live.values() for held in live), default=NEVER)

    def refuse(self, order: Order, at: int, why: Refusal) -> None:
        """Say that the order is not taken, and remember that it was not, so that its id is used up."""
        if order.id not in self.books.orders:
            self._remember(order, Standing.REJECTED, at, at).ended_at = at
        self.said.append(OrderRejected(at, order.id, *why))

    def accept(self, order: Order, standing: Standing, at: int, active_at: int, expires_at: int) -> None:
        """Take the order into the book."""
        held = self._remember(order, standing, active_at, expires_at)
        if order.type is OrderType.TRAILING_STOP:
            held.level = order.stop
        insort(self.live.setdefault(order.instrument, []), held, key=rank)
        self.said.append(OrderAccepted(at, order.id, held.broker_id))

    def _remember(self, order: Order, standing: Standing, active_at: int, expires_at: int) -> Held:
        books = self.books
        books.broker_ids += 1
        held = books.orders[order.id] = Held(order, f"V{books.broker_ids}", standing, active_at, expires_at)
        return held

    def end(self, held: Held, standing: Standing, at: int, reason: str = "") -> None:
        """The order leaves the book; unless it was filled, its sleeping children die with it."""
        held.become(standing)
        held.ended_at = at
        live = self.live[held.order.instrument]
        live.remove(held)
        if standing is Standing.EXPIRED:
            self.said.append(OrderExpired(at, held.order.id))
        elif standing is Standing.CANCELLED:
            self.said.append(OrderCancelled(at, held.order.id, reason))
        if standing is not Standing.FILLED:
            for child in self.sleeping_children(held):
                self.end(child, Standing.CANCELLED, at, "its parent ended before it was wholly filled")

    def sleeping_children(self, parent: Held) -> list[Held]:
        """Children that wait for the parent, by rank."""
        live = self.live[parent.order.instrument]
        return [held for held in live if held.standing is Standing.ASLEEP and held.order.parent == parent.order.id]

    def amend(self, held: Held, order: Order, at: int) -> None:
        """The order has new values, and meets them from now on. A trailing stop that is told where to stand stands there."""
        held.active_at = max(held.active_at, at)
        if order.type is OrderType.TRAILING_STOP and order.stop is not None:
            held.level = order.stop
        held.order = order
        self._say_values(held, at)

    def fill(self, held: Held, quantity: int, price: int, at: int, when: int) -> None:
        """Execute: positions, cash and charges move, the exit group follows, and it is said."""
        order = held.order
        instrument, rates = self._instruments[order.instrument], self._rates(order.instrument)
        held.done = held.done.plus(done(instrument, quantity, price, rates))
        cost = order_charges(order.side, held.done, rates)
        self._book(order, quantity, price, at, when, cost - held.charged)
        held.charged = cost
        held.filled += quantity
        if not held.remaining:
            self.end(held, Standing.FILLED, at)
        if order.oca_group:
            self._shrink_group(held, quantity, at)
        if at - self.books.forgotten_at > REMEMBERED:
            self._forget(at)

    def settle(self, instrument: int, quantity: int, price: int, at: int, when: int) -> None:
        """Close a position (``quantity`` signed, as held) that no order covers, under an order of the exchange's own."""
        side = Side.SELL if quantity > 0 else Side.BUY
        number = self.books.execution_ids + 1
        order = Order(
            id=f"settlement-{number}",
            account="",
            instrument=instrument,
            side=side,
            type=OrderType.MARKET,
            quantity=abs(quantity),
            tif=TimeInForce.GTC,
            role=OrderRole.CLOSE,
            trade="",
        )
        held = self._remember(order, Standing.WORKING, at, NEVER)
        self.live.setdefault(instrument, []).insert(0, held)
        self.fill(held, abs(quantity), price, at, when)

    def set_off_by(self, instrument: int) -> list[Held]:
        """The live orders that wait for a price of another instrument, this one."""
        found = (held for live in self.live.values() for held in live if held.order.condition is not None)
        return [held for held in found if held.order.condition is not None and held.order.condition.instrument == instrument]

    def wake(self, instrument: int) -> None:
        """Work out between which prices nothing can happen to the instrument's working orders."""
        market, low, high = self.market(instrument), -NEVER, NEVER
        for held in self.live.get(instrument, ()):
            if held.may_match:
                left = bool(market.previous) and held.order.contract == market.previous
                bounds = EVERY_PRICE if left else wake_bounds(held, market)
                low, high = max(low, bounds[0]), min(high, bounds[1])
        market.low, market.high = low, high

    def _rates(self, instrument: int) -> Schedule:
        rates = self._schedules.get(instrument)
        if rates is None:
            raise ConfigError(f"instrument {instrument} has no fee schedule", remedy='Name one, "zero" if it is free of charge')
        return rates

    def _book(self, order: Order, quantity: int, price: int, at: int, when: int, charges: int) -> None:
        books = self.books
        books.execution_ids += 1
        execution = OrderFilled(
            at=at,
            order=order.id,
            execution=f"E{books.execution_ids}",
            timestamp=when,
            quantity=quantity,
            price=price,
            charges=charges,
        )
        books.executions.append(execution)
        self.said.append(execution)
        signed = order.side.sign * quantity
        books.positions[order.instrument] = books.positions.get(order.instrument, 0) + signed
        books.cash -= signed * price * self._instruments[order.instrument].unit_value + charges
        books.fees += charges

    def _shrink_group(self, filled: Held, quantity: int, at: int) -> None:
        """A fill, also a partial one, cancels the rest of its group (type 1) or makes each smaller by as much (types 2 and 3)."""
        group = filled.order.oca_group
        everywhere = [held for instrument in sorted(self.live) for held in self.live[instrument]]
        others = [held for held in everywhere if held.order.oca_group == group and held is not filled]
        for held in others:
            if held.standing not in LIVE:
                continue  # it died with its parent, just now
            if filled.order.oca_type is OcaType.CANCEL_WITH_BLOCK or held.remaining <= quantity:
                self.end(held, Standing.CANCELLED, at, f"exit group: {filled.order.id} was filled")
            else:
                held.order = msgspec.structs.replace(held.order, quantity=held.order.quantity - quantity)
                self._say_values(held, at)

    def _say_values(self, held: Held, at: int) -> None:
        order = held.order
        self.said.append(
            OrderAmended(at=at, order=order.id, quantity=order.quantity, limit=order.limit, stop=order.stop, trail=order.trail)
        )

    def _forget(self, at: int) -> None:
        """Drop what a broker would no longer report."""
        books, oldest = self.books, at - REMEMBERED
        books.forgotten_at = at
        books.executions = [e for e in books.executions if e.at >= oldest]
        books.orders = {i: o for i, o in books.orders.items() if o.standing in LIVE or o.ended_at >= oldest}
