"""The trust of a bar series: holes, silence and other sources, by the hours of its market."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, DataMark, DataMarked, SessionScope, Timeframe
from theo.market.gaps import gaps_in
from theo.market.series import Series
from theo.market.sessions import Hours, Session, SessionTable, common_sessions
from theo.market.trust import SeriesTrust, Standing, Trust, TrustBounds
from theo.strategy.due import LastDue

STEP, LATE_MAX = 5 * MINUTE, 2 * SECOND
OPEN = 20_000 * DAY + 14 * HOUR + 30 * MINUTE
BARS = 24  # of a session of two hours
FRAME = Timeframe("5min", STEP)
SPY = Instrument(id=1, symbol="SPY", token=1, security_type=SecurityType.ETF, exchange="ARCA", calendar="TEST")
WHOLE_BARS = 6


def table(length: int = BARS * STEP) -> SessionTable:
    """Sessions on three days in a row, and on one three days later."""
    sessions = [(n, ((OPEN + n * DAY, OPEN + n * DAY + length),)) for n in (0, 1, 2, 5)]
    return SessionTable("TEST", "test", 19_999, 20_009, tuple(Session(20_000 + n, spans, spans) for n, spans in sessions))


def trusted(*, whole: bool = False, block: bool = False, hours: Hours | None = None) -> tuple[Series, SeriesTrust]:
    hours = hours or Hours(table(), SessionScope.RTH)
    bounds = TrustBounds(whole_bars_min=WHOLE_BARS, history_gaps_block=block)
    series = Series(SPY, FRAME)
    trust = SeriesTrust(hours, STEP, LastDue(FRAME, hours), late_max=LATE_MAX, whole=whole, bounds=bounds)
    series.trusts = (trust,)
    return series, trust


def bar(number: int, source: str = "ticks") -> Bar:
    """Bars are numbered through the sessions, BARS to each."""
    day, place = divmod(number, BARS)
    start = OPEN + (0, 1, 2, 5)[day] * DAY + place * STEP
    return Bar(1, start + STEP, "5min", start, start + STEP, 1, 1, 1, 1, 1, source)


def after(series: Series, trust: SeriesTrust, numbers: Sequence[int], late: int = 0) -> Standing:
    """The standing once these bars have come, ``late`` after the end of the last."""
    for number in numbers:
        assert series.close(bar(number))
    return trust.standing(series.bar, series.last_end + late)


def test_nothing_has_come_and_then_everything_does() -> None:
    series, trust = trusted()
    assert trust.standing(None, OPEN) == Standing(Trust.STALE)
    assert after(series, trust, range(4 * BARS)) == Standing(Trust.LIVE)


def test_a_hole_counts_until_enough_bars_in_a_row_lie_behind_it() -> None:
    series, trust = trusted()
    hole = bar(3).start
    after(series, trust, [0, 1, 2])
    for number in range(5, 5 + WHOLE_BARS - 1):
        assert after(series, trust, [number]) == Standing(Trust.GAPPED, hole, 2)
    assert after(series, trust, [4 + WHOLE_BARS]) == Standing(Trust.LIVE)


def test_a_second_hole_counts_anew() -> None:
    series, trust = trusted()
    assert after(series, trust, [0, 1, *range(3, 7), *range(8, 12)]) == Standing(Trust.GAPPED, bar(7).start, 1)
    assert after(series, trust, range(12, 14)) == Standing(Trust.LIVE)


def test_closed_hours_are_no_hole_and_a_hole_may_reach_over_them() -> None:
    series, trust = trusted()
    assert after(series, trust, [BARS - 1, BARS, 2 * BARS - 1]).trust is Trust.GAPPED
    series, trust = trusted()
    assert after(series, trust, [BARS - 3, BARS + 2]) == Standing(Trust.GAPPED, bar(BARS - 2).start, 4)


def test_history_is_whole_unless_its_holes_are_to_block() -> None:
    series, trust = trusted(whole=True)
    assert after(series, trust, [0, 1, 4]) == Standing(Trust.BACKFILLED, bar(2).start, 2)
    assert after(series, trust, [5]) == Standing(Trust.LIVE)
    series, trust = trusted(whole=True, block=True)
    assert after(series, trust, [0, 1, 4, 5]) == Standing(Trust.GAPPED, bar(2).start, 2)


def test_a_due_bar_that_does_not_come_is_silence_only_while_the_market_is_open() -> None:
    series, trust = trusted()
    assert after(series, trust, [0], late=STEP + LATE_MAX - 1) == Standing(Trust.LIVE)
    silent = trust.standing(series.bar, series.last_end + STEP + LATE_MAX)
    assert silent == Standing(Trust.STALE, bar(0).end)
    assert after(series, trust, [1]) == Standing(Trust.LIVE), "the next bar in a row says that nothing was missed"
    over_night = bar(BARS).start - bar(BARS - 1).end
    assert after(series, trust, range(2, BARS), late=over_night + STEP + LATE_MAX - 1) == Standing(Trust.LIVE)
    assert trust.standing(series.bar, bar(BARS).end + LATE_MAX).trust is Trust.STALE


def test_only_the_shared_hours_count() -> None:
    """An index that is quoted a quarter of an hour longer: what is not decided on is not missed."""
    longer, shorter = table((BARS + 3) * STEP), table()
    day_ends, next_day = bar(BARS - 1), bar(BARS)
    for hours, expected in ((longer, Trust.GAPPED), (common_sessions(longer, shorter), Trust.LIVE)):
        series, trust = trusted(hours=Hours(hours, SessionScope.RTH))
        series.close(day_ends)
        series.close(next_day)
        assert trust.standing(next_day, next_day.at).trust is expected


def test_another_source_is_not_the_one_it_began_with() -> None:
    series, trust = trusted()
    after(series, trust, [0])
    series.close(bar(1, source="other"))
    assert trust.standing(series.bar, bar(1).at) == Standing(Trust.FAILED_OVER, bar(1).start)
    assert after(series, trust, [2]) == Standing(Trust.LIVE)


def test_history_of_the_same_source_is_as_good_as_what_follows_it() -> None:
    hours, series = Hours(table(), SessionScope.RTH), Series(SPY, FRAME)
    trust = SeriesTrust(hours, STEP, LastDue(FRAME, hours), late_max=LATE_MAX, whole=False, source="ticks")
    series.trusts = (trust,)
    for number in range(4):
        series.close(bar(number, "ib:history"))
    assert trust.standing(series.bar, bar(3).end).trust is Trust.LIVE
    series.close(bar(4))
    assert trust.standing(series.bar, bar(4).end).trust is Trust.LIVE
    series.close(bar(5, "polygon"))
    assert trust.standing(series.bar, bar(5).end).trust is Trust.FAILED_OVER


def marked(mark: DataMark, at: int, since: int = 0, why: str = "") -> DataMarked:
    return DataMarked(SPY.id, at, mark, since, why)


def test_late_data_are_named_so_whatever_else_is_amiss_and_the_hole_counts_after_it() -> None:
    series, trust = trusted()
    after(series, trust, [0, 1])
    trust.on_mark(marked(DataMark.INTERRUPTED, bar(1).end, bar(1).start, "silent"))
    assert trust.standing(series.bar, bar(1).end) == Standing(Trust.GAPPED, bar(1).start, 0, "silent")
    trust.on_mark(marked(DataMark.DELAYED, bar(2).end, why="late"), lost=True)
    assert trust.standing(series.bar, bar(9).end) == Standing(Trust.DELAYED, bar(2).end, 0, "late")
    trust.on_mark(marked(DataMark.WHOLE, bar(3).end))
    assert after(series, trust, range(2, 4)).trust is Trust.GAPPED, "what was lost before counts again"
    assert after(series, trust, range(4, 3 + WHOLE_BARS)) == Standing(Trust.LIVE)


def test_a_gap_within_a_hole_that_is_filled_is_none_and_one_before_it_stays() -> None:
    for hole, expected in ((bar(3).start + SECOND, Trust.BACKFILLED), (bar(4).start, Trust.GAPPED)):
        series, trust = trusted()
        after(series, trust, [0, 1, 2])
        trust.on_mark(marked(DataMark.INTERRUPTED, bar(4).start, hole))
        after(series, trust, [4])
        trust.on_mark(marked(DataMark.WHOLE, bar(4).end))
        assert trust.standing(series.bar, bar(4).end).trust is expected


def test_nobody_knows_what_was_before_a_series_that_begins_in_the_middle_of_a_bar() -> None:
    for listened, expected in ((bar(0).start, Trust.LIVE), (bar(0).start + SECOND, Trust.GAPPED)):
        series, trust = trusted()
        trust.on_mark(marked(DataMark.LOST, listened))
        assert after(series, trust, [0]).trust is expected


@given(st.sets(st.integers(0, 4 * BARS - 1), min_size=1), st.integers(0, 4 * BARS), st.booleans())
def test_asking_and_restoring_change_nothing_and_every_hole_is_seen(kept: set[int], cut: int, whole: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    """Against gaps_in, which looks at all bars at once: GAPPED while the newest hole has too few bars behind it."""
    hours = Hours(table(), SessionScope.RTH)
    (series, trust), (other, second) = trusted(whole=whole, hours=hours), trusted(whole=whole, hours=hours)
    come: list[Bar] = []
    for place, number in enumerate(sorted(kept)):
        if place == cut:
            state = msgspec.json.decode(msgspec.json.encode(other.state()))
            other, second = trusted(whole=whole, hours=hours)
            other.restore(state)
        come.append(bar(number))
        series.close(come[-1])
        other.close(come[-1])
        standing = second.standing(other.bar, other.last_end)
        gaps = list(gaps_in(come, hours, STEP))
        behind = [b for b in come if gaps and b.start >= gaps[-1].end]
        expected = Trust.LIVE
        if gaps and whole:
            expected = Trust.BACKFILLED if len(behind) == 1 else Trust.LIVE
        elif gaps and len(behind) < WHOLE_BARS:
            expected = Trust.GAPPED
        assert standing.trust is expected
    assert trust.state() == second.state()


def test_a_bound_of_no_bars_is_refused() -> None:
    with pytest.raises(ConfigError, match="whole_bars_min is 0"):
        TrustBounds(whole_bars_min=0)
