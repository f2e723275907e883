"""The sample market as a stream of ticks: real days, one after the other, from where a run stopped."""

from collections.abc import AsyncIterator
from datetime import date

from theo.adapters.sample_market.days import RealDay, real_days
from theo.adapters.sample_market.paths import Market, day_ticks, moves_max
from theo.adapters.system.clock import PacedClock
from theo.domain.errors import UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import HOUR, SECOND, SessionScope, Tick
from theo.market.quality import OutlierLimits, TickQuality
from theo.market.sessions import Hours, SessionTable

FIRST_DAY = date(2018, 1, 2)  # calm January, the fall of February, the fall of the year's end
MARKET_DAY = 6 * HOUR + HOUR // 2  # market time that one day of the sample takes


def sample_days(count: int) -> list[RealDay]:
    """``count`` real days from FIRST_DAY on. Raises UserError when there are not so many."""
    days = [day for day in real_days() if day.day >= FIRST_DAY]
    if count > len(days):
        raise UserError(
            f"{count} days were asked for", why=f"the sample holds {len(days)} from {FIRST_DAY} on", remedy="Ask for fewer"
        )
    return days[:count]


class SampleMarket:
    """Ticks of the sample from item ``skip`` on, at ``days_per_second`` (0: as fast as it goes)."""

    def __init__(
        self,
        days: list[RealDay],
        traded: Instrument,
        watched: Instrument,
        table: SessionTable,
        seed: int,
        skip: int,
        days_per_second: float,
    ) -> None:
        self._days, self._seed, self._skip = days, seed, skip
        self._hours = Hours(table, SessionScope.RTH)
        self._market = Market(traded.id, watched.id, traded.tick, "sample")
        self._grid = (traded.tick, watched.tick)
        self._whole = Hours(table, SessionScope.ALL)
        speed = days_per_second * MARKET_DAY / SECOND
        self._clock = PacedClock(0, speed)
        self.hurried = not speed
        self.day = days[0].day
        self.done = 0

    @property
    def begins(self) -> int:
        """When the first day opens."""
        return self._open_and_close(self._days[0])[0]

    async def ticks(self) -> AsyncIterator[Tick]:
        """In order of time; a skipped item was taken by an earlier process."""
        skip = self._skip
        for number, real in enumerate(self._days):
            self.day, self.done = real.day, number
            ticks = self._ticks_of(real)
            if skip >= len(ticks):
                skip -= len(ticks)
                continue
            self._clock.skip_to(ticks[skip].at)
            for i, tick in enumerate(ticks[skip:]):
                if i % PACED_TICKS == 0:
                    await self._clock.sleep_until(tick.at)
                yield tick
            skip = 0
        self.done = len(self._days)

    def _ticks_of(self, real: RealDay) -> list[Tick]:
        """A day's ticks, judged as they come: always from the open, so that a run that goes on sees the same flags.

        They are half a minute apart: the real day's range, not the last few prices, says how far one may move.
        """
        opens, closes = self._open_and_close(real)
        quality = {
            instrument: TickQuality(self._whole, tick, OutlierLimits(granularity_ticks=-(-move // tick)))
            for (instrument, move), tick in zip(moves_max(real, self._market).items(), self._grid, strict=True)
        }
        return [quality[t.instrument].on_tick(t) for t in day_ticks(real, opens, closes, self._market, self._seed)]

    def _open_and_close(self, real: RealDay) -> tuple[int, int]:
        session = self._hours.session_on((real.day - date(1970, 1, 1)).days)
        assert session is not None  # a day with real prices is a session
        return self._hours.bounds(session)


PACED_TICKS = 60  # ticks between two waits: a quarter of an hour of the sample market
