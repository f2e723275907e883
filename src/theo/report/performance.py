"""How good it was: ratios of daily equity and statistics of deals. Formulas with their sources; undefined is None, never NaN.

Daily returns are of equity from one account day's start to the next, r = E(t) / E(t-1) - 1, 252 a year, no risk-free rate.
Sums of floats are exactly rounded (math.fsum), so that their order does not matter. Deals and equity come from deals.py.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import fsum, sqrt
from typing import Final

import msgspec

from theo.report.deals import COMPLETED, Deal, EquityPoint, RunDeals

DAYS_A_YEAR: Final = 252  # trading days: the custom of the field, and of empyrical's "daily"
RETURNS_MIN: Final = 2  # a deviation needs two values


class Drawdown(msgspec.Struct, frozen=True):
    """The deepest fall below an earlier peak in per cent of that peak, its cash (micros), and the longest time below one.

    ``length`` is in microseconds, from a peak to the first point that reaches it again, or to the last point.
    """

    percent: float
    cash: int
    length: int


class Ratios(msgspec.Struct, frozen=True):
    """Of daily returns. ``annual_return`` and ``volatility`` are fractions of 1, not per cent."""

    annual_return: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None


class DealStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Of completed deals; money in micros. A deal is won when its net profit is above zero, lost when below.

    ``expectancy`` is the mean net profit of a deal, ``expectancy_r`` the mean of net profit in units of the planned risk;
    ``profit_factor`` the net of the won deals to that of the lost ones (None without a loss).
    """

    deals: int
    won: int
    lost: int
    gross: int
    charges: int
    net: int
    win_rate: float | None
    average_won: float | None
    average_lost: float | None
    expectancy: float | None
    expectancy_r: float | None
    profit_factor: float | None


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one run. Equity in micros; ``drawdown`` is of the equity points, which lie closer than days."""

    equity_start: int
    equity_end: int
    ratios: Ratios
    drawdown: Drawdown
    time_in_market: float | None
    overall: DealStatistics
    by_strategy: dict[str, DealStatistics]
    by_symbol: dict[str, DealStatistics]


def daily_returns(equity: Sequence[int]) -> list[float] | None:
    """Returns between consecutive values; None when one of them has no equity to grow from."""
    if any(before <= 0 for before in equity[:-1]):
        return None
    return [after / before - 1.0 for before, after in pairwise(equity)]


def ratios(returns: Sequence[float] | None, days_a_year: int = DAYS_A_YEAR) -> Ratios:
    """Annualised ratios; all None under two returns, or where equity had been lost.

    Annual return: geometric, (product of 1 + r) ^ (days a year / n) - 1; -1 when nothing is left. Volatility: sample deviation
    (n - 1) x sqrt(days a year). Sharpe (1994): mean / sample deviation x sqrt(days a year); None without deviation. Sortino
    (1994): mean x sqrt(days a year) / sqrt(mean of min(r, 0)^2 over all n); None without a loss. As empyrical has them.
    """
    if returns is None or len(returns) < RETURNS_MIN:
        return Ratios(None, None, None, None)
    n = len(returns)
    mean = fsum(returns) / n
    growth = 1.0
    for value in returns:
        growth *= 1.0 + value
    annual = growth ** (days_a_year / n) - 1.0 if growth > 0 else -1.0
    same = min(returns) == max(returns)  # rounding of the mean must not look like deviation
    deviation = 0.0 if same else sqrt(fsum((value - mean) ** 2 for value in returns) / (n - 1))
    downside = sqrt(fsum(min(value, 0.0) ** 2 for value in returns) / n)
    year = sqrt(days_a_year)
    return Ratios(
        annual_return=annual,
        volatility=deviation * year,
        sharpe=mean / deviation * year if deviation else None,
        sortino=mean / downside * year if downside else None,
    )


def drawdown(points: Sequence[EquityPoint]) -> Drawdown:
    """The worst of an equity curve; zeros for one that never falls. Below a peak of nothing a fall has no per cent: 0."""
    worst_percent, worst_cash, longest = 0.0, 0, 0
    peak = points[0] if points else EquityPoint(0, 0)
    below = False
    for point in points:
        fall = peak.equity - point.equity
        if below or fall > 0:
            longest = max(longest, point.at - peak.at)
        below = fall > 0
        if not below:
            peak = point
            continue
        percent = 100.0 * fall / peak.equity if peak.equity > 0 else 0.0
        if percent > worst_percent:
            worst_percent, worst_cash = percent, fall
    return Drawdown(worst_percent, worst_cash, longest)


def statistics(deals: Sequence[Deal]) -> DealStatistics:
    """Of those of the deals that are completed. Means are None without a deal to average."""
    completed = [deal for deal in deals if deal.status == COMPLETED]
    nets = [deal.net for deal in completed]
    won, lost = [net for net in nets if net > 0], [net for net in nets if net < 0]
    multiples = [deal.net / deal.risk for deal in completed if deal.risk > 0]
    return DealStatistics(
        deals=len(completed),
        won=len(won),
        lost=len(lost),
        gross=sum(deal.gross for deal in completed),
        charges=sum(deal.charges for deal in completed),
        net=sum(nets),
        win_rate=_mean(len(won), len(completed)),
        average_won=_mean(sum(won), len(won)),
        average_lost=_mean(sum(lost), len(lost)),
        expectancy=_mean(sum(nets), len(nets)),
        expectancy_r=_mean(fsum(multiples), len(multiples)),
        profit_factor=sum(won) / -sum(lost) if lost else None,
    )


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None


def grouped(deals: Sequence[Deal], name: Callable[[Deal], str]) -> dict[str, DealStatistics]:
    """Statistics of the deals of each name, names in order."""
    groups: dict[str, list[Deal]] = {}
    for deal in deals:
        groups.setdefault(name(deal), []).append(deal)
    return {key: statistics(groups[key]) for key in sorted(groups)}


def time_in_market(deals: Sequence[Deal], began_at: int, ended_at: int) -> float | None:
    """The share of the time from ``began_at`` to ``ended_at`` in which any deal was open, 0 to 1; None without time."""
    if ended_at <= began_at:
        return None
    spans = sorted((d.entered_at, d.exited_at if d.status == COMPLETED else ended_at) for d in deals if d.entered_at)
    covered, reached = 0, began_at
    for opened, closed in spans:
        until = min(closed, ended_at)
        covered += max(0, until - max(opened, reached))
        reached = max(reached, until)
    return covered / (ended_at - began_at)


def performance(run: RunDeals, now: EquityPoint) -> Performance:
    """The whole of a run up to ``now``, which says what the account is worth with its open positions."""
    deals, days = run.deals(), run.days()
    points = [*run.equity_points(), now]
    daily = [day.equity_start for day in days]
    return Performance(
        equity_start=points[0].equity,
        equity_end=now.equity,
        ratios=ratios(daily_returns([*daily, now.equity])),
        drawdown=drawdown(points),
        time_in_market=time_in_market(deals, points[0].at, now.at),
        overall=statistics(deals),
        by_strategy=grouped(deals, lambda deal: deal.key.config),
        by_symbol=grouped(deals, lambda deal: deal.symbol),
    )
