"""The checks of what a home holds: databases, runs, STOP files, sessions, instruments, rule sets, limits."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from theo.adapters.calendars.stored import session_table
from theo.adapters.sql.lease import holder
from theo.adapters.sql.market_store import SqlMarketStore
from theo.adapters.sql.schema import Database, open_database
from theo.app.checks import Check, Level, file_check
from theo.app.commands.status import stop_files
from theo.app.composition import known_instruments
from theo.app.home import Home
from theo.app.journals import commanded_folders, journal_folders, run_name
from theo.app.rulesets import find_ruleset
from theo.app.standing import standing
from theo.domain.errors import TheoError
from theo.domain.instrument import MICROS, Instrument
from theo.domain.journal import TRADING
from theo.risk.limits import Limits, impossible

SESSIONS_AHEAD = timedelta(days=14)  # what a plan asks for beyond today
USUAL_EQUITY = 100_000 * MICROS  # what the default limits are made for
RULESETS = "rulesets"  # folder of the user's own in the home


def home_checks(home: Home) -> list[Check]:
    """Every check of the home's content; each says what it looked at, also when nothing is there yet."""
    return [
        *_databases(home),
        *_runs(home),
        *_stops(home),
        *_instruments_and_sessions(home),
        *_rulesets(home),
        *_limits(home),
    ]


def _databases(home: Home) -> Iterator[Check]:
    folders = dict.fromkeys((home.store, *journal_folders(home)))
    files = [(folder, kind) for folder in folders for kind in Database if (folder / f"{kind}.db").exists()]
    broken = False
    for folder, kind in files:
        try:
            open_database(folder, kind).dispose()
        except TheoError as error:
            broken = True
            yield file_check("databases", folder / f"{kind}.db", error)
    if not broken:
        yield Check("databases", Level.OK, f"{len(files)} open, each with this build's schema" if files else "none yet")


def _runs(home: Home) -> Iterator[Check]:
    for folder in commanded_folders(home):
        name = f"run {run_name(home, folder)}"
        try:
            process = holder(folder, TRADING)
        except TheoError as error:
            yield file_check(name, folder, error)
            continue
        found = standing(home, folder)
        if found.problem:
            yield Check(name, Level.FAIL, found.problem, "Run `theo journal verify`; restore a backup if it is damaged")
        elif found.halted or found.breaker:
            yield Check(
                name, Level.WARN, f"takes no new risk: {found.halted or found.breaker}", "See `theo status`, `theo resume`"
            )
        else:
            yield Check(name, Level.OK, "not running" if process is None else f"running, process {process}")


def _stops(home: Home) -> Iterator[Check]:
    found = stop_files(home)
    if not found:
        yield Check("STOP files", Level.OK, "none")
    for file in found:
        yield Check("STOP files", Level.WARN, f"{file} halts trading", 'theo resume --reason "..." lifts it')


def _instruments_and_sessions(home: Home) -> Iterator[Check]:
    try:
        listed = known_instruments(home)
    except TheoError as error:
        yield file_check("instruments", home.instruments, error)
        return
    yield Check("instruments", Level.OK, f"{len(listed)} known")
    today = datetime.now(UTC).date()
    bad = False
    for calendar in sorted({entry.instrument.calendar for entry in listed.values()}):
        problem = _sessions(home, calendar, today)
        if problem:
            bad = True
            yield Check("sessions", Level.FAIL, problem, "Upgrade pandas-market-calendars, or add hours with their source")
    if not bad:
        yield Check("sessions", Level.OK, f"known to {today + SESSIONS_AHEAD}")


def _sessions(home: Home, calendar: str, today: date) -> str:
    """What is wrong with a calendar's sessions around today; "" when nothing is."""
    try:
        table = session_table(calendar, today - SESSIONS_AHEAD, today + SESSIONS_AHEAD, home.sessions)
    except TheoError as error:
        return str(error)
    return "" if table.sessions else f"{calendar} has no session from {today - SESSIONS_AHEAD} to {today + SESSIONS_AHEAD}"


def _rulesets(home: Home) -> Iterator[Check]:
    folder = home.path / RULESETS
    files = sorted(folder.glob("*.toml"))
    bad = False
    for path in files:
        try:
            find_ruleset(str(path))
        except TheoError as error:
            bad = True
            yield file_check("rule sets", path, error)
    if not bad:
        yield Check("rule sets", Level.OK, f"{len(files)} valid in {folder}" if files else f"none of your own in {folder}")


def _limits(home: Home) -> Iterator[Check]:
    """Limits that can never pass, at the newest stored prices."""
    try:
        instruments, prices = _stored_prices(home)
    except TheoError:
        return  # said by the check of the databases
    warnings = impossible(Limits(), instruments, prices, USUAL_EQUITY)
    for warning in warnings:
        yield Check("limits", Level.WARN, warning, "Raise the limit, or trade something smaller")
    if not warnings:
        yield Check("limits", Level.OK, f"each can pass at {len(prices)} stored prices" if prices else "no stored price to try")


def _stored_prices(home: Home) -> tuple[list[Instrument], dict[int, int]]:
    """Instruments with stored bars, and the close of each one's newest bar."""
    instruments: list[Instrument] = []
    prices: dict[int, int] = {}
    for folder in dict.fromkeys((home.store, home.demo)):
        if not (folder / "market.db").exists():
            continue
        store = SqlMarketStore(folder)
        try:
            known = {i.id: i for i in store.instruments()}
            for series in sorted(store.series(), key=lambda s: s.last):
                bars = store.latest_bars(series.instrument, series.timeframe, 1, series.source)
                if bars and series.instrument in known:
                    prices[series.instrument] = bars[-1].close
            instruments += [i for i in known.values() if i not in instruments]
        finally:
            store.close()
    return instruments, prices
