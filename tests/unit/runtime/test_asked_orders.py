"""Orders by hand through a run's inbox: carried out once whatever stops in between, and alike in every mode."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.golden.records import facts_of
from tests.unit.engine.manual_desk import BEGIN, PRICE, Desk, tick_of
from theo.adapters.sql.inbox import SqlInbox
from theo.app.home.layout import open_home
from theo.app.inbox import orders
from theo.app.runs.composition import Virtual, open_virtual
from theo.domain.asked import Asked, ChangeAsked, EntryAsked, ExitAsked, PairAsked
from theo.domain.errors import CorruptionError
from theo.domain.facts import CommandDone, Fact, TradeIntended
from theo.domain.inputs import Command, Started
from theo.domain.market_data import SECOND, Bar, Tick
from theo.domain.orders import OrderType, Side
from theo.drive.assembly import Plan
from theo.runtime.operator import LEFT_OVER

ENTER = EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.LIMIT, quantity=2, limit="4995", stop="4985", target="5010")


def command(number: int, at: int, payload: Asked) -> Command:
    return Command(at=at, id=f"c{number}", actor="test", name="create_order", reason="test", payload=payload)


class Runs:
    """Processes of one virtual run, one after the other."""

    def __init__(self, home: Path) -> None:
        self.plan: Plan = Desk().plan
        self.home = open_home(home)
        self.folder = self.home.runs / "by-hand"
        self.at = BEGIN

    async def process(self, *commands: Command) -> Virtual:
        """A process that is asked for these while it runs, and has played a little of the market."""
        virtual = open_virtual(self.home, self.folder, self.plan, None)
        plan, at = self.plan, max(self.at, virtual.booted.core.at)
        await virtual.run.begin(Started(at=at, key=plan.key, build="t", cash=plan.cash, world=plan.record()))
        await self.play(virtual, PRICE)
        for each in commands:
            virtual.inbox.post(each)
        await virtual.run._operator.look()
        await self.play(virtual, PRICE)
        return virtual

    async def play(self, virtual: Virtual, *prices: int) -> None:
        """A tick a second."""
        ticks = []
        for price in prices:
            self.at += SECOND
            ticks.append(tick_of(price, self.at))
        await virtual.run.take(stream(ticks))

    def facts(self, virtual: Virtual) -> list[Fact]:
        return facts_of(virtual.store.read("trading"))


async def stream(items: Iterable[Tick | Command]) -> AsyncIterator[Tick | Bar | Command]:
    for item in items:
        yield item


async def test_what_was_journalled_and_not_answered_is_answered_and_not_done_again(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    asked = command(1, BEGIN, ENTER)
    first = await runs.process()
    first.shell.post(msgspec.structs.replace(asked, at=first.booted.core.at))
    await first.shell.pump()  # recorded and sent; the process dies before it can answer
    first.inbox.post(asked)
    first.close()
    second = await runs.process()
    outcome = second.inbox.outcome("c1")
    assert outcome is not None
    assert outcome.accepted
    assert outcome.orders == first.shell.core.state.commands["c1"].orders
    assert sum(isinstance(fact, TradeIntended) for fact in runs.facts(second)) == 1
    second.close()


async def test_what_nobody_carried_out_is_refused_by_the_next_process(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    first = await runs.process()
    first.inbox.post(command(1, BEGIN, ENTER))
    first.close()
    second = await runs.process(command(2, BEGIN, ENTER))
    left, asked = second.inbox.outcome("c1"), second.inbox.outcome("c2")
    assert left is not None
    assert (left.accepted, left.rule, left.text) == (False, "left_over", LEFT_OVER)
    assert asked is not None
    assert asked.accepted
    assert [fact.id for fact in runs.facts(second) if isinstance(fact, CommandDone)] == ["c2"]
    second.close()


async def test_a_snapshot_remembers_what_came_of_a_command(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    first = await runs.process(command(1, BEGIN, ENTER))
    before = first.inbox.outcome("c1")
    await first.run.end()
    first.close()
    second = await runs.process()
    assert second.booted.recovered.from_snapshot
    held = second.shell.core.state.commands["c1"]
    assert before is not None
    assert (held.orders, held.accepted) == (before.orders, True)
    second.close()


async def test_the_functions_find_their_way_to_the_run_and_back(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    virtual = await runs.process(command(1, BEGIN, ENTER))
    outcome = virtual.inbox.outcome("c1")
    assert outcome is not None
    await runs.play(virtual, PRICE - 600)
    await virtual.shell.idle()
    trade = next(iter(virtual.shell.core.state.trades))
    entry, stop, target = orders.get_order_status(tmp_path, trade, run="by-hand")
    assert (entry.id, entry.status, entry.filled, entry.average_price) == (outcome.orders[0], "filled", 2, "4995.00")
    assert [(fill.quantity, fill.price) for fill in entry.fills] == [(2, "4995.00")]
    assert [event.event for event in entry.events] == ["intended", "accepted", "full_fill"]
    assert {(order.role, order.status) for order in (stop, target)} == {("stop", "working"), ("target", "working")}
    assert [order.id for order in orders.list_orders(tmp_path, run="by-hand")][:2] == [stop.id, target.id]  # what lives first
    virtual.inbox.post(command(2, runs.at, ChangeAsked(id=stop.id, trigger=stop.trigger)))  # a price is asked for as it is shown
    await virtual.run._operator.look()
    again = virtual.inbox.outcome("c2")
    assert again is not None
    assert "is no price" not in again.text
    virtual.close()
    assert orders.create_order(tmp_path, ENTER, run="by-hand").state == "not_running"
    inbox = SqlInbox(runs.folder)
    assert inbox.pending() == ()  # an order never lies in wait
    inbox.close()


async def test_a_market_that_has_nothing_to_say_delays_no_command(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    virtual = await runs.process()
    answered = asyncio.Event()

    async def silent() -> AsyncIterator[Tick | Bar | Command]:
        await answered.wait()
        yield tick_of(PRICE, runs.at + SECOND)

    playing = asyncio.create_task(virtual.run.take(silent()))
    done = await asyncio.to_thread(orders.create_order, tmp_path, ENTER, run="by-hand")
    assert (done.state, [order.status for order in done.orders]) == ("done", ["working"] * 3)
    answered.set()
    await playing
    virtual.close()


def script() -> Iterator[Tick | Command]:
    """Ticks with commands between them: an entry, a change, a part closed at a price, a pair, a close."""
    at = BEGIN
    asked: dict[int, Asked] = {
        3: ENTER,
        6: ChangeAsked(id="j-t0", limit="4996", stop="4986"),
        24: ExitAsked(trade="j-t0", type=OrderType.LIMIT, quantity=1, limit="5002"),
        30: PairAsked(
            EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.STOP, quantity=1, trigger="5012", stop="5002"),
            EntryAsked(symbol="MES", side=Side.SELL, type=OrderType.STOP, quantity=1, trigger="4994", stop="5004"),
        ),
        33: ExitAsked(trade="j-t3", type=OrderType.MARKET),
    }
    for number in range(70):
        at += SECOND
        yield tick_of(PRICE + 25 * (((number * 7) % 31) - 15) * (1 + number // 20), at)
        if number in asked:
            yield command(number, at, asked[number])


async def test_the_same_commands_lead_to_the_same_facts_in_lock_step_and_through_the_shell(tmp_path: Path) -> None:
    desk = Desk(begin=False)
    desk.driver.feed(Started(at=BEGIN, key=desk.plan.key, build="t", cash=desk.plan.cash, world=desk.plan.record()))
    desk.driver.run(script())
    virtual = open_virtual(open_home(tmp_path), tmp_path / "runs" / "by-hand", desk.plan, None)
    await virtual.run.begin(Started(at=BEGIN, key=desk.plan.key, build="t", cash=desk.plan.cash, world=desk.plan.record()))
    await virtual.run.take(stream(script()))
    await virtual.run.end()
    through_the_shell = facts_of(virtual.store.read("trading"))
    virtual.close()
    assert through_the_shell == desk.facts
    done = [fact for fact in desk.facts if isinstance(fact, CommandDone)]
    assert [fact.accepted for fact in done] == [True] * 5, [fact.text for fact in done]
    assert desk.books.executions == list(virtual.broker.venue.books.executions)
    assert len(desk.books.executions) >= 4


async def test_a_number_that_no_record_could_hold_is_refused_before_the_core_hears_of_it(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    wrong = msgspec.structs.replace(ENTER, quantity=2**70), msgspec.structs.replace(ENTER, risk_percent=1e-5, quantity=0)
    virtual = await runs.process(*(command(n, BEGIN, asked) for n, asked in enumerate(wrong)), command(9, BEGIN, ENTER))
    outcomes = [virtual.inbox.outcome(f"c{n}") for n in (0, 1, 9)]
    assert [(each.accepted, each.rule) for each in outcomes if each] == [(False, "quantity"), (False, "risk_percent"), (True, "")]
    assert [fact.id for fact in runs.facts(virtual) if isinstance(fact, CommandDone)] == ["c9"]
    virtual.close()


async def test_a_run_that_can_no_longer_hear_people_ends_also_while_the_market_has_nothing(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    virtual = await runs.process()

    async def silence() -> AsyncIterator[Tick | Bar | Command]:
        database = runs.folder / "inbox.db"
        virtual.inbox.close()
        for log in database.parent.glob("inbox.db-*"):
            log.unlink()
        database.write_bytes(b"no database" * 1_000)
        await asyncio.Event().wait()
        yield tick_of(PRICE, runs.at)

    async with asyncio.timeout(5):
        with pytest.raises(CorruptionError, match="is no database"):
            await virtual.run.take(silence())
    virtual.close()
