"""A future rolls under `theo live` by one order of two legs, in simulated time: judged by the gateway's own books."""

from pathlib import Path

import msgspec
import pytest

from tests.sim.live_world.roll_week import NEXT, OLD, ROLLS, STARTS, UP, RollWeek
from tests.sim.test_live_roll import AFTER, HOLDS, of
from theo.domain.facts import Fact, LegRolled, OrderMoved, OrdersIntended, RollAsked, TradeClosed, TradeIntended
from theo.domain.market_data import MINUTE, SECOND
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


@pytest.mark.slow
def test_where_the_spread_is_refused_it_is_said_and_the_trade_is_closed_and_opened_anew(tmp_path: Path, sessions: Path) -> None:
    week = RollWeek(tmp_path, sessions, HOLDS, SPREAD)

    def watch(week: RollWeek, facts: list[Fact]) -> None:
        if of(facts, RollAsked):
            week.stand.act(lambda: week.gateway.trading.reject_next(1, "no combinations"))

    week.watch = watch
    week.run((STARTS, AFTER))
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2), (NEXT, "BUY", 2)]
    assert week.held() == {NEXT: 2}
    assert [week.resting(NEXT, kind) for kind in ("STP", "LMT")] == [2, 2]
    assert [worked.status for worked in week.gateway.trading.orders.values() if worked.legs] == ["Inactive"]
    assert (week.wrong(), week.unprotected, pages(week)) == ([], [], [])
    assert "spread_failed" in week.told.codes()


@pytest.mark.slow
def test_a_part_is_protected_while_the_rest_works_and_goes_on_alone_when_that_is_not_filled(
    tmp_path: Path, sessions: Path
) -> None:
    """A limit nobody meets stands for a market in which nobody takes the other side: the rest is given up after its bound."""
    week = RollWeek(tmp_path, sessions, HOLDS, SPREAD)

    def part() -> None:
        (bag,) = [worked for worked in week.gateway.trading.orders.values() if worked.legs]
        week.gateway.trading.fill_now(week.gateway.simulator.desk, bag.perm_id, 1)
        bag.terms = msgspec.structs.replace(bag.terms, limit=-10 * UP)

    def watch(week: RollWeek, facts: list[Fact]) -> None:
        if any(fact.order == bag_id(week) for fact in of(facts, OrderMoved)) and not done:
            done.append(week.loop.now)
            week.stand.act(part)

    done: list[int] = []
    week.watch = watch
    week.run((STARTS, AFTER))
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 1), (NEXT, "BUY", 1), (OLD, "SELL", 1)]
    assert week.held() == {NEXT: 1}
    assert [week.resting(NEXT, kind) for kind in ("STP", "LMT")] == [1, 1]
    assert [week.resting(OLD, kind) for kind in ("STP", "LMT", "MKT")] == [0, 0, 0]
    assert week.wrong() == []
    assert pages(week) == ["roll_short"]


def bag_id(week: RollWeek) -> str:
    made = legs(week)
    return made[0][0].id if made else ""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["before the send", "after the answer"])
def test_a_process_that_ends_in_the_middle_goes_on_where_it_was(where: str, tmp_path: Path, sessions: Path) -> None:
    """Kill -9 once the spread is on record and never left; once IB has taken it."""
    week = RollWeek(tmp_path, sessions, HOLDS, SPREAD)
    killed: list[int] = []

    def watch(week: RollWeek, facts: list[Fact]) -> None:
        bag = bag_id(week)
        met = {
            "before the send": bool(bag),
            "after the answer": any(fact.order == bag for fact in of(facts, OrderMoved)),
        }
        if bag and not killed and met[where]:
            killed.append(week.loop.now)
            week.kill()

    week.watch = watch
    week.run((STARTS, AFTER), (0, AFTER))
    assert ROLLS <= killed[0] < ROLLS + MINUTE
    assert week.held() == {NEXT: 2}
    assert [week.resting(NEXT, kind) for kind in ("STP", "LMT")] == [2, 2]
    assert [week.resting(OLD, kind) for kind in ("STP", "LMT", "MKT")] == [0, 0, 0]
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2), (NEXT, "BUY", 2)]
    assert (week.wrong(), pages(week)) == ([], [])
    assert week.decided_again().first_difference is None


@pytest.mark.slow
def test_a_link_that_is_lost_with_the_fills_on_their_way_is_made_up_by_the_books(tmp_path: Path, sessions: Path) -> None:
    """TWS loses its server as soon as it has taken the spread: both legs are filled meanwhile, and nobody is told."""
    week = RollWeek(tmp_path, sessions, HOLDS, SPREAD)
    lost: list[int] = []

    def watch(week: RollWeek, facts: list[Fact]) -> None:
        if not lost and any(fact.order == bag_id(week) for fact in of(facts, OrderMoved)):
            lost.append(week.loop.now)
            week.play("server-lost", week.loop.now, week.loop.now + MINUTE)

    week.watch = watch
    week.run((STARTS, AFTER))
    assert week.deals() == [(OLD, "BUY", 2), (OLD, "SELL", 2), (NEXT, "BUY", 2)]
    assert week.held() == {NEXT: 2}
    assert [week.resting(NEXT, kind) for kind in ("STP", "LMT")] == [2, 2]
    assert [week.resting(OLD, kind) for kind in ("STP", "LMT", "MKT")] == [0, 0, 0]
    assert week.wrong() == []
    assert week.decided_again().first_difference is None
