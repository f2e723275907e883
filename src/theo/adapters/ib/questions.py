"""IB behind the port of questions: a connection of its own, without an order path; contracts are resolved when needed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NoReturn

import msgspec

from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.history import History
from theo.adapters.ib.kept_contracts import KeptContracts
from theo.adapters.ib.link import Link, Up
from theo.adapters.ib.market_data import MarketData
from theo.adapters.ib.requests import NoAnswerError
from theo.adapters.ib.settings import QUESTION_IDS, IbSettings
from theo.domain.errors import RefusedError, UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, Bar, Timeframe
from theo.market.sessions import Hours, Span
from theo.ports.clock import Clock
from theo.ports.feed import Progress
from theo.ports.market_questions import Depth, Listed, MarketStatus, OptionSeries, PriceNow, Snapshot
from theo.ports.notifier import Notifier

CONNECT_SECONDS = 15.0
SHARE = 2  # of IB's limits on history: the rest is left to a trader that runs beside it
POLYGON = "Polygon serves it, which theo does not read yet"


class Questions:
    """Implements ports.market_questions.MarketQuestions on a link that is up."""

    def __init__(self, link: Link, kept: KeptContracts | None = None) -> None:
        self._link = link
        self._contracts = Contracts(link, kept)
        self._market, self._history = MarketData(link, self._contracts), History(link, self._contracts)

    @property
    def now(self) -> int:
        """IB's time, microseconds UTC."""
        return self._link.clock.now() + self._link.clock_offset

    async def validate_symbol(self, instrument: Instrument) -> Listed:
        """See the port."""
        return await self._market.validate(instrument, self._today())

    async def get_current_price(self, instrument: Instrument) -> PriceNow:
        """See the port."""
        await self._resolve(instrument)
        return await self._market.price(instrument)

    async def get_market_status(self, instrument: Instrument) -> MarketStatus:
        """See the port."""
        await self._resolve(instrument)
        return self._market.market_status(instrument)

    async def get_historical_data(
        self, instrument: Instrument, timeframe: Timeframe, hours: Hours, span: Span, tell: Callable[[Progress], None]
    ) -> AsyncIterator[Sequence[Bar]]:
        """See the port. A bar that has not ended by IB's own clock is not closed, whatever ours says."""
        await self._resolve(instrument)
        async for piece in self._history.bars(instrument, timeframe, hours, span, tell):
            closed = [bar for bar in piece if bar.end <= self.now]
            if closed:
                yield closed

    async def earliest(self, instrument: Instrument) -> int:
        """When IB's history of an instrument begins, microseconds UTC."""
        await self._resolve(instrument)
        return await self._history.earliest(instrument)

    async def get_option_chain(self, instrument: Instrument) -> tuple[OptionSeries, ...]:
        """See the port."""
        await self._resolve(instrument)
        return await self._market.option_chain(instrument)

    async def get_market_data(self, instrument: Instrument) -> Snapshot:
        """See the port."""
        await self._resolve(instrument)
        return await self._market.snapshot(instrument)

    async def get_market_depth(self, instrument: Instrument, rows: int) -> Depth:
        """See the port."""
        await self._resolve(instrument)
        return await self._market.depth(instrument, rows)

    async def get_fundamental_data(self, instrument: Instrument) -> NoReturn:
        """Raises RefusedError, always."""
        refuse_fundamental_data(instrument)

    async def get_corporate_actions(self, instrument: Instrument) -> NoReturn:
        """Raises RefusedError, always."""
        refuse_corporate_actions(instrument)

    async def _resolve(self, instrument: Instrument) -> None:
        await self._contracts.resolve((instrument,), self._today())

    def _today(self) -> str:
        return f"{datetime.fromtimestamp(self.now / SECOND, UTC):%Y%m%d}"


def refuse_fundamental_data(instrument: Instrument) -> NoReturn:
    """Raises RefusedError: IB's service of fundamentals has ended, so nobody need be connected to be told."""
    raise RefusedError(
        f"IB gives no fundamental data of {instrument.symbol}", why="its service for them has ended", remedy=POLYGON
    )


def refuse_corporate_actions(instrument: Instrument) -> NoReturn:
    """Raises RefusedError: they were part of the fundamentals."""
    raise RefusedError(
        f"IB gives no corporate actions of {instrument.symbol}",
        why="its service for them has ended",
        remedy=f"{POLYGON}; name splits to `theo import bars --split`",
    )


@asynccontextmanager
async def asking(
    settings: IbSettings, clock: Clock, notifier: Notifier, kept: KeptContracts | None = None
) -> AsyncIterator[Questions]:
    """A connection to ask on, with the first free client id from ``question_client_id`` on. Nothing can be ordered on it.

    Raises UserError when nobody answers or every id is in use, NoAnswerError when the link is lost,
    ConfigError where the account is not clear.
    """
    link, run = await _connected(settings, clock, notifier)
    try:
        yield Questions(link, kept)
    except ConnectionError as error:
        raise NoAnswerError("the link to TWS was lost before it answered", why=link.why, remedy="Ask again") from error
    finally:
        await _ended(link, run)


async def _connected(settings: IbSettings, clock: Clock, notifier: Notifier) -> tuple[Link, asyncio.Task[None]]:
    limits = settings.limits
    limits = msgspec.structs.replace(
        limits, history_open=limits.history_open // SHARE, history_in_ten_minutes=limits.history_in_ten_minutes // SHARE
    )
    client_id, last = settings.question_client_id, settings.question_client_id + QUESTION_IDS - 1
    while True:
        own = msgspec.structs.replace(settings, client_id=client_id, data_client_id=None, read_only=True, limits=limits)
        link = Link(own, clock, notifier)
        run = await _tried(link)
        if run is not None:
            return link, run
        if not link.id_in_use or client_id == last:
            break
        client_id += 1
    raise UserError(
        f"no answer from TWS or IB Gateway at {settings.host}:{settings.port}",
        why=link.why or "nobody answered",
        remedy="Wait for the others or set another [ib] question_client_id"
        if link.id_in_use
        else "Start it, log in, and tick Enable ActiveX and Socket Clients; `theo doctor --broker` looks closer",
    )


async def _tried(link: Link) -> asyncio.Task[None] | None:
    """The task that keeps the link, once it is up; None when the first try fails. Raises what ends the link for good."""
    came = asyncio.Event()

    async def up(_how: Up) -> None:
        came.set()

    link.on_up.append(up)
    run = asyncio.create_task(link.run())
    waits = [asyncio.ensure_future(came.wait()), asyncio.ensure_future(link.failed.wait())]
    try:
        await asyncio.wait((run, *waits), timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)  # the link counts as up once its listeners have been told
        if run.done():
            run.result()
        if link.up:
            return run
    except BaseException:
        await _ended(link, run)
        raise
    finally:
        for each in waits:
            each.cancel()
    await _ended(link, run)
    return None


async def _ended(link: Link, run: asyncio.Task[None]) -> None:
    await link.close()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
