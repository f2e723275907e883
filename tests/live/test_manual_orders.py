"""Orders by hand on a whole gateway: asked as scripts ask, from another thread; the gateway's own books are the truth."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from tests.ib.conftest import until
from tests.live.platform import Platform
from tests.unit.app.conftest import Theo, theo
from theo.app.inbox import orders
from theo.app.inbox.orders import Ordered
from theo.domain.asked import ChangeAsked, EntryAsked, ExitAsked
from theo.domain.facts import AmendIntended, TradeIntended
from theo.domain.orders import OrderType, Side, TimeInForce
from theo.engine.state import State
from theo.gateway.wire.messages.order import Order

__all__ = ["theo"]
NEVER = """
name = "never"
strategy = "rules"
timeframe = "1min"
session = "RTH"
target = "none"
[symbols]
primary = "MES"
[entry]
long = [{ left = "close", op = "<", right = 0 }]
[stop]
percent = 0.02
[size]
quantity = 1
[trading]
style = "positional"
"""
MES = 4
TICK = Decimal("0.25")
FOLLOW_SECONDS, FOLLOWED_MAX = 2.0, 20


class Person:
    """Someone who trades by hand beside a running platform."""

    def __init__(self, platform: Platform, configuration: str = "") -> None:
        self.platform = platform
        platform.rules.write_text(NEVER, encoding="utf-8")
        file = platform.home.configuration
        limits = "[limits]\ntrades_per_day_max = 100\n"
        file.write_text(file.read_text(encoding="utf-8") + limits + configuration, encoding="utf-8")

    async def begin(self) -> None:
        """Until the books agree and MES has a price."""
        await self.platform.begin()
        await self.platform.until(lambda state: state.agreed and bool(state.world) and self.last() > 0)

    def last(self) -> Decimal:
        """The last price of MES; 0 before the first."""
        assert self.platform.live is not None
        return Decimal(self.platform.live.shell.core.world.market.last.get(MES, 0)) / 100

    def away(self, ticks: int) -> str:
        """So many ticks above the last price."""
        return str(self.last() + ticks * TICK)

    async def asks(self, ask: Callable[..., Ordered], *arguments: object, **named: object) -> Ordered:
        """Ask while the platform runs, once its books agree: at twenty times the pace an answer is soon overdue."""
        await self.platform.until(lambda state: state.agreed)
        return await asyncio.to_thread(ask, self.platform.home.path, *arguments, **named)

    @property
    def state(self) -> State:
        """What the platform holds."""
        assert self.platform.live is not None
        return self.platform.live.shell.core.state

    def at_gateway(self, order: str) -> Order:
        """The order as the gateway has it."""
        blotter = self.platform.gateway.trading._dealing.blotter
        (found,) = [worked.order for worked in blotter.orders.values() if worked.order.order_ref == order]
        return found

    async def holds(self, trade: str) -> None:
        """Wait until the trade holds one, under a stop that the gateway has confirmed."""
        await self.platform.until(lambda state: state.trades[trade].open_quantity == 1 and protected(state, trade))

    async def follows(self, trade: str, order: str) -> None:
        """Bring the trigger of a stop entry after a market that goes away from it, until it fills."""
        for _ in range(FOLLOWED_MAX):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FOLLOW_SECONDS):
                    await self.platform.until(lambda state: bool(state.trades[trade].in_quantity))
                    return
            await self.asks(orders.modify_order, ChangeAsked(id=order, trigger=self.away(3)))

    async def flat(self, trade: str) -> None:
        """Close a trade and wait for its end."""
        done = await self.asks(orders.close_trade, trade)
        assert done.state == "done", done.text
        await self.platform.until(lambda state: trade not in state.open_trades)

    def books_agree(self) -> None:
        """Every execution counted once, and the journal decided again to the same."""
        assert self.platform.fills() == self.platform.executions()
        assert self.platform.compare().first_difference is None


def entry(kind: OrderType, tif: TimeInForce, **prices: str) -> EntryAsked:
    """A purchase of one MES."""
    return msgspec.structs.replace(EntryAsked(symbol="MES", side=Side.BUY, type=kind, quantity=1, tif=tif, stop="1%"), **prices)


@pytest.mark.slow  # eight trades, one after the other
async def test_every_type_and_time_in_force_reaches_the_gateway(platform: Platform) -> None:
    person = Person(platform, '[orders]\nentries = "stop after fill"\n')
    await person.begin()
    day, gtc, ioc, fok = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
    wanted: list[tuple[OrderType, TimeInForce, Callable[[], dict[str, str]]]] = [
        (OrderType.MARKET, day, dict),
        (OrderType.LIMIT, gtc, lambda: {"limit": person.away(20)}),
        (OrderType.STOP, gtc, lambda: {"trigger": person.away(12)}),
        (OrderType.STOP_LIMIT, day, lambda: {"trigger": person.away(12), "limit": person.away(80)}),
        (OrderType.TRAILING_STOP, day, lambda: {"trail": "1"}),
        (OrderType.MARKET, ioc, dict),
        (OrderType.LIMIT, ioc, lambda: {"limit": person.away(20)}),
        (OrderType.LIMIT, fok, lambda: {"limit": person.away(20)}),
    ]
    for kind, tif, prices in wanted:
        asked = entry(kind, tif, **prices())
        done = await person.asks(orders.create_order, asked)
        assert not done.failed, (kind, tif, done.text)
        sent = person.at_gateway(done.orders[0].id)
        assert (sent.order_type, sent.tif, sent.action) == (kind, tif, "BUY")
        assert asked.limit == "" or sent.lmt_price == float(asked.limit)
        assert asked.trigger == "" or sent.aux_price == float(asked.trigger)
        trade = done.orders[0].trade
        if asked.trigger:
            await person.follows(trade, done.orders[0].id)
        await person.holds(trade)
        (status, *_) = orders.get_order_status(platform.home.path, done.orders[0].id)
        assert (status.status, status.filled, len(status.fills)) == ("filled", 1, 1)
        assert status.broker_id
        await person.flat(trade)
    await platform.end()
    assert platform.executions().total() == 2 * len(wanted)
    person.books_agree()


def protected(state: State, trade: str) -> bool:
    """Whether a stop of the open size is confirmed."""
    held = [state.orders[o] for o in state.trades[trade].orders]
    return any(o.order.role == "stop" and o.status == "working" and o.open_quantity == 1 for o in held)


@pytest.mark.slow  # a trade after the other
async def test_a_bracket_is_changed_reduced_and_closed_and_a_pair_excludes_itself(platform: Platform, theo: Theo) -> None:
    person = Person(platform)
    await person.begin()
    low = EntryAsked(
        symbol="MES", side=Side.BUY, type=OrderType.LIMIT, quantity=2, limit=person.away(-400), stop="1%", target="1%"
    )
    done = await person.asks(orders.create_bracket_order, low)
    assert not done.failed, done.text
    parent, stop, target = (order.id for order in done.orders)
    assert person.at_gateway(parent).total_quantity == 2
    limit = person.away(-300)
    changed = await person.asks(orders.modify_order, ChangeAsked(id=parent, limit=limit, quantity=3, stop="0.5%"))
    assert not changed.failed, changed.text
    await until(lambda: {person.at_gateway(o).total_quantity for o in (parent, stop, target)} == {3}, 30.0)
    assert person.at_gateway(parent).lmt_price == float(limit)
    changed = await person.asks(orders.modify_order, ChangeAsked(id=parent, limit=person.away(40)))
    assert not changed.failed or "target" in changed.text or changed.rule == "prices", changed.text
    gone = await person.asks(orders.cancel_order, parent)
    assert not gone.failed, gone.text
    trade = done.orders[0].trade
    await platform.until(lambda state: trade not in state.open_trades)

    bought = await person.asks(orders.create_order, entry(OrderType.MARKET, TimeInForce.DAY, target="1%"))
    trade = bought.orders[0].trade
    await person.holds(trade)
    tighter = await person.asks(orders.modify_order, ChangeAsked(id=trade, stop="0.8%", target="0.9%"))
    assert not tighter.failed, tighter.text
    await platform.until(lambda state: not any(state.orders[o].amending_since for o in state.trades[trade].orders))
    price = state_price(person.state, trade)
    assert person.at_gateway(bought.orders[1].id).aux_price == price
    out = await person.asks(
        orders.create_order, ExitAsked(trade=trade, type=OrderType.LIMIT, limit=person.away(-20), tif=TimeInForce.IOC)
    )
    assert not out.failed, out.text
    await platform.until(lambda state: trade not in state.open_trades)

    up = EntryAsked(symbol="MES", side=Side.BUY, type=OrderType.STOP, quantity=1, trigger=person.away(12), stop="1%")
    down = EntryAsked(symbol="MES", side=Side.SELL, type=OrderType.STOP, quantity=1, trigger=person.away(-12), stop="1%")
    pair = await person.asks(orders.create_oco_order, up, down)
    assert not pair.failed, pair.text
    assert len({person.at_gateway(o.id).oca_group for o in pair.orders if o.role == "entry"}) == 1
    await platform.until(lambda state: len(state.open_trades) == 1 and bool(state.positions.get(MES)))
    (left,) = person.state.open_trades
    await person.flat(left)
    said = await asyncio.to_thread(theo, "--home", platform.home.path, "order", "list", "--json")
    assert said.code == 0, said.err
    assert {order["status"] for order in json.loads(said.out)} <= {"filled", "cancelled"}
    await platform.end()
    person.books_agree()


def state_price(state: State, trade: str) -> float:
    """The trade's stop."""
    return state.trades[trade].stop / 100


@pytest.mark.slow  # a start, and a dozen questions
async def test_refusals_questions_and_repeats(platform: Platform, theo: Theo) -> None:
    person = Person(platform, "[orders]\ncheck_margin = true\n")
    await person.begin()
    home = platform.home.path

    async def said(*words: str) -> tuple[int, Ordered]:
        answer = await asyncio.to_thread(theo, "--home", home, "order", *words, "--json")
        return answer.code, msgspec.json.decode(answer.out, type=Ordered)

    code, found = await said("create", "VIX", "BUY", "1", "--stop", "1%")
    assert (code, found.state, found.rule) == (1, "refused", "instrument")  # this rule set does not listen to it
    code, found = await said("create", "MES", "buy", "1")
    assert (code, found.rule) == (1, "protection")
    code, found = await said(
        "create", "MES", "buy", "1", "--type", "stop", "--trigger", person.away(200), "--tif", "ioc", "--stop", "1%"
    )
    assert (code, found.rule) == (1, "times_in_force")
    code, found = await said("check", "MES", "BUY", "2", "--stop", "1%")
    assert (code, found.state) == (0, "done")
    (margin,) = found.margins
    assert (margin.initial_change or 0) > 0  # the gateway asks an initial margin of a future
    assert margin.currency == "USD"
    assert not person.state.trades

    words = ("create", "MES", "BUY", "1", "--stop", "1%", "--id", "mine-1")
    code, found = await said(*words)
    assert (code, found.state) == (0, "done")
    code, again = await said(*words)
    assert (code, again.orders[0].id) == (0, found.orders[0].id)
    assert len(person.state.trades) == 1
    intended = [fact for fact in platform.facts if isinstance(fact, TradeIntended | AmendIntended)]
    assert len(intended) == 1
    await person.flat(next(iter(person.state.trades)))
    await platform.end()
    assert (await said(*words))[1].state == "done"  # answered from the record, by nobody
    code, found = await said("create", "MES", "BUY", "1", "--stop", "1%")
    assert (code, found.state) == (1, "not_running")
    person.books_agree()
