"""Fractals, swings, trailing stops and pivot points against their definitions written out; windows; state that goes on."""

from collections.abc import Sequence
from fractions import Fraction
from math import isnan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.market.indicator_runs import Prices, bars, price_rows, value, values
from theo.domain.errors import CorruptionError
from theo.domain.market_data import DAY, HOUR, MINUTE, Bar
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import DEFINITIONS, parse_spec

NAN = float("nan")
SPECS = (
    "true_range",
    "true_range_sum(3)",
    "atr(3)",
    "atr(3, smoothing=mean)",
    "atr_stop(2, 1.5)",
    "donchian(4)",
    "highest(3)",
    "lowest(3)",
    "fractal(1)",
    "fractal(2)",
    "swing(2)",
    "pivot",
    "pivot(fibonacci)",
    "pivot(camarilla)",
    "sma(3)",
    "std(4)",
    "ema(3)",
    "rsi(3)",
)


def bits(numbers: Sequence[float]) -> list[str]:
    """Every bit, so that NaN equals NaN and -0.0 differs from 0.0."""
    return [number.hex() for number in numbers]


def test_every_indicator_is_tried() -> None:
    assert {parse_spec(text).name for text in SPECS} == set(DEFINITIONS)


# Levels


def is_fractal(numbers: Sequence[int], at: int, k: int) -> bool:
    """Strictly above the k before and the k after it."""
    around = [*numbers[max(at - k, 0) : at], *numbers[at + 1 : at + k + 1]]
    return len(around) == 2 * k and all(numbers[at] > other for other in around)


def fractals(numbers: Sequence[int], k: int) -> list[float]:
    """At each bar: the fractal that became known with it, or NaN."""
    return [float(numbers[now - k]) if now >= k and is_fractal(numbers, now - k, k) else NAN for now in range(len(numbers))]


@given(price_rows(), st.integers(1, 4))
def test_fractals(rows: list[Prices], k: int) -> None:
    ours = values(f"fractal({k})", bars(rows))
    assert bits(ours["high"]) == bits(fractals([high for high, _, _ in rows], k))
    assert bits(ours["low"]) == bits([-level for level in fractals([-low for _, low, _ in rows], k)])


def swings(numbers: Sequence[int], closes: Sequence[int], k: int) -> tuple[list[float], list[float]]:
    """At each bar the latest known fractal high, and 0 once a later close has exceeded it, else 1."""
    levels, statuses = [], []
    found = fractals(numbers, k)
    for now in range(len(numbers)):
        known = [at for at in range(now + 1) if not isnan(found[at])]
        if known:
            level = found[known[-1]]
            broken = any(close > level for close in closes[known[-1] + 1 : now + 1])
            levels.append(level)
            statuses.append(0.0 if broken else 1.0)
        else:
            levels.append(NAN)
            statuses.append(NAN)
    return levels, statuses


@given(price_rows(), st.integers(1, 3))
def test_swings(rows: list[Prices], k: int) -> None:
    highs, lows, closes = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    ours = values(f"swing({k})", bars(rows))
    level, status = swings(highs, closes, k)
    assert bits(ours["high"]) == bits(level)
    assert bits(ours["high_status"]) == bits(status)
    level, status = swings([-low for low in lows], [-close for close in closes], k)
    assert bits(ours["low"]) == bits([-each for each in level])
    assert bits(ours["low_status"]) == bits(status)


@given(price_rows(), st.integers(1, 8))
def test_channel(rows: list[Prices], n: int) -> None:
    ours = values(f"donchian({n})", bars(rows))
    for now in range(len(rows)):
        window = rows[now + 1 - n : now + 1] if now + 1 >= n else []
        upper = float(max(high for high, _, _ in window)) if window else NAN
        lower = float(min(low for _, low, _ in window)) if window else NAN
        assert bits([ours["upper"][now], ours["lower"][now]]) == bits([upper, lower])
    assert bits(value(f"highest({n})", bars(rows))) == bits(ours["upper"])
    assert bits(value(f"lowest({n})", bars(rows))) == bits(ours["lower"])


# The trailing stop


@given(price_rows(spread=40), st.integers(1, 4), st.sampled_from([0.5, 1.0, 2.5]))
def test_trailing_stop(rows: list[Prices], n: int, m: float) -> None:
    """Long: max(previous, close - m x ATR), short mirrored; a close through it changes the side, and the level begins anew."""
    of = bars(rows)
    ours, atr = values(f"atr_stop({n}, {m})", of), value(f"atr({n})", of)
    side, level = NAN, NAN
    for now, bar in enumerate(of):
        if not isnan(atr[now]):
            if isnan(side) or (side > 0 and bar.close < level) or (side < 0 and bar.close > level):
                side = 1.0 if isnan(side) else -side
                level = bar.close - side * m * atr[now]
            elif side > 0:
                level = max(level, bar.close - m * atr[now])
            else:
                level = min(level, bar.close + m * atr[now])
        assert bits([ours["level"][now], ours["side"][now]]) == bits([level, side])


# Pivot points

PIVOTS = ("p", "r1", "r2", "r3", "s1", "s2", "s3")


def pivots(kind: str, high: int, low: int, close: int) -> list[Fraction]:
    """As published: the floor's, those of the Fibonacci ratios around P, and Stott's around the close."""
    h, l_, c = Fraction(high), Fraction(low), Fraction(close)
    p, r = (h + l_ + c) / 3, h - l_
    if kind == "classic":
        return [p, 2 * p - l_, p + r, h + 2 * (p - l_), 2 * p - h, p - r, l_ - 2 * (h - p)]
    steps = [Fraction(382, 1000) * r, Fraction(618, 1000) * r, r]
    if kind == "camarilla":
        p0, steps = c, [r * Fraction(11, 10) / parts for parts in (12, 6, 4)]
        return [p, *(p0 + step for step in steps), *(p0 - step for step in steps)]
    return [p, *(p + step for step in steps), *(p - step for step in steps)]


@st.composite
def sessions(draw: st.DrawFn) -> list[list[Prices]]:
    """Sessions of a few bars each."""
    return draw(st.lists(price_rows(spread=60).filter(bool).map(lambda rows: rows[:6]), min_size=1, max_size=6))


def timed(days: Sequence[Sequence[Prices]], *, dated: bool) -> list[Bar]:
    """15-minute bars from 09:30 of each day; or ``dated``, with the session's date on each bar and no gap between sessions."""
    made, last = [], 20_000 * DAY
    for day, rows in enumerate(days):
        opens = last if dated else (20_000 + day) * DAY + 9 * HOUR + 30 * MINUTE
        for place, (high, low, close) in enumerate(rows):
            start = opens + place * 15 * MINUTE
            last = start + 15 * MINUTE
            session = 20_000 + day if dated else 0
            made.append(Bar(1, last, "15min", start, last, close, high, low, close, 1, session_date=session))
    return made


@pytest.mark.parametrize("kind", ["classic", "fibonacci", "camarilla"])
@given(days=sessions(), dated=st.booleans())
def test_pivot_points(kind: str, days: list[list[Prices]], dated: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    ours = values(f"pivot({kind})", timed(days, dated=dated))
    now = 0
    for day, rows in enumerate(days):
        before = days[day - 1] if day else None
        for _ in rows:
            found = [ours[name][now] for name in PIVOTS]
            if before is None:
                assert all(isnan(level) for level in found)
            else:
                expected = pivots(kind, max(r[0] for r in before), min(r[1] for r in before), before[-1][2])
                assert found == pytest.approx([float(level) for level in expected], rel=1e-12)
            now += 1


# Windows and state


@pytest.mark.parametrize("text", ["sma(4)", "std(4)", "true_range_sum(3)", "atr(3, smoothing=mean)", "donchian(4)", "fractal(2)"])
@given(rows=price_rows(), skipped=st.integers(0, 20))
def test_a_windows_bits_do_not_depend_on_where_the_series_began(text: str, rows: list[Prices], skipped: int) -> None:
    whole, part = values(text, bars(rows)), values(text, bars(rows[skipped:]))
    for name in whole:
        later = list(zip(whole[name][skipped:], part[name], strict=True))[5:]
        assert bits([a for a, _ in later]) == bits([b for _, b in later])


@pytest.mark.parametrize("text", SPECS)
@given(rows=price_rows(), cut=st.integers(0, 60))
def test_restored_it_goes_on_with_the_same_bits(text: str, rows: list[Prices], cut: int) -> None:
    of = bars(rows)
    straight, first, second = (Indicator(parse_spec(text)) for _ in range(3))
    for bar in of[:cut]:
        straight.update(bar)
        first.update(bar)
    second.restore(msgspec.json.decode(msgspec.json.encode(first.state())))
    for bar in of[cut:]:
        straight.update(bar)
        second.update(bar)
    for name, column in straight.outputs.items():
        assert bits([column.value, column.previous]) == bits([second.outputs[name].value, second.outputs[name].previous])
    assert second.origin == straight.origin == (of[0].start if of else 0)
    assert second.state() == straight.state()


@given(rows=price_rows())
def test_previous_is_the_value_at_the_bar_before(rows: list[Prices]) -> None:
    indicator = Indicator(parse_spec("swing(1)"))
    before = [NAN] * 4
    for bar in bars(rows):
        indicator.update(bar)
        assert bits([column.previous for column in indicator.columns]) == bits(before)
        before = [column.value for column in indicator.columns]


def test_the_state_of_another_indicator_is_refused() -> None:
    state = Indicator(parse_spec("sma(3)")).state()
    with pytest.raises(CorruptionError, match=r"sma\(4\): .*Delete the snapshot"):
        Indicator(parse_spec("sma(4)")).restore(state)
