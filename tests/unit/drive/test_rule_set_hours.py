"""The session that a rule set names is the one by which it trades: regular hours, or all of them."""

from datetime import date

import msgspec
import pytest

from tests.unit.drive.small_worlds import decisions, facts_after, plan_of
from tests.unit.strategy.markets import CLOSE, MONDAY, OPEN, SPY, bar, every_15_minutes, ruleset_of
from theo.adapters.calendars.tables import zone_offsets
from theo.domain.errors import ConfigError
from theo.domain.facts import CloseAsked, Filled
from theo.domain.market_data import DAY, HOUR, MINUTE, Tick, TickKind
from theo.drive.assembly import Plan, assemble
from theo.market.sessions import Session, SessionTable
from theo.market.wall_clock import ZoneOffsets
from theo.strategy.ruleset import RuleSet

ENTRY = '[entry]\nlong = [{ left = "minutes_to_close", op = ">=", right = 0 }]'
ALL_OPEN, ALL_CLOSE = 9 * HOUR, 25 * HOUR  # 04:00 to 20:00 in New York
FIRST_DATE, DAYS = MONDAY // DAY - 7, 40


def table() -> SessionTable:
    """Regular hours 09:30 to 16:00, all hours 04:00 to 20:00 in New York, on weekdays."""
    sessions = tuple(
        Session(date, ((date * DAY + OPEN, date * DAY + CLOSE),), ((date * DAY + ALL_OPEN, date * DAY + ALL_CLOSE),))
        for date in range(FIRST_DATE, FIRST_DATE + DAYS)
        if (date + 3) % 7 < 5
    )
    return SessionTable("C", "test", FIRST_DATE, FIRST_DATE + DAYS, sessions)


def rules(session: str, style: str = "positional") -> RuleSet:
    return ruleset_of(ENTRY, head=f'session = "{session}"', style=style)


@pytest.mark.parametrize(("session", "minutes"), [("RTH", 15.0), ("ALL", 255.0)])
def test_minutes_to_close_are_those_of_the_session(session: str, minutes: float) -> None:
    bars = [bar(SPY, MONDAY + CLOSE - 15 * MINUTE, 40_000)]
    (decided,) = decisions(facts_after(plan_of(rules(session), table=table()), bars))
    assert minutes in decided.numbers


@pytest.mark.parametrize(("session", "closes"), [("RTH", CLOSE), ("ALL", ALL_CLOSE)])
def test_an_intraday_trade_is_flat_before_the_close_of_its_session(session: str, closes: int) -> None:
    ends = range(MONDAY + OPEN + 30 * MINUTE, MONDAY + ALL_CLOSE + 1, 15 * MINUTE)
    facts = facts_after(plan_of(rules(session, "intraday"), table=table()), [bar(SPY, end, 40_000) for end in ends])
    asked = [fact for fact in facts if isinstance(fact, CloseAsked)]
    assert any(isinstance(fact, Filled) for fact in facts)
    assert (asked[0].reason, asked[0].at) == ("session_end", MONDAY + closes - 5 * MINUTE)


def from_ticks(*rulesets: RuleSet) -> Plan:
    plan = plan_of(*rulesets, table=table())
    plan.from_ticks = True
    return plan


@pytest.mark.parametrize(("session", "bars"), [("RTH", 1), ("ALL", 3)])
def test_bars_from_ticks_are_of_the_session(session: str, bars: int) -> None:
    core, closed = assemble(from_ticks(rules(session))), 0
    for at in (MONDAY + OPEN - HOUR, MONDAY + OPEN + HOUR, MONDAY + CLOSE + HOUR, MONDAY + DAY + OPEN + HOUR):
        closed += len(decisions(core.step(Tick(SPY.id, at, at, 0, TickKind.TRADE, 40_000, 1))[0]))
    assert closed == bars


def test_bars_from_ticks_cannot_be_of_two_sessions() -> None:
    one, other = (msgspec.structs.replace(rules(session), name=session.lower()) for session in ("RTH", "ALL"))
    with pytest.raises(ConfigError, match="rth RTH, all ALL"):
        assemble(from_ticks(one, other))


def offsets_of_winter(zone: str) -> ZoneOffsets:
    return zone_offsets(zone, date(2020, 1, 1), date(2020, 3, 1))


def in_zone(zone: str, first: str, last: str) -> RuleSet:
    """Long at every bar of a window."""
    hours = f'zone = "{zone}"\nfrom = "{first}"\nto = "{last}"'
    return ruleset_of('[entry]\nlong = [{ left = "time", op = ">=", right = "00:00" }]', hours=hours)


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [("America/New_York", "10:00", "11:30"), ("Asia/Kolkata", "20:30", "22:00"), ("Europe/London", "15:00", "16:30")],
)
def test_a_window_is_in_the_zone_that_it_names(zone: str, first: str, last: str) -> None:
    plan = plan_of(in_zone(zone, first, last))
    plan.zones = offsets_of_winter
    bars = [bar(SPY, end, 40_000) for end in every_15_minutes(26)]
    entered = [each.end for each in decisions(facts_after(plan, bars)) if each.verdict != "nothing"]
    assert entered == [MONDAY + OPEN + (30 + 15 * at) * MINUTE for at in range(7)]


def test_a_zone_that_is_none_is_refused() -> None:
    plan = plan_of(in_zone("Mars/Base", "10:00", "11:30"))
    with pytest.raises(ConfigError, match="'Mars/Base' is not known"):
        assemble(plan)
    plan.zones = offsets_of_winter
    with pytest.raises(ConfigError, match="no time zone is named 'Mars/Base'"):
        assemble(plan)
