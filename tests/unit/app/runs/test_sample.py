"""The sample market's ticks as the demo takes them: real days, and none of them flagged."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from theo.adapters.calendars.stored import session_table
from theo.adapters.instruments.catalogue import catalogue
from theo.adapters.sample_market.paths import day_ticks
from theo.app.runs import sample
from theo.app.runs.sample import SampleMarket, sample_days
from theo.domain.market_data import Tick, TickFlag

WHOLE_YEAR = 240  # days; February and December 2018 among them, the wildest of the sample
FEW = 5


def ticks_of(seed: int, count: int, skip: int = 0) -> list[Tick]:
    known = catalogue()
    traded, watched = known["SIM-MES"].instrument, known["VIX"].instrument
    days = sample_days(count)
    table = session_table(traded.calendar, days[0].day - timedelta(days=7), days[-1].day + timedelta(days=14))
    market = SampleMarket(days, traded, watched, table, seed, skip, 0)

    async def taken() -> list[Tick]:
        return [tick async for tick in market.ticks()]

    return asyncio.run(taken())


@pytest.mark.parametrize("seed", [1, 2])
def test_no_tick_of_the_sample_is_flagged(seed: int) -> None:
    ticks = ticks_of(seed, WHOLE_YEAR)
    assert len(ticks) > WHOLE_YEAR * 1_000
    assert [tick for tick in ticks if tick.flags] == []


def test_a_bad_print_is_flagged_whether_or_not_the_run_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_a_bad_print(*arguments: object) -> list[Tick]:
        ticks = day_ticks(*arguments)  # type: ignore[arg-type]  # handed on as they came
        ticks[200] = msgspec.structs.replace(ticks[200], price=ticks[200].price * 2)
        return ticks

    monkeypatch.setattr(sample, "day_ticks", with_a_bad_print)
    whole = ticks_of(1, FEW)
    flagged = [n for n, tick in enumerate(whole) if tick.flags]
    assert len(flagged) == FEW
    assert {whole[n].flags for n in flagged} == {TickFlag.OUTLIER}
    assert ticks_of(1, FEW, skip=199) == whole[199:]
