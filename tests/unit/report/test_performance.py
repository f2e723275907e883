"""Ratios against empyrical, drawdowns and time in the market against counting."""

from itertools import pairwise
from math import isnan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.report.journal import BEGIN, CASH, INSTRUMENTS, SPY, closed, day, filled, intended, started
from theo.domain.facts import Fact, TradeIntended
from theo.domain.instrument import MICROS
from theo.domain.market_data import DAY
from theo.domain.orders import Side
from theo.report.deals import EquityPoint, RunDeals, runs
from theo.report.performance import (
    Ratios,
    daily_returns,
    drawdown,
    grouped,
    performance,
    ratios,
    statistics,
    time_in_market,
)

USD = MICROS
EQUITIES = st.lists(st.integers(50_000, 200_000).map(lambda n: n * USD), min_size=3, max_size=60)


def points(*equities: int) -> list[EquityPoint]:
    return [EquityPoint(BEGIN + n * DAY, equity) for n, equity in enumerate(equities)]


@given(EQUITIES)
def test_ratios_equal_empyrical(equity: list[int]) -> None:
    import empyrical
    import numpy as np

    returns = daily_returns(equity)
    assert returns is not None
    assume(np.std(returns) > 1e-9)
    mine, theirs = ratios(returns), np.array(returns)
    for value, oracle in (
        (mine.annual_return, empyrical.annual_return(theirs)),
        (mine.volatility, empyrical.annual_volatility(theirs)),
        (mine.sharpe, empyrical.sharpe_ratio(theirs)),
        (mine.sortino, empyrical.sortino_ratio(theirs)),
    ):
        if value is None:
            assert not any(r < 0 for r in returns)
            assert isnan(oracle) or oracle == float("inf")
        else:
            assert value == pytest.approx(oracle, rel=1e-9, abs=1e-9)


@given(EQUITIES)
def test_the_deepest_drawdown_equals_empyrical_and_the_longest_a_count(equity: list[int]) -> None:
    import empyrical
    import numpy as np

    worst = drawdown(points(*equity))
    returns = daily_returns(equity)
    assert returns is not None
    assert worst.percent == pytest.approx(-100 * empyrical.max_drawdown(np.array(returns)), abs=1e-9)
    longest = 0
    for begin in range(len(equity)):
        peak = max(equity[: begin + 1])
        if equity[begin] != peak:
            continue
        below = next((n for n, e in enumerate(equity[begin + 1 :], start=1) if e >= peak), len(equity) - 1 - begin)
        if min(equity[begin:][: below + 1]) < peak:
            longest = max(longest, below)
    assert worst.length == longest * DAY


def test_a_drawdown_worked_by_hand() -> None:
    worst = drawdown(points(100 * USD, 120 * USD, 90 * USD, 120 * USD, 115 * USD, 119 * USD, 119 * USD))
    assert (worst.percent, worst.cash, worst.length) == (25.0, 30 * USD, 3 * DAY)
    assert drawdown([]).length == drawdown(points(1, 2, 3)).length == 0


def test_undefined_is_none_never_nan() -> None:
    assert ratios([0.01]) == ratios(None) == Ratios(None, None, None, None)
    flat = ratios([0.1] * 3)  # the mean of three times 0.1 is not 0.1 in binary
    assert (flat.volatility, flat.sharpe, flat.sortino) == (0.0, None, None)
    assert ratios([0.5, -1.0]).annual_return == -1.0
    assert daily_returns([100, 0, 100]) is None
    assert daily_returns([100, 0]) == [-1.0]
    nothing = statistics([])
    assert (nothing.deals, nothing.net, nothing.win_rate, nothing.expectancy, nothing.profit_factor) == (0, 0, None, None, None)


def played(profits: list[int]) -> tuple[RunDeals, list[TradeIntended]]:
    """A run of long trades of one MES, the even ones of another configuration; one trade an hour, open half of it."""
    facts: list[Fact] = [started(), day(0, CASH)]
    trades = []
    hour = DAY // 24
    for number, ticks in enumerate(profits):
        trade = intended(number, config="odd" if number % 2 else "even")
        at = BEGIN + 1 + number * hour
        facts += [trade, filled(trade, Side.BUY, 1, 650_000, at=at, charges=0)]
        facts.append(filled(trade, Side.SELL, 1, 650_000 + 25 * ticks, at=at + hour // 2, charges=0))
        facts.append(closed(trade, facts, "stop", at=at + hour // 2))
        trades.append(trade)
    (run,) = runs(facts, INSTRUMENTS)
    return run, trades


def test_statistics_worked_by_hand() -> None:
    run, _ = played([8, -4, 0, -4])  # a tick is 1.25 USD: +10, -5, 0, -5
    found = statistics(run.deals())
    assert (found.deals, found.won, found.lost, found.net) == (4, 1, 2, 0)
    assert (found.win_rate, found.average_won, found.average_lost) == (0.25, 10 * USD, -5 * USD)
    assert (found.expectancy, found.profit_factor) == (0.0, 1.0)
    assert found.expectancy_r == 0.0
    by_name = grouped(run.deals(), lambda deal: deal.key.config)
    assert [(name, s.deals, s.net) for name, s in by_name.items()] == [("even", 2, 10 * USD), ("odd", 2, -10 * USD)]
    assert by_name["even"].profit_factor is None
    assert by_name["odd"].expectancy_r == pytest.approx(-5 / 200)


def test_a_running_deal_is_in_no_statistic_but_in_the_market() -> None:
    trade = intended(1, instrument=SPY)
    (run,) = runs([started(), trade, filled(trade, Side.BUY, 1, 50_000, at=BEGIN + 6)], INSTRUMENTS)
    assert statistics(run.deals()).deals == 0
    assert time_in_market(run.deals(), BEGIN, BEGIN + 10) == 0.4
    assert time_in_market(run.deals(), BEGIN, BEGIN) is None


SPANS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 20)), max_size=6)


@given(SPANS)
def test_time_in_the_market_counts_each_moment_once(spans: list[tuple[int, int]]) -> None:
    facts: list[Fact] = [started()]
    for number, (opened, held) in enumerate(spans):
        trade = intended(number)
        facts += [trade, filled(trade, Side.BUY, 1, 650_000, at=BEGIN + opened)]
        facts.append(filled(trade, Side.SELL, 1, 650_000, at=BEGIN + opened + held))
        facts.append(closed(trade, facts, "stop", at=BEGIN + opened + held))
    (run,) = runs(facts, INSTRUMENTS)
    covered = {n for opened, held in spans for n in range(opened, opened + held) if n < 50}
    assert time_in_market(run.deals(), BEGIN, BEGIN + 50) == pytest.approx(len(covered) / 50)


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=30))
def test_the_whole_agrees_with_its_parts(profits: list[int]) -> None:
    run, _ = played(profits)
    now = EquityPoint(BEGIN + 40 * DAY, run.cash)
    found = performance(run, now)
    assert found.equity_end - found.equity_start == found.overall.net == run.cash - CASH
    for groups in (found.by_strategy, found.by_symbol):
        assert sum(s.net for s in groups.values()) == found.overall.net
        assert sum(s.deals for s in groups.values()) == found.overall.deals == len(profits)
    assert found.drawdown == drawdown([*run.equity_points(), now])
    assert found.time_in_market == pytest.approx(len(profits) / 24 / 2 / 40)


def test_daily_ratios_are_of_account_days_not_of_points_in_between() -> None:
    equities = [CASH, CASH + 3_000 * USD, CASH + 1_000 * USD]
    (run,) = runs([started(), *(day(n, equity) for n, equity in enumerate(equities))], INSTRUMENTS)
    found = performance(run, EquityPoint(BEGIN + 3 * DAY, CASH + 2_000 * USD))
    assert found.ratios == ratios([b / a - 1 for a, b in pairwise([*equities, CASH + 2_000 * USD])])
