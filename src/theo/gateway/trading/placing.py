"""New orders: numbered, checked, kept until they are transmitted, and sent on with their family."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from theo.domain.instrument import SecurityType
from theo.domain.orders import Side
from theo.gateway.accounts.credit import Effect, effect
from theo.gateway.accounts.ledger import money
from theo.gateway.accounts.valuation import mark
from theo.gateway.client import Client
from theo.gateway.desk import Desk, Listing
from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.times import local
from theo.gateway.trading import conditions
from theo.gateway.trading.allocation import shares
from theo.gateway.trading.dealing import Dealing
from theo.gateway.trading.faults import Fault
from theo.gateway.trading.spreads import spread_legs
from theo.gateway.trading.terms import WITHOUT_SESSIONS, Terms, read_terms, rejected
from theo.gateway.trading.wording import open_order
from theo.gateway.trading.working import ENDED, Leg, Phase, Worked
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order, OrderState
from theo.venue.fees import charges, schedule

DRAFTS_MAX = 1_000  # orders that are not transmitted
FAMILY_MAX = 100  # generations of parents: more is a circle
NO_FUNDS = (
    "We are unable to accept your order. Your Available Funds are in sufficient to cover the change in the account's margin "
    "requirements if this order executes. In order to obtain the desired position your Equity with Loan Value "
    "[{equity:.2f} USD] must exceed the new total Initial Margin of [{margin:.2f} USD]."
)


class Placing:
    """Takes new orders into a dealing."""

    def __init__(self, dealing: Dealing) -> None:
        self._dealing = dealing

    def take(self, desk: Desk, client: Client, listing: Listing, contract: Contract, order: Order) -> None:
        """A new order of a client, or a question what it would do. Raises RequestRefusedError for one that cannot be."""
        worked = self.read(desk, client.id or 0, listing, contract, order)
        if order.what_if:
            self._answer_what_if(desk, client, worked)
            return
        self.notices(desk, client, worked)
        self.enter(desk, worked)

    def read(self, desk: Desk, client_id: int, listing: Listing, contract: Contract, order: Order) -> Worked:
        """An order as this gateway works it; it belongs to nothing yet."""
        dealing = self._dealing
        legs = spread_legs(desk, contract, order)
        for each in [leg for leg, _ in legs] or [listing]:
            _check_tradable(desk, each)
        terms = read_terms(order, listing, desk.settings.time_zone, spread=bool(legs))
        conditions.check(desk, order.conditions)
        if 0 < terms.good_till <= desk.now:
            raise RequestRefusedError(334, "Invalid Good Till Date order")
        dealing.hours.release(terms, listing, desk.now)
        whose = shares(desk, dealing.ledgers, order, terms, listing)
        return Worked(
            perm_id=0,
            client_id=client_id,
            order_id=order.order_id,
            listing=listing,
            contract=contract if legs else as_ordered(listing, contract),
            order=order,
            terms=msgspec.structs.replace(terms, quantity=sum(whose.values())),
            shares=whose,
            parent=self._parent(client_id, order),
            legs=[Leg(each.con_id, side) for each, side in legs],
            leg_listings=tuple(each for each, _ in legs),
        )

    def _parent(self, client_id: int, order: Order) -> int:
        if not order.parent_id:
            return 0
        parent = self._dealing.blotter.of(client_id, order.parent_id)
        if parent is None or parent.phase in ENDED - {Phase.FILLED}:
            raise RequestRefusedError(10_006, "Missing parent order.")
        return parent.perm_id

    def enter(self, desk: Desk, worked: Worked) -> None:
        """Give it its number; with ``transmit`` it goes on, and with it what of its family waited for that."""
        blotter = self._dealing.blotter
        drafts = sum(each.phase is Phase.DRAFT for each in blotter.unfinished())
        if drafts >= DRAFTS_MAX:
            raise rejected(f"more than {DRAFTS_MAX} orders are not transmitted")
        worked.perm_id = blotter.new_perm_id()
        blotter.add(worked)
        if worked.order.transmit:
            self.transmit(desk, worked)

    def transmit(self, desk: Desk, worked: Worked) -> None:
        """Send on every draft of the family, parents first."""
        for draft in list(self._family(worked)):
            if draft.phase is Phase.DRAFT:  # one before it may have ended it
                self._submit(desk, draft)

    def _family(self, worked: Worked) -> Iterator[Worked]:
        blotter, head = self._dealing.blotter, worked
        for _ in range(FAMILY_MAX):
            above = blotter.orders.get(head.parent)
            if above is None or above.phase is not Phase.DRAFT:
                break
            head = above
        top = {head.perm_id} if head.phase is Phase.DRAFT and not head.parent else {head.perm_id, head.parent} - {0}
        for each in blotter.unfinished():  # by permId: a parent came before its children
            if each.phase is Phase.DRAFT and (each.perm_id in top or each.parent in top):
                top.add(each.perm_id)
                yield each

    def _submit(self, desk: Desk, worked: Worked) -> None:
        dealing = self._dealing
        parent = dealing.blotter.orders.get(worked.parent)
        if dealing.faults.reject_all:
            dealing.refuse(desk, worked, "Not logged in: the session has expired.")
        elif dealing.faults.use(Fault.REJECT):
            dealing.reject(desk, worked, dealing.faults.reason)
        elif dealing.faults.use(Fault.LATE_REJECT):
            dealing.reject(desk, worked, "We are unable to accept your order.", later=True)
        elif parent is not None and parent.phase in ENDED - {Phase.FILLED}:
            dealing.end(desk, worked, "Parent order was cancelled")
        elif parent is not None and parent.phase is not Phase.FILLED:
            dealing.swallow(desk, worked)
            worked.become(Phase.CHILD)
            dealing.stale = True
            dealing.announcer.state(desk, worked)
        elif why := self.objection(desk, worked):
            dealing.reject(desk, worked, why)
        else:
            dealing.swallow(desk, worked)
            dealing.begin(desk, worked)

    # Checks

    def objection(self, desk: Desk, worked: Worked) -> str:
        """Why an order is not accepted: too many work already, or there are no funds; empty when it is."""
        most, side, con_id = desk.settings.working_orders_max, worked.terms.side, worked.listing.con_id
        others = (
            each
            for each in self._dealing.blotter.live()
            if each is not worked and each.listing.con_id == con_id and each.terms.side is side
        )
        if sum(not each.shares.keys().isdisjoint(worked.shares) for each in others) >= most:
            return f"The number of working orders on the {side} side of this contract has reached its maximum of {most}."
        for account in () if worked.legs else worked.shares:  # both legs are margined as one: a spread needs next to nothing
            found = self._effect(desk, worked, account)
            if not found.affordable:
                return NO_FUNDS.format(equity=money(found.equity_after), margin=money(found.margin_after.initial))
        return ""

    def _effect(self, desk: Desk, worked: Worked, account: str) -> Effect:
        quantity = worked.shares[account] - worked.got.get(account, 0)
        price = self._price(desk, worked)
        cost = 0 if price is None else self._cost(worked, quantity, price)
        trade = (worked.terms.side.sign * quantity, price, cost)
        return effect(desk, self._dealing.ledgers, account, worked.listing, trade)

    def _price(self, desk: Desk, worked: Worked) -> int | None:
        """What it would pay: its limit or its stop, else what is offered."""
        terms, quote = worked.terms, desk.market.quote(worked.listing.con_id)
        asked = terms.limit if terms.limit is not None else terms.stop
        if asked is not None:
            return asked
        offered = quote.ask if terms.side is Side.BUY else quote.bid
        return mark(quote) if offered is None else offered

    def _cost(self, worked: Worked, quantity: int, price: int) -> int:
        return charges(worked.listing.instrument, worked.terms.side, quantity, price, schedule(worked.listing.fees))

    def _answer_what_if(self, desk: Desk, client: Client, worked: Worked) -> None:
        account = next(iter(worked.shares))
        found = self._effect(desk, worked, account)
        price = self._price(desk, worked)
        cost = None if price is None else self._cost(worked, worked.terms.quantity, price)
        client.send(open_order(worked, state=what_if_state(found, cost)))
        if not found.affordable:
            text = NO_FUNDS.format(equity=money(found.equity_after), margin=money(found.margin_after.initial))
            client.error(worked.order_id, 201, f"Order rejected - reason:{text}")

    def notices(self, desk: Desk, client: Client, worked: Worked) -> None:
        """What is said of an order that is taken nevertheless."""
        if desk.settings.preset_notices and not worked.order.tif:
            client.error(worked.order_id, 10_349, "Order TIF was set to DAY based on order preset.")
        kind = worked.listing.instrument.security_type
        if worked.order.outside_rth and kind in WITHOUT_SESSIONS and not _uses_hours(worked.terms):
            text = (
                "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type and "
                "destination. PlaceOrder is now being processed."
            )
            client.error(worked.order_id, 2109, text)


def _check_tradable(desk: Desk, listing: Listing) -> None:
    if listing.instrument.security_type is SecurityType.CONTFUT:
        raise RequestRefusedError(412, "The contract is not available for trading.")
    expiry = listing.instrument.expiry
    if expiry and expiry < f"{local(desk.now, listing.time_zone):%Y%m%d}":
        raise RequestRefusedError(392, "Invalid order: contract expired.")


def _uses_hours(terms: Terms) -> bool:
    return terms.type in {"STP", "STP LMT", "TRAIL", "TRAIL LIMIT"}


def as_ordered(listing: Listing, asked: Contract) -> Contract:
    """The listed contract, at the exchange that the order names."""
    return msgspec.structs.replace(
        listing.contract, exchange=asked.exchange or listing.contract.exchange, primary_exchange=listing.contract.primary_exchange
    )


def what_if_state(found: Effect, cost: int | None) -> OrderState:
    """Margins and commission as a what-if order is answered."""

    def dollars(micros: int) -> float:
        return float(money(micros))

    before, after = found.margin_before, found.margin_after
    commission = None if cost is None else float(Decimal(cost).scaleb(-6))
    return OrderState(
        status="PreSubmitted",
        init_margin_before=dollars(before.initial),
        maint_margin_before=dollars(before.maintenance),
        equity_with_loan_before=dollars(found.equity_before),
        init_margin_change=dollars(after.initial - before.initial),
        maint_margin_change=dollars(after.maintenance - before.maintenance),
        equity_with_loan_change=dollars(found.equity_after - found.equity_before),
        init_margin_after=dollars(after.initial),
        maint_margin_after=dollars(after.maintenance),
        equity_with_loan_after=dollars(found.equity_after),
        commission=commission,  # TWS gives a range, the least and the most, only where it cannot tell
        commission_currency="USD",
    )
