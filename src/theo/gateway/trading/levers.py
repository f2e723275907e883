"""Incidents with orders: what can be made to go wrong, by hand, from a scenario or from a test."""

from collections.abc import Iterable, Iterator

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.domain.orders import Side
from theo.gateway.accounts.valuation import mark
from theo.gateway.desk import Desk
from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.trading.blotter import Deal
from theo.gateway.trading.dealing import Dealing
from theo.gateway.trading.faults import Fault
from theo.gateway.trading.placing import Placing
from theo.gateway.trading.spreads import leg_prices
from theo.gateway.trading.working import FILLABLE, LIVE, Phase, Worked
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order
from theo.venue.fees import charges, schedule


class Levers:
    """Implements the levers of orders that incidents pull."""

    def __init__(self, dealing: Dealing, placing: Placing) -> None:
        self._dealing, self._placing = dealing, placing

    def hold_reports(self, desk: Desk, *, on: bool) -> None:  # noqa: ARG002 - the signature of a lever
        """Orders live on at the exchange; nothing of it is pushed while on, nor afterwards: it must be asked for."""
        self._dealing.announcer.held = on

    def lose_orders(self, count: int) -> None:
        """The next orders never arrive: nobody has seen them, and their numbers are free."""
        self._dealing.faults.left[Fault.LOSE] = count

    def swallow_orders(self, count: int, seconds: float | None = None) -> None:
        """The next orders are taken, and no callback ever comes; or all of them come so much later."""
        self._dealing.faults.left[Fault.SWALLOW] = count
        self._dealing.faults.mute = None if seconds is None else round(seconds * SECOND)

    def split_modifies(self, count: int) -> None:
        """The next changes leave the old order alive beside the new one, under a permId of its own."""
        self._dealing.faults.left[Fault.SPLIT] = count

    def reject_orders(self, *, on: bool) -> None:
        """Every order is rejected: the login has lapsed."""
        self._dealing.faults.reject_all = on

    def reject_next(self, count: int, reason: str) -> None:
        """The next orders are rejected at once: Inactive and 201."""
        self._dealing.faults.left[Fault.REJECT], self._dealing.faults.reason = count, reason

    def late_rejects(self, count: int) -> None:
        """The next orders become Inactive; 201 comes later."""
        self._dealing.faults.left[Fault.LATE_REJECT] = count

    def lose_cancels(self, count: int) -> None:
        """The next cancels cross a fill: 10148, then the fill."""
        self._dealing.faults.left[Fault.LOSE_CANCEL] = count

    def spoils(self, name: str) -> bool:
        """Whether any of the next orders, changes or cancels are still to be spoiled so: a value of Fault."""
        return self._dealing.faults.left.get(Fault(name), 0) > 0

    def has_executions(self) -> bool:
        """Whether there is anything to correct."""
        return bool(self._dealing.blotter.deals)

    def correct_execution(self, desk: Desk) -> None:
        """The newest execution is corrected: the same id with the next suffix, at a price one increment worse."""
        dealing = self._dealing
        if not dealing.blotter.deals:
            return
        deal = dealing.blotter.deals[-1]
        worked = dealing.blotter.orders[deal.perm_id]
        listing, side = worked.traded(deal.leg)
        instrument = listing.instrument
        worse = side.sign * instrument.tick
        worked.turnover += worse * deal.quantity
        signed, opened = side.sign * deal.quantity, deal.realized is None
        more = dealing.ledgers.correct(deal.account, instrument, signed, worse, opened=opened)
        corrected = msgspec.structs.replace(
            deal,
            version=deal.version + 1,
            price=deal.price + worse,
            turnover=deal.turnover + worse * deal.quantity,
            realized=None if deal.realized is None else deal.realized - more,
        )
        self._add(desk, worked, corrected)

    def _add(self, desk: Desk, worked: Worked, deal: Deal) -> None:
        dealing = self._dealing
        dealing.blotter.record(deal)
        dealing.ledgers.changed(deal.account, worked.traded(deal.leg)[0].con_id)
        dealing.announcer.deal(desk, worked, deal)
        dealing.announcer.commission(desk, worked, deal)

    def roll_back_ids(self, desk: Desk, count: int) -> None:  # noqa: ARG002 - the signature of a lever
        """Order ids that were used are handed out again; orders that were not transmitted are gone."""
        self._dealing.blotter.roll_back(count)

    def announce_used_ids(self, count: int) -> None:
        """The next valid id is told so much too small; 0 ends it."""
        self._dealing.faults.ids_behind = count

    def newest(self, quantity_min: int) -> int | None:
        """The newest order that can be filled by force and of which so much is not filled, by permId."""
        return _last(each for each in self._fillable() if each.remaining >= quantity_min)

    def newest_parent(self) -> int | None:
        """The newest such order whose children wait for it, and of which a part can be filled."""
        children = self._dealing.blotter.children
        return _last(
            each
            for each in self._fillable()
            if each.remaining > 1 and any(child.phase is Phase.CHILD for child in children(each.perm_id))
        )

    def rivals(self) -> tuple[int, int] | None:
        """Two orders of one group, both at the exchange."""
        first: dict[str, int] = {}
        for worked in self._fillable():
            group = worked.group[0]
            if group and worked.at_venue and first.setdefault(group, worked.perm_id) != worked.perm_id:
                return first[group], worked.perm_id
        return None

    def remaining(self, perm_id: int) -> int:
        """What of an order is not filled."""
        return self._dealing.blotter.orders[perm_id].remaining

    def _fillable(self) -> Iterator[Worked]:
        return (each for each in self._dealing.blotter.unfinished() if each.phase in FILLABLE)

    def release_children(self, desk: Desk, perm_id: int) -> None:
        """Children begin to work in their whole size, though their parent is not wholly filled."""
        for child in self._dealing.blotter.children(perm_id):
            if child.phase is Phase.CHILD:
                self._dealing.begin(desk, child)

    def fill_now(self, desk: Desk, perm_id: int, quantity: int | None = None) -> None:
        """Fill a live order at its limit, or at the market, whatever that does: a race that it wins.

        Raises ConfigError for an order that cannot be filled so.
        """
        dealing, worked = self._dealing, self._dealing.blotter.orders.get(perm_id)
        if worked is None or worked.phase not in FILLABLE:
            raise ConfigError(f"no live order has the permId {perm_id}", why="or it waits for its parent")
        terms, instrument = worked.terms, worked.listing.instrument
        price = terms.limit if terms.limit is not None else mark(desk.market.quote(worked.listing.con_id)) or instrument.tick
        size = min(quantity or worked.remaining, worked.remaining)
        if worked.legs:
            prices = leg_prices(desk, worked)
            if not prices:
                raise ConfigError("the legs of the spread have no prices")
            dealing.fill_spread(desk, worked, size, prices)
            return
        cost = charges(instrument, Side(terms.side), size, price, schedule(worked.listing.fees))
        dealing.withdraw(desk, worked)
        dealing.fill(desk, worked, (size, price, cost))
        if worked.phase in LIVE:
            dealing.begin(desk, worked)

    def place_in_tws(self, desk: Desk, contract: Contract, order: Order) -> int:
        """An order typed into TWS: it has no order id until client 0 binds it. The result is its permId.

        Raises ConfigError when it cannot be.
        """
        found = desk.contracts.find(contract)
        if len(found) != 1:
            raise ConfigError(f"{len(found)} contracts fit {contract.symbol}")
        try:
            worked = self._placing.read(desk, 0, found[0], contract, msgspec.structs.replace(order, order_id=0))
            worked.manual = True
            self._placing.enter(desk, worked)
        except RequestRefusedError as refused:
            raise ConfigError(f"the order is refused: {refused.text}") from refused
        return worked.perm_id


def _last(orders: Iterable[Worked]) -> int | None:
    """The permId of the last of them."""
    return next((each.perm_id for each in reversed(list(orders))), None)
