"""The plan of a rule set over stored bars: what a backtest, a paper run and a try of a scan begin with."""

import sys
from datetime import timedelta
from pathlib import Path

from theo.adapters.instruments.catalogue import Listed
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.instruments import known_instruments
from theo.app.home.layout import Home
from theo.app.rulesets.finding import find_ruleset, scan_ids
from theo.app.rulesets.unheeded import unheeded
from theo.app.runs.composition import plan_for
from theo.app.runs.starting import least_prices, refuse_impossible_limits
from theo.app.stored.bars import StoredSeries, days_of, parse_timerange
from theo.domain.errors import ConfigError
from theo.domain.instrument import MICROS, Instrument
from theo.domain.keys import Key, Mode
from theo.drive.assembly import Plan
from theo.drive.backtest import LookAhead
from theo.strategy.making import strategy_of
from theo.strategy.relation import sign_warnings
from theo.strategy.scan_terms import asks_options

AHEAD_BARS_MIN = 300_000  # stored bars of all series: numba loads in a second, and saves about 5 us a bar


def look_ahead(stored: list[StoredSeries]) -> LookAhead | None:
    """Columns ahead for a long run. They leave the same records; loading what compiles them pays from so many bars on."""
    if sum(series.info.rows for series in stored) < AHEAD_BARS_MIN:
        return None
    from theo.research.ahead import columns_ahead

    return columns_ahead


def run_folder(home: Home, plan: Plan) -> Path:
    """Where a kept run's journal is: one folder per rule set version and range."""
    return home.runs / plan.key.run


def plan_backtest(
    home: Home, name: str, *, timerange: str, cash: float, source: str, mode: Mode, trades: bool = True
) -> tuple[Plan, list[StoredSeries], SqlMarketStore]:
    """The plan of a rule set over stored bars, and the bars. The store must be closed by the caller.

    ``trades``: whether its signals are to become trades; then what they are placed in must be tradable.
    """
    ruleset, text, kind = find_ruleset(name, home)
    start, end = parse_timerange(timerange)
    listed = known_instruments(home)
    for warning in (*sign_warnings(ruleset), *unheeded(ruleset, _listed(listed, ruleset.naming.ordered))):
        print(f"warning: {warning}", file=sys.stderr)  # beside the result, which a machine may read
    if trades and asks_options(ruleset.scan):
        _refuse_index(_listed(listed, ruleset.naming.ordered), ruleset.name)
    run = f"{ruleset.name}-{ruleset.version}-{mode}{f'-{timerange}' if timerange else ''}"
    key = Key(account="SIM", mode=mode, run=run)
    market = SqlMarketStore(home.reading_place())
    try:
        needs = strategy_of(ruleset, kind).needs()
        stored = [StoredSeries(market, _listed(listed, n.symbol), n.timeframe, start, end, source) for n in needs.series]
        first, last = days_of(stored)
        days = first - timedelta(days=7), last + timedelta(days=14)
        read = {n.symbol: listed[n.symbol] for n in needs.series}  # hours of other markets may not be known so far back
        plan = plan_for(home, read, key, mode[0], round(cash * MICROS), *days)
        plan.rulesets = [(ruleset, text)]
        plan.scan_ids = scan_ids(home, plan.rulesets)
        plan.classes = {} if kind is None else {ruleset.name: kind}
        plan.class_folders = {} if kind is None else {ruleset.name: str(Path(name).resolve().parent)}
        refuse_impossible_limits(home, plan, least_prices(stored))
    except BaseException:
        market.close()
        raise
    return plan, stored, market


def _refuse_index(ordered: Instrument, name: str) -> None:
    """Stored bars hold no options, and what they are on must stand in for them. Raises ConfigError where it cannot."""
    if not ordered.tradable:
        raise ConfigError(
            f"{name} buys options on {ordered.symbol}, and no stored bars are of options",
            why=f"{ordered.symbol} cannot be traded in their place: it is an index, quoted by last only",
            remedy='Name a fund in [symbols] traded: traded = "SPY"; or look at its signals alone with `theo scan test`',
        )


def _listed(listed: dict[str, Listed], symbol: str) -> Instrument:
    if symbol not in listed:
        known = ", ".join(sorted(listed))
        raise ConfigError(f"symbol {symbol!r} is not known", remedy=f"Known are {known}; add it to instruments.toml")
    return listed[symbol].instrument
