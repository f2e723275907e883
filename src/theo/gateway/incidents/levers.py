"""What incidents need of the rooms of market data and of orders."""

from typing import Protocol

from theo.gateway.desk import Desk
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.order import Order


class StreamLevers(Protocol):
    """What an incident can do to market data."""

    def silence(self, desk: Desk, *, on: bool) -> None:
        """No ticks on any subscription, and no word about it."""

    def drop_all(self, desk: Desk) -> None:
        """Every subscription is forgotten."""

    def compete(self, desk: Desk, *, on: bool) -> None:
        """10197 on every subscription, no data while it lasts."""

    def advise(self, code: int) -> None:
        """The next subscriptions get an advisory code; their ticks follow. 0 ends it."""

    def lines_used(self) -> int:
        """How many market data lines the login uses."""

    def spend_history(self, *, on: bool) -> None:
        """The budget of questions about the past is used up."""

    def delay_history(self, seconds: float) -> None:
        """The past is told so late; 0 is at once."""


class TradingLevers(Protocol):
    """What an incident can do to orders. Orders are named by permId; None where there is none to strike."""

    def hold_reports(self, desk: Desk, *, on: bool) -> None:
        """Orders live on at the exchange; nothing of it is pushed while on, nor afterwards: it must be asked for."""

    def lose_orders(self, count: int) -> None:
        """The next orders never arrive: nobody has seen them, and their numbers are free."""

    def swallow_orders(self, count: int, seconds: float | None = None) -> None:
        """The next orders are taken, and no callback ever comes; or all of them come so much later."""

    def split_modifies(self, count: int) -> None:
        """The next changes leave the old order alive beside the new one, under a permId of its own."""

    def reject_orders(self, *, on: bool) -> None:
        """Every order is rejected: the login has lapsed."""

    def reject_next(self, count: int, reason: str) -> None:
        """The next orders are rejected at once: Inactive and 201."""

    def late_rejects(self, count: int) -> None:
        """The next orders become Inactive; 201 comes later."""

    def lose_cancels(self, count: int) -> None:
        """The next cancels cross a fill: 10148, then the fill."""

    def spoils(self, name: str) -> bool:
        """Whether any of the next orders, changes or cancels are still to be spoiled so: a value of faults.Fault."""

    def correct_execution(self, desk: Desk) -> None:
        """The newest execution is corrected: the same id with the next suffix."""

    def has_executions(self) -> bool:
        """Whether there is anything to correct."""

    def roll_back_ids(self, desk: Desk, count: int) -> None:
        """Order ids that were used are handed out again; orders that were not transmitted are gone."""

    def announce_used_ids(self, count: int) -> None:
        """The next valid id is told so much too small; 0 ends it."""

    def newest(self, quantity_min: int) -> int | None:
        """The newest order that can be filled by force and of which so much is not filled."""

    def newest_parent(self) -> int | None:
        """The newest such order whose children wait for it, and of which a part can be filled."""

    def rivals(self) -> tuple[int, int] | None:
        """Two orders of one group, both at the exchange."""

    def remaining(self, perm_id: int) -> int:
        """What of an order is not filled."""

    def fill_now(self, desk: Desk, perm_id: int, quantity: int | None = None) -> None:
        """Fill a live order, or so much of it, whatever the market says."""

    def release_children(self, desk: Desk, perm_id: int) -> None:
        """Children begin to work in their whole size, though their parent is not wholly filled."""

    def place_in_tws(self, desk: Desk, contract: Contract, order: Order) -> int:
        """An order typed into TWS. Raises ConfigError when it cannot be."""
