"""The exchange itself: takes orders, decides which of them each bar, trade or quote may fill, and reports.

Bars, trades and quotes meet the same rules; they differ only in what they say. A bar's open fills what came before it; an order
that came within a bar meets its close alone. Trades trigger stops and fill limits that they pass; a market order takes the
opposite quote, and without one the last price with slippage. Every time is event time: nothing here knows a clock, and an order
never meets an event that was over before it was active. One series of bars drives an instrument: the finest.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.instrument import Instrument
from theo.domain.market_data import UNUSABLE, Bar, ContractRolled, Tick, TickFlag, TickKind
from theo.domain.orders import Amendment, Order, OrderType, Side, Ticket, TimeInForce
from theo.domain.reports import ActionRejected, BookOrder, BookReported, OrderReport
from theo.market.sessions import Hours
from theo.venue.admission import DUPLICATE_ID, IMMEDIATE, NO_CONDITION, REJECTED, Refusal, refusal
from theo.venue.books import ALWAYS, LIVE, NEVER, Books, Held, Market, Standing
from theo.venue.conditions import Conditions
from theo.venue.fees import Schedule
from theo.venue.matching import EVERY_PRICE, Event, after_entry, find_hit, instant, quote_for
from theo.venue.opening import Opening, Part
from theo.venue.order_book import OrderBook

NOTHING: tuple[OrderReport, ...] = ()
SILENT = int(UNUSABLE | TickFlag.NOT_LAST | TickFlag.NOT_HIGH_LOW)  # nobody else could have had such a price
TRADE, BID, ASK, INDEX = int(TickKind.TRADE), int(TickKind.BID), int(TickKind.ASK), int(TickKind.INDEX)
UNLIMITED = NEVER
MILLION = 1_000_000


class VenueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the exchange treats orders.

    ``slippage_ticks``: against market orders and stops wherever no quote is taken. ``latency``: microseconds of event time until
    an order may match. ``participation``: the part of a bar's volume that orders may fill, in all; 0: bars fill everything.
    ``sizes_limit_fills``: a trade's or quote's own size bounds what it fills. ``settle_contracts``: when the contract behind a
    series of bars changes, orders for the old one end and its position is closed at its last price.
    """

    limit_fills: Literal["through", "touch"] = "through"
    slippage_ticks: int = 0
    latency: int = 0
    participation: float = 0.0
    sizes_limit_fills: bool = True
    settle_contracts: bool = True


class _Moment(msgspec.Struct):
    """One event while it is matched: ``room`` is what it may still fill, ``when`` its own time, ``at`` when it is learned.

    ``quotes``: the market whose quotes may be taken; ``offers``: whether the event tested is such a quote. A limit order that was
    active by ``rested_by`` has met an event before this one: it trades at its limit, not at a better price.
    """

    at: int
    when: int
    through: int
    room: int = UNLIMITED
    quotes: Market | None = None
    offers: bool = False
    rested_by: int = ALWAYS


class Venue:
    """One exchange for all instruments.

    ``hours`` holds ordinary trading hours by instrument id; an instrument without is always open. ``schedules`` holds what
    executions cost, by instrument id; one that is missing raises ConfigError at the first fill.
    """

    __slots__ = ("_book", "_conditions", "_instruments", "_markets", "_opening", "_schedules", "_settings", "_share", "next_due")

    def __init__(
        self,
        instruments: Mapping[int, Instrument],
        hours: Mapping[int, Hours],
        schedules: Mapping[int, Schedule],
        settings: VenueSettings | None = None,
    ) -> None:
        self._instruments, self._schedules = dict(instruments), dict(schedules)
        self._opening = {i: Opening(hours.get(i)) for i in instruments}
        self._settings = settings or VenueSettings()
        self._share = round(self._settings.participation * MILLION)
        self._book = OrderBook(self._instruments, self._schedules)
        self._markets = self._book.books.markets
        self._conditions = Conditions(self._book, self._opening)
        self.next_due = NEVER  # when time alone next changes something

    def list_instrument(self, instrument: Instrument, hours: Hours | None, schedule: Schedule) -> None:
        """From now on this can be traded too; one that is listed already stays as it is."""
        if instrument.id not in self._instruments:
            self._instruments[instrument.id], self._schedules[instrument.id] = instrument, schedule
            self._opening[instrument.id] = Opening(hours)

    @property
    def books(self) -> Books:
        """What the exchange knows to be true."""
        return self._book.books

    # What clients ask

    def place(self, ticket: Ticket, at: int) -> tuple[OrderReport, ...]:
        """Take the orders of a ticket, parents before children; a child of an order that is not taken is not taken either."""
        parents = {order.parent for order in ticket.orders}
        for order in ticket.orders:
            self._place(order, at, is_parent=order.id in parents)
            self._book.wake(order.instrument)
        return self._said()

    def cancel(self, order: str, at: int) -> tuple[OrderReport, ...]:
        """Cancel a live order and its sleeping children."""
        held = self._book.find(order)
        if held is None or held.standing not in LIVE:
            why = "Can't find order" if held is None else f"Order cannot be cancelled, state: {held.standing}"
            self._book.said.append(ActionRejected(at, order, "cancel", why))
        else:
            self._book.end(held, Standing.CANCELLED, at, "cancelled on request")
            self._book.wake(held.order.instrument)
        return self._said()

    def cancel_everything(self, at: int) -> tuple[OrderReport, ...]:
        """Cancel every live order; children end with their parents."""
        for held in list(self.books.orders.values()):
            if held.standing in LIVE:
                self._book.end(held, Standing.CANCELLED, at, "everything was cancelled on request")
                self._book.wake(held.order.instrument)
        return self._said()

    def amend(self, amendment: Amendment, at: int) -> tuple[OrderReport, ...]:
        """Change quantity and prices of a live order; more than was filled must remain to be asked for."""
        held = self._book.find(amendment.order)
        why = self._amendment_refusal(held, amendment)
        if held is None or why:
            self._book.said.append(ActionRejected(at, amendment.order, "amend", why))
        else:
            self._book.amend(held, _amended(held.order, amendment), at)
            self._book.wake(held.order.instrument)
        return self._said()

    def book(self, at: int) -> BookReported:
        """Orders (live, and ended lately), executions lately, positions."""
        books = self.books
        orders = tuple(
            BookOrder(held.order, held.broker_id, "working" if held.standing in LIVE else str(held.standing), held.filled)
            for held in books.orders.values()
        )
        positions = {i: quantity for i, quantity in books.positions.items() if quantity}
        return BookReported(at=at, orders=orders, executions=tuple(books.executions), positions=positions)

    # What the market and the clock do

    def on_bar(self, bar: Bar) -> tuple[OrderReport, ...]:
        """Match against a bar. One that is not newer than the last (a correction, a repeat) fills nothing."""
        market = self._markets.get(bar.instrument) or self._book.market(bar.instrument)
        if bar.instrument in self._conditions.watched:
            self._conditions.look(bar.instrument, (bar.low, bar.high), bar.end)
        if market.low < bar.low and bar.high < market.high and bar.contract == market.contract:
            market.bar = bar
            return NOTHING
        last = market.bar
        if last is not None and bar.start < last.end:
            return NOTHING
        if bar.contract != market.contract:
            self._change_contract(bar, market)
        market.bar = bar
        self._match_bar(bar)
        return self._said()

    def quiet_between(self, instrument: int) -> tuple[int, int]:
        """(low, high): bars without a contract whose prices lie strictly between change nothing but what the last bar was.

        It holds until the next report, or until ``next_due``.
        """
        market = self._markets.get(instrument) or self._book.market(instrument)
        listens = market.contract or instrument in self._conditions.watched
        return EVERY_PRICE if listens else (market.low, market.high)

    def on_tick(self, tick: Tick) -> tuple[OrderReport, ...]:
        """Match against a trade, an index value, a bid or an ask. Ticks with flags that forbid it move nothing."""
        if tick.flags & SILENT:
            return NOTHING
        kind, price = tick.kind, tick.price
        market = self._markets.get(tick.instrument) or self._book.market(tick.instrument)
        if kind in (TRADE, INDEX):
            before, market.trade, market.traded_at = market.traded_at, price, tick.timestamp
        elif kind == BID:
            before, market.bid, market.quoted_at = market.quoted_at, price or None, tick.timestamp  # 0: nobody bids
            market.bid_size = tick.volume or UNLIMITED
        elif kind == ASK:
            before, market.ask, market.quoted_at = market.quoted_at, price or None, tick.timestamp
            market.ask_size = tick.volume or UNLIMITED
        else:
            return NOTHING
        if kind in (TRADE, INDEX) and tick.instrument in self._conditions.watched:
            self._conditions.look(tick.instrument, (price, price), tick.timestamp)
        if market.low < price < market.high:
            return NOTHING
        self._match_tick(tick, market, before)
        return self._said()

    def on_roll(self, rolled: ContractRolled) -> tuple[OrderReport, ...]:
        """The instrument goes on with another contract; orders of the one before trade at its own prices until they end."""
        market = self._markets.get(rolled.instrument) or self._book.market(rolled.instrument)
        if market.contract == rolled.contract:
            return NOTHING
        moved = rolled.difference
        market.previous, market.difference, market.anchored = rolled.previous, moved, rolled.spread
        market.contract = rolled.contract
        market.trade = None if market.trade is None else market.trade + moved
        market.bar = None if market.bar is None else market.bar.moved(moved)
        market.bid = market.ask = None
        self._book.wake(rolled.instrument)
        return self._said()

    def on_time(self, at: int) -> tuple[OrderReport, ...]:
        """End what has outlived its time in force."""
        for instrument in sorted(self._book.live):
            self._expire(instrument, at, at)
        return self._said()

    def settle(self, instrument: int, at: int) -> tuple[OrderReport, ...]:
        """The contract has traded for the last time: close its position at the last price and end its orders.

        The client's own closing orders are filled first; what they do not cover is closed under an order of the exchange's own.
        """
        last = self._book.market(instrument).last()
        if last is not None:
            self._settle(instrument, last, at, at)
        return self._said()

    def state(self) -> object:
        """The books as plain values that ``restore`` takes back, also through JSON or MessagePack."""
        return msgspec.to_builtins(self.books, str_keys=True)

    def restore(self, state: object) -> None:
        """Go on with these books, exactly. Raises CorruptionError when they are none."""
        try:
            books = msgspec.convert(state, Books, str_keys=True)
        except msgspec.ValidationError as error:
            raise CorruptionError(
                f"the simulated exchange's books cannot be read: {error}",
                why="they are damaged, or of another version",
                remedy="Start anew with an empty folder",
            ) from error
        self._book.restore(books)
        self._markets = books.markets
        self._conditions.restore(books)
        self.next_due = self._book.next_expiry()

    # Taking orders

    def _place(self, order: Order, at: int, *, is_parent: bool) -> None:
        book, parent = self._book, self._book.find(order.parent)
        why = self._refusal(order, parent, is_parent=is_parent)
        if why is not None:
            book.refuse(order, at, why)
            return
        asleep = parent is not None and parent.standing is not Standing.FILLED
        expires_at = self._expiry(order, at)
        standing = Standing.ASLEEP if asleep else Standing.WORKING
        book.accept(order, standing, at, at + self._settings.latency, expires_at)
        market = self._book.market(order.instrument)
        self._conditions.begin(order, at)
        if market.anchored and order.type is OrderType.MARKET and not asleep:
            self._fill_at_anchor(order, market, at)

    def _fill_at_anchor(self, order: Order, market: Market, at: int) -> None:
        """A leg of a spread: at the last price of its contract, that of the instant at which the difference was measured."""
        held, last = self._book.find(order.id), market.last()
        if held is not None and last is not None:
            self._try(held, instant(last), _Moment(at=at, when=at, through=0))

    def _expiry(self, order: Order, at: int) -> int:
        opening = self._opening[order.instrument]
        if order.tif is TimeInForce.GTC:
            return NEVER
        if order.tif in IMMEDIATE and not opening.is_open(at, outside_rth=order.outside_rth):
            return at
        return opening.session_end(at, outside_rth=order.outside_rth)

    def _refusal(self, order: Order, parent: Held | None, *, is_parent: bool) -> Refusal | None:
        if self._book.find(order.id) is not None:
            return DUPLICATE_ID, f"Duplicate order id {order.id}"
        if order.parent:
            if parent is None or (parent.standing not in LIVE and parent.standing is not Standing.FILLED):
                return REJECTED, f"Order rejected: its parent {order.parent} is not working"
            if parent.order.tif in IMMEDIATE or parent.order.instrument != order.instrument:
                return REJECTED, f"Order rejected: {order.parent} cannot be its parent"
        if order.condition is not None and order.condition.instrument not in self._instruments:
            return NO_CONDITION, "The conditional contract info is incomplete."
        return refusal(order, self._instruments.get(order.instrument), is_parent=is_parent)

    def _amendment_refusal(self, held: Held | None, amendment: Amendment) -> str:
        if held is None:
            return "Can't find order"
        if held.standing not in LIVE:
            return f"Cannot modify a {held.standing} order"
        if amendment.quantity <= held.filled:
            return f"Cannot modify to {amendment.quantity}: {held.filled} are filled"
        instrument = self._instruments.get(held.order.instrument)
        why = refusal(_amended(held.order, amendment), instrument, is_parent=False)
        return "" if why is None else why[1]

    # Matching

    def _match_bar(self, bar: Bar) -> None:
        opening = self._opening[bar.instrument]
        self._expire(bar.instrument, bar.start, bar.at)
        self._book.market(bar.instrument).anchored = False
        moment = _Moment(at=bar.at, when=bar.start, through=self._through(bar.instrument))
        if self._share:
            moment.room = bar.volume * self._share // MILLION
        served = []
        for held in self._working(bar.instrument):
            if held.standing is not Standing.WORKING or held.active_at >= bar.end:
                continue
            part = opening.part_of(bar, outside_rth=held.order.outside_rth)
            if part is Part.NONE:
                continue
            whole = part is Part.WHOLE and held.active_at <= bar.start
            event = (bar.open, bar.high, bar.low, bar.close) if whole else instant(bar.close)
            if held.order.tif in IMMEDIATE:
                event = instant(event[0])
                served.append(held)
            self._try(held, event, moment)
        self._finish(bar.instrument, served, bar.at)

    def _match_tick(self, tick: Tick, market: Market, before: int) -> None:
        """``before`` is the time of the last trade, or of the last quote, before this one."""
        instrument, when = tick.instrument, tick.timestamp
        opening = self._opening[instrument]
        self._expire(instrument, when, tick.at)
        market.anchored = False
        quoted = tick.kind in (BID, ASK)
        opened_at = opening.opened_at(when)
        moment = _Moment(at=tick.at, when=when, through=0)
        moment.rested_by = before if before >= opened_at else ALWAYS
        moment.quotes = market if market.quoted_at >= opened_at else None
        if not quoted and self._settings.sizes_limit_fills and tick.volume:
            moment.room = tick.volume
        served = []
        for held in self._working(instrument):
            if held.standing is not Standing.WORKING or held.active_at > when:
                continue
            if not opening.is_open(when, outside_rth=held.order.outside_rth):
                continue
            offer = None if moment.quotes is None or self._below_front(held.order) else quote_for(held, market)
            if offer is not None:  # an offer at the limit is one
                moment.through, moment.offers = 0, True
                self._try(held, instant(offer), moment)
            if not quoted and held.standing is Standing.WORKING:  # a trade at the limit may have been another's
                moment.through, moment.offers = self._through(instrument), False
                self._try(held, instant(tick.price), moment)
            if held.order.tif in IMMEDIATE:
                served.append(held)
        self._finish(instrument, served, tick.at)

    def _working(self, instrument: int) -> tuple[Held, ...]:
        """The orders that an event finds working; children that it wakes are matched when they wake."""
        return tuple(held for held in self._book.live.get(instrument, ()) if held.may_match)

    def _try(self, held: Held, event: Event, moment: _Moment) -> None:
        """Fill what the event allows of one order."""
        below = self._below_front(held.order)
        if below:
            event, moment = _lowered(event, below), msgspec.structs.replace(moment, quotes=None)
        rested = held.active_at <= moment.rested_by and (held.order.type is OrderType.LIMIT or held.triggered)
        found = find_hit(held, event, moment.through)
        if found is None:
            return
        order, instrument = held.order, self._instruments[held.order.instrument]
        price = found.price
        if found.takes:
            price, offered, quoted = self._taken(order, price, instrument.tick, moment)
        else:
            if rested and order.limit is not None:
                price = order.limit  # whoever traded through it met it on the way
            quoted = moment.offers
            offered = self._left(moment.quotes, order.side) if quoted and moment.quotes is not None else moment.room
        quantity = min(held.remaining, offered)
        quantity -= quantity % instrument.contract_size
        if quantity <= 0 or (order.tif is TimeInForce.FOK and quantity < held.remaining):
            return
        if not quoted:
            moment.room -= quantity if moment.room != UNLIMITED else 0
        elif moment.quotes is not None:
            _take(moment.quotes, order.side, quantity)
        self._book.fill(held, quantity, price, moment.at, moment.when)
        if held.standing is Standing.FILLED:
            self._wake_children(held, found.price + below, _lowered(event, -below), moment)

    def _below_front(self, order: Order) -> int:
        """How much lower than the front the order's own contract trades: 0 but for one that was left."""
        market = self._book.market(order.instrument)
        return market.difference if order.contract and order.contract == market.previous else 0

    def _taken(self, order: Order, price: int, tick: int, moment: _Moment) -> tuple[int, int, bool]:
        """(price, quantity on offer, whether it is a quote's) for an order that takes: the opposite quote while it lasts."""
        quotes = moment.quotes
        if quotes is not None:
            quote, left = (quotes.ask if order.side is Side.BUY else quotes.bid), self._left(quotes, order.side)
            if quote is not None and (left or moment.offers):
                return quote, left, True
        if moment.offers:
            return price, 0, True  # set off by one side's quote: the other is not known, or taken
        slipped = price + order.side.sign * self._settings.slippage_ticks * tick
        return max(slipped, tick), moment.room, False

    def _left(self, quotes: Market, side: Side) -> int:
        """What is left of the opposite quote."""
        if not self._settings.sizes_limit_fills:
            return UNLIMITED
        return quotes.ask_size if side is Side.BUY else quotes.bid_size

    def _wake_children(self, parent: Held, price: int, event: Event, moment: _Moment) -> None:
        """Stop and target live from now on, in this very event too, stops first."""
        children = self._book.sleeping_children(parent)
        for child in children:
            child.become(Standing.WORKING)
            self._conditions.begin(child.order, moment.when)
        for child in children:
            if child.may_match:
                self._try(child, after_entry(event, price, parent.order.type, child), moment)

    def _finish(self, instrument: int, served: list[Held], at: int) -> None:
        """What must fill at once has had its event; then see which prices matter from here on."""
        for held in served:
            if held.standing is Standing.WORKING:
                self._book.end(held, Standing.CANCELLED, at, f"{held.order.tif}: not filled at once")
        self._book.wake(instrument)

    def _expire(self, instrument: int, until: int, at: int) -> None:
        """End the instrument's orders whose time was over by ``until``."""
        if until < self.next_due:
            return
        for held in tuple(self._book.live.get(instrument, ())):
            if held.standing in LIVE and held.expires_at <= until:
                self._book.end(held, Standing.EXPIRED, at)
        self._book.wake(instrument)

    def _change_contract(self, bar: Bar, market: Market) -> None:
        if market.contract and market.bar is not None and self._settings.settle_contracts:
            self._settle(bar.instrument, market.bar.close, bar.at, market.bar.end)
        market.contract = bar.contract

    def _settle(self, instrument: int, price: int, at: int, when: int) -> None:
        book = self._book
        for held in tuple(book.live.get(instrument, ())):
            position = self.books.positions.get(instrument, 0)
            if held.standing is Standing.WORKING and position * held.order.side.sign < 0:
                book.fill(held, min(held.remaining, abs(position)), price, at, when)
        position = self.books.positions.get(instrument, 0)
        if position:
            book.settle(instrument, position, price, at, when)
        for held in tuple(book.live.get(instrument, ())):
            if held.standing in LIVE:
                book.end(held, Standing.CANCELLED, at, "its contract has ended")
        book.wake(instrument)

    def _through(self, instrument: int) -> int:
        return 0 if self._settings.limit_fills == "touch" else self._instruments[instrument].tick

    def _said(self) -> tuple[OrderReport, ...]:
        said = self._book.said
        if not said:
            return NOTHING
        reports = tuple(said)
        said.clear()
        self.next_due = self._book.next_expiry()  # whatever changes it is reported
        return reports


def _lowered(event: Event, by: int) -> Event:
    opened, high, low, last = event
    return opened - by, high - by, low - by, last - by


def _amended(order: Order, amendment: Amendment) -> Order:
    return msgspec.structs.replace(
        order, quantity=amendment.quantity, limit=amendment.limit, stop=amendment.stop, trail=amendment.trail
    )


def _take(market: Market, side: Side, quantity: int) -> None:
    if side is Side.BUY:
        market.ask_size -= quantity if market.ask_size != UNLIMITED else 0
    else:
        market.bid_size -= quantity if market.bid_size != UNLIMITED else 0
