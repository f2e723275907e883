"""`theo gateway --state`: what a killed gateway told anybody is there when it is begun again, and its time has gone on."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ib_async import IB, Contract, LimitOrder, MarketOrder, Stock

from tests.gateway.test_command import COMMAND, WAIT_SECONDS
from theo.adapters.system.clock import HandClock
from theo.domain.errors import CorruptionError
from theo.domain.market_data import SECOND
from theo.gateway.memory_file import MemoryFile

PORTS = re.compile(r"127\.0\.0\.1:(\d+)")
OPTIONS = ("--port", "0", "--admin-port", "0", "--plain", "--start", "2026-11-20T10:00", "--speed", "5")


class Killed:
    """One gateway in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, admin: int) -> None:
        self.process, self.port, self.admin = process, port, admin

    async def books(self) -> dict[str, object]:
        """What its admin port says of its books."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.admin, limit=1 << 20)
        writer.write(b'{"books": true}\n')
        answer = json.loads(await reader.readline())
        writer.close()
        return dict(answer)


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator[Killed]:
    """A gateway that is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--home", str(home), "gateway", *OPTIONS, "--state", str(home / "state.json"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        found: list[int] = []
        while len(found) < 2:
            found += [int(port) for port in PORTS.findall((await process.stdout.readline()).decode())]
        yield Killed(process, *found)
    finally:
        process.kill()
        await process.wait()


async def connected(port: int) -> tuple[IB, Contract]:
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=WAIT_SECONDS, raiseSyncErrors=True)
    (spy,) = await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD"))
    assert isinstance(spy, Contract)
    return ib, spy


async def test_a_killed_gateway_goes_on_with_all_that_it_told(tmp_path: Path) -> None:
    async with asyncio.timeout(WAIT_SECONDS), serving(tmp_path) as first:
        ib, spy = await connected(first.port)
        bought = ib.placeOrder(spy, MarketOrder("BUY", 100, orderRef="one"))
        rests = ib.placeOrder(spy, LimitOrder("BUY", 10, 1.0, orderRef="two", tif="GTC"))
        while not (bought.isDone() and rests.orderStatus.permId):
            await ib.updateEvent
        told = {fill.execution.execId for fill in ib.fills()}
        before = await first.books()
        ib.disconnect()
    async with asyncio.timeout(WAIT_SECONDS), serving(tmp_path) as second:
        after = await second.books()
        ib, _ = await connected(second.port)
        assert [(trade.order.orderRef, trade.order.permId) for trade in ib.openTrades()] == [("two", rests.orderStatus.permId)]
        assert {fill.execution.execId for fill in await ib.reqExecutionsAsync()} == told
        assert [(position.contract.symbol, position.position) for position in await ib.reqPositionsAsync()] == [("SPY", 100)]
        assert ib.client.getReqId() > rests.order.orderId
        ib.disconnect()
    assert [after[name] for name in ("orders", "executions", "positions")] == [
        before[name] for name in ("orders", "executions", "positions")
    ]
    assert isinstance(after["now"], int)
    assert isinstance(before["now"], int)
    assert after["now"] - before["now"] > 2 * SECOND  # a process needs half a second to begin, and it goes five times as fast


def test_what_is_no_state_of_a_gateway_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("{}")
    with pytest.raises(CorruptionError, match="is no state of a gateway"):
        MemoryFile(tmp_path / "other", HandClock(0)).read()
    assert MemoryFile(tmp_path / "none", HandClock(0)).read() is None
