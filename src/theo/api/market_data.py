"""`/api/market-data`: instruments, series, bars and stored levels."""

from collections.abc import Callable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Final, Literal, TypeVar

from fastapi import APIRouter
from fastapi import Query as QueryOf
from pydantic import BaseModel, Field, JsonValue

from theo.api.about import SeriesStatus, series_of
from theo.api.cursors import PageQuery
from theo.api.described import example
from theo.api.problems import problem_answers
from theo.api.reading import NoParameters, Read, named
from theo.api.sources import Sources
from theo.api.values import AskedFlag, AskedTime, DecimalText, micros, moment, price_text
from theo.domain.errors import UserError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import Bar
from theo.domain.timeframe import timeframe
from theo.market.standard_levels import FLAGS, LEVEL_NAMES, PRICE_LEVELS, SIDE
from theo.ports.level_store import Levels, LevelSeries
from theo.ports.market_store import BarRange

router = APIRouter(prefix="/api/market-data", tags=["market data"])
Row = TypeVar("Row")
WORD_LETTERS_MAX: Final = 100  # of a symbol, a source or a name
EVER: Final = 2**62

_INSTRUMENT: Final[JsonValue] = {
    "symbol": "MES",
    "token": 730283085,
    "security_type": "FUT",
    "exchange": "CME",
    "calendar": "CME_EQUITY",
    "currency": "USD",
    "multiplier": 5,
    "tick": "0.25",
    "price_decimals": 2,
    "contract_size": 1,
    "tradable": True,
}
_BAR: Final[JsonValue] = {
    "start": "2018-02-05T20:30:00Z",
    "end": "2018-02-05T20:45:00Z",
    "open": "2655.25",
    "high": "2660.00",
    "low": "2648.50",
    "close": "2651.75",
    "volume": 5120,
    "source": "import:es.csv",
    "contract": "",
    "revision": 0,
}
_LEVELS: Final[JsonValue] = {
    "start": "2018-02-05T20:30:00Z",
    "contract": "",
    "prices": {"sh_price": "2660.00", "sl_price": "2640.25", "atr": "11.732142857142858", "pivot_p": None},
    "sh_status": True,
    "sl_status": False,
    "trailing_side": "Short",
}


class InstrumentOut(BaseModel):
    """One instrument. `tick` is its smallest price increment; `token` is IB's conId."""

    model_config = example(_INSTRUMENT)

    symbol: str
    token: int
    security_type: SecurityType
    exchange: str
    calendar: str
    currency: str
    multiplier: int
    tick: DecimalText
    price_decimals: int
    contract_size: int
    tradable: bool


class Instruments(BaseModel):
    """Every instrument of the store, by symbol."""

    model_config = example({"instruments": [_INSTRUMENT]})

    instruments: list[InstrumentOut]


class StoredSeries(BaseModel):
    """Every stored bar series, by symbol and timeframe."""

    model_config = example(
        {
            "series": [
                {
                    "symbol": "MES",
                    "timeframe": "15min",
                    "first": "2018-01-02T14:30:00Z",
                    "last": "2018-02-05T20:30:00Z",
                    "age_s": 900.0,
                }
            ]
        }
    )

    series: list[SeriesStatus]


class BarOut(BaseModel):
    """A closed bar: ticks from `start` (included) to `end` (excluded), in its newest revision."""

    model_config = example(_BAR)

    start: datetime
    end: datetime
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: int
    source: str
    contract: str = Field(description="The futures contract behind a continuous series; empty where there is none.")
    revision: int = Field(ge=0, description="How often late ticks corrected it.")


class Bars(BaseModel):
    """A page of bars, oldest first. `next` is null at the end."""

    model_config = example({"symbol": "MES", "timeframe": "15min", "bars": [_BAR], "next": None})

    symbol: str
    timeframe: str
    bars: list[BarOut]
    next: str | None


class LevelsOut(BaseModel):
    """The levels of the bar that began at `start`. Prices by their names; null before there were enough bars."""

    model_config = example(_LEVELS)

    start: datetime
    contract: str
    prices: dict[str, DecimalText | None]
    sh_status: bool | None = Field(description="Whether the swing high is unbroken.")
    sl_status: bool | None = Field(description="Whether the swing low is unbroken.")
    trailing_side: Literal["Long", "Short"] | None


class LevelPage(BaseModel):
    """A page of levels, oldest first. `next` is null at the end."""

    model_config = example({"symbol": "MES", "timeframe": "15min", "source": "import:es.csv", "levels": [_LEVELS], "next": None})

    symbol: str
    timeframe: str
    source: str
    levels: list[LevelsOut]
    next: str | None


class SeriesQuery(PageQuery):
    """A series and a range of it."""

    symbol: str = Field(max_length=WORD_LETTERS_MAX, examples=["MES"])
    timeframe: str = Field(max_length=WORD_LETTERS_MAX, examples=["15min"])
    start: AskedTime | None = Field(default=None, alias="from", description="Starts from here on.")
    end: AskedTime | None = Field(default=None, alias="to", description="Starts before this.")
    source: str = Field(default="", max_length=WORD_LETTERS_MAX, description="Only of this source; else of every one.")

    def range(self, instrument: Instrument) -> BarRange:
        """What is read from the place of the page on. Raises UserError for a range that ends before it begins."""
        start = -EVER if self.start is None else micros(self.start)
        end = EVER if self.end is None else micros(self.end)
        if end <= start:
            raise UserError("the range ends before it begins", where="query.to", remedy="Give a `to` behind `from`")
        place = self.place(tuple[int])
        return BarRange(
            instrument=instrument.id,
            timeframe=timeframe(self.timeframe).name,
            start=start if place is None else max(start, place[0]),
            end=end,
            source=self.source,
        )


class BarsQuery(SeriesQuery):
    """Bars of a series."""

    newest: AskedFlag = Field(default=False, description="The newest bars before `to`, instead of the first ones from `from` on.")


@router.get("/instruments", summary="Instruments of the store", responses=problem_answers(), dependencies=[NoParameters])
async def instruments(read: Read) -> Instruments:
    """What has been imported, collected or traded."""
    found = await read.run(read.sources.market.instruments)
    return Instruments(instruments=[_instrument(each) for each in sorted(found, key=lambda each: each.symbol)])


@router.get("/status", summary="How fresh each stored series is", responses=problem_answers(), dependencies=[NoParameters])
async def status(read: Read) -> StoredSeries:
    """The first and the last bar of every series."""
    return StoredSeries(series=await read.run(lambda: series_of(read.sources)))


@router.get("/bars", summary="Bars of a series", responses=problem_answers(404))
async def bars(read: Read, asked: Annotated[BarsQuery, QueryOf()]) -> Bars:
    """Closed bars, page by page. Bars of one start are never split between pages: a page may be a few bars longer."""
    return await read.run(lambda: _bars(read.sources, asked))


@router.get("/levels", summary="Stored levels of a series", responses=problem_answers(404))
async def levels(read: Read, asked: Annotated[SeriesQuery, QueryOf()]) -> LevelPage:
    """Swings, fractals, ATR, trailing stop, channel and pivots as they were stored for each bar, page by page.

    Without `source` they are those of the source that the newest bar came from.
    """
    return await read.run(lambda: _levels(read.sources, asked))


def _instrument(each: Instrument) -> InstrumentOut:
    return InstrumentOut(
        symbol=each.symbol,
        token=each.token,
        security_type=each.security_type,
        exchange=each.exchange,
        calendar=each.calendar,
        currency=each.currency,
        multiplier=each.multiplier,
        tick=price_text(each.tick, each),
        price_decimals=each.price_decimals,
        contract_size=each.contract_size,
        tradable=each.tradable,
    )


def _bars(sources: Sources, asked: BarsQuery) -> Bars:
    instrument = named(sources.market, asked.symbol)
    wanted = asked.range(instrument)
    if asked.newest:
        if asked.cursor is not None or asked.start is not None:
            raise UserError("newest bars have no pages", where="query.newest", remedy="Leave `cursor` and `from` away")
        newest = sources.market.latest_bars(wanted.instrument, wanted.timeframe, asked.limit, wanted.source, wanted.end)
        found, following = list(newest), None
    else:
        found, following = _page(sources.market.bars(wanted), attrgetter("start"), asked.limit)
    return Bars(
        symbol=instrument.symbol,
        timeframe=wanted.timeframe,
        bars=[_bar(bar, instrument) for bar in found],
        next=None if following is None else asked.next(following),
    )


def _bar(bar: Bar, instrument: Instrument) -> BarOut:
    opened, high, low, close = (price_text(price, instrument) for price in (bar.open, bar.high, bar.low, bar.close))
    return BarOut(
        start=moment(bar.start),
        end=moment(bar.end),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=bar.volume,
        source=bar.source,
        contract=bar.contract,
        revision=bar.revision,
    )


def _page(rows: Iterator[Row], time_of: Callable[[Row], int], count: int) -> tuple[list[Row], int | None]:
    """At least ``count`` rows, with all that share the time of the last; and the time of the next row, None at the end."""
    page: list[Row] = []
    for row in rows:
        if len(page) >= count and time_of(row) != time_of(page[-1]):
            return page, time_of(row)
        page.append(row)
    return page, None


def _levels(sources: Sources, asked: SeriesQuery) -> LevelPage:
    instrument = named(sources.market, asked.symbol)
    wanted = asked.range(instrument)
    source = asked.source or next(
        (bar.source for bar in sources.market.latest_bars(instrument.id, wanted.timeframe, 1)), asked.source
    )
    series = LevelSeries(instrument.id, wanted.timeframe, source)
    found, following = _page(sources.levels.levels(series, wanted.start, wanted.end), attrgetter("start"), asked.limit)
    return LevelPage(
        symbol=instrument.symbol,
        timeframe=wanted.timeframe,
        source=source,
        levels=[_level(each, instrument) for each in found],
        next=None if following is None else asked.next(following),
    )


def _level(each: Levels, instrument: Instrument) -> LevelsOut:
    values = dict(zip(LEVEL_NAMES, each.values, strict=True))
    sh, sl = (None if values[name] is None else bool(values[name]) for name in FLAGS)
    side = values[SIDE]
    return LevelsOut(
        start=moment(each.start),
        contract=each.contract,
        prices={name: _level_text(values[name], instrument) for name in PRICE_LEVELS},
        sh_status=sh,
        sl_status=sl,
        trailing_side=None if side is None else "Long" if side > 0 else "Short",
    )


def _level_text(value: float | None, instrument: Instrument) -> str | None:
    return None if value is None else price_text(value, instrument)
