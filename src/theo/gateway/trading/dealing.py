"""What becomes of an order: held, sent to the exchange, filled, ended; and what follows for its children and its group.

Requests are checked in placing.py and changed in changing.py; when a held order begins to work is decided in waiting.py.
"""

from collections.abc import Sequence

import msgspec

from theo.domain.market_data import SECOND
from theo.domain.orders import OcaType
from theo.domain.reports import OrderAmended, OrderCancelled, OrderExpired, OrderFilled, OrderRejected, OrderReport
from theo.gateway.access import market_place
from theo.gateway.accounts.ledger import Ledgers, share
from theo.gateway.desk import NEVER, Desk
from theo.gateway.times import with_zone
from theo.gateway.trading import conditions, triggers
from theo.gateway.trading.allocation import fill_shares
from theo.gateway.trading.announcer import Announcer
from theo.gateway.trading.blotter import Blotter, Deal
from theo.gateway.trading.faults import Fault, Faults
from theo.gateway.trading.floor import Floor
from theo.gateway.trading.spreads import net
from theo.gateway.trading.terms import LIMITED, PEGGED, STOPS
from theo.gateway.trading.timing import TradingHours
from theo.gateway.trading.working import LIVE, Phase, Worked
from theo.venue.fees import charges, schedule

CANCELLED_CODE, REJECTED_CODE, ORDER_MESSAGE = 202, 201, 399
LATE_REJECT = 5 * SECOND
CANCELLED_TEXT = "Order Canceled - reason:"


class Dealing:
    """One owner of all orders' lives. ``stale``: something has changed since waiting.py last looked."""

    def __init__(self, ledgers: Ledgers) -> None:
        self.ledgers, self.blotter, self.announcer, self.faults = ledgers, Blotter(), Announcer(), Faults()
        self.hours = TradingHours()
        self.floor = Floor(self.hours)
        self.stale = True

    # Towards the exchange

    def begin(self, desk: Desk, worked: Worked) -> None:
        """A transmitted order's turn has come: it waits for its time, or goes on."""
        release = self.hours.release(worked.terms, worked.listing, desk.now)
        if release.at <= desk.now:
            self.arm(desk, worked)
            return
        self._move(worked, Phase.TIMED)
        worked.release_at, worked.closed = release.at, release.closed
        self.announcer.state(desk, worked)
        if release.closed:
            self.announcer.error(desk, worked, ORDER_MESSAGE, _closed_text(worked))

    def arm(self, desk: Desk, worked: Worked) -> None:
        """Its time has come: it waits for its price, or goes to the exchange."""
        worked.closed = False
        worked.expires_at = self.hours.expiry(worked.terms, worked.listing, desk.now)
        if self.is_ready(desk, worked):
            self.work(desk, worked)
            return
        self._move(worked, Phase.ARMED)
        self.announcer.state(desk, worked)

    def is_ready(self, desk: Desk, worked: Worked) -> bool:
        """Whether it has no price, quote or condition to wait for."""
        if triggers.is_simulated(worked.terms) and not worked.triggered:
            return False
        if worked.terms.type in PEGGED and self.pegged(desk, worked) is None:
            return False
        return conditions.are_met(desk, worked.order.conditions)

    def pegged(self, desk: Desk, worked: Worked) -> int | None:
        """The limit of a pegged order now."""
        quote = desk.market.quote(worked.listing.con_id)
        return triggers.pegged_limit(worked.terms, quote, worked.listing.instrument.tick)

    def work(self, desk: Desk, worked: Worked) -> None:
        """To the exchange, and say so: PreSubmitted first, then Submitted unless it waits there for its price."""
        con_id = worked.listing.con_id
        alone = not any(o.at_venue and o.listing.con_id == con_id for o in self.blotter.live())
        self._move(worked, Phase.WORKING)
        if worked.legs:
            self.announcer.state(desk, worked)
            return
        if worked.terms.type in PEGGED:
            worked.level = self.pegged(desk, worked)
        said = self.floor.place(desk, worked, alone=alone)
        if worked.status != "PreSubmitted":
            self.announcer.state(desk, worked, "PreSubmitted", copies=1)
        if any(isinstance(report, OrderRejected) for report in said):
            self.hear(desk, said)
            return
        self.announcer.state(desk, worked)

    def withdraw(self, desk: Desk, worked: Worked) -> None:
        """From the exchange, to go there again with other values; nobody is told."""
        if worked.at_venue:
            self.floor.cancel(worked, desk.now)
            worked.venue_orders += 1  # what the exchange still says of the old one concerns nobody

    # From the exchange

    def hear(self, desk: Desk, said: tuple[OrderReport, ...]) -> None:
        """What the exchange says of its orders, in its order."""
        for report in said:
            worked = self.blotter.at_venue(report.order)
            if worked is None or worked.phase not in LIVE:
                continue
            if isinstance(report, OrderFilled):
                self.fill(desk, worked, (report.quantity, report.price, report.charges))
            elif isinstance(report, OrderCancelled):
                self.end(desk, worked, report.reason)
            elif isinstance(report, OrderExpired):
                self.end(desk, worked)
            elif isinstance(report, OrderRejected):
                self.reject(desk, worked, report.reason)
            elif isinstance(report, OrderAmended):
                self._resize(desk, worked, worked.before + report.quantity)

    def _resize(self, desk: Desk, worked: Worked, quantity: int) -> None:
        """Its group was partly filled: it has become smaller."""
        if quantity != worked.terms.quantity:
            shrunk = worked.terms.quantity - quantity
            worked.terms = msgspec.structs.replace(worked.terms, quantity=quantity)
            for account in reversed(list(worked.shares)):
                taken = min(shrunk, worked.shares[account] - worked.got.get(account, 0))
                worked.shares[account], shrunk = worked.shares[account] - taken, shrunk - taken
            self.announcer.state(desk, worked)

    def fill(self, desk: Desk, worked: Worked, trade: tuple[int, int, int]) -> None:
        """Book an execution of (quantity, price, charges), tell of it, and let follow what follows."""
        quantity, price, cost = trade
        self._filled(desk, worked, quantity, self._book(desk, worked, quantity, price, cost))

    def fill_spread(self, desk: Desk, worked: Worked, quantity: int, prices: Sequence[int]) -> None:
        """As ``fill``, of every leg at its price: all of them or none."""
        self._filled(desk, worked, quantity, self._book_legs(desk, worked, quantity, tuple(prices)))

    def _filled(self, desk: Desk, worked: Worked, quantity: int, deals: list[Deal]) -> None:
        self.stale = True
        if not worked.remaining:
            self._move(worked, Phase.FILLED)
            worked.ended_at = desk.now
        for deal in deals:
            self.announcer.deal(desk, worked, deal)
        self.announcer.state(desk, worked)
        for deal in deals:
            self.announcer.commission(desk, worked, deal)
        self._shrink_held(desk, worked, quantity)
        if worked.phase is Phase.FILLED:
            for child in self.blotter.children(worked.perm_id):
                if child.phase is Phase.CHILD:
                    self.begin(desk, child)

    def _book(self, desk: Desk, worked: Worked, quantity: int, price: int, paid: int) -> list[Deal]:
        sign, deals, left = worked.terms.side.sign, [], paid
        parts = list(fill_shares(quantity, worked.shares, worked.got).items())
        for account, part in parts:
            cost = left if account == parts[-1][0] else share(paid, part, quantity)
            left -= cost
            worked.filled, worked.turnover, worked.last_price = worked.filled + part, worked.turnover + part * price, price
            worked.got[account] = worked.got.get(account, 0) + part
            realized = self.ledgers.book(account, worked.listing.instrument, sign * part, price, cost)
            if self.announcer.tells(worked):
                self.ledgers.changed(account, worked.listing.con_id)
            deal = Deal(
                number=self.blotter.new_number(),
                perm_id=worked.perm_id,
                account=account,
                at=desk.now,
                quantity=part,
                price=price,
                cumulative=worked.filled,
                turnover=worked.turnover,
                charges=cost,
                realized=realized,
                rested=worked.terms.type in LIMITED and price == worked.terms.limit,
            )
            self.blotter.record(deal)
            deals.append(deal)
        return deals

    def _book_legs(self, desk: Desk, worked: Worked, quantity: int, prices: tuple[int, ...]) -> list[Deal]:
        deals, price = [], net(worked, prices)
        for account, part in fill_shares(quantity, worked.shares, worked.got).items():
            root = self.blotter.new_number()
            worked.filled, worked.turnover, worked.last_price = worked.filled + part, worked.turnover + part * price, price
            worked.got[account] = worked.got.get(account, 0) + part
            for number, paid in enumerate(prices, 1):
                listing, side = worked.traded(number)
                cost = charges(listing.instrument, side, part, paid, schedule(listing.fees))
                realized = self.ledgers.book(account, listing.instrument, side.sign * part, paid, cost)
                if self.announcer.tells(worked):
                    self.ledgers.changed(account, listing.con_id)
                deal = Deal(
                    number=root if number == 1 else self.blotter.new_number(),
                    perm_id=worked.perm_id,
                    account=account,
                    at=desk.now,
                    quantity=part,
                    price=paid,
                    cumulative=worked.filled,
                    turnover=worked.filled * paid,
                    charges=cost,
                    realized=realized,
                    rested=False,
                    leg=number,
                    root=root,
                    net=price,
                )
                self.blotter.record(deal)
                deals.append(deal)
        return deals

    def _shrink_held(self, desk: Desk, filled: Worked, quantity: int) -> None:
        """Of the same group, what is not at the exchange: that one sees to its own orders, but not after a spread's fill."""
        group, kind = filled.group
        if not group:
            return
        for other in list(self.blotter.live()):
            if other is filled or other.group[0] != group or other.phase not in LIVE or (other.at_venue and not filled.legs):
                continue  # not concerned, at the exchange, or ended with its parent just now
            if kind is OcaType.CANCEL_WITH_BLOCK or other.remaining <= quantity:
                if other.at_venue:
                    self.floor.cancel(other, desk.now)
                self.end(desk, other, "OCA group was filled")
            else:
                self._resize(desk, other, other.terms.quantity - quantity)
                if other.at_venue:
                    self.floor.amend(other, desk.now)

    # Ends

    def end(self, desk: Desk, worked: Worked, why: str = "") -> None:
        """Cancelled or expired: told with error 202; its children end with it."""
        self._move(worked, Phase.CANCELLED)
        worked.ended_at, worked.why = desk.now, why
        self.announcer.state(desk, worked)
        self.announcer.error(desk, worked, CANCELLED_CODE, CANCELLED_TEXT + why)
        for child in self.blotter.children(worked.perm_id):
            self.end(desk, child, "Parent order was cancelled")

    def reject(self, desk: Desk, worked: Worked, reason: str, *, later: bool = False) -> None:
        """Taken and then rejected: Inactive, and error 201, at once or after a while."""
        self._move(worked, Phase.INACTIVE)
        worked.ended_at, worked.why = desk.now, reason
        self.announcer.state(desk, worked)
        if later:
            worked.reject_at = desk.now + LATE_REJECT
        else:
            self.tell_reject(desk, worked)
        for child in self.blotter.children(worked.perm_id):
            self.end(desk, child, "Parent order was rejected")

    def refuse(self, desk: Desk, worked: Worked, reason: str) -> None:
        """As reject, by the gateway itself: it needs no server to say so."""
        held, self.announcer.held = self.announcer.held, False
        self.reject(desk, worked, reason)
        self.announcer.held = held

    def swallow(self, desk: Desk, worked: Worked) -> None:
        """If it is the next to be swallowed, nothing is told of it, or nothing for a while."""
        worked.silent = self.faults.use(Fault.SWALLOW)
        if worked.silent and self.faults.mute is not None:
            worked.tell_at, self.stale = desk.now + self.faults.mute, True

    def speak(self, desk: Desk, worked: Worked) -> None:
        """All that was not told of a swallowed order, late."""
        worked.silent, worked.tell_at, self.stale = False, NEVER, True
        self.announcer.state(desk, worked)
        for deal in [each for each in self.blotter.deals if each.perm_id == worked.perm_id]:
            self.announcer.deal(desk, worked, deal)
            self.announcer.commission(desk, worked, deal)
            self.ledgers.changed(deal.account, worked.traded(deal.leg)[0].con_id)

    def tell_reject(self, desk: Desk, worked: Worked) -> None:
        """Say why an inactive order is so."""
        worked.reject_at, self.stale = NEVER, True
        self.announcer.error(desk, worked, REJECTED_CODE, f"Order rejected - reason:{worked.why}")

    def cancel(self, desk: Desk, worked: Worked) -> None:
        """On request: the order is taken back wherever it is."""
        if not worked.at_venue:
            self.end(desk, worked)
            return
        self.announcer.status(desk, worked, "PendingCancel")
        self.floor.cancel(worked, desk.now)
        self.end(desk, worked)

    def look_at_stop(self, desk: Desk, worked: Worked) -> None:
        """A stop at the exchange may have been touched, or have moved."""
        if worked.terms.type not in STOPS or worked.phase is not Phase.WORKING or worked.stop_hit:
            return
        if worked.terms.type == "TRAIL":
            worked.level = self.floor.level(worked) or worked.level
        if self.floor.has_triggered(worked):
            worked.stop_hit = True
            self.announcer.state(desk, worked)

    def _move(self, worked: Worked, phase: Phase) -> None:
        worked.become(phase)
        self.stale = True


def _closed_text(worked: Worked) -> str:
    terms, contract, zone = worked.terms, worked.listing.contract, worked.listing.time_zone
    opens = with_zone(worked.release_at, zone)
    day = f"{opens[:4]}-{opens[4:6]}-{opens[6:]}"
    return (
        f"Order Message:\n{terms.side} {terms.quantity} {contract.local_symbol} {market_place(worked.listing)}\n"
        f"Warning: Your order will not be placed at the exchange until {day}."
    )
