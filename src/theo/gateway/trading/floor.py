"""The exchange as the gateway's orders see it: they are put into its words, and it sees the market only while one is there."""

from theo.domain.market_data import Tick, TickKind
from theo.domain.orders import Amendment, Order, OrderRole, OrderType, Ticket, TimeInForce
from theo.domain.reports import OrderReport
from theo.gateway.desk import Desk, Listing
from theo.gateway.trading.terms import TRAILING
from theo.gateway.trading.timing import TradingHours
from theo.gateway.trading.triggers import limit_after
from theo.gateway.trading.working import Worked
from theo.venue.exchange import Venue, VenueSettings
from theo.venue.fees import schedule

# what an order is at the exchange, as it goes there, and once this gateway has triggered it
AT_VENUE = {
    "MKT": OrderType.MARKET,
    "MOC": OrderType.MARKET,
    "MIT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "LOC": OrderType.LIMIT,
    "LIT": OrderType.LIMIT,
    "REL": OrderType.LIMIT,
    "MIDPRICE": OrderType.LIMIT,
    "TRAIL LIMIT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STP LMT": OrderType.STOP_LIMIT,
}
TIMES = {"OPG": TimeInForce.IOC, "GTD": TimeInForce.GTC}  # the opening auction is the first price; GTD ends here

LATENCY = 1  # microsecond: an order meets what comes after its own moment, at the price of that, not what it was placed upon


class Floor:
    """One exchange for all accounts: whose an execution is, it does not know."""

    def __init__(self, hours: TradingHours) -> None:
        self.venue = Venue({}, {}, {}, VenueSettings(latency=LATENCY))
        self._hours = hours

    def list_listing(self, listing: Listing) -> None:
        """Make a contract tradable there."""
        self.venue.list_instrument(listing.instrument, self._hours.regular(listing), schedule(listing.fees))

    def place(self, desk: Desk, worked: Worked, *, alone: bool) -> tuple[OrderReport, ...]:
        """Send an order, or what is left of it, under a new id. ``alone``: no other order of its contract is there."""
        self.list_listing(worked.listing)
        if alone:
            self._show(desk, worked.listing)
        worked.venue_orders += 1
        worked.before = worked.filled
        return self.venue.place(Ticket((self._order(worked),)), desk.now)

    def _show(self, desk: Desk, listing: Listing) -> None:
        """What the market is now: the exchange has not looked for a while."""
        quote, con_id = desk.market.quote(listing.con_id), listing.con_id
        for kind, price, size in (
            (TickKind.TRADE, quote.last, quote.last_size),
            (TickKind.BID, quote.bid, quote.bid_size),
            (TickKind.ASK, quote.ask, quote.ask_size),
        ):
            if price is not None:
                self.venue.on_tick(Tick(con_id, desk.now, desk.now, 0, kind, price, size))

    def _order(self, worked: Worked) -> Order:
        terms = worked.terms
        kind = OrderType.TRAILING_STOP if terms.type == "TRAIL" else AT_VENUE[terms.type]
        if terms.type == "TRAIL" and worked.triggered:
            kind = OrderType.MARKET
        group, oca_type = worked.group
        limit, stop, trail = _prices(worked, kind)
        return Order(
            id=worked.venue_id,
            account="",
            instrument=worked.listing.con_id,
            side=terms.side,
            type=kind,
            quantity=worked.remaining,
            tif=TIMES.get(terms.tif) or TimeInForce(terms.tif),
            role=OrderRole.ENTRY,
            trade="",
            limit=limit,
            stop=stop,
            trail=trail,
            oca_group=group,
            oca_type=oca_type,
            outside_rth=terms.outside_rth,
        )

    def amend(self, worked: Worked, at: int) -> tuple[OrderReport, ...]:
        """Give an order that is there the values that it has here."""
        order = self._order(worked)
        return self.venue.amend(
            Amendment(
                order=order.id,
                quantity=worked.terms.quantity - worked.before,
                limit=order.limit,
                stop=order.stop,
                trail=order.trail,
            ),
            at + LATENCY,
        )

    def cancel(self, worked: Worked, at: int) -> tuple[OrderReport, ...]:
        """Take an order back."""
        return self.venue.cancel(worked.venue_id, at)

    def has_triggered(self, worked: Worked) -> bool:
        """Whether a stop that is there was touched."""
        held = self.venue.books.orders.get(worked.venue_id)
        return held is not None and held.triggered

    def level(self, worked: Worked) -> int | None:
        """Where a trailing stop that is there stands."""
        held = self.venue.books.orders.get(worked.venue_id)
        return None if held is None else held.level


def _prices(worked: Worked, kind: OrderType) -> tuple[int | None, int | None, int | None]:
    """Limit, stop and trail as the exchange wants them for this kind."""
    terms, tick = worked.terms, worked.listing.instrument.tick
    limit = terms.limit
    if terms.type in TRAILING and worked.level is not None:
        limit = max(limit_after(terms, worked.level), tick)
    elif terms.type in {"REL", "MIDPRICE"}:
        limit = worked.level
    has_limit, has_stop = kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}, kind in {OrderType.STOP, OrderType.STOP_LIMIT}
    trails = kind is OrderType.TRAILING_STOP
    return limit if has_limit else None, terms.stop if has_stop or trails else None, terms.trail if trails else None
