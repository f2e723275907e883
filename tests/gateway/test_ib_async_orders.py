"""The unmodified ib_async over TCP: every kind of order from its placing to its end, at prices by hand.

SPY is quoted 599.90 / 600.10, MES 6799.75 / 6800.25; an order for the market meets the quote that comes next.
"""

import pytest
from ib_async import (
    IB,
    Contract,
    Future,
    LimitOrder,
    MarketOrder,
    Order,
    OrderState,
    PriceCondition,
    Stock,
    StopLimitOrder,
    StopOrder,
    Trade,
)

from tests.gateway.stand import HandStand, qualified
from tests.unit.gateway.hand_market import MES, SPY


class Desk:
    """One client with SPY and MES."""

    def __init__(self, stand: HandStand, ib: IB, spy: Contract, mes: Contract) -> None:
        self.stand, self.ib, self.spy, self.mes = stand, ib, spy, mes

    async def place(self, order: Order, contract: Contract | None = None) -> Trade:
        trade = self.ib.placeOrder(contract or self.spy, order)
        await self.stand.passes()
        return trade


@pytest.fixture
async def desk(stand: HandStand) -> Desk:
    ib = await stand.connect()
    spy = await qualified(ib, Stock("SPY", "SMART", "USD"))
    return Desk(stand, ib, spy, await qualified(ib, Future("MES", "202612", "CME")))


def status(*trades: Trade) -> list[str]:
    return [trade.orderStatus.status for trade in trades]


async def test_a_market_order_pays_the_offer(desk: Desk) -> None:
    trade = await desk.place(MarketOrder("BUY", 5, orderRef="why"))
    assert status(trade) == ["Submitted"]
    await desk.stand.trades("600")
    assert status(trade) == ["Filled"]
    (fill,) = trade.fills
    assert (fill.execution.side, fill.execution.shares, fill.execution.price) == ("BOT", 5, 600.1)
    assert (fill.execution.orderRef, fill.execution.permId, trade.orderStatus.avgFillPrice) == ("why", trade.order.permId, 600.1)


async def test_a_limit_order_is_never_filled_beyond_its_limit(desk: Desk) -> None:
    trade = await desk.place(LimitOrder("BUY", 10, 598.0))
    for bid, ask in (("599.0", "599.1"), ("598.0", "598.1")):
        await desk.stand.quotes(bid, ask)
        assert status(trade) == ["Submitted"]
    await desk.stand.quotes("597.8", "597.9")
    assert status(trade) == ["Filled"]
    assert trade.fills[0].execution.price == 598.0


async def test_partial_fills_add_up_to_the_order(desk: Desk) -> None:
    trade = await desk.place(LimitOrder("BUY", 100, 600.0))
    for ask, size in (("600.0", 30), ("599.98", 50), ("599.99", 500)):
        await desk.stand.quotes("599.9", ask, sizes=(100, size))
    sizes = [fill.execution.shares for fill in trade.fills]
    assert len(sizes) >= 2
    assert sum(sizes) == 100 == trade.filled()
    assert [fill.execution.cumQty for fill in trade.fills] == [sum(sizes[: n + 1]) for n in range(len(sizes))]
    paid = sum(fill.execution.shares * fill.execution.price for fill in trade.fills)
    assert trade.orderStatus.avgFillPrice == pytest.approx(paid / 100)
    assert trade.fills[-1].execution.avgPrice == pytest.approx(paid / 100)
    assert len({fill.execution.execId for fill in trade.fills}) == len(sizes)
    assert sum(fill.commissionReport.commission for fill in trade.fills) == pytest.approx(1.0)  # the minimum, once an order
    assert (trade.remaining(), trade.orderStatus.remaining, status(trade)) == (0, 0, ["Filled"])


async def test_a_stop_waits_for_a_trade_and_then_takes_the_market(desk: Desk) -> None:
    trade = await desk.place(StopOrder("SELL", 5, 598.0))
    assert status(trade) == ["PreSubmitted"]
    await desk.stand.trades("598.5")
    assert status(trade) == ["PreSubmitted"]
    await desk.stand.quotes("597.8", "598.1")
    assert status(trade) == ["PreSubmitted"]
    await desk.stand.trades("597.9")
    assert status(trade) == ["Filled"]
    assert trade.fills[0].execution.price == 597.8  # the bid


async def test_a_stop_limit_that_is_jumped_over_rests(desk: Desk) -> None:
    trade = await desk.place(StopLimitOrder("BUY", 5, 602.5, 602.0))
    await desk.stand.quotes("605.0", "605.2")
    await desk.stand.trades("605.1")
    assert trade.filled() == 0
    await desk.stand.quotes("602.2", "602.4")
    assert trade.fills[0].execution.price <= 602.5


async def test_a_trailing_stop_follows_and_never_loosens(desk: Desk) -> None:
    trade = await desk.place(Order(action="SELL", totalQuantity=5, orderType="TRAIL", auxPrice=2.0))
    levels = []
    for n, price in enumerate(("600.0", "603.0", "602.0", "604.0", "602.5"), start=10):
        await desk.stand.trades(price)
        (told,) = await (await desk.stand.connect(n)).reqAllOpenOrdersAsync()  # one that has the order anew
        levels.append(told.order.trailStopPrice)
    assert levels == [598.0, 601.0, 601.0, 602.0, 602.0]
    assert status(trade) == ["PreSubmitted"]
    await desk.stand.trades("601.9")
    await desk.stand.quotes("601.8", "602.0")
    assert status(trade) == ["Filled"]


async def bracket(desk: Desk) -> list[Trade]:
    """Bought at 6800.25: take 6820, stop 6780."""
    orders = desk.ib.bracketOrder("BUY", 2, 6800.5, 6820.0, 6780.0, tif="GTC")
    trades = [desk.ib.placeOrder(desk.mes, order) for order in orders]
    await desk.stand.passes()
    assert status(*trades) == ["Submitted", "PreSubmitted", "PreSubmitted"]
    await desk.stand.trades("6800", MES)
    assert status(*trades) == ["Filled", "Submitted", "PreSubmitted"]
    assert [trade.order.parentId for trade in trades] == [0, trades[0].order.orderId, trades[0].order.orderId]
    return trades


async def test_the_target_of_a_bracket_cancels_its_stop(desk: Desk) -> None:
    trades = await bracket(desk)
    await desk.stand.quotes("6820.25", "6820.75", MES)
    assert status(*trades) == ["Filled", "Filled", "Cancelled"]
    assert trades[1].fills[0].execution.price >= 6820.0
    assert desk.ib.positions() == []


async def test_the_stop_of_a_bracket_cancels_its_target(desk: Desk) -> None:
    trades = await bracket(desk)
    await desk.stand.quotes("6779.0", "6779.5", MES)
    await desk.stand.trades("6779.25", MES)
    assert status(*trades) == ["Filled", "Cancelled", "Filled"]
    assert desk.ib.positions() == []


async def test_children_are_not_sent_before_the_last_is_and_die_with_their_parent(desk: Desk) -> None:
    parent, target, stop = desk.ib.bracketOrder("BUY", 2, 6700.0, 6820.0, 6680.0)
    first = [desk.ib.placeOrder(desk.mes, order) for order in (parent, target)]
    await desk.stand.passes()
    assert not {"Submitted", "PreSubmitted"} & set(status(*first))
    trades = [*first, desk.ib.placeOrder(desk.mes, stop)]
    await desk.stand.passes()
    desk.ib.cancelOrder(parent)
    await desk.stand.passes()
    assert status(*trades) == ["Cancelled"] * 3


@pytest.mark.parametrize(("kind", "left"), [(1, "Cancelled"), (2, "Submitted"), (3, "Submitted")])
async def test_one_of_a_group_is_filled_and_the_others_follow_its_type(desk: Desk, kind: int, left: str) -> None:
    orders = desk.ib.oneCancelsAll(
        [LimitOrder("BUY", 10, 595.0, tif="GTC"), LimitOrder("BUY", 10, 594.0, tif="GTC")], "either", kind
    )
    trades = [desk.ib.placeOrder(desk.spy, order) for order in orders]
    await desk.stand.passes()
    await desk.stand.quotes("594.5", "594.6", sizes=(100, 4))  # a part of one
    assert trades[0].filled() == 4
    assert status(trades[1]) == [left]
    if left == "Submitted":
        assert trades[1].orderStatus.remaining == 6
    await desk.stand.quotes("594.5", "594.6")
    assert status(*trades) == ["Filled", "Cancelled"]
    assert trades[1].filled() == 0


async def test_a_change_keeps_the_order_and_takes_effect(desk: Desk) -> None:
    trade = await desk.place(LimitOrder("BUY", 10, 590.0))
    perm_id = trade.order.permId
    trade.order.lmtPrice, trade.order.totalQuantity = 599.0, 20
    await desk.place(trade.order)
    assert (trade.order.permId, trade.orderStatus.remaining, status(trade)) == (perm_id, 20, ["Submitted"])
    (told,) = await desk.ib.reqOpenOrdersAsync()
    assert (told.order.lmtPrice, told.order.totalQuantity) == (599.0, 20)
    await desk.stand.quotes("598.8", "598.9")
    assert [fill.execution.price for fill in trade.fills] == [599.0]
    assert trade.filled() == 20


async def test_a_cancelled_order_is_never_filled(desk: Desk) -> None:
    trade, errors = await desk.place(LimitOrder("BUY", 10, 599.0)), []
    desk.ib.errorEvent.connect(lambda order_id, code, *_rest: errors.append((order_id, code)))
    desk.ib.cancelOrder(trade.order)
    await desk.stand.passes()
    assert status(trade) == ["Cancelled"]
    assert errors == [(trade.order.orderId, 202)]
    await desk.stand.quotes("590.0", "590.1")
    assert trade.fills == []
    desk.ib.cancelOrder(trade.order)
    await desk.stand.passes()
    assert [each.order.permId for each in await desk.ib.reqCompletedOrdersAsync(apiOnly=True)] == [trade.order.permId]


async def test_everything_is_cancelled_at_once(desk: Desk) -> None:
    trades = [await desk.place(LimitOrder("BUY", 1, price)) for price in (500.0, 501.0, 502.0)]
    desk.ib.reqGlobalCancel()
    await desk.stand.passes()
    assert status(*trades) == ["Cancelled"] * 3
    assert desk.ib.openTrades() == []


async def test_what_if_tells_margin_and_commission_and_books_nothing(desk: Desk) -> None:
    state = await desk.ib.whatIfOrderAsync(desk.mes, MarketOrder("BUY", 3))
    assert isinstance(state, OrderState)
    assert state.commission == pytest.approx(3 * 0.62)
    assert float(state.initMarginAfter) - float(state.initMarginBefore) == float(state.initMarginChange) > 0
    assert float(state.equityWithLoanChange) < 0
    await desk.stand.trades("6800", MES)
    assert (desk.ib.positions(), desk.ib.openTrades(), desk.ib.fills()) == ([], [], [])


async def test_a_condition_holds_an_order_back(desk: Desk) -> None:
    order = LimitOrder("BUY", 10, 601.0, conditions=[PriceCondition(isMore=True, price=6810.0, conId=MES.con_id, exch="CME")])
    trade = await desk.place(order)
    await desk.stand.trades("600")
    assert trade.fills == []
    await desk.stand.trades("6811", MES)
    await desk.stand.trades("600.05", SPY)
    assert trade.filled() == 10


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (LimitOrder("BUY", 1, 600.001), 110),
        (MarketOrder("BUY", 1_000_000), 201),
        (Order(action="BUY", totalQuantity=1, orderType="PEG MKT"), 387),
        (MarketOrder("BUY", 0), 434),
        (MarketOrder("BUY", 1, account="U9"), 321),
    ],
    ids=lambda each: str(each) if isinstance(each, int) else "",
)
async def test_what_cannot_be_is_refused_and_never_works(desk: Desk, order: Order, code: int) -> None:
    errors: list[tuple[int, int]] = []
    desk.ib.errorEvent.connect(lambda order_id, number, *_rest: errors.append((order_id, number)))
    trade = await desk.place(order)
    assert errors == [(trade.order.orderId, code)]
    await desk.stand.trades("600")
    assert trade.fills == []
    assert await desk.ib.reqAllOpenOrdersAsync() == []
