"""Series that lag, and catch up in any order at any time, show what series show that do everything at once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_late_ticks import BEGIN, FRAMES, LATE_MAX, MINUTES, Built, markets
from tests.unit.strategy.markets import MONDAY, SPY, VIX, weekdays
from theo.domain.market_data import DAY, MINUTE, SECOND, ContractRolled, DataMark, DataMarked, SessionScope, Tick
from theo.market.series import Pair, Series
from theo.market.sessions import Hours
from theo.market.trust import SeriesTrust
from theo.strategy.due import LastDue

DIFFERENCE = 25


class Trusted(Built):
    """Its series say what they are worth."""

    def __init__(self, *, lags: bool = False) -> None:
        super().__init__()
        hours = Hours(weekdays(MONDAY // DAY, 5), SessionScope.RTH)
        for series in self.series:
            due = LastDue(series.timeframe, hours)
            series.trusts = (SeriesTrust(hours, series.timeframe.length, due, late_max=SECOND, whole=False, source="ticks"),)
        if lags:
            self.book.lag()

    def looked_at(self, number: int) -> object:
        """What a look at one of the series and correlations sees."""
        sources: tuple[Series | Pair, ...] = (*self.series, *self.pairs)
        one = sources[number % len(sources)]
        one.catch_up()
        if one in self.series:
            return [indicator.state() for indicator in self.series[number % len(sources)].indicators.values()]
        return self.pairs[number % len(sources) - len(self.series)].correlation.state()

    def whole(self) -> object:
        """Everything, with the marks that it can go back to."""
        return self.book.state()


@st.composite
def looks(draw: st.DrawFn) -> dict[int, list[int]]:
    """At which ticks who is looked at; 100: all that is behind, 101: as much of it as a look costs."""
    return draw(st.dictionaries(st.integers(0, 4 * MINUTES), st.lists(st.one_of(st.integers(0, 7), st.integers(100, 101)))))


def tick_by_tick(
    built: Trusted, ticks: list[Tick], asked: dict[int, list[int]], rolled: int, broken: tuple[int, int]
) -> list[object]:
    """What every look saw, and everything at the end."""
    book, shown = built.book, list[object]()
    for place, tick in enumerate(ticks):
        book.on_time(tick.at)
        book.on_tick(tick)
        if place == rolled:
            book.on_roll(
                ContractRolled(at=tick.at, instrument=SPY.id, previous="", contract="one", difference=DIFFERENCE, carry=True)
            )
        for mark, at in zip((DataMark.INTERRUPTED, DataMark.WHOLE), broken, strict=True):
            if place == at:
                book.on_mark(DataMarked(at=tick.at, instrument=VIX.id, mark=mark, since=tick.at - MINUTE, why="t"))
        for who in asked.get(place, ()):
            if who >= 100:
                book.follow(*([1] if who > 100 else []))
            else:
                shown.append(built.looked_at(who))
    book.on_time(BEGIN + (MINUTES + 10) * MINUTE)
    book.settle()
    return [*shown, built.whole()]


@settings(max_examples=60)
@given(markets(), looks(), st.integers(0, 8 * MINUTES), st.tuples(st.integers(0, 3 * MINUTES), st.integers(0, 4 * MINUTES)))
def test_a_series_that_lags_shows_what_one_shows_that_does_not(
    market: tuple[list[Tick], list[Tick]], asked: dict[int, list[int]], rolled: int, broken: tuple[int, int]
) -> None:
    _, come = market
    at_once = tick_by_tick(Trusted(), come, asked, rolled, broken)
    assert tick_by_tick(Trusted(lags=True), come, asked, rolled, broken) == at_once


def test_a_bar_that_nobody_looks_at_is_followed_up_in_pieces() -> None:
    built = Trusted(lags=True)
    last = [(one, BEGIN + n * 5 * MINUTE + one.id) for n in range(2) for one in (SPY, VIX)]
    for one, at in last:
        built.book.on_tick(Tick(one.id, at, at, 0, 0, 1_000, 1))
    built.book.on_time(BEGIN + 20 * MINUTE)
    assert set(built.book.behind) == set(built.series)
    pieces = 0
    while built.book.behind:
        pieces += 1
        built.book.follow(1)
    assert len(FRAMES) < pieces <= 2 * len(built.series) + 2 * len(built.pairs)
    assert not any(series.behind for series in built.series)
    assert pieces < LATE_MAX
