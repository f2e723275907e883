"""When a future rolls, by hand-made sessions and by the real ES contracts of five years."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from theo.domain.errors import ConfigError, DataError
from theo.domain.market_data import DAY, HOUR, Bar, SessionScope
from theo.market.rolls import (
    Roll,
    RollRule,
    SessionEnded,
    back_adjusted,
    checked_calendar,
    difference_at,
    due,
    roll_calendar,
    sessions_left,
    unadjusted,
)
from theo.market.sessions import Hours, Session, SessionTable


def days(first: int, count: int) -> Hours:
    """Sessions 14:00 to 20:00 UTC, Monday to Friday."""
    sessions = []
    for day in range(first, first + count):
        if (day + 3) % 7 < 5:
            span = ((day * DAY + 14 * HOUR, day * DAY + 20 * HOUR),)
            sessions.append(Session(day, span, span))
    return Hours(SessionTable("C", "test", first, first + count, tuple(sessions)), SessionScope.ALL)


MONDAY = 18_267  # 2020-01-06
HOURS = days(MONDAY - 7, 60)
LAST_TRADE = MONDAY + 18  # the Friday of the third week


def daily(name: str, day: int, close: int, volume: int) -> Bar:
    start = day * DAY + 14 * HOUR
    return Bar(1, start + HOUR, "60min", start, start + HOUR, close, close, close, close, volume, contract=name)


def contract(name: str, level: int, volumes: dict[int, int]) -> list[Bar]:
    return [daily(name, day, level + day - MONDAY, volume) for day, volume in volumes.items()]


def business_days(count: int) -> list[int]:
    return [day for day in range(MONDAY, MONDAY + 60) if (day + 3) % 7 < 5][:count]


@pytest.mark.parametrize(
    ("rule", "ended", "rolls"),
    [
        (RollRule(), SessionEnded(1, 2, 9, 100, 100), False),  # more, not as many
        (RollRule(), SessionEnded(1, 2, 9, 100, 101), True),
        (RollRule(), SessionEnded(1, 2, 7, 100, 0), False),  # the next session is six trading days before the last trade
        (RollRule(), SessionEnded(1, 2, 6, 100, 0), True),
        (RollRule(rule="days", days=2), SessionEnded(1, 2, 4, 0, 100), False),
        (RollRule(rule="days", days=2), SessionEnded(1, 2, 3, 100, 0), True),
        (RollRule(rule="calendar", dates=(5,)), SessionEnded(3, 4, 9, 0, 100), False),
        (RollRule(rule="calendar", dates=(5,)), SessionEnded(4, 7, 9, 0, 0), True),  # a holiday is passed to the session after
        (RollRule(rule="calendar", dates=(5,)), SessionEnded(7, 8, 9, 0, 0), False),
        (RollRule(rule="calendar", dates=(5,)), SessionEnded(9, 10, 6, 0, 0), True),  # whatever the rule says
    ],
)
def test_when_the_next_contract_takes_over(rule: RollRule, ended: SessionEnded, *, rolls: bool) -> None:
    assert bool(due(rule, ended)) is rolls


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": 31}, {"rule": "calendar"}, {"dates": (1,)}])
def test_a_rule_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        msgspec.convert(wrong, RollRule)


def test_sessions_are_counted_to_the_last_trade_that_day_included() -> None:
    assert sessions_left(HOURS, LAST_TRADE - 1, LAST_TRADE) == 1
    assert sessions_left(HOURS, LAST_TRADE - 4, LAST_TRADE) == 4
    assert sessions_left(HOURS, LAST_TRADE, LAST_TRADE) == 0


def test_volume_decides_at_a_sessions_end_and_acts_at_the_next_open() -> None:
    there = business_days(10)
    front = contract("A", 1_000, dict.fromkeys(there, 100))
    following = contract("B", 1_040, {day: 90 if day < there[5] else 110 for day in there})
    (roll,) = roll_calendar({"A": front, "B": following}, {"A": LAST_TRADE, "B": LAST_TRADE + 60}, HOURS, RollRule(days=1))
    assert roll == Roll(
        previous="A", contract="B", at=there[6] * DAY + 14 * HOUR, difference=40, measured_at=there[5] * DAY + 15 * HOUR
    )
    raw = list(unadjusted({"A": front, "B": following}, [roll]))
    assert [bar.contract for bar in raw] == ["A"] * 6 + ["B"] * 4
    assert [bar.close for bar in back_adjusted(raw, [roll])] == [1_040 + day - MONDAY for day in there]


def test_without_volume_it_rolls_five_trading_days_before_the_last_trade() -> None:
    there = business_days(15)
    held = {"A": contract("A", 1_000, dict.fromkeys(there, 100)), "B": contract("B", 1_000, dict.fromkeys(there, 1))}
    (roll,) = roll_calendar(held, {"A": LAST_TRADE, "B": LAST_TRADE + 60}, HOURS, RollRule())
    assert roll.at == (LAST_TRADE - 7) * DAY + 14 * HOUR  # a Friday to a Friday is five trading days


def test_a_roll_without_a_common_instant_or_an_end_is_refused() -> None:
    there = business_days(15)
    front = contract("A", 1_000, dict.fromkeys(there, 100))
    late = contract("B", 1_000, {there[-1] + 10: 1})
    with pytest.raises(DataError, match="no bar of one instant"):
        roll_calendar({"A": front, "B": late}, {"A": LAST_TRADE, "B": LAST_TRADE + 60}, HOURS, RollRule())
    with pytest.raises(DataError, match="last trade day of B"):
        roll_calendar({"A": front, "B": late}, {"A": LAST_TRADE}, HOURS, RollRule())


def test_the_difference_is_that_of_the_last_instant_at_which_both_traded() -> None:
    front = [daily("A", MONDAY, 10, 1), daily("A", MONDAY + 1, 20, 1), daily("A", MONDAY + 2, 30, 1)]
    following = [daily("B", MONDAY, 15, 1), daily("B", MONDAY + 1, 27, 1)]
    assert difference_at(front, following, (MONDAY + 3) * DAY) == (7, front[1].end)
    assert difference_at(front, following, (MONDAY + 1) * DAY) == (5, front[0].end)
    assert difference_at(front, following, MONDAY * DAY) is None


def test_a_calendar_that_does_not_follow_itself_is_refused() -> None:
    one = Roll(previous="A", contract="B", at=10, difference=1, measured_at=9)
    with pytest.raises(DataError, match="does not follow"):
        checked_calendar([one, msgspec.structs.replace(one, previous="C", contract="D", at=20)])
    with pytest.raises(DataError, match="does not follow"):
        checked_calendar([one, Roll(previous="B", contract="C", at=10, difference=1, measured_at=9)])
    with pytest.raises(DataError, match="would not have been known"):
        Roll(previous="A", contract="B", at=10, difference=1, measured_at=11)
    with pytest.raises(DataError, match="Name two contracts"):
        Roll(previous="A", contract="A", at=10, difference=1, measured_at=9)


def test_rolls_of_real_contracts_are_those_of_their_vendor(real_data: Path) -> None:
    """ES 2017 to 2019, hourly closes of front and next: by the vendor's own roll dates the differences are theirs to the tick.

    The vendor's file changes its contract column at the roll and carries the next contract's close beside the front's.
    """
    import duckdb

    rows = duckdb.execute(
        "select epoch_us(ts_start), epoch_us(ts_end), close, contract, next_close, next_contract from read_parquet(?) order by 1",
        [str(real_data / "es_60m_close.parquet")],
    ).fetchall()
    held: dict[str, dict[int, Bar]] = {}
    for start, end, close, name, next_close, next_name in rows:
        for price, contract_name in ((close, name), (next_close, next_name)):
            if price is not None:
                units = round(price * 100)
                bar = Bar(1, end, "60min", start, end, units, units, units, units, 0, contract=str(contract_name))
                held.setdefault(str(contract_name), {}).setdefault(start, bar)
    changes = [(before, after) for before, after in pairwise(rows) if before[3] != after[3]]
    assert len(changes) == 5
    hours = days(rows[0][0] // DAY - 7, (rows[-1][1] - rows[0][0]) // DAY + 400)
    dates = tuple(after[0] // DAY for _, after in changes)
    ends = {name: max(bars) // DAY + 200 for name, bars in held.items()}
    bars = {name: sorted(by_start.values(), key=lambda bar: bar.start) for name, by_start in held.items()}
    rolls = roll_calendar(bars, ends, hours, RollRule(rule="calendar", days=1, dates=dates))
    assert [(roll.previous, roll.contract) for roll in rolls] == [(str(b[3]), str(a[3])) for b, a in changes]
    for roll in rolls:
        beside = [row for row in rows if str(row[3]) == roll.previous and row[4] is not None and row[1] <= roll.at]
        assert roll.difference == round((beside[-1][4] - beside[-1][2]) * 100)
        assert abs(roll.difference) < 20_00  # a spread of index futures, not a mistake of contracts
    adjusted = list(back_adjusted(unadjusted(bars, rolls), rolls))
    jumps = [abs(after.close - before.close) for before, after in pairwise(adjusted)]
    at_rolls = [abs(after.close - before.close) for before, after in pairwise(adjusted) if before.contract != after.contract]
    assert max(at_rolls) < sorted(jumps)[-20]  # no roll is among the moves of the market that stand out
