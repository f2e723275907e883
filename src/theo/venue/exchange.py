"""The exchange itself: takes orders, matches them against market data, keeps exit groups and brackets, and reports.

Bars: a market order fills at the next bar's open; one that arrives within a bar, at that bar's close. Stops fill at the stop, or
at the open when the bar gaps through; stop before target when one bar holds both. Ticks: the opposite quote, else last.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import UNUSABLE, Bar, Tick, TickKind
from theo.domain.orders import Amendment, OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import (
    ActionRejected,
    BookOrder,
    BookReported,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReport,
)
from theo.market.sessions import Hours
from theo.venue.admission import refusal
from theo.venue.books import LIVE, REMEMBERED, Books, Held, Quote, Standing
from theo.venue.matching import price_of

NEVER = 1 << 62  # later than any time
NOTHING: tuple[OrderReport, ...] = ()
BAD = int(UNUSABLE)
TRADE, BID, ASK, INDEX = int(TickKind.TRADE), int(TickKind.BID), int(TickKind.ASK), int(TickKind.INDEX)
# Who is matched first within one event: what opens, then stops, then targets; a closing order with the entries.
PRECEDENCE = {OrderRole.ENTRY: 0, OrderRole.CLOSE: 0, OrderRole.STOP: 1, OrderRole.TARGET: 2}
Charges = Callable[[Instrument, Side, int, int], int]  # (instrument, side, quantity, price) -> micros


class VenueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the exchange treats orders. ``participation`` is the part of a bar's volume that one event may fill; 0: all."""

    limit_fills: Literal["through", "touch"] = "through"
    slippage_ticks: int = 0  # against market and stop orders
    latency: int = 0  # microseconds until an order may match
    participation: float = 0.0
    sizes_limit_fills: bool = True  # a tick's own size bounds what it fills


class Venue:
    """One exchange for all instruments. ``hours`` holds the sessions of each instrument; none means always open."""

    def __init__(
        self,
        instruments: Mapping[int, Instrument],
        hours: Mapping[int, Hours],
        charges: Charges,
        settings: VenueSettings | None = None,
    ) -> None:
        self._instruments, self._hours, self._charges = instruments, hours, charges
        self._settings = settings or VenueSettings()
        self.books = Books()
        self._live: dict[int, list[Held]] = {}
        self._reports: list[OrderReport] = []
        self.next_due = NEVER

    def place(self, ticket: Ticket, at: int) -> tuple[OrderReport, ...]:
        """Take the orders of a ticket, parent first; what is refused takes its children with it."""
        for order in ticket.orders:
            self._place(order, at)
        return self._said()

    def cancel(self, order: str, at: int) -> tuple[OrderReport, ...]:
        """Cancel a live order and its sleeping children."""
        held = self.books.orders.get(order)
        if held is None or held.standing not in LIVE:
            why = "not known here" if held is None else f"it is {held.standing}"
            self._reports.append(ActionRejected(at, order, "cancel", why))
        else:
            self._end(held, Standing.CANCELLED, at, "cancelled on request")
        return self._said()

    def amend(self, amendment: Amendment, at: int) -> tuple[OrderReport, ...]:
        """Change quantity and prices of a live order."""
        held = self.books.orders.get(amendment.order)
        if held is None or held.standing not in LIVE or amendment.quantity <= held.filled:
            why = "not known here" if held is None else f"it is {held.standing}, {held.filled} filled"
            self._reports.append(ActionRejected(at, amendment.order, "amend", why))
            return self._said()
        changed = msgspec.structs.replace(
            held.order, quantity=amendment.quantity, limit=amendment.limit, stop=amendment.stop, trail=amendment.trail
        )
        why = refusal(changed, self._instruments.get(changed.instrument), has_children=False)
        if why is not None:
            self._reports.append(ActionRejected(at, amendment.order, "amend", why[1]))
            return self._said()
        held.order = changed
        self._say_values(held, at)
        return self._said()

    def on_bar(self, bar: Bar) -> tuple[OrderReport, ...]:
        """Match against a bar."""
        self.books.last[bar.instrument] = bar.close
        live = self._live.get(bar.instrument)
        if not live:
            return NOTHING
        hours = self._hours.get(bar.instrument)
        regular = hours is None or hours.is_open(bar.start)
        part = self._settings.participation
        room = int(bar.volume * part) if part else -1
        whole, late = (bar.open, bar.high, bar.low, bar.close), (bar.close,) * 4
        for held in sorted(live, key=_precedence):
            if held.standing is Standing.WORKING and held.active_at < bar.end and (regular or held.order.outside_rth):
                event = whole if held.active_at <= bar.start else late
                room -= self._match(held, event, bar.at, bar.start, room, quoted=False)
        self._drop_unfilled(bar.instrument, bar.at)
        return self._said()

    def on_tick(self, tick: Tick) -> tuple[OrderReport, ...]:
        """Match against a trade or an index value; remember quotes. Ticks flagged as bad are not traded on."""
        if tick.flags & BAD:
            return NOTHING
        if tick.kind == BID or tick.kind == ASK:
            self._quote(tick)
            return NOTHING
        if tick.kind != TRADE and tick.kind != INDEX:
            return NOTHING
        self.books.last[tick.instrument] = tick.price
        live = self._live.get(tick.instrument)
        if not live:
            return NOTHING
        hours = self._hours.get(tick.instrument)
        regular = hours is None or hours.is_open(tick.timestamp)
        room = tick.volume if self._settings.sizes_limit_fills and tick.volume else -1
        event = (tick.price,) * 4
        for held in sorted(live, key=_precedence):
            if held.standing is Standing.WORKING and held.active_at <= tick.at and (regular or held.order.outside_rth):
                room -= self._match(held, event, tick.at, tick.timestamp, room, quoted=True)
        self._drop_unfilled(tick.instrument, tick.at)
        return self._said()

    def on_time(self, at: int) -> tuple[OrderReport, ...]:
        """End what has outlived its time in force."""
        for live in list(self._live.values()):
            for held in list(live):
                if held.standing in LIVE and held.expires_at <= at:
                    self._end(held, Standing.EXPIRED, at, "its time in force ended")
        self._look_ahead()
        return self._said()

    def book(self, at: int) -> BookReported:
        """Orders (live, and ended lately), executions lately, positions."""
        orders = tuple(
            BookOrder(held.order, held.broker_id, "working" if held.standing in LIVE else str(held.standing), held.filled)
            for held in self.books.orders.values()
        )
        positions = {i: quantity for i, quantity in self.books.positions.items() if quantity}
        return BookReported(at=at, orders=orders, executions=tuple(self.books.executions), positions=positions)

    def state(self) -> object:
        """The books as plain values that ``restore`` takes back."""
        return msgspec.to_builtins(self.books, str_keys=False)

    def restore(self, state: object) -> None:
        """Go on with these books."""
        self.books = msgspec.convert(state, Books, str_keys=True)
        self._live = {}
        for held in self.books.orders.values():
            if held.standing in LIVE:
                self._live.setdefault(held.order.instrument, []).append(held)
        self._look_ahead()

    # Taking and ending orders

    def _place(self, order: Order, at: int) -> None:
        books = self.books
        if order.id in books.orders:
            self._reports.append(OrderRejected(at, order.id, 103, f"duplicate order id {order.id}"))
            return
        parent = books.orders.get(order.parent) if order.parent else None
        why = refusal(order, self._instruments.get(order.instrument), has_children=False)
        if order.parent and (parent is None or parent.standing not in LIVE and parent.standing is not Standing.FILLED):
            why = (135, "its parent is not working")
        books.broker_ids += 1
        asleep = parent is not None and parent.standing is not Standing.FILLED
        held = Held(
            order,
            f"V{books.broker_ids}",
            Standing.ASLEEP if asleep else Standing.WORKING,
            at + self._settings.latency,
            self._expiry(order, at),
        )
        books.orders[order.id] = held
        if why is not None:
            held.standing, held.ended_at = Standing.REJECTED, at
            self._reports.append(OrderRejected(at, order.id, *why))
            return
        self._live.setdefault(order.instrument, []).append(held)
        self.next_due = min(self.next_due, held.expires_at)
        self._reports.append(OrderAccepted(at, order.id, held.broker_id))

    def _expiry(self, order: Order, at: int) -> int:
        """A DAY order lives to the end of the session in which it is placed; placed while closed it is dropped at once."""
        hours = self._hours.get(order.instrument)
        if order.tif is not TimeInForce.DAY or hours is None:
            return NEVER
        session = hours.session_around(at)
        return at if session is None else hours.bounds(session)[1]

    def _end(self, held: Held, standing: Standing, at: int, reason: str) -> None:
        held.standing, held.ended_at = standing, at
        self._live[held.order.instrument].remove(held)
        if standing is Standing.EXPIRED:
            self._reports.append(OrderExpired(at, held.order.id))
        elif standing is Standing.CANCELLED:
            self._reports.append(OrderCancelled(at, held.order.id, reason))
        if standing is not Standing.FILLED:
            for child in [o for o in self._live[held.order.instrument] if o.order.parent == held.order.id]:
                if child.standing is Standing.ASLEEP:
                    self._end(child, Standing.CANCELLED, at, "its parent ended unfilled")

    def _drop_unfilled(self, instrument: int, at: int) -> None:
        """What must fill at once or not at all has had its event."""
        for held in list(self._live[instrument]):
            if held.order.tif in {TimeInForce.IOC, TimeInForce.FOK} and held.active_at < at:
                self._end(held, Standing.CANCELLED, at, f"{held.order.tif}: not filled at once")

    # Matching and filling

    def _match(self, held: Held, event: tuple[int, int, int, int], at: int, when: int, room: int, *, quoted: bool) -> int:
        """Fill what the event allows; returns how much of ``room`` (negative: unlimited) was used."""
        if held.standing is not Standing.WORKING or room == 0:
            return 0
        order = held.order
        instrument = self._instruments[order.instrument]
        price = price_of(held, event, instrument.tick, touch=self._settings.limit_fills == "touch")
        if price is None:
            return 0
        quantity = held.remaining if room < 0 else min(held.remaining, room)
        if order.type is OrderType.MARKET and quoted:
            price, quantity = self._at_quote(order, price, quantity)
        if order.type in {OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP}:
            price += order.side.sign * self._settings.slippage_ticks * instrument.tick
        if order.tif is TimeInForce.FOK and quantity < held.remaining:
            return 0
        quantity -= quantity % instrument.contract_size
        if quantity <= 0:
            return 0
        self._fill(held, quantity, max(price, instrument.tick), at, when)
        used = quantity if room > 0 else 0
        if held.standing is Standing.FILLED:
            self._wake_children(held, event, at, when)
        return used

    def _at_quote(self, order: Order, last: int, quantity: int) -> tuple[int, int]:
        """A market order takes the opposite quote and at most its size; without one, the last price."""
        quote = self.books.quotes.get(order.instrument)
        price, size = (0, 0) if quote is None else (quote.ask, quote.ask_size) if order.side is Side.BUY else (quote.bid, quote.bid_size)
        if not price:
            return last, quantity
        return price, min(quantity, size) if size and self._settings.sizes_limit_fills else quantity

    def _wake_children(self, parent: Held, event: tuple[int, int, int, int], at: int, when: int) -> None:
        """Stop and target live from now on, in this very event too: the stop against its whole range, the target only when
        the entry was at its open (else nobody knows which came first)."""
        opened = parent.order.type is OrderType.MARKET
        children = [o for o in self._live[parent.order.instrument] if o.order.parent == parent.order.id]
        for child in sorted(children, key=_precedence):
            if child.standing is Standing.ASLEEP:
                child.standing = Standing.WORKING
        for child in sorted(children, key=_precedence):
            full = opened or child.order.role is not OrderRole.TARGET
            self._match(child, event if full else (event[3],) * 4, at, when, -1, quoted=False)

    def _fill(self, held: Held, quantity: int, price: int, at: int, when: int) -> None:
        books, order = self.books, held.order
        instrument = self._instruments[order.instrument]
        fee = self._charges(instrument, order.side, quantity, price)
        books.execution_ids += 1
        execution = OrderFilled(
            at=at,
            order=order.id,
            execution=f"E{books.execution_ids}",
            timestamp=when,
            quantity=quantity,
            price=price,
            charges=fee,
        )
        books.executions.append(execution)
        signed = order.side.sign * quantity
        books.positions[order.instrument] = books.positions.get(order.instrument, 0) + signed
        books.cash -= signed * price * instrument.unit_value + fee
        books.fees += fee
        held.filled += quantity
        self._reports.append(execution)
        if not held.remaining:
            self._end(held, Standing.FILLED, at, "")
        if order.oca_group:
            self._reduce_group(held, quantity, at)
        if at - books.forgotten_at > REMEMBERED:
            self._forget(at)

    def _reduce_group(self, filled: Held, quantity: int, at: int) -> None:
        """A fill cancels the rest of its group (type 1) or makes it smaller (types 2 and 3)."""
        order = filled.order
        for held in list(self._live[order.instrument]):
            if held.order.oca_group != order.oca_group or held is filled:
                continue
            left = held.remaining - quantity
            if order.oca_type is OcaType.CANCEL_WITH_BLOCK or left <= 0:
                self._end(held, Standing.CANCELLED, at, f"exit group: {order.id} was filled")
            else:
                held.order = msgspec.structs.replace(held.order, quantity=held.filled + left)
                self._say_values(held, at)

    # Bookkeeping

    def _quote(self, tick: Tick) -> None:
        quote = self.books.quotes.setdefault(tick.instrument, Quote())
        if tick.kind == BID:
            quote.bid, quote.bid_size = tick.price, tick.volume
        else:
            quote.ask, quote.ask_size = tick.price, tick.volume

    def _forget(self, at: int) -> None:
        """Drop what a broker would no longer report."""
        books, oldest = self.books, at - REMEMBERED
        books.forgotten_at = at
        books.executions = [e for e in books.executions if e.at >= oldest]
        books.orders = {i: o for i, o in books.orders.items() if o.standing in LIVE or o.ended_at >= oldest}

    def _say_values(self, held: Held, at: int) -> None:
        order = held.order
        self._reports.append(
            OrderAmended(
                at=at, order=order.id, quantity=order.quantity, limit=order.limit, stop=order.stop, trail=order.trail
            )
        )

    def _look_ahead(self) -> None:
        self.next_due = min((held.expires_at for live in self._live.values() for held in live), default=NEVER)

    def _said(self) -> tuple[OrderReport, ...]:
        reports = tuple(self._reports)
        self._reports.clear()
        return reports


def _precedence(held: Held) -> int:
    return PRECEDENCE[held.order.role]
