"""What is said of each stage from what was looked at: state, lag and the worst first."""

import pytest

from theo.domain.market_data import MINUTE, SECOND
from theo.report import stages
from theo.report.stages import FeedSeen, ScanSeen, SeriesSeen, Stage, StageState, Waiting

NOW = 1_790_000_000 * SECOND
OK, LATE, CLOSED = StageState.OK, StageState.LATE, StageState.CLOSED


def told(stage: Stage) -> tuple[StageState, float | None, bool]:
    """State, lag, and whether it says what to do."""
    return stage.state, stage.lag_s, bool(stage.remedy)


@pytest.mark.parametrize(
    ("newest", "since", "expected"),
    [
        (NOW - 3 * SECOND, NOW - MINUTE * 30, (OK, 3.0, False)),
        (NOW - 61 * SECOND, NOW - MINUTE * 30, (LATE, 61.0, True)),
        (NOW - 60 * MINUTE, NOW - 20 * SECOND, (OK, 20.0, False)),  # the market has only just opened
        (NOW - 60 * MINUTE, 0, (CLOSED, None, False)),
        (0, NOW - 90 * SECOND, (LATE, 90.0, True)),
        (0, 0, (CLOSED, None, False)),
    ],
)
def test_a_feed_is_late_in_open_hours_alone(newest: int, since: int, expected: tuple[StageState, float | None, bool]) -> None:
    found = stages.collection(FeedSeen("ib", "MES", newest, since), NOW)
    assert (told(found), found.of) == (expected, "ib")


def series(awaited_s: int, levels_s: int = 0, *, market_open: bool = True, has_levels: bool = True) -> SeriesSeen:
    """The next bar is due in so many seconds, and the newest one's levels are of a bar so many seconds older."""
    bar = NOW + awaited_s * SECOND - 15 * MINUTE
    return SeriesSeen("MES 15min", bar, bar - levels_s * SECOND, NOW + awaited_s * SECOND, market_open, has_levels)


def test_a_bar_is_late_once_the_sessions_say_that_it_should_be_there() -> None:
    assert told(stages.bars([series(300)], NOW)) == (OK, 0.0, False)
    assert told(stages.bars([series(-20)], NOW)) == (OK, 0.0, False)
    assert told(stages.bars([series(-21)], NOW)) == (LATE, 21.0, True)
    assert told(stages.bars([series(300, market_open=False)], NOW)) == (CLOSED, None, False)
    several = stages.bars([series(-30), series(-90), series(5), series(-40), series(-50)], NOW)
    assert several.lag_s == 90.0
    assert several.text.endswith("and 1 more")
    assert several.text.count("MES 15min up to 2026-") == 3
    never = SeriesSeen("VIX 15min", None, None, NOW - MINUTE, market_open=True)
    assert stages.bars([never], NOW).text == "VIX 15min never"


def test_levels_are_late_against_their_bar() -> None:
    assert told(stages.levels([series(300)], NOW)) == (OK, 0.0, False)
    assert told(stages.levels([series(300, 900)], NOW)) == (LATE, 600.0, True)
    assert told(stages.levels([series(890, 900)], NOW)) == (OK, 0.0, False)  # of a bar of ten seconds ago
    assert told(stages.levels([series(300, 900, has_levels=False)], NOW)) == (OK, 0.0, False)
    assert told(stages.levels([series(300, market_open=False)], NOW)) == (CLOSED, None, False)


def test_a_scan_is_late_against_the_newest_bar_of_its_primary() -> None:
    bar = NOW - 5 * MINUTE
    assert told(stages.scan([ScanSeen("a", bar, bar, bar + MINUTE, 0, market_open=True)], NOW)) == (OK, 0.0, False)
    behind = ScanSeen("b", bar, bar - 15 * MINUTE, bar, 2 * SECOND, market_open=True)
    found = stages.scan([behind], NOW)
    assert told(found) == (LATE, 300.0, True)
    assert found.text.startswith("b decided up to ")
    hourly = ScanSeen("c", bar, bar - 15 * MINUTE, bar, 60 * MINUTE, market_open=True)
    assert told(stages.scan([hourly], NOW)) == (OK, 0.0, False)
    without_bars = ScanSeen("d", None, None, NOW - MINUTE, 0, market_open=True)
    assert told(stages.scan([without_bars], NOW)) == (LATE, 60.0, True)
    assert told(stages.scan([ScanSeen("e", bar, bar, bar, 0, market_open=False)], NOW)) == (CLOSED, None, False)


def test_signals_and_orders_are_late_when_they_wait_too_long() -> None:
    assert stages.signal(Waiting(0), NOW) == Stage("signal", OK, 0.0, "")
    assert stages.signal(Waiting(2, NOW + MINUTE, "S1"), NOW) == Stage("signal", OK, 0.0, "2 open")
    found = stages.signal(Waiting(2, NOW - MINUTE, "S1"), NOW)
    assert (told(found), found.text) == ((LATE, 60.0, True), "S1 has outlived its end")
    assert told(stages.trade(Waiting(1, NOW - 30 * SECOND, "j-1"), NOW)) == (OK, 30.0, False)
    found = stages.trade(Waiting(1, NOW - 31 * SECOND, "j-1"), NOW)
    assert (told(found), found.text) == ((LATE, 31.0, True), "order j-1 has no answer")
