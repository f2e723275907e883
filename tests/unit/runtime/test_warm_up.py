"""From when on ticks are wanted."""

import pytest

from tests.unit.gateway.tables import at, tables
from theo.adapters.instruments.catalogue import catalogue
from theo.domain.market_data import HOUR, SECOND, SessionScope
from theo.domain.timeframe import timeframe
from theo.market.series import Series
from theo.market.sessions import Hours
from theo.runtime.warm_up import listened_from

MES = catalogue()["MES"].instrument
NOW = at("2026-11-20 10:07") + 11 * SECOND


def hours_of(scope: SessionScope) -> Hours:
    return Hours(tables()[MES.calendar], scope)


@pytest.mark.parametrize(
    ("frames", "scope", "begins"),
    [
        (("1min",), SessionScope.ALL, "2026-11-20 10:07"),
        (("1min", "5min"), SessionScope.ALL, "2026-11-20 10:05"),
        (("1h",), SessionScope.RTH, "2026-11-20 10:00"),
        (("1min", "1d"), SessionScope.RTH, "2026-11-20 09:30"),
    ],
)
def test_without_history_they_are_wanted_from_where_the_running_bars_began(
    frames: tuple[str, ...], scope: SessionScope, begins: str
) -> None:
    """So that the first bar is no part of one where history answers later."""
    series = [Series(MES, timeframe(name)) for name in frames]
    assert listened_from(series, lambda _one: hours_of(scope), MES.id, {}, NOW) == at(begins)


def test_with_bars_they_are_wanted_from_the_end_of_the_newest_and_with_a_journal_after_its_last() -> None:
    one = Series(MES, timeframe("1min"))
    one.last_end = at("2026-11-20 10:04")
    assert listened_from([one], lambda _one: hours_of(SessionScope.ALL), MES.id, {}, NOW) == at("2026-11-20 10:04")
    heard = {MES.id: NOW - HOUR}
    assert listened_from([one], lambda _one: hours_of(SessionScope.ALL), MES.id, heard, NOW) == NOW - HOUR + SECOND


def test_while_the_market_is_closed_they_are_wanted_from_now_on() -> None:
    sunday = at("2026-11-22 12:00")
    one = Series(MES, timeframe("1min"))
    assert listened_from([one], lambda _one: hours_of(SessionScope.ALL), MES.id, {}, sunday) == sunday
