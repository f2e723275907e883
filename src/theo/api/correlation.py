"""`/api/market-data/correlation`: how the returns of stored series move together, by the definition that strategies trade by."""

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from math import isnan, isqrt
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from fastapi import Query as QueryOf
from pydantic import BaseModel, Field, JsonValue

from theo.api.cursors import Query
from theo.api.described import example
from theo.api.market_data import EVER, WORD_LETTERS_MAX
from theo.api.problems import problem_answers
from theo.api.reading import Read, named
from theo.api.values import AskedTime, micros, moment
from theo.domain.errors import UserError
from theo.domain.market_data import Bar
from theo.domain.timeframe import timeframe
from theo.market.correlation import CorrelationSpec, Method, PairCorrelation, consecutive
from theo.ports.market_store import MarketStore

router = APIRouter(prefix="/api/market-data", tags=["market data"])
SYMBOLS_MIN: Final = 2
SYMBOLS_MAX: Final = 10  # 45 pairs
WINDOW_MAX: Final = 250
WORK_MAX: Final = 45 * 100 * 100  # pairs x window x window, which ranks cost: half a second of one thread at most
READ_TIMES: Final = 5  # bars read per bar of the window: series of other hours are joined, and gaps bring no pair
READ_MORE: Final = 64

_MATRIX: Final[JsonValue] = {
    "symbols": ["MES", "VIX"],
    "timeframe": "15min",
    "method": "pearson",
    "window": 50,
    "minimum": 30,
    "cells": [
        {"first": "MES", "second": "VIX", "value": -0.83, "bars": 260, "end": "2018-02-05T20:45:00Z"},
    ],
}


class Cell(BaseModel):
    """One pair. `bars`: joined bars that were looked at; `end`: of the newest joined bar, null where the two never meet."""

    first: str
    second: str
    value: float | None = Field(ge=-1, le=1, description="Null where there are fewer pairs of returns than `minimum`.")
    bars: int = Field(ge=0)
    end: datetime | None


class Matrix(BaseModel):
    """The upper half of a correlation matrix, row by row: it is symmetric, and each series moves with itself."""

    model_config = example(_MATRIX)

    symbols: list[str]
    timeframe: str
    method: Method
    window: int
    minimum: int
    cells: list[Cell]


class MatrixQuery(Query):
    """Which series, over how many pairs of returns, as of when."""

    symbols: str = Field(
        max_length=SYMBOLS_MAX * WORD_LETTERS_MAX,
        examples=["MES,VIX"],
        description=f"Two to {SYMBOLS_MAX} symbols with commas between.",
    )
    timeframe: str = Field(max_length=WORD_LETTERS_MAX, examples=["15min"])
    method: Method = "pearson"
    window: int = Field(
        default=50, ge=2, le=WINDOW_MAX, description="Pairs of returns, the newest included; of ten symbols at most 100."
    )
    minimum: int = Field(default=30, ge=2, le=WINDOW_MAX, description="Fewer pairs give no value.")
    input: Literal["log_return", "change", "price"] = "log_return"
    at: AskedTime | None = Field(default=None, description="As of this time: bars that had ended by then.")
    source: str = Field(default="", max_length=WORD_LETTERS_MAX, description="Only bars of this source.")

    @property
    def spec(self) -> CorrelationSpec:
        """The definition. Raises ConfigError for a minimum beyond the window."""
        return CorrelationSpec(method=self.method, window=self.window, minimum=self.minimum, input=self.input)


@router.get("/correlation", summary="Correlation matrix of stored series", responses=problem_answers(404))
async def correlation(read: Read, asked: Annotated[MatrixQuery, QueryOf()]) -> Matrix:
    """Computed from stored bars: joined by their ends, returns across gaps left out, nothing filled forward."""
    return await read.run(lambda: matrix(read.sources.market, asked))


def matrix(market: MarketStore, asked: MatrixQuery) -> Matrix:
    """The answer. Raises UserError for more than one answer may cost, NotThereError for a symbol that is not known."""
    symbols, spec = _symbols(asked.symbols), asked.spec
    _refuse_too_much(len(symbols), asked.window)
    bars = {symbol: _bars(market, symbol, asked) for symbol in symbols}
    return Matrix(
        symbols=symbols,
        timeframe=timeframe(asked.timeframe).name,
        method=asked.method,
        window=asked.window,
        minimum=asked.minimum,
        cells=[_cell(spec, (first, bars[first]), (second, bars[second])) for first, second in combinations(symbols, 2)],
    )


def _symbols(text: str) -> list[str]:
    found = [symbol.strip() for symbol in text.split(",") if symbol.strip()]
    if not SYMBOLS_MIN <= len(found) <= SYMBOLS_MAX or len(set(found)) < len(found):
        remedy = f"Name 2 to {SYMBOLS_MAX} different symbols, for example MES,VIX"
        raise UserError(f"{len(found)} symbols are named", where="query.symbols", remedy=remedy)
    return found


def _refuse_too_much(symbols: int, window: int) -> None:
    pairs = symbols * (symbols - 1) // 2
    if pairs * window * window > WORK_MAX:
        most = isqrt(WORK_MAX // pairs)
        raise UserError(
            f"{symbols} symbols over a window of {window}",
            where="query.window",
            why=f"of {pairs} pairs the window is at most {most}",
            remedy=f"Use window={most}, or fewer symbols: of four it is {WINDOW_MAX}",
        )


def _bars(market: MarketStore, symbol: str, asked: MatrixQuery) -> dict[int, Bar]:
    """The newest bars that had ended, by their ends. Raises UserError when several sources hold them: which one is meant?"""
    instrument, frame = named(market, symbol), timeframe(asked.timeframe)
    until = EVER if asked.at is None else micros(asked.at)
    count = READ_TIMES * asked.window + READ_MORE
    found = market.latest_bars(instrument.id, frame.name, count, asked.source, until)
    kinds = sorted({bar.source for bar in found})
    if len(kinds) > 1:
        raise UserError(
            f"{symbol} has bars of several sources: {', '.join(kinds)}", where="query.source", remedy="Choose one with `source`"
        )
    return {bar.end: bar for bar in found if bar.end <= until}


def _cell(spec: CorrelationSpec, first: tuple[str, dict[int, Bar]], second: tuple[str, dict[int, Bar]]) -> Cell:
    pair = PairCorrelation(spec)
    ends = sorted(first[1].keys() & second[1].keys())
    for end in ends[-_needed(spec, [(first[1][end], second[1][end]) for end in ends]) :]:
        pair.join(first[1][end], second[1][end])
    value = pair.column.value
    return Cell(
        first=first[0],
        second=second[0],
        value=None if isnan(value) else value,
        bars=len(ends),
        end=moment(ends[-1]) if ends else None,
    )


def _needed(spec: CorrelationSpec, joined: Sequence[tuple[Bar, Bar]]) -> int:
    """How many of the last joined bars hold all pairs of the window: what lies before them is no longer in it."""
    if spec.input == "price":
        return spec.window
    kept = 0
    for back, (before, now) in enumerate(zip(reversed(joined[:-1]), reversed(joined), strict=False), start=2):
        exists = spec.input == "change" or all(bar.close > 0 for bar in (*before, *now))
        kept += exists and consecutive(*before, *now)
        if kept == spec.window:
            return back
    return max(len(joined), 1)
