"""Listening to the market: wait for the link, read the bars that are missing, then take ticks from where the bars end.

Where a future rolls, bars and ticks are those of the contract of their time, and the core hears of each roll between them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from theo.domain.errors import RefusedError, TheoError, UserError
from theo.domain.inputs import Input
from theo.domain.market_data import SECOND, Bar, ContractRolled
from theo.market.series import Series
from theo.market.sessions import Hours
from theo.ports.clock import Clock
from theo.ports.feed import Feed, Wish
from theo.ports.notifier import Notifier
from theo.runtime.roll_reading import Chain, HistoryOf
from theo.runtime.rolling import LiveRolls
from theo.runtime.warm_up import goes_on, listened_from, missing_bars

ASK_AGAIN_AFTER = 5 * SECOND
NOT_ROLLED = Chain()


class Listening:
    """``run`` is a service of a live run. ``ready`` returns when the broker can be asked; ``heard`` is what the journal holds.

    ``hours_of`` gives the hours of a series' bars, ``whole_hours`` by instrument those in which silence means something.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the market's ports, and what is known of the market
        self,
        feed: Feed,
        history_of: HistoryOf,
        rolls: LiveRolls,
        series: Sequence[Series],
        hours_of: Callable[[Series], Hours],
        whole_hours: Mapping[int, Hours],
        heard: dict[int, int],
        ready: Callable[[], Awaitable[None]],
        post: Callable[[Input], None],
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        self._feed, self._history_of, self._rolls, self._series, self._hours_of = feed, history_of, rolls, series, hours_of
        self._whole_hours, self._heard, self._ready, self._post = whole_hours, heard, ready, post
        self._clock, self._notifier = clock, notifier

    async def run(self) -> None:
        """Until cancelled."""
        await self._ready()
        now = self._clock.now()
        chains = await self._rolls.begin(self._series, self._heard, now)
        bars = await self._bars(chains, now)
        rolls = [(rolled.at, len(self._series), rolled) for rolled in self._rolls.items(chains)]
        items: list[tuple[int, int, Bar | ContractRolled]] = [*bars, *rolls]
        for *_, item in sorted(items, key=lambda entry: entry[:2]):
            self._post(msgspec.structs.replace(item, at=self._clock.now()))
        for wish in self._wishes([bar for _, _, bar in bars], chains, now):
            self._rolls.listen(wish)
        self._tell("info", "warm_up", f"{len(bars):,} bars read; listening to {len(self._whole_hours)} instruments")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feed.run())
            group.create_task(self._rolls.run())

    async def _bars(self, chains: Mapping[int, Chain], now: int) -> list[tuple[int, int, Bar]]:
        """What all series lack, by bar end: longer ones of one end come after shorter ones, as they were asked for."""
        found: list[tuple[int, int, Bar]] = []
        for place, one in enumerate(self._series):
            if not goes_on(one.instrument.id, self._heard, now):
                chain = chains.get(one.instrument.id, NOT_ROLLED)
                found += [(bar.end, place, bar) for bar in await self._bars_of(one, chain, now)]
        return found

    async def _bars_of(self, one: Series, chain: Chain, now: int) -> list[Bar]:
        """None where history refuses: the series then begins with the bar that runs now, untrusted while that is not whole."""
        name = f"{one.instrument.symbol} {one.timeframe.name}"
        while True:
            try:
                return await missing_bars(
                    one, self._hours_of(one), self._history_of, chain, now, lambda text: self._tell("info", "warm_up", text)
                )
            except (RefusedError, UserError) as error:
                self._tell("warning", "no_history", f"{name} begins without history: {error}")
                return []
            except TheoError as error:
                self._tell("warning", "history_waits", f"{name}: {error}; asked again")
                await self._clock.sleep_until(self._clock.now() + ASK_AGAIN_AFTER)
                await self._ready()

    def _tell(self, severity: str, code: str, text: str) -> None:
        self._notifier.tell(self._clock.now(), severity, code, text)

    def _wishes(self, read: Sequence[Bar], chains: Mapping[int, Chain], now: int) -> list[Wish]:
        """Ticks from where the bars that were read end, the slowest timeframe's; or from where the journal's ticks end."""
        ends = {(bar.instrument, bar.timeframe): bar.end for bar in read}
        since: dict[int, int] = {}
        for (instrument, _), end in ends.items():
            since[instrument] = min(end, since.get(instrument, end))
        wishes = []
        for one in {series.instrument.id: series.instrument for series in self._series}.values():
            chain = chains.get(one.id, NOT_ROLLED)
            begins = max(since.get(one.id) or listened_from(self._series, self._hours_of, one.id, self._heard, now), chain.since)
            wishes.append(Wish(instrument=one, hours=self._whole_hours[one.id], since=begins, contract=chain.front))
        return wishes
