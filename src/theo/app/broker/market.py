"""Questions about the market, as functions: what `theo market` does, for scripts and whoever else asks.

Each connects to TWS with a client id of its own and without an order path, asks, and disconnects; a trader may run beside it.
Prices are exact decimals. Raises UserError for a symbol that is not known and when nobody answers, RefusedError for what IB
does not serve, TheoError when no answer comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from theo.adapters.ib.kept_contracts import KeptContracts
from theo.adapters.ib.questions import Questions, asking, refuse_corporate_actions, refuse_fundamental_data
from theo.adapters.system.clock import WallClock
from theo.adapters.system.log import Nobody
from theo.app.configuration.file import configured
from theo.app.home.instruments import known_instrument
from theo.app.home.layout import Home, open_home
from theo.app.times import iso
from theo.domain.errors import TheoError
from theo.domain.instrument import Instrument
from theo.ports.market_questions import DepthRow, Listed, OptionSeries

Answer = TypeVar("Answer")
Ask = Callable[[Questions, Instrument], Awaitable[Answer]]
DEPTH_ROWS = 5


class PriceShown(msgspec.Struct, frozen=True):
    """``price`` None where the market has none; ``change`` since the session before; ``late``: a quarter of an hour."""

    symbol: str
    price: Decimal | None
    change: Decimal | None
    phase: str
    late: bool


class StatusShown(msgspec.Struct, frozen=True):
    """``until`` (UTC) is when the phase ends, "" where IB does not say."""

    symbol: str
    open: bool
    phase: str
    until: str


class SnapshotShown(msgspec.Struct, frozen=True, kw_only=True):
    """As ports.market_questions.Snapshot; times in UTC, ``last_at`` "" where the exchange does not say."""

    symbol: str
    at: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    bid_size: int
    ask_size: int
    last_size: int
    volume: int
    late: bool
    last_at: str


class LevelShown(msgspec.Struct, frozen=True):
    """A level of a book."""

    price: Decimal
    size: int


class DepthShown(msgspec.Struct, frozen=True):
    """The best levels first."""

    symbol: str
    bids: list[LevelShown]
    asks: list[LevelShown]


def validate_symbol(home: Path, symbol: str) -> Listed:
    """What IB says of a symbol. Raises ConfigError for one that it does not list."""
    return ask_one(home, symbol, ask_listing)


def get_current_price(home: Path, symbol: str) -> PriceShown:
    """The newest price, also before and after the regular hours."""
    return ask_one(home, symbol, ask_price)


def get_market_status(home: Path, symbol: str) -> StatusShown:
    """Whether it trades now, and until when."""
    return ask_one(home, symbol, ask_status)


def get_market_data(home: Path, symbol: str) -> SnapshotShown:
    """The market now."""
    return ask_one(home, symbol, ask_snapshot)


def get_option_chain(home: Path, symbol: str) -> tuple[OptionSeries, ...]:
    """All option classes on it."""
    return ask_one(home, symbol, ask_chain)


def get_market_depth(home: Path, symbol: str, rows: int = DEPTH_ROWS) -> DepthShown:
    """The best levels of the book."""
    return ask_one(home, symbol, depth_question(rows))


def get_fundamental_data(home: Path, symbol: str) -> NoReturn:
    """Raises RefusedError: IB serves them no longer."""
    refuse_fundamental_data(known_instrument(open_home(home), symbol))


def get_corporate_actions(home: Path, symbol: str) -> NoReturn:
    """Raises RefusedError: IB serves them no longer."""
    refuse_corporate_actions(known_instrument(open_home(home), symbol))


# The questions


async def ask_listing(questions: Questions, one: Instrument) -> Listed:
    """See validate_symbol."""
    return await questions.validate_symbol(one)


async def ask_price(questions: Questions, one: Instrument) -> PriceShown:
    """See get_current_price."""
    found = await questions.get_current_price(one)
    return PriceShown(one.symbol, _price(one, found.price), _price(one, found.change), found.phase, found.late)


async def ask_status(questions: Questions, one: Instrument) -> StatusShown:
    """See get_market_status."""
    found = await questions.get_market_status(one)
    return StatusShown(one.symbol, found.is_open, found.phase, iso(found.until) if found.until else "")


async def ask_snapshot(questions: Questions, one: Instrument) -> SnapshotShown:
    """See get_market_data."""
    found = await questions.get_market_data(one)
    return SnapshotShown(
        symbol=one.symbol,
        at=iso(found.at),
        bid=_price(one, found.bid),
        ask=_price(one, found.ask),
        last=_price(one, found.last),
        open=_price(one, found.open),
        high=_price(one, found.high),
        low=_price(one, found.low),
        close=_price(one, found.close),
        bid_size=found.bid_size,
        ask_size=found.ask_size,
        last_size=found.last_size,
        volume=found.volume,
        late=found.late,
        last_at=iso(found.last_at) if found.last_at else "",
    )


async def ask_chain(questions: Questions, one: Instrument) -> tuple[OptionSeries, ...]:
    """See get_option_chain."""
    return await questions.get_option_chain(one)


def depth_question(rows: int) -> Ask[DepthShown]:
    """See get_market_depth."""

    async def ask(questions: Questions, one: Instrument) -> DepthShown:
        found = await questions.get_market_depth(one, rows)
        return DepthShown(one.symbol, _levels(one, found.bids), _levels(one, found.asks))

    return ask


def _price(one: Instrument, units: int | None) -> Decimal | None:
    return None if units is None else one.decimal(units)


def _levels(one: Instrument, rows: Sequence[DepthRow]) -> list[LevelShown]:
    return [LevelShown(one.decimal(row.price), row.size) for row in rows]


# Asking


def ask_one(home: Path, symbol: str, ask: Ask[Answer]) -> Answer:
    """Connect, ask about one symbol, disconnect."""
    ((_, answer),) = ask_each(home, (symbol,), ask)
    if isinstance(answer, TheoError):
        raise answer
    return answer


def ask_each(path: Path, symbols: Sequence[str], ask: Ask[Answer]) -> list[tuple[str, Answer | TheoError]]:
    """One connection for all; what is wrong about one symbol keeps nobody from asking about the next."""
    home = open_home(path)
    known = {symbol: known_instrument(home, symbol) for symbol in symbols}

    async def each() -> list[tuple[str, Answer | TheoError]]:
        found: list[tuple[str, Answer | TheoError]] = []
        async with connection(home) as questions:
            for symbol in symbols:
                try:
                    found.append((symbol, await ask(questions, known[symbol])))
                except TheoError as error:
                    found.append((symbol, error))
        return found

    return asyncio.run(each())


def connection(home: Home) -> AbstractAsyncContextManager[Questions]:
    """To the TWS of the home's configuration, whatever its mode."""
    return asking(configured(home.configuration).ib, WallClock(), Nobody(), KeptContracts(home.contracts))
