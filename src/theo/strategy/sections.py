"""The tables of a rule-set file that every strategy shares: symbols, trading, correlation window, stop and target, own class."""

import datetime as dt

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import DAY, MINUTE
from theo.domain.nearest import nearest_names
from theo.domain.orders import Route
from theo.domain.timeframe import timeframe
from theo.market.correlation import WINDOW_PAIRS_MAX, CorrelationSpec
from theo.strategy.distance import Distance, Level, Multiple, Percent
from theo.strategy.operand import Naming, Operand, parse_operand
from theo.strategy.reading_rules import minutes_of_day
from theo.strategy.ruleset import OwnClass
from theo.strategy.tables import Table
from theo.strategy.trading_window import DAY_NAMES, TradingWindow

SYMBOLS_MAX = 16  # partners, and others: more is a portfolio, not a rule
SIGNALS_PER_DAY_MAX = 1_000
TIMES_MAX = 1_000.0
STOP_PERCENT_MAX = 99.0  # a long trade's stop lies above zero
TARGET_PERCENT_MAX = 10_000.0


def read_naming(top: Table) -> Naming:
    """Symbols and decision timeframe."""
    symbols = top.table("symbols")
    primary = symbols.text("primary", remedy='Name what is traded: primary = "MES"')
    partners, others = symbols.names("partners", SYMBOLS_MAX), symbols.names("others", SYMBOLS_MAX)
    for symbol in (*partners, *others):
        if symbol == primary or (symbol in partners and symbol in others):
            symbols.wrong("partners", f"{symbol} is named twice", remedy="Name each symbol once")
    traded = symbols.text("traded", "")
    if traded and traded == primary:
        symbols.wrong("traded", f"is {traded}", why="that is the primary, which is traded anyway", remedy="Remove the key")
    symbols.finish()
    name = top.text("timeframe", remedy='Write for example "15min" or "1d"')
    frame = top.read("timeframe", lambda: timeframe(name).name, "15min") if name else "15min"
    return Naming(primary, partners, others, frame, traded)


class Trading(msgspec.Struct, frozen=True):
    """The ``[trading]`` table."""

    window: TradingWindow
    signals_per_day_max: int
    outside_rth: bool
    route: Route


def read_trading(table: Table) -> Trading:
    """When, how often, and whether trades end with the session."""
    start, end = table.text("from", "09:30"), table.text("to", "16:00")
    last_day = table.text("valid_until", "")
    window = TradingWindow(
        zone=table.text("zone", "America/New_York"),
        start=table.read("from", lambda: minutes_of_day(start), 0),
        end=table.read("to", lambda: minutes_of_day(end), DAY // MINUTE),
        days=_days(table),
        last_day=table.read("valid_until", lambda: _date(last_day), ""),
        intraday=table.choice("style", ("intraday", "positional"), "intraday") == "intraday",
    )
    if window.start == window.end:
        table.wrong("to", f"is {end}, as from is", remedy='Write "00:00" to "24:00" for the whole day')
    most = table.whole("signals_per_day", SIGNALS_PER_DAY_MAX, 1, SIGNALS_PER_DAY_MAX)
    route = Route(table.choice("route", tuple(each.value for each in Route if each), Route.USUAL))
    trading = Trading(window, most, table.flag("outside_rth", default=False), route)
    table.finish()
    return trading


def _days(table: Table) -> tuple[int, ...]:
    if table.get("days") == "all":
        return tuple(range(len(DAY_NAMES)))
    names = table.names("days", len(DAY_NAMES))
    if table.get("days") == []:
        table.wrong("days", "names no day", remedy='Name one or more: ["Mon", "Tue"], or disable the scan to enter nothing')
    names = names or DAY_NAMES[:5]
    for name in names:
        if name not in DAY_NAMES:
            table.wrong("days", f"{name!r} is no weekday", remedy=f'{nearest_names(name, DAY_NAMES)} Or write days = "all"')
    return tuple(sorted(DAY_NAMES.index(name) for name in names if name in DAY_NAMES))


def _date(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a date", remedy='Write it as "2027-12-31"') from error


def read_correlation_spec(table: Table) -> CorrelationSpec:
    """What is correlated over how many pairs."""
    plain = CorrelationSpec()
    window = table.whole("window", plain.window, 2, WINDOW_PAIRS_MAX)
    minimum = table.whole("minimum", min(plain.minimum, window), 2, WINDOW_PAIRS_MAX)
    if minimum > window:
        table.wrong("minimum", f"is {minimum}, above window {window}", remedy="Use at most the window")
        minimum = window
    raw = {
        "method": table.choice("method", ("pearson", "spearman", "kendall"), plain.method),
        "window": window,
        "minimum": minimum,
        "input": table.choice("input", ("log_return", "change", "price"), plain.input),
        "gap_returns": table.choice("gap_returns", ("drop", "keep"), plain.gap_returns),
    }
    return msgspec.convert(raw, CorrelationSpec)


def read_distance(top: Table, name: str, naming: Naming) -> Distance | None:
    """The ``[stop]`` or ``[target]`` table: ``times`` with ``of``, or ``percent``, or ``long`` and ``short`` levels."""
    if not top.has(name):
        top.missing(name, _how(name))
        return None
    table = top.table(name)
    if table.has("of") or table.has("times"):
        text = table.text("of", "atr(14)")
        of = table.read("of", lambda: _own_number(text, naming), None)
        times = table.number("times", None, 0.0, TIMES_MAX)
        found: Distance | None = None if of is None else Multiple(of, times)
    elif table.has("percent"):
        found = Percent(table.number("percent", None, 0.0, STOP_PERCENT_MAX if name == "stop" else TARGET_PERCENT_MAX))
    elif table.has("long") or table.has("short"):
        texts = table.text("long"), table.text("short")
        long = table.read("long", lambda: _own_number(texts[0], naming), None) if texts[0] else None
        short = table.read("short", lambda: _own_number(texts[1], naming), None) if texts[1] else None
        found = None if long is None or short is None else Level(long, short)
    else:
        top.wrong(name, "says no distance", remedy=_how(name))
        return None
    table.finish()
    return found


def _how(name: str) -> str:
    forms = 'times = 2.0 and of = "atr(14)", or percent = 2.0, or long = "swing(2).low" and short = "swing(2).high"'
    lines = f"Write [{name}] with {forms}"
    return f'{lines}; target = "none" trades without one' if name == "target" else lines


def _own_number(text: str, naming: Naming) -> Operand:
    operand = parse_operand(text, naming)
    if operand.symbol != naming.primary or not operand.in_price_units:
        raise ConfigError(f"{text!r} is no price of {naming.primary}", remedy='Use a price or range of the primary: "atr(14)"')
    return operand


def read_own_class(table: Table) -> OwnClass:
    """The ``[python]`` table: where the class is, and its settings."""
    path = table.text("class", remedy='Write the file and the class: class = "mine.py:Mine"')
    file, colon, name = path.rpartition(":")
    if path and not (colon and file.endswith(".py") and name.isidentifier()):
        table.wrong("class", f"is {path!r}", remedy='Write the file and the class: class = "mine.py:Mine"')
    raw = table.get("settings")
    settings: dict[str, float | int | str | bool] = {}
    if raw is not None and not isinstance(raw, dict):
        table.wrong("settings", f"is {raw!r}", remedy=f"Write it as a table: [{table.key('settings')}]")
    for key, value in raw.items() if isinstance(raw, dict) else ():
        if isinstance(value, bool | int | float | str):
            settings[key] = value
        else:
            table.wrong(f"settings.{key}", f"is {value!r}", remedy="Use a number, a text, true or false")
    table.finish()
    return OwnClass(path=path, settings=settings)
