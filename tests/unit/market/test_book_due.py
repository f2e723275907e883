"""When the clock closes bars: the book's own account of it against a look at every source."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.strategy.markets import MONDAY, OPEN, SPY, weekdays
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, MINUTE, SECOND, ContractRolled, SessionScope, Tick, TickKind
from theo.domain.timeframe import timeframe
from theo.market.bars import BarTree
from theo.market.book import NEVER, MarketBook
from theo.market.sessions import Hours

NUMBERS = range(10, 16)
HOURS = Hours(weekdays(MONDAY // DAY - 7, 30), SessionScope.RTH)
FRAMES = {number: [timeframe(name) for name in (("1min", "5min"), ("5min",), ("1min",))[number % 3]] for number in NUMBERS}


class Watched(MarketBook):
    """A book whose sources a test can look at."""

    def sources(self) -> Iterator[BarTree]:
        """In the order in which they were added."""
        yield from self._sources.values()  # type: ignore[misc]  # they are trees here


def book() -> Watched:
    made = Watched()
    for number in NUMBERS:
        for frame in FRAMES[number]:
            made.series(_instrument(number), frame)
        made.build_from_ticks(number, BarTree(number, FRAMES[number], HOURS))
    return made


def _instrument(number: int) -> Instrument:
    return Instrument(id=number, symbol=f"S{number}", token=number, security_type=SPY.security_type, exchange="X", calendar="C")


steps = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.sampled_from(NUMBERS), st.integers(0, 90)),
        st.tuples(st.just("late"), st.sampled_from(NUMBERS), st.integers(0, 90)),
        st.tuples(st.just("slice"), st.integers(1, 3), st.integers(0, 120)),
        st.tuples(st.just("time"), st.just(0), st.integers(0, 120)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_the_book_knows_when_each_source_is_due(asked: list[tuple[str, int, int]]) -> None:
    kept, at = book(), MONDAY + OPEN
    for n, (what, which, seconds) in enumerate(asked):
        at += seconds * SECOND
        due = [source.instrument for source in kept.sources() if source.next_due <= at]
        assert kept.many_due(at, 1) == (len(due) > 1)
        assert kept.many_due(at, 4) == (len(due) > 4)
        if what in {"tick", "late"}:
            stamp = at if what == "tick" else max(MONDAY + OPEN, at - 2 * MINUTE)
            kept.on_tick(Tick(which, at, stamp, n, TickKind.TRADE, 10_000 + n, 1, 0, 0, "t"))
        elif what == "slice":
            earliest = sorted((source.next_due, place, source.instrument) for place, source in enumerate(kept.sources()))[:which]
            wanted = {instrument for time, _, instrument in earliest if time <= at}
            kept.on_time(at, which)
            assert {instrument for instrument in due if source_of(kept, instrument).next_due > at} == wanted
        elif what == "time":
            if kept.on_time(at):
                assert [s.instrument.id for s in kept.closed] == sorted(s.instrument.id for s in kept.closed)
            assert kept.due > at
        else:
            again = book()
            again.restore(kept.state())
            kept = again
        assert kept.due == min((source.next_due for source in kept.sources()), default=NEVER)


def source_of(kept: Watched, instrument: int) -> BarTree:
    return next(source for source in kept.sources() if source.instrument == instrument)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_roll_changes_what_is_due(number: int) -> None:
    kept, at = book(), MONDAY + OPEN
    kept.on_tick(Tick(number, at, at, 0, TickKind.TRADE, 10_000, 1, 0, 0, "t"))
    assert kept.due < NEVER
    kept.on_roll(ContractRolled(instrument=number, at=at + SECOND, previous="A", contract="B", difference=5))
    assert kept.due == min(source.next_due for source in kept.sources())
