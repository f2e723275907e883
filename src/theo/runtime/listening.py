"""Listening to the market: wait for the link, read the bars that are missing, then take ticks from where the bars end."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from theo.domain.inputs import Input
from theo.domain.market_data import Bar
from theo.market.series import Series
from theo.market.sessions import Hours
from theo.ports.clock import Clock
from theo.ports.feed import BarHistory, Feed, Wish
from theo.runtime.warm_up import listened_from, missing_bars


class Listening:
    """``run`` is a service of a live run. ``ready`` returns when the broker can be asked; ``heard`` is what the journal holds.

    ``hours_of`` gives the hours of a series' bars, ``whole_hours`` by instrument those in which silence means something.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the market's ports, and what is known of the market
        self,
        feed: Feed,
        history: BarHistory,
        series: Sequence[Series],
        hours_of: Callable[[Series], Hours],
        whole_hours: Mapping[int, Hours],
        heard: dict[int, int],
        ready: Callable[[], Awaitable[None]],
        post: Callable[[Input], None],
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self._feed, self._history, self._series, self._hours_of = feed, history, series, hours_of
        self._whole_hours, self._heard, self._ready, self._post = whole_hours, heard, ready, post
        self._clock, self._tell = clock, tell

    async def run(self) -> None:
        """Until cancelled. Raises what history refuses for good."""
        await self._ready()
        now = self._clock.now()
        bars = await missing_bars(self._series, self._hours_of, self._history, self._heard, now, self._tell)
        for bar in bars:
            self._post(msgspec.structs.replace(bar, at=self._clock.now()))
        self._feed.subscribe(self._wishes(bars, now), self._post)
        self._tell(f"{len(bars):,} bars read; listening to {len(self._whole_hours)} instruments")
        await self._feed.run()

    def _wishes(self, read: Sequence[Bar], now: int) -> list[Wish]:
        """Ticks from where the bars that were read end, the slowest timeframe's; or from where the journal's ticks end."""
        ends = {(bar.instrument, bar.timeframe): bar.end for bar in read}
        since: dict[int, int] = {}
        for (instrument, _), end in ends.items():
            since[instrument] = min(end, since.get(instrument, end))
        return [
            Wish(
                instrument=one,
                hours=self._whole_hours[one.id],
                since=since.get(one.id) or listened_from(self._series, one.id, self._heard, now),
            )
            for one in {series.instrument.id: series.instrument for series in self._series}.values()
        ]
