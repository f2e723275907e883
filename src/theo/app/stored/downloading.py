"""Bars from IB's history into the store, as a function: what `theo download` does.

Piece by piece they are staged out of sight, and one step makes them visible. The same download again goes on after the last
piece, if it is of the same contract and words. Of shares it is so on the same day only: a split in between changes the scale
of all that IB tells.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, datetime

import msgspec

from theo.adapters.ib.questions import Questions
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.layout import Home
from theo.app.stored.levels import bring_up_levels
from theo.domain.errors import DataError, TheoError, UserError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import SECOND, Timeframe
from theo.market.sessions import Hours
from theo.ports.feed import Progress
from theo.ports.market_questions import Listed
from theo.ports.market_store import MarketStore

SHARES = frozenset({SecurityType.STK, SecurityType.ETF})


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted: bars that start from ``start`` (included) to ``end`` (excluded; None: now), microseconds UTC.

    ``source`` is the name that the series has in the store; "" names IB, the hours and a future's month: two months in one
    series would be a series with a jump.
    """

    instrument: Instrument
    timeframe: Timeframe
    hours: Hours
    start: int
    end: int | None
    source: str


class Downloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the store now. ``resumed`` bars were there from an interrupted download; times are starts of bars."""

    symbol: str
    contract: str
    timeframe: str
    source: str
    bars: int
    replaced: int
    resumed: int
    first: int
    last: int


def download(
    home: Home,
    wanted: Download,
    connection: Callable[[Home], AbstractAsyncContextManager[Questions]],
    tell: Callable[[Progress], None],
) -> Downloaded:
    """Download and publish, then bring up the levels of the bars.

    Raises UserError when nobody answers, DataError where IB has nothing, TheoError when cut off.
    """
    with closing(SqlMarketStore(home.place(home.store))) as store:

        async def run() -> Downloaded:
            async with connection(home) as questions:
                return await fetch(questions, store, wanted, tell)

        done = asyncio.run(run())
        bring_up_levels(home, store, wanted.instrument.id, done.timeframe, done.source)
    return done


async def fetch(questions: Questions, store: MarketStore, wanted: Download, tell: Callable[[Progress], None]) -> Downloaded:
    """As ``download``, on a connection and a store that are open."""
    instrument = wanted.instrument
    listed = await questions.validate_symbol(instrument)
    end = min(questions.now, questions.now if wanted.end is None else wanted.end)
    start = max(wanted.start, await questions.earliest(instrument))
    if start >= end:
        raise UserError(f"there is no history of {instrument.symbol} in that time", remedy="Choose another --from and --to")
    store.put_instruments([instrument])
    source = wanted.source or _usual_source(wanted, listed)
    staged = store.begin_import(source, _fingerprint(wanted, listed.con_id, questions.now))
    count, first, last = staged.rows, staged.first, staged.last
    span = (start if last is None else last + 1, end)
    try:
        async for piece in questions.get_historical_data(instrument, wanted.timeframe, wanted.hours, span, tell):
            store.stage_bars(staged, piece)
            count, last = count + len(piece), piece[-1].start
            first = piece[0].start if first is None else first
    except (TheoError, ConnectionError) as error:
        if isinstance(error, UserError):
            store.discard(staged)
            raise
        raise TheoError(
            f"the download was cut off, {count:,} bars are kept", why=str(error), remedy="The same command again goes on there"
        ) from error
    if first is None or last is None:
        store.discard(staged)
        raise DataError(f"IB has no {wanted.timeframe.name} bars of {instrument.symbol} in that time")
    published = store.publish(staged)
    return Downloaded(
        symbol=instrument.symbol,
        contract=listed.contract,
        timeframe=wanted.timeframe.name,
        source=source,
        bars=published.rows,
        replaced=published.replaced,
        resumed=staged.rows,
        first=first,
        last=last,
    )


def _usual_source(wanted: Download, listed: Listed) -> str:
    month = f":{listed.contract}" if wanted.instrument.security_type is SecurityType.FUT else ""
    return f"ib:{wanted.hours.scope.lower()}{month}"


def _fingerprint(wanted: Download, con_id: int, now: int) -> str:
    """What an interrupted download must have in common with one that goes on."""
    day = f"{datetime.fromtimestamp(now / SECOND, UTC):%Y%m%d}" if wanted.instrument.security_type in SHARES else ""
    said = (con_id, wanted.timeframe.name, wanted.hours.scope, wanted.start, wanted.end, day)
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()
