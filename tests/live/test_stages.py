"""The stages of a run that listens: as they are, once nothing comes, and when the market is closed."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.live.platform import Platform
from theo.adapters.calendars.stored import session_table
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.recorded.stages import NAMES, RunStages, following_end
from theo.domain.facts import Decided
from theo.domain.market_data import HOUR, MINUTE, SECOND, Bar, SessionScope
from theo.market.sessions import Hours
from theo.report.stages import Stage, StageState


def at(text: str) -> int:
    """Microseconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("end", "following"),
    [
        ("2019-01-04T15:00", "2019-01-04T15:15"),
        ("2019-01-04T15:07", "2019-01-04T15:15"),  # a run that began within a bar
        ("2019-01-04T21:00", "2019-01-07T14:45"),  # Friday's last: Monday's first
        ("2018-12-24T18:00", "2018-12-26T14:45"),  # an early close, and a holiday
        ("2018-12-24T17:45", "2018-12-24T18:00"),
        ("2018-01-01T00:00", "2018-12-03T14:45"),  # before what is known: the first that is
    ],
)
def test_the_bar_that_follows_is_told_by_the_sessions(end: str, following: str, tmp_path: Path) -> None:
    hours = Hours(session_table("NYSE", date(2018, 12, 1), date(2019, 1, 31), tmp_path), SessionScope.RTH)
    assert following_end(hours, 15 * MINUTE, at(end)) == at(following)


def named(found: tuple[Stage, ...]) -> dict[str, StageState]:
    """States by stage."""
    return {stage.name: stage.state for stage in found}


async def test_each_stage_of_a_run_that_listens(platform: Platform) -> None:
    await platform.begin()
    began = platform.clock.now()
    await platform.until(lambda _state: any(isinstance(fact, Decided) and fact.end > began for fact in platform.facts))
    folder = platform.folder
    with closing(SqlJournalStore(folder)) as journal, closing(SqlMarketStore(folder)) as tables:
        looked = RunStages(platform.home, folder, journal)

        def stages(now: int) -> tuple[Stage, ...]:
            return looked.at(now, tables, running=True)

        now = platform.clock.now()
        well = stages(now)
        assert named(well) == dict.fromkeys(NAMES, StageState.OK)
        assert well[0].of != ""
        assert well[0].text.startswith("MES came ")
        later = stages(now + 10 * MINUTE)
        late = {stage.name: stage for stage in later if stage.state is StageState.LATE}
        assert late.keys() - {"trade"} == {"collection", "bars", "scan"}  # an order may have been on its way
        assert all(stage.remedy and (stage.lag_s or 0) >= 3 * MINUTE / SECOND for stage in late.values())
        assert late["bars"].text == "MES 5min never"
        (mes,) = [one.id for one in tables.instruments() if one.symbol == "MES"]
        start = now - now % (5 * MINUTE)
        bar = Bar(mes, start + 5 * MINUTE, "5min", start, start + 5 * MINUTE, 4, 4, 4, 4, 1, "built", now // (24 * HOUR))
        tables.keep_built_bars([bar])
        missing = {stage.name: stage for stage in stages(bar.end + MINUTE)}
        assert missing["bars"].state is StageState.OK
        assert (missing["levels"].state, missing["levels"].lag_s) == (StageState.LATE, 60.0)
        closed = datetime.fromtimestamp(now // SECOND, UTC)
        saturday = closed + timedelta(days=5 - closed.weekday())
        weekend = {stage.name: stage for stage in stages(int(saturday.timestamp()) * SECOND)}
        assert weekend["collection"].state is StageState.CLOSED
    await platform.end()
    with closing(SqlJournalStore(folder)) as journal:
        ended = RunStages(platform.home, folder, journal).at(now, None, running=False)
        assert named(ended) == dict.fromkeys(NAMES, StageState.STOPPED)
