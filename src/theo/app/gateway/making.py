"""A simulated gateway from what a person asks for: its market, its hours, the moment at which its time begins."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from theo.adapters.calendars.stored import session_table
from theo.adapters.system.clock import WallClock
from theo.app.gateway.data_choice import Playing, hours_known_from
from theo.app.gateway.played_market import played_market
from theo.app.home.layout import Home
from theo.app.times import clock, parse_time
from theo.domain.errors import ConfigError
from theo.domain.market_data import DAY, SECOND, SessionScope
from theo.gateway.building import Gateway, build
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import GatewaySettings, SimulatedMarket
from theo.gateway.incidents.incident import Incident
from theo.gateway.incidents.scenario import Step, load_scenario, read_step
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.memory_file import Remembered
from theo.market.sessions import Hours, SessionTable

CALENDARS = ("NYSE", "CME_EQUITY", "CFE", "VIX")
USUAL = GatewaySettings()
YEARS_BACK, YEARS_AHEAD = 2, 2


class Made(msgspec.Struct, frozen=True):
    """A gateway that can serve; when its time begins or goes on (microseconds UTC), and what its market is, in words.

    ``began``: when the time of the first process began that had this state; equal to ``start`` without one.
    """

    gateway: Gateway
    start: int
    began: int
    market: str


class Resumed(msgspec.Struct, frozen=True):
    """What a gateway goes on with; ``at`` tells its time now (microseconds UTC), which goes on while the gateway is made."""

    state: Remembered
    at: Callable[[], int]


def made(
    home: Home,
    settings: GatewaySettings = USUAL,
    playing: Playing | None = None,
    *,
    seed: int = 7,
    start: str = "",
    scenario: Path | None = None,
    incidents: Sequence[str] = (),
    goes_on: Resumed | None = None,
) -> Made:
    """The gateway that the options of `theo gateway` ask for; session tables are kept in the home.

    Raises UserError for a wrong start or scenario, CorruptionError for a state that does not fit.
    """
    now = WallClock().now()
    begins = parse_time(start) if start else now if playing is None else playing.first
    if goes_on is not None:
        begins = goes_on.state.began
    if playing is not None and begins > playing.last:
        raise ConfigError(f"--start {start} is after the end of the data, {clock(playing.last)} New York")
    tables = _tables(home, begins, begins if playing is None else max(begins, playing.last))
    if playing is None and not start and goes_on is None:
        begins = trading_moment(tables["NYSE"], now)
    contracts = Contracts(tables, _day(begins))
    market: SimulatedMarket
    at = begins if goes_on is None else goes_on.state.now
    if playing is None:
        market, told = SyntheticMarket(seed, contracts.listings(), at), f"seed {seed}"
    else:
        market, told = played_market(playing, contracts, seed, at), playing.told
    gateway = build(settings, contracts, market, at, lambda known, requests: _steps(scenario, incidents, known, requests))
    if goes_on is None:
        return Made(gateway, begins, begins, told)
    gateway.ledgers.restore(goes_on.state.accounts)
    gateway.trading.restore(gateway.simulator.desk, goes_on.state.trading)
    return Made(gateway, goes_on.at(), begins, f"{told}, going on")


def _day(at: int) -> date:
    return datetime.fromtimestamp(at // SECOND, UTC).date()


def _tables(home: Home, begins: int, ends: int) -> dict[str, SessionTable]:
    """Hours of all calendars around a stretch of time, in whole years: stored tables then serve for a while.

    Raises ConfigError where they are not known so far back.
    """
    known = hours_known_from(CALENDARS)
    if _day(begins) <= known:
        raise ConfigError(
            f"time would begin on {_day(begins)}; the hours of all contracts are known from {known} on",
            remedy="Choose a later --start",
        )
    first, last = max(date(_day(begins).year - YEARS_BACK, 1, 1), known), date(_day(ends).year + YEARS_AHEAD, 12, 31)
    return {name: session_table(name, first, last, home.sessions) for name in CALENDARS}


def _steps(path: Path | None, single: Sequence[str], known: Mapping[str, Incident], requests: frozenset[str]) -> tuple[Step, ...]:
    steps = () if path is None else load_scenario(path, known, requests)
    return (*steps, *(read_step(text, known, requests) for text in single))


def trading_moment(table: SessionTable, now: int) -> int:
    """Now while New York trades, else the open of its newest session: so that there is a market on a Sunday."""
    hours = Hours(table, SessionScope.RTH)
    if hours.is_open(now):
        return now
    day = now // DAY
    sessions = [s for s in hours.sessions_between(day - 10, day) if s.regular and s.regular[0][0] <= now]
    return sessions[-1].regular[0][0]
