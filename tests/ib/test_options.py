"""Options that are chosen: one instrument of ours, listed contracts at IB, and exits that the underlying's price sets off."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from tests.gateway.conftest import START
from tests.ib.conftest import running
from tests.ib.trading import Desk, Told, make_desk, until
from theo.adapters.ib.chains import IbChains
from theo.adapters.ib.link import Link, Up
from theo.adapters.ib.margins import Margin
from theo.adapters.ib.settings import IbSettings
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.system.clock import PacedClock
from theo.domain.instrument import Instrument
from theo.domain.market_data import MINUTE, SECOND, TickKind
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, PriceCondition, Side, TimeInForce
from theo.domain.reports import OrderAccepted, OrderAmended, OrderCancelled, OrderFilled, OrderRejected
from theo.gateway.building import Gateway
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.gateway.trading.working import Phase
from theo.gateway.wire.messages.order import PriceCondition as Shown
from theo.strategy.option_front import option_front

SPY = {symbol: listed.instrument for symbol, listed in catalogue().items()}["SPY"]
FRONT = option_front(SPY, "CALL", "ITM", "weekly").instrument
CALL = FRONT.symbol


@pytest.fixture
def instruments(instruments: dict[str, Instrument]) -> dict[str, Instrument]:
    return instruments | {CALL: FRONT}


def chains_of(desk: Desk) -> IbChains:
    return IbChains(desk.broker._link, [desk.broker._contracts])


async def chosen(desk: Desk, points: int = 20) -> str:
    """A call so many points in the money, of the nearest series, which the front stands for from now on."""
    chains = chains_of(desk)
    await desk.broker._contracts.resolve([FRONT], "")
    series = next(each for each in await chains.chain(SPY) if each.exchange == "SMART")
    price = await chains.price(SPY)
    assert price is not None
    strike = min(series.strikes, key=lambda each: abs(price - points - each))
    name = await chains.listed(FRONT, series.trading_class, date.fromisoformat(series.expiries[0]), strike)
    chains.trade(FRONT.id, name)
    return name


def exits(
    desk: Desk, name: str, quantity: int, below: int, above: int, *, parent: str = "", group: str = "exits"
) -> tuple[Order, Order]:
    """A stop and a target of a bought call, set off by SPY's price."""
    found = []
    on = {OrderRole.STOP: PriceCondition(SPY.id, below, above=False), OrderRole.TARGET: PriceCondition(SPY.id, above, above=True)}
    for role, condition in on.items():
        order = desk.order(CALL, Side.SELL, quantity, role=role, condition=condition, contract=name, parent=parent)
        found.append(msgspec.structs.replace(order, tif=TimeInForce.GTC, oca_group=group, oca_type=OcaType.REDUCE_NON_BLOCK))
    return found[0], found[1]


def bracket(desk: Desk, name: str, quantity: int, below: int, above: int) -> tuple[Order, Order, Order]:
    """A call bought well above its ask, so that it fills, with both exits."""
    parent = desk.order(CALL, Side.BUY, quantity, OrderType.LIMIT, limit=20_000, contract=name)
    return parent, *exits(desk, name, quantity, below, above, parent=parent.id)


async def test_a_contract_is_asked_for_by_what_it_is_and_named_as_it_is_called(desk: Desk) -> None:
    name = await chosen(desk)
    contracts = desk.broker._contracts
    assert contracts.contract(FRONT.id).localSymbol == contracts.month(FRONT.id, name).localSymbol == name
    assert await chains_of(desk).listed(FRONT, "SPY", date(2026, 12, 18), Decimal("601.5")) == ""
    day = datetime.fromtimestamp(START / 1_000_000, UTC).date()
    last = contracts.last_trade(FRONT.id, name)
    assert last == contracts.last_trade(FRONT.id, "")
    assert last is not None
    assert last * 86_400 >= (day - date(1970, 1, 1)).days * 86_400
    assert contracts.last_trade(FRONT.id, "SPY   200117C00300000") == 0, "what is not listed has ended"


async def test_the_books_have_an_option_under_what_stands_for_it_and_by_its_name(desk: Desk) -> None:
    name = await chosen(desk)
    for quantity in (2, 1):
        bought = desk.order(CALL, Side.BUY, quantity, OrderType.LIMIT, limit=20_000, contract=name)
        await desk.place(bought)
        await desk.hear(OrderFilled, bought)
    other = await chosen(desk, points=40)
    book = await desk.book()
    assert (book.months, book.positions) == ({FRONT.id: {name: 3}}, {FRONT.id: 3})
    assert {fill.order for fill in book.executions} == {fill.order for fill in desk.fills()}
    assert other != name
    assert not {"other_contract", "foreign_position", "foreign_execution"} & set(desk.told.codes())


async def test_margin_and_cost_of_an_option_are_its_own(desk: Desk) -> None:
    name = await chosen(desk)
    told = await desk.broker.what_if(desk.order(CALL, Side.BUY, 1, OrderType.LIMIT, limit=2_000, contract=name))
    assert isinstance(told, Margin)


async def test_exits_rest_at_ib_and_one_is_set_off_by_the_underlying(desk: Desk) -> None:
    name, last = await chosen(desk), desk.last("SPY")
    away = SPY.floor_to_tick(last * 0.5), SPY.ceil_to_tick(last * 1.5)
    parent, stop, target = bracket(desk, name, 3, *away)
    await desk.place(parent, stop, target)
    await desk.hear(OrderFilled, parent)
    for order in (stop, target):
        (worked,) = desk.worked(order)
        (condition,) = worked.order.conditions
        assert isinstance(condition, Shown)
        assert (condition.con_id, condition.is_more) == (SPY.token, order is target)
        assert condition.price == float(SPY.decimal(away[order is target]))
        assert worked.phase is Phase.ARMED
    entry = next(each for each in (await desk.book()).orders if each.order.id == stop.id)
    assert (entry.order.condition, entry.order.contract) == (stop.condition, name)
    await desk.time(30)
    assert not desk.fills(stop)
    assert not desk.fills(target)
    for order in (stop, target):
        await desk.broker.cancel(order.id)
        await desk.hear(OrderCancelled, order)
    near, far = exits(desk, name, 3, SPY.ceil_to_tick(last * 1.2), away[1], group="others")  # it trades below already
    await desk.place(far)
    await desk.place(near)
    await until(lambda: sum(fill.quantity for fill in desk.fills(near)) == 3)
    await until(lambda: desk.worked(far)[0].phase is Phase.CANCELLED)
    assert (await desk.book()).positions == {}
    assert "other_condition" not in desk.told.codes()


def crossing(contracts: Book, since: int, after: int) -> PriceCondition:
    """A price of SPY that the gateway's own market does not reach for ``after`` seconds, and then does."""
    market = SyntheticMarket(7, contracts.listings(), since + 30 * MINUTE)
    trades = [t for t in market.ticks(SPY.token, since, since + 30 * MINUTE) if t.kind == TickKind.TRADE]
    early = [t.price for t in trades if t.timestamp < since + after * SECOND]
    for tick in trades:
        price = tick.price
        if price > max(early) + SPY.tick:
            return PriceCondition(SPY.id, price, above=True)
        if price < min(early) - SPY.tick:
            return PriceCondition(SPY.id, price, above=False)
    raise AssertionError("the market stands still")


async def rests(desk: Desk, contracts: Book) -> tuple[str, Order, Order]:
    """Three bought calls, a stop that SPY's own way will reach in five minutes, and a target that it will not."""
    name, last = await chosen(desk), desk.last("SPY")
    parent, stop, target = bracket(desk, name, 3, SPY.floor_to_tick(last * 0.5), SPY.ceil_to_tick(last * 1.5))
    stop = msgspec.structs.replace(stop, condition=crossing(contracts, desk.broker._now(), 300))
    await desk.place(parent, stop, target)
    await desk.hear(OrderFilled, parent)
    return name, stop, target


async def fires(desk: Desk, stop: Order, target: Order) -> None:
    """The stop sells all of it when SPY has traded there, not before, and the target goes."""
    assert stop.condition is not None
    await until(lambda: sum(fill.quantity for fill in desk.fills(stop)) == 3, 60.0)
    (first, *_) = desk.fills(stop)
    market = desk.gateway.simulator.desk.market
    traded = [t for t in market.ticks(SPY.token, START, first.timestamp + SECOND) if t.kind == TickKind.TRADE]
    assert any(stop.condition.met_by(t.price, t.price) for t in traded)
    assert not any(stop.condition.met_by(t.price, t.price) for t in traded if t.timestamp < first.timestamp - 5 * SECOND)
    await until(lambda: desk.worked(target)[0].phase is Phase.CANCELLED)
    assert (await desk.book()).positions == {}
    assert not {"other_condition", "foreign_execution", "other_contract"} & set(desk.told.codes())


async def test_an_exit_rests_over_a_restart_of_the_gateway_and_fires_when_the_underlying_crosses(
    desk: Desk, contracts: Book
) -> None:
    name, stop, target = await rests(desk, contracts)
    desk.play("nightly-restart", 5.0)
    await until(lambda: not desk.broker._link.up)
    await until(lambda: desk.broker._link.up)
    assert desk.broker._contracts.contract(FRONT.id).localSymbol == name
    assert not desk.fills(stop)
    await fires(desk, stop, target)


async def test_a_process_that_begins_anew_finds_the_exits_changes_them_and_hears_one_fire(
    desk: Desk, gateway: Gateway, server: GatewayServer, clock: PacedClock, contracts: Book, instruments: dict[str, Instrument]
) -> None:
    """All that it knows is the option's name: what sets the exits off it reads at IB."""
    name, stop, target = await rests(desk, contracts)
    await desk.broker.close()
    await desk.broker._link.close()
    told = Told()
    link = Link(IbSettings(port=server.port), clock, told)
    again = make_desk(link, gateway, server, instruments, told)
    fronts = again.broker._contracts

    async def known(_up: Up) -> None:
        await fronts.resolve([FRONT], "")
        await fronts.trade_on(FRONT, name)

    link.on_up.append(known)
    await again.broker.connect(again.heard.append)
    async with running(link):
        book = await again.book()
        shown = {each.order.id: each.order for each in book.orders}
        assert (shown[stop.id].condition, shown[target.id].condition) == (stop.condition, target.condition)
        assert (book.months, shown[stop.id].contract) == ({FRONT.id: {name: 3}}, name)
        for quantity in (2, 3):
            await again.amend(target, quantity=quantity)
            await again.hear(OrderAmended, target, quantity - 1)
            (worked,) = again.worked(target)
            assert (int(worked.order.total_quantity), len(worked.order.conditions)) == (quantity, 1)
        assert not again.fills(stop), "it waits for the price"
        await fires(again, stop, target)
        await again.broker.close()


async def test_a_change_keeps_the_condition(desk: Desk) -> None:
    name, last = await chosen(desk), desk.last("SPY")
    parent, stop, target = bracket(desk, name, 3, SPY.floor_to_tick(last * 0.5), SPY.ceil_to_tick(last * 1.5))
    await desk.place(parent, stop, target)
    await desk.hear(OrderFilled, parent)
    await desk.amend(stop, quantity=2)
    await desk.hear(OrderAmended, stop)
    (worked,) = desk.worked(stop)
    assert (int(worked.order.total_quantity), len(worked.order.conditions)) == (2, 1)
    assert not desk.fills(stop)


async def test_a_condition_that_ib_shows_otherwise_is_told(desk: Desk) -> None:
    name, last = await chosen(desk), desk.last("SPY")
    (stop, _) = exits(desk, name, 1, SPY.floor_to_tick(last * 0.5), SPY.ceil_to_tick(last * 1.5))
    await desk.place(stop)
    await desk.hear(OrderAccepted, stop)
    assert "other_condition" not in desk.told.codes()
    (worked,) = desk.worked(stop)
    worked.order = msgspec.structs.replace(worked.order, conditions=())
    await desk.book()
    book = await desk.book()
    (shown,) = (each.order for each in book.orders if each.order.id == stop.id)
    assert shown.condition is None
    told = [text for severity, code, text in desk.told.messages if (severity, code) == ("page", "other_condition")]
    assert len(told) == 1
    assert "no condition" in told[0]


async def test_an_exit_whose_underlying_is_not_known_does_not_leave(desk: Desk) -> None:
    name = await chosen(desk)
    stop = desk.order(CALL, Side.SELL, 1, role=OrderRole.STOP, contract=name, condition=PriceCondition(77, 100, above=True))
    await desk.place(stop)
    assert "sets the order off" in (await desk.hear(OrderRejected, stop)).reason
    assert not desk.worked(stop)


async def test_what_the_account_holds_by_hand_is_taken(desk: Desk) -> None:
    """Nothing here may stand for it: its position would count as ours."""
    name, chains = await chosen(desk), chains_of(desk)
    bought = desk.order(CALL, Side.BUY, 1, OrderType.LIMIT, limit=20_000, contract=name)
    await desk.place(bought)
    await desk.hear(OrderFilled, bought)
    await desk.book()
    assert not chains.taken(name)
    del desk.broker._contracts.options[name]
    assert chains.taken(name)
