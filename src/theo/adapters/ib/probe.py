"""A first look at the broker before anything is opened: whose account, what it is worth in cash, and what time it is there."""

import asyncio

import msgspec

from theo.adapters.ib.link import Link, Up
from theo.adapters.ib.settings import IbSettings
from theo.domain.errors import UserError
from theo.domain.instrument import MICROS
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier

CASH = "TotalCashValue"


class Probed(msgspec.Struct, frozen=True):
    """``cash`` in micros of the account's currency; ``clock_offset`` is the broker's clock minus ours, microseconds."""

    account: str
    cash: int
    currency: str
    clock_offset: int


async def probe(settings: IbSettings, clock: Clock, notifier: Notifier, seconds: float = 15.0) -> Probed:
    """Connect, ask, disconnect. Raises UserError when nobody answers, ConfigError for a wrong account."""
    link = Link(settings, clock, notifier)
    done: asyncio.Future[Probed] = asyncio.get_running_loop().create_future()

    async def ask(_up: Up) -> None:
        rows = await _summary(link)
        cash, currency = next(((value, unit) for _, tag, value, unit in rows if tag == CASH), ("", ""))
        if not done.done():
            done.set_result(Probed(link.account, round(float(cash or 0) * MICROS), currency, link.clock_offset))

    link.on_up.append(ask)
    keeping = asyncio.ensure_future(link.run())
    try:
        failed = asyncio.ensure_future(link.failed.wait())
        await asyncio.wait((done, keeping, failed), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        failed.cancel()
        if keeping.done():
            keeping.result()
        if not done.done():
            raise UserError(
                f"no answer from TWS or IB Gateway at {settings.host}:{settings.port}",
                why=link.why or "nobody answered",
                remedy="Start it, log in, and tick Enable ActiveX and Socket Clients; `theo doctor` looks closer",
            )
        return done.result()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await link.close()


async def _summary(link: Link) -> list[tuple[str, str, str, str]]:
    """(account, tag, value, currency) of the account's cash."""
    await link.budget.message()
    request = link.next_id()
    rows = await link.requests.by_id(request, lambda: link.client.reqAccountSummary(request, "All", CASH))
    link.client.cancelAccountSummary(request)
    return [row for row in rows if row[0] == link.account]
