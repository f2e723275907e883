"""Nothing is carried into delivery: when an open trade is closed, and which orders no longer leave. Time is set by hand."""

from collections.abc import Mapping
from datetime import date

import msgspec
import pytest

from tests.unit.engine.test_months import roll
from tests.unit.engine.test_stuck import MES, Trader
from tests.unit.gateway.tables import at
from theo.adapters.calendars.stored import session_table
from theo.domain.facts import CloseAsked, PositionAdopted
from theo.domain.inputs import Command, Input
from theo.domain.market_data import HOUR, SECOND, SessionScope
from theo.domain.orders import OrderRole
from theo.engine.apply import apply
from theo.market.sessions import Hours
from theo.runtime.delivery import Delivery

DECEMBER = (date(2026, 12, 18) - date(1970, 1, 1)).days
MARCH = (date(2027, 3, 19) - date(1970, 1, 1)).days
AFTER_THANKSGIVING = (date(2026, 11, 30) - date(1970, 1, 1)).days
BEFORE = at("2026-12-10 15:59")
OPENED = at("2026-12-11 09:30")  # five sessions are left: 14, 15, 16, 17 and 18 December


class World:
    """A core that is long two, and the guard beside it."""

    def __init__(self, days: Mapping[str, int]) -> None:
        self.trader, self.now = Trader(), 0
        self.told: list[tuple[str, str]] = []
        hours = Hours(session_table("NYSE", date(2026, 11, 1), date(2027, 3, 31)), SessionScope.RTH)
        self.guard = Delivery(lambda _instrument, name: days.get(name), {MES: hours}, 5, lambda: self.now, self)

    def tell(self, _at: int, severity: str, code: str, _text: str) -> None:
        """The notifier's part."""
        self.told.append((severity, code))

    def look(self, now: int) -> list[str]:
        """The guard looks at a time; the trades that were asked to close by it."""
        self.now, before = now, len(self.trader.facts)
        self.guard.look(self.trader.core, self._post)
        return [fact.trade for fact in self.trader.facts[before:] if isinstance(fact, CloseAsked)]

    def _post(self, item: Input) -> None:
        """The core has a year of its own, long before that of the contracts."""
        assert isinstance(item, Command)
        self.trader.at += SECOND
        self.trader.step(msgspec.structs.replace(item, at=self.trader.at))


@pytest.fixture
def world() -> World:
    return World({"": DECEMBER})


def test_what_is_open_five_trading_days_before_the_last_trade_is_closed_and_paged(world: World) -> None:
    closed = [world.look(BEFORE), world.look(OPENED - 8 * HOUR), world.look(OPENED - SECOND)]
    assert (closed, world.told) == ([[], [], []], [])
    assert world.look(OPENED) == ["k-t1"]
    assert world.told == [("page", "delivery")]


def test_holidays_are_no_trading_days() -> None:
    """Before Monday 30 November lie Friday 27, then Thanksgiving, then 25, 24, 23: five with the day itself."""
    world = World({"": AFTER_THANKSGIVING})
    assert world.look(at("2026-11-19 15:59")) == []
    assert world.look(at("2026-11-20 09:30")) == ["k-t1"]


def test_a_person_is_told_again_while_it_is_still_open(world: World) -> None:
    for seconds in (0, 1, 2, 3599):
        world.look(OPENED + seconds * SECOND)
    assert len(world.told) == 1
    world.look(OPENED + HOUR)
    assert len(world.told) == 2


def test_what_a_roll_will_take_along_is_left_to_it(world: World) -> None:
    """Until it has failed, or its time is over."""
    asked: list[tuple[int, str]] = []

    def will(instrument: int, contract: str) -> bool:
        asked.append((instrument, contract))
        return True

    world.guard.rolls = will
    assert (world.look(OPENED), world.told) == ([], [])
    assert asked == [(MES, "")]
    world.guard.rolls = lambda _instrument, _contract: False
    assert world.look(OPENED + 2 * SECOND) == ["k-t1"]


def test_a_process_that_begins_after_the_last_trade_closes_at_once(world: World) -> None:
    assert world.look(at("2026-12-21 12:00")) == ["k-t1"]


def test_a_contract_whose_end_is_not_known_yet_is_looked_at_when_it_is() -> None:
    world = World({})
    assert world.look(OPENED) == []


@pytest.mark.parametrize(("contract", "closed"), [("A", ["k-t1"]), ("B", [])])
def test_only_the_contract_that_ends_is_closed(contract: str, closed: list[str]) -> None:
    world = World({"A": DECEMBER, "B": MARCH})
    roll(world.trader, "", contract)
    assert world.look(OPENED) == closed


def test_entries_no_longer_leave_and_exits_do(world: World) -> None:
    entry, stop, _target = (held.order for held in world.trader.core.state.orders.values())
    assert (entry.role, stop.role) == (OrderRole.ENTRY, OrderRole.STOP)
    world.now = BEFORE
    assert world.guard.refusal(entry) == ""
    world.now = OPENED - 8 * HOUR
    assert "5 trading days" in world.guard.refusal(entry)
    assert world.guard.refusal(stop) == ""


def test_a_position_that_is_left_alone_is_paged_and_not_touched(world: World) -> None:
    world.look(OPENED)
    apply(world.trader.core.state, PositionAdopted(OPENED, MES, 3, "me", "by hand"))
    world.told.clear()
    world.look(OPENED + SECOND)
    world.look(OPENED + 2 * SECOND)
    assert world.told == [("page", "delivery_adopted")]


def test_the_command_is_one_that_the_journal_keeps(world: World) -> None:
    kept: list[object] = []
    world.now = OPENED
    world.guard.look(world.trader.core, kept.append)
    (command,) = kept
    assert isinstance(command, Command)
    assert (command.name, command.subject, command.actor) == ("roll", str(MES), "delivery")
    assert "5 trading days" in command.reason
