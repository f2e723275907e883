"""The checks of what a home holds: databases, runs, STOP files, sessions, instruments, rule sets, limits."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from theo.adapters.calendars.stored import session_table
from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.journal.lease import holder
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.schema.opening import Database, open_database
from theo.adapters.system.clock import WallClock
from theo.app.checks.check import Check, Level, file_check
from theo.app.checks.data import data_checks
from theo.app.checks.server import server_checks
from theo.app.checks.storage import storage_checks
from theo.app.configuration.file import configured
from theo.app.home.instruments import known_instruments
from theo.app.home.journals import commanded_folders, journal_folders, run_name
from theo.app.home.layout import Home
from theo.app.recorded.standing import last_prices, standing, stop_files
from theo.app.rulesets.finding import find_ruleset
from theo.domain.errors import TheoError
from theo.domain.instrument import MICROS
from theo.domain.journal import TRADING
from theo.risk.limits import impossible

SESSIONS_AHEAD = timedelta(days=14)  # what a plan asks for beyond today
USUAL_EQUITY = 100_000 * MICROS  # what the default limits are made for
RULESETS = "rulesets"  # folder of the user's own in the home


def home_checks(home: Home) -> list[Check]:
    """Every check of the home's content; each says what it looked at, also when nothing is there yet."""
    return [
        *server_checks(home),
        *_databases(home),
        *_runs(home),
        *_stops(home),
        *_configuration(home),
        *_instruments_and_sessions(home),
        *_rulesets(home),
        *_limits(home),
        *data_checks(home),
        *storage_checks(home, WallClock().now()),
    ]


def _databases(home: Home) -> Iterator[Check]:
    folders = dict.fromkeys((home.store, *journal_folders(home)))
    files = [(folder, kind) for folder in folders for kind in Database if is_there(folder, kind)]
    broken = False
    for folder, kind in files:
        try:
            open_database(home.place(folder), kind).dispose()
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


def _configuration(home: Home) -> Iterator[Check]:
    file = home.configuration
    try:
        configured(file)
    except TheoError as error:
        yield file_check("configuration", file, error)
    else:
        yield Check("configuration", Level.OK, f"{file} is valid" if file.exists() else f"no {file}: every default holds")


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
            find_ruleset(str(path), home)
        except TheoError as error:
            bad = True
            yield file_check("rule sets", path, error)
    if not bad:
        yield Check("rule sets", Level.OK, f"{len(files)} valid in {folder}" if files else f"none of your own in {folder}")


def _limits(home: Home) -> Iterator[Check]:
    """Limits that can never pass, at the newest recorded prices."""
    try:
        limits = configured(home.configuration).limits
        instruments = [entry.instrument for entry in known_instruments(home).values()]
        prices = _newest_prices(home, {i.id for i in instruments})
    except TheoError:
        return  # said by the checks of configuration, databases and instruments
    warnings = impossible(limits, instruments, prices, USUAL_EQUITY)
    for warning in warnings:
        yield Check("limits", Level.WARN, warning, "Raise the limit, or trade something smaller")
    if not warnings:
        yield Check(
            "limits", Level.OK, f"each can pass at {len(prices)} recorded prices" if prices else "no price to try them at"
        )


def _newest_prices(home: Home, wanted: set[int]) -> dict[int, int]:
    """Price units by instrument: what the runs saw last, else the close of the newest stored bar."""
    prices: dict[int, int] = {}
    if is_there(home.store, "market"):
        market = SqlMarketStore(home.place(home.store))
        try:
            for series in sorted(market.series(), key=lambda s: s.last):
                for bar in market.latest_bars(series.instrument, series.timeframe, 1, series.source):
                    prices[series.instrument] = bar.close
        finally:
            market.close()
    for folder in commanded_folders(home):
        journal = SqlJournalStore(home.place(folder))
        try:
            prices.update((i, price) for i, (price, _) in last_prices(journal, wanted).items())
        finally:
            journal.close()
    return prices
