"""The login lapses while `theo live` trades: a person who is paged logs in and resumes, it trades on, and nothing grows."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.sim.live_world.played import stage
from tests.sim.live_world.week import COMES_AFTER, RESUMES_AFTER, Week, growing
from tests.sim.live_world.world import RULES
from tests.sim.test_played_parity import CLOSES, MES, OPENS, VIX
from tests.unit.gateway.tables import at
from theo.adapters.sample_market.days import real_days
from theo.adapters.sample_market.paths import Market, day_ticks
from theo.domain.facts import Halted, Resumed, TradeClosed
from theo.domain.market_data import DAY, MINUTE, Tick

DAY_OF_2018, WEEKS = date(2018, 3, 6), timedelta(weeks=417)
LAPSES = datetime(2026, 3, 3, 10, 40)  # noqa: DTZ001 - New York's clock, as a person reads it
LOOKS = LAPSES + timedelta(minutes=30), LAPSES + timedelta(minutes=80)


@pytest.fixture(scope="session")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Session tables, made once."""
    return tmp_path_factory.mktemp("sessions")


def test_a_person_who_is_paged_logs_in_and_resumes(tmp_path: Path, sessions: Path) -> None:
    today = DAY_OF_2018 + WEEKS
    series: dict[str, list[Tick]] = {"MES": []}
    for real in (real for real in real_days() if DAY_OF_2018 - timedelta(days=1) <= real.day <= DAY_OF_2018):
        begins = (real.day + WEEKS - date(1970, 1, 1)).days * DAY
        ticks = day_ticks(real, begins + OPENS, begins + CLOSES, Market(MES.id, VIX.id, MES.tick, "sample"), 7)
        series["MES"] += [tick for tick in ticks if tick.instrument == MES.id]
    given = stage(series, today - timedelta(days=1), today, sessions)
    week = Week(given, at(f"{today} 09:20"), at(f"{today} 12:05"), tmp_path, sessions, [RULES], LAPSES, LOOKS)
    first, last = week.run()
    facts = week.recorded()
    (halted,) = (fact for fact in facts if isinstance(fact, Halted))
    (resumed,) = (fact for fact in facts if isinstance(fact, Resumed))
    assert [(code, when) for when, code, _ in week.person.paged] == [("login_lapsed", halted.at), ("halted", halted.at)]
    assert resumed.at - halted.at == pytest.approx(COMES_AFTER + RESUMES_AFTER, abs=MINUTE)
    closed = [fact.at for fact in facts if isinstance(fact, TradeClosed)]
    assert closed[0] < halted.at
    assert len([at for at in closed if at > resumed.at]) > 5
    assert week.wrong(facts) == []
    assert growing(first, last) == {}
    assert (last.files, last.tasks) == (first.files, first.tasks)
