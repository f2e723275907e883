"""A market for strategy tests: the real market layer's series, indicators and correlations, fed bar by bar."""

from collections.abc import Iterable

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY, HOUR, MINUTE, Bar, SessionScope
from theo.domain.signals import Evaluation
from theo.domain.timeframe import timeframe
from theo.market.book import MarketBook
from theo.market.correlation import CorrelationSpec, PairCorrelation
from theo.market.indicators.column import Column
from theo.market.indicators.spec import parse_output
from theo.market.series import Series
from theo.market.sessions import Hours, Session, SessionTable
from theo.market.wall_clock import WallClock, ZoneOffsets
from theo.strategy.base import Strategy
from theo.strategy.loading import load_ruleset
from theo.strategy.making import strategy_of
from theo.strategy.ruleset import RuleSet

MONDAY = 18_267 * DAY + 0  # 2020-01-06 00:00 UTC, in winter: New York is UTC - 5 h
NEW_YORK_WINTER = ZoneOffsets("America/New_York", (0,), (-5 * HOUR,), 60_000 * DAY)
OPEN, CLOSE = 14 * HOUR + 30 * MINUTE, 21 * HOUR  # 09:30 to 16:00 New York in winter, UTC

SPY = Instrument(id=1, symbol="SPY", token=1, security_type=SecurityType.ETF, exchange="X", calendar="C", price_decimals=2)
VIX = Instrument(id=2, symbol="VIX", token=2, security_type=SecurityType.IND, exchange="X", calendar="C", price_decimals=2)
MES = Instrument(id=3, symbol="MES", token=3, security_type=SecurityType.FUT, exchange="X", calendar="C", multiplier=5, tick=25)
EIGHTS = Instrument(id=4, symbol="FINE", token=4, security_type=SecurityType.STK, exchange="X", calendar="C", price_decimals=4)


def weekdays(first_date: int, days: int, closes: dict[int, int] | None = None) -> SessionTable:
    """Sessions 09:30 to 16:00 New York, Monday to Friday; ``closes`` gives another close (since midnight UTC) to a date."""
    sessions = []
    for date in range(first_date, first_date + days):
        if (date + 3) % 7 < 5:
            span = ((date * DAY + OPEN, date * DAY + (closes or {}).get(date, CLOSE)),)
            sessions.append(Session(date, span, span))
    return SessionTable("C", "test", first_date, first_date + days, tuple(sessions))


class Market:
    """Implements MarketView over a MarketBook."""

    def __init__(self, *instruments: Instrument, table: SessionTable | None = None) -> None:
        self.book = MarketBook()
        self.instruments = {i.symbol: i for i in instruments or (SPY, VIX, MES, EIGHTS)}
        self.table = table or weekdays(MONDAY // DAY - 7, 400)

    def series(self, symbol: str, timeframe_name: str, /) -> Series:
        """The series, kept from now on."""
        if symbol not in self.instruments:
            raise ConfigError(f"{symbol} is not known")
        return self.book.series(self.instruments[symbol], timeframe(timeframe_name))

    def column(self, symbol: str, timeframe_name: str, output: str, /) -> Column:
        """The output, kept from now on."""
        spec, name = parse_output(output)
        return self.series(symbol, timeframe_name).column(spec, name)

    def correlation(self, spec: CorrelationSpec, first: str, second: str, timeframe_name: str, /) -> PairCorrelation:
        """The correlation, kept from now on."""
        return self.book.pair(spec, self.series(first, timeframe_name), self.series(second, timeframe_name)).correlation

    def sessions(self, symbol: str, /) -> Hours:
        """The same sessions for all."""
        assert symbol in self.instruments
        return Hours(self.table, SessionScope.RTH)

    def wall_clock(self, zone: str, /) -> WallClock:
        """New York in winter."""
        assert zone == NEW_YORK_WINTER.zone
        return WallClock(NEW_YORK_WINTER)

    def play(self, strategy: Strategy, bars: Iterable[Bar], primary: Instrument, position: int = 0) -> list[Evaluation]:
        """Feed bars and evaluate at each end at which the primary closes one, after every bar of that end."""
        seen: list[Evaluation] = []
        due = 0
        for bar in bars:
            if due and bar.end > due:
                seen.append(strategy.evaluate(due, position))
                due = 0
            self.book.on_bar(bar)
            if bar.instrument == primary.id and bar.timeframe == strategy.needs().timeframe:
                due = bar.end
        if due:
            seen.append(strategy.evaluate(due, position))
        return seen


def bar(instrument: Instrument, end: int, close: int, *, high: int = 0, low: int = 0, frame: str = "15min") -> Bar:
    """A bar with the given close and, unless they are given, no range beyond it; prices in price units."""
    start = end - timeframe(frame).length
    return Bar(instrument.id, end, frame, start, end, close, high or close, low or close, close, 100)


def every_15_minutes(count: int, first_end: int = MONDAY + OPEN + 15 * MINUTE) -> list[int]:
    """Bar ends of one session after the other."""
    ends: list[int] = []
    end = first_end
    while len(ends) < count:
        ends.append(end)
        end += 15 * MINUTE
        if end % DAY > CLOSE:
            end += DAY - CLOSE + OPEN
            while (end // DAY + 3) % 7 > 4:
                end += DAY
    return ends


WHOLE_DAY = 'from = "00:00"\nto = "24:00"'


def ruleset_of(
    body: str,
    *,
    head: str = "",
    stop: str = "percent = 1.0",
    target: str = "",
    style: str = "positional",
    hours: str = WHOLE_DAY,
) -> RuleSet:
    """A rule set on SPY and VIX with the given tables; everything needed that they do not say is said here."""
    aim = f"[target]\n{target}" if target else ""
    none = "" if target else 'target = "none"'
    text = f"""
name = "test"
strategy = "rules"
timeframe = "15min"
{none}
{head}
[symbols]
primary = "SPY"
partners = ["VIX"]
others = ["MES", "FINE"]
[stop]
{stop}
{aim}
[trading]
style = "{style}"
{hours}
days = "all"
{body}
"""
    return load_ruleset(text, "test.toml")


def bound(ruleset: RuleSet, market: Market) -> Strategy:
    """The strategy of a rule set, bound to the market."""
    strategy = strategy_of(ruleset)
    strategy.bind(market)
    return strategy
