"""What the adapter remembers of executions has a bound, whatever comes and whatever never comes."""

from datetime import UTC, datetime

import pytest
from ib_async.objects import CommissionReport, Execution

from tests.gateway.conftest import START
from tests.ib.trading import Desk
from theo.adapters.ib import executions
from theo.domain.orders import Side
from theo.domain.reports import OrderFilled

REMEMBERED, CAME = 50, 400


async def test_executions_and_charges_that_never_come_are_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "EXECUTIONS_MAX", REMEMBERED)
    order = desk.order("MES", Side.BUY, 1)
    await desk.place(order)
    await desk.hear(OrderFilled, order)
    heard, callbacks = desk.broker._executions, desk.broker._link.callbacks
    contract = desk.broker._contracts.contract(order.instrument)
    for number in range(CAME):
        made = Execution(
            execId=f"0000ffff.{number:08x}.01.01",
            time=datetime.fromtimestamp(START / 1_000_000, UTC),
            acctNumber=desk.broker._link.account,
            side="BOT",
            shares=1.0,
            price=6_800.0,
            orderRef=order.id,
        )
        callbacks.execDetails(-1, contract, made)
        if number % 2:
            callbacks.commissionReport(CommissionReport(execId=f"other.{number}", commission=1.0, currency="USD"))
        heard.release()
    assert len(desk.fills(order)) == 1 + CAME  # each of them counted
    for kept in (heard._told, heard._costs, heard._estimated, heard._held):
        assert len(kept) <= REMEMBERED + 1
