"""A future rolls under `theo live` by one order of two legs, in simulated time: judged by the gateway's own books."""

from pathlib import Path

import pytest

from tests.sim.live_world.roll_week import NEXT, OLD, STARTS, UP, RollWeek
from tests.sim.test_live_roll import AFTER, HOLDS, of
from theo.domain.facts import LegRolled, OrdersIntended, TradeClosed, TradeIntended
from theo.domain.market_data import SECOND
from theo.domain.orders import Order

SHORT = HOLDS.replace("long = ", "short = ")
SPREAD = '[roll.MES]\nrule = "volume"\nmethod = "spread"\n'


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Session tables, made once."""
    return tmp_path_factory.mktemp("sessions")


def legs(week: RollWeek) -> list[tuple[Order, ...]]:
    """The orders of each spread that was intended."""
    tickets = [fact.approved.subject.orders for fact in of(week.facts, OrdersIntended)]
    return [orders for orders in tickets if orders[0].spread]


def pages(week: RollWeek) -> list[str]:
    return [code for severity, code, _ in week.told.messages if severity == "page"]


def carried(week: RollWeek, side: int = 1, quantity: int = 2) -> None:
    """One order at the gateway took it over; stop and target are moved by UP; unprotected for one round trip alone."""
    into, out = ("BUY", "SELL") if side > 0 else ("SELL", "BUY")
    assert week.deals() == [(OLD, into, quantity), (OLD, out, quantity), (NEXT, into, quantity)]
    assert week.held() == {NEXT: side * quantity}
    assert [week.resting(NEXT, kind) for kind in ("STP", "LMT")] == [quantity, quantity]
    assert [week.resting(OLD, kind) for kind in ("STP", "LMT", "MKT")] == [0, 0, 0]
    bags = [worked for worked in week.gateway.trading.orders.values() if worked.legs]
    assert [worked.status for worked in bags] == ["Filled"]
    (leg,), (intended,) = of(week.facts, LegRolled), of(week.facts, TradeIntended)
    stop, target = (next(o for o in intended.approved.subject.orders if o.role == role) for role in ("stop", "target"))
    assert (leg.stop, leg.target, leg.difference) == ((stop.stop or 0) + UP, (target.limit or 0) + UP, UP)
    assert (leg.reopened, leg.carried) == (quantity, quantity)
    assert week.wrong() == []
    assert {name for _, name in week.unprotected} <= {NEXT}
    moments = [at for at, _ in week.unprotected]
    assert not moments or moments[-1] - moments[0] < SECOND
    assert not of(week.facts, TradeClosed)


@pytest.mark.parametrize(("rules", "side"), [(HOLDS, 1), (SHORT, -1)])
def test_one_order_carries_a_trade_over_with_its_stop_and_target(rules: str, side: int, tmp_path: Path, sessions: Path) -> None:
    week = RollWeek(tmp_path, sessions, rules, SPREAD)
    week.run((STARTS, AFTER))
    carried(week, side)
    (orders,) = legs(week)
    assert [order.contract for order in orders] == [OLD, NEXT]
    assert pages(week) == []
    assert week.decided_again().first_difference is None
