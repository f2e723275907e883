"""What a run reads before it listens: bars of every series up to now, or only what came while nobody listened.

Bars are posted as they are, oldest first: each bar end is decided on record, and no signal comes of one that is over, because the
series' standing says that later bars are due.
"""

from collections.abc import Callable, Sequence

import msgspec

from theo.domain.market_data import DAY, HOUR, PRICES, SECOND, Bar, Tick
from theo.engine.codec import decode_batch
from theo.engine.journal import MARKET
from theo.market.series import Series
from theo.market.sessions import Hours
from theo.ports.feed import Progress
from theo.ports.store import JournalStore
from theo.runtime.roll_reading import Chain, HistoryOf

BARS = 500  # of each series: twice the longest look-back of the shipped rule sets
DAYS_BACK = 60  # the sessions that a run must know before its first day
RESUMED_MAX = 12 * HOUR  # a hole in the ticks up to so long is filled with ticks; a longer one with bars
RECORDS_MAX = 64  # of market data, looked at for the newest tick of each instrument


def last_heard(store: JournalStore) -> dict[int, int]:
    """When each instrument's newest journalled trade or value happened, microseconds UTC: a quote after it may hide trades."""
    head = store.head(MARKET)
    found: dict[int, int] = {}
    if head is not None:
        for record in store.read(MARKET, max(1, head.seq - RECORDS_MAX + 1)):
            for item in decode_batch(record).items:
                if isinstance(item, Tick) and item.kind in PRICES:
                    found[item.instrument] = max(item.timestamp, found.get(item.instrument, 0))
    return found


async def missing_bars(
    one: Series, hours: Hours, history_of: HistoryOf, chain: Chain, now: int, tell: Callable[[str], None]
) -> list[Bar]:
    """Closed bars that a series lacks, oldest first, each of the contract of its time.

    Raises what the history refuses, and when it does not answer.
    """

    def progress(done: Progress) -> None:
        tell(f"{one.instrument.symbol} {one.timeframe.name}: {done.bars} bars")

    start = max(first_start(hours, one.timeframe.length, now), one.last_end)
    found: list[Bar] = []
    for name, span in chain.pieces(start, now):
        async for piece in history_of(name).bars(one.instrument, one.timeframe, hours, span, progress):
            found += [msgspec.structs.replace(bar, contract=name) for bar in piece if bar.end > one.last_end]
    return found


def goes_on(instrument: int, heard: dict[int, int], now: int) -> bool:
    """Whether an instrument's ticks go on where the journal ends."""
    return now - heard.get(instrument, 0) <= RESUMED_MAX


def listened_from(
    series: Sequence[Series], hours_of: Callable[[Series], Hours], instrument: int, heard: dict[int, int], now: int
) -> int:
    """From when on ticks are wanted: after the newest one, else from the end of the series' oldest newest bar.

    Where history has refused all bars, it is asked for those that run now as soon as a tick comes: it may have changed its mind.
    """
    if goes_on(instrument, heard, now):
        return (heard[instrument] // SECOND + 1) * SECOND
    own = [one for one in series if one.instrument.id == instrument]
    ends = [one.last_end for one in own if one.last_end]
    return min(ends or [running_since(hours_of(one), one.timeframe.length, now) for one in own])


def running_since(hours: Hours, length: int, now: int) -> int:
    """When the bar that runs now began; now where none does."""
    session = hours.session_around(now)
    return now if session is None else min(now, hours.bar_bounds(session, now, length)[0])


def first_start(hours: Hours, length: int, now: int) -> int:
    """The start of the bar with which BARS bars lie before now; as far as the session table goes back."""
    today, wanted, first = now // DAY, BARS, now
    earliest = max(today - DAYS_BACK, hours.table.first_date)
    for session in reversed(tuple(hours.sessions_between(earliest, today))):
        starts = [start for start, end in hours.bars_of(session, length) if end <= now]
        if len(starts) >= wanted:
            return starts[-wanted]
        wanted -= len(starts)
        first = starts[0] if starts else first
    return first
