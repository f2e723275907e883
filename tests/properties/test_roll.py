"""A fold that meets rolls has the indicators of the back-adjusted series: TA-Lib's on that series, and those of a plain fold."""

from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import MINUTE, Bar, ContractRolled
from theo.domain.timeframe import timeframe
from theo.market.book import MarketBook
from theo.market.indicators.spec import DEFINITIONS, parse_spec
from theo.market.rolls import Roll, back_adjusted

MES = Instrument(id=1, symbol="MES", token=1, security_type=SecurityType.FUT, exchange="X", calendar="C", tick=25)
SPECS: tuple[str, ...] = (
    *("atr(3)", "atr_stop(3, 2.0)", "donchian(4)", "highest(4)", "lowest(4)", "fractal(1)", "swing(2)", "pivot"),
    *("sma(4)", "ema(4)", "std(4)", "rsi(4)", "true_range", "true_range_sum(4)"),
)
START = 1_600_000_000_000_000
Step = tuple[int, int, int]

closes = st.integers(-400, 400)
bars_of_one = st.lists(st.tuples(closes, st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12)
contracts = st.lists(st.tuples(bars_of_one, st.integers(-3_000, 3_000)), min_size=1, max_size=4)


def series(parts: Sequence[tuple[Sequence[Step], int]]) -> tuple[list[Bar], list[Roll]]:
    """Bars as traded, one contract after the other; each part says how much higher than the one before its contract trades."""
    made: list[Bar] = []
    rolls: list[Roll] = []
    level, number = 500_000, 0
    for place, (steps, up) in enumerate(parts):
        start = START + number * MINUTE
        if place:
            level += up
            rolls.append(Roll(previous=str(place - 1), contract=str(place), at=start, difference=up, measured_at=start))
        for step, above, below in steps:
            level += step
            start = START + number * MINUTE
            end = start + MINUTE
            made.append(Bar(1, end, "1min", start, end, level, level + above, level - below, level, 1, contract=str(place)))
            number += 1
    return made, rolls


def folded(bars: Sequence[Bar], rolls: Sequence[Roll]) -> list[dict[str, tuple[float, float]]]:
    """Value and previous value of every output after each bar. A book that is stored and restored at each roll on the way."""
    book = new_book()
    left = list(rolls)
    seen = []
    for bar in bars:
        if left and left[0].at <= bar.start:
            roll = left.pop(0)
            book.on_roll(
                ContractRolled(
                    at=roll.at, instrument=1, previous=roll.previous, contract=roll.contract, difference=roll.difference
                )
            )
            kept, book = book.state(), new_book()
            book.restore(kept)
        book.on_bar(bar)
        (one,) = book.every_series()
        seen.append({
            f"{spec.text}.{name}": (column.value, column.previous)
            for spec, indicator in one.indicators.items()
            for name, column in indicator.outputs.items()
        })  # fmt: skip
    return seen


def new_book() -> MarketBook:
    book = MarketBook()
    one = book.series(MES, timeframe("1min"))
    for text in SPECS:
        spec = parse_spec(text)
        for output in spec.definition.outputs:
            one.column(spec, output)
    return book


def test_every_indicator_is_looked_at() -> None:
    assert {parse_spec(text).name for text in SPECS} == set(DEFINITIONS)


@given(contracts)
@settings(max_examples=60, deadline=None)
def test_a_fold_with_rolls_has_the_levels_of_the_back_adjusted_series(parts: list[tuple[list[Step], int]]) -> None:
    """Exactly for whole prices; averages and what follows from them to 1e-9 of the price."""
    bars, rolls = series(parts)
    rolled = folded(bars, rolls)
    first_of_last = next(i for i, bar in enumerate(bars) if bar.contract == bars[-1].contract)
    plain = folded(list(back_adjusted(bars, rolls)), ())
    for here, there in zip(rolled[first_of_last:], plain[first_of_last:], strict=True):
        for name, numbers in here.items():
            exact = name.startswith(("donchian", "highest", "lowest", "fractal", "swing", "atr(", "rsi", "std", "true"))
            assert numbers == pytest.approx(there[name], rel=0 if exact else 1e-9, abs=0 if exact else 1e-6, nan_ok=True), name


@given(contracts)
@settings(max_examples=40, deadline=None)
def test_a_fold_with_rolls_agrees_with_talib(parts: list[tuple[list[Step], int]]) -> None:
    import talib

    bars, rolls = series(parts)
    if len(bars) < 5:
        return
    adjusted = list(back_adjusted(bars, rolls))
    high, low, close = (np.array([getattr(bar, n) for bar in adjusted], dtype=np.float64) for n in ("high", "low", "close"))
    last = folded(bars, rolls)[-1]
    truth = {
        "atr(3).value": talib.ATR(high, low, close, 3)[-1],
        "sma(4).value": talib.SMA(close, 4)[-1],
        "ema(4).value": talib.EMA(close, 4)[-1],
        "highest(4).value": talib.MAX(high, 4)[-1],
        "lowest(4).value": talib.MIN(low, 4)[-1],
        "rsi(4).value": talib.RSI(close, 4)[-1],
    }
    for name, value in truth.items():
        assert last[name][0] == pytest.approx(value, rel=1e-9, nan_ok=True), name


@given(contracts)
@settings(max_examples=40, deadline=None)
def test_the_newest_contract_is_as_traded_and_each_roll_moves_what_is_before_it(parts: list[tuple[list[Step], int]]) -> None:
    bars, rolls = series(parts)
    adjusted = list(back_adjusted(bars, rolls))
    for raw, moved in zip(bars, adjusted, strict=True):
        later = sum(roll.difference for roll in rolls if roll.at > raw.start)
        assert moved == raw.moved(later)
