"""Orders through the adapter against the gateway's own books: placed, filled, changed, cancelled, refused, asked about."""

import asyncio
import itertools

import msgspec
import pytest

from tests.gateway.conftest import SPEED
from tests.ib.conftest import running
from tests.ib.trading import Desk, Told, make_desk
from tests.unit.gateway.tables import at
from theo.adapters.ib.link import Link
from theo.adapters.ib.margins import Margin, Refusal
from theo.adapters.ib.settings import IbSettings
from theo.adapters.system.clock import PacedClock
from theo.domain.inputs import LinkChanged
from theo.domain.instrument import MICROS, Instrument
from theo.domain.orders import OrderType, Side, TimeInForce
from theo.domain.reports import (
    ActionRejected,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    SendFailed,
)
from theo.gateway.building import build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.server import GatewayServer
from theo.gateway.trading.working import Phase


async def test_a_market_order_fills_with_its_true_price_and_charges(desk: Desk) -> None:
    order = desk.order("MES", Side.BUY, 2)
    await desk.place(order)
    fill = await desk.hear(OrderFilled, order)
    (worked,) = desk.worked(order)
    assert [a.broker_id for a in desk.of(OrderAccepted, order)] == [str(worked.perm_id)]
    assert (fill.final, fill.charges) == (True, 2 * 620_000)
    assert desk.told_sums() == desk.true_sums()
    assert abs(fill.timestamp - fill.at) < 2 * MICROS


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (OrderType.LIMIT, {"limit": -400}),
        (OrderType.STOP, {"stop": 400}),
        (OrderType.STOP_LIMIT, {"stop": 400, "limit": 425}),
        (OrderType.TRAILING_STOP, {"trail": 400}),
        (OrderType.TRAILING_STOP, {"trail": 400, "stop": 800}),
    ],
    ids=["LMT", "STP", "STP LMT", "TRAIL", "TRAIL from a level"],
)
@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.GTC])
async def test_what_rests_has_exactly_our_prices(desk: Desk, kind: OrderType, fields: dict[str, int], tif: TimeInForce) -> None:
    """As the gateway read them from the wire, in whole price units."""
    last = desk.last("MES")
    prices = {name: value if name == "trail" else last + value for name, value in fields.items()}
    order = desk.order("MES", Side.BUY, 3, kind, tif=tif, outside_rth=True, **prices)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    (worked,) = desk.worked(order)
    terms = worked.terms
    assert (terms.side, terms.quantity, terms.tif, terms.limit, terms.trail) == (
        Side.BUY,
        3,
        str(tif),
        prices.get("limit"),
        prices.get("trail"),
    )
    assert terms.stop == prices.get("stop")
    assert worked.order.account == "DU1234567"
    (entry,) = (await desk.book()).orders
    month = worked.listing.contract.local_symbol
    assert month.startswith("MES")
    assert entry.order == msgspec.structs.replace(order, account="DU1234567", contract=month)
    assert desk.of(OrderAmended) == []


async def test_a_bracket_is_one_and_its_children_work_when_it_is_filled(desk: Desk) -> None:
    last = desk.last("MES")
    parent, stop, target = desk.bracket("MES", 2, last - 4_000, last - 8_000, last + 8_000)
    await desk.place(parent, stop, target)
    for order in (parent, stop, target):
        await desk.hear(OrderAccepted, order)
    assert [each[0].phase for each in map(desk.worked, (parent, stop, target))] == [Phase.WORKING, Phase.CHILD, Phase.CHILD]
    desk.fill(parent)
    await desk.hear(OrderFilled, parent)
    await desk.until(lambda: desk.worked(stop)[0].phase is Phase.WORKING)
    await desk.amend(target, limit=last - 4_000)
    await desk.hear(OrderFilled, target)
    await desk.hear(OrderCancelled, stop)
    assert desk.told_sums() == desk.true_sums()
    assert (await desk.book()).positions == {}


async def test_a_part_of_an_exit_makes_its_group_smaller(desk: Desk) -> None:
    last = desk.last("MES")
    parent, stop, target = desk.bracket("MES", 100, last - 4_000, last - 8_000, last + 8_000)
    await desk.place(parent, stop, target)
    await desk.hear(OrderAccepted, target)
    desk.fill(parent)
    await desk.until(lambda: desk.worked(target)[0].phase is Phase.WORKING)
    await desk.amend(target, limit=last - 4_000)  # more than the market takes at once
    await desk.hear(OrderCancelled, stop)
    sold = list(itertools.accumulate(fill.quantity for fill in desk.fills(target)))
    assert len(sold) > 1
    assert [amended.quantity for amended in desk.of(OrderAmended, stop)] == [100 - each for each in sold[:-1]]
    assert desk.told_sums() == desk.true_sums()


async def test_a_change_is_confirmed_with_the_new_values(desk: Desk) -> None:
    last = desk.last("MES")
    order = desk.order("MES", Side.BUY, 2, OrderType.LIMIT, limit=last - 4_000)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    await desk.amend(order, quantity=1, limit=last - 3_000)
    amended = await desk.hear(OrderAmended, order)
    assert (amended.quantity, amended.limit) == (1, last - 3_000)
    (worked,) = desk.worked(order)
    assert (worked.terms.quantity, worked.terms.limit) == (1, last - 3_000)


async def test_a_change_of_a_child_keeps_its_parent(desk: Desk) -> None:
    last = desk.last("MES")
    parent, stop, target = desk.bracket("MES", 2, last - 4_000, last - 8_000, last + 8_000)
    await desk.place(parent, stop, target)
    await desk.hear(OrderAccepted, target)
    await desk.amend(stop, stop=last - 7_000)
    assert (await desk.hear(OrderAmended, stop)).stop == last - 7_000
    assert [each.parent for each in desk.worked(stop)] == [desk.worked(parent)[0].perm_id]


async def test_a_price_off_the_grid_is_refused_in_a_change_and_the_order_stays(desk: Desk) -> None:
    last = desk.last("MES")
    order = desk.order("MES", Side.BUY, 1, OrderType.LIMIT, limit=last - 4_000)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    await desk.amend(order, limit=last - 3_999)
    refused = await desk.hear(ActionRejected, order)
    assert refused.action == "amend"
    assert refused.reason.startswith("110:")
    assert desk.worked(order)[0].terms.limit == last - 4_000
    assert desk.of(OrderRejected) == []


async def test_a_cancel_ends_an_order(desk: Desk) -> None:
    order = desk.order("SPY", Side.BUY, 10, OrderType.LIMIT, limit=desk.half("SPY"))
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    await desk.broker.cancel(order.id)
    await desk.hear(OrderCancelled, order)
    assert desk.worked(order)[0].phase is Phase.CANCELLED
    await desk.time(5)
    assert len(desk.of(OrderCancelled, order)) == 1


async def test_a_cancel_of_what_has_ended_or_never_was_is_refused(desk: Desk) -> None:
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    await desk.hear(OrderFilled, order)
    await desk.broker.cancel("j-never-0")
    assert (await desk.hear(ActionRejected, "j-never-0")).action == "cancel"
    assert desk.told_sums() == desk.true_sums()


@pytest.mark.parametrize(
    ("symbol", "limit", "code"), [("MES", 650_010, 110), ("VIX", None, 201)], ids=["off the grid", "an index"]
)
async def test_what_cannot_be_ordered_is_rejected_with_ibs_code(desk: Desk, symbol: str, limit: int | None, code: int) -> None:
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    order = desk.order(symbol, Side.BUY, 1, kind, limit=limit)
    await desk.place(order)
    assert (await desk.hear(OrderRejected, order)).code == code


async def test_an_order_without_funds_is_rejected_with_the_reason(desk: Desk) -> None:
    order = desk.order("MES", Side.BUY, 10_000, OrderType.LIMIT, limit=desk.last("MES"))
    await desk.place(order)
    rejected = await desk.hear(OrderRejected, order)
    assert rejected.code == 201
    assert "Available Funds" in rejected.reason


async def test_an_order_without_a_contract_is_rejected_before_it_leaves(desk: Desk) -> None:
    order = desk.order("ES", Side.BUY, 1)
    await desk.place(order)
    assert "no contract" in (await desk.hear(OrderRejected, order)).reason
    assert desk.worked(order) == []


async def test_an_order_that_ib_works_is_never_sent_a_second_time(desk: Desk) -> None:
    order = desk.order("MES", Side.BUY, 1, OrderType.LIMIT, limit=desk.last("MES") - 4_000)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    await desk.place(order)
    assert (await desk.hear(OrderRejected, order)).code == 103
    assert len(desk.worked(order)) == 1


async def test_what_is_immediate_and_not_filled_is_cancelled(desk: Desk) -> None:
    order = desk.order("MES", Side.BUY, 1, OrderType.LIMIT, limit=desk.last("MES") - 4_000, tif=TimeInForce.IOC)
    await desk.place(order)
    await desk.hear(OrderCancelled, order)


async def test_many_orders_leave_in_the_order_in_which_they_were_placed(desk: Desk) -> None:
    last = desk.last("MES")
    orders = [desk.order("MES", Side.BUY, 1, OrderType.LIMIT, limit=last - 4_000 - 25 * n) for n in range(15)]
    await asyncio.gather(*(desk.place(order) for order in orders))
    for order in orders:
        await desk.hear(OrderAccepted, order)
    placed = sorted((desk.worked(order)[0].perm_id, order.id) for order in orders)
    assert [name for _, name in placed] == [order.id for order in orders]
    handles = [desk.worked(order)[0].order_id for order in orders]
    assert handles == sorted(set(handles))


async def test_a_notice_leaves_the_order_alive(desk: Desk) -> None:
    """2109: IB ignores outsideRth on a future's limit order, and works it."""
    order = desk.order("MES", Side.BUY, 1, OrderType.LIMIT, limit=desk.last("MES") - 4_000, outside_rth=True)
    await desk.place(order)
    await desk.hear(OrderAccepted, order)
    assert any(code == "order_notice" and "2109" in text for _, code, text in desk.told.messages)
    assert (desk.of(OrderRejected), desk.of(OrderCancelled)) == ([], [])


async def test_a_day_order_expires_at_the_session_end(
    contracts: Contracts, instruments: dict[str, Instrument], told: Told
) -> None:
    start = at("2026-11-20 15:59:40")
    gateway = build(GatewaySettings(), contracts, SyntheticMarket(7, contracts.listings(), start), start)
    server = GatewayServer(gateway.simulator, PacedClock(start, SPEED), port=0)
    await server.start()
    link = Link(IbSettings(port=server.port), server._clock, told)
    desk = make_desk(link, gateway, server, instruments, told)
    await desk.broker.connect(desk.heard.append)
    async with running(link):
        day, kept = (
            desk.order("SPY", Side.BUY, 1, OrderType.LIMIT, limit=desk.half("SPY"), tif=t)
            for t in (TimeInForce.DAY, TimeInForce.GTC)
        )
        await desk.place(day)
        await desk.place(kept)
        await desk.hear(OrderExpired, day)
        assert desk.of(OrderCancelled) == []
        assert desk.of(OrderExpired, kept) == []
        await desk.broker.close()
    await server.stop()


async def test_what_an_order_would_do_is_told_and_nothing_is_booked(desk: Desk) -> None:
    margin = await desk.broker.what_if(desk.order("MES", Side.BUY, 1))
    assert isinstance(margin, Margin)
    assert margin.initial_change is not None
    assert margin.initial_change > 0
    assert margin.charges == 620_000
    refused = await desk.broker.what_if(desk.order("MES", Side.BUY, 10_000))
    assert isinstance(refused, Refusal)
    assert refused.code == 201
    assert not desk.gateway.trading.orders


async def test_the_kill_switch_cancels_everything_at_ib(desk: Desk) -> None:
    last = desk.last("MES")
    orders = [desk.order("MES", Side.BUY, 1, OrderType.LIMIT, limit=last - 4_000 - 25 * n) for n in range(3)]
    for order in orders:
        await desk.place(order)
    await desk.hear(OrderAccepted, orders[-1])
    await desk.broker.cancel_everything()
    for order in orders:
        await desk.hear(OrderCancelled, order)
    assert not desk.gateway.trading.unfinished


async def test_before_the_link_is_up_nothing_leaves(desk: Desk) -> None:
    assert [each.up for each in desk.of(LinkChanged)] == [False, True]
    await desk.broker._link.close()
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    await desk.hear(SendFailed, order)
    await desk.broker.cancel(order.id)
    assert "down" in (await desk.hear(ActionRejected, order)).reason
    assert desk.worked(order) == []
