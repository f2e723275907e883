"""No position is carried into delivery, or an option into its expiry: what is open is closed before, and a person is told.

This needs no configuration and no roll: it is what stands when nothing else has closed the contract in time. What a roll is
about to take along is left to it; when it fails, it is closed here. New entries in a contract that is so near its end are refused
before they leave. An option is closed in its last day's session, and nothing is opened in it then.
"""

from collections.abc import Callable, Mapping

from theo.domain.inputs import Command, Input
from theo.domain.market_data import DAY, HOUR, SECOND
from theo.domain.option_contract import FRONT_IDS_FROM
from theo.domain.orders import Order, OrderRole
from theo.engine.core import Core
from theo.engine.state import TradeState
from theo.market.rolls import DAYS_MAX, sessions_left
from theo.market.sessions import Hours
from theo.ports.notifier import Notifier

LOOK_INTERVAL = SECOND
OPTION_DAYS = 0
TOLD_AGAIN = HOUR  # asked again and told again while something is still open
DAYS_AHEAD = 2 * DAYS_MAX  # calendar days that are looked at: always more than the trading days that matter

LastTrade = Callable[[int, str], int | None]


class Delivery:
    """``look`` is called by whoever drives the shell; ``refusal`` by the broker's adapter, before an order leaves.

    ``last_trade`` says the last trade day (days since the epoch) of an instrument's contract, "" being today's; None where it is
    not known, or there is none. ``hours``: those in which the instruments trade, by their ids. From the session on that is
    ``days`` trading days before the last trade nothing may be held. ``rolls``, set by whoever makes both: whether a roll
    will take what is open in a contract of an instrument out of it.
    """

    def __init__(
        self,
        last_trade: LastTrade,
        hours: Mapping[int, Hours],
        days: int,
        now: Callable[[], int],
        notifier: Notifier,
    ) -> None:
        self._last_trade, self._hours, self._days = last_trade, hours, days
        self.rolls: Callable[[int, str], bool] = lambda _instrument, _contract: False
        self._now, self._notifier = now, notifier
        self._looked_at = 0
        self._told: dict[tuple[int, str], int] = {}

    def refusal(self, order: Order) -> str:
        """Why an order must not be sent: an entry in a contract that ends too soon; "" for every other."""
        if order.role is not OrderRole.ENTRY:
            return ""
        left = self._left(order.instrument, order.contract)
        return "" if left is None else f"{_name(order.contract)} {_ends(left)}: nothing is opened in it"

    def look(self, core: Core, post: Callable[[Input], None]) -> None:
        """Close what is open in a contract that ends too soon, while its market is open."""
        now = self._now()
        if now - self._looked_at < LOOK_INTERVAL:
            return
        self._looked_at = now
        state = core.state
        held = {(trade.instrument, trade.contract): trade for trade in map(state.trades.__getitem__, state.open_trades)}
        for (instrument, contract), trade in held.items():
            self._close(core, post, trade, instrument, contract)
        for instrument, quantity in state.foreign.items():
            front = state.fronts.get(instrument)
            contract = "" if front is None else front.name
            left = self._left(instrument, contract)
            if left is not None and self._is_time((instrument, "adopted"), DAY):
                symbol = core.world.instruments[instrument].symbol
                text = f"{quantity:+d} {symbol} that are left alone are in a contract that {_ends(left)}: close them by hand"
                self._notifier.tell(now, "page", "delivery_adopted", text)

    def _close(self, core: Core, post: Callable[[Input], None], trade: TradeState, instrument: int, contract: str) -> None:
        left, now = self._left(instrument, contract), self._now()
        if left is None or not self._hours[instrument].is_open(now) or self.rolls(instrument, contract):
            return
        if not self._is_time((instrument, contract), TOLD_AGAIN):
            return
        symbol = core.world.instruments[instrument].symbol
        reason = f"{_name(contract)} {_ends(left)}"
        subject = f"{instrument} {contract}" if contract else str(instrument)
        asked = Command(at=now, id=f"delivery-{subject}-{now}", actor="delivery", name="roll", subject=subject, reason=reason)
        post(asked)
        option = instrument >= FRONT_IDS_FROM
        what = "its expiry" if option else "delivery"
        text = f"{symbol}: {reason}. Trade {trade.id} is being closed, so that nothing is carried into {what}"
        self._notifier.tell(now, "warning" if option else "page", "delivery", text)

    def _is_time(self, what: tuple[int, str], again: int) -> bool:
        now = self._now()
        if what in self._told and now - self._told[what] < again:
            return False
        self._told[what] = now
        return True

    def _left(self, instrument: int, contract: str) -> int | None:
        """Trading days up to the contract's last trade after the session that is, or comes next; None while that is far."""
        hours, last = self._hours.get(instrument), self._last_trade(instrument, contract)
        if hours is None or last is None:
            return None
        now = self._now()
        date = (hours.session_around(now) or hours.session_next(now)).date
        left = sessions_left(hours, date, min(last, date + DAYS_AHEAD))
        return left if left <= (OPTION_DAYS if instrument >= FRONT_IDS_FROM else self._days) else None


def _name(contract: str) -> str:
    return contract or "the contract"


def _ends(left: int) -> str:
    return f"trades for the last time in {left} trading days" if left else "trades for the last time now, or is over"
