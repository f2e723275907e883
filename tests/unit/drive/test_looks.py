"""When a scan looks and what becomes of a look that was missed: by bar ends and core time alone, so a replay has the same."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.drive.small_worlds import decisions, facts_after, known_at, plan_of
from tests.unit.strategy.markets import CLOSE, MONDAY, OPEN, SPY, bar, every_15_minutes, ruleset_of, weekdays
from theo.domain.facts import Fact, SignalClosed, TradeIntended
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, Bar, SessionScope
from theo.market.sessions import Hours
from theo.strategy.loading import load_ruleset
from theo.strategy.ruleset import RuleSet

RISING = '[entry]\nlong = [{ left = "SPY close", op = ">", right = 0 }]\n'
HALF_DAY = MONDAY // DAY + 1  # it closes at 13:00 New York
TABLE = weekdays(MONDAY // DAY - 7, 60, {HALF_DAY: 18 * HOUR})


def scan(terms: str, frame: str = "15min", style: str = "positional") -> RuleSet:
    """A rule set that would enter at each look."""
    text = f"""
name = "test"
strategy = "rules"
timeframe = "{frame}"
target = "none"
[symbols]
primary = "SPY"
[stop]
percent = 50.0
[trading]
style = "{style}"
from = "00:00"
to = "24:00"
days = "all"
[scan]
{terms}
{RISING}"""
    return load_ruleset(text, "test.toml")


def looked_at(rules: RuleSet, bars: Sequence[Bar]) -> list[int]:
    return [fact.end for fact in decisions(facts_after(plan_of(rules, table=TABLE), bars))]


def hourly(day: int) -> list[Bar]:
    """The bars of a session by the clock's hours: the first is half an hour long."""
    closes = 18 * HOUR if day == HALF_DAY else CLOSE
    bars = [bar(SPY, end, 100, frame="60min") for end in range(15 * HOUR, closes + 1, HOUR)]
    moved = [msgspec.structs.replace(one, start=day * DAY + max(one.start, OPEN), end=day * DAY + one.end) for one in bars]
    return [known_at(one, one.end) for one in moved]


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (60, ["10:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00"]),
        (120, ["11:00", "13:00", "15:00", "16:00"]),
        (180, ["12:00", "15:00", "16:00"]),
        (1440, ["16:00"]),
    ],
)
def test_intervals_are_counted_from_the_open_and_the_last_ends_with_the_session(every: int, expected: list[str]) -> None:
    day = MONDAY // DAY
    ends = looked_at(scan(f"every_minutes = {every}", "60min"), hourly(day))
    assert [f"{end % DAY // HOUR - 5:02d}:{end % HOUR // MINUTE:02d}" for end in ends] == expected


def test_an_early_close_ends_the_last_interval() -> None:
    ends = looked_at(scan("every_minutes = 120", "60min"), hourly(HALF_DAY))
    assert [end % DAY // HOUR - 5 for end in ends] == [11, 13]
    assert looked_at(scan("every_minutes = 240", "60min"), hourly(HALF_DAY)) == [HALF_DAY * DAY + 18 * HOUR]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 96), st.sets(st.integers(0, 60), max_size=30))
def test_looks_are_those_of_every_close_that_end_an_interval(bars_between: int, holes: set[int]) -> None:
    """Where the bar is missing that an interval ends with, the next one of the session is looked at; numbers are the same."""
    every = bars_between * 15 * MINUTE
    bars = [bar(SPY, end, 600 + n % 7) for n, end in enumerate(every_15_minutes(61)) if n not in holes]
    bars = [one for one in bars if one.end // DAY != HALF_DAY or one.end % DAY <= 18 * HOUR]
    all_looks = decisions(facts_after(plan_of(scan(""), table=TABLE), bars))
    expected, hours = [], Hours(TABLE, SessionScope.RTH)
    passed = -1
    for look in all_looks:
        session = hours.session_around(look.end - 1)
        assert session is not None
        opened, closes = hours.bounds(session)
        marks = [*range(opened + every, closes, every), closes]
        due = [mark for mark in marks if passed < mark <= look.end]
        passed = look.end
        if due:
            expected.append(look)
    looks = decisions(facts_after(plan_of(scan(f"every_minutes = {bars_between * 15}"), table=TABLE), bars))
    assert [(look.end, look.numbers, look.truths) for look in looks] == [(e.end, e.numbers, e.truths) for e in expected]


def test_an_interval_of_one_bar_is_every_close() -> None:
    bars = [bar(SPY, end, 600) for end in every_15_minutes(40)]
    assert facts_after(plan_of(scan("every_minutes = 15")), bars)[1:-1] != []
    assert looked_at(scan("every_minutes = 15"), bars) == looked_at(scan(""), bars) == [one.end for one in bars]


LAST = MONDAY + OPEN + HOUR  # the bar that was missed


def missed(terms: str, late: int, style: str = "positional", end: int = LAST) -> list[Fact]:
    """The facts of a look that is had so long after its bar's end."""
    return facts_after(plan_of(scan(terms, style=style)), [known_at(bar(SPY, end, 600), end + late)])


def became(facts: list[Fact]) -> tuple[str, str]:
    """The decision's words, and the rule that refused its signal: "" where it was taken."""
    (decided,) = decisions(facts)
    refused = [fact.refused for fact in facts if isinstance(fact, SignalClosed) and fact.refused is not None]
    assert bool(refused) != any(isinstance(fact, TradeIntended) for fact in facts)
    return decided.verdict, refused[0].rule if refused else ""


@pytest.mark.parametrize(
    ("terms", "late", "expected"),
    [
        ("", 0, ("long", "")),
        ("", MINUTE + 2 * SECOND, ("long", "")),
        ("", MINUTE + 2 * SECOND + 1, ("long, missed: skipped", "missed_look")),
        ("", 14 * MINUTE, ("long, missed: skipped", "missed_look")),
        ("", 2 * HOUR, ("long, missed: skipped", "data_trust")),
        ('missed = "catch up"', MINUTE, ("long", "")),
        ('missed = "catch up"', MINUTE + 2 * SECOND + 1, ("long, missed: caught up", "")),
        ('missed = "catch up"', 15 * MINUTE, ("long, missed: caught up", "")),
        ('missed = "catch up"', 15 * MINUTE + 1, ("long, missed: too late to catch up", "missed_look")),
        ('missed = "catch up"', 2 * HOUR, ("long, missed: too late to catch up", "data_trust")),
    ],
)
def test_a_missed_look_is_skipped_or_caught_up_by_rule_and_said(terms: str, late: int, expected: tuple[str, str]) -> None:
    assert became(missed(terms, late)) == expected


def test_nothing_is_caught_up_when_the_session_is_over_or_the_trade_would_end_at_once() -> None:
    last_bar, before_flat = MONDAY + CLOSE, MONDAY + CLOSE - 15 * MINUTE
    over = became(missed('missed = "catch up"', 5 * MINUTE, end=last_bar))
    assert over == ("long, missed: too late to catch up", "missed_look")
    assert became(missed('missed = "catch up"', 9 * MINUTE, "intraday", before_flat)) == ("long, missed: caught up", "")
    assert became(missed('missed = "catch up"', 10 * MINUTE, "intraday", before_flat))[1] == "missed_look"


def test_an_exit_is_never_skipped() -> None:
    leaving = '[exit]\nlong = [{ left = "SPY close", op = "<", right = 6 }]\n'
    rules = ruleset_of(RISING + leaving, stop="percent = 50.0")
    first, second = LAST - 15 * MINUTE, LAST
    bars = [bar(SPY, first, 700), known_at(bar(SPY, second, 590), second + HOUR)]
    facts = facts_after(plan_of(rules), bars)
    assert decisions(facts)[-1].verdict == "exit, missed: skipped"
    closed = [fact for fact in facts if isinstance(fact, SignalClosed)]
    assert [fact.status for fact in closed] == ["EXECUTED", "EXECUTED"]
