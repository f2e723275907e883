"""The checks of stored market data: which bars are missing, by session, and settlements that lie far from the last trade."""

from collections.abc import Iterator
from datetime import date

from theo.adapters.calendars.stored import session_table
from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.checks.check import Check, Level
from theo.app.home.instruments import known_instruments
from theo.app.home.layout import Home
from theo.app.times import clock, date_at
from theo.domain.errors import TheoError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, Bar, SessionScope
from theo.domain.timeframe import timeframe
from theo.market.bars import daily_scope
from theo.market.gaps import gaps_in
from theo.market.quality import check_settlement
from theo.market.sessions import Hours
from theo.ports.market_store import SeriesInfo

BARS_CHECKED_MAX = 20_000  # the newest of each series: two years of 15-minute bars around the clock
OUTSIDE_PART = 20  # more than a twentieth outside regular hours is no accident: vendors leave stray bars on half days
SETTLEMENT_DAYS_MAX = 7  # how far back settlements are looked for
SETTLEMENT_TICKS_MAX = 20  # a settlement is an average of the last half minute: ES moves a few ticks in that time


def data_checks(home: Home) -> Iterator[Check]:
    """One line for each stored series, and one for each settlement that differs."""
    if not is_there(home.store, "market"):
        yield Check("stored data", Level.OK, "none yet")
        return
    store = SqlMarketStore(home.place(home.store))
    try:
        known = {entry.instrument.id: entry.instrument for entry in known_instruments(home).values()}
        instruments = known | {i.id: i for i in store.instruments()}
        for info in store.series():
            instrument = instruments.get(info.instrument)
            if instrument is None:
                text = f"instrument {info.instrument}, whose bars are stored, is not known"
                yield Check("stored data", Level.WARN, text, f"Describe it in {home.instruments}")
            else:
                yield _gaps(home, store, info, instrument)
        yield from _settlements(store, instruments)
    except TheoError as error:
        yield Check("stored data", Level.FAIL, str(error), error.remedy or "Import the files again")
    finally:
        store.close()


def _gaps(home: Home, store: SqlMarketStore, info: SeriesInfo, instrument: Instrument) -> Check:
    """A series as a line: what of it was looked at, and what is missing."""
    name = f"bars {instrument.symbol} {info.timeframe}"
    bars = store.latest_bars(info.instrument, info.timeframe, BARS_CHECKED_MAX, info.source)
    try:
        hours = _hours(home, instrument, bars)
        gaps = list(gaps_in(bars, hours, timeframe(info.timeframe).length))
    except TheoError as error:
        return Check(name, Level.WARN, f"{info.source}: cannot be compared with sessions: {error}", "Add hours with their source")
    looked = f"{info.source}: {len(bars):,} bars in {hours.scope} hours"
    if not gaps:
        return Check(name, Level.OK, f"{looked}, none missing within a session")
    longest = max(gaps, key=lambda gap: gap.bars)
    sessions = len({gap.session_date for gap in gaps})
    missing = f"{sum(gap.bars for gap in gaps):,} missing in {sessions:,} sessions"
    text = f"{looked}, {missing}; the most at once {longest.bars}, from {clock(longest.start)} New York"
    return Check(name, Level.WARN, text, 'Import what is missing; [data] history_gaps = "block" refuses signals that rest on it')


def _hours(home: Home, instrument: Instrument, bars: tuple[Bar, ...]) -> Hours:
    """Regular hours, or all hours for a series of which more than a few bars lie outside of them."""
    first, last = (date_at(at) for at in (bars[0].start, bars[-1].end))
    table = session_table(instrument.calendar, date(first.year, 1, 1), date(last.year, 12, 31), home.sessions)
    if not timeframe(bars[0].timeframe).intraday:
        return Hours(table, daily_scope(instrument))
    regular = Hours(table, SessionScope.RTH)
    outside = sum(1 for bar in bars if not regular.is_open(bar.start))
    return Hours(table, SessionScope.ALL) if outside * OUTSIDE_PART > len(bars) else regular


def _settlements(store: SqlMarketStore, instruments: dict[int, Instrument]) -> Iterator[Check]:
    for span in store.tick_ranges():
        instrument = instruments.get(span.instrument)
        if instrument is None:
            continue
        for at, settlement, last in store.settlements(span.instrument, span.last - SETTLEMENT_DAYS_MAX * DAY):
            differs = check_settlement(settlement, last, instrument.tick, SETTLEMENT_TICKS_MAX)
            if differs is None:
                continue
            prices = f"{instrument.text(settlement)}, the last trade before it was {instrument.text(last)}"
            text = f"{clock(at)} New York: {prices}, {differs.distance_ticks:,.0f} ticks apart"
            yield Check(f"settlement {instrument.symbol}", Level.WARN, text, "Compare both with the exchange's own figures")
